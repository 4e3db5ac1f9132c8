"""Redirects, followed by our own code: few, only inside the configured origins, and never changing what is asked.

Clients were measured to send `X-Api-Key` to whatever host a redirect names (faults H18 to H20). Here every hop is a
request of its own: it passes the gate of its host and the check of its origin, and is signed anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from headrace.errors import TransportError
from headrace.message import Request, Response
from headrace.transport.address import Origin, check_origin, full_url, origin_of, place, shown

if TYPE_CHECKING:
    from headrace.plan.model import Auth
    from headrace.transport.limits import Exchange

MAX_REDIRECTS: Final = 5
#: Status -> whether the method and the body stay as they are, whatever the method (RFC 9110, section 15.4).
KEEPS_METHOD: Final = {301: False, 302: False, 303: False, 307: True, 308: True}


def redirected(exchange: Exchange, origins: frozenset[Origin]) -> Exchange:
    """The layer: follows redirects and gives the first answer that is none. Raises `TransportError` for a bad one."""

    async def follow(request: Request, auth: Auth | None) -> Response:
        check_origin(request, origins)
        seen = {full_url(request)}
        response = await exchange(request, auth)
        while response.status in KEEPS_METHOD:
            request = _next_hop(request, response, origins)
            url = full_url(request)
            if url in seen or len(seen) > MAX_REDIRECTS:
                raise _refused(request, response, f"a loop or more than {MAX_REDIRECTS} redirects", "check `base_url`")
            seen.add(url)
            response = await exchange(request, auth)
        return response

    return follow


def _next_hop(request: Request, response: Response, origins: frozenset[Origin]) -> Request:
    location = response.headers.get("location", "")
    if not location:
        raise _refused(request, response, "no `location`", "check `base_url` and the path")
    target = request.with_url(urljoin(full_url(request), location))
    origin = check_origin(target, origins)
    if urlsplit(request.url).scheme == "https" and origin[0] == "http":
        raise _refused(request, response, "one to plain http", "name the https address in `base_url`")
    if request.method not in {"GET", "HEAD"} and not KEEPS_METHOD[response.status]:
        got = f"a redirect that drops the body of a {request.method}"
        raise _refused(request, response, got, f"ask for {full_url(target)} in the first place")
    if request.method not in {"GET", "HEAD"} and origin != origin_of(request.url):
        raise _refused(request, response, f"one of a {request.method} to another host", "name that host in `base_url`")
    return target


def _refused(request: Request, response: Response, got: str, hint: str) -> TransportError:
    return TransportError(
        f"expected a redirect that can be followed, got {response.status} with {got} from {shown(request)}",
        where=place(request),
        hint=hint,
    )
