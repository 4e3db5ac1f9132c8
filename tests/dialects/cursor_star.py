"""APIs whose first cursor is `*`, so that it stands in the parameters: OpenAlex, Crossref."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, opaque, opened, pick, stamp, whole
from headrace.sim.message import Reply

# -------------------------------------------------------------------------------------------------- OpenAlex


def openalex(ask: Asked) -> Reply:
    """`meta.next_cursor` is null on an empty page behind the last one; the key is a parameter."""
    if ask.params.get("api_key") != "oa+key/1=":
        raise Refused(401, "Invalid or missing API key")
    ask.only("api_key", "cursor", "page", "per_page", "filter", "select", "sort")
    filters = dict(part.split(":", 1) for part in ask.params.get("filter", "").split(",") if part)
    match ask.steps:
        case ["works"]:
            rows = [_work(number, ask.run) for number in range(1, 6)]
            rows = [row for row in rows if row["updated_date"] >= filters.get("from_updated_date", "")]
        case ["topics"]:
            rows = [_topic(number) for number in range(1, 6)]
        case _:
            raise Refused(404, "not found")
    size = ask.whole("per_page", 25, 200)
    meta = {"count": len(rows), "per_page": size, "page": None, "groups_count": None}
    if "cursor" not in ask.params:
        page = ask.whole("page", 1)
        return answer({"meta": {**meta, "page": page}, "results": rows[page * size - size : page * size]})
    cursor = ask.params["cursor"]
    start = 0 if cursor == "*" else whole(opened(cursor), 0)
    following = opaque(start + size) if start < len(rows) else None
    return answer({"meta": {**meta, "next_cursor": following}, "results": rows[start : start + size], "group_by": []})


def _work(number: int, run: int) -> dict[str, Any]:
    """Works 2 and 4 are cited between the runs."""
    late = 48 if run and number % 2 == 0 else 0
    return {
        "id": f"https://openalex.example.test/W{number}",
        "doi": None if number == 3 else f"https://doi.example.test/10.1000/{number}",
        "publication_year": 2020 + number,
        "open_access": {"is_oa": number % 2 == 0, "oa_url": None},
        "authorships": [
            {
                "author_position": pick(("first", "last"), n),
                "author": {"id": f"A{n}", "display_name": pick(PEOPLE, n), "orcid": None},
                "institutions": [{"id": f"I{m}", "lineage": [f"I{m}", "I9"]} for m in range(n)],
                "is_corresponding": n == 0,
            }
            for n in range(number)
        ],
        "biblio": {"volume": str(number), "issue": None},
        "abstract_inverted_index": {word: [n, n + 7] for n, word in enumerate(WORDS[:number])},
        "counts_by_year": [{"year": 2025, "cited_by_count": 3 * number + late}],
        "fwci": 0.5 * number,
        "updated_date": stamp(24 * (number + late))[:10],
    }


def _topic(number: int) -> dict[str, Any]:
    return {
        "id": f"T{number}",
        "display_name": WORDS[number],
        "keywords": list(WORDS[:number]),
        "field": {"id": 17, "display_name": "Physics"},
    }


def _openalex_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": url,
            "auth": {"type": "api_key", "name": "api_key", "api_key": "oa+key/1=", "location": "query"},
        },
        "resource_defaults": {"write_disposition": "merge", "primary_key": "id"},
        "resources": [
            {
                "name": "works",
                "max_table_nesting": 3,
                "columns": {
                    "abstract_inverted_index": {"data_type": "json"},
                    "fwci": {"data_type": "double"},
                    "publication_year": {"data_type": "bigint", "nullable": False},
                },
                "endpoint": {
                    "path": "works",
                    "params": {
                        "cursor": "*",
                        "per_page": 2,
                        "sort": "updated_date",
                        "filter": "type:article,from_updated_date:{incremental.start_value}",
                    },
                    "paginator": {"type": "cursor", "cursor_path": "meta.next_cursor", "cursor_param": "cursor"},
                    "incremental": {
                        "cursor_path": "updated_date",
                        "initial_value": "2026-01-01T00:00:00+00:00",
                        "convert": lambda value: value[:10],
                        "range_start": "open",
                    },
                },
            },
            {
                "name": "topics",
                "endpoint": {
                    "path": "topics",
                    "params": {"per_page": 2},
                    "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
                },
            },
        ],
    }


OPENALEX = Dialect(
    "openalex",
    openalex,
    _openalex_config,
    rows=(
        {"works": 5, "works__authorships": 15, "works__authorships__institutions": 20, "topics": 5},
        {"works": 5, "works__authorships": 15, "works__authorships__institutions": 20, "topics": 5},
    ),
    shows="api_key in the query, with signs; the first cursor in the params; an empty last page; incremental with an "
    "open range and convert in a placeholder; json columns declared; deep nesting, cut; page_number without a total",
)

# -------------------------------------------------------------------------------------------------- Crossref


def crossref(ask: Asked) -> Reply:
    """There is always a next cursor; the end is a page without items. Everything is wrapped into `message`."""
    if "mailto:" not in ask.headers.get("user-agent", ""):
        raise Refused(403, "be polite")
    if ask.headers.get("crossref-plus-api-token") != "Bearer plus-1":
        raise Refused(401, "unknown token")
    ask.only("rows", "cursor", "filter")
    size, cursor = ask.whole("rows", 20), ask.params.get("cursor", "*")
    start = 0 if cursor == "*" else whole(opened(cursor), 0)
    match ask.steps:
        case ["works"]:
            rows = [_article(number) for number in range(1, 6 + ask.run)]
        case ["journals"]:
            counts = {"dois-by-issued-year": [[2025, 3], [2026, 4]]}
            rows = [{"ISSN": ["1234-5678"], "title": word, "breakdowns": counts} for word in WORDS[:3]]
        case _:
            return Reply(404, b"Resource not found.", content_type="text/plain")
    message = {
        "facets": {},
        "next-cursor": opaque(start + size),
        "total-results": len(rows),
        "items": rows[start : start + size],
        "items-per-page": size,
    }
    return answer({"status": "ok", "message-type": "work-list", "message-version": "1.0.0", "message": message})


def _article(number: int) -> dict[str, Any]:
    return {
        "DOI": f"10.5555/{number:08d}",
        "type": "journal-article",
        "is-referenced-by-count": number * number,
        "title": [f"On {pick(WORDS, number)}", "Part Ⅱ"][: 1 + number % 2],
        "author": [{"given": name, "family": "Test", "sequence": "additional"} for name in PEOPLE[:number]],
        "issued": {"date-parts": [[2020 + number, number]] if number != 2 else [[None]]},
        "reference": [{"key": f"ref{n}", "DOI": f"10.5555/{n}", "year": str(2000 + n)} for n in range(number % 4)],
        "content-domain": {"domain": [], "crossmark-restriction": False},
        "score": 1.0,
        "indexed": {"date-time": stamp(number), "timestamp": 1_767_225_600_000 + number},
    }


def _references(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row for each reference, none for an article without."""
    for place, reference in enumerate(row["reference"]):
        yield {"article": row["DOI"], "place": place, **reference}


