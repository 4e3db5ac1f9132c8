"""APIs that are asked by offset and limit: Jira, Mailchimp."""

from __future__ import annotations

import re
from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, opaque, pick, stamp
from headrace.sim.message import Reply

# ------------------------------------------------------------------------------------------------------ Jira

_JQL = re.compile(r'project = "ENG" AND updated >= "(?P<since>[0-9/]+ [0-9:]+)" ORDER BY updated')


def jira(ask: Asked) -> Reply:
    """`startAt`, `maxResults` and a total, for issues and for the work logs of each."""
    ask.basic("ada@example.test", "jira-token")
    match ask.steps:
        case ["rest", "api", "2", "search"]:
            ask.only("jql", "startAt", "maxResults", "fields", "expand")
            asked = _JQL.fullmatch(ask.params.get("jql", ""))
            if asked is None:
                raise Refused(400, "bad jql", errorMessages=["Error in the JQL Query"])
            since = asked["since"].replace("/", "-").replace(" ", "T")
            key, rows = "issues", [_issue(number, ask.run) for number in range(1, 8)]
            rows = [row for row in rows if row["fields"]["updated"][:16] >= since]
        case ["rest", "api", "2", "issue", issue, "worklog"]:
            ask.only("startAt", "maxResults")
            key, rows = "worklogs", [_worklog(issue, number) for number in range(int(issue.removeprefix("ENG-")))]
        case ["rest", "api", "2", "project", "ENG"]:
            ask.only("expand")
            return answer({"id": "1", "key": "ENG", "issueTypes": [{"id": "1", "subtask": False}], "lead": None})
        case _:
            raise Refused(404, "null for uri")
    start, size = ask.whole("startAt", 0), ask.whole("maxResults", 50, 100)
    rows.sort(key=lambda row: row.get("fields", {}).get("updated", ""))
    body = {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(rows)}
    return answer({**body, key: rows[start : start + size]})


def _issue(number: int, run: int) -> dict[str, Any]:
    """Issue 3 is updated between the runs; custom fields are null, a number, a list or an object."""
    late = 100 if run and number == 3 else 0
    return {
        "id": str(10_000 + number),
        "key": f"ENG-{number}",
        "fields": {
            "summary": f"{pick(WORDS, number)} for {pick(PEOPLE, number)}",
            "status": {"name": "Done" if late else "Open", "statusCategory": {"id": 2, "colorName": "green"}},
            "labels": list(WORDS[: number % 3]),
            "customfield_10016": pick((None, 3, 5.5), number),
            "customfield_10020": [{"id": 4, "name": "Sprint 4", "state": "active"}] if number % 2 else None,
            "issuelinks": [],
            "timetracking": {},
            "updated": f"{stamp(number + late)[:-1]}.000+0000",
        },
    }


def _worklog(issue: str, number: int) -> dict[str, Any]:
    return {
        "id": f"{issue}/{number}",
        "author": {"displayName": pick(PEOPLE, number), "active": True},
        "timeSpentSeconds": 900 * (number + 1),
        "started": f"2026-01-02T0{number}:30:00.000+0100",
    }


def _jira_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/rest/api/2",
            "auth": {"type": "http_basic", "username": "ada@example.test", "password": "jira-token"},
            "paginator": {
                "type": "offset",
                "limit": 3,
                "offset": 0,
                "offset_param": "startAt",
                "limit_param": "maxResults",
                "total_path": "total",
            },
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {
                "name": "issues",
                "processing_steps": [{"map": _updated_at_the_top}],
                "endpoint": {
                    "path": "search",
                    "params": {
                        "jql": 'project = "ENG" AND updated >= "{incremental.start_value}" ORDER BY updated',
                        "fields": "*all",
                    },
                    "data_selector": "issues",
                    "incremental": {
                        "cursor_path": "updated",
                        "initial_value": "2026-01-01T10:00:00.000+0000",
                        "convert": lambda value: value[:16].replace("-", "/").replace("T", " "),
                    },
                },
            },
            {
                "name": "worklogs",
                "include_from_parent": ["key"],
                "endpoint": {"path": "issue/{resources.issues.key}/worklog", "data_selector": "worklogs"},
            },
            {
                "name": "project",
                "write_disposition": "replace",
                "endpoint": {"path": "project/{key}", "params": {"key": "ENG"}},
            },
        ],
    }


def _updated_at_the_top(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "updated": row["fields"]["updated"]}


JIRA = Dialect(
    "jira",
    jira,
    _jira_config,
    # issues 2 to 7; issue n has n work logs
    rows=({"issues": 6, "issues__fields__labels": 6, "issues__fields__customfield_10020": 3, "worklogs": 27},) * 2,
    shows="offset with all its names and a total, for a child as well; an incremental's value converted inside a text; "
    "a cursor that a step puts at the top; a value bound into the path; one object at such a path; a number that is 3 "
    "and 5.5; empty objects and lists",
)

