"""How many requests may be under way at one host: the declared number, and fewer where that is too many.

Some servers, and proxies before them, take a few connections only and refuse or reset the others. The requests behind
them are tried again, but who stays above that number has a part of all requests fail for ever. So the slots are halved
where at least an eighth of the requests ended so while others were answered, and one is given back whenever so many
were answered that it is worth a try. Where that one was too many it is taken away again, and the next try comes later
by half as much again. A host that answers nobody is down, and has as many slots as before when it is back.

A slow link is shared by all answers on it, so that of eight none may end in time where each would alone. Answers that
began and were too late count like connections that broke off, also where nobody was answered: the host is not down.
"""

from __future__ import annotations

from typing import Final

from headrace.transport.pace import Passage

#: A cut needs so many broken connections since the last change, and at least this share of all.
_SOME: Final = 2
_SHARE: Final = 1 / 8
#: The share is that of about so many requests; those before count less and less.
_LOOKED_AT: Final = 64
#: Answers before one slot more is tried, at first and at most; and how much longer it is waited after a wrong try.
_PATIENCE: Final = 32
_MOST_PATIENCE: Final = 4096
_LONGER: Final = 1.5


class Slots:
    """The number of slots, `now`, from 1 to `most`."""

    def __init__(self, most: int) -> None:
        self.now = most
        self._most = most
        self._patience: float = _PATIENCE
        self._changed = float("-inf")
        self._since = 0
        self._answered = self._broken = 0.0
        self._tries = False

    def answered(self, passage: Passage, moment: float) -> None:
        """A request was answered, whatever the answer says."""
        if passage.sent < self._changed:
            return
        self._since += 1
        self._count(answered=1)
        if self.now < self._most and self._since >= self._patience:
            self._change(self.now + 1, moment)
            self._tries = True

    def broken(self, passage: Passage, under_way: int, moment: float, *, unfinished: bool = False) -> None:
        """The connection of a request was refused or broken off; it was one of so many that were `under_way`.

        Or its answer began and did not end in time: `unfinished`.
        """
        if passage.sent <= self._changed or (unfinished and under_way == 1):
            return
        self._count(broken=1)
        if not (self._since or unfinished) or self._broken < max(_SOME, _SHARE * (self._answered + self._broken)):
            return
        if self._tries:
            self._patience = min(self._patience * _LONGER, _MOST_PATIENCE)
            self._change(max(self.now - 1, 1), moment)
        else:
            self._change(max(min(self.now, under_way) // 2, 1), moment)

    def _count(self, answered: int = 0, broken: int = 0) -> None:
        self._answered += answered
        self._broken += broken
        if self._answered + self._broken > _LOOKED_AT:
            self._answered /= 2
            self._broken /= 2

    def _change(self, to: int, moment: float) -> None:
        self.now, self._changed = to, moment
        self._answered = self._broken = 0.0
        self._since = 0
        self._tries = False
