"""APIs that are asked by POST, offset or page number in the body: Elasticsearch, Algolia."""

from __future__ import annotations

from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, epoch, pick, stamp, whole
from headrace.sim.message import Reply

# --------------------------------------------------------------------------------------------- Elasticsearch


def elastic(ask: Asked) -> Reply:
    """Searches: `from` and `size`, or `search_after` with the last hit's sort values, a list."""
    ask.signed("authorization", "ApiKey ZWxhc3RpYw==")
    ask.only("filter_path")
    body = ask.body()
    if unknown := body.keys() - {"from", "size", "sort", "query", "search_after", "track_total_hits", "_source"}:
        raise Refused(400, f"parsing_exception: unknown keys {sorted(unknown)}")
    match ask.steps:
        case ["logs-*", "_search"]:
            hits = [_log(number) for number in range(7)]
        case ["orders", "_search"]:
            hits = [_bought(number) for number in range(5 + ask.run)]
        case _:
            raise Refused(404, "index_not_found_exception")
    least = body["query"]["range"]["@timestamp"]["gte"] if "range" in body["query"] else ""
    hits = [hit for hit in hits if hit["_source"].get("@timestamp", "~") >= least]
    size, start = whole(body.get("size"), 10), whole(body.get("from"), 0)
    if start + size > 6 and "search_after" not in body and "from" in body:
        raise Refused(400, "Result window is too large")
    if "sort" in body:
        hits = [hit for hit in hits if hit["sort"] > body.get("search_after", [0])]
    total = {"value": len(hits), "relation": "eq"}
    found = {"total": total, "max_score": None, "hits": hits[start : start + size]}
    return answer({"took": 3, "timed_out": False, "_shards": {"total": 1, "failed": 0}, "hits": found})


def _log(number: int) -> dict[str, Any]:
    source = {
        "@timestamp": f"{stamp(number)[:-1]}.000Z",
        "message": f"GET /{pick(WORDS, number)} 200",
        "event": {"duration": 1_000_000 * number, "category": ["web", "api"][: 1 + number % 2]},
        "host.name": "h1",
        "geo": {"location": [6.96, 50.94]},
    }
    return {"_index": "logs-1", "_id": f"e{number}", "_source": source, "sort": [epoch(number), number]}


def _bought(number: int) -> dict[str, Any]:
    products = [{"_id": n, "sku": f"ZO{n}", "taxless_price": 9.99 * n} for n in range(1, 1 + number % 3)]
    source = {"customer": pick(PEOPLE, number), "products": products, "day_of_week_i": number}
    return {
        "_index": "orders",
        "_id": str(number),
        "_score": 1.0,
        "_ignored": ["x"] if number == 2 else [],
        "_source": source,
    }


def _elastic_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": url,
            "auth": {
                "type": "api_key",
                "name": "Authorization",
                "api_key": "ApiKey ZWxhc3RpYw==",
                "location": "header",
            },
        },
        "resource_defaults": {"endpoint": {"method": "POST", "params": {"filter_path": "took,hits"}}},
        "resources": [
            {
                "name": "logs",
                "write_disposition": "append",
                "endpoint": {
                    "path": "logs-*/_search",
                    "json": {
                        "size": 3,
                        "sort": [{"@timestamp": "asc"}, {"_seq": "asc"}],
                        "query": {"range": {"@timestamp": {"gte": "{incremental.start_value}"}}},
                    },
                    "data_selector": "hits.hits[*]._source",
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "hits.hits[-1].sort",
                        "cursor_body_path": "search_after",
                        "stop_after_empty_page": True,
                    },
                    "incremental": {"cursor_path": "'@timestamp'", "initial_value": "2026-01-01T10:00:00.000Z"},
                },
            },
            {
                "name": "orders",
                "primary_key": "_id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "orders/_search",
                    "json": {"query": {"match_all": {}}, "track_total_hits": True},
                    "data_selector": "hits.hits",
                    "paginator": {
                        "type": "offset",
                        "limit": 2,
                        "offset_body_path": "from",
                        "limit_body_path": "size",
                        "total_path": "hits.total.value",
                        "stop_after_empty_page": False,
                    },
                },
            },
        ],
    }


