"""One call as an endpoint sees it: who asks for what, and the parameters that endpoints share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun.replies import bad, denied

if TYPE_CHECKING:
    from headrace.sim.mailgun.account import Account, Domain
    from headrace.sim.mailgun.doubts import Doubts
    from headrace.sim.mailgun.world import Key, World
    from headrace.sim.message import Request

__all__ = ["Call"]


#: Types of the fields that queries share, as a decoder with declared types has them.
_FIELDS: Final[Mapping[str, type]] = {
    "start": str,
    "end": str,
    "duration": str,
    "resolution": str,
    "events": list,
    "metric_events": list,
    "dimensions": list,
    "metrics": list,
    "filter": dict,
    "pagination": dict,
    "tag": str,
}


@dataclass(frozen=True)
class Call:
    """`parts` are the named parts of the path; `origin` is what page links begin with, `path` what follows in them."""

    request: Request
    parts: Mapping[str, str]
    world: World
    doubts: Doubts
    account: Account
    key: Key
    origin: str
    path: str

    @property
    def link(self) -> str:
        """The call's own address without its query."""
        return f"{self.origin}{self.path}"

    @property
    def domain(self) -> Domain:
        """The domain of the path.

        Raises:
            RefusedError: it is not the account's, or cannot be read.
        """
        name = self.parts["domain"]
        domain = self.account.domain(name)
        if domain is None:
            region = self.account.region
            if self.world.find_domain(region, name):
                raise denied(self.doubts.foreign_domain, name)
            elsewhere = self.world.find_domain("eu" if region == "us" else "us", name)
            raise denied(self.doubts.other_region if elsewhere else 404, name)
        row = domain.row
        status = domain.denial or {
            "disabled": self.doubts.disabled_domain,
            "unverified": self.doubts.unverified_domain,
        }.get(row["state"], self.doubts.sandbox_domain if row["type"] == "sandbox" else 200)
        if status != 200:
            raise denied(status, name)
        return domain

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was posted; nothing posted is an empty one.

        Raises:
            RefusedError: it is no JSON object, or a field that queries share is not of its type.
        """
        if not self.request.body:
            return {}
        try:
            body = json.loads(self.request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict) or any(
            body.get(name) is not None and not isinstance(body[name], kind) for name, kind in _FIELDS.items()
        ):
            raise bad("failed to decode request body")
        return body

    def param(self, name: str) -> str | None:
        """First value of a query parameter."""
        return self.request.param(name)

    def flag(self, name: str) -> bool:
        """Whether a query parameter says yes."""
        return (self.param(name) or "").lower() in {"true", "yes", "1"}

    def limit(self, default: int, most: int, *, strict: bool = False) -> int:
        """`limit` of the query.

        Raises:
            RefusedError: it is no number from 1 on, or above `most` and `strict` or a doubt refuses that.
        """
        return self.bounded(self.param("limit"), default, most, strict=strict)

    def bounded(self, given: object, default: int, most: int, *, strict: bool = False) -> int:
        """A limit as given in a query or a body, within its bounds."""
        limit = self.number(given, default, "limit", 1)
        if limit > most:
            if strict or self.doubts.limit_above == "refuse":
                raise bad(f"limit parameter larger than {most}")
            return most
        return limit

    def number(self, given: object, default: int, name: str, least: int = 0) -> int:
        """A whole number from `least` on."""
        if given is None or given == "":
            return default
        try:
            number = int(str(given))
        except ValueError:
            number = least - 1
        if number < least:
            raise bad(f"invalid {name}: {given}")
        return number
