"""What a configuration does to rows between an answer and the tables, in dlt's order.

1. fields into one shape; private ones out or hashed   (bytes)
2. parameters of the source in, first; the step of time in which a row lies   (bytes)
3. fields of the parent's row in, last  (bytes)
4. `processing_steps`                   (Python objects)
5. the incremental filter               (looks at Python objects; what stays stays as bytes)
6. fields for dependent resources out   (looks at Python objects)

A row becomes Python objects only for 4, 5 and 6. What the functions of 4 return is written as JSON again, so that it
takes the same way as every other row; only where it holds something that JSON lacks (a moment, a decimal) do the
objects themselves go on. Functions, and whatever comes after them, see no more than is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from headrace.decode import Odd, Shaper, add_values, append_each, append_values, to_rows
from headrace.engine.concealer import Aliases, Concealer, Known
from headrace.engine.skip import Unskippable
from headrace.errors import AnswerError
from headrace.jsonpath import MISSING
from headrace.message import Page
from headrace.moment import words
from headrace.plan import STEP, Call, Exports, ResourcePlan

if TYPE_CHECKING:
    from headrace.engine.window import Window

_MICROS: Final = 1_000_000
#: A moment as text; rows of a page have few.
_said = lru_cache(maxsize=256)(words)
#: Types that JSON gives back as they are; exactly these, a subclass may mean something to dlt.
_JSON_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class Watermark(Protocol):
    """The incremental filter of one or more calls, told of all their rows in order."""

    @property
    def closed(self) -> bool:
        """Whether no row that follows can be wanted, because rows come in the order of the cursor."""
        ...

    def keep(self, rows: list[Any]) -> list[Any]:
        """The rows that are new, the same objects in the same order."""
        ...

    def hold(self) -> None:
        """Stay where it was when the run began, whatever came and comes: a call was skipped."""
        ...


@dataclass(frozen=True)
class ParentRow:
    """What a row gives to dependent resources: values by path and by top-level key, and the rows that it came from.

    `fields` go into requests as they are; `hidden` has the hashes of those that nothing else may show.
    """

    resource: str
    fields: Mapping[str, Any]
    keys: Mapping[str, Any]
    origins: Mapping[str, ParentRow] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Errand:
    """One call to be made, the filter of its rows, the parents' rows that led to it, and who is told of its end.

    `window` is the range of time that it lists where it has one, which may be listed in parts instead. `unskippable`
    says why it must not be skipped, if so. `whole` is told of an end beyond doubt: nothing ignored, no total missed.
    """

    call: Call
    watermark: Watermark | None = None
    origins: Mapping[str, ParentRow] = field(default_factory=dict)
    complete: Callable[[], None] | None = None
    window: Window | None = None
    unskippable: Unskippable = Unskippable()  # noqa: RUF009 - frozen
    whole: Callable[[], None] | None = None


@dataclass(frozen=True)
class Prepared:
    """The rows of one page, ready for the tables: `raw`, or `rows` where JSON cannot hold them; and its exports."""

    raw: Sequence[bytes]
    rows: Sequence[Any] | None = None
    exported: Sequence[ParentRow] = ()


class RowWork:
    """The work on the rows of one resource. `aliases` get the hashes of values that dependents need as they are."""

    def __init__(self, resource: ResourcePlan, aliases: Aliases | None = None) -> None:
        self.resource = resource
        self._aliases = {} if aliases is None else aliases
        self._shaper = Shaper(resource.fields)
        self._concealer = Concealer(resource, self._aliases)
        #: What was changed of rows that are Python objects from then on.
        self.odd = Odd()

    def needs_objects(self, errand: Errand) -> bool:
        """Whether rows of the errand are looked at as Python objects."""
        return bool(self.resource.steps or errand.watermark or self.resource.exports)

    def prepare(self, page: Page, errand: Errand) -> Prepared:
        """The rows of a page for the tables. Raises `AnswerError`, and what functions of the configuration raise."""
        records = self._shaped(page)
        raw, added = self._raw(records, errand, page)
        if added is None and not self.needs_objects(errand):
            return Prepared(raw)
        rows = to_rows(raw, self.odd if self.resource.steps else None) if added is None else added
        known = self._concealer.known(records)
        if self.resource.steps or added is not None:
            rows = self._stepped(rows)
            kept = rows if errand.watermark is None else errand.watermark.keep(rows)
            exported = self._export(kept, errand)
            encoded = _as_json(kept)
            return Prepared(encoded, None, exported) if encoded is not None else Prepared((), kept, exported)
        if errand.watermark is not None:
            stay = {id(row) for row in errand.watermark.keep(rows)}
            places = [place for place, row in enumerate(rows) if id(row) in stay]
            raw, rows = [raw[place] for place in places], [rows[place] for place in places]
            known = [known[place] for place in places]
        return Prepared(raw, None, self._export(rows, errand, known))

    def objects(self, page: Page, errand: Errand) -> list[Any]:
        """The rows of a page as Python objects after `processing_steps`, not filtered yet: see `fetch_objects`."""
        records = self._shaped(page)
        raw, added = self._raw(records, errand, page)
        self._concealer.known(records)
        return self._stepped(to_rows(raw, self.odd) if added is None else added)

    def _shaped(self, page: Page) -> Sequence[bytes]:
        return page.records if page.shown else self._shaper.shape(page.records, self.odd)

    def _raw(self, records: Sequence[bytes], errand: Errand, page: Page) -> tuple[Sequence[bytes], list[Any] | None]:
        """Records after steps 1 to 3; the second as objects where a parent's field is none that JSON holds."""
        records = records if page.shown else self._concealer.hide(records, self.odd)
        if self.resource.replacing is not None and self.resource.windows is not None:
            step_of = self.resource.windows.step_of
            records = append_each(records, STEP, [_said(step_of(moment / _MICROS)) for moment in page.facts.moments])
        if errand.call.values:
            records = add_values(records, errand.call.values)
        kept = errand.call.kept
        if not kept:
            return records, None
        wrong = next((record for record in records if not record.startswith(b"{")), None)
        if wrong is not None:
            came = "something else" if self.resource.privacy.fates else wrong[:40].decode(errors="replace")
            raise AnswerError(
                f"expected objects, which can take {', '.join(kept)} of the parent, got {came}",
                where=f"resource `{self.resource.name}`",
                hint="leave out `include_from_parent`, or select objects by `data_selector`",
            )
        if _is_json(dict(kept)):
            return append_values(records, kept), None
        return records, [{**row, **kept} for row in to_rows(records, self.odd)]

    def _stepped(self, rows: list[Any]) -> list[Any]:
        for step in self.resource.steps:
            if not rows:
                break
            made = step.function(rows)
            rows = []
            for item in () if made is None else made:
                # a function that yields may yield a whole page at once
                rows.extend(item if isinstance(item, list) and step.kind == "yield_map" else [item])
        return rows

    def _export(self, rows: Sequence[Any], errand: Errand, known: Sequence[Known] = ()) -> list[ParentRow]:
        exports = self.resource.exports
        if not exports:
            return []
        return parent_rows(self.resource.name, rows, exports, errand.origins, self._aliases, known)


