"""One request on its way to a handler: who asks, what the path names, and parameters checked as the schema does.

GET has its parameters in the query, POST in a JSON body. Fastify reads numbers from texts in both, and names the place
in its refusals: `querystring/limit must be <= 150`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace.sim.shortio.instants import read
from headrace.sim.shortio.refusals import denied, invalid, not_found, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import tzinfo

    from headrace.sim.message import Request
    from headrace.sim.shortio.records import Domain, Link
    from headrace.sim.shortio.world import World

__all__ = ["Ask", "Key", "body_of"]


@dataclass(frozen=True)
class Key:
    """An API key. `domain_ids` limits it, `None` is the whole account; a public one may only create links."""

    text: str
    domain_ids: frozenset[int] | None = None
    kind: Literal["secret", "public"] = "secret"

    def sees(self, domain_id: int) -> bool:
        """Whether the domain is in the key's scope."""
        return self.domain_ids is None or domain_id in self.domain_ids


@dataclass(frozen=True)
class Ask:
    """What a handler gets. `named` are the values of the path's placeholders, `given` the parameters."""

    world: World
    key: Key
    request: Request
    named: Mapping[str, str]
    given: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where `given` comes from, as refusals call it."""
        return "querystring" if self.request.method == "GET" else "body"

    def domain(self, number: str | None = None, **more: str) -> Domain:
        """The domain that the path (or `number`) names; 404 where there is none, 403 with `more` out of scope."""
        text = self.named["domain_id"] if number is None else number
        if not text.isdigit():
            raise invalid("params/domainId must be integer")
        domain = self.world.domains.get(int(text))
        if domain is None:
            raise not_found("Domain")
        if not self.key.sees(domain.id):
            raise denied(**more)
        return domain

    def link(self) -> Link:
        """The link that the path names; 404 where there is none, 403 out of scope."""
        link = self.world.links.get(self.named["link_id"])
        own = str(link.domain_id) if link else None
        asked = self.named.get("domain_id") or self.request.param("domainId") or own
        if link is None or asked != own:
            raise not_found("Link")
        self.domain(own)
        return link

    def needed(self, name: str) -> Any:
        """A parameter that must be there."""
        if name not in self.given:
            raise invalid(f"{self.place} must have required property '{name}'")
        return self.given[name]

    def integer(self, name: str, default: int, low: int, high: int | None = None) -> int:
        """A whole number within bounds."""
        value = self.given.get(name, default)
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = None
        if number is None or isinstance(value, bool | float):
            raise invalid(f"{self.place}/{name} must be integer")
        if number < low:
            raise invalid(f"{self.place}/{name} must be >= {low}")
        if high is not None and number > high:
            raise invalid(f"{self.place}/{name} must be <= {high}")
        return number

    def one_of(self, name: str, default: str | None, allowed: Iterable[str]) -> Any:
        """One of some texts; `default` may be outside of them."""
        value = self.given.get(name, default)
        if value != default and value not in allowed:
            raise invalid(f"{self.place}/{name} must be equal to one of the allowed values")
        return value

    def flag(self, name: str) -> bool:
        """A boolean, false when absent."""
        return self.given.get(name, False) in (True, "true", "1")

    def moment(self, name: str, zone: tzinfo | None = None) -> int | None:
        """A moment in ms, `None` when absent; `zone` is the request's `tz`."""
        return self.checked(name, lambda value: read(value, zone, self.world.doubts.zone_reading))

    def checked(self, name: str, convert: Callable[[Any], int]) -> int | None:
        """A parameter through `convert`, whose ValueError is a 400."""
        value = self.given.get(name)
        if value is None:
            return None
        try:
            return convert(value)
        except ValueError:
            raise invalid(f'{self.place}/{name} must match format "date-time"') from None


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object in the body, empty where there is no body; refusals are Fastify's.

    A Content-Type of JSON without a body is one of them: clients that send it with every DELETE have met it.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("", "application/json") or (request.body and not media_type):
        phrase = "Unsupported Media Type"
        raise refused(415, statusCode=415, code="FST_ERR_CTP_INVALID_MEDIA_TYPE", error=phrase, message=phrase)
    if not media_type:
        return {}
    if not request.body:
        message = "Body cannot be empty when content-type is set to 'application/json'"
        raise invalid(message, "FST_ERR_CTP_EMPTY_JSON_BODY")
    try:
        body = json.loads(request.body)
    except ValueError:
        message = "Body is not valid JSON but content-type is set to 'application/json'"
        raise invalid(message, "FST_ERR_CTP_INVALID_JSON_BODY") from None
    if not isinstance(body, dict):
        raise invalid("body must be object")
    return body