# ------------------------------------------------------------------------------------------------- Mailchimp


def mailchimp(ask: Asked) -> Reply:
    """`count`, `offset` and `total_items`; every object brings its links along."""
    ask.basic("anystring", "key-us6")
    match ask.steps:
        case ["3.0", "lists"]:
            ask.only("count", "offset", "sort_field")
            key, rows = "lists", [_audience(number) for number in range(3)]
        case ["3.0", "lists", audience, "members"]:
            ask.only("count", "offset", "since_last_changed", "fields")
            count = 2 + int(audience.removeprefix("a")) + ask.run
            key, rows = "members", [_subscriber(audience, number, ask.run) for number in range(count)]
            since = ask.params.get("since_last_changed", "")
            rows = [row for row in rows if row["last_changed"] >= since]
        case ["3.0", "lists", _, "members", subscriber, "activity-feed"]:
            ask.only("count", "offset")
            key, rows = "activity", [{"action": "open", "n": n, "contact": subscriber} for n in range(2)]
        case _:
            raise Refused(404, "Resource Not Found")
    start, size = ask.whole("offset", 0), ask.whole("count", 10)
    links = [{"rel": "self", "href": ask.path, "method": "GET"}]
    return answer({key: rows[start : start + size], "total_items": len(rows), "_links": links})


def _audience(number: int) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "web_id": 500 + number,
        "name": WORDS[number],
        "contact": {"company": "Acme", "address1": "", "country": "DE"},
        "stats": {
            "member_count": 2 + number,
            "open_rate": 12.5 * number,
            "last_sub_date": stamp(number) if number else "",
        },
        "modules": [],
        "_links": [{"rel": word, "href": f"/{word}"} for word in WORDS[:2]],
    }


def _subscriber(audience: str, number: int, run: int) -> dict[str, Any]:
    """Times go on from list to list: one cursor serves all. The first member of each changes between the runs."""
    hours = 100 * int(audience.removeprefix("a")) + number + (1000 if run and number == 0 else 0)
    return {
        "id": opaque(f"{audience}{number}").rstrip("="),
        "email_address": f"{audience}.{number}@example.test",
        "status": pick(("subscribed", "unsubscribed"), number),
        "merge_fields": {"FNAME": pick(PEOPLE, number), "LNAME": "", "MMERGE5": number},
        "interests": {"9143cf3bd1": True, "3a2a927344": False},
        "tags": [{"id": n, "name": WORDS[n]} for n in range(number % 2)],
        "location": {"latitude": 0, "longitude": 0, "gmtoff": None},
        "last_changed": f"{stamp(hours)[:-1]}+00:00",
        "list_id": audience,
    }


def _mailchimp_config(url: str) -> dict[str, Any]:
    offset = {"type": "offset", "limit": 2, "limit_param": "count", "total_path": "total_items"}
    return {
        "client": {
            "base_url": f"{url}/3.0/",
            "auth": {"type": "http_basic", "username": "anystring", "password": "key-us6"},
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge", "endpoint": {"paginator": offset}},
        "resources": [
            {
                "name": "lists",
                "endpoint": {
                    "path": "lists",
                    "data_selector": "lists",
                    "params": {"sort_field": "date_created"},
                    "paginator": {**offset, "limit": 5},
                },
            },
            {
                "name": "members",
                "include_from_parent": ["id", "name", "contact"],
                "endpoint": {
                    "path": "lists/{list}/members",
                    "data_selector": "members",
                    "params": {
                        "list": {"type": "resolve", "resource": "lists", "field": "id"},
                        "fields": "members,total_items",
                        "since_last_changed": {
                            "type": "incremental",
                            "cursor_path": "last_changed",
                            "initial_value": "2026-01-01T08:00:00+00:00",
                        },
                    },
                },
            },
            {
                "name": "activity",
                "primary_key": [],
                "write_disposition": "append",
                "endpoint": {
                    "path": "lists/{resources.members.list_id}/members/{resources.members.id}/activity-feed",
                    "data_selector": "activity",
                    "paginator": {"type": "offset", "limit": 5, "limit_param": "count", "total_path": None,
                                  "maximum_offset": 5},
                },
            },
        ],
    }  # fmt: skip


MAILCHIMP = Dialect(
    "mailchimp",
    mailchimp,
    _mailchimp_config,
    rows=(
        {"lists": 3, "lists___links": 6, "members": 9, "members__tags": 4, "activity": 18},
        # of the new members only the last list's is behind the one cursor; the three that changed are
        {"lists": 3, "lists___links": 6, "members": 10, "members__tags": 4, "activity": 26},
    ),
    shows="offset with a total of items; offset with a maximum and without a total; incremental in params of a child "
    "beside resolve; an object of the parent in each child row; a chain of three, the last with two fields of its "
    "parent; an endpoint's paginator over the default's; the links that every object brings along",
)

DIALECTS = (JIRA, MAILCHIMP)
