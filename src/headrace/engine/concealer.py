"""Privacy at work on the rows of one resource, and what its dependents are told in spite of it.

A dependent needs the plain value of a field for its request. Where the rows stay what came, it is read from the record
beside the row. Where functions made rows of them, a hash that is found in a row is known by `aliases`; a field that was
dropped is gone then.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TypeAlias

from headrace.decode import KeyedHash, Odd, conceal, to_rows
from headrace.jsonpath import MISSING
from headrace.plan import ResourcePlan

#: Hashes -> the values that they stand for. Memory only.
Aliases: TypeAlias = MutableMapping[str, Any]
#: What a dependent takes of a record and nobody else may see: by path the value and its hash.
Known: TypeAlias = Mapping[str, tuple[Any, str]]


class Concealer:
    """Hides fields of the rows of `resource`; hashes that dependents may meet go to `aliases`."""

    def __init__(self, resource: ResourcePlan, aliases: Aliases) -> None:
        privacy = resource.privacy
        self._fates = privacy.fates
        self._hash = KeyedHash(privacy.key.reveal() if privacy.key else None)
        self._paths = [path for path in resource.exports.fields if privacy.hides(path)]
        self._aliases = aliases

    def hide(self, records: Sequence[bytes], odd: Odd) -> Sequence[bytes]:
        """The records as they may be stored; what is lost on the way is counted in `odd`."""
        return conceal(records, self._fates, self._hash, odd) if self._fates else records

    def known(self, records: Sequence[bytes]) -> Sequence[Known]:
        """What is `Known` of each record."""
        if not self._paths:
            return [{}] * len(records)
        found = [self._known(row) for row in to_rows(records)]
        for fields in found:
            self._aliases.update((alias, value) for value, alias in fields.values())
        return found

    def _known(self, row: Any) -> Known:
        values = {path.text: path.first(row) for path in self._paths}
        return {
            text: (value, alias)
            for text, value in values.items()
            if value is not MISSING and isinstance(alias := self._hash.value(value), str)
        }
