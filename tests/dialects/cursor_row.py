"""APIs whose cursor is the last row of a page: Stripe, Discord. And one that says it in a header: Azure DevOps."""

from __future__ import annotations

from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, epoch, opaque, opened, pick, stamp, whole
from headrace.sim.message import Reply

# ---------------------------------------------------------------------------------------------------- Stripe


def stripe(ask: Asked) -> Reply:
    """Newest first; `starting_after` is the id of the last row that was seen; `expand[]` makes objects of ids."""
    ask.basic("sk_test_1", "")
    ask.only("limit", "starting_after", "created[gte]", "expand[]")
    match ask.steps:
        case ["v1", "invoices"]:
            rows = [_invoice(number, ask.values("expand[]")) for number in range(1, 6 + 2 * ask.run)]
        case ["v1", "balance_transactions"]:
            rows = [_transaction(number) for number in range(1, 8 + 3 * ask.run)]
        case _:
            raise Refused(404, "Unrecognized request URL")
    least = whole(ask.params.get("created[gte]"), 0, 1 << 40)
    rows = [row for row in reversed(rows) if row["created"] >= least]
    start, after = 0, ask.params.get("starting_after")
    if after is not None:
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise Refused(400, f"No such object: {after}", param="starting_after")
        start = ids.index(after) + 1
    size = ask.whole("limit", 10, 100)
    page = rows[start : start + size]
    return answer({"object": "list", "url": ask.path, "has_more": start + size < len(rows), "data": page})


def _invoice(number: int, expanded: list[str]) -> dict[str, Any]:
    customer = f"cus_{number % 2}"
    return {
        "id": f"in_{number:04d}",
        "object": "invoice",
        "amount_due": 1999 * number,
        "customer": {"id": customer, "name": pick(PEOPLE, number)} if "data.customer" in expanded else customer,
        "lines": {
            "object": "list",
            "data": [
                {"id": f"il_{number}_{n}", "amount": 100 * n, "period": {"start": epoch(n)}} for n in range(number % 3)
            ],
            "has_more": False,
        },
        "metadata": {"order_id": str(number), f"key-{number % 2}": "x"},
        "discount": None,
        "created": epoch(24 * number),
        "livemode": False,
    }


def _transaction(number: int) -> dict[str, Any]:
    details = [{"type": "stripe_fee", "amount": 59}] if number % 2 else []
    return {"id": f"txn_{number:04d}", "amount": -5 * number, "created": epoch(number), "fee_details": details}


def _stripe_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/v1/",
            "auth": {"type": "http_basic", "username": "sk_test_1", "password": ""},
            "paginator": {
                "type": "cursor",
                "cursor_path": "data[-1].id",
                "cursor_param": "starting_after",
                "has_more_path": "has_more",
            },
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "append",
            "endpoint": {"params": {"limit": 2}, "data_selector": "data"},
        },
        "resources": [
            {
                "name": "invoices",
                "endpoint": {
                    "path": "invoices",
                    "params": {"expand[]": ["data.customer", "data.lines"]},
                    "incremental": {
                        "start_param": "created[gte]",
                        "cursor_path": "created",
                        "initial_value": epoch(0),
                    },
                },
            },
            {
                "name": "balance_transactions",
                "columns": {"created": {"data_type": "timestamp"}},
                "endpoint": {
                    "path": "balance_transactions",
                    "incremental": {"cursor_path": "created", "initial_value": epoch(3), "row_order": "desc"},
                },
            },
        ],
    }


STRIPE = Dialect(
    "stripe",
    stripe,
    _stripe_config,
    rows=(
        {"invoices": 5, "invoices__lines__data": 6, "balance_transactions": 5, "balance_transactions__fee_details": 3},
        {"invoices": 7, "invoices__lines__data": 7, "balance_transactions": 8, "balance_transactions__fee_details": 4},
    ),
    shows="http_basic without a password; the cursor is the last row's id, with a flag; repeated parameters; numbers "
    "as incremental values; rows newest first, declared (row_order), so that paging ends early; append without "
    "doubles; epochs into a timestamp; the same key as text or object by expansion",
)

# --------------------------------------------------------------------------------------------------- Discord


def discord(ask: Asked) -> Reply:
    """Lists at the top, without any envelope; `after` is the highest id that was seen."""
    ask.signed("authorization", "Bot disc.ord")
    match ask.steps:
        case ["api", "v10", "users", "@me", "guilds"]:
            ask.only("limit", "after", "with_counts")
            rows = [{"id": f"9{number:03d}", "name": WORDS[number], "features": ["NEWS"]} for number in range(3)]
            ids = [row["id"] for row in rows]
        case ["api", "v10", "guilds", guild, "members"]:
            ask.only("limit", "after")
            rows = [_member(int(guild) - 9000, number) for number in range(5 + ask.run)]
            ids = [row["user"]["id"] for row in rows]
        case ["api", "v10", "guilds", guild, "roles"]:
            ask.only()
            return answer([{"id": f"{guild}{n}", "name": WORDS[n], "tags": {"bot_id": None}} for n in range(2)])
        case _:
            raise Refused(404, "404: Not Found", code=0)
    after, size = ask.params.get("after", "0"), ask.whole("limit", 1)
    rest = [row for row, row_id in zip(rows, ids, strict=True) if int(row_id) > int(after)]
    return answer(rest[:size])


