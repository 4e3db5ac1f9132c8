"""A plan as text: `headrace.plan.describe` for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from headrace.moment import length_words
from headrace.plan.keeping import may_append_first

#: Paging kinds whose pages can be counted beforehand.
_KNOWN_PAGES: Final = {"single_page": 1}
#: Paging kinds whose pages have names that are known ahead, so that they are asked for side by side.
_AHEAD: Final = frozenset({"offset", "page_number"})
_APART: Final = frozenset({"kind", "ends"})
#: What a plan says of windows beside their range, in words before the length of time.
_LENGTHS: Final = {
    "overlap_s": "again from before the last end by",
    "settle_s": "settled after",
    "reread_every_s": "far back every",
    "retention_s": "nothing older than",
}


def plan_text(described: Mapping[str, Any]) -> str:
    """What would be asked for, in order, and how many requests that is as far as anyone can know."""
    return "\n".join([*_client(described), *_resources(described), "", _total(described["resources"])])


def _client(described: Mapping[str, Any]) -> Iterator[str]:
    yield f"base url   {described['base_url']}"
    yield f"retries    {_retries(described['retry'])}"
    yield f"in flight  {described['in_flight']} requests at the same time"
    yield f"rate       {_rate(described)}"


def _rate(described: Mapping[str, Any]) -> str:
    if described["rate"] is not None:
        requests, per_s = described["rate"]
        return f"at most {requests:,} requests in {per_s:g} s to a host, declared"
    if described["learn_rate"]:
        return "as the headers of a host say, else learned from what it refuses (429)"
    return "not limited; after a 429 a rest"


def _retries(retry: Mapping[str, Any]) -> str:
    if retry["max_retries"] == 0:
        return "none"
    waits = [f"{retry['backoff_factor'] * 2**turn:g}" for turn in range(min(retry["max_retries"] or 3, 5))]
    more = "" if retry["max_retries"] else " ..."
    bound = f"{retry['max_retries']}" if retry["max_retries"] else f"for {retry['budget_s']:g} s"
    statuses = ", ".join(map(str, retry["statuses"]))
    return f"{bound}, after {', '.join(waits)}{more} s or `Retry-After`; on {statuses}, no or broken answer"


def _resources(described: Mapping[str, Any]) -> Iterator[str]:
    for number, resource in enumerate(described["resources"], 1):
        yield ""
        yield f"{number}. {resource['name']} -> table {resource['table']}, {_write(resource)}"
        for request in resource["requests"]:
            yield f"   {_request(request)}"
        if resource["parents"]:
            yield f"   for each {' and '.join(f'row of {name}' for name in resource['parents'])}"
        yield f"   rows at  {resource['rows_at']}"
        yield f"   paging   {_paging(resource['paging'])}"
        yield f"   pages    {_pages(resource)}"
        yield f"   auth     {resource['auth'] or 'none'}"
        if resource["incremental"]:
            yield f"   since    {_since(resource['incremental'])}"
        if resource["windows"]:
            yield f"   windows  {_windows(resource['windows'])}"
        if resource["deletions"]:
            yield f"   marked   {_deletions(resource['deletions'])}"
        yield f"   loaded   {_loaded(resource['whole'])}"
        yield f"   rows     {_rows(resource['as_objects'])}"
        if resource["dropped"]:
            yield f"   dropped  {', '.join(resource['dropped'])}"
        if resource["hashed"]:
            yield f"   hashed   {', '.join(resource['hashed'])}"


def _since(incremental: Mapping[str, Any]) -> str:
    sent = f", sent as {incremental['start_param']}" if incremental["start_param"] else ""
    each = ", one for each call" if incremental["per_parent"] else ""
    return f"the last {incremental['cursor_path']}{sent}{each}"


def _deletions(deletions: Mapping[str, Any]) -> str:
    after = deletions["after"]
    listings = "a complete listing lacks" if after == 1 else f"{after} complete listings in a row lack"
    return f"in {deletions['mark']}: rows that {listings}"


def _windows(windows: Mapping[str, Any]) -> str:
    names = " and ".join(windows["params"])
    end = windows["end"] or "now"
    size = windows["size_s"]
    lengths = "" if size is None else f"of {length_words(timedelta(seconds=size))} at most, "
    facts = "".join(
        f", {words} {length_words(timedelta(seconds=windows[name]))}"
        for name, words in _LENGTHS.items()
        if windows[name]
    )
    return f"{lengths}from {windows['start']} to {end}, sent as {names}, side by side{facts}"


def _rows(as_objects: str | None) -> str:
    return "columns" if as_objects is None else f"Python objects on the way: {as_objects}"


def _loaded(whole: str | None) -> str:
    return "in steps, while more is to come" if whole is None else f"when all has come: {whole}"


def _write(resource: Mapping[str, Any]) -> str:
    write = resource["write"]
    disposition = write["disposition"] if isinstance(write, Mapping) else write
    if resource["windows"] and resource["windows"]["replace_s"]:
        return f"replaced by time in steps of {length_words(timedelta(seconds=resource['windows']['replace_s']))}"
    if disposition != "merge" or not resource["primary_key"]:
        return str(disposition)
    key = ", ".join(resource["primary_key"])
    first = "; Parquet is appended while the table is empty" if may_append_first(write, takes_back=True) else ""
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
    body = "".join(f"  {kind} {request[kind]}" for kind in ("json", "data") if kind in request)
    return f"{request['method']} {request['url']}{separator if pairs else ''}{'&'.join(pairs)}{body}{kept}"


def _paging(paging: Mapping[str, Any]) -> str:
    options = ", ".join(
        f"{name} {value}" for name, value in paging.items() if name not in _APART and value not in (None, True, False)
    )
    return f"{paging['kind']}{f' ({options})' if options else ''}, ends {paging['ends']}"


def _pages(resource: Mapping[str, Any]) -> str:
    kind = resource["paging"]["kind"]
    if resource["parents"]:
        how = "asked for side by side" if kind in _AHEAD else "one after the other"
        return f"unknown before the rows of {' and '.join(resource['parents'])}, rows side by side, pages {how}"
    if kind in _KNOWN_PAGES:
        return str(_KNOWN_PAGES[kind] * len(resource["requests"]))
    how = "asked for side by side" if kind in _AHEAD else "one after the other"
    return f"unknown before the last answer, {how}"


def _total(resources: list[Mapping[str, Any]]) -> str:
    least = sum(len(resource["requests"]) for resource in resources if not resource["parents"])
    exact = all(resource["paging"]["kind"] in _KNOWN_PAGES and not resource["parents"] for resource in resources)
    things = "1 request" if least == 1 else f"{least:,} requests"
    return f"in all {things}" if exact else f"in all at least {things}: how many pages follow, only the answers say"
