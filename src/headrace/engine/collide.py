"""Rows that differ under one key on one page: no update of one object, so nothing may be kept silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace.decode import load_exact
from headrace.errors import KeyCollisionError
from headrace.normalise import Key, key_values
from headrace.plan import ResourcePlan
from headrace.secrets import mask


class ReadRows(Protocol):
    """Root rows that were read: their records, the numbers of their pages, and their keys."""

    @property
    def records(self) -> Sequence[bytes]: ...

    @property
    def pages(self) -> Sequence[int]: ...

    @property
    def keys(self) -> Sequence[Key]: ...

    def contents(self, rows: Sequence[int]) -> Mapping[int, Any]:
        """What the tables hold of each of `rows`."""
        ...


def check_pages(ids: Sequence[str], batch: ReadRows, resource: ResourcePlan) -> None:
    """Raise `KeyCollisionError` when two rows of one page share an id and differ in what the tables hold of them."""
    if len(set(ids)) == len(ids):
        return
    first_at: dict[tuple[int, str], int] = {}
    pairs = []
    for row, place in enumerate(zip(batch.pages, ids, strict=True)):
        first = first_at.setdefault(place, row)
        if first != row and batch.records[first] != batch.records[row]:
            pairs.append((first, row))
    if not pairs:
        return
    contents = batch.contents(sorted({row for pair in pairs for row in pair}))
    for first, row in pairs:
        if repr(contents[first]) != repr(contents[row]):
            raise _collision(batch.records[first], batch.records[row], batch.keys[row], resource)


def later_collision(key: Sequence[Any], resource: ResourcePlan) -> KeyCollisionError:
    """The error for a row whose `key` came on an earlier page with another content."""
    return KeyCollisionError(
        f"expected rows that differ to have different keys {_names(resource)}, "
        f"got {', '.join(map(repr, key))} again with another content on a later page",
        where=f"resource `{resource.name}`",
        hint="`key_collisions: keep_last` keeps the last row of a key, `keep_all` keeps every row",
    )


def _collision(first: bytes, second: bytes, key: Key, resource: ResourcePlan) -> KeyCollisionError:
    """The error for two rows that differ under one key: the key, a sample of what differs, the option that decides."""
    one, other = load_exact(first), load_exact(second)
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    sample = "; ".join(f"`{name}` {_short(one.get(name))} and {_short(other.get(name))}" for name in names[:3])
    return KeyCollisionError(
        f"expected the key {_names(resource)} to be different in rows that differ, "
        f"got {_values(one, key, resource)} twice on one page ({sample})",
        where=f"resource `{resource.name}`",
        hint="`key_collisions: keep_all` keeps every row, keyed by its content; or declare the `primary_key` that "
        "tells these rows apart",
    )


def _names(resource: ResourcePlan) -> str:
    return ", ".join(f"`{name}`" for name in resource.primary_key)


def _values(row: Any, key: Key, resource: ResourcePlan) -> str:
    """The key of a row as the API spelt it, where the declared names are the API's own."""
    names = resource.primary_key
    values = [row[name] for name in names] if all(name in row for name in names) else key_values(key).values()
    return ", ".join(map(repr, values))


def _short(value: Any) -> str:
    text = mask(repr(value))
    return text if len(text) <= 40 else text[:37] + "..."
