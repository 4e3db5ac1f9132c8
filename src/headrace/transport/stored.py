"""Credentials that a secret store has, which may be changed there while a run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace.message import Request, Response
from headrace.secrets import Secret
from headrace.transport.auth import sign

if TYPE_CHECKING:
    from headrace.plan.model import Auth

#: The value of a secret by its name, as its store has it now. May block, and may raise anything.
LookUp = Callable[[str], str]


def is_stored(auth: Auth) -> bool:
    """Whether a secret of `auth` has a name in a store."""
    return any(isinstance(value, Secret) and value.name is not None for value in auth.fields.values())


class StoredKeeper:
    """Signs with what the store had; after a 401 it is read once more, and again only behind one that was new.

    So a key that is changed in mid run is taken over, and one that is refused for good is not asked for with each
    request. Requests that are refused side by side share one reading.
    """

    def __init__(self, auth: Auth, *_: object, look_up: LookUp) -> None:
        self._auth = auth
        self._look_up = look_up
        self._known = [auth]
        self._is_last = False
        self._turn = asyncio.Lock()

    async def sign(self, request: Request, send: Callable[[Request], Awaitable[Response]]) -> Request:
        """The request with the newest credentials that are known."""
        del send
        return sign(request, self._auth)

    async def renews(self, signed: Request) -> bool:
        """Whether there are other credentials by now than those that were refused."""
        async with self._turn:
            if sign(signed, self._auth) != signed:
                return True  # another one was refused before, and brought them
            if self._is_last:
                return False
            found = await asyncio.to_thread(self._read)
            self._is_last = found in self._known
            if self._is_last:
                return False
            self._known.append(found)
            self._auth = found
            return True

    def _read(self) -> Auth:
        try:
            return replace(self._auth, fields={name: self._now(value) for name, value in self._auth.fields.items()})
        except Exception:  # noqa: BLE001 - whatever a store raises, the refusal says what is wrong
            return self._auth

    def _now(self, value: object) -> object:
        if isinstance(value, Secret) and value.name is not None:
            return Secret(self._look_up(value.name), value.name)
        return value
