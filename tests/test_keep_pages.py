"""Pages that a run fetched and did not load: the next run goes on behind them, and only where that is right."""

from __future__ import annotations

import math
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from headrace.config import validate
from headrace.connectors import mailgun_config, shortio_config
from headrace.engine.kept import identity_of
from headrace.errors import RefusedError, TransportError
from headrace.plan import build_plan
from keeping import PAGING, TOKEN, Listing, Runs, rows, served, settings
from loading import read_database


def loaded(runs: Runs, table: str = "items") -> list[dict[str, Any]]:
    found = read_database(runs.target).rows(table, without=("_dlt_load_id", "_dlt_id"))
    return sorted(found, key=lambda row: row["id"])


@pytest.mark.parametrize(("paging", "pages"), [("cursor", 500), ("link", 30), ("offset", 30), ("auto", 30)])
def test_a_run_that_fails_late_is_gone_on_with_by_two_requests(paging: str, pages: int, tmp_path: Path) -> None:
    """All but the last page came: what was fetched is taken, the page before it is asked for once more."""
    listing = Listing(rows(2 * pages), broken=lambda page: page == pages - 1)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url, paging), TransportError)
        assert set(listing.asked_since()) >= set(range(pages - 1))
        listing.broken = lambda _: False
        report = runs.load(settings(url, paging)).of("items")
    # an offset ends at an empty page, and pages are named ahead; what is behind the end is none of those that came
    assert [page for page in listing.asked_since() if page < pages] == [pages - 2, pages - 1]
    assert (report.rows, report.kept_pages) == (2 * pages, pages - 2)
    assert loaded(runs) == rows(2 * pages)
    assert list(runs.folder.glob("*.pages")) == []


@pytest.mark.parametrize("paging", ["offset", "auto"])
def test_a_listing_kept_to_its_end_is_taken_whole(paging: str, tmp_path: Path) -> None:
    """Another resource fails, again and again: this one is fetched once."""
    whole, broken = Listing(rows(20)), Listing([], broken=lambda _: True)
    with served(whole, others=broken) as url:
        config = settings(url, paging)
        config["resources"] = [*config["resources"], {**config["resources"][0], "name": "others"}]
        config["resources"][1] = {**config["resources"][1], "endpoint": {"path": "others", "data_selector": "items"}}
        runs = Runs(tmp_path)
        runs.fail(config, TransportError)
        asked = whole.asked_since()
        assert set(asked) >= set(range(10))
        runs.fail(config, TransportError)
        assert whole.asked_since() == []
        broken.broken = lambda _: False
        runs.load(config)
        assert whole.asked_since() == []
    assert loaded(runs) == rows(20)


CHANGES = {
    "a row vanished": lambda rows: rows[1:],
    "a row was put in front": lambda rows: [{"id": 1000, "name": "new"}, *rows],
    "all is new": lambda rows: [{**row, "id": row["id"] + 500} for row in rows],
    "it is short now": lambda rows: rows[:3],
}


@pytest.mark.parametrize(("paging", "change"), list(zip(cycle(PAGING), CHANGES, strict=False)))
def test_a_listing_that_moved_is_fetched_anew(paging: str, change: str, tmp_path: Path) -> None:
    """Its positions mean other rows now: going on behind what is kept would lose some."""
    listing = Listing(rows(40), broken=lambda page: page == 15)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url, paging), TransportError)
        listing.broken, listing.rows = (lambda _: False), CHANGES[change](listing.rows)
        report = runs.load(settings(url, paging)).of("items")
    assert loaded(runs) == sorted(listing.rows, key=lambda row: row["id"])
    assert report.kept_pages == 0


def test_rows_that_changed_in_place_and_rows_added_at_the_end_move_nothing(tmp_path: Path) -> None:
    """The page that is asked for once more is taken as it is now, and what comes behind it too."""
    listing = Listing(rows(9), broken=lambda page: page == 4)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url), TransportError)
        listing.asked_since()
        listing.broken = lambda _: False
        listing.rows = [*rows(9)[:7], {"id": 7, "name": "changed"}, *rows(12)[8:]]
        report = runs.load(settings(url)).of("items")
    assert listing.asked_since() == [3, 4, 5]
    assert report.kept_pages == 3
    assert loaded(runs) == listing.rows


