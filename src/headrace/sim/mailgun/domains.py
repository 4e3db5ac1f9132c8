"""Domains, and what is set for one: DNS records, tracking, connection, queues, keys, credentials, webhooks, messages.

Source: Mailgun's API, domains, webhooks and stored messages.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun.dates import gmt, parsed
from headrace.sim.mailgun.events import token_of, token_parts
from headrace.sim.mailgun.paging import skip_page
from headrace.sim.mailgun.replies import NO_PATH, RefusedError, as_json, bad, denied, missing

if TYPE_CHECKING:
    from headrace.sim.mailgun.account import Domain
    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.listing import Row
    from headrace.sim.message import Reply

__all__ = ["domain_row", "webhook_map"]

_LIMITS: Final = (100, 1000)
_V3_ONLY: Final = frozenset({"smtp_password", "dkim_key_size", "force_dkim_authority", "ips", "pool"})
_MESSAGE_LIFE_S: Final = 3 * 86_400
_STATES: Final = frozenset({"active", "unverified", "disabled"})
_WAITS_S: Final = 3600


def domain_row(row: Row, version: int = 4) -> Row:
    """A domain as a version of the list shows it; only the old one has the SMTP password."""
    return row if version == 3 else {name: value for name, value in row.items() if name not in _V3_ONLY}


def domains_v4(call: Call) -> Reply:
    """All domains, newest first unless sorted by name."""
    if not call.doubts.v4_domains:
        raise RefusedError(NO_PATH)
    return _domains(call, 4)


def domains_v3(call: Call) -> Reply:
    """The same, with secrets."""
    if not call.doubts.v3_domains:
        raise RefusedError(NO_PATH)
    return _domains(call, 3)


def _domains(call: Call, version: int) -> Reply:
    family = call.world.family(call.account) if call.flag("include_subaccounts") else [call.account]
    rows = [row for account in family for row in account.domains.rows()]
    rows.reverse()
    if len(family) > 1:
        rows.sort(key=lambda row: parsed(row["created_at"]) or 0.0, reverse=True)
    if (state := call.param("state")) is not None:
        if state not in _STATES:
            raise bad(f"invalid state: {state}")
        rows = [row for row in rows if row["state"] == state]
    if search := call.param("search"):
        rows = [row for row in rows if search in row["name"]]
    sort = call.param("sort")
    if sort not in {None, "", "name", "name:asc", "name:desc"}:
        raise bad(f"invalid sort: {sort}")
    if sort:
        rows.sort(key=itemgetter("name"), reverse=sort == "name:desc")
    return skip_page(call, "domains", _Shown(rows, version), limits=_LIMITS, null=True)


class _Shown(list[Any]):
    """Rows of domains, of which only those of a page are put into shape."""

    def __init__(self, rows: list[Row], version: int) -> None:
        super().__init__(rows)
        self._version = version

    def __getitem__(self, place: Any) -> Any:
        return [domain_row(row, self._version) for row in super().__getitem__(place)]


def one_v4(call: Call) -> Reply:
    """A domain with its DNS records; disabled ones too."""
    if not call.doubts.v4_domains:
        raise RefusedError(NO_PATH)
    return _one(call, 4)


def one_v3(call: Call) -> Reply:
    """The same, with secrets."""
    if not call.doubts.v3_domains:
        raise RefusedError(NO_PATH)
    return _one(call, 3)


def _one(call: Call, version: int) -> Reply:
    domain = call.account.domain(call.parts["domain"])
    if domain is None:
        raise missing("Domain not found")
    if domain.denial:
        raise denied(domain.denial, domain.name)
    return as_json(
        {"domain": domain_row(domain.row, version), **domain.dns}, resource=f"domain/{domain.name}", rows=range(1)
    )


def tracking(call: Call) -> Reply:
    """What is tracked."""
    return _single(call.domain, "tracking", {"tracking": call.domain.tracking})


def connection(call: Call) -> Reply:
    """How mail goes out."""
    row = call.domain.row
    shown = {name: row[name] for name in ("require_tls", "skip_verification")}
    return _single(call.domain, "connection", shown)


def sending_queues(call: Call) -> Reply:
    """Whether the queues run."""
    stopped = call.domain.row["is_disabled"]
    until = {"disabled": {"until": gmt(call.world.clock.now + _WAITS_S), "reason": "Too many bounces"}}
    regular = {"is_disabled": stopped, **(until if stopped else {})}
    return _single(call.domain, "sending_queues", {"regular": regular, "scheduled": {"is_disabled": False}})


def domain_ips(call: Call) -> Reply:
    """The domain's own addresses."""
    ips = call.domain.row["ips"]
    return _single(call.domain, "domain_ips", {"items": ips, "total_count": len(ips)})


