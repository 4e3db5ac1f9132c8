"""Answers as Mailgun words them: JSON, its many errors, and the texts that are no JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "FORBIDDEN",
    "HTML_NOT_FOUND",
    "NO_PATH",
    "ROOT",
    "RefusedError",
    "as_json",
    "bad",
    "denied",
    "dumped",
    "listed",
    "missing",
]

#: 401: nine bytes of text.
FORBIDDEN: Final = Reply(
    401, b"Forbidden", "text/plain; charset=utf-8", (("WWW-Authenticate", 'Basic realm="MG API"'),)
)
#: An address that no endpoint has, as Go's own router says it.
NO_PATH: Final = Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")
#: An endpoint with a trailing slash.
HTML_NOT_FOUND: Final = Reply(
    404,
    b"<!DOCTYPE HTML PUBLIC><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>",
    "text/html; charset=utf-8",
)
#: What the root answers, with status 200.
ROOT: Final = Reply(200, b"Mailgun Magnificent API", "text/plain; charset=utf-8")


class RefusedError(Exception):
    """Raised anywhere in a service, answered with `reply`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body!r}")
        self.reply = reply


def dumped(value: object) -> bytes:
    """Compact JSON, non-ASCII as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def as_json(value: Mapping[str, Any], status: int = 200, **place: Any) -> Reply:
    """A JSON answer; `place` is where the ledger and faults find it (`resource`, `page`, `rows`, `key`)."""
    return Reply(status, dumped(value), **place)


def listed(key: str, bodies: Iterable[bytes], rest: bytes, **place: Any) -> Reply:
    """A page whose rows are JSON text already, under `key` before the `rest` of the envelope, an object too."""
    more = rest[1:-1]
    body = b'{"%s":[%s]%s%s}' % (key.encode(), b",".join(bodies), b"," if more else b"", more)
    return Reply(body=body, key=key, **place)


def bad(text: str) -> RefusedError:
    """400."""
    return RefusedError(as_json({"message": text}, 400))


def missing(text: str = "Not Found") -> RefusedError:
    """404."""
    return RefusedError(as_json({"message": text}, 404))


def denied(status: int, domain: str = "") -> RefusedError:
    """Refuse a call that this key may not make, or a domain that cannot be read, with the body usual for the status."""
    texts = {400: "Domain is disabled or not verified", 403: "Forbidden", 404: f"Domain not found: {domain}"}
    if status == 401:
        return RefusedError(FORBIDDEN)
    return RefusedError(as_json({"message": texts.get(status, "Forbidden")}, status))
