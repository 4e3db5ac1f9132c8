"""What an account has in one region, and what a domain of it has: lists, events, denials."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from headrace.sim.mailgun.dates import gmt
from headrace.sim.mailgun.listing import Listing
from headrace.sim.mailgun.rows import EventRows, rendered
from headrace.sim.mailgun.timeline import Event, Timeline
from headrace.sim.pools import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.sim.mailgun.clock import Clock
    from headrace.sim.mailgun.listing import Row

__all__ = ["Account", "Domain", "Region", "State"]

Region = Literal["us", "eu"]
State = Literal["active", "unverified", "disabled"]

_LONG_AGO_S = 400 * 86_400


class Domain:
    """One sending domain in one region: its events, its lists.

    Rows are put into the lists as the service serves them: `domain.bounces.put({"address": ..., ...})`. `denial` is the
    status with which its calls are refused whatever its state says.
    """

    def __init__(self, account: Account, name: str) -> None:
        clock = account.clock
        self.account = account
        self.name = name
        self.denial: int | None = None
        self.events = Timeline(clock, account.retention_s)
        self.bounces = Listing(clock, "address")
        self.complaints = Listing(clock, "address")
        self.unsubscribes = Listing(clock, "address")
        self.allowlist = Listing(clock, "value")
        self.tags = Listing(clock, "tag")
        self.templates = Listing(clock, "name")
        self.webhooks = Listing(clock, "type")
        self.credentials = Listing(clock, "mailbox")
        self.dkim = Listing(clock, "selector")
        self.messages = Listing(clock, "key")
        self.dns = _dns(name)
        self.tracking: Row = {
            "open": {"active": True, "place_at_the_top": False},
            "click": {"active": True},
            "unsubscribe": {"active": False, "html_footer": "", "text_footer": ""},
            "web_scheme": "https",
        }
        self._versions: dict[str, Listing] = {}
        self._rows = EventRows(account.seed, name)
        self._made = 0

    @property
    def row(self) -> Row:
        """The domain as its list shows it."""
        row = self.account.domains.get(self.name)
        if row is None:
            raise LookupError(f"the domain was deleted: {self.name}")
        return row

    def change(self, **fields: Any) -> None:
        """Replace fields of the domain's row: `change(state="disabled", is_disabled=True)`."""
        self.account.domains.put({**self.row, **fields})

    def versions(self, template: str) -> Listing:
        """Versions of a template, by tag."""
        return self._versions.setdefault(template, Listing(self.account.clock, "tag"))

    def add_event(
        self,
        at_s: float | None = None,
        *,
        arrives_s: float | None = None,
        kind: str | None = None,
        **fields: Any,
    ) -> Event:
        """Let something happen at `at_s` (`None`: now) that becomes readable at `arrives_s` (`None`: at once).

        `kind` is a key of `rows.KINDS`, `None` takes the next one. `fields` replace fields of the row; `id` may be one.
        """
        now = self.account.clock.now
        at_s = now if at_s is None else float(at_s)
        body = self._rows.render(self._made, at_s, kind)
        self._made += 1
        row = rendered(body, fields)
        event = Event(at_s, row[0], self.name, row[1], max(at_s, now) if arrives_s is None else arrives_s)
        self.add_events([event])
        return event

    def add_events(self, events: Sequence[Event]) -> None:
        """Put in events that were made elsewhere, copies of others too."""
        with self.account.clock.lock:
            self.events.add(events)
            self.account.happened(events)

    def fill(self, moments: Sequence[float], *, lateness_s: float = 0.0, keep: bool = False) -> None:
        """Put in an event a moment, of all kinds, each up to `lateness_s` late.

        Rows are rendered when they are served, unless `keep` holds them as bytes (about 1 kB each).
        """
        now = self.account.clock.now
        events = []
        for at_s in moments:
            number = self._made
            self._made += 1
            name, late = self._rows.identity(number)
            source: Any = partial(self._rows.render, number, at_s)
            arrives_s = at_s + late * lateness_s
            # what happens in the future is not readable before it happens
            events.append(Event(at_s, name, self.name, source() if keep else source, max(arrives_s, min(at_s, now))))
        self.add_events(events)


