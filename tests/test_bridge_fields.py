"""Fields that an API spells in several ways: one column each, of one type, on both paths."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.engine import Report
from headrace.errors import ConfigError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database

FIELDS: dict[str, Any] = {
    "envelope": {"from": ["envelop"]},
    "occurred_at": {"copy_of": "timestamp", "as": "timestamp"},
    "created_at": {"as": "timestamp", "from": "createdAt"},
    "user-variables": {"as": "json"},
    "storage.url": {"as": "list"},
    "delivery-status.code": {"as": "text"},
    "parts[*].seen-at": {"as": "timestamp"},
}
SEEN = ["Mon, 02 Mar 2026 10:00:00 GMT", "Mon, 02 Mar 2026 10:00:00 -0000", "2026-03-02 10:00:00 +0000 UTC",
        "2026-03-02T10:00:00Z", "2026-03-02T10:00:00"]  # fmt: skip
MOMENT = datetime(2026, 3, 2, 10, tzinfo=timezone.utc)
VARIABLES: list[tuple[Any, Any]] = [
    ({"order": "77"}, {"order": "77"}), ('{"order": "77"}', {"order": "77"}), ({}, {}), ("{}", {}),
    ("Could not load user-variables", "Could not load user-variables"),
]  # fmt: skip


def variables(number: int) -> tuple[Any, Any]:
    """As sent and as stored; a text that is no JSON comes among the first rows alone."""
    return VARIABLES[number % 5 if number < 20 else number % 4]


def row(number: int) -> dict[str, Any]:
    kind = number % 5
    return {
        "id": number,
        "timestamp": 1666214138.4046676 + number,
        "envelop" if kind % 2 else "envelope": {"targets": f"t{number}"},
        "createdAt" if kind % 2 else "created_at": SEEN[kind],
        "user-variables": variables(number)[0],
        "storage": {"url": "u" if kind % 2 else ["u", "v"]},
        "delivery-status": {"code": 250 if kind % 2 else "250"},
        "parts": [{"seen-at": SEEN[kind]}],
    }


def answer(request: Request) -> Reply:
    page = int(request.param("page") or 0)
    return Reply(body=json.dumps([row(number) for number in range(100 * page, min(100 * page + 100, 450))]).encode())


def config(url: str, **resource: Any) -> dict[str, Any]:
    endpoint = {"data_selector": "$", "paginator": {"type": "page_number", "total_path": None}}
    events = {
        "name": "events",
        "primary_key": "id",
        "write_disposition": "merge",
        "fields": FIELDS,
        "endpoint": endpoint,
    }
    return {"client": {"base_url": url}, "resources": [events | resource]}


def test_every_spelling_is_one_column_of_one_type(tmp_path: Path) -> None:
    target, report = pipeline(tmp_path, "spelt"), Report()
    with Server(answer) as server:
        target.run(rest_api_source(config(server.url), name="api", report=report))
    loaded = read_database(target)
    rows = {found["id"]: found for found in loaded.rows("events")}
    assert len(rows) == 450
    for number, found in rows.items():
        sent = row(number)
        assert found["timestamp"] == sent["timestamp"]
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=sent["timestamp"])
        assert abs(found["occurred_at"] - moment) < timedelta(microseconds=2)
        assert found["created_at"] == MOMENT
        assert found["envelope__targets"] == f"t{number}"
        assert json.loads(found["user_variables"]) == variables(number)[1]
        assert found["delivery_status__code"] == "250"
    assert not [name for name in rows[0] if "__v_" in name or name.startswith(("envelop_", "user_variables_"))]
    urls = [found["value"] for found in loaded.rows("events__storage__url")]
    assert sorted(urls) == sorted("u" * 450 + "v" * 270)
    assert {found["seen_at"] for found in loaded.rows("events__parts")} == {MOMENT}
    # most rows were read as columns
    assert report.of("events").exact_rows < 200


def test_fields_are_in_shape_before_they_are_hidden(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "hidden")
    with Server(answer) as server:
        target.run(rest_api_source(config(server.url, private=["envelope.targets"]), name="api"))
    assert "envelope__targets" not in read_database(target).rows("events")[0]


def test_a_declared_type_is_left_as_it_is(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "declared")
    with Server(answer) as server:
        columns = {"created_at": {"data_type": "text"}}
        target.run(rest_api_source(config(server.url, columns=columns), name="api"))
    assert isinstance(read_database(target).rows("events")[0]["created_at"], str)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"at": {"as": "date"}}, "at.as"),
        ({"at": {"from": []}}, "at.from"),
        ({"at": {"form": "text"}}, "at.form"),
        ({"": {"as": "text"}}, "fields"),
    ],
)
def test_what_is_no_shape_is_named(fields: Any, where: str) -> None:
    with pytest.raises(ConfigError, match=where):
        rest_api_source(config("https://api.test", fields=fields))
