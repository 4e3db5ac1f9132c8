"""Every option of every paginator against dlt's own: the same API, the same rows, the same requests.

Counted walks are compared under the one rule that differs by default, which is itself an option of dlt: an empty page
ends, a total does not. What else differs (`docs/compatibility.md`, Paging) stands in `test_paginate_differences.py`.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dlt.sources.helpers.rest_client.paginators import JSONResponsePaginator
from dlt.sources.rest_api.config_setup import PAGINATOR_MAP

from headrace.bridge.paging import ForeignPager
from headrace.sim.message import Reply, Request
from nasty_json import random_sets
from paged_apis import ABSENT, Chain, Counted, draw_counted, draw_cursor, draw_link
from parity import assert_same
from walks import Outcome, flag_overrules, through_dlt, through_headrace

#: A maximum ends what a flag says goes on, here and in dlt, but not in its older releases.
MAXIMUM_ENDS = not flag_overrules()


def compared(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.rows, outcome.asked, bool(outcome.error)


def by_the_empty_page(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with which dlt does what headrace documents: a total ends only where nothing better was declared."""
    total_ends = options.get("stop_after_empty_page") is False and options.get("has_more_path") is None
    return dict(options) if total_ends else {**options, "total_path": None}


def leans_on_total(options: Mapping[str, Any]) -> bool:
    return by_the_empty_page(options).get("total_path", "total") is not None


def is_bounded(options: Mapping[str, Any]) -> bool:
    """Whether a maximum stands beside a flag."""
    maximum = options.get("maximum_offset") is not None or options.get("maximum_page") is not None
    return maximum and options.get("has_more_path") is not None


@random_sets(400)
def test_counted_walks_are_dlts(dice: Random) -> None:
    api, options, start = draw_counted(dice)
    if leans_on_total(options) and api.total not in ("honest", "text"):
        return  # what a bad total does where it is the end: test_paginate_differences
    if is_bounded(options) and not MAXIMUM_ENDS:
        return
    dlts = through_dlt(api, by_the_empty_page(options), start)
    ours = through_headrace(api, options, start)
    if "of the page before again" in ours.error:
        assert api.stuck, f"{options} of {api}"
        return
    assert compared(ours) == compared(dlts), f"{options} of {api}"


@random_sets(200)
def test_pages_named_ahead_change_no_row(dice: Random) -> None:
    api, options, start = draw_counted(dice)
    one = through_headrace(api, options, start)
    many = through_headrace(api, options, start, ahead=dice.randint(2, 9))
    if one.endless or many.endless:
        return
    assert (many.rows, many.error) == (one.rows, one.error), f"{options} of {api}"
    assert many.asked[: len(one.asked)] == one.asked


@random_sets(200)
def test_honest_total_costs_one_request_more_than_dlt(dice: Random) -> None:
    """With the options as they stand, and an API whose total and flag are right: the rows of dlt and one empty page."""
    api, options, start = draw_counted(dice)
    if is_bounded(options) and not MAXIMUM_ENDS:
        return
    api = Counted(api.rows, api.size, total=dice.choice(("honest", "text")), more=dice.choice(("honest", "text")))
    dlts = through_dlt(api, options, start)
    ours = through_headrace(api, options, start)
    assert (ours.rows, ours.error) == (dlts.rows, dlts.error) == (dlts.rows, ""), f"{options} of {api}"
    assert ours.asked[: len(dlts.asked)] == dlts.asked
    assert len(ours.asked) - len(dlts.asked) in (0, 1)


def is_plain(api: Chain, options: Mapping[str, Any]) -> bool:
    """Whether nothing of what is documented to differ came up on the pages that were served."""
    visits = api.visits
    references = [str(reference) for _, reference, _ in visits if reference is not ABSENT and reference]
    has_holes = any(not one[0] and not two[0] for one, two in pairwise(visits))
    _, last_reference, last_flag = visits[-1]
    goes_on = last_reference is not ABSENT and bool(last_reference)
    return (
        len(set(references)) == len(references)
        and not (has_holes and not {"stop_after_empty_page", "has_more_path"} & set(options))
        and (goes_on or str(last_flag).lower() != "true" or "has_more_path" not in options)
    )


@random_sets(400)
def test_walks_along_references_are_dlts(dice: Random) -> None:
    """Cursors in query and body, links in body and header, cursors in a header."""
    api, options, start = dice.choice((draw_cursor, draw_link))(dice)
    dlts = through_dlt(api, options, start)
    plain = is_plain(api, options)
    ours = through_headrace(api, options, start)
    if plain:
        assert compared(ours) == compared(dlts), f"{options} of {api}"
    else:
        assert ours.rows == dlts.rows[: len(ours.rows)], f"{options} of {api}"


@pytest.mark.parametrize("form", ["word", "mapping", "object"])
def test_json_response_is_the_older_name_of_json_link(form: str, tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        number = int(request.param("page") or 0)
        following = {"next": f"/items?page={number + 1}"} if number < 2 else {}
        return Reply(body=json.dumps({"items": [{"id": number}], **following}).encode())

    def config(url: str) -> dict[str, Any]:
        endpoint = {"path": "items", "data_selector": "items", "paginator": older_json_link(form)}
        return {"client": {"base_url": url}, "resources": [{"name": "items", "endpoint": endpoint}]}

    contest = assert_same(answer, config, folder=tmp_path)
    assert [len(stand.rows["items"]) for stand in contest.stands[0]] == [3, 3]


def older_json_link(form: str) -> Any:
    if form != "object":
        return {"word": "json_response", "mapping": {"type": "json_response", "next_url_path": "next"}}[form]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return JSONResponsePaginator("next")


@random_sets(400)
def test_paginators_of_users_are_driven_as_dlt_drives_them(dice: Random) -> None:
    """A subclass that changes nothing, whatever it inherits: also what differs above is dlt's here."""
    api, options, start = dice.choice((draw_counted, draw_cursor, draw_link))(dice)
    own = type("Own", (PAGINATOR_MAP[options.pop("type")],), {})
    paginator = own(**options)
    dlts = through_dlt(api, copy.deepcopy(paginator), start)
    ours = through_headrace(api, ForeignPager(paginator), start)
    if "the same request" in ours.error:
        assert dlts.endless
    else:
        assert compared(ours) == compared(dlts), f"{options} of {api}"
