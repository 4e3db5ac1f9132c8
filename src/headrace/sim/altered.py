"""Replies made of the true one: another body at the same place, without its rows or with them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["edited", "gzipped", "half", "other", "rewritten"]


def half(data: bytes) -> bytes:
    """The first half."""
    return data[: len(data) // 2]


def other(
    reply: Reply,
    body: bytes,
    status: int = 200,
    content_type: str = "application/json",
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """Another answer at the same place, without any rows."""
    return Reply(status, body, content_type, headers, resource=reply.resource, page=reply.page, key=reply.key)


def edited(reply: Reply, edit: Callable[[dict[str, Any], str], object]) -> Reply:
    """The same page with its list tampered with: it counts as a page without rows."""
    return other(reply, rewritten(reply, edit).body)


def rewritten(reply: Reply, edit: Callable[[dict[str, Any], str], object]) -> Reply:
    """The same page with something beside its rows changed: `edit` gets the page and the name of its list."""
    page = json.loads(reply.body)
    edit(page, reply.key or "data")
    return replace(reply, body=json.dumps(page, ensure_ascii=False).encode(), gzipped=None)


def gzipped(reply: Reply, data: bytes) -> Reply:
    """A body that says it is gzip."""
    return other(reply, data, headers=(("Content-Encoding", "gzip"),))
