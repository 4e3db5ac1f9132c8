"""Mailgun's hosts: who may call what, how it is refused, and that every endpoint answers."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest

import headrace.sim
from headrace.sim import Fault
from headrace.sim.mailgun import STREAMS, Clock, Mailgun, World, demo_world, truth
from headrace.sim.mailgun.routes import ROUTES
from headrace.sim.message import Request
from mailgun_asking import Asking

TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def demo() -> World:
    """Nobody writes to it."""
    return demo_world(clock=Clock())


NAMES = {
    "domain": "mail0.acme.test",
    "template": "api%20test",
    "tag": "v1",
    "type": "delivered",
    "list": "news@mail0.acme.test",
    "ip": "198.51.100.0",
}


def named(world: World, pattern: str) -> str:
    """A path of the pattern that leads to something."""
    domain = world.us.domain("mail0.acme.test")
    assert domain is not None
    stored = next(event for event in domain.events.readable()[::-1] if "storage" in event.row)
    kind = pattern.split("/")[2]
    values = {
        **NAMES,
        "id": {"routes": world.us.routes, "ip_pools": world.us.pools}.get(kind, world.subaccounts).keys[0],
        "member": quote(world.us.members(NAMES["list"]).keys[0], safe=""),
        "key": stored.row["storage"]["key"],
        "value": "",
        "token": "",
    }
    if "{value}" in pattern:
        name = pattern.split("/")[3]
        listing = getattr(domain, "allowlist" if name == "whitelists" else name)
        values["value"] = quote(listing.keys[0], safe="")
    if "{token}" in pattern:
        base = pattern.removesuffix("/{token}").format(**values)
        asking = Asking(world, events_of_account=True)
        values["token"] = asking.get(base)["paging"]["next"].rpartition("/")[2]
    return pattern.format(**values)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_every_endpoint_answers(demo: World, route: Any) -> None:
    """With JSON and the name of the key, and nothing without one."""
    asking = Asking(demo, events_of_account=True)
    path = named(demo, route.pattern)
    body = {} if route.method == "POST" else None
    params = {"tag": "a/b"} if route.pattern.endswith("/tag") else {}
    status, found = asking.ask(path, body=body, **params)
    assert status == (403 if path == "/v5/users/me" else 200)
    assert isinstance(found, dict)
    assert dict(asking.last.headers)["X-Mailgun-Key-Id"] == demo.key.id
    assert asking.ask(path, body=body, secret="wrong", **params) == (401, "Forbidden")
    assert demo.key.secret not in json.dumps(found)


def test_refusals_without_a_key_are_text(demo: World) -> None:
    asking = Asking(demo)
    for authorization in ("", "Basic", "Basic x", f"Bearer {demo.key.secret}", basic("user", demo.key.secret)):
        assert asking.ask("/v4/domains", headers={"authorization": authorization}) == (401, "Forbidden")
        assert asking.last.content_type == "text/plain; charset=utf-8"
        assert dict(asking.last.headers) == {"WWW-Authenticate": 'Basic realm="MG API"'}


def basic(user: str, secret: str) -> str:
    return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/v1/domains", 404, "404 page not found\n"),  # as the guides have it
        ("/v1/events", 404, "404 page not found\n"),
        ("/v3/events", 404, "404 page not found\n"),
        ("/v3/mail0.acme.test/stats", 404, "404 page not found\n"),
        ("/v3/v4/domains", 404, "404 page not found\n"),  # a doubled version
        ("/", 200, "Mailgun Magnificent API"),
    ],
)
def test_addresses_that_are_none(demo: World, path: str, status: int, text: str) -> None:
    assert Asking(demo).ask(path) == (status, text)


def test_a_trailing_slash_is_html_and_a_wrong_method_text(demo: World) -> None:
    asking = Asking(demo)
    assert asking.ask("/v3/lists/")[0] == 404
    assert asking.last.content_type == "text/html; charset=utf-8"
    assert asking.ask("/v1/analytics/logs", method="GET") == (405, "Method Not Allowed")


def test_roles(demo: World) -> None:
    """An analyst reads no suppressions but the allowlist, a key for sending nothing, a domain's key that domain."""
    world = World()
    world.us.add_domain("mail.acme.test")
    world.us.add_domain("other.acme.test")
    secrets = {
        name: world.add_key(role, domain=domain).secret
        for name, role, domain in (
            ("analyst", "basic", None),
            ("support", "support", None),
            ("sending", "sending", "mail.acme.test"),
            ("domain", "developer", "mail.acme.test"),
        )
    }
    asking = Asking(world)

    def status(who: str, path: str, **more: Any) -> int:
        return asking.ask(path, secret=secrets[who], **more)[0]

    for name in ("bounces", "complaints", "unsubscribes"):
        assert asking.ask(f"/v3/mail.acme.test/{name}", secret=secrets["analyst"]) == (403, {"message": "Forbidden"})
        assert status("support", f"/v3/mail.acme.test/{name}") == 200
    for path in ("/v3/mail.acme.test/whitelists", "/v4/domains", "/v3/mail.acme.test/events", "/v3/routes"):
        assert status("analyst", path) == 200
        assert status("sending", path) == 401
    assert status("analyst", "/v1/analytics/logs", body={}) == 200
    assert status("domain", "/v3/mail.acme.test/events") == 200
    assert status("domain", "/v3/other.acme.test/events") == status("domain", "/v4/domains") == 403
    world.delete_key(next(key for key in map(world.find_key, secrets.values()) if key and key.role == "support"))
    assert status("support", "/v4/domains") == 401
    rows = Asking(demo).get("/v1/keys")["items"]
    assert {row["role"] for row in rows} == {"admin", "basic", "sending"}
    assert Asking(demo).get("/v1/keys", kind="domain")["total_count"] == 1
    assert Asking(demo).ask("/v1/keys", kind="x")[0] == 400