def _crossref_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": url,
            "headers": {"User-Agent": "headrace-tests/1.0 (mailto:ada@example.test)"},
            "auth": {"type": "api_key", "name": "Crossref-Plus-API-Token", "api_key": "Bearer plus-1"},
            "paginator": {
                "type": "cursor",
                "cursor_path": "message.'next-cursor'",
                "cursor_param": "cursor",
                "stop_after_empty_page": True,
            },
        },
        "resource_defaults": {
            "write_disposition": "replace",
            "endpoint": {"params": {"cursor": "*", "rows": 2}, "data_selector": "message.items"},
        },
        "resources": [
            {"name": "works", "columns": {"score": {"data_type": "double"}}},
            {
                "name": "references",
                "processing_steps": [
                    {"filter": lambda row: row["type"] == "journal-article", "yield_map": _references},
                    {"map": lambda row: {**row, "year": int(row["year"])}},
                ],
                "endpoint": "works",
            },
            {"name": "journals", "max_table_nesting": 0},
        ],
    }


CROSSREF = Dialect(
    "crossref",
    crossref,
    _crossref_config,
    rows=(
        {"works": 5, "works__author": 15, "works__issued__date_parts": 5, "works__issued__date_parts__list": 9,
         "references": 7, "journals": 3},
        {"works": 6, "works__author": 21, "works__issued__date_parts": 6, "works__issued__date_parts__list": 11,
         "references": 9, "journals": 3},
    ),
    shows="cursor without an end, an empty page ends it; a quoted key with a hyphen in a path; client headers that "
    "replace the usual User-Agent; names with hyphens and capitals; lists in lists, with nulls; filter and yield_map "
    "in one step, map after; an endpoint in one word with defaults; max_table_nesting 0",
)  # fmt: skip

DIALECTS = (OPENALEX, CROSSREF)
