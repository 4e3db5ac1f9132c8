"""Mailgun's lists: pivots and their links, suppressions, tags, templates, mailing lists, pages by position."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sim.mailgun import Domain, World, dates, truth
from mailgun_asking import HOST, Asking

BASE = f"http://{HOST}/v3/mail.acme.test"


@pytest.fixture
def world() -> World:
    world = World()
    world.us.add_domain("mail.acme.test")
    return world


def mail(world: World) -> Domain:
    domain = world.us.domain("mail.acme.test")
    assert domain is not None
    return domain


def bounce(address: str, code: str = "550") -> dict[str, str]:
    return {"address": address, "code": code, "error": "", "created_at": "Mon, 02 Mar 2026 10:00:00 UTC"}


def test_links_of_suppressions_are_spelt_as_recorded(world: World) -> None:
    for address in ("bob@x.test", "ann+news@x.test", "cat@x.test"):
        mail(world).bounces.put(bounce(address))
    page = Asking(world).get("/v3/mail.acme.test/bounces", limit=2)
    assert [row["address"] for row in page["items"]] == ["ann+news@x.test", "bob@x.test"]
    assert page["paging"] == {
        "first": f"{BASE}/bounces?limit=2&term=",
        "last": f"{BASE}/bounces?page=last&limit=2&term=",
        "next": f"{BASE}/bounces?page=next&address=bob%40x.test&limit=2&term=",
        "previous": f"{BASE}/bounces?page=previous&address=ann%2Bnews%40x.test&limit=2&term=",
    }


def test_an_empty_list_leads_to_itself(world: World) -> None:
    page = Asking(world).get("/v3/mail.acme.test/unsubscribes")
    link = f"{BASE}/unsubscribes?limit=100&term="
    assert page == {"items": [], "paging": dict.fromkeys(("first", "last", "next", "previous"), link)}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "templates",
            {
                "first": "limit=100",
                "last": "page=last&limit=100",
                "next": "page=next&p=b%20c&limit=100",
                "previous": "page=previous&p=a&limit=100",
            },
        ),
        (
            "tags",
            {
                "first": "limit=100&page=first&tag=",
                "last": "limit=100&page=last&tag=",
                "next": "limit=100&page=next&tag=b%20c",
                "previous": "limit=100&page=prev&tag=a",
            },
        ),
    ],
)
def test_links_of_templates_and_tags(world: World, path: str, expected: dict[str, str]) -> None:
    for name in ("b c", "a"):
        mail(world).templates.put({"name": name})
        mail(world).tags.put({"tag": name})
    links = Asking(world).get(f"/v3/mail.acme.test/{path}")["paging"]
    assert links == {name: f"{BASE}/{path}?{query}" for name, query in expected.items()}


@given(names=st.lists(st.text("abé+%/ &", min_size=1, max_size=4), unique=True, max_size=25), limit=st.integers(1, 6))
def test_pivots_give_all_rows_forward_and_back(names: list[str], limit: int) -> None:
    world = World()
    world.us.add_domain("mail.acme.test")
    for name in names:
        mail(world).complaints.put({"address": name, "created_at": ""})
    asking = Asking(world)
    path = "/v3/mail.acme.test/complaints"
    assert [row["address"] for row in asking.items(path, limit=limit)] == sorted(names)
    page = asking.get(asking.get(path, limit=limit)["paging"]["last"])
    back: list[str] = []
    while page["items"]:
        back = [row["address"] for row in page["items"]] + back
        page = asking.get(page["paging"]["previous"])
    assert back == sorted(names)


def test_what_comes_and_goes_during_a_read_shifts_nothing(world: World) -> None:
    """A row before the pivot is missed, one behind it is read, a deleted pivot is no matter."""
    bounces, asking = mail(world).bounces, Asking(world)
    for address in "bdfh":
        bounces.put(bounce(address))
    page = asking.get("/v3/mail.acme.test/bounces", limit=2)
    bounces.put(bounce("a"))
    bounces.put(bounce("e"))
    bounces.delete("d")
    assert [row["address"] for row in asking.items(page["paging"]["next"])] == ["e", "f", "h"]


def test_deleted_and_added_again(world: World) -> None:
    """One row by its key; the journal knows what was there when."""
    bounces, asking, start = mail(world).bounces, Asking(world), world.clock.now
    bounces.put(bounce("ann@x.test", "550"))
    world.clock.advance(10)
    bounces.delete("ann@x.test")
    world.clock.advance(10)
    bounces.put(bounce("ann@x.test", "554"))
    assert asking.get("/v3/mail.acme.test/bounces")["items"][0]["code"] == "554"
    bounces.put(bounce("ann@x.test", "605"))
    assert asking.get("/v3/mail.acme.test/bounces")["items"] == [bounce("ann@x.test", "605")]
    assert asking.get("/v3/mail.acme.test/bounces/ann%40x.test")["code"] == "605"

    def codes(**when: Any) -> list[str]:
        return [fact.row["code"] for fact in truth(world, asking.doubts, "bounces", **when)]

    assert codes() == ["605"]
    assert [codes(at_s=start + second) for second in (-1, 0, 10, 19, 20)] == [[], ["550"], [], [], ["605"]]
    assert codes(ever=True) == ["550", "554", "605"]
    with pytest.raises(KeyError):
        bounces.delete("nobody")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bounces/a", "Address not found in bounces table"),
        ("complaints/a", "No spam complaints found for this address"),
        ("unsubscribes/a", "Address not found in unsubscribers table"),
        ("whitelists/a", "Address/Domain not found in allowlist table"),
        ("templates/a", "template not found"),
    ],
)
def test_rows_that_are_not_there(world: World, path: str, text: str) -> None:
    assert Asking(world).ask(f"/v3/mail.acme.test/{path}") == (404, {"message": text})


def test_terms_and_prefixes_narrow(world: World) -> None:
    for name in ("ann", "anna", "bob"):
        mail(world).bounces.put(bounce(name))
        mail(world).tags.put({"tag": name})
    asking = Asking(world)
    assert [row["address"] for row in asking.items("/v3/mail.acme.test/bounces", term="an", limit=1)] == ["ann", "anna"]
    assert [row["tag"] for row in asking.items("/v3/mail.acme.test/tags", prefix="an", limit=1)] == ["ann", "anna"]
    assert asking.ask("/v3/mail.acme.test/bounces", page="sideways")[0] == 400


def test_versions_are_listed_without_content(world: World) -> None:
    domain, asking = mail(world), Asking(world)
    domain.templates.put({"name": "api test", "description": "", "createdAt": "", "createdBy": "", "id": "1"})
    for tag in ("v1", "v2", "v3"):
        version = {"tag": tag, "template": "<p>", "engine": "go", "active": tag == "v2", "id": tag, "comment": ""}
        domain.versions("api test").put(version)
    path = "/v3/mail.acme.test/templates/api%20test"
    page = asking.get(f"{path}/versions", limit=2)
    assert [row["tag"] for row in page["template"]["versions"]] == ["v1", "v2"]
    assert "template" not in page["template"]["versions"][0]
    assert page["paging"]["next"] == f"http://{HOST}{path}/versions?page=next&p=v2&limit=2"
    rest = asking.get(page["paging"]["next"])
    assert [row["tag"] for row in rest["template"]["versions"]] == ["v3"]
    assert asking.get(rest["paging"]["next"])["template"]["versions"] == []
    assert asking.get(f"{path}/versions/v3")["template"]["version"]["template"] == "<p>"
    assert asking.get(path, active="yes")["template"]["version"]["tag"] == "v2"
    assert "version" not in asking.get(path)["template"]
    assert asking.ask(f"{path}/versions/v9")[0] == 404


def test_no_templates_are_null(world: World) -> None:
    assert Asking(world).get("/v3/mail.acme.test/templates")["items"] is None


def test_tags_of_a_domain_have_dates_or_not(world: World) -> None:
    mail(world).tags.put({"tag": "a/b", "description": "", "first_s": 1_767_600_001.12, "last_s": 1_772_582_400.0})
    mail(world).tags.put({"tag": "new", "description": ""})
    asking = Asking(world)
    rows = asking.get("/v3/mail.acme.test/tags")["items"]
    dated = {"first-seen": "2026-01-05T08:00:01.120Z", "last-seen": "2026-03-04T00:00:00.000Z"}
    assert rows == [{"tag": "a/b", "description": "", **dated}, {"tag": "new", "description": ""}]
    assert asking.get("/v3/mail.acme.test/tag", tag="a/b") == rows[0]
    assert asking.get("/v3/domains/mail.acme.test/limits/tag") == {"limit": 20_000, "count": 2}


def test_tags_of_the_account_are_cut_to_the_hour(world: World) -> None:
    """So the last may lie before the first; the total comes only where it is asked for."""
    first = world.clock.now - 3600 + 1631
    for number in range(12):
        world.us.tags.put({"tag": f"t{number:02}", "first_s": first + number, "last_s": first + number})
    asking = Asking(world)
    path = "/v1/analytics/tags"
    page = asking.get(path, body={})
    assert len(page["items"]) == 10
    assert page["pagination"] == {"sort": "lastseen:desc", "limit": 10}
    assert page["items"][-1]["first_seen"] == "Tue, 03 Mar 2026 23:27:13 +0000"
    assert page["items"][-1]["last_seen"] == "Tue, 03 Mar 2026 23:00:00 +0000"
    pagination = {"sort": "tag:asc", "skip": 10, "limit": 5, "include_total": True}
    page = asking.get(path, body={"pagination": pagination, "tag": "t"})
    assert [row["tag"] for row in page["items"]] == ["t10", "t11"]
    assert page["pagination"] == {"sort": "tag:asc", "limit": 5, "skip": 10, "total": 12}
    assert asking.ask(path, body={"pagination": {"sort": "age"}})[0] == 400


def test_lists_and_members(world: World) -> None:
    """By pivot and by position, all or only those who subscribe; the number of members follows."""
    asking, members = Asking(world), world.us.members("news@x.test")
    for address in ("staff@x.test", "news@x.test"):
        world.us.lists.put({"address": address, "name": "", "created_at": dates.minus_zero(world.clock.now)})
    for number in range(23):
        address = f"m{number:02}@x.test"
        members.put({"address": address, "name": "", "vars": {"n": number}, "subscribed": number % 2 == 0})
    assert [row["members_count"] for row in asking.items("/v3/lists/pages", limit=1)] == [23, 0]
    path = "/v3/lists/news@x.test/members"
    every = asking.items(f"{path}/pages", limit=4)
    assert every == asking.skipped(path, 7)
    assert len(every) == 23
    assert every[0] == {"address": "m00@x.test", "name": "", "vars": {"n": 0}, "subscribed": True}
    assert [row["vars"]["n"] for row in asking.items(f"{path}/pages", subscribed="yes", limit=3)] == list(
        range(0, 23, 2)
    )
    assert asking.get(path, subscribed="no")["total_count"] == 11
    assert asking.get(f"{path}/m03%40x.test") == {"member": every[3]}
    assert asking.ask("/v3/lists/nobody@x.test/members") == (
        404,
        {"message": "Mailing list nobody@x.test not found"},
    )
    assert asking.get("/v3/lists", address="staff@x.test")["total_count"] == 1


def test_routes_refuse_a_limit_above_the_most(world: World) -> None:
    assert Asking(world).ask("/v3/routes", limit=1001) == (400, {"message": "limit parameter larger than 1000"})
    assert Asking(world).ask("/v3/domains/mail.acme.test/credentials", limit=1001)[0] == 400


def test_ips_are_texts(world: World) -> None:
    world.us.ips.put({"ip": "198.51.100.7", "rdns": "a", "dedicated": True, "is_on_warmup": True})
    world.us.ips.put({"ip": "198.51.100.8", "rdns": "b", "dedicated": False})
    assert Asking(world).get("/v3/ips") == {
        "items": ["198.51.100.7", "198.51.100.8"],
        "details": [{"ip": "198.51.100.7", "is_on_warmup": True}, {"ip": "198.51.100.8"}],
        "assignable_to_pools": ["198.51.100.7"],
        "total_count": 2,
    }
    assert Asking(world).get("/v3/ips", dedicated="false")["items"] == ["198.51.100.8"]


def test_dkim_keys_of_the_account_are_behind_tokens(world: World) -> None:
    for number in range(5):
        mail(world).dkim.put({"signing_domain": "mail.acme.test", "selector": f"k{number}", "dns_record": None})
    asking = Asking(world)
    assert [row["selector"] for row in asking.items("/v1/dkim/keys", limit=2)] == [f"k{number}" for number in range(5)]
    assert asking.ask("/v1/dkim/keys", page="x")[0] == 400


def test_webhooks_are_a_map(world: World) -> None:
    mail(world).webhooks.put({"type": "opened", "urls": ["https://a.test/1", "https://a.test/2"]})
    asking = Asking(world)
    path = "/v3/domains/mail.acme.test/webhooks"
    assert asking.get(path) == {"webhooks": {"opened": {"urls": ["https://a.test/1", "https://a.test/2"]}}}
    assert asking.ask(f"{path}/clicked") == (404, {"Description": "webhook not found"})


def test_stored_messages_expire(world: World) -> None:
    event = mail(world).add_event(kind="stored")
    key = event.row["storage"]["key"]
    asking, path = Asking(world), f"/v3/domains/mail.acme.test/messages/{key}"
    found = asking.get(path)
    assert found["Subject"] == event.row["message"]["headers"]["subject"]
    assert "body-mime" in asking.get(path, headers={"accept": "message/rfc2822"})
    mail(world).messages.put({"key": "K", "message": {"Subject": "own"}})
    assert asking.get("/v3/domains/mail.acme.test/messages/K") == {"Subject": "own"}
    world.clock.advance(3 * 86_400 + 1)
    assert asking.ask(path) == (404, {"message": "Message not found"})
