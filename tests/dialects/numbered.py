"""APIs whose pages have numbers: World Bank, WordPress, NASA."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dialects.dialect import PEOPLE, WORDS, Asked, Dialect, Refused, answer, pick, stamp
from headrace.sim.message import Reply

# ------------------------------------------------------------------------------------------------ World Bank


def worldbank(ask: Asked) -> Reply:
    """A list of two: what the page is, and its rows. No credentials."""
    if ask.params.get("format") != "json":
        return Reply(200, b"<xml/>", content_type="text/xml")
    ask.only("format", "page", "per_page", "date")
    match ask.steps:
        case ["v2", "country", "br;de;jp", "indicator", "SP.POP.TOTL"]:
            years = range(2019, 2022 + ask.run)
            rows = [_observation(place, year, ask.run) for place in range(3) for year in reversed(years)]
        case ["v2", "region"]:
            rows = [{"id": str(n), "code": WORDS[n][:3].upper(), "iso2code": "", "name": WORDS[n]} for n in range(4)]
        case _:
            return answer([{"message": [{"id": "120", "key": "Invalid value", "value": "not valid"}]}])
    size, page = ask.whole("per_page", 50), ask.whole("page", 1)
    pages = -(-len(rows) // size)
    about = {"page": page, "pages": pages, "per_page": str(size), "total": len(rows), "lastupdated": "2026-07-13"}
    return answer([about, rows[page * size - size : page * size]])


def _observation(place: int, year: int, run: int) -> dict[str, Any]:
    """The value of the last year is revised between the runs."""
    value = None if year == 2019 else 1_000_000 * (place + 1) + year + (run if year == 2021 else 0)
    return {
        "indicator": {"id": "SP.POP.TOTL", "value": "Population, total"},
        "country": {"id": ("BR", "DE", "JP")[place], "value": ("Brazil", "Germany", "Japan")[place]},
        "countryiso3code": ("BRA", "DEU", "JPN")[place],
        "date": str(year),
        "value": value,
        "unit": "",
        "decimal": 0,
    }


def _worldbank_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": f"{url}/v2",
            "paginator": {
                "type": "page_number",
                "base_page": 1,
                "page_param": "page",
                "total_path": "$[0].pages",
                "stop_after_empty_page": False,
            },
        },
        "resource_defaults": {
            "write_disposition": "replace",
            "endpoint": {"data_selector": "$[1]", "params": {"format": "json", "per_page": 2}},
        },
        "resources": [
            {
                "name": "population",
                "primary_key": ["countryiso3code", "date"],
                "write_disposition": "merge",
                "columns": [{"name": "date", "data_type": "bigint"}, {"name": "unit", "data_type": "text"}],
                "endpoint": {
                    "path": "country/br;de;jp/indicator/SP.POP.TOTL",
                    "params": {"date": "2019:2030", "per_page": 4},
                },
            },
            {
                "name": "population_by_country",
                "merge_key": "countryiso3code",
                "write_disposition": "merge",
                "processing_steps": [{"filter": lambda row: row["value"] is not None}],
                "endpoint": {
                    "path": "country/br;de;jp/indicator/SP.POP.TOTL",
                    "params": {"date": "2019:2030", "per_page": 5},
                },
            },
            "region",
        ],
    }


WORLDBANK = Dialect(
    "world bank",
    worldbank,
    _worldbank_config,
    rows=(
        {"population": 9, "population_by_country": 6, "region": 4},
        {"population": 12, "population_by_country": 9, "region": 4},
    ),
    shows="page_number from 1, ended by a number of pages alone; a list of two at the top, paths by index; composite "
    "key; merge_key; resource in one word with all defaults; the same path twice; a text into bigint; signs in a path",
)

# ------------------------------------------------------------------------------------------------- WordPress


def wordpress(ask: Asked) -> Reply:
    """A page behind the last one is an error with a code of its own; totals stand in headers only."""
    ask.basic("ada", "abcd EFGH 1234")
    match ask.steps:
        case ["wp-json", "wp", "v2", "posts"]:
            ask.only("per_page", "page", "modified_after", "orderby", "order", "_embed")
            since = ask.params.get("modified_after", "")
            rows = [_post(number, ask.run) for number in range(1, 6 + ask.run)]
            rows = [row for row in rows if row["modified_gmt"] > since]
        case ["wp-json", "wp", "v2", "categories"]:
            ask.only("per_page", "page", "hide_empty")
            rows = [{"id": n, "name": WORDS[n], "parent": 0, "meta": [], "acf": []} for n in range(4)]
        case ["wp-json", "wp", "v2", "posts", post, "revisions"]:
            ask.only("per_page", "page")
            if int(post) % 2:
                raise Refused(404, "No route", code="rest_no_route")
            rows = [{"id": 10 * int(post) + n, "parent": int(post)} for n in range(3)]
        case _:
            raise Refused(404, "No route", code="rest_no_route")
    size, page = ask.whole("per_page", 10, 100), ask.whole("page", 1)
    pages = -(-len(rows) // size)
    if page > max(pages, 1):
        raise Refused(400, "The page number is larger than the number of pages", code="rest_post_invalid_page_number")
    headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)}
    return answer(rows[page * size - size : page * size], headers=headers)


def _post(number: int, run: int) -> dict[str, Any]:
    late = 700 if run and number == 2 else 0
    return {
        "id": number,
        "date": stamp(number)[:-1],
        "modified_gmt": stamp(number + late)[:-1],
        "title": {"rendered": f"{pick(WORDS, number)} &#8211; {pick(PEOPLE, number)}"},
        "content": {"rendered": f"<p>{number}</p>\n", "protected": False},
        "featured_media": 0,
        "sticky": number == 1,
        "meta": {"footnotes": ""} if number % 2 else [],
        "categories": [number % 4, 3],
        "_links": {
            "self": [{"href": f"/{number}", "targetHints": {"allow": ["GET"]}}],
            "curies": [{"templated": True}],
        },
    }


def _wordpress_config(url: str) -> dict[str, Any]:
    beyond = {"status_code": 400, "content": "rest_post_invalid_page_number", "action": "ignore"}
    return {
        "client": {
            "base_url": f"{url}/wp-json/wp/v2",
            "auth": {"type": "http_basic", "username": "ada", "password": "abcd EFGH 1234"},
            "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"response_actions": [beyond], "params": {"per_page": 2}},
        },
        "resources": [
            {
                "name": "posts",
                "columns": {"date": {"data_type": "timestamp"}},
                "endpoint": {
                    "path": "posts",
                    "params": {
                        "orderby": "modified",
                        "order": "asc",
                        "modified_after": {
                            "type": "incremental",
                            "cursor_path": "modified_gmt",
                            "initial_value": "2026-01-01T00:00:00",
                        },
                    },
                },
            },
            {
                "name": "categories",
                "write_disposition": "replace",
                "endpoint": {"params": {"hide_empty": False}, "response_actions": [_checked, beyond]},
            },
            {
                "name": "revisions",
                "endpoint": {
                    "path": "posts/{resources.posts.id}/revisions",
                    "params": {"per_page": 10},
                    "response_actions": [{"status_code": 404, "action": "ignore"}],
                    "paginator": "single_page",
                    "data_selector": "$",
                },
            },
        ],
    }


def _checked(response: Any, *_args: Any, **_kwargs: Any) -> None:
    """What users hang in to look at each answer, or to mend it."""
    if response.status_code == 200:
        response._content = response.content.replace(b'"alpha"', b'"ALPHA"')


WORDPRESS = Dialect(
    "wordpress",
    wordpress,
    _wordpress_config,
    rows=(
        {"posts": 5, "posts__categories": 10, "categories": 4, "revisions": 6},
        {"posts": 6, "posts__categories": 12, "categories": 4, "revisions": 9},
    ),
    shows="page_number whose end is an ignored error; ignored statuses of a child; a function that changes the answer; "
    "incremental in params; the same key as a list and as an object; times without a zone; lists of numbers",
)

# ------------------------------------------------------------------------------------------------------ NASA


def nasa(ask: Asked) -> Reply:
    """The key is a parameter; objects by day in an object; a picture a day, from a day to a day."""
    if ask.params.get("api_key") != "DEMO":
        raise Refused(403, "API_KEY_INVALID")
    match ask.steps:
        case ["neo", "rest", "v1", "neo", "browse"]:
            ask.only("api_key", "page", "size")
            rows = [_asteroid(number) for number in range(7)]
            size, page = ask.whole("size", 20), ask.whole("page", 0)
            about = {"size": size, "total_elements": len(rows), "total_pages": -(-len(rows) // size), "number": page}
            page_rows = rows[page * size : page * size + size]
            return answer({"links": {"self": "?"}, "page": about, "near_earth_objects": page_rows})
        case ["neo", "rest", "v1", "feed"]:
            ask.only("api_key", "start_date", "end_date")
            days = _days(ask)
            by_day = {day: [_asteroid(number) for number in range(1 + int(day[-1]) % 3)] for day in days}
            return answer({"element_count": 9, "near_earth_objects": by_day})
        case ["planetary", "apod"]:
            ask.only("api_key", "start_date", "end_date", "thumbs")
            return answer([{"date": day, "title": f"M {day[-2:]}", "media_type": "image"} for day in _days(ask)])
        case _:
            raise Refused(404, "Not Found")


def _days(ask: Asked) -> list[str]:
    """Both ends are asked for; the feed has at most eight days."""
    try:
        start, end = (date.fromisoformat(ask.params[name]) for name in ("start_date", "end_date"))
    except (KeyError, ValueError):
        raise Refused(400, "expected start_date and end_date as yyyy-mm-dd") from None
    return [(start + timedelta(days=n)).isoformat() for n in range(min((end - start).days + 1, 8))]


def _asteroid(number: int) -> dict[str, Any]:
    return {
        "id": str(2_000_000 + number),
        "name": f"({WORDS[number].title()} {number})",
        "absolute_magnitude_h": 10.31 + number,
        "estimated_diameter": {"meters": {"estimated_diameter_min": 22.5 * number, "estimated_diameter_max": 50.0}},
        "is_potentially_hazardous_asteroid": number == 4,
        "close_approach_data": [
            {
                "close_approach_date_full": "2026-Jan-01 08:01",
                "epoch_date_close_approach": 1_767_254_460_000 + n,
                "relative_velocity": {"kilometers_per_second": f"{13.3 + n:.10f}"},
            }
            for n in range(number % 3)
        ],
    }


def _nasa_config(url: str) -> dict[str, Any]:
    return {
        "client": {
            "base_url": url,
            "auth": {"type": "api_key", "name": "api_key", "api_key": "DEMO", "location": "query"},
        },
        "resources": [
            {
                "name": "asteroids",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "neo/rest/v1/neo/browse",
                    "params": {"size": 3},
                    "data_selector": "near_earth_objects",
                    "paginator": {
                        "type": "page_number",
                        "base_page": 0,
                        "total_path": "page.total_pages",
                        "maximum_page": 2,
                    },
                },
            },
            {
                "name": "feed",
                "write_disposition": "replace",
                "max_table_nesting": 0,
                "endpoint": {
                    "path": "neo/rest/v1/feed",
                    "params": {"start_date": "2026-01-04", "end_date": "2026-01-06"},
                    "data_selector": "near_earth_objects.*[*]",
                    "paginator": "single_page",
                },
            },
            {
                "name": "pictures",
                "primary_key": "date",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "planetary/apod",
                    "params": {"thumbs": True},
                    "paginator": {"type": "single_page"},
                    "incremental": {
                        "start_param": "start_date",
                        "end_param": "end_date",
                        "cursor_path": "date",
                        "initial_value": "2026-01-01",
                        "end_value": "2026-01-05",
                        "range_end": "closed",
                    },
                },
            },
        ],
    }


NASA = Dialect(
    "nasa",
    nasa,
    _nasa_config,
    rows=({"asteroids": 6, "asteroids__close_approach_data": 6, "feed": 6, "pictures": 5},) * 2,
    shows="api_key in the query; page_number from 0 with a total and a maximum; an object of lists, flattened by the "
    "selector; start and end as parameters, both ends of the range closed, no state",
)

DIALECTS = (WORLDBANK, WORDPRESS, NASA)