def test_an_address_that_leads_nowhere_any_more_begins_the_listing_anew(tmp_path: Path) -> None:
    listing = Listing(rows(20), broken=lambda page: page == 7)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url, "link"), TransportError)
        listing.asked_since()
        listing.broken, listing.gone = (lambda _: False), [6]
        report = runs.load(settings(url, "link")).of("items")
    assert listing.asked_since() == [0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9]
    assert report.kept_pages == 0
    assert loaded(runs) == rows(20)


def test_a_key_that_is_refused_for_a_while_costs_no_page(tmp_path: Path) -> None:
    listing = Listing(rows(20), broken=lambda page: page == 7, refusal=401)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url), TransportError)
        listing.broken, listing.gone = (lambda _: False), [6]
        runs.fail(settings(url), RefusedError)
        listing.asked_since()
        report = runs.load(settings(url)).of("items")
    assert listing.asked_since() == [6, 7, 8, 9]
    assert report.kept_pages == 6
    assert loaded(runs) == rows(20)


CHANGED_SETTINGS: dict[str, dict[str, Any]] = {
    "credentials": {"client": {"auth": {"type": "bearer", "token": "another account"}}},
    "selector": {"endpoint": {"data_selector": "$.items"}},
    "privacy": {"private": ["name"]},
    "fields": {"fields": {"name": {"as": "text"}}},
    "parameters": {"endpoint": {"params": {"limit": 5}}},
    "too old": {"client": {"limits": {"max_kept_age_s": 0.5}}},
    "none": {"client": {"limits": {"max_kept_bytes": 0}}},
}


@pytest.mark.parametrize("what", CHANGED_SETTINGS)
def test_pages_count_for_the_same_settings_only(what: str, tmp_path: Path) -> None:
    listing = Listing(rows(20), broken=lambda page: page == 7)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url), TransportError)
        runs.clock = type(runs.clock)(wall=runs.clock.wall() + 1)
        listing.broken = lambda _: False
        report = runs.load(settings(url, **CHANGED_SETTINGS[what])).of("items")
    assert (report.rows, report.kept_pages) == (20, 0)


def test_pages_of_before_a_load_count_no_more(tmp_path: Path) -> None:
    """A run that was killed between its load and the removal of its pages leaves nothing that is taken."""
    listing = Listing(rows(20), broken=lambda page: page == 7)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.fail(settings(url), TransportError)
        kept = (runs.folder / "items.pages").read_bytes()
        listing.broken = lambda _: False
        runs.load(settings(url))
        (runs.folder / "items.pages").write_bytes(kept)
        assert runs.load(settings(url)).of("items").kept_pages == 0


def test_dependents_go_on_too(tmp_path: Path) -> None:
    """Rows of parents come from kept pages, calls of children that are done are not made again."""
    parents = Listing(rows(3))
    children = {number: Listing(rows(6, parent=number)) for number in range(3)}
    children[2].broken = lambda page: page == 2
    with served(parents, **{f"items/{number}/parts": child for number, child in children.items()}) as url:
        config = settings(url)
        part = {
            "name": "parts",
            "endpoint": {
                "path": "items/{resources.items.id}/parts", "data_selector": "items", "paginator": PAGING["cursor"],
            },
        }  # fmt: skip
        config["resources"].append(part)
        runs = Runs(tmp_path)
        runs.fail(config, TransportError)
        for each in (parents, *children.values()):
            each.asked_since()
        children[2].broken = lambda _: False
        runs.load(config)
        assert [each.asked_since() for each in (parents, *children.values())] == [[], [], [], [1, 2]]
    assert len(read_database(runs.target).rows("parts")) == 18


