"""One split per page: an answer becomes raw records and the facts that the pager asked for.

The fast split builds no objects: the envelope is described to msgspec as a type in which the list of rows is
`list[Raw]` and everything else is skipped. When the answer does not fit that type (null or an object where the list
was declared, NaN in the text, a selector with wildcards), the exact split decodes the page and looks again.

A page without the declared key is never an empty page: it is an `AnswerError` that says what came instead. The end of
data is a positive statement.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Union

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headrace.decode.bounds import expect_bounded_rows, expect_exact, is_large
from headrace.decode.diagnose import missing_rows, not_json
from headrace.decode.exact import load_exact
from headrace.decode.find import find_rows
from headrace.decode.moments import MomentReader
from headrace.decode.odd import Odd
from headrace.errors import AnswerError, DecodeError
from headrace.jsonpath import MISSING, JsonPath
from headrace.message import Page, PageFacts, Response
from headrace.secrets import without_values

#: Records, values, and whether an object came in place of a list.
_Split = tuple[Sequence[bytes], Mapping[str, Any], bool]


class PageSplitter:
    """Splits the pages of one call. `selector` None: the place of the rows is found on the first page and kept.

    `wants` are the paths whose values the pager needs; the root path `$` stands for the whole document.
    `resource` names the resource in errors. `fingerprint` false leaves out the digests that tell equal pages; `answers`
    true puts the answer and its records into the facts, for a pager that reads them, `digests` a digest of each row,
    and `moments` the times at that path of rows. `entries`: the selector leads to an object, of whose entries each is a
    row with these two fields, its name and its value. `shows` false keeps a page that is not JSON out of errors.
    """

    def __init__(  # noqa: PLR0913 - what may differ between two listings
        self,
        selector: JsonPath | None,
        wants: Sequence[JsonPath],
        *,
        resource: str,
        allow_null: bool = False,
        fingerprint: bool = True,
        answers: bool = False,
        digests: bool = False,
        moments: JsonPath | None = None,
        entries: tuple[str, str] | None = None,
        shows: bool = True,
    ) -> None:
        self._selector = selector
        self._wants = tuple(wants)
        self._resource = resource
        self._allow_null = allow_null
        self._fingerprint = fingerprint
        self._answers = answers
        self._digests = digests
        self._moments = MomentReader(moments, resource) if moments is not None else None
        self._entries = entries
        self._shows = shows
        self._pages = 0
        self._decoder = None if entries else _envelope_decoder(selector, self._wants)

    def want(self, wants: Sequence[JsonPath]) -> None:
        """From now on give the values at `wants`: a pager that was found on the first page needs no whole document."""
        if tuple(wants) != self._wants:
            self._wants = tuple(wants)
            self._decoder = _envelope_decoder(self._selector, self._wants)

    @property
    def selector(self) -> JsonPath | None:
        """Where the rows are; None until it is known."""
        return self._selector

    def go_on(self, selector: JsonPath | None) -> None:
        """Take it that a page was split before, elsewhere, where the rows were at `selector`."""
        self._pages += 1
        if self._selector is None and selector is not None:
            self._selector = selector
            self._decoder = _envelope_decoder(selector, self._wants)

    def split(self, response: Response) -> Page:
        """Records and facts of one answer. Raises `AnswerError` or `DecodeError`, never gives a silent empty page."""
        odd = Odd()
        where = f"resource `{self._resource}`, {response.url if self._shows else without_values(response.url)}"
        large = is_large(response.body, where=where)
        split = self._split_fast(response, large=large)
        if split is None:
            expect_exact(response.body, large=large, where=where)
            split = self._split_exact(response, where, odd)
        records, values, is_object = split
        expect_bounded_rows(records, where=where)
        self._pages += 1
        digest = _fingerprint(response.body, records) if self._fingerprint else ""
        moments = self._moments.read(records) if self._moments is not None else ()
        digests = [zlib.crc32(record) for record in records] if self._digests else ()
        facts = PageFacts(
            response.status,
            response.headers,
            response.url,
            len(records),
            digest,
            values,
            moments=moments,
            digests=digests,
            is_object=is_object,
        )
        facts = replace(facts, response=response, records=records) if self._answers else facts
        return Page(records, facts, replaced=odd.replaced, repeated=odd.repeated)

    def _split_fast(self, response: Response, *, large: bool) -> _Split | None:
        """The split without objects; None when the answer needs the exact one, or is large and has other rows."""
        if self._decoder is None or self._selector is None:
            return None
        try:
            if large:
                _envelope_decoder(self._selector, (), list[_AnyObject]).decode(response.body)  # type: ignore[union-attr]
            envelope = self._decoder.decode(response.body)
        except (msgspec.DecodeError, RecursionError):
            return None
        rows = _follow(envelope, self._selector)
        if rows is MISSING:
            return None
        return list(map(bytes, rows)), {path.text: _follow(envelope, path) for path in self._wants}, False

    def _split_exact(self, response: Response, where: str, odd: Odd) -> _Split:
        """The split by decoding the page; names what is wrong with a page that has no rows; counts in `odd`."""
        try:
            document = load_exact(response.body, where=where, shows=self._shows, odd=odd)
        except DecodeError as error:
            raise not_json(response, error, where=where, shows=self._shows) from None
        if self._selector is None:
            self._selector = find_rows(document)
            self._decoder = _envelope_decoder(self._selector, self._wants)
        rows = self._selector.find(document)
        if rows is MISSING or (rows is None and not self._allow_null):
            raise missing_rows(document, rows, self._selector, where=where, later_page=self._pages > 0)
        values = {path.text: path.first(document) for path in self._wants}
        if self._entries is not None and rows is not None:
            rows = _entries_of(rows, self._entries, where)
        found = [] if rows is None else rows if isinstance(rows, list) else [rows]
        # what a path with wildcards chooses among the rows of a list is one where it chooses one
        is_object = isinstance(rows, dict) and self._selector.steps is not None
        return [json.dumps(row).encode() for row in found], values, is_object


def _entries_of(rows: Any, names: tuple[str, str], where: str) -> list[Any]:
    """The entries of an object as rows."""
    if not isinstance(rows, dict):
        raise AnswerError(
            f"expected an object, whose entries are the rows, got a {type(rows).__name__}",
            where=where,
            hint="leave out `entries`, or select an object by `data_selector`",
        )
    key, value = names
    return [{key: name, value: each} for name, each in rows.items()]


def _fingerprint(body: bytes, records: Sequence[bytes]) -> str:
    """A digest of the records of a page, the same in every process, empty for a page without any.

    It covers the text of `body` from the first record to the last: what is around it, a next link, may change while the
    records come again. Four lengths and sums together, because one of 32 bits is met again among some 10,000 pages.
    """
    if not records:
        return ""
    first, last = records[0], records[-1]
    begin, end = body.find(first), body.rfind(last)
    # the exact split writes records anew, and then they stand nowhere in the body
    text = memoryview(body)[begin : end + len(last)] if 0 <= begin <= end else b",".join(records)
    return f"{len(records):x}-{len(text):x}-{zlib.crc32(text):x}-{zlib.crc32(first):x}-{zlib.crc32(last):x}"


class _AnyObject(msgspec.Struct, gc=False):
    """An object, whatever is in it; a row of another kind is refused at once."""


@lru_cache(maxsize=128)
def _envelope_decoder(
    selector: JsonPath | None, wants: tuple[JsonPath, ...], rows: Any = list[Raw]
) -> msgspec.json.Decoder[Any] | None:
    """A decoder for the envelope; None when a path is not plain, crosses another one, or is not known yet.

    Made once for all calls of a resource: it takes half a millisecond.
    """
    if selector is None:
        return None
    if selector.is_root:
        return None if wants else msgspec.json.Decoder(rows)
    tree: dict[str, Any] = {}
    for path in (selector, *wants):
        leaf = rows if path is selector else Any
        if not path.steps or not all(isinstance(step, str) for step in path.steps):
            return None
        if not _plant(tree, [str(step) for step in path.steps], leaf):
            return None
    try:
        return msgspec.json.Decoder(_envelope_type(tree))
    except ValueError:  # msgspec takes no name with a quote, a backslash or a control character
        return None


def _plant(tree: dict[str, Any], steps: list[str], leaf: Any) -> bool:
    """Add one path to the tree of types; False when it passes through or ends on another path."""
    for step in steps[:-1]:
        branch = tree.setdefault(step, {})
        if not isinstance(branch, dict):
            return False
        tree = branch
    if steps[-1] in tree:
        return False
    tree[steps[-1]] = leaf
    return True


def _envelope_type(tree: Mapping[str, Any]) -> Any:
    """A msgspec type with one field a key of `tree`; what the answer lacks is UNSET, what else it has is skipped."""
    names = {f"f{number}": key for number, key in enumerate(tree)}
    fields = []
    for name, key in names.items():
        kind = _envelope_type(tree[key]) if isinstance(tree[key], dict) else tree[key]
        fields.append((name, Union[kind, UnsetType], UNSET))  # noqa: UP007 - the members are values here
    return msgspec.defstruct("Envelope", fields, rename=names)


def _follow(envelope: Any, path: JsonPath) -> Any:
    """The value at `path` in a decoded envelope, `MISSING` where a step is unset."""
    value = envelope
    for step in path.steps or ():
        if not isinstance(value, msgspec.Struct):
            return MISSING
        value = getattr(value, value.__struct_fields__[value.__struct_encode_fields__.index(str(step))])
        if value is UNSET:
            return MISSING
    return value
