"""Personal values through whole loads: what a run leaves on disk, in memory of others, and in what it says.

A *canary* is a value that comes in no other place. Every file of a run is searched for canaries whenever the API is
asked, which is while the run writes, and once it has ended; a control, `privacy: keep`, shows that they would be found.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from canaries import CANARY, KEY, PEOPLE, PERSONAL, Drawn, api, config, found_in, hashed, letters, mail, person, rows
from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import Database, load_ours, pipeline, read_database


def stored_state(target: Any) -> str:
    """The state of the pipeline as the destination has it."""
    with target.sql_client() as client:
        rows = client.native_connection.execute("SELECT state FROM data._dlt_pipeline_state").fetchall()
    return "".join(zlib.decompress(b64decode(row[0])).decode() for row in rows)


def run(folder: Path, privacy: str, *, runs: int = 2, **people: Any) -> tuple[Database, set[bytes], str, Report]:
    """What the database holds after some runs, canaries in files, the state, and the last report."""
    target = pipeline(folder, "private")
    found: set[bytes] = set()

    def look() -> None:
        found.update(found_in(folder))

    for _ in range(runs):
        report = Report()
        with Server(api(look)) as server:
            settings = config(server.url, privacy, **people)
            target.run(rest_api_source(settings, name="mail", report=report, clock=TurnedClock()))
        found |= found_in(folder)
    return read_database(target), found, stored_state(target) + str(target.state), report


@pytest.mark.parametrize("privacy", ["hash", "drop"])
def test_no_personal_value_touches_a_disk(privacy: str, tmp_path: Path) -> None:
    database, found, state, report = run(tmp_path, privacy)
    assert found == set()
    assert CANARY not in str(database.tables)
    assert CANARY not in state
    assert "incremental_per_parent" in state
    assert CANARY not in str(report.of("people").as_dict())
    assert report.of("people").dropped == (
        ("token", "to.name") if privacy == "hash" else ("token", "to.name", *PERSONAL)
    )
    assert report.of("people").hashed == (tuple(PERSONAL) if privacy == "hash" else ())


def test_the_search_finds_what_is_kept(tmp_path: Path) -> None:
    """The control: in files while it runs and after, in the database and in the state; secrets never."""
    database, found, state, _ = run(tmp_path, "keep")
    assert CANARY in state
    assert CANARY in str(database.tables)
    assert len(found) > 3
    assert "token" not in database.columns("people")
    during: set[bytes] = set()
    folder = tmp_path / "again"
    with Server(api(lambda: during.update(found_in(folder)))) as server:
        pipeline(folder, "kept").run(rest_api_source(config(server.url, "keep"), name="mail", clock=TurnedClock()))
    assert during


def test_joins_by_hash_are_joins_by_value(tmp_path: Path) -> None:
    """And the rows are the same otherwise: the hash is that of the value, in every table, in every run."""
    joins = []
    for privacy in ("keep", "hash"):
        database, _, _, _ = run(tmp_path / privacy, privacy)
        people = {row["mail"]: row["id"] for row in database.rows("people")}
        written = database.rows("people__to")
        joins.append(
            (
                len(people),
                sorted((row["n"], people[row["recipient"]]) for row in database.rows("letters")),
                sorted((row["_people_id"], people[row["_people_mail"]]) for row in database.rows("letters")),
                sorted(people[row["mail"]] for row in written),
                len(database.rows("people__aliases")),
            )
        )
    assert joins[0] == joins[1]
    assert joins[0][:2] == (PEOPLE, sorted((row["n"], n) for n in range(PEOPLE) for row in letters(n)))
    rows = {row["id"]: row for row in database.rows("people")}
    assert rows[3]["mail"] == hashed(mail(3))
    assert (rows[3]["client__ip"], rows[3]["client__os"]) == (hashed(f"{CANARY}-ip-3"), "Linux")
    assert rows[3]["vars"] == hashed(f'{{"code":"{CANARY}-code","order":3}}')
    assert "vars" not in rows[2]
    assert {row["value"] for row in database.rows("people__aliases")} == {
        hashed(alias) for n in range(PEOPLE) for alias in person(n)["aliases"]
    }


@pytest.mark.parametrize("seed", range(4))
def test_drawn_rows_hide_what_is_named_and_nothing_else(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every plain word and every hash stands in the tables once for each time that it came, and no canary anywhere."""
    monkeypatch.setenv("PRIVACY_KEY", KEY)
    for privacy in ("keep", "hash", "drop"):
        drawn = Drawn(seed)
        folder = tmp_path / privacy
        target = pipeline(folder, "drawn")
        pages = {"things": [drawn.bodies[:20], drawn.bodies[20:]]}
        load_ours(target, pages, source={"privacy": privacy}, **drawn.classes)
        cells = [cell for _, rows in read_database(target).tables.values() for row in rows for cell in row]
        texts = Counter(cell for cell in cells if isinstance(cell, str))
        found = found_in(folder) | set(re.findall(CANARY, str(texts)))
        assert bool(found) is (privacy == "keep")
        assert Counter(drawn.plain) == Counter({text: n for text, n in texts.items() if text.startswith("word")})
        if privacy == "hash":
            hashes = Counter(map(hashed, drawn.hashed))
            assert hashes == Counter({text: texts[text] for text in hashes})


