"""The pipe of a resource: when its rows go through it as tables, when as dictionaries, and how tables leave it.

A run that loads hands its rows over as Arrow tables: the resource gives one awaitable, dlt's event loop runs it, and
what comes of it (`Fetched`) passes the pipe to `LoadTables`, the last step of ours. Dictionaries, a page at a time, go
through the pipe instead where somebody else takes the rows: a step that was added to the resource (`add_map`,
`add_limit`, a validator), a transformer that is none of ours, hints that are functions of a row, a destination that
loads JSON, or nobody who loads (plain iteration). The tables are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.extract.incremental import IncrementalResourceWrapper
from dlt.extract.items import ResolvablePipeItem
from dlt.extract.items_transform import ItemTransform
from dlt.extract.pipe import ForkPipe, Pipe

from headrace.bridge.format import dlt_adds_columns, takes_columns
from headrace.bridge.load import load_tables

if TYPE_CHECKING:
    from headrace.bridge.run import ResourceRun


class Fetched(list[Any]):
    """A finished run on its way through a pipe: an empty list, which dlt's incremental step lets pass."""

    def __init__(self, run: ResourceRun) -> None:
        super().__init__()
        self.run = run


class LoadTables(ItemTransform[Any, Any]):  # type: ignore[misc]  # dlt is untyped here
    """The last step of a resource's pipe: a finished run becomes Arrow tables; other items pass."""

    #: After the user's steps (0), dlt's validator, incremental and limit (1.1), before a fork to transformers (2).
    placement_affinity = 1.5

    def __init__(self, *, filters: bool = False) -> None:
        super().__init__(lambda item: item)
        #: Whether the incremental step of this pipe is the configuration's own, which the engine can do.
        self.filters = filters
        self._pipe: Pipe | None = None
        self._turn: _Turn | None = None

    def bind(self, pipe: Any) -> LoadTables:
        """A step for one evaluation of the pipe."""
        bound = LoadTables(filters=self.filters)
        bound._pipe = pipe
        return bound

    def __call__(self, item: Any, meta: Any = None) -> Any:  # noqa: ARG002 - dlt looks for the name
        if not isinstance(item, Fetched) or self._pipe is None:
            return item
        return _handed_on(item, self._pipe)

    def in_turn(self, pages: Iterator[Any]) -> Iterator[Any]:
        """`pages` of one item after those of the item before: dlt would mix them as they come."""
        before, self._turn = self._turn, _Turn()
        return _waiting(before, pages, self._turn)


class _Turn:
    """Whether the pages of one item are through."""

    ended = False


def _waiting(before: _Turn | None, pages: Iterator[Any], turn: _Turn) -> Iterator[Any]:
    try:
        while before is not None and not before.ended:
            yield None
        yield from pages
    finally:
        turn.ended = True


def _handed_on(fetched: Fetched, pipe: Pipe) -> Iterator[Any]:
    """The run to the dependents, and its tables to the end of the pipe, past dlt's own fork."""
    fork = _fork(pipe)
    if fork is None:
        yield from load_tables(fetched.run)
        return
    for child, step in fork._pipes:  # noqa: SLF001 - dlt has no public view of a fork
        if child is not pipe:
            yield ResolvablePipeItem(fetched, step, child, None)
    if fetched.run.stores:
        for table in load_tables(fetched.run):
            yield table and ResolvablePipeItem(table.data, len(pipe) - 1, pipe, table.meta)


def load_step(pipe: Pipe) -> LoadTables:
    """The step of ours in an evaluated pipe; of pipes joined to one, the last."""
    return next(step for step in reversed(pipe.steps) if isinstance(step, LoadTables))


def loads_columns(pipe: Pipe, hints: Any) -> bool:
    """Whether this run loads, and nobody but our own steps takes the rows of `pipe`."""
    hints = hints or {}
    if LoadPackageStateInjectableContext not in Container() or any(map(callable, hints.values())):
        return False
    if not takes_columns(hints.get("file_format"), Container()[DestinationCapabilitiesContext]) or dlt_adds_columns():
        return False
    if any(map(_has_key, (hints.get("nested_hints") or {}).values())):
        return False
    ours = load_step(pipe)
    return all(step in (pipe.gen, ours) or _leaves_rows(step, ours) for step in pipe.steps)


def _leaves_rows(step: Any, ours: LoadTables) -> bool:
    """Whether a step of dlt's does nothing to rows that the engine does not do."""
    if isinstance(step, IncrementalResourceWrapper):
        return step.incremental is None or ours.filters
    return isinstance(step, ForkPipe) and all(_is_ours(child) for child, _ in step._pipes)  # noqa: SLF001


def _has_key(nested: Mapping[str, Any]) -> bool:
    """Whether hints of a child table give it a key: dlt then makes it a table of its own, whose rows have no parent."""
    columns = nested.get("columns") or {}
    facts = columns.values() if isinstance(columns, Mapping) else columns
    return any(of.get(key) for of in (nested, *facts) for key in ("primary_key", "merge_key"))


def stores(pipe: Pipe) -> bool:
    """Whether the rows of `pipe` are wanted in tables of their own; a parent may run for its dependents alone."""
    fork = _fork(pipe)
    return fork is None or fork.has_pipe(pipe)


def _fork(pipe: Pipe) -> ForkPipe | None:
    return pipe.tail if isinstance(pipe.tail, ForkPipe) else None


def _is_ours(pipe: Pipe) -> bool:
    return any(isinstance(step, LoadTables) for step in pipe.steps)
