"""APIs whose body says the next page's address: PokeAPI, Twilio, Salesforce."""

from __future__ import annotations

import re
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, opaque, opened, pick, stamp, time
from headrace.sim.message import Reply

# --------------------------------------------------------------------------------------------------- PokeAPI

CREATURES = ("bulbasaur", "ivysaur", "venusaur", "charmander", "charizard")


def pokeapi(ask: Asked) -> Reply:
    """Lists of names with absolute addresses before and after; each name is an object of its own."""
    match ask.steps:
        case ["api", "v2", "pokemon"]:
            names = CREATURES[: 4 + ask.run]
        case ["api", "v2", "berry"]:
            names = tuple(f"{word}-{number}" for number in range(4) for word in WORDS)
        case ["api", "v2", "pokemon", name] if name in CREATURES:
            ask.only()
            return answer(_creature(CREATURES.index(name)))
        case _:
            raise Refused(404, "Not Found")
    ask.only("limit", "offset")
    size, start = ask.whole("limit", 20), ask.whole("offset", 0)
    end = start + size
    return answer({
        "count": len(names),
        "next": ask.link(offset=end, limit=size) if end < len(names) else None,
        "previous": ask.link(offset=max(start - size, 0), limit=size) if start else None,
        "results": [{"name": name, "url": ask.link(f"{ask.path.rstrip('/')}/{name}/")} for name in names[start:end]],
    })  # fmt: skip


def _creature(number: int) -> dict[str, Any]:
    return {
        "id": number + 1,
        "name": CREATURES[number],
        "base_experience": None if number == 1 else 64 * number,
        "is_default": True,
        "abilities": [
            {"ability": {"name": word, "url": f"/{word}"}, "slot": n, "is_hidden": n == 1}
            for n, word in enumerate(WORDS[: 1 + number % 2])
        ],
        "game_indices": [],
        "held_items": [
            {
                "item": {"name": "gem"},
                "version_details": [{"rarity": 5, "version": {"name": word}} for word in WORDS[:2]],
            }
        ][: number % 2],
        "sprites": {
            "front_default": "a.png",
            "other": {"dream_world": {"front_default": None}, "home": {"shiny": "b"}},
        },
        "past_abilities": [{"generation": {"name": "iv"}, "abilities": [{"ability": None, "slot": 3}]}],
        "weight": 69 + number,
    }


def _pokeapi_config(url: str) -> dict[str, Any]:
    return {
        "client": {"base_url": f"{url}/api/v2/"},
        "resource_defaults": {"write_disposition": "replace"},
        "resources": [
            "berry",
            {"name": "pokemon", "endpoint": {"params": {"limit": 2}}},
            {
                "name": "creatures",
                "primary_key": "id",
                "write_disposition": "merge",
                "max_table_nesting": 2,
                "endpoint": "pokemon/{resources.pokemon.name}",
            },
        ],
    }


