"""The guides' services: rows, pages, ends, gaps, cycles, credentials."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from base64 import b64encode
from itertools import groupby
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlencode

import pytest

import headrace.sim
from headrace.sim import Guides, GuidesSim, page_faults
from headrace.sim.chain import Chain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.sim.chain import Cycle
    from headrace.sim.guides import LinksEnd, Tail

TIMEOUT_S = 60.0
MAX_PAGES = 60
KINDS = {
    "delivered",
    "opened",
    "clicked",
    "failed",
    "accepted",
    "rejected",
    "complained",
    "unsubscribed",
}


@final
class Client:
    """A plain client with both credentials on one connection."""

    def __init__(self, sim: GuidesSim) -> None:
        self._connection = http.client.HTTPConnection(sim.url.removeprefix("http://"), timeout=TIMEOUT_S)
        basic = "Basic " + b64encode(f"api:{sim.private_key}".encode()).decode()
        self._auth = {"email": basic, "links": sim.api_key}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str, auth: str | None = None, **params: Any) -> tuple[int, Any]:
        """Status and decoded body."""
        if auth is None:
            auth = self._auth["email" if path in ("/v1/domains", "/v1/events") else "links"]
        target = f"{path}?{urlencode(params)}" if params else path
        self._connection.request("GET", target, headers={"Authorization": auth})
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def events(self) -> Iterator[tuple[list[Any], str]]:
        """Pages of events as (rows, next cursor), up to `MAX_PAGES`."""
        cursor: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            status, page = self.get("/v1/events", **cursor)
            assert status == 200
            yield page["items"], page["paging"]["next"]
            cursor = {"from": page["paging"]["next"]}

    def linked(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """Pages of links or clicks until there is no token."""
        cursor: dict[str, str] = {}
        while True:
            status, page = self.get(path, **cursor)
            assert status == 200
            assert isinstance(page[key], list)
            yield page
            if not page.get("nextPageToken"):
                return
            cursor = {"pageToken": page["nextPageToken"]}


def shape(pages: Iterator[tuple[list[Any], str]], steps: int) -> list[tuple[int, int]]:
    """(row count, number of the cursor in order of first sight) for some steps."""
    seen: dict[str, int] = {}
    return [
        (len(rows), seen.setdefault(cursor, len(seen))) for (rows, cursor), _ in zip(pages, range(steps), strict=False)
    ]


def leaves(value: object) -> int:
    return sum(map(leaves, value.values())) if isinstance(value, dict) and value else 1


@pytest.mark.parametrize("prerender", [False, True])
@pytest.mark.parametrize("page_size", [1, 7, 25, 100])
def test_pages_hold_exactly_the_truth(*, page_size: int, prerender: bool) -> None:
    """All rows in order whatever the page size, and the ledger has exactly them."""
    guides = Guides(
        events=25,
        links=30,
        clicks=31,
        page_size=page_size,
        links_page_size=page_size,
        clicks_page_size=page_size,
        prerender=prerender,
    )
    with guides.serve() as sim, Client(sim) as client:
        rows: list[Any] = []
        for items, _ in client.events():
            if not items:
                break
            rows += items
        assert rows == list(sim.rows("events"))
        links = [row for page in client.linked("/v1/links", "links") for row in page["links"]]
        assert links == list(sim.rows("links"))
        for domain_id in (7, 8):
            path = f"/v1/domain/{domain_id}/link_clicks"
            clicks = [row for page in client.linked(path, "data") for row in page["data"]]
            assert clicks == list(sim.rows("clicks", domain_id=domain_id))
            assert sim.ledger.served(f"clicks/{domain_id}") == (range(31),)
        assert sim.ledger.served("events") == (range(25),)
        assert sim.ledger.served_count("links") == sim.count("links") == 30
        assert sim.ledger.served_again("events") == 0
        assert sim.count("clicks") == 62
        assert {entry.resource for entry in sim.ledger.of("clicks")} == {"clicks/7", "clicks/8"}


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("same", [(2, 0), (1, 1), (0, 1), (0, 1), (0, 1)]),
        ("new_once", [(2, 0), (1, 1), (0, 2), (0, 2), (0, 2)]),
        ("new_forever", [(2, 0), (1, 1), (0, 2), (0, 3), (0, 4)]),
    ],
)
def test_tails_of_events(tail: Tail, expected: list[tuple[int, int]]) -> None:
    """`next` is always there; only the empty page says the end."""
    with Guides(events=3, page_size=2, tail=tail).serve() as sim, Client(sim) as client:
        assert shape(client.events(), 5) == expected


def test_empty_resources_have_an_empty_page() -> None:
    """Nothing to serve is a page with an empty list, not an error."""
    with Guides(events=0, domains=0, links=0, clicks=0).serve() as sim, Client(sim) as client:
        assert shape(client.events(), 2) == [(0, 0), (0, 0)]
        assert client.get("/v1/domains") == (200, {"items": []})
        assert client.get("/v1/links") == (200, {"links": [], "count": 0, "nextPageToken": None})
        path = "/v1/domain/7/link_clicks"
        assert client.get(path) == (200, {"data": [], "nextPageToken": None})


def test_gap_is_an_empty_page_with_rows_behind_it() -> None:
    """Who stops at any empty page loses the rest."""
    with Guides(events=5, page_size=2, gap_at=2).serve() as sim, Client(sim) as client:
        assert shape(client.events(), 6) == [(2, 0), (2, 1), (0, 2), (1, 3), (0, 3), (0, 3)]
        assert sim.ledger.served("events") == (range(5),)


@pytest.mark.parametrize(("cycle", "cursors"), [("A", [0, 0, 0, 0, 0]), ("ABA", [0, 1, 0, 1, 0])])
def test_cycles_repeat_pages_with_rows(cycle: Cycle, cursors: list[int]) -> None:
    """The cursors go round, each page has rows, and the rest is never reached."""
    with Guides(events=100, page_size=10, cycle=cycle).serve() as sim, Client(sim) as client:
        assert shape(client.events(), 5) == [(10, cursor) for cursor in cursors]
        assert sim.ledger.served_again("events") > 0


def test_gap_and_cycle_need_rows_enough() -> None:
    """A gap behind the end or a cycle of too few pages is an error of the test's author."""
    with pytest.raises(ValueError, match="expected gap_at below 2 pages"):
        Chain("events", 0, count=4, page_size=2, gap_at=2)
    with pytest.raises(ValueError, match="too few pages of events for the cycle ABA: 2"):
        Chain("events", 0, count=4, page_size=2, cycle="ABA")