def test_domains_that_cannot_be_read(demo: World) -> None:
    """They are listed, and their calls are refused; others are not."""
    asking = Asking(demo)
    listed = {row["name"]: row for row in asking.get("/v4/domains")["items"]}
    assert listed["off.acme.test"]["is_disabled"]
    assert asking.ask("/v3/off.acme.test/events")[0] == 400
    assert asking.ask("/v3/new.acme.test/events")[0] == asking.ask("/v3/sandbox0a1b2c.mailgun.test/bounces")[0] == 200
    assert asking.ask("/v3/brand-b.test/events")[0] == asking.ask("/v3/nobodys.test/events")[0] == 404
    assert asking.ask("/v4/domains/nobodys.test") == (404, {"message": "Domain not found"})
    assert asking.ask("/v3/nobodys.test/templates") == (404, {"message": "domain not found"})


def test_a_domain_may_change() -> None:
    world = World()
    domain, asking = world.us.add_domain("mail.acme.test"), Asking(world)
    assert asking.ask("/v3/mail.acme.test/events")[0] == 200
    domain.change(state="disabled", is_disabled=True)
    assert asking.ask("/v3/mail.acme.test/events")[0] == 400
    assert asking.get("/v4/domains")["items"][0]["state"] == "disabled"
    assert [fact.row["state"] for fact in truth(world, asking.doubts, "domains", ever=True)] == ["active", "disabled"]


def test_a_key_of_one_region_is_unknown_in_the_other() -> None:
    world = World()
    secret = world.add_key("admin", regions=("eu",)).secret
    assert Asking(world).ask("/v4/domains", secret=secret) == (401, "Forbidden")
    assert Asking(world).ask("/v4/domains", secret=secret, region="eu")[0] == 200


@pytest.mark.parametrize("denial", [400, 401, 403, 404])
def test_a_denial_is_the_domains_own(denial: int) -> None:
    world = World()
    world.us.add_domain("bad.acme.test").denial = denial
    world.us.add_domain("good.acme.test")
    asking = Asking(world)
    for path in ("/v3/bad.acme.test/events", "/v3/bad.acme.test/bounces", "/v3/domains/bad.acme.test/webhooks"):
        assert asking.ask(path)[0] == denial
    assert asking.ask("/v3/good.acme.test/events")[0] == 200
    assert asking.get("/v4/domains")["total_count"] == 2


def test_subaccounts_are_called_on_behalf_of(demo: World) -> None:
    asking = Asking(demo)
    rows = asking.get("/v5/accounts/subaccounts", sort="asc")["subaccounts"]
    assert [row["name"] for row in rows] == ["Brand B", "Zürich"]
    brand, closed = ({"x-mailgun-on-behalf-of": row["id"]} for row in rows)
    assert [row["name"] for row in asking.get("/v4/domains", headers=brand)["items"]] == ["brand-b.test"]
    assert asking.get("/v4/domains", headers=brand)["items"][0]["subaccount_id"] == rows[0]["id"]
    assert len(asking.items("/v3/brand-b.test/events", headers=brand)) > 100
    assert asking.ask("/v3/mail0.acme.test/events", headers=brand)[0] == 404
    assert asking.ask("/v4/domains", headers=closed)[0] == 403
    assert asking.ask("/v4/domains", headers={"x-mailgun-on-behalf-of": "nobody"})[0] == 403
    every = asking.get("/v4/domains", include_subaccounts="true")["items"]
    assert "brand-b.test" in {row["name"] for row in every}
    own = demo.add_key("admin", account_id=rows[0]["id"])
    assert asking.get("/v4/domains", secret=own.secret)["total_count"] == 1
    demo.delete_key(own)