POKEAPI = Dialect(
    "pokeapi",
    pokeapi,
    _pokeapi_config,
    rows=(
        {
            "pokemon": 4, "berry": 28, "creatures": 4, "creatures__abilities": 6, "creatures__held_items": 2,
            "creatures__past_abilities": 4,
        },
        {
            "pokemon": 5, "berry": 28, "creatures": 5, "creatures__abilities": 7, "creatures__held_items": 2,
            "creatures__past_abilities": 5,
        },
    ),
    shows="no credentials; paginator and selector found by looking; resource in one word; endpoint in one word; one "
    "object for each parent row; max_table_nesting of the source and of a resource",
    options={"max_table_nesting": 3},
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- Twilio

ACCOUNT = "AC00000000000000000000000000000042"


def twilio(ask: Asked) -> Reply:
    """Relative addresses; dates as in e-mail; names of parameters with a comparison in them."""
    ask.basic(ACCOUNT, "twilio-secret")
    match ask.steps:
        case ["2010-04-01", "Accounts", account, "Messages.json"] if account == ACCOUNT:
            ask.only("PageSize", "Page", "PageToken", "DateSent>")
            rows = [_text_message(number) for number in range(1, 6 + 2 * ask.run)]
            since = ask.params.get("DateSent>", "")
            rows = [row for row in rows if parsedate_to_datetime(row["date_sent"]).strftime("%Y-%m-%d") >= since]
            key = "messages"
        case ["2010-04-01", "Accounts", account, "Usage", "Records.json"] if account == ACCOUNT:
            ask.only("PageSize", "Page", "PageToken", "Category")
            key, rows = "usage_records", [_usage(number) for number in range(5)]
        case _:
            raise Refused(404, "not found", code=20404)
    page, size = ask.whole("Page", 0), ask.whole("PageSize", 50)
    if page and opened(ask.params.get("PageToken")) != str(page):
        raise Refused(400, "Invalid PageToken", code=21481)
    rest = {name: value for name, value in ask.params.items() if name not in ("Page", "PageToken", "PageSize")}
    following = ask.link(**rest, PageSize=size, Page=page + 1, PageToken=opaque(page + 1)).removeprefix(ask.origin)
    return answer({
        "first_page_uri": f"{ask.path}?PageSize={size}&Page=0",
        "next_page_uri": following if (page + 1) * size < len(rows) else None,
        "page": page,
        "page_size": size,
        key: rows[page * size : (page + 1) * size],
        "uri": ask.path,
    })  # fmt: skip


def _text_message(number: int) -> dict[str, Any]:
    return {
        "sid": f"SM{number:032x}",
        "body": f"Hi {pick(PEOPLE, number)} 👋",
        "num_segments": str(number),
        "price": None if number == 5 else f"-{0.0075 * number:.5f}",
        "error_code": 30003 if number == 2 else None,
        "date_sent": format_datetime(time(24 * number)),
        "subresource_uris": {"media": f"/Media/{number}.json"},
    }


def _usage(number: int) -> dict[str, Any]:
    return {"category": WORDS[number], "count": str(number), "usage": "1.50", "start_date": f"2026-01-0{number + 1}"}


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """A date that can be compared."""
    row["sent"] = parsedate_to_datetime(row["date_sent"]).isoformat()
    return row


def _twilio_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/2010-04-01/Accounts/{ACCOUNT}",
            "auth": {"type": "http_basic", "username": ACCOUNT, "password": "twilio-secret"},
            "paginator": {"type": "json_link", "next_url_path": "next_page_uri"},
        },
        "resources": [
            {
                "name": "messages",
                "primary_key": "sid",
                "write_disposition": "append",
                "columns": {"price": {"data_type": "decimal"}, "num_segments": {"data_type": "bigint"}},
                "processing_steps": [{"map": _dated}],
                "endpoint": {
                    "path": "Messages.json",
                    "params": {
                        "PageSize": 2,
                        "DateSent>": {
                            "type": "incremental",
                            "cursor_path": "date_sent",
                            "initial_value": "Thu, 01 Jan 2026 00:00:00 +0000",
                            "last_value_func": _latest,
                            "convert": lambda value: parsedate_to_datetime(value).strftime("%Y-%m-%d"),
                        },
                    },
                },
            },
            {
                "name": "usage",
                "table_name": "usage_records",
                "primary_key": ["category", "start_date"],
                "write_disposition": {"disposition": "merge", "strategy": "insert-only"},
                "endpoint": {"path": "Usage/Records.json", "data_selector": "usage_records", "params": {"PageSize": 3}},
            },
        ],
    }


def _latest(values: Any) -> Any:
    """The latest of dates as in e-mail."""
    return max(values, key=parsedate_to_datetime)


TWILIO = Dialect(
    "twilio",
    twilio,
    _twilio_config,
    rows=({"messages": 5, "usage_records": 5}, {"messages": 7, "usage_records": 5}),
    shows="http_basic; json_link with a relative address; incremental in params with a function of its own for the "
    "last value, and convert; a parameter with a sign in its name; map step; decimal and bigint from texts; "
    "table_name; composite key; insert-only",
)

# ------------------------------------------------------------------------------------------------ Salesforce

_SOQL = re.compile(
    r"SELECT FIELDS\(ALL\) FROM (?P<kind>Account|Contact)"
    r"( WHERE SystemModstamp >= (?P<since>[^ ]+))? ORDER BY SystemModstamp"
)


