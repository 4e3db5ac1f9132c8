"""APIs that say a cursor in the body and take it as a parameter: Slack, Airtable, Zendesk."""

from __future__ import annotations

from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, epoch, opaque, opened, pick, stamp, whole
from headrace.sim.message import Reply

# ----------------------------------------------------------------------------------------------------- Slack

CHANNELS = ("general", "random", "private", "köln", "empty")


def slack(ask: Asked) -> Reply:
    """Always 200: `ok` says whether it went well; the last cursor is an empty text; arguments may come as a form."""
    if ask.headers.get("authorization") != "Bearer xoxb-1":
        raise Refused(401, "not_authed", ok=False, error="not_authed")
    asked = {**ask.params, **(ask.form() if ask.method == "POST" else {})}
    match ask.steps:
        case ["api", "conversations.list"]:
            known, key = {"types", "exclude_archived"}, "channels"
            rows = [_channel(number) for number in range(len(CHANNELS))]
        case ["api", "conversations.history"] if ask.method == "POST":
            known, key = {"channel", "inclusive"}, "messages"
            channel = int(asked.get("channel", "C9").removeprefix("C"))
            rows = [_message(channel, number) for number in reversed(range(channel + 1 + ask.run))]
        case ["api", "team.info"]:
            ask.only()
            return answer({"ok": True, "team": {"id": "T1", "name": "Acme", "icon": {"image_default": True}}})
        case _:
            return answer({"ok": False, "error": "unknown_method"}, status=404)
    unknown = asked.keys() - known - {"limit", "cursor"}
    if unknown:
        raise Refused(400, "invalid_arguments", unknown=sorted(unknown))
    if asked.get("channel") == "C2":
        return answer({"ok": False, "error": "not_in_channel"})
    size, start = whole(asked.get("limit"), 100), whole(opened(asked.get("cursor")), 0)
    following = opaque(start + size) if start + size < len(rows) else ""
    return answer({"ok": True, key: rows[start : start + size], "response_metadata": {"next_cursor": following}})


def _channel(number: int) -> dict[str, Any]:
    return {
        "id": f"C{number}",
        "name": CHANNELS[number],
        "is_archived": False,
        "topic": {"value": f"all about {CHANNELS[number]}", "creator": "", "last_set": 0},
        "previous_names": list(WORDS[:number]),
        "num_members": 3 * number,
        "created": epoch(number),
    }


def _message(channel: int, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": "message",
        "user": f"U{number}",
        "text": f"{pick(WORDS, number)} <@U{number}> 🎉",
        "ts": f"{epoch(number)}.{channel:06d}",
        "reactions": [{"name": "tada", "users": [f"U{n}" for n in range(number)], "count": number}][:number],
        "edited": {"user": "U1", "ts": f"{epoch(number)}.000000"} if number == 0 else None,
    }
    if number == 2:
        message["subtype"] = "bot_message"
        message["blocks"] = [
            {"type": "rich_text", "elements": [{"type": "text", "text": "hi", "style": {"bold": True}}]}
        ]
    return message


def _slack_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/api/",
            "auth": {"type": "bearer", "token": "xoxb-1"},
            "paginator": {
                "type": "cursor",
                "cursor_path": "response_metadata.next_cursor",
                "cursor_param": "cursor",
            },
        },
        "resources": [
            {
                "name": "channels",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "conversations.list",
                    "data_selector": "channels",
                    "params": {"limit": 2, "types": "public_channel,private_channel", "exclude_archived": "true"},
                },
            },
            {
                "name": "messages",
                "write_disposition": "replace",
                "include_from_parent": ["id"],
                "endpoint": {
                    "path": "conversations.history",
                    "method": "POST",
                    "data": {"channel": "{resources.channels.id}", "limit": "2", "inclusive": "true"},
                    "data_selector": "messages",
                    "response_actions": [{"status_code": 200, "content": "not_in_channel", "action": "ignore"}],
                },
            },
            {
                "name": "team",
                "write_disposition": "replace",
                "endpoint": {"path": "team.info", "data_selector": "team", "paginator": "single_page"},
            },
        ],
    }