def test_domains_by_position() -> None:
    """Newest first, 100 unless asked, 1000 at the most, by name where asked; null where there are none."""
    world = World()
    asking = Asking(world)
    assert asking.get("/v4/domains") == {"total_count": 0, "items": None}
    for number in range(1205):
        world.us.add_domain(f"d{number:04}.test", state="disabled" if number % 100 == 7 else "active")
    page = asking.get("/v4/domains")
    assert (page["total_count"], len(page["items"])) == (1205, 100)
    assert page["items"][0]["name"] == "d1204.test"
    assert len(asking.get("/v4/domains", limit=1001)["items"]) == 1000
    names = [row["name"] for row in asking.skipped("/v4/domains", 1000, sort="name:asc")]
    assert names == [f"d{number:04}.test" for number in range(1205)]
    assert asking.get("/v4/domains", state="disabled")["total_count"] == 12
    assert asking.get("/v4/domains", search="d120")["total_count"] == 5
    for wrong in ({"state": "x"}, {"sort": "age"}, {"skip": -1}, {"limit": 0}):
        assert asking.ask("/v4/domains", **wrong)[0] == 400
    # an insert shifts pages that are not sorted
    first = asking.get("/v4/domains", limit=10)["items"]
    world.us.add_domain("zz.test")
    assert asking.get("/v4/domains", limit=10, skip=10)["items"][0] == first[-1]


def test_only_the_old_list_has_secrets(demo: World) -> None:
    asking = Asking(demo)
    assert all("smtp_password" in row for row in asking.get("/v3/domains")["items"])
    assert not any("smtp_password" in row for row in asking.get("/v4/domains")["items"])
    one = asking.get("/v4/domains/mail0.acme.test")
    assert set(one) == {"domain", "receiving_dns_records", "sending_dns_records"}
    assert one["receiving_dns_records"][0]["priority"] == "10"
    assert "name" not in one["receiving_dns_records"][0]


def test_the_truth_of_every_stream_is_what_its_calls_give(demo: World) -> None:
    """Two readings of one world: pages, and the judge's."""
    asking = Asking(demo)
    d = "/v3/mail0.acme.test"
    read: dict[str, list[Any]] = {
        "domains": asking.get("/v4/domains")["items"],
        "events": asking.items(f"{d}/events"),
        "tags": asking.items(f"{d}/tags", limit=2),
        "templates": asking.items(f"{d}/templates", limit=2),
        "account_tags": asking.get("/v1/analytics/tags", body={"pagination": {"limit": 1000}})["items"],
        "credentials": asking.get("/v3/domains/mail0.acme.test/credentials")["items"],
        "dkim_keys": asking.get("/v4/domains/mail0.acme.test/keys")["items"],
        "account_webhooks": asking.get("/v1/webhooks")["webhooks"],
        "routes": asking.get("/v3/routes")["items"],
        "mailing_lists": asking.items("/v3/lists/pages", limit=1),
        "members": asking.items("/v3/lists/news@mail0.acme.test/members/pages", limit=7),
        "ip_pools": asking.get("/v3/ip_pools")["ip_pools"],
        "subaccounts": asking.get("/v5/accounts/subaccounts")["subaccounts"],
        "keys": asking.get("/v1/keys")["items"],
        "template_versions": [
            asking.get(f"{d}/templates/{name}/versions/{tag}")["template"]["version"]
            for name in ("50%25%20off", "api%20test", "receipt")
            for tag in ("v1", "v2")
        ],
        "webhooks": [
            {"type": kind, **value}
            for kind, value in asking.get("/v3/domains/mail0.acme.test/webhooks")["webhooks"].items()
        ],
        "dns_records": [
            record
            for records in ("receiving_dns_records", "sending_dns_records")
            for record in asking.get("/v4/domains/mail0.acme.test")[records]
        ],
        **{
            name: asking.items(f"{d}/{'whitelists' if name == 'allowlist' else name}", limit=4)
            for name in ("bounces", "complaints", "unsubscribes", "allowlist")
        },
    }
    own = {"mail0.acme.test", "news@mail0.acme.test"}
    for stream, rows in read.items():
        facts = truth(demo, asking.doubts, stream)
        wanted = [fact.row for fact in facts if not fact.parent or fact.parent[0] in own]
        assert sorted(map(key_of, rows)) == sorted(map(key_of, wanted)), stream
        assert rows, stream
    assert [row["ip"] for row in rows_of(demo, asking, "ips")] == asking.get("/v3/ips")["items"]
    assert set(STREAMS) - set(read) == {"logs", "ips"}


