r"""What dlt's own source loads, headrace loads the same in other places than DuckDB: PostgreSQL, Parquet, JSON files.

Left out of the data is what dlt cannot load there: integers beyond 64 bits, decimals with more digits than their column
(Parquet), `\u0000` inside JSON columns (PostgreSQL).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from headrace.sim.message import Reply, Request
from loading import Pages, configuration, cursor_service
from nasty_json import DLT_LOADS, data_set, random_sets
from parity import Contest, Service, Stage, assert_same
from places import FILES, JSON_FILES, Place, postgres_place
from stands import compare
from test_parity import KINDS_OF_LOAD, table_of

#: Name -> hints, and the records of each run.
Kinds = dict[str, tuple[dict[str, Any], list[list[str]]]]

SHORT_DECIMAL: Kinds = {
    "declared": (
        KINDS_OF_LOAD["declared"][0],
        [[text.replace('"12.3456789015"', '"12.345678901"') for text in run] for run in KINDS_OF_LOAD["declared"][1]],
    )
}

#: What is written in its own way into insert statements, CSV and Parquet.
VALUES: Kinds = {
    "odd text": ({}, [[
        r'{"a":"é\"\\ \n\t\r\b\f\u0001\u001f\u007f\u0085\u2028 𝄞 , ; | \u0027 `"}', r'{"a":""}', r'{"a":null}',
        r'{"a":"\\N"}', r'{"a":"NULL"}', r'{"a":" "}', r'{"a":"\"quoted\""}', r'{"a":"a\r\nb"}', r'{"a":"\\x41"}',
        r'{"a":"{1,2}"}', r'{"a":"%s %(x)s {0} $1"}', r'{"a":"E\\\u0027; --"}', r'{"a":"\\."}', r'{"a":"a,b"}',
        r'{"a":"\\\\"}', r'{"a":"\ufeff\ufffe\uffff"}', r'{"a":"\"\""}', r'{"a":"\""}',
    ]]),
    "empty text in a list": ({}, [['{"t":["","x",null]}', '{"t":[{"u":""}]}']]),
    "empty key": ({"primary_key": "a", "write_disposition": "merge"}, [['{"a":""}', '{"a":"x"}'], ['{"a":"","v":1}']]),
    "json column": (
        {"columns": {"raw": {"data_type": "json"}}},
        [[
            r'{"raw":{"b":[1,2.0,"é\"\\ \n",null,true,""],"a":{"z":1,"y":{}}}}', '{"raw":[]}', '{"raw":{}}',
            '{"raw":"text"}', '{"raw":3}', '{"raw":1.5}', '{"raw":true}', '{"raw":null}', r'{"raw":"{\"x\": 1}"}',
        ]],
    ),
    "numbers": ({}, [[
        '{"i":0,"d":0.1,"b":true}', '{"i":-9223372036854775808,"d":1e308,"b":false}', '{"d":5e-324}',
        '{"i":9223372036854775807,"d":-1e-308,"b":null}', '{"d":3.0}', '{"d":1}', '{"d":123456789.123456789}',
        '{"d":0.30000000000000004}', '{"d":-0.0}',
    ]]),
    "type drift": ({}, [
        [
            '{"a":1}', '{"a":"x"}', '{"a":1.5}', '{"a":true}', '{"a":"2024-01-01T00:00:00Z"}', '{"a":[1]}',
            '{"a":{"b":1}}',
        ],
        ['{"a":"y"}', '{"a":2}'],
    ]),
    "double then others": ({}, [['{"a":1.5}', '{"a":1}', '{"a":"7"}', '{"a":"x"}', '{"a":""}']]),
    "text then others": ({}, [['{"a":"x"}', '{"a":1}', '{"a":1.0}', '{"a":1e22}', '{"a":true}', '{"a":{"b":1}}']]),
    "timestamps": ({}, [[
        '{"a":"2024-01-01T00:00:00Z"}', '{"a":"2024-01-01T12:34:56.123456+02:00"}', '{"a":"1900-01-01 00:00:00"}',
        '{"a":"2024-01-01T12:34:56.123456789Z"}', '{"a":"1970-01-01T00:00:00"}', '{"a":"9999-12-31T23:59:59Z"}',
        '{"a":"0001-01-01T00:00:00Z"}', '{"a":1700000000}', '{"a":1700000000.25}',
    ]]),
    "dates and times": (
        {"columns": {
            "d": {"data_type": "date"}, "t": {"data_type": "time"}, "p": {"data_type": "timestamp", "precision": 3},
        }},
        [['{"d":"2024-02-29","t":"12:34:56.5","p":"2024-01-01T12:00:00.123456Z"}', '{"d":"0001-01-01","p":null}']],
    ),
    "decimals": (
        {"columns": {
            "d": {"data_type": "decimal"}, "p": {"data_type": "decimal", "precision": 10, "scale": 2},
            "w": {"data_type": "wei"},
        }},
        [[
            '{"d":0.1,"p":1.25,"w":1}', '{"d":-5,"p":7,"w":null}',
            '{"d":"12345678901234567890.123456789","p":"-12345678.99","w":"123456789012345678901234567890"}',
        ]],
    ),
    "precision": (
        {"columns": {
            "i": {"data_type": "bigint", "precision": 32}, "s": {"data_type": "bigint", "precision": 16},
            "t": {"data_type": "text", "precision": 5},
        }},
        [['{"i":1,"s":2,"t":"abcde"}']],
    ),
    "binary": (
        {"columns": {"b": {"data_type": "binary"}}},
        [['{"b":"aGVsbG8="}', '{"b":""}', '{"b":null}', '{"b":"AAEC/w=="}']],
    ),
    "hints": (
        {"columns": {"id": {"data_type": "bigint", "unique": True}, "s": {"data_type": "text", "sort": True}}},
        [['{"id":1,"s":"a"}'], ['{"id":2,"s":"b"}']],
    ),
    "names": ({}, [['{"Group":1,"select":2,"a b":3,"userName":4,"x-y":5,"Äpfel":6,"2nd":7,"c.d":8,"%":9,"_z_":11}']]),
    "long names": ({}, [['{"%s":1,"%s":{"%s":2,"l":[1]}}' % ("n" * 70, "m" * 50, "k" * 50)]]),  # noqa: UP031 - braces
    "deep": ({}, [['{"a":{"b":{"c":[{"d":[{"e":[1,[2,3]]}]}]}}}', '{"a":null}']]),
    "empty rows": ({}, [["{}", '{"a":null}'], ['{"a":1}', "{}"]]),
    "late columns": ({}, [['{"a":1}', '{"a":1,"b":2}'], ['{"c":{"d":[1]},"a":1}']]),
    "hard delete": (
        {
            "primary_key": "id", "write_disposition": "merge",
            "columns": {"gone": {"hard_delete": True, "data_type": "bool"}},
        },
        [['{"id":1,"gone":false}', '{"id":2}'], ['{"id":1,"gone":true}', '{"id":3,"gone":true}']],
    ),
    "versions": (
        {
            "merge_key": "id",
            "write_disposition": {
                "disposition": "merge", "strategy": "scd2", "validity_column_names": ["since", "until"],
            },
        },
        [['{"id":1,"v":""}', '{"id":2,"v":null}'], ['{"id":1,"v":null}', '{"id":2,"v":null}']],
    ),
}  # fmt: skip

KINDS = KINDS_OF_LOAD | SHORT_DECIMAL | VALUES


@pytest.fixture(scope="module", params=["postgres", FILES, JSON_FILES], ids=str)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found if isinstance(found, Place) else postgres_place(request.getfixturevalue("postgres"))


@pytest.fixture(scope="module")
def contest(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """All kinds of loads, twice, side by side as resources of one source."""
    held = Contest(tmp_path_factory.mktemp("kinds"), place)
    with Stage() as stage:
        for run in range(2):
            kinds = {table_of(name): kind for name, kind in KINDS.items() if run < len(kind[1])}
            pages: Pages = {table: [[text] for text in texts[run]] or [[]] for table, (_, texts) in kinds.items()}
            hints = {table: hints for table, (hints, _) in kinds.items()}
            stage.service = cursor_service(pages)
            held.load(stage, lambda url, hints=hints: configuration(url, list(hints), hints))
    return held


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_load(kind: str, contest: Contest) -> None:
    for run in range(len(KINDS[kind][1])):
        ours, theirs = (stand.of(table_of(kind)) for stand in contest.stands[run])
        compare(ours, theirs)


@pytest.mark.parametrize("setting", ["ADD_DLT_ID", "ADD_DLT_LOAD_ID"])
def test_ids_that_dlt_adds_to_arrow_tables_change_nothing(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"NORMALIZE__PARQUET_NORMALIZER__{setting}", "true")
    service = cursor_service({"things": [['{"id":1,"t":[1,{"u":[2]}]}']]})
    assert_same(service, lambda url: configuration(url, ["things"]), folder=tmp_path, runs=2)


@random_sets(1)
def test_nasty_data_sets(dice: Random, place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Many data sets a load, each a resource of its own; without whole numbers that dlt rounds."""
    nasty = replace(DLT_LOADS, many_digits=False)
    pages = {f"set{number}": [data_set(dice, nasty)] for number in range(12)}
    assert_same(
        cursor_service(pages),
        lambda url: configuration(url, list(pages)),
        folder=tmp_path_factory.mktemp("nasty"),
        place=place,
    )