SLACK = Dialect(
    "slack",
    slack,
    _slack_config,
    rows=(
        # channel n has n + 1 messages, the private one (2) is not ours
        {"channels": 5, "channels__previous_names": 10, "messages": 12, "messages__reactions": 8, "team": 1},
        {"channels": 5, "channels__previous_names": 10, "messages": 16, "messages__reactions": 12, "team": 1},
    ),
    shows="cursor that ends with an empty text; POST with a form, the cursor beside it in the query; placeholders in "
    "data; a 200 that holds an error, ignored by status and content; single_page in one word; one object as a row",
)

# -------------------------------------------------------------------------------------------------- Airtable


def airtable(ask: Asked) -> Reply:
    """The cursor is called `offset` and missing on the last page; fields have the names that people gave them."""
    ask.bearer("patA.1")
    match ask.steps:
        case ["v0", "appZ", "Möbel & Co"]:
            ask.only("pageSize", "offset", "fields[]", "view")
            rows = [_furniture(number, ask.run) for number in range(5)]
        case _:
            raise Refused(404, "NOT_FOUND")
    wanted = ask.values("fields[]")
    for row in rows:
        row["fields"] = {name: value for name, value in row["fields"].items() if name in wanted}
    size, start = ask.whole("pageSize", 100, 100), whole(opened(ask.params.get("offset")), 0)
    body: dict[str, Any] = {"records": rows[start : start + size]}
    if start + size < len(rows):
        body["offset"] = opaque(start + size)
    return answer(body)


def _furniture(number: int, run: int) -> dict[str, Any]:
    """Empty fields are left out; `Colour` is there only in the second run."""
    fields: dict[str, Any] = {
        "Name": pick(WORDS, number),
        "Größe (cm)": 10.5 * number,
        "In stock?": True,
        "Vendor → Contact": [f"rec{n}" for n in range(number % 3)],
        "Photos": [{"id": f"att{number}", "size": 4096, "thumbnails": {"small": {"url": "s.png", "width": 36}}}],
        "2nd price": number * 100,
        "Colour": "red",
    }
    if number == 1:
        del fields["In stock?"]
    if not run:
        del fields["Colour"]
    return {"id": f"rec{number}", "createdTime": f"{stamp(number)[:-1]}.000Z", "fields": fields}


def _airtable_config(url: str) -> dict[str, Any]:
    return {
        "client": {"base_url": f"{url}/v0/appZ", "auth": {"type": "bearer", "token": "patA.1"}},
        "resources": [
            {
                "name": "furniture",
                "primary_key": "id",
                "write_disposition": "merge",
                "schema_contract": {"columns": "discard_value"},
                "processing_steps": [
                    {"map": lambda row: {"id": row["id"], "createdTime": row["createdTime"], **row["fields"]}},
                    {"filter": lambda row: row["Name"] != "echo"},
                    {"map": lambda row: {**row, "label": row["Name"].upper()}},
                ],
                "endpoint": {
                    "path": "Möbel%20%26%20Co",
                    "data_selector": "records",
                    "params": {
                        "pageSize": 2,
                        "view": "Grid view",
                        "fields[]": [
                            "Name", "Größe (cm)", "In stock?", "Vendor → Contact", "Photos", "2nd price", "Colour",
                        ],
                    },
                    "paginator": {"type": "cursor", "cursor_path": "offset", "cursor_param": "offset"},
                },
            },
        ],
    }  # fmt: skip


AIRTABLE = Dialect(
    "airtable",
    airtable,
    _airtable_config,
    rows=({"furniture": 4, "furniture__vendor_contact": 3, "furniture__photos": 4},) * 2,
    shows="cursor that ends by being absent; a list as a parameter; names with signs, digits and umlauts; a path that "
    "is quoted already; several steps in order; a contract that discards new columns",
)

# --------------------------------------------------------------------------------------------------- Zendesk


