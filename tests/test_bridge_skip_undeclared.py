"""Refused calls of rows of a parent, skipped though the configuration says nothing: where, and where not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace.config import HeadraceWarning
from headrace.errors import RefusedError
from headrace.sim.message import Reply, Request
from loading import refused
from skipping import MERGED, ONE_FOR_ALL, PAGE, PER_DOMAIN, SCD2, Service, config, loaded, reply, run


def undeclared(url: str, events: Mapping[str, Any], *further: Mapping[str, Any], **endpoint: Any) -> dict[str, Any]:
    """The same without a word about skipping."""
    return config(url, events, *further, response_actions=[], **endpoint)


class Many(Service):
    """As many domains as are named, of which `gone` answer with that status."""

    def __init__(self, names: list[str], gone: Mapping[str, int]) -> None:
        super().__init__()
        self.names, self.gone = names, gone

    def truth(self) -> list[str]:
        return sorted(row["id"] for name in self.names if name not in self.gone for row in self._events(name))

    def __call__(self, request: Request) -> Reply:
        what, *rest = request.path.strip("/").split("/")
        if what == "domains":
            return reply([{"name": name} for name in self.names])
        if what == "events" and rest[0] in self.gone:
            return Reply(self.gone[rest[0]], json.dumps({"message": f"no {rest[0]}"}).encode())
        return super().__call__(request)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_rows_of_a_parent_lead_to_is_skipped_without_being_declared(status: int, tmp_path: Path) -> None:
    service = Many(list("abc"), {"b": status})
    with pytest.warns(HeadraceWarning, match=f"1 call was skipped: resources.domains.name=b: {status} no b"):
        target, report = run(tmp_path, service, lambda url: undeclared(url, MERGED))
    assert loaded(target) == service.truth()
    assert [skip.status for skip in report.of("events").skipped] == [status]


@pytest.mark.parametrize("incremental", [PER_DOMAIN, ONE_FOR_ALL], ids=["per parent", "one for all"])
def test_the_watermark_of_such_a_call_stays(incremental: Any, tmp_path: Path) -> None:
    service = Many(list("abc"), {"b": 403})
    with pytest.warns(HeadraceWarning, match="no b"):
        run(tmp_path, service, lambda url: undeclared(url, MERGED, incremental=incremental))
    service.hours, service.gone = 7, {}
    target, _ = run(tmp_path, service, lambda url: undeclared(url, MERGED, incremental=incremental))
    assert loaded(target) == service.truth()


def test_where_all_are_refused_the_reason_is_not_in_the_rows(tmp_path: Path) -> None:
    """A wrong path is an error, with the words that it has without parents."""
    service = Many(list("abc"), dict.fromkeys("abc", 404))
    with refused(RefusedError) as found:
        run(tmp_path, service, lambda url: undeclared(url, MERGED))
    assert "expected 200, got 404 Not Found" in str(found[0])
    assert "events/a" in str(found[0])


def test_many_that_are_refused_in_turn_have_a_reason_in_common(tmp_path: Path) -> None:
    """A key that ends in the midst: not every row that follows is asked for."""
    names = [f"d{number:03}" for number in range(200)]
    service = Many(names, dict.fromkeys(names[50:], 401))
    with refused(RefusedError) as found:
        run(tmp_path, service, lambda url: undeclared(url, MERGED))
    assert "got 401 Unauthorized" in str(found[0])
    assert ", as were the 19 calls before it" in str(found[0])
    assert len([path for path in service.asked if path >= "/events/d050"]) < 40


def test_some_in_turn_have_not(tmp_path: Path) -> None:
    names = [f"d{number:03}" for number in range(60)]
    service = Many(names, {name: 404 for name in names if int(name[1:]) % 20})
    with pytest.warns(HeadraceWarning, match="57 calls were skipped"):
        target, _ = run(tmp_path, service, lambda url: undeclared(url, MERGED))
    assert loaded(target) == service.truth()


def test_a_refusal_in_the_midst_of_a_listing_is_an_error(tmp_path: Path) -> None:
    """The row was there a moment ago: what ended is the listing, which is begun anew."""
    service = Service(closed={"b": PAGE})
    with refused(RefusedError) as found:
        run(tmp_path, service, lambda url: undeclared(url, MERGED))
    assert "got 403 Forbidden" in str(found[0])


def test_what_is_declared_counts_before(tmp_path: Path) -> None:
    service = Many(list("abc"), {"b": 404})
    ignored = [{"status_code": 404, "action": "ignore"}]
    target, report = run(tmp_path, service, lambda url: config(url, MERGED, response_actions=ignored))
    assert loaded(target) == service.truth()
    assert report.of("events").skipped == []


@pytest.mark.parametrize("events", [{"write_disposition": "replace"}, SCD2, {**MERGED, "merge_key": "n"}])
def test_where_rows_that_do_not_come_are_taken_for_gone_nothing_is_skipped(events: Any, tmp_path: Path) -> None:
    with refused(RefusedError) as found:
        run(tmp_path, Many(list("abc"), {"b": 404}), lambda url: undeclared(url, events))
    assert "got 404 Not Found" in str(found[0])
    assert "cannot be skipped" not in str(found[0])  # nobody asked for it


def test_values_that_somebody_names_are_not_skipped(tmp_path: Path) -> None:
    """A parameter of the source is no row of the API: a wrong one is a mistake."""

    def configured(url: str) -> dict[str, Any]:
        made = undeclared(url, MERGED)
        made["resources"] = [{**made["resources"][1], "endpoint": {**made["resources"][1]["endpoint"]}}]
        made["resources"][0]["endpoint"]["path"] = "events/{name}"
        return {**made, "params": {"name": ["a", "b"]}}

    with refused(RefusedError):
        run(tmp_path, Many(list("abc"), {"b": 404}), configured)