def domain_keys(call: Call) -> Reply:
    """DKIM keys of a domain, all at once."""
    return _single(call.domain, "dkim_keys", {"items": call.domain.dkim.rows()})


def dkim_keys(call: Call) -> Reply:
    """DKIM keys of all domains; page links have opaque tokens."""
    limit = call.limit(10, 100)
    wanted = {name: value for name in ("signing_domain", "selector") if (value := call.param(name))}
    rows = [
        row
        for domain in call.account.every_domain
        for row in domain.dkim.rows()
        if all(row[name] == value for name, value in wanted.items())
    ]
    token = call.param("page")
    try:
        skip = int(token_parts(call, token)[0]) if token else 0
    except (TypeError, ValueError, IndexError):
        raise bad("invalid page token") from None
    found = rows[skip : skip + limit]
    places = {
        "first": 0,
        "previous": max(skip - limit, 0),
        "next": skip + len(found),
        "last": max((len(rows) - 1) // limit, 0) * limit,
    }
    paging = {name: f"{call.link}?page={token_of(call, [place])}&limit={limit}" for name, place in places.items()}
    rows_shown = range(skip, skip + len(found))
    return as_json(
        {"items": found, "paging": paging}, resource="dkim_keys", page=skip // limit, rows=rows_shown, key="items"
    )


def credentials(call: Call) -> Reply:
    """SMTP logins, without passwords."""
    domain = call.domain
    return skip_page(call, f"credentials/{domain.name}", domain.credentials.rows(), limits=_LIMITS, strict=True)


def webhook_map(call: Call) -> dict[str, Any]:
    """Type -> URLs; in the old spelling the first one alone."""
    old = call.doubts.webhook_urls == "url"
    return {row["type"]: _urls(row, old=old) for row in call.domain.webhooks.rows()}


def _urls(row: Row, *, old: bool) -> dict[str, Any]:
    return {"url": row["urls"][0]} if old else {"urls": row["urls"]}


def domain_webhooks(call: Call) -> Reply:
    """Webhooks of a domain, a map."""
    shown = webhook_map(call)
    value = None if not shown and call.doubts.empty_webhooks == "null" else shown
    return as_json({"webhooks": value}, resource=f"webhooks/{call.domain.name}", rows=range(len(shown)), key="webhooks")


def domain_webhook(call: Call) -> Reply:
    """One type of webhook."""
    shown = webhook_map(call).get(call.parts["type"])
    if shown is None:
        raise RefusedError(as_json({"Description": "webhook not found"}, 404))
    return _single(call.domain, "webhook", {"webhook": shown})


def message(call: Call) -> Reply:
    """A stored message by its storage key, while it is kept: one of `messages`, or one made from its event."""
    domain, key = call.domain, call.parts["key"]
    stored = domain.messages.get(key)
    shown = None if stored is None else stored["message"]
    if shown is None:
        oldest = call.world.clock.now - _MESSAGE_LIFE_S
        events = domain.events.readable()
        found = next((event for event in events if key == f"BAAB{event.id}" and event.at_s >= oldest), None)
        if found is None or "storage" not in found.row:
            raise missing("Message not found")
        shown = _message(found.row, call.link)
    if call.request.headers.get("accept") == "message/rfc2822":
        mime = "".join(f"{name}: {value}\r\n" for name, value in shown["message-headers"]) + "\r\nthanks\r\n"
        wanted = ("recipients", "sender", "from", "subject")
        shown = {**{name: shown.get(name, shown.get(name.title())) for name in wanted}, "body-mime": mime}
    return _single(domain, "message", shown)


def _message(row: Row, link: str) -> Row:
    headers = row["message"]["headers"]
    return {
        "From": headers["from"],
        "To": headers["to"],
        "Subject": headers["subject"],
        "Message-Id": f"<{headers['message-id']}>",
        "sender": (row.get("envelope") or {}).get("sender", ""),
        "recipients": ", ".join(row["message"].get("recipients") or [headers["to"]]),
        "body-plain": "thanks",
        "body-html": "<p>thanks</p>",
        "stripped-text": "thanks",
        "stripped-html": "<p>thanks</p>",
        "stripped-signature": "",
        "message-headers": [["From", headers["from"]], ["Subject", headers["subject"]]],
        "attachments": [
            {
                "url": f"{link}/attachments/{number}",
                "name": attachment["filename"],
                "size": attachment["size"],
                "content-type": attachment["content-type"],
            }
            for number, attachment in enumerate(row["message"].get("attachments") or ())
        ],
        "content-id-map": {},
    }


def _single(domain: Domain, what: str, value: dict[str, Any]) -> Reply:
    return as_json(value, resource=f"{what}/{domain.name}", rows=range(1))
