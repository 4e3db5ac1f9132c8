"""What belongs to the account: routes, webhooks, IPs, pools, subaccounts, keys, tags of the account.

Source: Mailgun's API, the sections of these names.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun import dates
from headrace.sim.mailgun.paging import skip_page
from headrace.sim.mailgun.replies import as_json, bad, missing
from headrace.sim.mailgun.world import ACCOUNT_ID

if TYPE_CHECKING:
    from headrace.sim.mailgun.account import Account
    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.listing import Row
    from headrace.sim.mailgun.world import World
    from headrace.sim.message import Reply

__all__ = ["account_tag_row"]

_LIMITS: Final = (100, 1000)
_KINDS: Final = frozenset({"domain", "user", "web"})


def routes(call: Call) -> Reply:
    """Routes; a limit above 1000 is refused."""
    return skip_page(call, "routes", call.account.routes.rows(), limits=_LIMITS, strict=True)


def route(call: Call) -> Reply:
    """One route."""
    row = call.account.routes.get(call.parts["id"])
    if row is None:
        raise missing("Route not found")
    return as_json({"route": row})


def webhooks(call: Call) -> Reply:
    """Webhooks of the account in this region, all at once."""
    wanted = call.param("webhook_ids")
    names = set((wanted or "").split(","))
    rows = [row for row in call.account.webhooks.rows() if not wanted or row["webhook_id"] in names]
    return as_json({"webhooks": rows}, resource="account_webhooks", rows=range(len(rows)), key="webhooks")


def ips(call: Call) -> Reply:
    """Addresses as plain texts, with details beside them."""
    rows = call.account.ips.rows()
    if call.param("dedicated") is not None:
        rows = [row for row in rows if row["dedicated"] == call.flag("dedicated")]
    answer = {
        "items": [row["ip"] for row in rows],
        "details": [{"ip": row["ip"], **({"is_on_warmup": True} if row.get("is_on_warmup") else {})} for row in rows],
        "assignable_to_pools": [row["ip"] for row in rows if row["dedicated"]],
        "total_count": len(rows),
    }
    return as_json(answer, resource="ips", rows=range(len(rows)), key="items")


def ip(call: Call) -> Reply:
    """One address."""
    row = call.account.ips.get(call.parts["ip"])
    if row is None:
        raise missing("IP not found")
    return as_json({name: row[name] for name in ("ip", "rdns", "dedicated")})


def ip_domains(call: Call) -> Reply:
    """Domains that send from an address."""
    wanted = call.parts["ip"]
    rows = [{"domain": row["name"], "ips": row["ips"]} for row in call.account.domains.rows() if wanted in row["ips"]]
    return skip_page(call, f"ip_domains/{wanted}", rows, limits=_LIMITS)


def pools(call: Call) -> Reply:
    """Pools of addresses."""
    rows = call.account.pools.rows()
    return as_json({"ip_pools": rows, "message": "success"}, resource="ip_pools", rows=range(len(rows)), key="ip_pools")


def pool(call: Call) -> Reply:
    """One pool with its domains."""
    row = call.account.pools.get(call.parts["id"])
    if row is None:
        raise missing("IP pool not found")
    linked = [domain["name"] for domain in call.account.domains.rows() if domain["pool"] == row["pool_id"]]
    return as_json({"details": {**row, "linked_domains": linked}, "message": "success"})


def subaccounts(call: Call) -> Reply:
    """Subaccounts of the main account; others have none."""
    rows = call.world.subaccounts.rows() if call.account.id == ACCOUNT_ID else []
    if wanted := call.param("filter"):
        rows = [row for row in rows if wanted in row["name"]]
    for status, name in (("open", "enabled"), ("closed", "closed")):
        if call.param(name) is not None:
            rows = [row for row in rows if (row["status"] == status) == call.flag(name)]
    sort = call.param("sort")
    if sort not in {None, "", "asc", "desc"}:
        raise bad(f"invalid sort: {sort}")
    if sort:
        rows.sort(key=itemgetter("name"), reverse=sort == "desc")
    return skip_page(call, "subaccounts", rows, limits=(10, 1000), key="subaccounts", total="total")


def subaccount(call: Call) -> Reply:
    """One subaccount."""
    row = call.world.subaccounts.get(call.parts["id"])
    if row is None:
        raise missing("Subaccount not found")
    return as_json({"subaccount": row})


def keys(call: Call) -> Reply:
    """Keys without their secrets, all at once."""
    kind, domain = call.param("kind"), call.param("domain_name")
    if kind is not None and kind not in _KINDS:
        raise bad("kind must be one of domain, user, web")
    rows = [
        row
        for row in call.world.key_rows.rows()
        if kind in {None, row["kind"]} and domain in {None, row["domain_name"]}
    ]
    return as_json({"total_count": len(rows), "items": rows}, resource="keys", rows=range(len(rows)), key="items")


def myself(call: Call) -> Reply:  # noqa: ARG001 - keys here carry no user
    """Who the key's user is; these keys have none."""
    return as_json({"message": "Incompatible key for this endpoint"}, 403)