def test_cursors_need_quoting_and_belong_to_their_list() -> None:
    """Cursors hold `+`, `/` and `=`; a foreign, cut or unquoted one is refused."""
    chain = Chain("events", 0, count=1000, page_size=1)
    cursors = [chain.token(step) for step in range(1000)]
    assert len(set(cursors)) == 1000
    assert set("+/=") <= set("".join(cursors))
    assert [chain.step(cursor) for cursor in cursors] == list(range(1000))
    foreign = Chain("links", 0, count=9, page_size=1).token(1)
    for wrong in (foreign, cursors[3][:-4], cursors[3].replace("=", ""), "", "é", "AAAA"):
        assert chain.step(wrong) is None
    with Guides().serve() as sim, Client(sim) as client:
        assert client.get("/v1/events", **{"from": foreign})[0] == 400
        assert client.get("/v1/links", pageToken="1")[0] == 400


@pytest.mark.parametrize(("end", "last"), [("null", [None]), ("missing", []), ("empty", [""])])
def test_ends_of_links_and_clicks(end: LinksEnd, last: list[str | None]) -> None:
    """The last page has rows, and no token: null, missing or an empty text."""
    guides = Guides(links=4, links_page_size=2, clicks=5, clicks_page_size=2, end=end)
    with guides.serve() as sim, Client(sim) as client:
        for path, key, sizes in (
            ("/v1/links", "links", [2, 2]),
            ("/v1/domain/8/link_clicks", "data", [2, 2, 1]),
        ):
            pages = list(client.linked(path, key))
            assert [len(page[key]) for page in pages] == sizes
            assert [page["nextPageToken"] for page in pages if "nextPageToken" in page][len(sizes) - 1 :] == last


