"""Links of the simulated Short.io: pages, changes between them, look-ups, and what hangs on a link."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.sim.message import Request
from headrace.sim.shortio import Key, Rates, Shortio, iso
from shortio_calls import NOW, Calls, T


def listing(calls: Calls, **params: Any) -> list[dict[str, Any]]:
    """Pages until there is no token."""
    rows: list[dict[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        page = calls.links(**params, **token)
        rows += page["links"]
        if not page.get("nextPageToken"):
            return rows
        token = {"pageToken": page["nextPageToken"]}


@settings(max_examples=60, deadline=None)
@given(
    created=st.lists(st.integers(0, 3), max_size=12),
    limit=st.integers(1, 5),
    order=st.sampled_from(["asc", "desc"]),
    kind=st.sampled_from(["key", "position"]),
    full=st.booleans(),
)
def test_pages_hold_each_link_once(created: list[int], limit: int, order: str, kind: str, full: bool) -> None:
    """In order of creation, ties by id, whatever the token is and however full the last page."""
    calls = Calls(token_kind=kind, full_last_page_token=full)
    for place, ms in enumerate(created):
        calls.world.add_link(calls.id, str(place), T + ms)
    truth = calls.truth.links(calls.id)
    rows = listing(calls, limit=limit, dateSortOrder=order)
    assert rows == (truth if order == "asc" else truth[::-1])
    assert [(row["createdAt"], row["idString"]) for row in truth] == sorted(
        (row["createdAt"], row["idString"]) for row in truth
    )


def paths_while(calls: Calls, change: Any, **params: Any) -> list[str]:
    """Paths of a listing of pages of 2 during which `change` happens once, before the second page."""
    asked: list[Request] = []

    def before(request: Request) -> None:
        asked.append(request)
        if len(asked) == 2:
            change()

    calls.world.before_each(before)
    return [row["path"] for row in listing(calls, limit=2, **params)]


@pytest.mark.parametrize(
    ("kind", "order", "change", "paths"),
    [
        ("key", "asc", "delete", ["0", "1", "2", "3"]),
        ("key", "asc", "insert", ["0", "1", "2", "3", "new"]),
        ("key", "desc", "insert", ["3", "2", "1", "0"]),  # comes before the first page, and is missed
        ("key", "asc", "backdate", ["0", "1", "2", "3"]),
        ("position", "asc", "delete", ["0", "1", "3"]),  # skips one
        ("position", "desc", "insert", ["3", "2", "2", "1", "0"]),  # doubles one
        ("position", "asc", "update", ["0", "1", "2", "other"]),
        ("key", "asc", "reuse", ["0", "1", "2", "3", "0"]),
    ],
)
def test_links_change_between_two_pages(kind: str, order: str, change: str, paths: list[str]) -> None:
    calls = Calls(token_kind=kind)
    links = [calls.world.add_link(calls.id, str(place), T + place) for place in range(4)]
    world = calls.world
    changes = {
        "delete": lambda: world.delete_link(links[0]),
        "insert": lambda: world.add_link(calls.id, "new"),
        "backdate": lambda: world.add_link(calls.id, "new", T - 1),
        "update": lambda: world.update_link(links[3], path="other"),
        "reuse": lambda: (world.delete_link(links[0]), world.add_link(calls.id, "0")),
    }
    assert paths_while(calls, changes[change], dateSortOrder=order) == paths


def test_truth_of_links_now_and_ever() -> None:
    calls = Calls()
    old = calls.world.add_link(calls.id, "x", T, tags=["a", "b"])
    calls.world.delete_link(old)
    new = calls.world.add_link(calls.id, "x", tags=...)
    assert [row["idString"] for row in calls.truth.links(calls.id)] == [new.id]
    assert [row["idString"] for row in calls.truth.links(calls.id, ever=True)] == [old.id, new.id]
    assert calls.truth.tags(calls.id) == []
    with pytest.raises(ValueError, match=r"expected a path that no link of go\.example\.test has: X"):
        calls.world.add_link(calls.id, "X")


def test_an_update_moves_its_moment_only() -> None:
    """`updatedAt` moves and cannot be asked for; the place in the listing stays."""
    calls = Calls()
    link = calls.world.add_link(calls.id, "Old", T, title="x")
    calls.world.advance(5)
    calls.world.update_link(link, path="New", title=...)
    (row,) = calls.links(updatedAt="2020-01-01")["links"]
    assert (row["createdAt"], row["updatedAt"]) == (iso(T), iso(NOW + 5000))
    assert (row["path"], row["lcpath"], "title" in row) == ("New", "new", False)
    assert calls.get("/links/expand", domain=calls.domain.host, path="new")[1] == row
    assert calls.get("/links/expand", domain=calls.domain.host, path="old")[0] == 404


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "querystring must have required property 'domain_id'"),
        ({"domain_id": "x"}, "querystring/domain_id must be integer"),
        ({"domain_id": 555001, "limit": 0}, "querystring/limit must be >= 1"),
        ({"domain_id": 555001, "limit": 151}, "querystring/limit must be <= 150"),
        ({"domain_id": 555001, "limit": "1.5"}, "querystring/limit must be integer"),
        (
            {"domain_id": 555001, "dateSortOrder": "up"},
            "querystring/dateSortOrder must be equal to one of the allowed values",
        ),
        ({"domain_id": 555001, "afterDate": "soon"}, 'querystring/afterDate must match format "date-time"'),
    ],
)
def test_wrong_parameters_are_refused_in_the_words_of_the_schema(params: dict[str, Any], message: str) -> None:
    assert Calls().get("/api/links", **params) == (
        400,
        {"statusCode": 400, "code": "FST_ERR_VALIDATION", "error": "Bad Request", "message": message},
    )


def test_tokens_are_opaque_and_checked() -> None:
    calls = Calls()
    for token in ("x", "WzFd", "bnVsbA==", "WyJhIiwxLDIsM10="):
        assert calls.get("/api/links", domain_id=calls.id, pageToken=token) == (400, {"error": "Invalid page token"})


def test_filters_of_the_listing() -> None:
    """By moment of creation and by folder; `idString` is accepted and ignored."""
    calls = Calls()
    folder = calls.world.add_folder(calls.id, "Campaigns")
    links = [calls.world.add_link(calls.id, str(place), T + place) for place in range(4)]
    calls.world.update_link(links[2], FolderId=folder["id"])
    assert [row["path"] for row in listing(calls, limit=1, afterDate=iso(T + 1), beforeDate=iso(T + 2))] == ["2", "1"]
    assert [row["path"] for row in listing(calls, folderId=folder["id"])] == ["2"]
    assert len(listing(calls, idString=links[0].id)) == 4
    assert calls.get(f"/links/folders/{calls.id}") == (200, {"linkFolders": [folder]})
    assert calls.get(f"/links/folders/{calls.id}/{folder['id']}")[1] == {"linkFolders": calls.truth.folders(calls.id)}
    assert calls.get(f"/links/folders/{calls.id}/x") == (404, {"error": "Folder not found"})


def test_one_link_by_id_by_path_by_target() -> None:
    calls = Calls()
    link = calls.world.add_link(calls.id, "Spring", originalURL="https://shop.example.test/?a=1")
    assert calls.get(f"/links/{link.id}") == (200, link.row)
    assert calls.get(f"/links/{link.id}", domainId=calls.id) == (200, link.row)
    assert calls.get(f"/links/{link.id}", domainId=1) == (404, {"error": "Link not found"})
    asked = {"domain": "go.example.test", "originalURL": "https://shop.example.test/?a=1"}
    assert calls.get("/links/multiple-by-url", **asked) == (200, {"links": [link.row]})
    assert calls.get("/links/expand", domain="go.example.test") == (
        400,
        {"error": "Bad Request", "message": "path is required"},
    )
    calls.world.delete_link(link)
    assert calls.get(f"/links/{link.id}") == (404, {"error": "Link not found"})


def test_case_of_paths_is_the_domain_s_matter() -> None:
    calls = Calls()
    strict = calls.world.add_domain(caseSensitive=True)
    links = [calls.world.add_link(strict.id, path) for path in ("a", "A")]
    asked = [calls.get("/links/expand", domain=strict.host, path=path)[1]["idString"] for path in ("a", "A")]
    assert asked == [link.id for link in links]


def test_what_hangs_on_a_link() -> None:
    """Bare arrays, empty where there is nothing."""
    calls = Calls()
    link, bare = (calls.world.add_link(calls.id, path) for path in ("x", "y"))
    country = {"country": "XK", "originalURL": "https://shop.example.test/xk"}
    region = {"country": "US", "region": "CA", "originalURL": "https://shop.example.test/ca"}
    calls.world.set_rules(link, countries=[country], regions=[region])
    calls.world.add_permission(link, 900200)
    link.opengraph = [["title", "Spring sale"]]
    for path, expected in {
        f"/link_country/{link.id}": [country],
        f"/link_region/{link.id}": [region],
        f"/links/permissions/{calls.id}/{link.id}": calls.truth.permissions(calls.id),
        f"/links/opengraph/{calls.id}/{link.id}": [["title", "Spring sale"]],
    }.items():
        assert calls.get(path) == (200, expected)
        assert calls.get(path.replace(link.id, bare.id)) == (200, [])
        assert calls.get(path.replace(link.id, "lnk_x")) == (404, {"error": "Link not found"})
    assert calls.truth.country_rules(calls.id) == {link.id: [country]}
    assert calls.truth.region_rules(calls.id) == {link.id: [region]}
    assert calls.truth.opengraph(calls.id) == {link.id: link.opengraph}
    assert calls.get("/link_region/list/US")[1][0] == {"id": "CA", "name": "California"}


def test_domains_are_a_bare_array() -> None:
    """`limit` and `offset`, 300 at most; the single record has two fields more and one less."""
    calls = Calls()
    for _ in range(4):
        calls.world.add_domain()
    truth = calls.truth.domains()
    assert calls.get("/api/domains") == (200, truth)
    assert calls.get("/api/domains", limit=2, offset=3) == (200, truth[3:])
    assert calls.get("/api/domains", offset=9) == (200, [])
    assert calls.get("/api/domains", limit=301)[1]["message"] == "querystring/limit must be <= 300"
    assert calls.get("/api/domains", offset=-1)[0] == 400
    single = calls.get(f"/domains/{calls.id}")[1]
    assert single.keys() ^ truth[0].keys() == {"ipExclusions", "userPlan", "isFavorite"}
    assert calls.get("/domains/1") == (404, {"error": "Domain not found"})
    assert calls.get("/domains/x")[1]["message"] == "params/domainId must be integer"


def test_a_key_of_one_domain_sees_no_other() -> None:
    calls = Calls()
    link = calls.world.add_link(calls.id, "x")
    other = calls.world.add_domain()
    calls.service = Shortio(calls.world, keys=[Key("sk_x", frozenset({other.id}))], rates=Rates(None, None))
    calls.headers = {"authorization": "sk_x"}
    refusal = {"error": "You do not have access to this domain"}
    assert calls.get("/api/domains") == (200, [other.row])
    assert calls.get("/api/links", domain_id=calls.id) == (403, refusal)
    assert calls.get(f"/links/{link.id}") == (403, refusal)
    assert calls.get(f"/domains/{calls.id}") == (403, {**refusal, "type": "accessDenied"})
    assert calls.post(f"/statistics/domain/{calls.id}/last_clicks") == (403, refusal)
    assert calls.post(f"/statistics/domain/{other.id}/last_clicks") == (200, [])