ELASTIC = Dialect(
    "elasticsearch",
    elastic,
    _elastic_config,
    rows=(
        {"logs": 5, "logs__event__category": 7, "orders": 5, "orders___source__products": 4},
        {"logs": 5, "logs__event__category": 7, "orders": 6, "orders___source__products": 6},
    ),
    shows="offset and limit in the body, ended by a total; a cursor that is a list; an empty JSON list under a "
    "selector with a wildcard; keys with @, dots and underscores; POST as a default; append by an incremental that "
    "brings nothing new; doubles, lists of numbers",
)

# --------------------------------------------------------------------------------------------------- Algolia


def algolia(ask: Asked) -> Reply:
    """Two headers as credentials; pages count from 0 and end by `nbPages`; behind them there are no hits, no error."""
    ask.signed("x-algolia-application-id", "APP1")
    ask.signed("x-algolia-api-key", "key-1")
    match ask.steps:
        case ["1", "indexes", "Bücher", "query"]:
            ask.only()
            asked: dict[str, Any] = ask.body()
            if unknown := asked.keys() - {"query", "page", "hitsPerPage", "facets", "attributesToRetrieve"}:
                raise Refused(400, f"Unknown parameter: {sorted(unknown)}")
            key, rows = "hits", [_book(number) for number in range(7 + ask.run)]
        case ["1", "indexes"]:
            ask.only("page", "hitsPerPage")
            asked = dict(ask.params)
            key, rows = "items", [{"name": word, "entries": 10, "pendingTask": False} for word in WORDS[:3]]
        case _:
            raise Refused(404, "Index does not exist")
    size, page = whole(asked.get("hitsPerPage"), 20), whole(asked.get("page"), 0)
    return answer({
        key: rows[page * size : page * size + size], "page": page, "nbPages": -(-len(rows) // size),
        "nbHits": len(rows), "hitsPerPage": size, "exhaustive": {"nbHits": True},
    })  # fmt: skip


def _book(number: int) -> dict[str, Any]:
    title = pick(WORDS, number)
    return {
        "objectID": str(number),
        "title": title,
        "authors": [pick(PEOPLE, number), pick(PEOPLE, number + 1)],
        "price": 10 + number,
        "hierarchicalCategories": {"lvl0": "Books", "lvl1": f"Books > {title}"},
        "_geoloc": {"lat": 50.0 + number, "lng": 6},
        "_highlightResult": {"title": {"value": f"<em>{title}</em>", "matchLevel": "full", "matchedWords": [title]}},
    }


def _algolia_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/1/",
            "headers": {"X-Algolia-Application-Id": "APP1"},
            "auth": {"type": "api_key", "name": "X-Algolia-API-Key", "api_key": "key-1"},
        },
        "resources": [
            {
                "name": "books",
                "primary_key": "objectID",
                "write_disposition": "replace",
                "columns": {"price": {"data_type": "double"}, "_highlightResult": {"data_type": "json"}},
                "endpoint": {
                    "path": "indexes/B%C3%BCcher/query",
                    "method": "POST",
                    "json": {"query": "", "facets": ["*"], "hitsPerPage": 3},
                    "data_selector": "hits",
                    "paginator": {"type": "page_number", "page_body_path": "page", "total_path": "nbPages"},
                },
            },
            {
                "name": "indexes",
                "write_disposition": "replace",
                "endpoint": {
                    "path": "indexes",
                    "params": {"hitsPerPage": 2},
                    "data_selector": "items",
                    "paginator": {
                        "type": "page_number",
                        "base_page": 0,
                        "page": 1,
                        "page_param": "page",
                        "total_path": "nbPages",
                    },
                },
            },
        ],
    }


ALGOLIA = Dialect(
    "algolia",
    algolia,
    _algolia_config,
    rows=({"books": 7, "books__authors": 14, "indexes": 1}, {"books": 8, "books__authors": 16, "indexes": 1}),
    shows="credentials in two headers; page_number in the body, ended by a number of pages; paging that starts at a "
    "later page; names with underscores and capitals; whole numbers into a double column; a quoted path",
)

DIALECTS = (ELASTIC, ALGOLIA)
