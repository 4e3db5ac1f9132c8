"""Lists behind pivots: suppressions, tags and templates of a domain, mailing lists and their members.

Source: Mailgun's API, suppressions, old tags, mailing lists and templates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headrace.sim.mailgun import dates
from headrace.sim.mailgun.paging import LISTS, SUPPRESSIONS, TAGS, TEMPLATES, pivot_page, pivot_reply, skip_page, spelt
from headrace.sim.mailgun.replies import RefusedError, as_json, dumped, missing
from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.sim.mailgun.account import Account, Domain
    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.doubts import Doubts
    from headrace.sim.mailgun.listing import Listing, Row

__all__ = ["SUPPRESSION_LISTS", "list_row", "suppression", "suppressions", "tag_row", "version_row"]

_LIMITS: Final = (100, 1000)
_HUNDRED: Final = (100, 100)

#: Last part of the path: (attribute of the domain, what is said of a value that is not there).
SUPPRESSION_LISTS: Final = {
    "bounces": ("bounces", "Address not found in bounces table"),
    "complaints": ("complaints", "No spam complaints found for this address"),
    "unsubscribes": ("unsubscribes", "Address not found in unsubscribers table"),
    "whitelists": ("allowlist", "Address/Domain not found in allowlist table"),
}


def suppressions(name: str) -> Callable[[Call], Reply]:
    """Endpoint of one list of a domain."""
    attribute, _ = SUPPRESSION_LISTS[name]

    def page(call: Call) -> Reply:
        domain = call.domain
        return pivot_reply(call, f"{attribute}/{domain.name}", getattr(domain, attribute), SUPPRESSIONS, _LIMITS)

    return page


def suppression(name: str) -> Callable[[Call], Reply]:
    """Endpoint of one row of a list."""
    attribute, absent = SUPPRESSION_LISTS[name]

    def one(call: Call) -> Reply:
        row = getattr(call.domain, attribute).get(call.parts["value"])
        if row is None:
            raise missing(absent)
        return as_json(row)

    return one


def tag_row(row: Row, doubts: Doubts) -> Row:
    """An old tag; `first_s` and `last_s` of the world's row become dates in a doubtful spelling."""

    def spelled(at_s: float) -> str:
        return dates.go(at_s) if doubts.tag_dates == "go" else dates.iso_ms(at_s)

    seen = {
        name: spelled(row[key]) for name, key in (("first-seen", "first_s"), ("last-seen", "last_s")) if row.get(key)
    }
    return {"tag": row["tag"], "description": row.get("description", ""), **seen}


def tags(call: Call) -> Reply:
    """Tags of a domain."""
    domain = call.domain

    def shape(key: str) -> bytes:
        return dumped(tag_row(_found(domain.tags, key), call.doubts))

    return pivot_reply(call, f"tags/{domain.name}", domain.tags, TAGS, _LIMITS, shape)


def tag(call: Call) -> Reply:
    """One tag, named in the query because names have slashes."""
    row = call.domain.tags.get(call.param("tag") or "")
    if row is None:
        raise missing("tag not found")
    return as_json(tag_row(row, call.doubts))


def tag_limit(call: Call) -> Reply:
    """How many tags a domain may have."""
    return as_json({"limit": 20_000, "count": len(call.domain.tags)})


def templates(call: Call) -> Reply:
    """Templates of a domain, without versions; null where there are none, as a doubt says."""
    domain = _template_domain(call)
    reply = pivot_reply(call, f"templates/{domain.name}", domain.templates, TEMPLATES, _HUNDRED)
    if not len(domain.templates) and call.doubts.empty_items == "null":
        return replace(reply, body=reply.body.replace(b'"items":[]', b'"items":null', 1))
    return reply


def version_row(row: Row) -> Row:
    """A version in the list of versions: without its content."""
    return {name: value for name, value in row.items() if name not in {"template", "headers"}}


