"""Rows that differ under one key on one page: no update of one object, so nothing may be kept silently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headrace.decode import load_exact
from headrace.errors import KeyCollisionError
from headrace.normalise import content_digest
from headrace.plan import ResourcePlan

_DIGEST_BYTES: Final = 16


def check_pages(
    ids: Sequence[str], records: Sequence[bytes], page_sizes: Sequence[int], resource: ResourcePlan
) -> None:
    """Raise `KeyCollisionError` when two rows of one page share an id and differ in content."""
    if len(set(ids)) == len(ids):
        return
    start = 0
    for size in page_sizes:
        first_at: dict[str, int] = {}
        for row in range(start, start + size):
            first = first_at.setdefault(ids[row], row)
            if first != row and _differ(records[first], records[row]):
                raise collision(records[first], records[row], resource)
        start += size


def collision(first: bytes, second: bytes, resource: ResourcePlan) -> KeyCollisionError:
    """The error for two rows that differ under one key: the key, a sample of what differs, the option that decides."""
    one, other = load_exact(first), load_exact(second)
    key = ", ".join(f"`{name}`" for name in resource.primary_key)
    values = ", ".join(f"{one.get(name)!r}" for name in resource.primary_key)
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    sample = "; ".join(f"`{name}` {_short(one.get(name))} and {_short(other.get(name))}" for name in names[:3])
    return KeyCollisionError(
        f"expected the key {key} to be different in rows that differ, got {values} twice on one page ({sample})",
        where=f"resource `{resource.name}`",
        hint="`key_collisions: keep_all` keeps every row, keyed by its content; or declare the `primary_key` that "
        "tells these rows apart",
    )


def _differ(first: bytes, second: bytes) -> bool:
    return first != second and content_digest(first, _DIGEST_BYTES) != content_digest(second, _DIGEST_BYTES)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
