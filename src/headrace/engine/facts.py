"""What a pager reads of a page, as bytes that are kept, with the selector that was found for its rows."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.jsonpath import MISSING, JsonPath
from headrace.message import PageFacts


def encode_facts(facts: PageFacts, selector: JsonPath | None) -> bytes | None:
    """The facts without rows; None where they cannot be kept: a number beyond 64 bits, a lone surrogate."""
    values = {path: value for path, value in facts.values.items() if value is not MISSING}
    if "$" in values:
        values["$"] = _without_rows(values["$"], selector)
    said = (
        facts.status,
        dict(facts.headers),
        facts.url,
        facts.row_count,
        facts.fingerprint,
        values,
        list(facts.moments),
        list(facts.digests),
        None if selector is None else selector.steps,
    )
    try:
        return msgspec.msgpack.encode(said)
    except (TypeError, ValueError, OverflowError):
        return None


def decode_facts(told: bytes) -> tuple[PageFacts, JsonPath | None]:
    """What `encode_facts` was given."""
    status, headers, url, rows, fingerprint, values, moments, digests, steps = msgspec.msgpack.decode(told)
    facts = PageFacts(status, headers, url, rows, fingerprint, values, moments=moments, digests=digests)
    return facts, None if steps is None else JsonPath(".".join(map(str, steps)) or "$", tuple(steps))


def _without_rows(document: Any, selector: JsonPath | None) -> Any:
    """A document with no rows in it: what a pager is found by stands beside them."""
    if selector is None or not selector.steps:
        return document if isinstance(document, dict) else []
    first, *rest = selector.steps
    if not isinstance(document, dict) or first not in document:
        return document
    return {**document, first: _without_rows(document[first], JsonPath("", tuple(rest)))}
