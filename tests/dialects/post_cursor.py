"""APIs that are asked by POST, the cursor in the body: HubSpot, Notion, Linear (GraphQL)."""

from __future__ import annotations

from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, epoch, opaque, opened, pick, stamp, whole
from headrace.sim.message import Reply

# --------------------------------------------------------------------------------------------------- HubSpot


def hubspot(ask: Asked) -> Reply:
    """Searches by POST with `after` in the body; associations of an object by GET, without paging."""
    ask.bearer("pat-eu1-1")
    match ask.steps:
        case ["crm", "v3", "objects", "contacts", "search"]:
            ask.only()
            return _contacts(ask)
        case ["crm", "v4", "objects", "contacts", contact, "associations", "companies"]:
            ask.only("limit", "after")
            return answer({"results": _associations(int(contact))})
        case _:
            raise Refused(404, "No route found")


def _contacts(ask: Asked) -> Reply:
    body = ask.body()
    unknown = body.keys() - {"filterGroups", "sorts", "properties", "limit", "after"}
    if unknown:
        raise Refused(400, f"unknown properties: {sorted(unknown)}", category="VALIDATION_ERROR")
    (group,) = body["filterGroups"]
    least = {one["propertyName"]: one["value"] for one in group["filters"] if one["operator"] == "GTE"}
    if not isinstance(least["lastmodifieddate"], int) or not isinstance(body["limit"], int):
        raise Refused(400, "expected numbers")
    rows = [_contact(number, ask.run) for number in range(1, 6)]
    rows = [row for row in rows if row["modified"] >= least["lastmodifieddate"]]
    for row in rows:
        row["properties"] = {name: row["properties"].get(name) for name in body["properties"]}
    size, start = body["limit"], whole(body.get("after"), 0)
    found: dict[str, Any] = {"total": len(rows), "results": rows[start : start + size]}
    if start + size < len(rows):
        found["paging"] = {"next": {"after": str(start + size), "link": "?"}}
    return answer(found)


def _contact(number: int, run: int) -> dict[str, Any]:
    late = 99 if run and number == 5 else 0
    return {
        "id": str(100 + number),
        "properties": {"email": f"c{number}@example.test", "firstname": pick(PEOPLE, number), "lifecyclestage": None},
        "createdAt": stamp(number),
        "modified": 1000 * epoch(number + late),
        "archived": False,
    }


def _associations(contact: int) -> list[dict[str, Any]]:
    kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None}]
    return [{"toObjectId": 900 + n, "associationTypes": kinds} for n in range(contact % 3)]


def _hubspot_config(url: str) -> dict[str, Any]:
    return {
        "client": {"base_url": f"{url}/crm", "auth": {"type": "bearer", "token": "pat-eu1-1"}},
        "resources": [
            {
                "name": "contacts",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "v3/objects/contacts/search",
                    "method": "POST",
                    "json": {
                        "filterGroups": [
                            {
                                "filters": [
                                    {
                                        "propertyName": "lastmodifieddate",
                                        "operator": "GTE",
                                        "value": "{incremental.start_value}",
                                    }
                                ]
                            }
                        ],
                        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
                        "properties": ["email", "firstname", "lifecyclestage"],
                        "limit": 10,
                    },
                    "data_selector": "results",
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "paging.next.after",
                        "cursor_body_path": "after",
                    },
                    "incremental": {"cursor_path": "modified", "initial_value": 1000 * epoch(0)},
                },
            },
            {
                "name": "companies_of_contacts",
                "write_disposition": "replace",
                "include_from_parent": ["id"],
                "endpoint": {
                    "path": "v4/objects/contacts/{resources.contacts.id}/associations/companies",
                    "params": {"limit": 500},
                    "data_selector": "results",
                    "paginator": "single_page",
                },
            },
        ],
    }


HUBSPOT = Dialect(
    "hubspot",
    hubspot,
    _hubspot_config,
    rows=(
        # contacts 101 to 105 have 2, 0, 1, 2, 0 companies
        {"contacts": 5, "companies_of_contacts": 5, "companies_of_contacts__association_types": 5},
        # the last one was changed and comes again
        {"contacts": 5},
    ),
    shows="POST with JSON; a placeholder deep in lists that keeps its type (a number); the cursor in the body; a text "
    "that is a number as cursor; a child whose method is GET again; empty lists under the selector",
)

