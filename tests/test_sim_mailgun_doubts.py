"""Each switch of the doubts changes an answer, and is named in the package's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest

import headrace.sim.mailgun
from headrace.sim.mailgun import Doubts, World, dates
from headrace.sim.mailgun.limits import Gate
from headrace.sim.rate import Rate
from mailgun_asking import Asking

EVENTS = "/v3/mail.acme.test/events"
LOGS = "/v1/analytics/logs"
AT = 1_772_582_000.0
HOUR_S = 3600.0


def made() -> World:
    """A world with a bit of all that switches are about; events lie around `AT`."""
    world = World()
    domain = world.us.add_domain("mail.acme.test")
    for offset in (-0.0004, 0.0, 0.0004, 0.5, 1.0, 1.0004, 1.5, 2.0):
        domain.add_event(AT + offset, kind="delivered")
    domain.bounces.put({"address": "ann@x.test", "code": "550", "error": "", "created_at": ""})
    domain.tags.put({"tag": "a", "first_s": AT, "last_s": AT})
    domain.webhooks.put({"type": "opened", "urls": ["https://a.test/"]})
    world.us.lists.put({"address": "news@x.test"})
    world.us.members("news@x.test").put({"address": "kim@x.test"})
    world.us.add_domain("off.acme.test", state="disabled")
    world.us.add_domain("new.acme.test", state="unverified")
    world.us.add_domain("box.acme.test", sandbox=True)
    world.eu.add_domain("mail.acme.test").bounces.put({"address": "eve@x.test"})
    world.eu.add_domain("only.eu.test")
    brand = world.account("us", world.add_subaccount("Brand B"))
    assert brand is not None
    brand.add_domain("brand-b.test")
    return world


Probe = Callable[[World, Asking], Any]


def of(path: str, **params: Any) -> Probe:
    """Answer to a GET."""
    return lambda _, asking: asking.ask(path, **params)


def logs(start: float = AT, end: float = AT + 1, **body: Any) -> Probe:
    """Ids and the ends of a page of logs."""
    asked = {"start": dates.minus_zero(start), "end": dates.minus_zero(end), **body}

    def probe(_: World, asking: Asking) -> Any:
        status, page = asking.ask(LOGS, body=asked)
        if status != 200:
            return status
        return [(row["id"], "delivered-at" in row) for row in page["items"]], sorted(page["pagination"])

    return probe


def events(begin: float, end: float) -> Probe:
    return lambda _, asking: [row["timestamp"] for row in asking.items(EVENTS, begin=begin, end=end)]


def old_token(world: World, asking: Asking) -> Any:
    link = asking.get(EVENTS, begin=AT, ascending="yes")["paging"]["next"]
    world.clock.advance(HOUR_S)
    return asking.ask(link)[0]


def empty_next(_: World, asking: Asking) -> Any:
    """Does the empty page lead to where it is?"""
    page = asking.get(EVENTS, begin=AT + 9, ascending="yes")
    return asking.get(page["paging"]["next"])["paging"]["next"] == page["paging"]["next"]


def behind_last(_: World, asking: Asking) -> Any:
    page = asking.get("/v3/mail.acme.test/bounces", limit=1)
    return asking.get(page["paging"]["next"])["paging"]


def european(_: World, asking: Asking) -> Any:
    return asking.get("/v3/mail.acme.test/bounces", region="eu")["paging"]


def keyed(role: Any, path: str, domain: str | None = None, **more: Any) -> Probe:
    def probe(world: World, asking: Asking) -> Any:
        return asking.ask(path, secret=world.add_key(role, domain=domain).secret, **more)[0]

    return probe


def raw(path: str) -> Probe:
    def probe(_: World, asking: Asking) -> Any:
        asking.get(path)
        return asking.last.body

    return probe


def full_and_short(world: World, asking: Asking) -> Any:
    """Tokens of a page that holds all four rows and is full, and of one that is not."""
    return [logs(AT - 9, AT + 1, pagination={"limit": limit})(world, asking) for limit in (4, 5)]


def aged_logs(world: World, asking: Asking) -> Any:
    world.clock.advance(HOUR_S)
    return logs()(world, asking)


def limited(world: World, asking: Asking) -> Any:
    """Second call of two where one is let through; the clock of the limit stands still."""
    gated = Asking(world, Gate(Rate(1, 60.0), asking.doubts, lambda: 1_772_582_401.5))
    gated.ask("/v4/domains")
    answer = gated.ask("/v4/domains")
    return answer, gated.last.headers


#: Beside which other switches a difference shows: bounds of logs are whole seconds, so precision moves inclusive ends.
BESIDE: dict[str, dict[str, Any]] = {"logs_precision": {"logs_end": "inclusive"}}
#: switch: (other values than the first, what shows the difference)
PROBES: dict[str, tuple[tuple[Any, ...], Probe]] = {
    "events_begin": (("exclusive",), events(AT, AT + 1)),
    "events_end": (("inclusive",), events(AT, AT + 1)),
    "events_precision": (("s", "exact"), events(AT + 0.6002, AT + 1.5002)),
    "events_begin_alone": (("refuse",), of(EVENTS, begin=AT)),
    "events_beyond_retention": (("refuse",), of(EVENTS, begin=AT - 1e6, end=AT)),
    "events_empty_next": (("new",), empty_next),
    "events_of_account": ((True,), of("/v3/events")),
    "logs_start": (("exclusive",), logs()),
    "logs_end": (("inclusive",), logs()),
    "logs_precision": (("s", "exact"), logs()),
    "logs_beyond_retention": (("cut",), logs(AT - 1e6)),
    "logs_next": (("exact", "always"), full_and_short),
    "logs_default_limit": ((3,), logs(AT - 9, AT + 9)),
    "logs_default_sort": (("timestamp:asc",), logs(AT - 9, AT + 9)),
    "logs_ids": (("own",), logs()),
    "logs_change": ((True,), aged_logs),
    "token_life_s": ((60.0,), old_token),
    "limit_above": (("refuse",), of(EVENTS, limit=301)),
    "pivot_behind_last": (("itself", "missing"), behind_last),
    "ampersand": (("escaped",), raw("/v3/mail.acme.test/bounces")),
    "empty_items": (("list",), of("/v3/mail.acme.test/templates")),
    "eu_links": (("us",), european),
    "tag_dates": (("go",), of("/v3/mail.acme.test/tags")),
    "webhook_urls": (("url",), of("/v3/domains/mail.acme.test/webhooks")),
    "member": (("bare",), of("/v3/lists/news@x.test/members/kim@x.test")),
    "v3_domains": ((False,), of("/v3/domains")),
    "v4_domains": ((False,), of("/v4/domains/mail.acme.test")),
    "disabled_domain": ((200, 401, 403, 404), of("/v3/off.acme.test/events")),
    "unverified_domain": ((400,), of("/v3/new.acme.test/events")),
    "sandbox_domain": ((400,), of("/v3/box.acme.test/events")),
    "foreign_domain": ((401, 403), of("/v3/brand-b.test/events")),
    "other_region": ((401, 403), of("/v3/only.eu.test/events")),
    "empty_webhooks": (("null",), of("/v3/domains/new.acme.test/webhooks")),
    "sending_key": ((403,), keyed("sending", EVENTS, "mail.acme.test")),
    "domain_key": ((401,), keyed("developer", "/v4/domains", "mail.acme.test")),
    "unknown_subaccount": ((401,), of("/v4/domains", headers={"x-mailgun-on-behalf-of": "nobody"})),
    "analyst_posts": ((False,), keyed("basic", LOGS, body={})),
    "analyst_reads_events": ((False,), keyed("basic", EVENTS)),
    "limit_headers": (("X-RateLimit", "none"), limited),
    "limit_body": (("message", "text", "none"), limited),
    "limit_status": ((420,), limited),
    "retry_after": (("seconds", "date"), limited),
}


def test_every_switch_is_walked_and_every_value() -> None:
    hints = get_type_hints(Doubts)
    assert set(PROBES) == set(hints)
    for field in fields(Doubts):
        literals = get_args(hints[field.name])
        others, _ = PROBES[field.name]
        if all(isinstance(value, str) for value in literals) and literals:
            assert set(others) == set(literals) - {field.default}, field.name


@pytest.mark.parametrize("name", PROBES)
def test_each_value_changes_an_answer(name: str) -> None:
    others, probe = PROBES[name]
    answers = []
    for doubts in ({}, *({name: value} for value in others)):
        world = made()
        answers.append(probe(world, Asking(world, **doubts, **BESIDE.get(name, {}))))
    for place, answer in enumerate(answers):
        assert answer not in answers[:place], (name, others, place)


def test_other_values_are_refused() -> None:
    with pytest.raises(ValueError, match="expected events_end to be one of inclusive, exclusive, got 'open'"):
        Doubts(events_end="open")  # type: ignore[arg-type]


def test_the_table_of_the_package_has_every_switch() -> None:
    text = headrace.sim.mailgun.__doc__ or ""
    rows = [line.split() for line in text.splitlines() if line.startswith("    ")]
    named = {word.rstrip(",") for row in rows for word in row[:2]}
    for field in fields(Doubts):
        assert field.name in named
        first = next((row[1].rstrip(",") for row in rows if row[0] == field.name), None)
        assert first in {None, str(field.default)} or field.name == "logs_start", field.name


def test_refusals_of_limits_in_all_wordings() -> None:
    """Reset is in epoch milliseconds in both spellings."""
    status, body = limited(made(), Asking(made()))[0]
    assert (status, body) == (429, {"retry-seconds": 59})
    headers = dict(limited(made(), Asking(made()))[1])
    assert headers == {"X-Request-Limit": "1", "X-Request-Remaining": "0", "X-Request-Reset": "1772582460000"}
    headers = dict(limited(made(), Asking(made(), limit_headers="X-RateLimit", retry_after="date"))[1])
    assert headers["X-RateLimit-Reset"] == "1772582460000"
    assert headers["Retry-After"] == "Wed, 04 Mar 2026 00:01:00 GMT"
    answer, headers_of = limited(made(), Asking(made(), limit_body="none", limit_headers="none", limit_status=420))
    assert (answer, headers_of) == ((420, ""), ())
