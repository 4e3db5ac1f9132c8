"""Trace: what happened at each attempt, for logs, progress and tests.

It stands outside auth and therefore never sees a credential; what the server echoes is masked by value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from headrace.clock import Clock
from headrace.message import Request, Response
from headrace.secrets import mask
from headrace.transport.address import shown

_FIRST_ERROR_STATUS: Final = 400


@dataclass(frozen=True)
class Trace:
    """One attempt, told when it has ended; texts are masked.

    `attempt` counts from 1. `status` is None when no answer came, `error` None when the attempt gave its value.
    `duration_s` includes the wait at the host's gate; `body_bytes` is the decompressed body. `wait_s` is the wait
    before the next attempt, None when there is none.
    """

    resource: str
    method: str
    url: str
    attempt: int
    status: int | None
    error: str | None
    duration_s: float
    body_bytes: int
    wait_s: float | None

    @property
    def cause(self) -> str:
        """Why it gave no value, in a word or two: a status, `broken answer`, `no answer`; empty when it did."""
        if self.error is None:
            return ""
        if self.status is None:
            return "no answer"
        return "broken answer" if self.status < _FIRST_ERROR_STATUS else str(self.status)


def ignore(trace: Trace) -> None:
    """Take no notice."""


class Note:
    """What becomes known of an attempt while it runs."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.body_bytes = 0
        # what stands here when the block is left without a word: nothing but a cancellation does that
        self.error: str | None = "cancelled"
        self.wait_s: float | None = None

    def answered(self, response: Response) -> None:
        """A whole answer came."""
        self.status = response.status
        self.body_bytes = len(response.body)

    def succeeded(self) -> None:
        """It gave its value."""
        self.error = None

    def failed(self, error: Exception, wait_s: float | None) -> None:
        """It gave no value; the next attempt follows after `wait_s`."""
        self.error = str(error) or type(error).__name__
        self.wait_s = wait_s


class Tracer:
    """Tells `observe` of attempts."""

    def __init__(self, observe: Callable[[Trace], None], clock: Clock) -> None:
        self._observe = observe
        self._clock = clock

    @contextmanager
    def attempt(self, request: Request, number: int) -> Iterator[Note]:
        """Watch one attempt; it is told when the block is left, a cancelled one too."""
        note = Note()
        begin = self._clock.now()
        try:
            yield note
        finally:
            self._observe(
                Trace(
                    resource=request.resource,
                    method=request.method,
                    url=mask(shown(request).partition(" ")[2]),
                    attempt=number,
                    status=note.status,
                    error=mask(note.error) if note.error is not None else None,
                    duration_s=self._clock.now() - begin,
                    body_bytes=note.body_bytes,
                    wait_s=note.wait_s,
                )
            )
