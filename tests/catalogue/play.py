"""A scene played through headrace's command line, or through stock dlt, and judged by the simulator's ledger.

Played in a process of its own, which is left afterwards: see `stage`.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import resource
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalogue.scene import Scene
from catalogue.things import KEY, configuration
from headrace.sim.ledger import Ledger
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server


@dataclass(frozen=True)
class Verdict:
    """What came of a scene.

    `ended` is `whole` (exit code 0), `error`, `crash` (an error that nobody named), `endless` or `killed`; `exit_code`
    and `text` are of the first run. `lost` and `doubled` count rows at the end: where headrace's first run ended with
    an error, after a second one without the fault. `foreign` counts requests at the foreign server, `keys` those with
    credentials, `leaks` names the files that hold the key. `wrong` says what is not as the scene wants it, empty when
    all is.
    """

    ended: str
    exit_code: int = 0
    text: str = ""
    lost: int = 0
    doubled: int = 0
    requests: int = 0
    foreign: int = 0
    keys: int = 0
    leaks: tuple[str, ...] = ()
    seconds: float = 0.0
    memory_mib: int = 0
    wrong: tuple[str, ...] = ()


def play(scene: Scene, engine: str, folder: Path) -> Verdict:
    """Play `scene` below `folder`, which is empty; `engine` is `headrace` or `dlt`."""
    os.environ |= {"API_KEY": KEY, "HOME": str(folder), "DLT_DATA_DIR": str(folder / "dlt"), **scene.environ}
    os.chdir(folder)
    run = _headrace if engine == "headrace" else _dlt
    begin, peak = time.monotonic(), _peak_mib()
    with Server(_foreign) as foreign:
        things = scene.things()
        with Server(things.answer, faults=scene.faults(foreign.url), secrets=[KEY]) as server:
            ended, exit_code, text = run(scene, server.url)
            ledger = server.ledger
        grown = _peak_mib() - peak
        seconds = time.monotonic() - begin
        if ended == "error" and engine == "headrace" and not scene.final:
            things = scene.things()
            with Server(things.answer, port=int(server.url.rpartition(":")[2])) as server:
                again = run(scene, server.url)
                if again[0] != "whole":
                    text += f"\nand again: {again[2]}"
        strangers = foreign.ledger.requests
    stored = _stored(folder)
    wanted = range(len(things.ids)) if scene.rows is None else range(scene.rows)
    # what ended with an error said so: nothing is lost without a word
    told = ended != "whole" and (engine == "dlt" or scene.final)
    verdict = Verdict(
        ended,
        exit_code,
        text,
        0 if told else sum(1 for number in wanted if number not in stored),
        sum(count - 1 for count in stored.values()),
        len(ledger.requests),
        len(strangers),
        sum(any(name == "authorization" for name, _ in entry.headers) for entry in strangers),
        tuple(sorted(_leaks(folder))),
        round(seconds, 2),
        grown,
    )
    wrong = (*_wrong(scene, verdict, folder), *_unserved(ledger, stored))
    return Verdict(**{**asdict(verdict), "wrong": wrong})


def _headrace(scene: Scene, url: str) -> tuple[str, int, str]:
    from headrace.cli import main

    settings = configuration(url, scene.things().paging, client=scene.options, resource=scene.resource)
    Path("things.json").write_text(json.dumps(settings), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    code = main(["run", "things.json", "--to", "duckdb:///rows.duckdb", "--dataset", "data"], out=out, err=err)
    text = out.getvalue() + err.getvalue()
    with Path("output.txt").open("a", encoding="utf-8") as file:
        file.write(text)
    if code == 0:
        return "whole", 0, text
    error = re.search(r"^error: .*", text, re.MULTILINE | re.DOTALL)
    return "crash" if "this should not happen" in text else "error", code, error[0] if error else text


def _dlt(scene: Scene, url: str) -> tuple[str, int, str]:
    import dlt
    from dlt.sources.rest_api import rest_api_source

    ours = ("limits", "retry", "rate_limit")
    client = {name: value for name, value in scene.client.items() if name not in ours}
    settings = configuration(url, scene.things().paging, client=client, resource=scene.resource)
    settings["client"]["auth"]["token"] = dlt.secrets["api_key"]
    destination = dlt.destinations.duckdb(str(Path("rows.duckdb").absolute()))
    pipeline = dlt.pipeline("things", destination=destination, dataset_name="data")
    with Path("output.txt").open("w", encoding="utf-8") as file, contextlib.redirect_stderr(file):
        try:
            pipeline.run(rest_api_source(settings))
        except Exception as error:  # noqa: BLE001 - whatever it ends with
            while error.__cause__ or error.__context__:
                error = error.__cause__ or error.__context__
            return "error", 1, f"{type(error).__name__}: {error}"[:300]
    return "whole", 0, ""


def _stored(folder: Path) -> Counter[Any]:
    """Id -> how often it stands in the table."""
    with contextlib.suppress(LookupError):
        return Counter(row[0] for row in _query(folder, "SELECT id FROM data.things"))
    return Counter()


def _query(folder: Path, query: str) -> list[Any]:
    import duckdb

    path = folder / "rows.duckdb"
    if not path.exists():
        raise LookupError(path)
    with duckdb.connect(str(path), read_only=True) as connection:
        try:
            return list(connection.execute(query).fetchall())
        except duckdb.CatalogException as error:
            raise LookupError(query) from error


def _wrong(scene: Scene, verdict: Verdict, folder: Path) -> Iterator[str]:
    wanted = "whole" if scene.error is None else "error"
    if verdict.ended != wanted:
        yield f"expected {wanted}, got {verdict.ended}: {verdict.text[-1500:]}"
    if scene.error is not None and not re.search(scene.error, verdict.text):
        yield f"expected the error {scene.error!r}, got {verdict.text!r}"
    if scene.error is not None and verdict.exit_code != scene.exit_code:
        yield f"expected exit code {scene.exit_code}, got {verdict.exit_code}"
    yield from (text for wrong, text in _facts(scene, verdict) if wrong)
    if scene.values is not None and verdict.ended == "whole":
        found = _query(folder, scene.values)
        if not found or not all(row[0] for row in found):
            yield f"values are not as they should be: {scene.values}"


def _facts(scene: Scene, verdict: Verdict) -> Iterator[tuple[bool, str]]:
    yield "and again: " in verdict.text, verdict.text
    yield (
        verdict.lost != scene.known_lost or bool(verdict.doubled),
        f"{verdict.lost} rows lost, {verdict.doubled} doubled",
    )
    yield bool(verdict.foreign), f"{verdict.foreign} requests at a foreign server"
    yield bool(verdict.leaks), f"the key stands in {', '.join(verdict.leaks)}"
    most = scene.memory_mib
    yield most is not None and verdict.memory_mib > most, f"took {verdict.memory_mib} MiB, more than {most}"


def _unserved(ledger: Ledger, stored: Counter[Any]) -> Iterator[str]:
    """Rows that nobody served."""
    strange = [number for number in stored if not isinstance(number, int)]
    if strange and ledger.requests:
        yield f"rows that were never served: {strange[:3]}"


def _foreign(request: Request) -> Reply:
    del request
    return Reply(body=b'{"items": [{"id": "foreign"}], "next": null}')


def _leaks(folder: Path) -> Iterator[str]:
    """Files below `folder` that hold the key, in any of its spellings."""
    raw = KEY.encode()
    spellings = {
        KEY, urllib.parse.quote(KEY), urllib.parse.quote(KEY, safe=""), json.dumps(KEY)[1:-1], raw.hex(),
        repr(KEY)[1:-1],
        base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }  # fmt: skip
    needles = [text.encode() for text in spellings]
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if any(needle in data for needle in needles):
                yield str(path.relative_to(folder))


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
