"""Calls that are given up, so that one bad account does not stop the others: the configuration says so, or a row does.

Of calls that rows of a parent lead to some may be refused: the row was deleted meanwhile, or is closed to this key.
That is skipped without being declared, while others are answered. Where none is, or many in turn are refused, the
reason is not in the rows, and it is the error that it would be anywhere else.

A skipped call is not done, and everybody who counts on it being done is told: its watermark stays, its windows are not
settled, the report names it, and where rows that do not come are taken for gone it is no skip but an error. Rows that
came before the refusal are kept: they are true, and a merge puts them where the next run finds them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.errors import RefusedError
from headrace.plan import Call, ResourcePlan
from headrace.secrets import mask
from headrace.transport import Skipped

#: So many calls that are refused in turn have a reason in common.
MANY: Final = 20


@dataclass(frozen=True)
class Skip:
    """A call that was not done: `params` tell it from the others of its resource, by the names of placeholders.

    `status` is HTTP's and `words` what the API said to it (masked, cut); `rows` came before, and are kept. `key` is
    the call's, `hint` what to try.
    """

    params: Mapping[str, Any]
    status: int
    words: str
    rows: int
    key: str = field(repr=False)
    hint: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{params}: {self.status} {self.words}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """The facts as plain data."""
        return {"params": dict(self.params), "status": self.status, "words": self.words, "rows": self.rows}


@dataclass(frozen=True)
class Unskippable:
    """Why calls of a resource must not be skipped: `always`, or `after_rows` that came; None where they may.

    `hint` says what to try instead.
    """

    always: str | None = None
    after_rows: str | None = None
    hint: str | None = None


class Refusals:
    """The calls of a resource, in their order, as far as they are skipped without being declared."""

    def __init__(self) -> None:
        self._answered = False
        self._first: RefusedError | None = None
        self._in_turn = 0

    def answered(self) -> None:
        """A call came to its end."""
        self._answered, self._in_turn = True, 0

    def refused(self, skipped: Skipped) -> None:
        """A call is skipped. Raises `RefusedError` where that is too much."""
        if not skipped.by_default:
            self.answered()  # what is skipped as declared is in order
            return
        error = skipped.error
        self._first = self._first or error
        self._in_turn += 1
        if self._in_turn >= MANY:
            message = f"{error.message}, as were the {self._in_turn - 1} calls before it"
            raise RefusedError(message, status=error.status, where=error.where, hint=error.hint)

    def end(self) -> None:
        """There are no more calls. Raises `RefusedError` where none was answered."""
        if self._first is not None and not self._answered:
            raise self._first


def skip_of(resource: ResourcePlan, call: Call, skipped: Skipped, rows: int, unskippable: Unskippable) -> Skip:
    """The record of a skipped call of which `rows` came. Raises `RefusedError` where it must not be skipped."""
    error = skipped.error
    if not resource.makes_calls:
        raise error
    if skipped.by_default and (unskippable.always or (rows and unskippable.after_rows)):
        raise error  # nobody asked for it
    reason = unskippable.always or (unskippable.after_rows if rows else None)
    if reason is not None:
        message = f"{error.message}; the call cannot be skipped, because {reason}"
        raise RefusedError(message, status=error.status, where=error.where, hint=unskippable.hint or error.hint)
    params = {name: mask(value) if isinstance(value, str) else value for name, value in json.loads(call.key).items()}
    return Skip(params, error.status, skipped.words, rows, call.key, error.hint)