def signing_key(call: Call) -> Reply:  # noqa: ARG001 - one for all
    """The secret that nobody should load; the ledger tells who did."""
    secret = "signing-secret-of-the-simulator"  # noqa: S105 - made up
    return as_json({"message": "success", "http_signing_key": secret}, resource="signing_key")


def account_tag_row(world: World, account: Account, row: Row, *, counts: bool = False) -> Row:
    """A tag of the account; `last_seen` is cut to the hour, and so may lie before `first_seen`."""
    seen = {}
    if row.get("first_s"):
        seen["first_seen"] = dates.plus_zero(row["first_s"])
    if row.get("last_s"):
        seen["last_seen"] = dates.plus_zero(row["last_s"] // 3600 * 3600)
    return {
        "account_id": account.id,
        "parent_account_id": account.parent_id or account.id,
        "tag": row["tag"],
        "description": row.get("description", ""),
        **seen,
        **({"metrics": {}} if counts else {}),
        "account_name": world.names[account.id],
    }


def account_tags(call: Call) -> Reply:
    """Tags of the account; `total` only where it is asked for."""
    body = call.body
    given = body.get("pagination") or {}
    counts = bool(body.get("include_metrics"))
    limit = call.bounded(given.get("limit"), 10, 20 if counts else 1000)
    skip = call.number(given.get("skip"), 0, "skip")
    sort = str(given.get("sort") or "lastseen:desc")
    name, _, direction = sort.partition(":")
    if name not in _TAG_SORTS or direction not in {"", "asc", "desc"}:
        raise bad(f"'{sort}' is not a valid sort")
    family = call.world.family(call.account) if body.get("include_subaccounts") else [call.account]
    prefix = str(body.get("tag") or "")
    found = [(account, row) for account in family for row in account.tags.rows() if row["tag"].startswith(prefix)]
    found.sort(key=lambda pair: (_TAG_SORTS[name](pair[1]), pair[1]["tag"]), reverse=direction == "desc")
    items = [account_tag_row(call.world, *pair, counts=counts) for pair in found[skip : skip + limit]]
    pagination: dict[str, Any] = {"sort": sort, "limit": limit}
    if skip:
        pagination["skip"] = skip
    if given.get("include_total"):
        pagination["total"] = len(found)
    rows = range(min(skip, len(found)), min(skip, len(found)) + len(items))
    place: dict[str, Any] = {"resource": "account_tags", "page": skip // limit, "rows": rows, "key": "items"}
    return as_json({"items": items, "pagination": pagination}, **place)


_TAG_SORTS: Final[dict[str, Any]] = {
    "lastseen": lambda row: row.get("last_s", 0.0) // 3600,
    "tag": itemgetter("tag"),
    "firstseen": lambda row: row.get("first_s", 0.0),
}


def account_tag_limits(call: Call) -> Reply:
    """How many tags the account may have."""
    count = len(call.account.tags)
    return as_json({"limit": 100_000, "count": count, "limit_reached": count >= 100_000})