def parent_rows(
    name: str,
    rows: Sequence[Any],
    exports: Exports,
    origins: Mapping[str, ParentRow] | None = None,
    aliases: Mapping[str, Any] | None = None,
    known: Sequence[Known] = (),
) -> list[ParentRow]:
    """What `rows` of resource `name` give to its dependents, `MISSING` where one lacks it.

    `known` is what the rows themselves do not show, where that is known; otherwise `aliases` say what hashes stand for.
    """
    return [
        _parent_row(name, row, exports, origins or {}, _unveiled(row, exports, aliases or {}) if of is None else of)
        for row, of in zip_longest(rows, known)
    ]


def _parent_row(name: str, row: Any, exports: Exports, origins: Mapping[str, ParentRow], known: Known) -> ParentRow:
    return ParentRow(
        name,
        {path.text: known[path.text][0] if path.text in known else path.first(row) for path in exports.fields},
        {key: row.get(key, MISSING) if isinstance(row, dict) else MISSING for key in exports.keys},
        origins,
        {text: alias for text, (_, alias) in known.items()},
    )


def _unveiled(row: Any, exports: Exports, aliases: Mapping[str, Any]) -> Known:
    """Fields of a row that are hashes of something known."""
    if not aliases:
        return {}
    found = {path.text: path.first(row) for path in exports.fields}
    return {
        text: (aliases[alias], alias) for text, alias in found.items() if isinstance(alias, str) and alias in aliases
    }


def _as_json(rows: Sequence[Any]) -> list[bytes] | None:
    """The rows as JSON; None where one holds a value of another type."""
    if not all(map(_is_json, rows)):
        return None
    return [_encoded(row) for row in rows]


def _encoded(row: Any) -> bytes:
    try:
        return msgspec.json.encode(row)
    except (msgspec.MsgspecError, OverflowError, UnicodeEncodeError, ValueError):
        # integers beyond 64 bits, lone surrogates
        return json.dumps(row).encode()


def _is_json(value: Any) -> bool:
    kind = type(value)
    if kind in _JSON_SCALARS:
        return True
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_is_json, value.values()))
    return kind is list and all(map(_is_json, value))
