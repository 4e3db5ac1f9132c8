"""The chain: the layers of the transport, and the object that the engine holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from headrace.clock import Clock, RealClock
from headrace.errors import RefusedError
from headrace.message import Request, Response
from headrace.transport.attempt import Skipped
from headrace.transport.credentials import Credentials, signed
from headrace.transport.limits import Gates, gated
from headrace.transport.redirect import redirected
from headrace.transport.retry import Retry
from headrace.transport.send import Sender
from headrace.transport.trace import Trace, Tracer, ignore

if TYPE_CHECKING:
    from typing_extensions import Self

    from headrace.plan.model import Action, Auth, Limits, RetryPolicy
    from headrace.transport.address import Origin

T = TypeVar("T")


class Transport:
    """Requests out, whole answers in; an async context manager, one per resource run.

    `origins` are the (scheme, host, port) that may be asked. `gates` holds the slots, the rests and the pace of the
    hosts, `credentials` the tokens: give the transports of one run the same, None makes new ones by `limits`.
    `send` takes the place of our own sending; see `Sender.send` for what it owes. `observe` is told of each
    attempt. `hints` say what to try by the status of a refusal, in place of the usual words.
    """

    def __init__(  # noqa: PLR0913 - the seams of the room, all named
        self,
        *,
        retry: RetryPolicy,
        limits: Limits,
        origins: frozenset[Origin],
        clock: Clock | None = None,
        observe: Callable[[Trace], None] = ignore,
        gates: Gates | None = None,
        credentials: Credentials | None = None,
        send: Callable[[Request], Awaitable[Response]] | None = None,
        hints: Mapping[int, str] | None = None,
    ) -> None:
        self._hints = hints or {}
        clock = clock or RealClock()
        gates = gates or Gates(limits)
        credentials = credentials or Credentials()
        self._sender = None
        if send is None:
            self._sender = Sender(limits)
            send = self._sender.send
        # The layers, outside in, and why in this order:
        #   retry       each attempt passes all layers below it anew, and its sleep holds nothing of theirs
        #   actions     part of retry: each whole answer, and what they make of it is judged and read
        #   trace       sees every attempt, and never the credentials that auth adds
        #   redirect    each hop passes the gate of its own host and is signed for it
        #   rate limit  nobody waits for a host's rest while holding a slot
        #   slot        counts what is really in flight, signing and reading included
        #   auth        as late as possible: nothing outside holds a credential, a new one counts from the next attempt
        #   send        the wire
        self._retry = Retry(
            Tracer(observe, clock),
            redirected(
                # rate limit and slot are one layer, see limits.py
                gated(
                    signed(send, origins, credentials, retry, clock),
                    gates,
                    retry,
                    clock,
                ),
                origins,
            ),
            retry,
            clock,
        )

    async def __aenter__(self) -> Self:
        if self._sender is not None:
            await self._sender.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sender is not None:
            await self._sender.__aexit__(kind, error, trace)

    async def fetch(
        self, request: Request, auth: Auth | None, read: Callable[[Response], T], actions: Sequence[Action] = ()
    ) -> T:
        """What `read` makes of the answer to `request`, asked for again while that is worth it.

        `actions` see each whole answer first, whatever its status, and may change it; their functions run in the event
        loop. `read` gets successful, whole answers only (204 and empty ones included). It may raise an `AnswerError`;
        its `retries` says how often at most asking again is worth it.

        Raises `Ignored` when an action says that the call ends here, `Skipped` when one gives it up, and what an
        action or `read` raises; `RefusedError` when the API refuses, `TransportError` when no whole answer comes, a
        page is beyond the limit or an address leads outside the origins.
        """
        try:
            return await self._retry.fetch(request, auth, read, actions)
        except RefusedError as error:
            self._advise(error)
            raise
        except Skipped as skipped:
            self._advise(skipped.error)
            raise

    def _advise(self, error: RefusedError) -> None:
        error.hint = self._hints.get(error.status, error.hint)
