"""Answers other than the wanted one, each with the body that its kind has (Short.io's API, error answers).

The service is a Fastify application, so what fails its schema or its router looks like Fastify's own errors; what its
handlers refuse is `{"error": ...}`. Where no body was ever quoted, the nearest of these is used.
"""

from __future__ import annotations

import json
from typing import Any

from headrace.sim.message import Reply, Request

__all__ = ["Refused", "broken", "dead_host", "denied", "invalid", "no_route", "not_found", "refused", "unauthorized"]

_DEAD_PAGE = (
    "<!DOCTYPE html><html><head><title>Domain not found</title></head>"
    "<body><h1>Domain not found</h1><p>This domain is not configured.</p></body></html>"
)


class Refused(Exception):  # noqa: N818 - not an error of ours but an answer
    """Raised by a handler: `reply` is what the client gets."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refused(status: int, **body: Any) -> Refused:
    """Any status with a JSON body."""
    return Refused(Reply(status, json.dumps(body).encode()))


def invalid(message: str, code: str = "FST_ERR_VALIDATION") -> Refused:
    """400 as of a failed schema: the detail is in `message`, `error` is only the phrase."""
    return refused(400, statusCode=400, code=code, error="Bad Request", message=message)


def unauthorized() -> Refused:
    """401: no key, an unknown one, or one behind a scheme word."""
    return refused(401, message="Unauthorized", statusCode=401)


def denied(**more: str) -> Refused:
    """403: the key is right, but not for this domain."""
    return refused(403, error="You do not have access to this domain", **more)


def not_found(what: str) -> Refused:
    """404 of a route that exists."""
    return refused(404, error=f"{what} not found")


def no_route(request: Request) -> Refused:
    """404 of a route that does not; Fastify knows no 405."""
    text = f"Route {request.method}:{request.target} not found"
    return refused(404, message=text, error="Not Found", statusCode=404)


def broken(message: str) -> Refused:
    """500."""
    return refused(500, statusCode=500, error="Internal Server Error", message=message)


def dead_host(request: Request) -> Reply:  # noqa: ARG001 - whatever was asked
    """Answer of the old statistics host: 404, and a page for people."""
    return Reply(404, _DEAD_PAGE.encode(), "text/html; charset=utf-8")
