"""Runs that keep their pages, as `headrace run` does it, without its process; an API that may fail or change."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.bridge.keep import Keep
from headrace.bridge.plan import plan_source
from headrace.bridge.source import source_of
from headrace.clock import TurnedClock
from headrace.command.steps import steps
from headrace.engine import Report, Steps
from headrace.keep import Disk
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, refused

TOKEN = "token-of-the-account"
CLIENT = {"auth": {"type": "bearer", "token": TOKEN}, "retry": {"max_retries": 0}}


@dataclass
class Listing:
    """Rows behind one of three kinds of paging, `page` at a time; `broken` says which pages are refused with 500.

    `asked` are the pages that were asked for; those in `gone` are refused once with `refusal`.
    """

    rows: list[dict[str, Any]]
    page: int = 2
    broken: Callable[[int], bool] = lambda _: False
    asked: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    refusal: int = 410

    def __call__(self, request: Request) -> Reply:
        place = int(request.param("at") or request.param("cursor") or request.param("offset") or 0)
        self.asked.append(place // self.page)
        if place // self.page in self.gone:
            self.gone.remove(place // self.page)
            return Reply(self.refusal, b"{}")
        if self.broken(place // self.page):
            return Reply(500, b"{}")
        rows = self.rows[place : place + self.page]
        following = place + self.page if place + self.page < len(self.rows) else None
        link = None if following is None else f"{request.path}?at={following}&key={TOKEN}"
        return Reply(body=json.dumps({"items": rows, "next": following, "link": link}).encode())

    def asked_since(self) -> list[int]:
        """The pages asked for since the last time, in order."""
        asked, self.asked = sorted(self.asked), []
        return asked


PAGING: Mapping[str, Any] = {
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "at"},
    "link": {"type": "json_link", "next_url_path": "link"},
    "offset": {"type": "offset", "limit": 2, "total_path": None},
    "auto": "auto",
}


def settings(url: str, paging: str = "cursor", **resource: Any) -> dict[str, Any]:
    """The configuration for one `Listing`, merged by `id`; `resource` are options of the resource, `client` too."""
    client = {**CLIENT, **resource.pop("client", {})}
    endpoint = {"path": "items", "paginator": PAGING[paging], **resource.pop("endpoint", {})}
    if paging != "auto":
        endpoint = {"data_selector": "items", **endpoint}
    merged = {"primary_key": "id", "write_disposition": "merge"}
    return {
        "client": {"base_url": url, **client},
        "resources": [{"name": "items", **merged, **resource, "endpoint": endpoint}],
    }


class Runs:
    """Runs of one pipeline in a folder, one after the other; `clock` is theirs, `disk` what their pages go to."""

    def __init__(self, folder: Path) -> None:
        self.target = pipeline(folder, "keeping")
        self.folder = folder / "kept"
        self.clock = TurnedClock()
        self.share = math.inf
        self.disk: Disk | None = None
        #: What a step's time is measured by.
        self.now: Callable[[], float] = lambda: 0.0
        self.report = Report()
        #: The packages of the last run.
        self.packages: list[str] = []

    def load(self, config: Mapping[str, Any], names: Sequence[str] = (), **options: Any) -> Report:
        """One run that succeeds."""
        with self._kept(config, names, **options) as (source, keep):
            self._run(source, keep)
            keep.discard()
        return self.report

    def _run(self, source: Any, keep: Keep) -> None:
        """Load it, in steps where the configuration says so."""
        self.packages = []
        for step in steps(self.plan, source, lambda: self._source(keep), self.report, keep):
            self.packages += self.target.run(step).loads_ids

    def fail(self, config: Mapping[str, Any], kind: type[BaseException], **options: Any) -> BaseException:
        """One run that fails with an error of this kind."""
        with self._kept(config, (), **options) as (source, keep), refused(kind) as found:
            self._run(source, keep)
        return found[0]

    def _source(self, keep: Keep) -> Any:
        return source_of(self.plan, name="api", report=self.report, clock=self.clock, keep=keep)

    @contextmanager
    def _kept(self, config: Mapping[str, Any], names: Sequence[str], **options: Any) -> Iterator[tuple[Any, Keep]]:
        keep = Keep(share=self.share, disk=self.disk, steps=Steps(self.now))
        keep.open(self.folder)
        self.report = Report()
        self.plan, _ = plan_source(config, name="api", **options)
        source = self._source(keep)
        try:
            yield (source.with_resources(*names) if names else source), keep
        finally:
            keep.close()


@contextmanager
def served(*listings: Listing, **named: Listing) -> Iterator[str]:
    """The address of `/items`, the first listing, and of others by name."""
    paths = {"/items": listings[0], **{f"/{name}": listing for name, listing in named.items()}} if listings else named

    def answer(request: Request) -> Reply:
        return paths[request.path](request)

    with Server(answer) as server:
        yield server.url


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many rows with an `id`."""
    return [{"id": number, "name": f"row {number}", **more} for number in range(count)]
