"""One run at a time into a destination that several machines reach: a lease, which is a row in the dataset.

A run puts its row there, and holds the lease if it then sees no other one of its pipeline: of two that come together,
each with its row in place before it looks, at most one sees none. So it takes no lock, no key and no order of
transactions, which destinations have in different ways. One that sees another takes its own row away again.

The row ends after a minute and is put off while the run works, by the clock of the destination alone: those of the
machines count for nothing. Before each package the run looks whether its row is still there. A run that slept so long
that another one took its place ends there; a statement that was under way in the destination meanwhile may land, which
is harmless, since a package is written idempotently.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.job_client_impl import SqlJobClientBase

from headrace.bridge.first import destination_client
from headrace.errors import LockedError
from headrace.keep import Disk
from headrace.secrets import in_words

if TYPE_CHECKING:
    from dlt.common.schema import Schema
    from dlt.pipeline.pipeline import Pipeline

TABLE: Final = "_headrace_lease"
#: Seconds that a row counts after it was last put off: three renewals may fail.
LENGTH_S: Final = 60.0
#: Seconds between two looks of one who waits.
_LOOK_S: Final = 1.0
_NAME: Final = re.compile(rb"[0-9a-f]{32}")
#: How often one steps back from others who come at the same moment.
_MOST_TRIES: Final = 10


def can_lease(client: Any) -> bool:
    """Whether the destination behind dlt's `client` is a database that several machines may reach.

    Files, object stores and databases without transactions have no lease, nor have a DuckDB or an SQLite file.
    """
    if not isinstance(client, SqlJobClientBase) or client.capabilities.supports_transactions is False:
        return False
    credentials = getattr(client.config, "credentials", None)
    drivers = str(getattr(credentials, "drivername", ""))
    return client.config.destination_type not in ("duckdb", "ducklake") and not drivers.startswith("sqlite")


@contextmanager
def leased(
    pipeline: Pipeline, schema: Schema, folder: Path, wait_s: float, note: Callable[[str], None]
) -> Iterator[Callable[[], None]]:
    """Let no run of the pipeline on another machine work meanwhile; gives what is called before each package.

    `folder` is that of the lock, which this run holds. Where the destination has no lease, or does not give one now,
    the block runs without, and `note` is told in the second case. Raises `LockedError`, the block's function too.
    """
    if not can_lease(destination_client(pipeline, schema)):
        yield _nothing
        return
    try:
        lease = Lease(lambda: destination_client(pipeline, schema), pipeline.pipeline_name, _holder(folder))
        lease.take(wait_s, note)
    except LockedError:
        raise
    except Exception as error:  # noqa: BLE001 - what the destination is like shows when it is loaded into
        note(f"warning: no lease at the destination, runs on other machines are not kept apart: {in_words(error)}")
        yield _nothing
        return
    try:
        yield lease.check
    finally:
        lease.free()


def _nothing() -> None:
    """Nobody else can come."""


class Lease:
    """The lease of pipeline `name`; `open_client` makes a client of the destination, one for each thread.

    `holder` tells runs apart that may work at the same time. A row of that name is of a run that was killed.
    """

    def __init__(
        self,
        open_client: Callable[[], Any],
        name: str,
        holder: str,
        *,
        length_s: float = LENGTH_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._renewing = open_client(), open_client()
        self._name = name
        self._length_s = length_s
        self._sleep = sleep
        self._holder = holder
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, wait_s: float = 0, waits: Callable[[str], None] | None = None) -> None:
        """Hold it, after `wait_s` seconds at most; `waits` is told once for whom.

        Raises:
            LockedError: another run holds it.
            Exception: whatever the destination raises.
        """
        waited_s, tries = 0.0, 0
        self._make()
        while True:
            with self._client.sql_client as sql:
                holder, came_together = self._tried(sql)
            if holder is None:
                break
            tries += came_together
            if came_together and tries < _MOST_TRIES:
                self._sleep(random.uniform(0, _LOOK_S))  # noqa: S311 - only to be apart
                continue
            if waited_s >= wait_s:
                raise self._refused(holder, "try again when that has ended, or wait for it: `--wait 10m`")
            if waits is not None and not waited_s:
                waits(f"waiting for {holder}")
            self._sleep(_LOOK_S)
            waited_s += _LOOK_S
        self._thread = threading.Thread(target=self._renew, name="headrace-lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """See that it is still held, before a package. Raises `LockedError`, or whatever the destination raises."""
        with self._client.sql_client as sql:
            self._put_off(sql)  # one that ran out, and that nobody took, is taken up again
            rows = self._rows(sql)
        if self._holder not in rows:
            others = [said for said, _ in rows.values()]
            raise self._refused(
                others[0] if others else "another run",
                "this run was stopped for so long that its lease ended; run the same command again",
            )

    def free(self) -> None:
        """Let others have it."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(Exception), self._client.sql_client as sql:  # it ends by itself where the destination is away
            self._withdraw(sql)

    def _tried(self, sql: Any) -> tuple[str | None, bool]:
        """Who holds it, None if it is this run now; and whether that one came at the same moment."""
        now = _now(sql)
        ended = "DELETE FROM {table} WHERE pipeline = %s AND (expires < %s OR holder = %s)"
        self._run(sql, ended, self._name, now, self._holder)
        rows = self._rows(sql)
        together = not rows
        if together:
            values = (self._name, self._holder, _signature(), now + self._length_s)
            self._run(sql, "INSERT INTO {table} (pipeline, holder, said, expires) VALUES (%s, %s, %s, %s)", *values)
            rows = self._rows(sql)
            mine = rows.pop(self._holder, None)
            if mine is not None and not rows:
                return None, False
            self._withdraw(sql)
        return next((said for said, _ in rows.values()), "another run"), together

    def _withdraw(self, sql: Any) -> None:
        self._run(sql, "DELETE FROM {table} WHERE pipeline = %s AND holder = %s", self._name, self._holder)

    def _put_off(self, sql: Any) -> None:
        until = _now(sql) + self._length_s
        self._run(sql, "UPDATE {table} SET expires = %s WHERE pipeline = %s AND holder = %s",
                  until, self._name, self._holder)  # fmt: skip

    def _renew(self) -> None:
        while not self._ended.wait(self._length_s / 4):
            with suppress(Exception), self._renewing.sql_client as sql:  # the check before the package will tell
                self._put_off(sql)

    def _rows(self, sql: Any) -> dict[str, tuple[str, float]]:
        """Holder -> what it says of itself, and its end; all rows of the pipeline."""
        found = self._run(sql, "SELECT holder, said, expires FROM {table} WHERE pipeline = %s", self._name) or ()
        return {holder: (_said(said), float(expires)) for holder, said, expires in found}

    def _make(self) -> None:
        """Have the table, and the dataset."""
        with self._client.sql_client as sql:
            if not sql.has_dataset():
                with suppress(Exception):  # another run makes it at this moment
                    sql.create_dataset()
            try:
                self._rows(sql)
            except DatabaseUndefinedRelation:
                text, number = (
                    self._client.type_mapper.to_destination_type({"name": "x", "data_type": kind}, {"name": TABLE})
                    for kind in ("text", "double")
                )
                columns = f"pipeline {text}, holder {text}, said {text}, expires {number}"
                try:
                    self._run(sql, f"CREATE TABLE {{table}} ({columns})")
                except Exception as refusal:  # noqa: BLE001 - another run makes it at this moment, or nobody may
                    try:
                        self._rows(sql)
                    except DatabaseUndefinedRelation:
                        raise refusal from None

    def _run(self, sql: Any, query: str, *values: Any) -> Any:
        return sql.execute_sql(query.format(table=sql.make_qualified_table_name(TABLE)), *values)

    def _refused(self, holder: str, hint: str) -> LockedError:
        return LockedError(
            f"expected to be the only run of pipeline `{self._name}`, {holder} holds its lease at the destination",
            hint=hint,
        )


def _holder(folder: Path) -> str:
    """The name of the runs that share the lock in `folder`: one that was killed does not keep the next one out."""
    path = folder / "holder"
    name = path.read_bytes() if path.exists() else b""
    if not _NAME.fullmatch(name):
        name = uuid.uuid4().hex.encode()
        Disk().replace(path, name)  # nor one whose machine lost its power
    # a folder may be copied with a machine's image
    return f"{name.decode()} {socket.gethostname()}"


def _now(sql: Any) -> float:
    """The time of the destination, in seconds."""
    value = sql.execute_sql("SELECT CURRENT_TIMESTAMP")[0][0]
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return float((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())


def _signature() -> str:
    started = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    return json.dumps({"process": os.getpid(), "host": socket.gethostname(), "started": started})


def _said(text: str) -> str:
    try:
        said = json.loads(text)
        return f"process {said['process']} on {said['host']} (since {said['started']})"
    except (ValueError, TypeError, KeyError):
        return "another run"
