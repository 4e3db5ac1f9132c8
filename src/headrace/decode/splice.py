"""Fields of a record found without opening it, and put anew: everything else stays, byte by byte.

A record that is opened (`dict[str, Raw]`) and written again costs its keys as Python texts, its values as objects and
all of it as one more encoding, and so does each object in it that is opened. Here it is read as a msgspec struct of the
fields that are asked for, at any depth, which skips the others; what is found are views of the record, so it is known
where they stand.

A key that came twice stays there twice, and its last value is the one that counts, as everywhere. So this is no way
for fields that must not be read: see `conceal.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, Union

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw

#: Names of fields; below a name the fields of the object, or of the objects of the list, that stands there.
Names: TypeAlias = Mapping[str, Union["Names", None]]
#: A value that was found, and what comes in its place.
Change: TypeAlias = tuple[Raw, bytes]

values_of = msgspec.structs.astuple
_view = pa.py_buffer
_SPACE, _OPENED, _CLOSED, _BACKSLASH = b" {}\\"


class Spots:
    """Finds fields of objects. Raises `ValueError` for a name that msgspec takes for no field."""

    def __init__(self, names: Names) -> None:
        self._decode = msgspec.json.Decoder(_struct(names)).decode

    def find(self, record: bytes) -> tuple[Any, ...]:
        """What stands at each name, in their order; `UNSET` where nothing does.

        A value is a `Raw`, a view of `record`. Where a name has fields below it, it is a struct of them (`values_of`),
        or a list of such structs, or None for null. Raises `msgspec.DecodeError` for anything else, and for what might
        read otherwise where records are opened.
        """
        # the escape of a lone surrogate: in a key it is refused where records are opened, and skipped here
        if _BACKSLASH in record and (b"\\ud" in record or b"\\uD" in record):
            raise msgspec.DecodeError("expected no surrogates")
        return values_of(self._decode(record))


def _struct(names: Names) -> type[msgspec.Struct]:
    fields = []
    for number, below in enumerate(names.values()):
        kind: Any = Raw
        if below is not None:
            inner = _struct(below)
            kind = Union[inner, list[inner], None]  # type: ignore[valid-type] # noqa: UP007
        fields.append((f"f{number}", kind, UNSET))
    rename = {f"f{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Spots", fields, rename=rename, gc=False)


def spliced(record: bytes, changes: Sequence[Change], added: bytes = b"") -> bytes:
    """`record`, an object, with `changes` of values that were found in it, and `added` entries at its end.

    Raises `msgspec.DecodeError` where a value is no view of the record.
    """
    pieces: list[bytes] = []
    at = 0
    if changes:
        begin = _view(record).address
        places = []
        for found, made in changes:
            view = _view(found)
            places.append((view.address - begin, view.size, made))
        if len(places) > 1:
            places.sort()
        for start, size, made in places:
            if not at <= start < len(record):
                raise msgspec.DecodeError("expected values of this record")
            pieces += (record[at:start], made)
            at = start + size
    if not added:
        pieces.append(record[at:])
    elif record[-1] == _CLOSED and record[-2] > _SPACE and record[-2] != _OPENED:
        pieces += (record[at:-1], b",", added, b"}")
    else:
        rest = record[at:].rstrip()[:-1].rstrip()
        pieces += (rest, b"" if rest == b"{" else b",", added, b"}")
    return b"".join(pieces)