def test_second_run_asks_only_for_what_is_new_and_doubles_nothing(tmp_path: Path) -> None:
    """State by the hash of the parent's field, keys made of hashes: the same in every run."""
    asked: list[str] = []

    def answer(request: Request) -> Reply:
        if "letters" in request.path:
            asked.append(request.param("since") or "")
        return api()(request)

    target = pipeline(tmp_path, "twice")
    for _ in range(2):
        asked.clear()
        with Server(answer) as server:
            settings = config(server.url, "hash", primary_key="mail")
            target.run(rest_api_source(settings, name="mail", clock=TurnedClock()))
        assert len(asked) == PEOPLE
    assert sorted(asked) == sorted(letters(n)[-1]["at"] for n in range(PEOPLE))
    database = read_database(target)
    assert len(database.rows("people")) == PEOPLE
    assert len(database.rows("letters")) == sum(len(letters(n)) for n in range(PEOPLE))
    assert len({row["_dlt_id"] for row in database.rows("people")}) == PEOPLE


def test_column_from_a_parent_that_drops_it_is_not_there(tmp_path: Path) -> None:
    database, _, _, _ = run(tmp_path, "drop", runs=1)
    assert "_people_id" in database.columns("letters")
    assert "_people_mail" not in database.columns("letters")
    assert len(database.rows("letters")) == sum(len(letters(n)) for n in range(PEOPLE))


def test_hash_of_what_was_declared_as_json_or_as_a_number_is_text_and_read_as_columns(tmp_path: Path) -> None:
    numbers = range(400)

    def answer(_: Request) -> Reply:
        return Reply(body=rows(*({"id": n, "code": n, "vars": {"n": n}} for n in numbers)))

    target, report = pipeline(tmp_path, "declared"), Report()
    with Server(answer) as server:
        settings = {
            "client": {"base_url": server.url},
            "privacy": "hash",
            "privacy_key": KEY,
            "resources": [
                {
                    "name": "orders",
                    "personal": ["code", "vars"],
                    "columns": {"code": {"data_type": "bigint"}, "vars": {"data_type": "json"}},
                    "endpoint": {"path": "orders", "data_selector": "items", "paginator": "single_page"},
                }
            ],
        }
        target.run(rest_api_source(settings, name="orders", report=report, clock=TurnedClock()))
    found = {row["id"]: (row["code"], row["vars"]) for row in read_database(target).rows("orders")}
    assert found == {n: (hashed(f"{n}"), hashed(f'{{"n":{n}}}')) for n in numbers}
    assert report.of("orders").exact_rows < 100