# ---------------------------------------------------------------------------------------------------- Notion


def notion(ask: Asked) -> Reply:
    """Every list is the same object, with a flag and a cursor that is null at the end."""
    ask.bearer("ntn_1")
    ask.needs("notion-version", "2022-06-28")
    ask.only("start_cursor", "page_size")
    match ask.steps:
        case ["v1", "search"]:
            asked = ask.body()
            if asked.pop("filter", None) != {"property": "object", "value": "database"}:
                raise Refused(400, "validation_error")
            rows = [_database(number) for number in range(3)]
        case ["v1", "databases", database, "query"]:
            asked = ask.body()
            wanted = asked.pop("filter", {})
            if wanted != {"property": "Parent", "rich_text": {"equals": f"in {database}"}, "deep": {"n": [1, None]}}:
                raise Refused(400, f"validation_error: {wanted}")
            rows = [_notion_page(int(database[2:]), number) for number in range(3)]
        case ["v1", "blocks", page, "children"]:
            asked = dict(ask.params)
            rows = [_block(page, number) for number in range(3)]
        case _:
            raise Refused(404, "object_not_found")
    if unknown := asked.keys() - {"start_cursor", "page_size"}:
        raise Refused(400, f"validation_error: {sorted(unknown)}")
    size, start = whole(asked.get("page_size"), 100, 100), whole(opened(asked.get("start_cursor")), 0)
    more = start + size < len(rows)
    return answer({
        "object": "list", "results": rows[start : start + size], "has_more": more,
        "next_cursor": opaque(start + size) if more else None, "type": "page_or_database",
    })  # fmt: skip


def _database(number: int) -> dict[str, Any]:
    title = [{"type": "text", "text": {"content": WORDS[number], "link": None}, "annotations": {"bold": False}}]
    schema = {"Name": {"id": "title", "type": "title", "title": {}}, "Größe": {"id": "a%3Db", "type": "number"}}
    return {"object": "database", "id": f"db{number}", "title": title, "properties": schema, "archived": False}


def _notion_page(database: int, number: int) -> dict[str, Any]:
    return {
        "object": "page",
        "id": f"pg-{database}-{number}",
        "parent": {"type": "database_id", "database_id": f"db{database}"},
        "icon": {"type": "emoji", "emoji": "🥬"} if number == 1 else None,
        "properties": {
            "Name": {"id": "title", "type": "title", "title": [{"plain_text": pick(WORDS, number), "href": None}]},
            "Größe": {"id": "a%3Db", "type": "number", "number": [1, 2.5, None][number]},
            "Tags": {"id": "c", "type": "multi_select", "multi_select": [{"name": word} for word in WORDS[:number]]},
        },
        "last_edited_time": f"{stamp(number)[:-1]}.000Z",
    }


def _block(page: str, number: int) -> dict[str, Any]:
    kind = pick(("paragraph", "heading_1", "to_do"), number)
    content = {"rich_text": [{"plain_text": f"{page} {number}"}], "color": "default"}
    return {"object": "block", "id": f"{page}-b{number}", "type": kind, kind: content, "has_children": False}


def _notion_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/v1",
            "auth": {"type": "bearer", "token": "ntn_1"},
            "headers": {"Notion-Version": "2022-06-28"},
            "paginator": {
                "type": "cursor",
                "cursor_path": "next_cursor",
                "cursor_body_path": "start_cursor",
                "has_more_path": "has_more",
            },
        },
        "resource_defaults": {
            "write_disposition": "replace",
            "endpoint": {"data_selector": "results", "json": {"page_size": 2}},
        },
        "resources": [
            {
                "name": "databases",
                "endpoint": {
                    "path": "search",
                    "method": "POST",
                    "json": {"filter": {"property": "object", "value": "database"}},
                },
            },
            {
                "name": "pages",
                "endpoint": {
                    "path": "databases/{resources.databases.id}/query",
                    "method": "POST",
                    "json": {
                        "filter": {
                            "property": "Parent",
                            "rich_text": {"equals": "in {resources.databases.id}"},
                            "deep": {"n": [1, None]},
                        }
                    },
                },
            },
            {
                "name": "blocks",
                "include_from_parent": ["id", "last_edited_time"],
                "endpoint": {
                    "path": "blocks/{resources.pages.id}/children",
                    "json": {},
                    "params": {"page_size": 2},
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "next_cursor",
                        "cursor_param": "start_cursor",
                        "has_more_path": "has_more",
                    },
                },
            },
        ],
    }


