"""APIs that say the next page in the header `Link`: GitHub, GitLab, Shopify."""

from __future__ import annotations

from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, opaque, opened, pick, stamp
from headrace.sim.message import Reply

# ---------------------------------------------------------------------------------------------------- GitHub

REPOS = ("core", "docs", "web", "cli", "attic")


def github(ask: Asked) -> Reply:
    """Numbered pages behind `Link`; an archive without issues answers 410."""
    ask.bearer("ghp_0123456789")
    ask.needs("x-github-api-version", "2022-11-28")
    ask.needs("accept", "application/vnd.github+json")
    match ask.steps:
        case ["orgs", "acme", "repos"]:
            ask.only("per_page", "page", "type")
            return _numbered(ask, [_repo(number) for number in range(len(REPOS))])
        case ["repos", "acme", name, "issues"] if name in REPOS:
            ask.only("per_page", "page", "state", "since", "sort", "direction")
            if name == "attic":
                raise Refused(410, "Issues are disabled for this repo")
            since = ask.params.get("since", "")
            rows = [row for row in _issues(REPOS.index(name), ask.run) if row["updated_at"] >= since]
            return _numbered(ask, sorted(rows, key=lambda row: row["updated_at"]))
        case ["repos", "acme", "core", "events"]:
            ask.only("per_page", "page")
            return _numbered(ask, [_event(number) for number in reversed(range(5 + 2 * ask.run))])
        case _:
            raise Refused(404, "Not Found")


def _numbered(ask: Asked, rows: list[Any]) -> Reply:
    size, page = ask.whole("per_page", 30, 100), ask.whole("page", 1)
    end = page * size
    rest = {name: value for name, value in ask.params.items() if name != "page"}
    links = [f'<{ask.link(**rest, page=1)}>; rel="first"']
    if end < len(rows):
        links = [f'<{ask.link(**rest, page=page + 1)}>; rel="next"', f'<{ask.link(**rest, page=9)}>; rel="last"']
    return answer(rows[end - size : end], headers={"Link": ", ".join(links)})


def _repo(number: int) -> dict[str, Any]:
    return {
        "id": 7000 + number,
        "node_id": f"R_{number}",
        "name": REPOS[number],
        "private": number == 1,
        "owner": {"login": "acme", "id": 9, "site_admin": False},
        "description": None if number % 2 else f"The {REPOS[number]} of everything",
        "topics": list(WORDS[:number]),
        "license": {"key": "mit", "name": "MIT License"} if number % 2 == 0 else None,
        "size": 1024 * number,
        "score": [1, 1.5, 2, 2.5, 3][number],
        "created_at": stamp(number),
    }


def _issues(repo: int, run: int) -> list[dict[str, Any]]:
    """Three issues and one for each place of the repository in the list; later one edited and one new."""
    count = 3 + repo + run
    rows = []
    for number in range(1, count + 1):
        late = 200 if run and number in {1, count} else 0
        row: dict[str, Any] = {
            "id": 100 * repo + number,
            "number": number,
            "title": f"{pick(WORDS, number)} breaks {pick(WORDS, number + repo)}",
            "state": "closed" if number % 2 else "open",
            "user": {"login": pick(PEOPLE, number), "id": number},
            "labels": [{"id": n, "name": WORDS[n], "color": f"{n:06x}"} for n in range(number % 3)],
            "assignees": [{"login": pick(PEOPLE, n)} for n in range(number % 2)],
            "milestone": {"title": "1.0", "due_on": stamp(900)} if number == 2 else None,
            "reactions": {"total_count": number, "+1": number, "-1": 0, "heart": 0},
            "created_at": stamp(number),
            "updated_at": stamp(10 * number + repo + late),
            "closed_at": stamp(10 * number) if number % 2 else None,
        }
        if number == 3:
            row["pull_request"] = {"url": f"https://example.test/pulls/{number}", "merged_at": None}
        rows.append(row)
    return rows


def _event(number: int) -> dict[str, Any]:
    kind = pick(("PushEvent", "IssuesEvent"), number)
    payload = (
        {"commits": [{"sha": f"{number:040x}", "distinct": True}]} if kind == "PushEvent" else {"action": "opened"}
    )
    return {"id": str(1000 + number), "type": kind, "public": True, "payload": payload, "created_at": stamp(number)}


def _github_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": url,
            "auth": {"token": "ghp_0123456789"},
            "headers": {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            "paginator": "header_link",
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"params": {"per_page": 2}},
        },
        "resources": [
            {"name": "repos", "endpoint": {"path": "orgs/acme/repos", "params": {"type": "all", "per_page": 100}}},
            {
                "name": "issues",
                "include_from_parent": ["name", "private"],
                "processing_steps": [{"filter": lambda row: "pull_request" not in row}],
                "endpoint": {
                    "path": "repos/acme/{resources.repos.name}/issues",
                    "params": {
                        "state": "all",
                        "sort": "updated",
                        "direction": "asc",
                        "since": "{incremental.start_value}",
                    },
                    "incremental": {"cursor_path": "updated_at", "initial_value": "2025-12-31T00:00:00Z"},
                    "response_actions": [{"status_code": 410, "action": "ignore"}],
                },
            },
            {
                "name": "events",
                "write_disposition": "append",
                "table_name": lambda row: row["type"],
                "endpoint": {
                    "path": "repos/acme/core/events",
                    "incremental": {"cursor_path": "created_at", "initial_value": "2026-01-01T09:00:00Z"},
                },
            },
        ],
    }


