"""A plan as text: `headrace.plan.describe` for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

#: Paging kinds whose pages can be counted beforehand.
_KNOWN_PAGES: Final = {"single_page": 1}
#: Paging kinds whose pages have names that are known ahead, so that they are asked for side by side.
_AHEAD: Final = frozenset({"offset", "page_number"})
_APART: Final = frozenset({"kind", "ends"})


def plan_text(described: Mapping[str, Any]) -> str:
    """What would be asked for, in order, and how many requests that is as far as anyone can know."""
    return "\n".join([*_client(described), *_resources(described), "", _total(described["resources"])])


def _client(described: Mapping[str, Any]) -> Iterator[str]:
    retry = described["retry"]
    waits = ", ".join(f"{retry['backoff_factor'] * 2**turn:g}" for turn in range(min(retry["max_retries"], 5)))
    yield f"base url   {described['base_url']}"
    if retry["max_retries"]:
        statuses = ", ".join(map(str, retry["statuses"]))
        yield f"retries    {retry['max_retries']}, after {waits} s or `Retry-After`; on {statuses}, no or broken answer"
    else:
        yield "retries    none"
    yield f"in flight  {described['in_flight']} requests at the same time"


def _resources(described: Mapping[str, Any]) -> Iterator[str]:
    for number, resource in enumerate(described["resources"], 1):
        yield ""
        yield f"{number}. {resource['name']} -> table {resource['table']}, {_write(resource)}"
        for request in resource["requests"]:
            yield f"   {_request(request)}"
        yield f"   rows at  {resource['rows_at']}"
        yield f"   paging   {_paging(resource['paging'])}"
        yield f"   pages    {_pages(resource)}"
        yield f"   auth     {resource['auth'] or 'none'}"
        if resource["dropped"]:
            yield f"   dropped  {', '.join(resource['dropped'])}"


def _write(resource: Mapping[str, Any]) -> str:
    write = resource["write"]
    disposition = write["disposition"] if isinstance(write, Mapping) else write
    if disposition != "merge" or not resource["primary_key"]:
        return str(disposition)
    key = ", ".join(resource["primary_key"])
    # a declared strategy is kept also where the table is empty
    first = "" if isinstance(write, Mapping) else "; appended while the table is empty"
    if resource["key_collisions"] == "keep_all":
        return f"merge, rows told apart by their content (key {key}, `key_collisions: keep_all`){first}"
    return f"merge on {key}{first}"


def _request(request: Mapping[str, Any]) -> str:
    pairs = [
        f"{name}={value}"
        for name, values in request["params"].items()
        for value in (values if isinstance(values, list) else [values])
    ]
    kept = "".join(f"  [column {name} = {value}]" for name, value in request.get("kept", {}).items())
    separator = "&" if "?" in request["url"] else "?"
    return f"{request['method']} {request['url']}{separator if pairs else ''}{'&'.join(pairs)}{kept}"


def _paging(paging: Mapping[str, Any]) -> str:
    options = ", ".join(
        f"{name} {value}" for name, value in paging.items() if name not in _APART and value not in (None, True, False)
    )
    return f"{paging['kind']}{f' ({options})' if options else ''}, ends {paging['ends']}"


def _pages(resource: Mapping[str, Any]) -> str:
    kind = resource["paging"]["kind"]
    if kind in _KNOWN_PAGES:
        return str(_KNOWN_PAGES[kind] * len(resource["requests"]))
    how = "asked for side by side" if kind in _AHEAD else "one after the other"
    return f"unknown before the last answer, {how}"


def _total(resources: list[Mapping[str, Any]]) -> str:
    least = sum(len(resource["requests"]) for resource in resources)
    exact = all(resource["paging"]["kind"] in _KNOWN_PAGES for resource in resources)
    things = "1 request" if least == 1 else f"{least:,} requests"
    return f"in all {things}" if exact else f"in all at least {things}: how many pages follow, only the answers say"
