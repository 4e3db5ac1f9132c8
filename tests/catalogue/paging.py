"""P: paging and cursors."""

from __future__ import annotations

from typing import Any

from catalogue.row import Row
from catalogue.scene import Scene, once, passing
from catalogue.things import PAGE, Things
from catalogue.things import ROWS as COUNT
from headrace.sim.faults import Fault

OUTSIDE = "a link or redirect leads outside the configured hosts"


def _link(value: Any, error: str, **more: Any) -> Scene:
    """The link of the third page is `value`."""
    shown = f"{str(value)[:40]!r}"
    return Scene(shown, once("beside", times=None, key="next", value=value), error=error, **more)


def _endless(page: dict[str, Any], number: int) -> None:
    page["next"] = f"/things?at={number + 1}"


def _cycle(period: int) -> Any:
    def edit(page: dict[str, Any], number: int) -> None:
        page["next"] = f"/things?at={1 + number % period}"

    return edit


def _total(value: Any) -> Any:
    return lambda page, _: page.update({"total": value})


ROWS = (
    Row(
        "P01",
        "the next link names another host",
        (
            Scene(
                "for ever",
                lambda foreign: [Fault("beside", 2, times=None, key="next", value=f"{foreign}/things?at=3")],
                error=OUTSIDE,
            ),
        ),
    ),
    Row(
        "P02",
        "the next link is no address of the API",
        (
            _link("file:///etc/passwd", "expected an http or https address, got scheme 'file'"),
            _link("ftp://127.0.0.1/x", "got scheme 'ftp'"),
            _link("//example.invalid/things", OUTSIDE),
            _link("http://good@example.invalid/", "without user name and password"),
        ),
    ),
    Row(
        "P03",
        "a link or base URL into private networks",
        (
            _link("http://169.254.169.254/latest", OUTSIDE),
            _link("http://[::1]:1/", OUTSIDE),
            _link("http://0x7f000001/", OUTSIDE),
        ),
        tests=(
            "test_faults_network.py::test_a_name_that_is_led_inside_in_mid_run_is_refused",
            "test_faults_network.py::test_addresses_of_the_local_link_are_never_asked",
        ),
        lacks="a base URL in a private network may be asked: the configuration names it, local links excepted",
    ),
    Row(
        "P04",
        "the next link is no text, or 10 kB long",
        (
            _link(7, "`next`"),
            _link({"a": 1}, "`next`"),
            _link("x" * 10_000, "expected at most 8192 characters in `next`"),
        ),
    ),
    Row(
        "P05",
        "the next link is the same page",
        (Scene("itself", things=lambda: Things(edit=_cycle(1)), error="again", final=True),),
    ),
    Row(
        "P06",
        "a cycle of pages",
        (
            Scene("of two", things=lambda: Things(edit=_cycle(2)), error="again", final=True),
            Scene(
                "of 1,000", things=lambda: Things(count=2000, page_size=2, edit=_cycle(999)), error="again", final=True
            ),
        ),
        tests=("test_paginate_properties.py",),
    ),
    Row(
        "P07",
        "always a next link, an empty page is the end",
        (Scene("empty page", things=lambda: Things(edit=_endless)),),
    ),
    Row(
        "P08",
        "data key missing on one page",
        passing(
            "missing", "missing_key", "expected rows at `items`, got no such key in an object with `next`", times=1
        ),
    ),
    Row(
        "P09",
        "data key null",
        (
            Scene(
                "null",
                once("null_key", times=None),
                error=r"expected rows at `items`, got null.*\nhint: .*allow_null_data",
            ),
        ),
    ),
    Row(
        "P10",
        "data key is an object, not a list",
        (
            Scene(
                "among lists",
                things=lambda: Things(count=81, unwraps=True),
                error="expected a list of rows at `items` in a listing of several pages, got an object.*\nhint: ",
                rows=81,
                final=True,
            ),
            Scene(
                "declared",
                things=lambda: Things(count=81, unwraps=True),
                resource={"endpoint": {"allow_object_data": True}},
                stock=False,
            ),
        ),
        tests=("test_engine_object.py",),
    ),
    Row(
        "P11",
        "rows inserted while paging by offset",
        (
            Scene(
                "in front",
                things=lambda: Things(
                    paging="offset", alters=lambda page, _: [*range(COUNT, COUNT + 2 * page), *range(COUNT)]
                ),
                resource={"primary_key": "id", "write_disposition": "merge"},
                rows=COUNT,
            ),
        ),
    ),
    Row(
        "P12",
        "rows deleted while paging",
        (
            Scene(
                "in front",
                things=lambda: Things(paging="offset", alters=lambda page, _: list(range(min(page, 1) * 3, COUNT))),
                resource={"primary_key": "id", "write_disposition": "merge"},
                known_lost=3,
            ),
        ),
        tests=("test_paginate_overlap.py",),
        lacks="found, and listed again, where the paginator declares an `overlap`; else an API that counts positions "
        "says nothing of rows that slip",
    ),
    Row(
        "P13",
        "a total that lies",
        (
            *(
                Scene(f"{value!r}", things=lambda value=value: Things(paging="counted", edit=_total(value)))
                for value in (0, 50, "100", -1, None)
            ),
            Scene(
                "5000",
                things=lambda: Things(paging="counted", edit=_total(5000)),
                error="doubt +things: `total` names 5000 rows, and 100 were counted",
                final=True,
            ),
        ),
    ),
    Row(
        "P14",
        "a short page that is not the last",
        (Scene("offset", things=lambda: Things(paging="page", count=COUNT, alters=None), rows=COUNT),),
        tests=("test_paginate_counted.py",),
    ),
    Row(
        "P15",
        "cursor token expires in mid run",
        tuple(
            scene
            for status in (400, 410)
            for scene in (
                Scene(f"{status}, once", once("status", 3, status=status)),
                Scene(
                    f"{status}, for ever",
                    once("status", 3, times=None, status=status),
                    error=f"expected 200, got {status}",
                    exit_code=3,
                    stock=False,
                ),
            )
        ),
        tests=("test_cli_lost_place.py",),
    ),
    Row(
        "P16",
        "server ignores the limit",
        (
            Scene("20,000 rows a page", things=lambda: Things(paging="link", count=20_000, page_size=20_000)),
            Scene(
                "the offset too", things=lambda: Things(paging="ignorant"), error="the API ignores `offset`", final=True
            ),
        ),
    ),
    Row(
        "P17",
        "the same id on several pages",
        (
            Scene(
                "merge",
                things=lambda: Things(alters=lambda *_: [*range(COUNT - PAGE), *range(PAGE)]),
                resource={"primary_key": "id", "write_disposition": "merge"},
                rows=COUNT - PAGE,
            ),
        ),
        tests=("test_engine_identity.py::test_last_row_of_a_key_wins_over_batches",),
    ),
    Row(
        "P18",
        "page order is not that of the cursor",
        tests=("test_engine_window.py", "test_bridge_windows.py::test_each_row_once_whatever_is_cut"),
    ),
    Row(
        "P19",
        "500,000 pages",
        (
            Scene(
                "ceiling",
                things=lambda: Things(count=1000, page_size=2),
                client={"limits": {"max_pages": 100}},
                error="max_pages",
                final=True,
                stock=False,
            ),
        ),
    ),
)