def test_domains_obey_skip_and_limit() -> None:
    """No total; empty behind the end; limit capped; nonsense refused."""
    with Guides(domains=7, domains_max_limit=3).serve() as sim, Client(sim) as client:
        truth = list(sim.rows("domains"))
        assert client.get("/v1/domains", limit=1000) == (200, {"items": truth[:3]})
        assert client.get("/v1/domains", skip=2, limit=2) == (200, {"items": truth[2:4]})
        assert client.get("/v1/domains", skip=6) == (200, {"items": truth[6:]})
        assert client.get("/v1/domains", skip=7) == (200, {"items": []})
        assert [entry.page for entry in sim.ledger.requests] == [0, 1, 2, 2]
        for wrong in ({"skip": "x"}, {"skip": -1}, {"limit": -1}):
            assert client.get("/v1/domains", **wrong)[0] == 400


def test_credentials_are_checked() -> None:
    """Each service has its own key; the bare key has no scheme word."""
    with Guides().serve() as sim, Client(sim) as client:
        swapped = b64encode(f"api:{sim.api_key}".encode()).decode()
        for path, auth in (
            ("/v1/domains", ""),
            ("/v1/domains", sim.private_key),
            ("/v1/events", f"Basic {swapped}"),
            ("/v1/links", f"Bearer {sim.api_key}"),
            ("/v1/links", sim.private_key),
            ("/v1/domain/7/link_clicks", ""),
        ):
            status, body = client.get(path, auth=auth)
            assert (status, body["message"]) == (401, "Unauthorized")
        assert sim.ledger.of("events") == ()


def test_unknown_places_are_404() -> None:
    """Another domain id, a cut path, the root."""
    with Guides().serve() as sim, Client(sim) as client:
        for path in ("/v1/domain/9/link_clicks", "/v1/clicks/7", "/v1/", "/", "/v2/events"):
            assert client.get(path)[0] == 404
        assert client.get("/v1/domain/7/link_clicks")[0] == 200


def test_rows_are_a_function_of_the_seed() -> None:
    """Equal for equal seeds, different for others, and independent of the count before them."""
    for resource, domain_id in (
        ("events", None),
        ("domains", None),
        ("links", None),
        ("clicks", 7),
    ):
        first = list(Guides(seed=1, events=400).rows(resource, domain_id))
        assert list(Guides(seed=1, events=400).rows(resource, domain_id)) == first
        assert list(Guides(seed=2, events=400).rows(resource, domain_id)) != first
    longer = list(Guides(seed=1, events=4000).rows("events"))
    assert longer[:300] == list(Guides(seed=1, events=400).rows("events"))[:300]
    assert list(Guides().rows("clicks", 7)) != list(Guides().rows("clicks", 8))


def test_events_are_mailgun_shaped() -> None:
    """About 1 kB, all kinds, unique ids of 22 characters, ordered float times, nulls, unicode."""
    rows = list(Guides(events=3000).rows("events"))
    sizes = [len(json.dumps(row, ensure_ascii=False, separators=(",", ":"))) for row in rows]
    assert 900 < sum(sizes) / len(sizes) < 1200
    assert {row["event"] for row in rows} == {row["event"] for row in rows[:11]} == KINDS
    ids = {row["id"] for row in rows}
    assert len(ids) == len(rows)
    assert all(re.fullmatch(r"[\w-]{22}", name, re.ASCII) for name in ids)
    times = [row["timestamp"] for row in rows]
    assert all(isinstance(time, float) for time in times)
    assert times == sorted(times)
    assert 40 <= max(map(leaves, rows)) <= 55
    delivered = [row for row in rows if row["event"] == "delivered"]
    assert {len(row["message"]["attachments"]) for row in delivered} == {0, 1, 2}
    assert {row["flags"]["is-routed"] for row in delivered} == {None, True, False}
    assert any(not row["message"]["headers"]["subject"].isascii() for row in delivered)
    assert all(row["message"]["headers"]["to"] == row["recipient"] for row in delivered)
    assert any("routes" in row for row in rows)


