"""Where a walker stands among others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.engine.rows import Errand
    from headrace.engine.walker import Walker


class Line(Protocol):
    """What a walker tells of itself, and asks."""

    def place_of(self, walker: Walker) -> int:
        """How many come before it; no more are counted than there are slots."""
        ...

    def pause(self) -> None:
        """A walker waits for room, and needs no slot."""
        ...

    def resume(self) -> None:
        """It has room again."""
        ...

    def part(self, walker: Walker, rest: Errand) -> None:
        """The window of `walker` has become shorter by `rest`."""
        ...

    def stir(self) -> None:
        """More is known of a window."""
        ...

    def end(self, walker: Walker) -> None:
        """It has nothing more to ask."""
        ...