def _member(guild: int, number: int) -> dict[str, Any]:
    return {
        "user": {
            "id": str((1 << 62) + 100 * guild + number),
            "username": pick(PEOPLE, number),
            "avatar": None,
            "primary_guild": {"tag": "ACME", "identity_enabled": number % 2 == 0},
        },
        "nick": None,
        "roles": [f"9{guild:03d}{n}" for n in range(number % 3)],
        "joined_at": f"2026-01-0{number + 1}T00:00:00.{number:06d}+00:00",
        "flags": number,
        "communication_disabled_until": None,
    }


def _discord_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/api/v10",
            "auth": {"type": "api_key", "api_key": "Bot disc.ord"},
        },
        "resources": [
            {
                "name": "guilds",
                "selected": False,
                "endpoint": {
                    "path": "users/@me/guilds",
                    "params": {"limit": 2},
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "$[-1].id",
                        "cursor_param": "after",
                        "stop_after_empty_page": True,
                    },
                },
            },
            {
                "name": "members",
                "primary_key": ["guild", "member"],
                "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                "include_from_parent": ["id"],
                "parallelized": True,
                "processing_steps": [{"map": _with_keys}],
                "endpoint": {
                    "path": "guilds/{resources.guilds.id}/members",
                    "params": {"limit": 2},
                    "data_selector": "$",
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "$[-1].user.id",
                        "cursor_param": "after",
                        "stop_after_empty_page": True,
                    },
                },
            },
            {
                "name": "roles",
                "write_disposition": "replace",
                "endpoint": {"path": "guilds/{resources.guilds.id}/roles", "paginator": {"type": "single_page"}},
            },
        ],
    }


def _with_keys(row: dict[str, Any]) -> dict[str, Any]:
    """The parent's id is in the row when the steps see it."""
    return {**row, "guild": row["_guilds_id"], "member": row["user"]["id"]}


DISCORD = Dialect(
    "discord",
    discord,
    _discord_config,
    rows=(
        {"members": 15, "members__roles": 12, "roles": 6},
        {"members": 18, "members__roles": 18, "roles": 6},
    ),
    shows="api_key in Authorization by default; lists at the top; the cursor is the last row's id, inside an object, "
    "and an empty page the end; a parent that is not selected, with two children; steps that see the parent's field; "
    "parallelized child; upsert by two keys made by a step",
)

# ---------------------------------------------------------------------------------------------- Azure DevOps


def devops(ask: Asked) -> Reply:
    """The cursor is a header, and there is none on the last page."""
    ask.basic("", "pat-1")
    if ask.params.get("api-version") != "7.1":
        raise Refused(400, "expected api-version=7.1", typeKey="VssVersionNotSpecifiedException")
    match ask.steps:
        case ["acme", "_apis", "projects"]:
            ask.only("api-version", "$top", "continuationToken")
            rows = [_team_project(number) for number in range(3)]
        case ["acme", project, "_apis", "build", "builds"]:
            ask.only("api-version", "$top", "continuationToken", "statusFilter")
            rows = [_build(int(project[1:]), number) for number in range(4 + ask.run)]
        case _:
            raise Refused(404, "The controller for path was not found")
    size, start = ask.whole("$top", 100), whole(opened(ask.params.get("continuationToken")), 0)
    headers = {"X-MS-ContinuationToken": opaque(start + size)} if start + size < len(rows) else {}
    page = rows[start : start + size]
    return answer({"count": len(page), "value": page}, headers=headers)


def _team_project(number: int) -> dict[str, Any]:
    return {"id": f"p{number}", "name": WORDS[number], "revision": number, "lastUpdateTime": stamp(number)}


def _build(project: int, number: int) -> dict[str, Any]:
    return {
        "id": 100 * project + number,
        "buildNumber": f"20260101.{number}",
        "result": pick(("succeeded", "failed"), number),
        "triggerInfo": {"ci.sourceBranch": "refs/heads/main", "ci.message": pick(WORDS, number)},
        "tags": list(WORDS[: number % 2]),
        "queue": {"id": 1, "pool": {"id": 9, "isHosted": True}},
        "startTime": f"2026-01-01T0{number}:00:00.1234567Z",
        "project": _team_project(project),
    }


def _devops_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/acme",
            "auth": {"type": "http_basic", "username": "", "password": "pat-1"},
            "paginator": {
                "type": "header_cursor",
                "cursor_key": "x-ms-continuationtoken",
                "cursor_param": "continuationToken",
            },
        },
        "resource_defaults": {"endpoint": {"params": {"api-version": "7.1", "$top": 2}, "data_selector": "value"}},
        "resources": [
            {
                "name": "projects",
                "write_disposition": {
                    "disposition": "merge",
                    "strategy": "scd2",
                    "validity_column_names": ["seen", "gone"],
                },
                "merge_key": "id",
                "endpoint": {"path": "_apis/projects"},
            },
            {
                "name": "builds",
                "write_disposition": "merge",
                "merge_key": "buildNumber",
                "references": [
                    {"referenced_table": "projects", "columns": ["project__id"], "referenced_columns": ["id"]}
                ],
                "endpoint": {
                    "path": "{resources.projects.id}/_apis/build/builds",
                    "params": {"statusFilter": "completed"},
                },
            },
        ],
    }


DEVOPS = Dialect(
    "azure devops",
    devops,
    _devops_config,
    rows=({"projects": 3, "builds": 12, "builds__tags": 6}, {"projects": 3, "builds": 15, "builds__tags": 6}),
    shows="http_basic without a name; header_cursor with other letters than the answer's; a dollar in parameters; "
    "placeholder at the start of a path; merge_key; references; scd2 with names of its own and a key; dots in keys",
)

DIALECTS = (STRIPE, DISCORD, DEVOPS)