def test_last_page_has_keys_that_no_page_before_has() -> None:
    """A scalar and a nested one, on the last page only."""
    new = {"primary-dkim", "batch"}
    having = [index for index, row in enumerate(Guides(events=700).rows("events")) if new & set(row)]
    assert having == list(range(600, 700))
    assert not any(new & set(row) for row in Guides(events=700, new_keys=False).rows("events"))


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 5, 10, 150])
def test_equal_clicks_straddle_page_edges(page_size: int) -> None:
    """Groups of clicks equal in every field cross edges; instants are shared; newest first."""
    rows = list(Guides(clicks=600, clicks_page_size=page_size).rows("clicks", 7))
    edges = range(page_size, 600, page_size)
    across = [edge for edge in edges if rows[edge - 1] == rows[edge]]
    assert len(across) > len(edges) // 5
    if page_size >= 4:
        assert across == list(edges)
        assert all(rows[edge - 2] == rows[edge + 1] for edge in edges if edge + 1 < len(rows))
    times = [row["dt"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert all(re.fullmatch(r"2026-0\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)
    assert any(
        len({json.dumps(row) for row in group}) > 1
        for _, group in ((dt, list(rows)) for dt, rows in groupby(rows, key=lambda row: row["dt"]))
    )
    assert not any("id" in row for row in rows)


def test_links_and_domains_are_as_in_the_guides() -> None:
    """Field names, secrets and missing keys."""
    links = list(Guides(links=300).rows("links"))
    assert {"OwnerId", "AutodeletedAt", "User", "lcpath", "integrationGTM"} <= set(links[0])
    assert any(row["password"] for row in links)
    assert {"tags" in row for row in links} == {True, False}
    assert len({row["id"] for row in links}) == 300
    domains = list(Guides(domains=40).rows("domains"))
    assert all(row["smtp_password"].startswith("smtp-secret-") for row in domains)
    assert domains[0]["created_at"] == "Wed, 10 Jul 2013 19:26:52 GMT"
    assert {row["pool"] for row in domains} == {None, "pool-eu"}


def test_a_client_that_retries_gets_everything_from_a_bad_day() -> None:
    """With the usual faults on, asking again until the page is whole gives all rows."""
    guides = Guides(events=1500, links=700, clicks=700, faults=page_faults(seed=1))
    with guides.serve() as sim:
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            with Client(sim) as client:
                try:
                    status, page = client.get("/v1/events", **cursor)
                except (http.client.IncompleteRead, json.JSONDecodeError):
                    continue
            if status != 200:
                continue
            if not page["items"]:
                break
            rows += page["items"]
            cursor = {"from": page["paging"]["next"]}
        assert rows == list(sim.rows("events"))
        assert sim.ledger.faults() == {"429": 1, "503": 1, "cut_body": 1, "slow": 1}
        assert sim.ledger.served("events") == (range(1500),)


def test_command_line_serves_until_it_is_told_to_stop() -> None:
    """One line of JSON when ready; SIGTERM ends it with exit code 0."""
    root = headrace.sim.__path__[0].removesuffix("/headrace/sim")
    command = [sys.executable, "-m", "headrace.sim", "guides", "--events", "5", "--prerender"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": root}, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        connection = http.client.HTTPConnection(ready["url"].removeprefix("http://"), timeout=TIMEOUT_S)
        connection.request("GET", "/v1/links", headers={"Authorization": ready["api_key"]})
        assert len(json.loads(connection.getresponse().read())["links"]) == 100
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
