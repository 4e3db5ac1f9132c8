"""What goes wrong at Mailgun now and then, as faults: refusals in all known wordings, texts and pages instead of JSON.

    Mailgun(world, faults=[mishap("retry_seconds", at=2, resource="events"), Fault("cut_body", at=1)])

Connections that drop, cut bodies and slow answers are the faults of every service (`headrace.sim.faults`).
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MISHAPS", "mishap"]

_TEXT: Final = "text/plain; charset=utf-8"
_LIMITED: Final = (
    "Domain d is not allowed to send: request limit exceeded, try again after Wed, 04 Mar 2026 00:00:10 UTC"
)
_RESET_S: Final = 1.0


def _reset(name: str) -> tuple[tuple[str, str], ...]:
    reset_ms = int((time.time() + _RESET_S) * 1000)
    return ((f"{name}-Limit", "300"), (f"{name}-Remaining", "0"), (f"{name}-Reset", str(reset_ms)))


#: Name: parameters of the fault `status`. Source: Mailgun's API, rate limits and error bodies.
MISHAPS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "retry_seconds": lambda: {"status": 429, "content": '{"retry-seconds": 60}'},
    "too_many": lambda: {"status": 429, "content": '{"message":"Too Many Requests"}'},
    "not_allowed": lambda: {"status": 429, "content": f'{{"message":"{_LIMITED}"}}'},
    "reset_ms": lambda: {"status": 429, "content": "", "headers": _reset("X-Request")},
    "reset_ms_old": lambda: {"status": 429, "content": "", "headers": _reset("X-RateLimit")},
    "wait_seconds": lambda: {"status": 429, "content": "", "retry_after": 1},
    "wait_until": lambda: {"status": 429, "content": "", "retry_after": timedelta(seconds=2)},
    "no_hint": lambda: {"status": 429, "content": "", "content_type": _TEXT},
    "420": lambda: {"status": 420, "content": f'{{"message":"{_LIMITED}"}}'},
    "500_text": lambda: {"status": 500, "content": "Internal Server Error", "content_type": _TEXT},
    "502_html": lambda: {"status": 502, "body": "html"},
    "503_html": lambda: {"status": 503, "body": "html"},
    "504_text": lambda: {"status": 504, "content": "upstream request timeout", "content_type": _TEXT},
    "404_text": lambda: {"status": 404, "content": "404 page not found\n", "content_type": _TEXT},
    "magnificent": lambda: {"status": 200, "content": "Mailgun Magnificent API", "content_type": _TEXT},
}


def mishap(name: str, at: int | None = 0, **where: Any) -> Fault:
    """A fault by its name here; `where` is as in `Fault`: `times`, `resource`, `by`.

    Raises:
        KeyError: no such mishap.
    """
    return Fault("status", at, **where, **MISHAPS[name]())
