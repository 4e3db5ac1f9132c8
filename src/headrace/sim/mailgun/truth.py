"""What a loader must have in the end, stream by stream, whatever way it was paged: the judge's own reading.

Nothing here goes through pages. A fact is a row with the service's own values and where it belongs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.sim.mailgun.domains import domain_row
from headrace.sim.mailgun.lists import list_row, tag_row
from headrace.sim.mailgun.logs import log_row
from headrace.sim.mailgun.settings import account_tag_row
from headrace.sim.mailgun.world import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headrace.sim.mailgun.account import Account, Domain, Region
    from headrace.sim.mailgun.doubts import Doubts
    from headrace.sim.mailgun.listing import Listing, Row
    from headrace.sim.mailgun.timeline import Event, Timeline
    from headrace.sim.mailgun.world import World

__all__ = ["STREAMS", "Fact", "truth"]


class Fact(NamedTuple):
    """A row; `parent` is what it hangs on: a domain, a mailing list, a domain and a template."""

    account_id: str
    parent: tuple[str, ...]
    row: dict[str, Any]


class _Asked(NamedTuple):
    world: World
    account: Account
    doubts: Doubts
    at_s: float | None
    ever: bool

    def rows(self, listing: Listing) -> list[Row]:
        return listing.ever() if self.ever else listing.rows(self.at_s)

    def events(self, timeline: Timeline) -> list[Event]:
        return timeline.ever_readable() if self.ever else timeline.readable(self.at_s)

    def domains(self) -> list[Domain]:
        return [*self.account.every_domain, *(self.account.former_domains if self.ever else ())]


def _of_domain(name: str) -> Callable[[_Asked], Iterator[tuple[tuple[str, ...], Row]]]:
    def rows(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
        for domain in asked.domains():
            for row in asked.rows(getattr(domain, name)):
                yield (domain.name,), row

    return rows


def _of_account(name: str) -> Callable[[_Asked], Iterator[tuple[tuple[str, ...], Row]]]:
    def rows(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
        for row in asked.rows(getattr(asked.account, name)):
            yield (), row

    return rows


def _of_world(name: str) -> Callable[[_Asked], Iterator[tuple[tuple[str, ...], Row]]]:
    def rows(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
        if asked.account.id == ACCOUNT_ID:
            for row in asked.rows(getattr(asked.world, name)):
                yield (), row

    return rows


def _domains(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for row in asked.rows(asked.account.domains):
        yield (), domain_row(row)


def _events(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for domain in asked.domains():
        for event in asked.events(domain.events):
            yield (domain.name,), event.row


def _logs(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    now = asked.world.clock.now
    for domain in asked.domains():
        for event in asked.events(domain.events):
            yield (domain.name,), log_row(event, asked.account, asked.doubts, now)


def _tags(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for parent, row in _of_domain("tags")(asked):
        yield parent, tag_row(row, asked.doubts)


def _account_tags(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for row in asked.rows(asked.account.tags):
        yield (), account_tag_row(asked.world, asked.account, row)


def _versions(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for domain in asked.domains():
        for name in domain.templates.keys if not asked.ever else {row["name"] for row in domain.templates.ever()}:
            for row in asked.rows(domain.versions(name)):
                yield (domain.name, name), row


def _lists(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for row in asked.rows(asked.account.lists):
        yield (), list_row(asked.account, row)


def _members(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for address in sorted({row["address"] for row in asked.rows(asked.account.lists)}):
        for row in asked.rows(asked.account.members(address)):
            yield (address,), row


def _dns(asked: _Asked) -> Iterator[tuple[tuple[str, ...], Row]]:
    for domain in asked.domains():
        for direction, records in domain.dns.items():
            for record in records:
                yield (domain.name, direction.partition("_")[0]), record


#: Stream: its rows, each with its parent. Metrics and stored messages are made of events and have no rows of their own.
STREAMS: Final[Mapping[str, Callable[[_Asked], Iterator[tuple[tuple[str, ...], Row]]]]] = {
    "domains": _domains,
    "dns_records": _dns,
    "events": _events,
    "logs": _logs,
    "bounces": _of_domain("bounces"),
    "complaints": _of_domain("complaints"),
    "unsubscribes": _of_domain("unsubscribes"),
    "allowlist": _of_domain("allowlist"),
    "tags": _tags,
    "account_tags": _account_tags,
    "templates": _of_domain("templates"),
    "template_versions": _versions,
    "credentials": _of_domain("credentials"),
    "dkim_keys": _of_domain("dkim"),
    "webhooks": _of_domain("webhooks"),
    "account_webhooks": _of_account("webhooks"),
    "routes": _of_account("routes"),
    "mailing_lists": _lists,
    "members": _members,
    "ips": _of_account("ips"),
    "ip_pools": _of_account("pools"),
    "subaccounts": _of_world("subaccounts"),
    "keys": _of_world("key_rows"),
}


def truth(  # noqa: PLR0913 - each narrows the question
    world: World,
    doubts: Doubts,
    stream: str,
    *,
    region: Region = "us",
    account_id: str = ACCOUNT_ID,
    at_s: float | None = None,
    ever: bool = False,
) -> list[Fact]:
    """Facts that can be read at a moment (`None`: now), or with `ever` all that ever could be.

    `ever` gives lists each content that a row once had. Values that are made when they are served (members of a list,
    age of a log) are those of now. What a domain that was deleted had is part of `ever` alone.

    Raises:
        KeyError: no such stream or account.
    """
    account = world.account(region, account_id)
    if account is None:
        raise KeyError(account_id)
    with world.clock.lock:
        rows = STREAMS[stream](_Asked(world, account, doubts, at_s, ever))
        return [Fact(account.id, parent, row) for parent, row in rows]
