"""Objects and functions of dlt's or the user's own: taken over where they are known, and made parts of a plan.

What takes them over is imported for the first of them: a file holds none, and what it stands on (requests, our
transport, Arrow) is a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlt.extract import DltResource
from dlt.extract.incremental import Incremental
from dlt.extract.items_transform import FilterItem, MapItem, YieldMapItem

from headrace.config import Foreign
from headrace.plan import Auth

if TYPE_CHECKING:
    from headrace.message import Request, Response
    from headrace.paginate import Pager


def adopt(family: str, value: Any) -> Any:
    """What the configuration may hold in place of `value`; see `headrace.config.validate`."""
    return _FAMILIES[family](value)


class FromDlt:
    """Parts of a plan; `headrace.plan.build.Adapters`."""

    def pager(self, paginator: Any) -> Pager:
        """The pager that a paginator object leads."""
        from headrace.bridge.paging import ForeignPager

        return ForeignPager(paginator)

    def auth(self, auth: Any) -> Auth:
        """The credentials that an auth object adds."""
        from headrace.bridge.auth import foreign_signer

        return Auth("custom", {}, foreign_signer(auth))

    def action(self, function: Callable[..., Any]) -> Callable[[Request, Response], Response]:
        """A function of a response action, over our request and answer."""
        from headrace.bridge.answer import adapted

        return adapted(function)

    def step(self, kind: str, function: Callable[..., Any]) -> Callable[[list[Any]], Any]:
        """A function over rows, applied to a page of them by dlt's own step."""
        step: Callable[[list[Any]], Any] = _STEPS[kind](function)
        return step


_STEPS = {"filter": FilterItem, "map": MapItem, "yield_map": YieldMapItem}


def _adopt_auth(value: Any) -> Any:
    from headrace.bridge.auth import adopt_auth

    return adopt_auth(value)


def _adopt_paginator(value: Any) -> Any:
    from headrace.bridge.paging import adopt_paginator

    return adopt_paginator(value)


def _adopt_session(value: Any) -> Foreign | None:
    from headrace.bridge.session import adopted_session

    return Foreign(value) if adopted_session(value) else None


def _adopt_kind(kind: type) -> Callable[[Any], Foreign | None]:
    return lambda value: Foreign(value, getattr(value, "name", "")) if isinstance(value, kind) else None


_FAMILIES: dict[str, Callable[[Any], Any]] = {
    "auth": _adopt_auth,
    "paginator": _adopt_paginator,
    "session": _adopt_session,
    "resource": _adopt_kind(DltResource),
    "incremental": _adopt_kind(Incremental),
}