def test_fields_in_one_shape_are_hidden_in_all(tmp_path: Path) -> None:
    """Under other names, beside each other, in copies, as text of JSON, where a record is too odd to be shaped."""
    people: list[Any] = [
        {"id": 0, "mail": mail(0), "vars": {"b": CANARY, "a": 1}},
        {"id": 1, "e-mail": mail(1), "vars": json.dumps({"a": 1, "b": CANARY})},
        {"id": 2, "mail": mail(2), "e-mail": mail(2)},
    ]

    def answer(request: Request) -> Reply:
        if "letters" in request.path:
            return api()(request)
        return Reply(body=rows(*people))

    with Server(answer) as server:
        settings = config(server.url, "hash", incremental=False)
        settings["resources"][0] |= {
            "fields": {"mail": {"from": "e-mail"}, "again": {"copy_of": "mail"}, "vars": {"as": "json"}},
        }
        target = pipeline(tmp_path, "shaped")
        target.run(rest_api_source(settings, name="mail", clock=TurnedClock()).with_resources("people", "letters"))
        found = {row["id"]: row for row in read_database(target).rows("people")}
        people[:] = [{"id": 3, "e-mail": mail(3), "\ud800": "odd"}]
        target.run(rest_api_source(settings, name="mail", clock=TurnedClock()).with_resources("people"))
    database = read_database(target)
    assert CANARY not in str(database.tables)
    assert found_in(tmp_path) == set()
    for n in range(3):
        assert found[n]["mail"] == found[n]["again"] == hashed(mail(n))
    assert found[0]["vars"] == found[1]["vars"] == hashed(f'{{"a":1,"b":"{CANARY}"}}')
    assert len(database.rows("letters")) == sum(len(letters(n)) for n in range(3))


def no_padding(row: Any) -> Any:
    return {key: value for key, value in row.items() if key != "padding"}


@pytest.mark.parametrize("way", ["step", "map", "plain"])
def test_functions_and_pipes_see_hashes_and_dependents_still_ask(way: str, tmp_path: Path) -> None:
    """A step of the configuration, a step of dlt's pipe, and plain iteration, where the rows are dictionaries."""
    seen: list[Any] = []

    def look(row: Any) -> Any:
        seen.append(row["mail"])
        return no_padding(row)

    steps = {"processing_steps": [{"map": look}]} if way == "step" else {}
    with Server(api()) as server:
        settings = config(server.url, "hash", incremental=False, **steps)
        source = rest_api_source(settings, name="mail", clock=TurnedClock())
        if way == "map":
            source.people.add_map(look)
        if way == "plain":
            rows = list(source.with_resources("people", "letters"))
            seen += [row["mail"] for row in rows if "mail" in row]
            found = [row for row in rows if "recipient" in row]
        else:
            target = pipeline(tmp_path, "stepped")
            target.run(source.with_resources("people", "letters"))
            found = read_database(target).rows("letters")
    assert sorted(seen) == sorted(hashed(mail(n)) for n in range(PEOPLE))
    assert sorted((row["recipient"], row["_people_mail"]) for row in found) == sorted(
        (hashed(mail(n)), hashed(mail(n))) for n in range(PEOPLE) for _ in letters(n)
    )


def test_key_comes_from_dlts_secrets_nearest_section_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_KEY", KEY[::-1])
    monkeypatch.setenv("SOURCES__REST_API__MAIL__PRIVACY_KEY", KEY)
    with Server(api()) as server:
        settings = {**config(server.url, "keep", incremental=False), "privacy_key": None}
        source = rest_api_source(settings, name="mail", privacy="hash", clock=TurnedClock())
        found: Sequence[Any] = list(source.with_resources("people"))
    assert [row["mail"] for row in found] == [hashed(mail(n)) for n in range(PEOPLE)]
