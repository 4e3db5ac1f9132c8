"""Mailgun's rate limits by group of endpoints, and what goes wrong there, over a socket."""

from __future__ import annotations

import http.client
import json
from base64 import b64encode
from contextlib import ExitStack, closing

import pytest

from headrace.sim.mailgun import MISHAPS, REAL, Doubts, Mailgun, World, mishap
from headrace.sim.mailgun.limits import Gate
from headrace.sim.rate import Rate
from mailgun_asking import Asking

TIMEOUT_S = 60.0


def passed(asking: Asking, path: str, times: int) -> int:
    """How many of some calls got an answer."""
    return sum(asking.ask(path)[0] != 429 for _ in range(times))


def test_groups_have_limits_of_their_own_and_others_none() -> None:
    world = World()
    world.us.add_domain("mail.acme.test")
    asking = Asking(world, Gate({**REAL, "domains": Rate(3, 60.0)}, Doubts(), lambda: 100.0))
    assert passed(asking, "/v4/domains", 5) == 3
    assert passed(asking, "/v3/domains/mail.acme.test/webhooks", 5) == 5
    assert passed(asking, "/v3/mail.acme.test/events", 5) == 5
    assert dict(asking.last.headers) == {"X-Mailgun-Key-Id": world.key.id}
    asking.ask("/v3/mail.acme.test/bounces")
    assert dict(asking.last.headers)["X-Request-Limit"] == "2500"
    assert asking.ask("/v4/domains", region="eu")[0] == 429, "one gate was given to both"


def test_a_single_rate_is_for_all_together_and_for_each_account() -> None:
    world = World()
    world.us.add_domain("mail.acme.test")
    now = [100.0]
    asking = Asking(world, Gate(Rate(2, 10.0), Doubts(), lambda: now[0]))
    assert [asking.ask(path)[0] for path in ("/v4/domains", "/v3/routes", "/v3/routes")] == [200, 200, 429]
    on_behalf = {"x-mailgun-on-behalf-of": world.add_subaccount("Brand B")}
    assert asking.ask("/v3/routes", headers=on_behalf)[0] == 200
    assert asking.ask("/v3/routes", secret="wrong")[0] == 401
    now[0] += 10
    assert asking.ask("/v3/routes")[0] == 200


@pytest.mark.parametrize("name", MISHAPS)
def test_mishaps_happen_once_in_their_own_words(name: str) -> None:
    world = World()
    domain = world.us.add_domain("mail.acme.test")
    domain.add_event()
    params = MISHAPS[name]()
    with Mailgun(world, faults=[mishap(name, resource="events")]).serve() as sim, ExitStack() as held:
        connection = held.enter_context(closing(http.client.HTTPConnection(sim.url[7:], timeout=TIMEOUT_S)))
        headers = {"Authorization": "Basic " + b64encode(f"api:{sim.key}".encode()).decode()}
        connection.request("GET", "/v3/mail.acme.test/events", headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == params["status"]
        if "content" in params:
            assert text == params["content"]
            assert response.headers["Content-Type"] == params.get("content_type", "application/json")
        else:
            assert text.startswith("<html>")
            assert response.headers["Content-Type"] == "text/html"
        for header, value in params.get("headers", ()):
            assert len(response.headers[header]) == len(value)
        assert ("Retry-After" in response.headers) == ("retry_after" in params)
        connection.request("GET", "/v3/mail.acme.test/events", headers=headers)
        assert len(json.loads(connection.getresponse().read())["items"]) == 1


def test_reset_is_in_milliseconds_in_both_spellings() -> None:
    for name, prefix in (("reset_ms", "X-Request"), ("reset_ms_old", "X-RateLimit")):
        headers = dict(MISHAPS[name]()["headers"])
        assert len(headers[f"{prefix}-Reset"]) == 13
    with pytest.raises(KeyError):
        mishap("earthquake")