def key_of(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def rows_of(world: World, asking: Asking, stream: str) -> list[Any]:
    return [fact.row for fact in truth(world, asking.doubts, stream)]


def test_two_hosts_serve_one_world_over_sockets() -> None:
    """Page links name the host that was asked; the clock and rows are changed while they run; faults happen."""
    world = World()
    domain = world.us.add_domain("mail.acme.test")
    world.eu.add_domain("mail.acme.test")
    with Mailgun(world, faults=[Fault("503", at=0, resource="bounces")]).serve() as sim:
        late = domain.add_event(arrives_s=world.clock.now + 60)
        for url, ledger in ((sim.url, sim.ledger), (sim.eu_url, sim.eu_ledger)):
            assert call(url, "/v3/mail.acme.test/bounces", sim.key)[0] == 503
            status, page = call(url, "/v3/mail.acme.test/events", sim.key)
            assert (status, page["items"]) == (200, [])
            assert page["paging"]["next"].startswith(f"{url}/v3/mail.acme.test/events/")
            assert [entry.resource for entry in ledger.requests] == ["bounces/mail.acme.test", "events/mail.acme.test"]
            assert sim.key not in repr(ledger.requests)
        world.clock.advance(60)
        assert call(sim.url, "/v3/mail.acme.test/events", sim.key)[1]["items"] == [late.row]
        assert [fact.row for fact in sim.truth("events")] == [late.row]
        assert sim.ledger.served("events/mail.acme.test") == (range(1),)
        assert sim.truth("events", region="eu") == []


def test_the_world_may_change_before_each_answer() -> None:
    """Between two pages an event arrives that the next page would have held."""
    world = World()
    domain, now = world.us.add_domain("mail.acme.test"), world.clock.now
    early = [domain.add_event(now - 10), domain.add_event(now - 8), domain.add_event(now - 9, arrives_s=now + 2)]
    asked: list[str] = []

    def before(request: Request) -> None:
        asked.append(request.path)
        world.clock.advance(1)

    with Mailgun(world, before=before).serve() as sim:
        path = f"/v3/mail.acme.test/events?begin={now - 60}&ascending=yes&limit=1"
        found = []
        while page := call(sim.url, path, sim.key)[1]["items"]:
            found += [row["id"] for row in page]
            path = call(sim.url, path, sim.key)[1]["paging"]["next"].removeprefix(sim.url)
    assert found == [early[0].id, early[2].id, early[1].id]
    assert world.clock.now == now + len(asked) == now + 7


def call(url: str, path: str, secret: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.request("GET", path, headers={"Authorization": basic("api", secret)})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if response.status == 200 else text


def test_command_line_serves_until_it_is_told_to_stop() -> None:
    """One line of JSON when ready; SIGTERM ends it with exit code 0."""
    root = headrace.sim.__path__[0].removesuffix("/headrace/sim")
    options = ["--events", "9", "--seed", "2", "--start", "1772582400", "--doubt", "disabled_domain=403"]
    command = [sys.executable, "-m", "headrace.sim", "mailgun", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": root}, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        for url in (ready["url"], ready["eu_url"]):
            assert len(call(url, "/v3/mail0.acme.test/events", ready["api_key"])[1]["items"]) >= 9
        assert call(ready["url"], "/v3/off.acme.test/events", ready["api_key"])[0] == 403
        assert call(ready["url"], "/v3/mail0.acme.test/bounces", ready["keys"]["basic"])[0] == 403
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--doubt", "nothing=1"],
        ["--doubt", "events_end=maybe"],
        ["--doubt", "limit_status=x"],
        ["--start", "noon"],
        ["--size", "huge"],
    ],
)
def test_wrong_options_are_wrong_use(options: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace.sim", "mailgun", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert options[0] in done.stderr