def test_what_is_kept_shows_nothing_private_and_no_credentials(tmp_path: Path) -> None:
    """Links echo the key, rows have a private field, and the address of the next page a name."""
    secret = "kim@example.com"
    listing = Listing(rows(20, email=secret, note="seen"), broken=lambda page: page == 7)
    with served(listing) as url:
        runs = Runs(tmp_path)
        config = settings(url, "link", private=["email"], endpoint={"params": {"of": "lee@example.com"}})
        runs.fail(config, TransportError)
        files = list(runs.folder.rglob("*"))
        for path in files:
            text = path.read_bytes()
            for hidden in (secret, TOKEN, "lee@", "lee%40", "/items"):
                assert hidden.encode() not in text, (path, hidden)
        assert {path.name: path.stat().st_mode & 0o777 for path in files} == {"items.pages": 0o600, "salt": 0o600}
        assert runs.folder.stat().st_mode & 0o777 == 0o700
        listing.broken = lambda _: False
        assert runs.load(config).of("items").kept_pages == 6
    assert loaded(runs) == rows(20, note="seen")


def test_a_torn_end_is_cut_and_a_damaged_page_is_asked_for(tmp_path: Path) -> None:
    """Whatever a loss of power leaves of the file: each prefix, and each damaged byte of some, gives all rows."""
    listing = Listing(rows(12), broken=lambda page: page == 5)
    with served(listing) as url:
        runs = Runs(tmp_path / "first")
        runs.fail(settings(url), TransportError)
        whole = (runs.folder / "items.pages").read_bytes()
        salt = (runs.folder / "salt").read_bytes()
        listing.broken = lambda _: False
        for number, place in enumerate(range(0, len(whole), max(len(whole) // 6, 1))):
            damaged = bytes([*whole[:place], whole[place] ^ 0xFF, *whole[place + 1 :]])
            for kind, text in (("torn", whole[:place]), ("damaged", damaged), ("garbage", whole[:place] + bytes(64))):
                folder = tmp_path / f"{kind}{number}"
                runs = Runs(folder)
                runs.folder.mkdir()
                (runs.folder / "items.pages").write_bytes(text)
                (runs.folder / "salt").write_bytes(salt)
                assert runs.load(settings(url)).of("items").rows == 12
                assert loaded(runs) == rows(12)


def test_a_budget_of_time_bounds_what_is_kept(tmp_path: Path) -> None:
    """Where keeping has had its share, pages are fetched as ever and counted; the next run asks for them again."""
    listing = Listing(rows(40), broken=lambda page: page == 15)
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.share = -math.inf
        runs.fail(settings(url), TransportError)
        assert runs.report.of("items").unkept_pages == 15
        listing.broken = lambda _: False
        assert runs.load(settings(url)).of("items").kept_pages == 0


@pytest.mark.parametrize(
    "config", [shortio_config(api_key="k"), mailgun_config(api_key="k")], ids=["shortio", "mailgun"]
)
def test_what_a_listing_is_known_by_is_the_same_in_every_process(config: dict[str, Any]) -> None:
    """Else nothing that is kept would ever be taken: no address of an object stands in it."""
    plan = build_plan(validate(config, resolve_secret=lambda name: name))
    for resource in plan.resources:
        assert b" at 0x" not in identity_of(resource, plan, None), resource.name


def test_a_listing_at_its_other_address_is_gone_on_with_there(tmp_path: Path) -> None:
    """The first address is asked again, as it may be there now; pages are kept of the second one."""
    nowhere, listing = Listing([], gone=[0, 0]), Listing(rows(20), broken=lambda page: page == 7)
    with served(nowhere, older=listing) as url:
        config = settings(url, endpoint={"fallback": {"path": "older", "statuses": [410]}})
        runs = Runs(tmp_path)
        runs.fail(config, TransportError)
        listing.asked_since()
        listing.broken = lambda _: False
        report = runs.load(config).of("items")
    assert (nowhere.asked, listing.asked_since()) == ([0, 0], [6, 7, 8, 9])
    assert report.kept_pages == 6
    assert loaded(runs) == rows(20)
