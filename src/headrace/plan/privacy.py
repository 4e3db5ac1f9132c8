"""What becomes of fields that others must not read: `Privacy`, made from the configuration by `fates.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, Union

from headrace.jsonpath import JsonPath
from headrace.secrets import Secret

Fate = Literal["hash", "drop"]
#: By key: what becomes of the field, or of the fields in it. `ANY_KEY` counts for keys that are not named.
Fates: TypeAlias = Mapping[str, Union[Fate, "Fates"]]

ANY_KEY: Final = "*"


@dataclass(frozen=True)
class Privacy:
    """What becomes of fields of one resource: their paths as declared, all as one tree, and the key of the hash.

    Without a `key` nothing that lasts may hold a hash. `discreet`: rows are about persons, and so may links be.
    `secret` are those of the dropped paths that no setting keeps.
    """

    dropped: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    fates: Fates = field(default_factory=dict)
    key: Secret | None = None
    discreet: bool = False

    def hides(self, path: JsonPath) -> bool:
        """Whether the value at `path` may not be, or not all be, what the API sent."""
        return bool(self.fates) and (path.steps is None or _meets(self.fates, path.steps))

    def drops(self, key: str) -> bool:
        """Whether no row has the top-level `key`."""
        return self.fates.get(key, self.fates.get(ANY_KEY)) == "drop"


def _meets(fates: Fates, steps: Sequence[str | int]) -> bool:
    """Whether a path leads to, into or above a field that is hidden."""
    keys = [step for step in steps if isinstance(step, str)]
    if not keys:
        return True
    each = fates.get(keys[0], fates.get(ANY_KEY))
    return isinstance(each, str) or (each is not None and _meets(each, keys[1:]))
