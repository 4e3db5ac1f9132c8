"""The calls of a resource in one run, and which of them were listed to a positive end.

A call that fails ends the run, and one that is skipped ends without a word; so a call counts as complete only when
somebody says so. A row belongs to a call by the columns that the call gives to its rows: see `absence.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from headrace.engine.absence import Asked, Scope
from headrace.errors import AnswerError

if TYPE_CHECKING:
    from headrace.engine.rows import Errand
    from headrace.plan import Deletions, ResourcePlan


class Roll:
    """The calls of `resource`, whose `deletions` are declared; `above` are those of its parent where these are too."""

    def __init__(self, resource: ResourcePlan, deletions: Deletions, above: Roll | None = None) -> None:
        self._resource = resource
        self._deletions = deletions
        self._above = above
        self._scopes: list[Scope] = []
        self._whole: set[int] = set()

    def taken(self, errands: Iterable[Errand]) -> Iterator[Errand]:
        """`errands` as they are made, each of which tells when its listing is complete."""
        for errand in errands:
            values = {**errand.call.values, **errand.call.kept}
            self._scopes.append(self._scope(values, (*self._deletions.fixed, *self._deletions.kept)))
            yield replace(errand, whole=partial(self._whole.add, len(self._scopes) - 1))

    @property
    def broken(self) -> int:
        """How many calls did not end completely."""
        return len(self._scopes) - len(self._whole)

    @property
    def made(self) -> int:
        """How many calls there were."""
        return len(self._scopes)

    @property
    def lists_all(self) -> bool:
        """Whether what was listed is all that there is, for all parents and whatever the parameters of the source."""
        is_free = not self._resource.template.endpoint.parameters
        return is_free and not self.broken and (not self._resource.parents or self._knows_parents)

    @property
    def _knows_parents(self) -> bool:
        return self._above is not None and self._above.lists_all

    def asked(self) -> Asked:
        """The calls as the decision wants them, when all have ended."""
        plan, template = self._deletions, self._resource.template
        ends = [(scope, number in self._whole) for number, scope in enumerate(self._scopes)]
        return Asked(
            whole=frozenset(scope for scope, is_whole in ends if is_whole),
            broken=frozenset(scope for scope, is_whole in ends if not is_whole),
            about=frozenset(self._scope({**template.constants, **chosen}, plan.fixed) for chosen in template.choices),
            after=plan.after,
            orphans_after=plan.orphans_after if self._knows_parents else None,
        )

    def _scope(self, values: Mapping[str, Any], names: Iterable[str]) -> Scope:
        return tuple(self._text(values[name], name) for name in names)

    def _text(self, value: Any, name: str) -> str | None:
        """A value as the text that the destination's value of it has; whole numbers and texts alone have one."""
        if value is None or type(value) is str:
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        raise AnswerError(
            f"expected text or a whole number in `{name}`, which tells the rows of one call from those of others, got "
            f"a value of type `{type(value).__name__}`",
            where=f"resource `{self._resource.name}`",
            hint="take another field, or leave out `deletions`",
        )