class Account:
    """An account's part in one region. Ids and keys are the world's, everything else is separate in each region."""

    def __init__(self, clock: Clock, region: Region, name: str, *, seed: int, retention_s: float, **whose: str) -> None:
        self.clock = clock
        self.region = region
        self.id = name
        self.seed = seed
        self.retention_s = retention_s
        self.parent_id = whose.get("parent_id", "")
        self.domains = Listing(clock, "name")
        self.lists = Listing(clock, "address")
        self.routes = Listing(clock, "id")
        self.webhooks = Listing(clock, "webhook_id")
        self.ips = Listing(clock, "ip")
        self.pools = Listing(clock, "pool_id")
        self.tags = Listing(clock, "tag")
        self._domains: dict[str, Domain] = {}
        self._former: list[Domain] = []
        self._members: dict[str, Listing] = {}
        self._timeline: Timeline | None = None

    def domain(self, name: str) -> Domain | None:
        """A domain of this account and region that is there now."""
        return self._domains.get(name)

    @property
    def every_domain(self) -> list[Domain]:
        """The domains that are there now, oldest first."""
        with self.clock.lock:
            return list(self._domains.values())

    @property
    def former_domains(self) -> list[Domain]:
        """The domains that were deleted."""
        return list(self._former)

    def members(self, address: str) -> Listing:
        """Members of a mailing list, by address."""
        return self._members.setdefault(address, Listing(self.clock, "address"))

    @property
    def timeline(self) -> Timeline:
        """The events of all domains; made when it is asked for first, kept up to date from then on."""
        with self.clock.lock:
            if self._timeline is None:
                self._timeline = Timeline(self.clock, self.retention_s)
                self._timeline.add([event for domain in self.every_domain for event in domain.events.known()])
            return self._timeline

    def happened(self, events: Sequence[Event]) -> None:
        """Take the events of a domain into the account's timeline."""
        if self._timeline is not None:
            self._timeline.add(events)

    def add_domain(self, name: str, *, state: State = "active", sandbox: bool = False, **fields: Any) -> Domain:
        """Add a domain; `fields` replace fields of its row."""
        with self.clock.lock:
            number = len(self._domains) + len(self._former)
            data = digest(f"domain/{self.region}/{self.id}", self.seed, number)
            row = {
                "id": data[:12].hex(),
                "name": name,
                "created_at": gmt(self.clock.now - _LONG_AGO_S + 60 * number),
                "state": state,
                "type": "sandbox" if sandbox else "custom",
                "is_disabled": state == "disabled",
                "require_tls": False,
                "skip_verification": False,
                "wildcard": not sandbox,
                "smtp_login": f"postmaster@{name}",
                "smtp_password": f"smtp-secret-{data[20:28].hex()}",
                "spam_action": "disabled",
                "web_prefix": "email",
                "web_scheme": ("https", "http")[data[30] % 2],
                "use_automatic_sender_security": not sandbox,
                "dkim_key_size": 1024,
                "force_dkim_authority": False,
                "ips": [],
                "pool": "",
                **({"subaccount_id": self.id} if self.parent_id else {}),
                **(_DISABLED if state == "disabled" else {}),
                **fields,
            }
            self._domains[name] = Domain(self, name)
            self.domains.put(row)
            return self._domains[name]

    def delete_domain(self, name: str) -> None:
        """Delete a domain, and with it what it has."""
        with self.clock.lock:
            self.domains.delete(name)
            self._former.append(self._domains.pop(name))
            self._timeline = None


def _dns(name: str) -> dict[str, list[Row]]:
    """Records by direction: a priority is a text, and only mail exchangers have no name."""
    exchanger = {"is_active": True, "cached": ["10 mxa.mailgun.test"], "priority": "10", "record_type": "MX"}
    spf = {"is_active": True, "cached": [], "name": name, "record_type": "TXT", "valid": "unknown"}
    link = {"is_active": False, "cached": [], "name": f"email.{name}", "record_type": "CNAME", "valid": "valid"}
    return {
        "receiving_dns_records": [{**exchanger, "valid": "valid", "value": "mxa.mailgun.test"}],
        "sending_dns_records": [
            {**spf, "value": "v=spf1 include:mailgun.test ~all"},
            {**link, "value": "mailgun.test"},
        ],
    }


_DISABLED = {
    "disabled": {
        "code": "2",
        "note": "",
        "permanently": False,
        "reason": "Complaint rate exceeded",
        "until": "Thu, 30 Apr 2026 00:00:00 GMT",
    }
}
