"""Credentials: the last layer before the wire, and what the transports of a run share in it.

Most kinds of auth sign a request with what the configuration says (`auth.SIGNERS`). A keeper stands for an auth that
holds something between two requests: a token, or an object of somebody's own that must not be asked by two threads.
Keepers are found by the value of their auth, because each resource may bring an equal one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from headrace.clock import Clock
from headrace.errors import ConfigError, Problem
from headrace.message import Request, Response
from headrace.transport.address import Origin, check_origin, full_url
from headrace.transport.auth import sign
from headrace.transport.oauth import Send, TokenKeeper
from headrace.transport.stored import LookUp, StoredKeeper, is_stored

if TYPE_CHECKING:
    from headrace.plan.model import Auth, RetryPolicy

_UNAUTHORIZED: Final = 401


class Keeper(Protocol):
    """What signs the requests of one auth, for one event loop."""

    async def sign(self, request: Request, send: Send) -> Request:
        """The request with its credentials; `send` asks for them where they have to be fetched."""
        ...

    async def renews(self, signed: Request) -> bool:
        """Whether `signed`, refused with 401, is worth a second try with new credentials."""
        ...


class ObjectKeeper:
    """An auth object that somebody wrote: it may block, so it works in a thread, the same one each time."""

    def __init__(self, auth: Auth, policy: RetryPolicy, clock: Clock) -> None:
        del policy, clock
        if auth.sign is None:
            raise ConfigError([Problem(f"expected an auth of type {auth.kind!r} to bring its object, got none")])
        self._sign = auth.sign
        # the thread goes on with the name of the one that asks: dlt finds the context of a run by it
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{threading.current_thread().name}-auth")

    async def sign(self, request: Request, send: Send) -> Request:
        del send
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._sign, request)

    async def renews(self, signed: Request) -> bool:
        del signed
        return False


#: Kind of auth -> its keeper; for all other kinds see `auth.SIGNERS`.
KEEPERS: Final[Mapping[str, Callable[[Auth, RetryPolicy, Clock], Keeper]]] = {
    "oauth2_client_credentials": TokenKeeper,
    "custom": ObjectKeeper,
}


class Credentials:
    """The keepers of a run; share it among the transports of a run. It belongs to one event loop.

    `look_up` reads a secret by its name once more, where its store can be asked.
    """

    def __init__(self, look_up: LookUp | None = None) -> None:
        self._look_up = look_up
        self._keepers: list[tuple[Auth, Keeper]] = []

    def of(self, auth: Auth, policy: RetryPolicy, clock: Clock) -> Keeper | None:
        """The keeper of `auth`, None where it needs none."""
        make = KEEPERS.get(auth.kind) or self._of_a_store(auth)
        if make is None:
            return None
        # a run has few auths, and their fields cannot be hashed
        for known, keeper in self._keepers:
            if known == auth:
                return keeper
        keeper = make(auth, policy, clock)
        self._keepers.append((auth, keeper))
        return keeper

    def _of_a_store(self, auth: Auth) -> Callable[..., Keeper] | None:
        if self._look_up is None or not is_stored(auth):
            return None
        return partial(StoredKeeper, look_up=self._look_up)


def signed(
    send: Send, origins: frozenset[Origin], credentials: Credentials, policy: RetryPolicy, clock: Clock
) -> Callable[[Request, Auth | None], Awaitable[Response]]:
    """The layer: sends requests to `origins` only, with their credentials; the answer's `url` is without them."""

    async def send_signed(request: Request, auth: Auth | None) -> Response:
        check_origin(request, origins)
        keeper = credentials.of(auth, policy, clock) if auth is not None else None
        if keeper is None:
            response = await send(sign(request, auth))
        else:
            response = await send_kept(request, keeper)
        return replace(response, url=full_url(request))

    async def send_kept(request: Request, keeper: Keeper) -> Response:
        ready = await keeper.sign(request, send)
        check_origin(ready, origins)  # somebody's own code may have changed the address
        response = await send(ready)
        if response.status == _UNAUTHORIZED and await keeper.renews(ready):
            response = await send(await keeper.sign(request, send))
        return response

    return send_signed