GITHUB = Dialect(
    "github",
    github,
    _github_config,
    rows=(
        # issues: 3 + 4 + 5 + 6, less one pull request each; events 1 to 4, then 5 and 6
        {"repos": 5, "repos__topics": 10, "issues": 14, "push_event": 2, "issues_event": 2},
        {"repos": 5, "repos__topics": 10, "issues": 18, "push_event": 3, "issues_event": 3},
    ),
    shows="bearer without a type; client headers; header_link in one word; defaults; top-level lists; child of a list "
    "with fields of its parent; placeholder of an incremental, for a child; incremental without a parameter; filter; "
    "ignored status; a table for each row's kind; merge",
)

# ---------------------------------------------------------------------------------------------------- GitLab


def gitlab(ask: Asked) -> Reply:
    """Keyset pages: the next link holds `id_after`; on the last page there is no link."""
    ask.signed("private-token", "glpat-42")
    ask.only("per_page", "pagination", "order_by", "sort", "id_after", "membership", "status")
    if ask.params.get("pagination") != "keyset" or ask.params.get("order_by") != "id":
        raise Refused(405, "only keyset pagination is supported, order_by must be id")
    match ask.steps:
        case ["api", "v4", "projects"]:
            rows = [_project(number) for number in range(1, 4 + ask.run)]
        case ["api", "v4", "projects", project, "pipelines"]:
            rows = [_pipeline(int(project), number) for number in range(1, 1 + int(project))]
        case ["api", "v4", "projects", project, "pipelines", pipeline, "jobs"]:
            rows = [_job(int(project), int(pipeline), number) for number in range(1, 4)]
        case _:
            raise Refused(404, "404 Not Found")
    size, after = ask.whole("per_page", 20, 100), ask.whole("id_after", 0, 1_000_000)
    rest = [row for row in rows if row["id"] > after]
    headers = {}
    if len(rest) > size:
        following = {**ask.params, "id_after": rest[size - 1]["id"]}
        headers = {"Link": f'<{ask.link(**following)}>; rel="next"'}
    return answer(rest[:size], headers=headers)


def _project(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "path_with_namespace": f"group/project-{number}",
        "namespace": {"id": 3, "kind": "group", "parent": {"id": 1, "name": "Süd"}},
        "tag_list": list(WORDS[:number]),
        "container_expiration_policy": {"cadence": "1d", "enabled": number == 2},
        "_links": {"self": f"https://example.test/projects/{number}"},
    }


def _pipeline(project: int, number: int) -> dict[str, Any]:
    return {"id": 10 * project + number, "iid": number, "project_id": project, "sha": f"{number:08x}", "ref": "main"}


def _job(project: int, pipeline: int, number: int) -> dict[str, Any]:
    return {
        "id": 100 * pipeline + number,
        "name": pick(WORDS, number),
        "duration": 1.25 * number,
        "queued_duration": None if number == 1 else 0.5,
        "artifacts": [{"file_type": "trace", "size": 1000 * n, "tags": [project, n]} for n in range(number - 1)],
        "runner": {"id": 1, "active": True} if number % 2 else None,
        "finished_at": f"2026-01-0{number}T10:00:00.{number:03d}+02:00",
    }


def _gitlab_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/api/v4/",
            "auth": {"type": "api_key", "name": "PRIVATE-TOKEN", "api_key": "glpat-42", "location": "header"},
            "paginator": {"type": "header_link", "links_next_key": "next"},
        },
        "resource_defaults": {
            "write_disposition": "replace",
            "parallelized": True,
            "endpoint": {"params": {"per_page": 2, "pagination": "keyset", "order_by": "id", "sort": "asc"}},
        },
        "resources": [
            {"name": "projects", "endpoint": {"params": {"membership": True}}},
            {
                "name": "pipelines",
                "parallelized": False,
                "endpoint": {
                    "path": "projects/{project_id}/pipelines",
                    "params": {
                        "status": "success",
                        "project_id": {"type": "resolve", "resource": "projects", "field": "id"},
                    },
                },
            },
            {
                "name": "jobs",
                "include_from_parent": ["project_id", "ref"],
                "endpoint": {
                    "path": "/projects/{project}/pipelines/{pipeline}/jobs",
                    "params": {
                        "project": {"type": "resolve", "resource": "pipelines", "field": "project_id"},
                        "pipeline": {"type": "resolve", "resource": "pipelines", "field": "$.id"},
                    },
                },
            },
        ],
    }