def zendesk(ask: Asked) -> Reply:
    """Brackets in parameters, a flag beside the cursor; older lists have the next address instead."""
    ask.basic("ada@example.test/token", "zd-key")
    match ask.steps:
        case ["api", "v2", "tickets.json"]:
            ask.only("page[size]", "page[after]", "sort")
            size, start = ask.whole("page[size]", 100, 100), whole(opened(ask.params.get("page[after]")), 0)
            rows = [_ticket(number, ask.run) for number in range(1, 6 + ask.run)]
            more = start + size < len(rows)
            meta = {"has_more": more, "after_cursor": opaque(min(start + size, len(rows))), "before_cursor": "xx"}
            return answer({"tickets": rows[start : start + size], "meta": meta, "links": {"next": "?", "prev": None}})
        case ["api", "v2", "ticket_fields.json"]:
            ask.only("page", "per_page")
            size, page = ask.whole("per_page", 100, 100), ask.whole("page", 1)
            fields = [{"id": n, "title": WORDS[n], "removable": n > 1, "custom_field_options": []} for n in range(5)]
            following = ask.link(page=page + 1, per_page=size) if page * size < len(fields) else None
            rows = fields[page * size - size : page * size]
            return answer({"ticket_fields": rows, "count": len(fields), "next_page": following, "previous_page": None})
        case _:
            raise Refused(404, "RecordNotFound")


def _ticket(number: int, run: int) -> dict[str, Any]:
    """Values of custom fields have every type. Ticket 4 has never been updated; ticket 1 has between the runs."""
    late = 300 if run and number == 1 else 0
    return {
        "id": number,
        "subject": f"{pick(PEOPLE, number)}: {pick(WORDS, number)}",
        "priority": pick((None, "high", "low"), number),
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
        "tags": list(WORDS[: number % 3]),
        "custom_fields": [
            {"id": 1, "value": pick(("vip", None, True, 7, 1.5), number)},
            {"id": 2, "value": pick(PEOPLE, number)},
        ],
        "satisfaction_rating": {"score": "good", "comment": None} if number == 3 else None,
        "created_at": stamp(number),
        "updated_at": None if number == 4 else stamp(number + late),
    }


def _zendesk_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/api/v2/",
            "auth": {"type": "http_basic", "username": "ada@example.test/token", "password": "zd-key"},
        },
        "resources": [
            {
                "name": "tickets",
                "primary_key": "id",
                "write_disposition": "merge",
                "nested_hints": {"tags": {"columns": {"value": {"name": "value", "data_type": "text"}}}},
                "endpoint": {
                    "path": "tickets.json",
                    "data_selector": "tickets",
                    "params": {"page[size]": 2, "sort": "id"},
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "meta.after_cursor",
                        "cursor_param": "page[after]",
                        "has_more_path": "meta.has_more",
                    },
                    "incremental": {
                        "cursor_path": "updated_at",
                        "initial_value": "2026-01-01T10:00:00Z",
                        "on_cursor_value_missing": "include",
                        "last_value_func": "max",
                    },
                },
            },
            {
                "name": "ticket_fields",
                "write_disposition": "replace",
                "endpoint": {
                    "path": "ticket_fields.json",
                    "data_selector": "ticket_fields",
                    "params": {"per_page": 2},
                    "paginator": {"type": "json_link", "next_url_path": "next_page"},
                },
            },
        ],
    }


ZENDESK = Dialect(
    "zendesk",
    zendesk,
    _zendesk_config,
    rows=(
        # ticket 1 is too old at first
        {"tickets": 4, "tickets__tags": 5, "tickets__custom_fields": 8, "ticket_fields": 5},
        {"tickets": 6, "tickets__tags": 6, "tickets__custom_fields": 12, "ticket_fields": 5},
    ),
    shows="cursor with a flag; brackets in parameters; incremental that only filters, rows without a cursor included, "
    "rows before the first value left out; a list of values of every type (variant columns); hints for a child table",
)

DIALECTS = (SLACK, AIRTABLE, ZENDESK)
