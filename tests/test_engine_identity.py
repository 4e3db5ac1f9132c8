"""Which rows are the same row, through whole runs: nothing doubles, nothing is lost, the last of a key wins."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import dlt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.engine import Identities, Report
from headrace.errors import KeyCollisionError
from headrace.normalise import repeated_id
from headrace.normalise.ids import content_digest
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import Database, load_ours, pipeline, read_database, refused, working_tables

MERGE: Mapping[str, Any] = {"primary_key": "id", "write_disposition": "merge"}
RULES = working_tables()
KEEP_ALL: Mapping[str, Any] = {"primary_key": "dt", "write_disposition": "merge", "key_collisions": "keep_all"}


def load(target: dlt.Pipeline, *pages: Sequence[str], **options: Any) -> tuple[Database, Report]:
    report = Report()
    load_ours(target, {"things": pages}, report=report, **options)
    return read_database(target), report


def load_calls(target: dlt.Pipeline, calls: Mapping[str, Sequence[str]], **options: Any) -> tuple[Database, Report]:
    """One call a key of `calls`, each a batch of its own, the key kept as column `part`."""

    def answer(request: Request) -> Reply:
        part = request.path.rpartition("/")[2]
        return Reply(body=f'{{"items":[{",".join(calls[part])}]}}'.encode(), resource=part, page=0, key="items")

    report = Report()
    with Server(answer) as server:
        endpoint = {"path": "part/{part}", "data_selector": "items", "paginator": "single_page"}
        config = {
            "client": {"base_url": server.url},
            "resources": [{"name": "things", "endpoint": endpoint, **options}],
        }
        target.run(
            rest_api_source(config, name="rows", params={"part": list(calls)}, report=report, clock=TurnedClock())
        )
    return read_database(target), report


def without_ids(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(
        json.dumps({name: cell for name, cell in row.items() if not name.startswith("_dlt")}, sort_keys=True)
        for row in rows
    )


# Rows without a key


@pytest.mark.parametrize("options", [MERGE, KEEP_ALL], ids=["no key in the rows", "keep_all"])
def test_equal_rows_all_stay_and_a_second_run_doubles_nothing(options: Mapping[str, Any], tmp_path: Path) -> None:
    rows = ['{"dt":1,"tags":["a"]}', '{"dt":1,"tags":["a"]}', '{"dt":1}', '{"dt":2,"tags":["b","c"]}']
    ways = ([rows], [rows[:1], rows[1:]], [list(reversed(rows))])
    target = pipeline(tmp_path, "ours")
    seen = []
    for pages in ways:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HeadraceWarning)
            database, _ = load(target, *pages, **options)
        assert without_ids(database.rows("things")) == {'{"dt": 1}': 3, '{"dt": 2}': 1}
        assert without_ids(database.rows("things__tags")) == {
            '{"value": "a"}': 2,
            '{"value": "b"}': 1,
            '{"value": "c"}': 1,
        }
        seen.append(sorted(row["_dlt_id"] for row in database.rows("things")))
    assert seen[0] == seen[1] == seen[2]
    assert len(set(seen[0])) == 4


def test_rows_without_the_declared_key_are_told_once(tmp_path: Path) -> None:
    text = "resource `things`: 2 of 3 rows lack the declared key `id`; every row is kept, keyed by its content"
    with pytest.warns(HeadraceWarning) as caught:
        database, report = load(pipeline(tmp_path, "ours"), ['{"id":1,"v":1}', '{"v":2}', '{"id":null,"v":2}'], **MERGE)
    assert [str(warning.message) for warning in caught] == [text]
    assert report.of("things").keyless == 2
    assert without_ids(database.rows("things")) == {'{"id": 1, "v": 1}': 1, '{"v": 2}': 2}


def test_rows_with_and_without_key_live_together_over_runs(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    with pytest.warns(HeadraceWarning):
        load(target, ['{"id":1,"v":1}', '{"v":2}', '{"v":2}'], **MERGE)
    with pytest.warns(HeadraceWarning):
        database, _ = load(target, ['{"id":1,"v":9}', '{"v":2}', '{"v":2}'], **MERGE)
    assert without_ids(database.rows("things")) == {'{"id": 1, "v": 9}': 1, '{"v": 2}': 2}


@pytest.mark.parametrize(
    "other",
    [
        b'{ "a" : 1.5,\n"b":{"c":[1,2]}}',
        b'{"b":{"c":[1,2]},"a":1.5}',
        b'{"a":1.5,"b":{"c":[1,2],"d":null},"e":null}',
        b'{"\\u0061":1.5,"b":{"c":[1,2]}}',
        b'{"a":15e-1,"b":{"c":[1,2]}}',
        b'{"a":2,"b":{"c":[1,2]},"a":1.5}',
    ],
)
def test_spelling_does_not_change_identity(other: bytes) -> None:
    assert content_digest(other, 10) == content_digest(b'{"a":1.5,"b":{"c":[1,2]}}', 10)


def test_null_in_an_object_of_a_list_does_not_change_identity() -> None:
    assert content_digest(b'{"a":[{"b":1,"c":null}]}', 10) == content_digest(b'{"a":[{"b":1}]}', 10)


@pytest.mark.parametrize(
    "other",
    [
        b'{"a":[1]}',
        b'{"a":[1,null]}',
        b'{"a":[2,1]}',
        b'{"a":"1"}',
        b'{"a":[1,2],"b":0}',
        b'{"a":12345678901234567890123}',
    ],
)
def test_content_changes_identity(other: bytes) -> None:
    assert content_digest(other, 10) != content_digest(b'{"a":[1,2]}', 10)


def test_same_click_in_two_domains_is_two_rows(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    for _ in range(2):
        database, _ = load_calls(target, {"7": ['{"dt":1,"t":[1]}'], "8": ['{"dt":1,"t":[1]}']}, **KEEP_ALL)
    assert sorted(row["part"] for row in database.rows("things")) == ["7", "8"]
    assert len({row["_dlt_id"] for row in database.rows("things")}) == 2
    assert len(database.rows("things__t")) == 2


# Rows with a key


def test_last_row_of_a_key_wins_with_its_children_and_the_keys_id(tmp_path: Path) -> None:
    """Over pages of one batch; ids, also of children, are those of a run without repetition."""
    pages = [
        ['{"id":1,"t":[1,2]}', '{"id":2,"t":[5]}'],
        ['{"id":1,"t":[3]}', '{"id":3}'],
        ['{"id":1,"t":[4],"u":[{"w":[9]}]}'],
    ]
    database, report = load(pipeline(tmp_path, "ours"), *pages, **MERGE)
    plain, _ = load(
        pipeline(tmp_path, "plain"), ['{"id":2,"t":[5]}', '{"id":3}', '{"id":1,"t":[4],"u":[{"w":[9]}]}'], **MERGE
    )
    assert report.of("things").superseded == 2
    assert set(database.tables) == set(plain.tables) == {"things", "things__t", "things__u", "things__u__w"}
    for table in plain.tables:
        assert sorted(map(str, database.rows(table))) == sorted(map(str, plain.rows(table)))


def test_last_row_of_a_key_wins_over_batches(tmp_path: Path) -> None:
    calls = {
        "a": ['{"id":1,"t":[1]}', '{"id":2}'],
        "b": ['{"id":1,"t":[2]}'],
        "c": ['{"id":3}'],
        "d": ['{"id":3,"t":[3]}'],
    }
    database, report = load_calls(pipeline(tmp_path, "ours"), calls, **MERGE)
    plain, _ = load_calls(
        pipeline(tmp_path, "plain"), {"a": ['{"id":2}'], "b": ['{"id":1,"t":[2]}'], "d": ['{"id":3,"t":[3]}']}, **MERGE
    )
    assert report.of("things").superseded == 2
    for table in plain.tables:
        assert sorted(map(str, database.rows(table))) == sorted(map(str, plain.rows(table)))


def test_second_run_updates_in_place(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    load(target, ['{"id":1,"t":[1,2]}', '{"id":2,"t":[5]}'], ['{"id":1,"t":[3]}'], **MERGE)
    database, _ = load(target, ['{"id":1,"v":7}', '{"id":4}'], **MERGE)
    assert without_ids(database.rows("things")) == {'{"id": 1, "v": 7}': 1, '{"id": 2}': 1, '{"id": 4}': 1}
    assert without_ids(database.rows("things__t")) == {'{"value": 5}': 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("9", '"9"'),
        ('"2024-01-01T00:00:00Z"', '"2024-01-01T01:00:00+01:00"'),
        ("7", "7.0"),
    ],
)
def test_keys_that_are_one_value_in_the_table_are_one_key(first: str, second: str, tmp_path: Path) -> None:
    calls = {"a": [f'{{"id":{first},"v":1}}'], "b": [f'{{"id":{second},"v":2}}']}
    database, _ = load_calls(pipeline(tmp_path, "ours"), calls, **MERGE)
    assert [row["v"] for row in database.rows("things")] == [2]


def test_keys_in_a_column_of_doubles_are_one_key_on_both_paths(tmp_path: Path) -> None:
    calls = {"a": ['{"id":1.5}', '{"id":7,"v":1}'], "b": ['{"id":7,"v":2}'], "c": ['{"id":7,"v":3}']}
    database, _ = load_calls(pipeline(tmp_path, "ours"), calls, **MERGE)
    assert sorted(row.get("v", 0) for row in database.rows("things")) == [0, 3]


@pytest.mark.parametrize("odd", ['"abc"', "[1]", "123456789012345678901234567890", '{"x":1}', "null"])
def test_row_whose_key_is_of_another_kind_is_kept_by_its_content(odd: str, tmp_path: Path) -> None:
    """Twice the same: no row is lost, none doubled."""
    target = pipeline(tmp_path, "ours")
    rows = ['{"id":1,"v":1}', f'{{"id":{odd},"v":2}}', f'{{"id":{odd},"v":3}}']
    for _ in range(2):
        with pytest.warns(HeadraceWarning, match="2 of 3 rows lack the declared key `id`"):
            database, report = load(target, rows, **MERGE)
        assert report.of("things").keyless == 2
        assert sorted(row["v"] for row in database.rows("things")) == [1, 2, 3]


COLLISION = (
    "expected the key `id` to be different in rows that differ, got 1 twice on one page (`v` 1 and 2) at "
    "resource `things`\nhint: `key_collisions: keep_all` keeps every row, keyed by its content; or declare the "
    "`primary_key` that tells these rows apart"
)


@pytest.mark.parametrize("choice", ["keep_last", "fail"])
def test_rows_that_differ_under_one_key_on_one_page_are_refused(choice: str, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    with refused(KeyCollisionError) as found:
        load(target, ['{"id":2}'], ['{"id":1,"v":1}', '{"id":1,"v":2}'], key_collisions=choice, **MERGE)
    assert str(found[0]) == COLLISION


def test_one_key_in_two_spellings_on_one_page_is_named(tmp_path: Path) -> None:
    with refused(KeyCollisionError) as found:
        load(pipeline(tmp_path, "ours"), ['{"id":9,"v":1}', '{"id":"9","v":2}'], **MERGE)
    assert "got 9 twice on one page (`id` 9 and '9'; `v` 1 and 2)" in str(found[0])


def test_sample_names_the_key_as_the_rows_spell_it(tmp_path: Path) -> None:
    with refused(KeyCollisionError) as found:
        load(pipeline(tmp_path, "ours"), ['{"ID":5,"v":1}', '{"ID":5,"v":2}'], **MERGE)
    assert "got 5 twice on one page" in str(found[0])


@pytest.mark.parametrize("choice", ["keep_last", "fail"])
def test_equal_rows_under_one_key_are_one_row(choice: str, tmp_path: Path) -> None:
    """Also over pages, and when only spelling differs."""
    pages = [['{"id":1,"v":1}', '{ "v":1,"id":1,"w":null}'], ['{"id":1,"v":1}']]
    database, report = load(pipeline(tmp_path, "ours"), *pages, key_collisions=choice, **MERGE)
    assert without_ids(database.rows("things")) == {'{"id": 1, "v": 1}': 1}
    assert report.of("things").superseded == 2


def test_fail_refuses_rows_that_differ_on_a_later_page(tmp_path: Path) -> None:
    with refused(KeyCollisionError) as found:
        load(pipeline(tmp_path, "ours"), ['{"id":1,"v":1}'], ['{"id":1,"v":2}'], key_collisions="fail", **MERGE)
    assert "`id`" in str(found[0])
    assert "keep_all" in str(found[0])


def test_keep_all_takes_a_changed_row_for_a_new_one(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    for rows in (['{"dt":1,"v":1}', '{"dt":1,"v":2}'], ['{"dt":1,"v":1}', '{"dt":1,"v":3}']):
        database, report = load(target, rows, **KEEP_ALL)
        assert report.of("things").superseded == 0
    assert without_ids(database.rows("things")) == {f'{{"dt": 1, "v": {number}}}': 1 for number in (1, 2, 3)}


# What is held, and where


def ids_of(numbers: Iterable[int]) -> list[str]:
    return [f"id-{number}" for number in numbers]


@pytest.mark.parametrize("distinct", [30_000, 1_200_000])
def test_many_ids_wait_on_disk_and_repeated_ones_in_a_database_with_a_memory_limit(
    distinct: int, tmp_path: Path
) -> None:
    identities = Identities(tmp_path, RULES)
    batches = [ids_of(number % distinct for number in range(start, start + 10_000))
               for start in range(0, distinct + 20_000, 10_000)]  # fmt: skip
    for batch in batches:
        assert identities.assign(batch, [True] * len(batch)) == batch
    assert len(identities._hashes) == distinct + 20_000
    on_disk = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert on_disk == (8 * 1_060_000 if distinct > 1_000_000 else 0)
    assert identities._index is None
    identities.settle(batches)
    assert identities.superseded == 20_000
    limit, spill = identities._index._connection.execute(
        "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
    ).fetchone()
    assert limit.endswith("MiB")
    assert spill.startswith(str(tmp_path))
    # the first 20,000 rows came again in the last two batches
    dropped = [identities.fates(number).dropped for number in range(len(batches))]
    assert dropped == [set(batches[0]), set(batches[1]), *[set()] * (len(batches) - 2)]
    identities.close()
    assert list(tmp_path.iterdir()) == []


def iter_never() -> Iterator[list[str]]:
    pytest.fail("asked")
    yield []


def test_distinct_ids_are_never_looked_at_again(tmp_path: Path) -> None:
    identities = Identities(tmp_path, working_tables())
    identities.assign(["a", "b"], [True, False])
    identities.assign(["c"], [True])
    identities.settle(iter_never())
    assert not identities.repeats
    assert identities.superseded == 0


@settings(deadline=None)
@given(data=st.data())
def test_fates_are_those_of_one_batch(data: st.DataObject) -> None:
    """However rows are cut into batches: the same rows stay, under the same ids; memory of few hashes or of none."""
    keyed = data.draw(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12))
    # an id is made of a key or of a content, never of both
    rows = [(first.upper() if by_key else first, by_key) for first, by_key in keyed]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    expected = []
    for place, (first, by_key) in enumerate(rows):
        ordinal = [each for each, _ in rows[:place]].count(first)
        is_last = first not in [each for each, _ in rows[place + 1 :]]
        if not by_key:
            expected.append((place, repeated_id(first, ordinal, RULES) if ordinal else first))
        elif is_last:
            expected.append((place, first))
    with tempfile.TemporaryDirectory() as folder:
        identities = Identities(Path(folder), RULES)
        bounds = list(pairwise([0, *cuts, len(rows)]))
        stored = [list(identities.assign(*map(list, zip(*rows[start:end], strict=True)))) if end > start
                  else list(identities.assign([], [])) for start, end in bounds]  # fmt: skip
        assert all(len(set(batch)) == len(batch) for batch in stored)
        identities.settle(stored)
        kept = []
        for number, ((start, _), batch) in enumerate(zip(bounds, stored, strict=True)):
            fates = identities.fates(number)
            kept += [(start + place, fates.renamed.get(own, own)) for place, own in enumerate(batch)
                     if own not in fates.dropped]  # fmt: skip
        assert kept == expected
        assert identities.superseded == len(rows) - len(kept)
        identities.close()


def spools(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("headrace-*") if path.is_dir()]


def test_spool_is_gone_after_success_and_after_failure(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    load(target, ['{"id":1}'], **MERGE)
    assert spools(tmp_path) == []
    with refused(KeyCollisionError):
        load(target, ['{"id":2}'], ['{"id":1,"v":1}', '{"id":1,"v":2}'], **MERGE)
    assert spools(tmp_path) == []
