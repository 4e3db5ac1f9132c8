"""One region's host: whose call it is, whether it may be made, and the endpoint's answer or its refusal."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from headrace.sim.mailgun.call import Call
from headrace.sim.mailgun.replies import FORBIDDEN, HTML_NOT_FOUND, NO_PATH, ROOT, RefusedError, denied
from headrace.sim.mailgun.routes import find
from headrace.sim.mailgun.world import ACCOUNT_ID
from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sim.mailgun.account import Account, Region
    from headrace.sim.mailgun.doubts import Doubts
    from headrace.sim.mailgun.limits import Gate
    from headrace.sim.mailgun.routes import Found
    from headrace.sim.mailgun.world import Key, Role, World
    from headrace.sim.message import Request

__all__ = ["DENIED", "Service"]

#: What a role may not read. Source: Mailgun's API, authentication.
DENIED: Final[Mapping[Role, frozenset[str]]] = {
    "admin": frozenset(),
    "developer": frozenset(),
    "support": frozenset(),
    "basic": frozenset({"suppressions"}),
    "sending": frozenset(),
}
_WRONG_METHOD: Final = Reply(405, b"Method Not Allowed", "text/plain; charset=utf-8")
_METHODS: Final = ("GET", "POST")


class Service:
    """A pure function `Request -> Reply` over the world; `us_origin` is known once the servers run."""

    def __init__(
        self,
        world: World,
        doubts: Doubts,
        region: Region,
        gate: Gate | None,
        us_origin: Callable[[], str],
        before: Callable[[Request], object] | None = None,
    ) -> None:
        self._world = world
        self._doubts = doubts
        self._region = region
        self._gate = gate
        self._us_origin = us_origin
        self._before = before

    def __call__(self, request: Request) -> Reply:
        """Answer; the world stands still meanwhile."""
        with self._world.clock.lock:
            if self._before is not None:
                self._before(request)
            try:
                return self._answer(request)
            except RefusedError as refused:
                return refused.reply

    def _answer(self, request: Request) -> Reply:
        path = urlsplit(request.target).path
        if path in {"", "/"}:
            return ROOT
        found = find(request.method, path)
        if found is None:
            if any(find(method, path) for method in _METHODS):
                return _WRONG_METHOD
            return HTML_NOT_FOUND if path.endswith("/") and find("GET", path.rstrip("/")) else NO_PATH
        key = self._key(request)
        if key is None:
            return FORBIDDEN
        self._admit(key, found)
        account = self._account(request, key)
        call = Call(request, found.parts, self._world, self._doubts, account, key, self._origin(request), path)

        def answer() -> Reply:
            try:
                reply = found.route.answer(call)
            except RefusedError as refused:
                reply = refused.reply
            return replace(reply, headers=(("X-Mailgun-Key-Id", key.id), *reply.headers))

        return answer() if self._gate is None else self._gate.pass_on(found.route.group, account.id, answer)

    def _key(self, request: Request) -> Key | None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return None
        key = self._world.find_key(secret) if kind.lower() == "basic" and user == "api" else None
        return key if key is not None and self._region in key.regions else None

    def _admit(self, key: Key, found: Found) -> None:
        doubts, group = self._doubts, found.route.group
        if key.role == "sending":
            raise denied(doubts.sending_key)
        if key.kind == "domain" and found.parts.get("domain") != key.domain:
            raise denied(doubts.domain_key)
        analyst = key.role == "basic"
        posts = analyst and found.route.method == "POST" and not doubts.analyst_posts
        events = analyst and group == "events" and not doubts.analyst_reads_events
        if group in DENIED[key.role] or posts or events:
            raise denied(403)

    def _account(self, request: Request, key: Key) -> Account:
        wanted = request.headers.get("x-mailgun-on-behalf-of")
        if wanted and wanted != key.account_id:
            row = self._world.subaccounts.get(wanted)
            if key.account_id != ACCOUNT_ID or row is None or row["status"] != "open":
                raise denied(self._doubts.unknown_subaccount)
        account = self._world.account(self._region, wanted or key.account_id)
        if account is None:
            raise denied(self._doubts.unknown_subaccount)
        return account

    def _origin(self, request: Request) -> str:
        if self._region == "eu" and self._doubts.eu_links == "us":
            return self._us_origin()
        return f"http://{request.headers.get('host', 'localhost')}"