def orders(*days: int) -> Service:
    """An order of each of `days`, two a page, from the day that is asked for on; and the parts of each order."""

    def answer(request: Request) -> Reply:
        if request.path == "/orders":
            rows: list[dict[str, Any]] = [
                {"id": day, "at": f"2024-01-{day:02}T00:00:00Z", "note": "", "lines": [{"n": day}, {"n": ""}]}
                for day in days
            ]
            rows = [row for row in rows if row["at"] >= (request.param("since") or "")]
        else:
            rows = [{"part": number, "name": "" if number else "x"} for number in range(3)]
        page = int(request.param("page") or 0)
        return Reply(body=json.dumps({"items": rows[2 * page : 2 * page + 2]}).encode())

    return answer


def orders_and_parts(url: str) -> dict[str, Any]:
    return {
        "client": {"base_url": url, "paginator": {"type": "page_number", "base_page": 0, "total_path": None}},
        "resource_defaults": {"endpoint": {"data_selector": "items"}},
        "resources": [
            {
                "name": "orders",
                "primary_key": "id",
                "write_disposition": {"disposition": "merge", "strategy": "delete-insert"},
                "endpoint": {
                    "params": {"since": "{incremental.start_value}"},
                    "incremental": {"cursor_path": "at", "initial_value": "2024-01-01T00:00:00Z"},
                },
            },
            {
                "name": "parts",
                "primary_key": ["_orders_id", "part"],
                "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                "include_from_parent": ["id", "note"],
                "endpoint": {"path": "orders/{resources.orders.id}/parts"},
            },
        ],
    }


def test_dependents_and_watermarks(place: Place, tmp_path: Path) -> None:
    """Three runs: some days, more days, the same days."""
    services = [orders(1, 2, 3), orders(2, 3, 4, 5), orders(2, 3, 4, 5)]
    contest = assert_same(services, orders_and_parts, folder=tmp_path, place=place)
    asked = [[request.param("since") for request in ours.requests] for ours, _ in contest.stands]
    assert [next(filter(None, one)) for one in asked] == [f"2024-01-{day}T00:00:00Z" for day in ("01", "03", "05")]