NOTION = Dialect(
    "notion",
    notion,
    _notion_config,
    rows=(
        {
            "databases": 3, "databases__title": 3, "pages": 9, "pages__properties__name__title": 9,
            "pages__properties__tags__multi_select": 9, "blocks": 27,
        },
    )
    * 2,
    shows="cursor in the body with a flag, for all; JSON of the defaults and of the endpoint merged; placeholders in "
    "texts of JSON, beside numbers and null; a chain over POST and GET; a paginator of its own; a number that is 1 "
    "and 2.5 (variant); keys named by the row's type",
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- Linear

QUERY = (
    "query Issues($first: Int!, $after: String) {{ issues(first: $first, after: $after) {{ nodes {{ id title }} }} }}"
)


def linear(ask: Asked) -> Reply:
    """GraphQL: everything is a POST to one path; errors are 200 or 400; the key stands bare in the header."""
    ask.signed("authorization", "lin_api_1")
    ask.only()
    if ask.steps != ["graphql"]:
        raise Refused(404, "Not Found")
    body = ask.body()
    if body.keys() != {"query", "variables"} or body["query"] != QUERY.replace("{{", "{").replace("}}", "}"):
        raise Refused(400, "GRAPHQL_PARSE_FAILED")
    asked = body["variables"]
    if asked.keys() - {"first", "after", "filter"} or asked["filter"] != {"team": {"key": {"eq": "ENG"}}}:
        raise Refused(400, "GRAPHQL_VALIDATION_FAILED")
    rows = [_linear_issue(number) for number in range(5 + ask.run)]
    start = whole(opened(asked.get("after")), 0)
    end = start + asked["first"]
    page = {"hasNextPage": end < len(rows), "endCursor": opaque(min(end, len(rows)))}
    return answer({"data": {"issues": {"nodes": rows[start:end], "pageInfo": page}}})


def _linear_issue(number: int) -> dict[str, Any]:
    return {
        "id": f"uuid-{number}",
        "identifier": f"ENG-{number}",
        "title": pick(WORDS, number),
        "estimate": None if number == 0 else number,
        "labels": {"nodes": [{"id": f"l{n}", "name": WORDS[n]} for n in range(number % 2)]},
        "assignee": {"name": pick(PEOPLE, number)} if number % 2 else None,
        "dueDate": "2026-02-01",
        "createdAt": f"{stamp(number)[:-1]}.123Z",
    }


def _linear_config(url: str) -> dict[str, Any]:
    return {
        "client": {"base_url": url, "auth": {"type": "api_key", "api_key": "lin_api_1"}},
        "resources": [
            {
                "name": "issues",
                "table_name": "Linear Issues",
                "primary_key": "id",
                "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                "columns": {"dueDate": {"data_type": "date"}, "assignee": {"data_type": "json"}},
                "endpoint": {
                    "path": "graphql",
                    "method": "POST",
                    "json": {"query": QUERY, "variables": {"first": 2, "filter": {"team": {"key": {"eq": "ENG"}}}}},
                    "data_selector": "data.issues.nodes",
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "data.issues.pageInfo.endCursor",
                        "cursor_body_path": "variables.after",
                        "has_more_path": "data.issues.pageInfo.hasNextPage",
                    },
                },
            }
        ],
    }


LINEAR = Dialect(
    "linear",
    linear,
    _linear_config,
    rows=(
        {"linear_issues": 5, "linear_issues__labels__nodes": 2},
        {"linear_issues": 6, "linear_issues__labels__nodes": 3},
    ),
    shows="GraphQL; doubled braces; the cursor inside an object of the body; a bare key; a table name that is "
    "normalised; date and json columns; upsert",
)

DIALECTS = (HUBSPOT, NOTION, LINEAR)