def template(call: Call) -> Reply:
    """A template; with `active=yes` its active version, content included."""
    domain, row = _template(call)
    active = next((one for one in domain.versions(row["name"]).rows() if one["active"]), None)
    if call.flag("active") and active is not None:
        return as_json({"template": {**row, "version": active}})
    return as_json({"template": row})


def versions(call: Call) -> Reply:
    """Versions of a template, under it, without content."""
    domain, row = _template(call)
    limit = call.limit(*_HUNDRED)
    listing = domain.versions(row["name"])
    keys, start, links = pivot_page(call, listing, TEMPLATES, limit)
    shown = dumped({"template": {**row, "versions": [version_row(_found(listing, key)) for key in keys]}})
    body = b"%s,%s" % (shown[:-1], spelt(call, links)[1:])
    label = f"template_versions/{domain.name}/{row['name']}"
    rows = range(start, start + len(keys))
    return Reply(body=body, resource=label, page=start // limit, rows=rows, key="template")


def version(call: Call) -> Reply:
    """One version with its content."""
    domain, row = _template(call)
    found = domain.versions(row["name"]).get(call.parts["tag"])
    if found is None:
        raise missing("template version not found")
    label = f"template_version/{domain.name}/{row['name']}"
    return as_json({"template": {**row, "version": found}}, resource=label, rows=range(1))


def _template_domain(call: Call) -> Domain:
    try:
        return call.domain
    except RefusedError as refused:
        if refused.reply.status == 404:
            raise missing("domain not found") from None
        raise


def _template(call: Call) -> tuple[Domain, Row]:
    domain = _template_domain(call)
    row = domain.templates.get(call.parts["template"])
    if row is None:
        raise missing("template not found")
    return domain, row


def list_row(account: Account, row: Row) -> Row:
    """A mailing list with the number of its members."""
    return {**row, "members_count": len(account.members(row["address"]))}


def mailing_lists(call: Call) -> Reply:
    """Mailing lists by position."""
    rows = [list_row(call.account, row) for row in call.account.lists.rows()]
    if address := call.param("address"):
        rows = [row for row in rows if row["address"] == address]
    return skip_page(call, "mailing_lists", rows, limits=_LIMITS)


def mailing_list_pages(call: Call) -> Reply:
    """Mailing lists by pivot."""

    def shape(key: str) -> bytes:
        return dumped(list_row(call.account, _found(call.account.lists, key)))

    return pivot_reply(call, "mailing_lists", call.account.lists, LISTS, _LIMITS, shape)


def mailing_list(call: Call) -> Reply:
    """One mailing list."""
    return as_json({"list": list_row(call.account, _list(call))})


def members(call: Call) -> Reply:
    """Members of a list by position."""
    address = _list(call)["address"]
    rows = [row for row in call.account.members(address).rows() if _subscribed(call, row)]
    rows.sort(key=lambda row: str(row["address"]))
    return skip_page(call, f"members/{address}", rows, limits=_HUNDRED)


def member_pages(call: Call) -> Reply:
    """Members of a list by pivot, by address."""
    address = _list(call)["address"]
    listing = call.account.members(address)
    keep = None if call.param("subscribed") is None else (lambda key: _subscribed(call, _found(listing, key)))
    return pivot_reply(call, f"members/{address}", listing, LISTS, _HUNDRED, keep=keep)


def member(call: Call) -> Reply:
    """One member."""
    row = call.account.members(_list(call)["address"]).get(call.parts["member"])
    if row is None:
        raise missing(f"Member {call.parts['member']} of mailing list {call.parts['list']} not found")
    return as_json(row if call.doubts.member == "bare" else {"member": row})


def _list(call: Call) -> Row:
    row = call.account.lists.get(call.parts["list"])
    if row is None:
        raise missing(f"Mailing list {call.parts['list']} not found")
    return row


def _subscribed(call: Call, row: Row) -> bool:
    return call.param("subscribed") is None or row["subscribed"] == call.flag("subscribed")


def _found(listing: Listing, key: str) -> Row:
    row = listing.get(key)
    if row is None:
        raise KeyError(key)
    return row