def salesforce(ask: Asked) -> Reply:
    """A query language; the next batch is a path with no parameters at all."""
    if ask.steps == ["services", "oauth2", "token"]:
        form = ask.form()
        if form.pop("client_id", "") != "3MVG9" or form.pop("client_secret", "") != "se&cr=et":
            raise Refused(401, "invalid_client")
        if form != {"grant_type": "password", "username": "ada@example.test", "password": "pass word"}:
            raise Refused(400, "unsupported_grant_type")
        return answer({"access_token": "00D!token", "instance_url": ask.origin, "token_type": "Bearer"})
    ask.bearer("00D!token")
    match ask.steps:
        case ["services", "data", "v62.0", "query"]:
            ask.only("q")
            query, start = ask.params.get("q", ""), 0
        case ["services", "data", "v62.0", "query", locator]:
            ask.only()
            at, _, query = bytes.fromhex(locator).decode().partition("-")
            start = int(at)
        case _:
            raise Refused(404, "NOT_FOUND")
    asked = _SOQL.fullmatch(query)
    if asked is None:
        raise Refused(400, f"MALFORMED_QUERY: {query}")
    rows = [_sobject(asked["kind"], number, ask.run) for number in range(1, 8 + ask.run)]
    rows = [row for row in rows if row["SystemModstamp"] >= (asked["since"] or "")]
    body: dict[str, Any] = {"totalSize": len(rows), "done": start + 3 >= len(rows), "records": rows[start : start + 3]}
    if not body["done"]:
        body["nextRecordsUrl"] = f"/services/data/v62.0/query/{f'{start + 3}-{query}'.encode().hex()}"
    return answer(body)


def _sobject(kind: str, number: int, run: int) -> dict[str, Any]:
    """Object 3 is renamed between the runs."""
    late = 500 if run and number == 3 else 0
    common = {
        "attributes": {"type": kind, "url": f"/services/data/v62.0/sobjects/{kind}/{number}"},
        "Id": f"{'001' if kind == 'Account' else '003'}{number:012d}AAA",
        "Name": pick(WORDS, number + late),
        "IsDeleted": False,
        "SystemModstamp": f"{stamp(number + late)[:-1]}.000+0000",
    }
    if kind == "Account":
        return {
            **common,
            "AnnualRevenue": None if number % 2 else 1000.0 * number,
            "NumberOfEmployees": 10 * number,
            "BillingAddress": {"city": "Köln", "geocodeAccuracy": None, "latitude": 50.94, "longitude": 6.96},
        }
    return {**common, "AccountId": f"001{1 + number % 2:012d}AAA", "Email": f"c{number}@example.test", "Owner": None}


def _without_attributes(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "attributes"}


def _salesforce_config(url: str) -> dict[str, Any]:
    modified = {"cursor_path": "SystemModstamp", "initial_value": "2026-01-01T00:00:00.000+0000"}
    return {
        "client": {
            "base_url": f"{url}/services/data/v62.0",
            "auth": {
                "type": "oauth2_client_credentials",
                "access_token_url": f"{url}/services/oauth2/token",
                "client_id": "3MVG9",
                "client_secret": "se&cr=et",
                "access_token_request_data": {
                    "grant_type": "password",
                    "username": "ada@example.test",
                    "password": "pass word",
                },
                "default_token_expiration": 1800,
            },
            "paginator": {"type": "json_link", "next_url_path": "nextRecordsUrl"},
        },
        "resource_defaults": {
            "primary_key": "Id",
            "write_disposition": {"disposition": "merge", "strategy": "delete-insert"},
            "processing_steps": [{"map": _without_attributes}],
            "endpoint": {"data_selector": "records", "incremental": modified},
        },
        "resources": [
            {
                "name": "accounts",
                "columns": {"AnnualRevenue": {"data_type": "decimal", "precision": 18, "scale": 2}},
                "endpoint": {
                    "path": "query",
                    "params": {
                        "q": "SELECT FIELDS(ALL) FROM Account WHERE SystemModstamp >= {incremental.start_value} "
                        "ORDER BY SystemModstamp"
                    },
                },
            },
            {
                "name": "contacts",
                "endpoint": {
                    "path": "query",
                    "params": {
                        "q": "SELECT FIELDS(ALL) FROM Contact WHERE SystemModstamp >= {incremental.last_value} "
                        "ORDER BY SystemModstamp"
                    },
                },
            },
        ],
    }


SALESFORCE = Dialect(
    "salesforce",
    salesforce,
    _salesforce_config,
    rows=({"accounts": 7, "contacts": 7}, {"accounts": 8, "contacts": 8}),
    shows="another grant in the token's data; no expiry in the token's answer; json_link with a path; placeholders of "
    "an incremental inside a text of params; map that drops a key; selector, steps and incremental as defaults; "
    "delete-insert; names in camel case",
)

DIALECTS = (POKEAPI, TWILIO, SALESFORCE)