GITLAB = Dialect(
    "gitlab",
    gitlab,
    _gitlab_config,
    rows=(
        {"projects": 3, "projects__tag_list": 6, "pipelines": 6, "jobs": 18, "jobs__artifacts": 18},
        {"projects": 4, "projects__tag_list": 10, "pipelines": 10, "jobs": 30, "jobs__artifacts": 30},
    ),
    shows="api_key in a header of its own name; header_link with its option; resolve in the path; a chain of three "
    "resources; fields of a parent that is a child; parallelized; replace; path by the name; slash before the path; "
    "booleans as parameters",
)

# --------------------------------------------------------------------------------------------------- Shopify


def shopify(ask: Asked) -> Reply:
    """Pages behind `page_info`, which bears no other filter beside it."""
    ask.signed("x-shopify-access-token", "shpat_9")
    if "page_info" in ask.params:
        ask.only("page_info", "limit")
    else:
        ask.only("limit", "status", "updated_at_min", "fields")
    match ask.steps:
        case ["admin", "api", "2026-01", "orders.json"]:
            key, rows = "orders", [_order(number, ask.run) for number in range(1, 7 + ask.run)]
        case ["admin", "api", "2026-01", "products.json"]:
            key, rows = "products", [_product(number) for number in range(1, 4)]
        case _:
            raise Refused(404, "Not Found", errors="Not Found")
    least, start = ask.params.get("updated_at_min", ""), 0
    if cursor := opened(ask.params.get("page_info")):
        at, _, least = cursor.partition("|")
        start = int(at)
    rows = [row for row in rows if row["updated_at"] >= least]
    size = ask.whole("limit", 50, 250)
    headers = {}
    if start + size < len(rows):
        following = ask.link(limit=size, page_info=opaque(f"{start + size}|{least}"))
        headers = {"Link": f'<{following}>; rel="next"'}
    return answer({key: rows[start : start + size]}, headers=headers)


def _order(number: int, run: int) -> dict[str, Any]:
    """Order 2 is paid between the runs."""
    late = 100 if run and number == 2 else 0
    return {
        "id": 5_000_000_000_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "financial_status": "paid" if late else "pending",
        "total_price": f"{19.9 * number:.2f}",
        "currency": "EUR",
        "customer": {
            "id": number,
            "email": f"u{number}@example.test",
            "default_address": {"zip": "0123", "city": "Köln"},
        },
        "line_items": [
            {"id": 10 * number + n, "price": "9.90", "quantity": n, "tax_lines": [{"rate": 0.19, "title": "VAT"}]}
            for n in range(1, 1 + number % 3)
        ],
        "discount_codes": [],
        "note_attributes": [{"name": "gift", "value": "yes"}] if number == 3 else [],
        "created_at": stamp(number),
        "updated_at": stamp(number + late),
    }


def _product(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "title": pick(WORDS, number).title(),
        "variants": [{"id": 10 * number + n, "sku": f"S-{n}", "grams": 100 * n} for n in range(number)],
        "updated_at": stamp(number),
    }


def _shopify_config(url: str) -> dict[str, Any]:
    orders: dict[str, Any] = {
        "total_price": {"data_type": "decimal", "precision": 12, "scale": 2},
        "created_at": {"data_type": "timestamp"},
    }
    return {
        "client": {
            "base_url": f"{url}/admin/api/2026-01",
            "auth": {"type": "api_key", "name": "X-Shopify-Access-Token", "api_key": "shpat_9"},
        },
        "resource_defaults": {
            "primary_key": "id",
            "endpoint": {"paginator": {"type": "header_link"}, "params": {"limit": 2}},
        },
        "resources": [
            {
                "name": "orders",
                "max_table_nesting": 1,
                "columns": orders,
                "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                "endpoint": {
                    "path": "orders.json",
                    "data_selector": "orders",
                    "params": {"status": "any"},
                    "incremental": {
                        "cursor_path": "updated_at",
                        "initial_value": "2026-01-01T00:00:00Z",
                        "start_param": "updated_at_min",
                    },
                },
            },
            {
                "name": "products",
                "write_disposition": "replace",
                "columns": [{"name": "title", "data_type": "text", "nullable": False}],
                "endpoint": {"path": "products.json", "data_selector": "$.products[*]"},
            },
        ],
    }


SHOPIFY = Dialect(
    "shopify",
    shopify,
    _shopify_config,
    rows=(
        {"orders": 6, "orders__line_items": 6, "orders__note_attributes": 1, "products": 3, "products__variants": 6},
        {"orders": 7, "orders__line_items": 7, "orders__note_attributes": 1, "products": 3, "products__variants": 6},
    ),
    shows="incremental of the endpoint with start_param; declared columns as a mapping and as a list; decimal and "
    "timestamp; max_table_nesting of a resource; merge by upsert; paginator in the defaults; selectors with and "
    "without wildcard",
)

DIALECTS = (GITHUB, GITLAB, SHOPIFY)
