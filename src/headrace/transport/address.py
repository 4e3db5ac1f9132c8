"""Addresses: the one that is really asked for, its origin, and whether that origin may be asked at all.

Credentials belong to the origins that the configuration names. Every request passes `check_origin`, because a `next`
link or a redirect is text written by the server. What `check_origin` reads and what goes on the wire come from the same
parser, so that they cannot disagree about the host.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit

from headrace.errors import TransportError
from headrace.message import Pairs, Request
from headrace.secrets import without_values

#: (scheme, host, port): lower case, the port always given.
Origin = tuple[str, str, int]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
#: What RFC 3986 allows in a path or a query beside letters and digits, and `%`: what is encoded already stays as it is.
_SAFE: Final = "!$%&'()*+,/:;=?@~"
#: A percent sign that begins no encoding.
_STRAY: Final = re.compile("%(?![0-9A-Fa-f]{2})")


def full_url(request: Request) -> str:
    """The address asked for: `url` and `params` in one, percent-encoded, without fragment and without credentials."""
    return _joined(request.url, request.params)


# several layers ask for the same address: not cached, that was a third of the transport's own time
@lru_cache(maxsize=256)
def _joined(url: str, params: Pairs) -> str:
    parts = urlsplit(url)
    query = _encoded(parts.query)
    if params:
        query = "&".join(filter(None, (query, urlencode(params))))
    return urlunsplit((parts.scheme, _ascii_netloc(parts), _encoded(parts.path) or "/", query, ""))


def _encoded(text: str) -> str:
    return quote(_STRAY.sub("%25", text), safe=_SAFE)


def shown(request: Request) -> str:
    """`GET https://host/path?query`, for messages; known secrets are masked where it is printed."""
    try:
        url = full_url(request)
        return f"{request.method} {without_values(url) if request.discreet else url}"
    except ValueError:
        return f"{request.method} of an address that cannot be read"


@lru_cache(maxsize=256)
def origin_of(url: str) -> Origin:
    """The origin of an address. Raises `ValueError` when it is no plain http(s) address, or carries user-info."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS:
        message = f"expected an http or https address, got scheme {parts.scheme!r}"
        raise ValueError(message)
    if "@" in parts.netloc:
        message = "expected an address without user name and password"
        raise ValueError(message)
    if not parts.hostname:
        message = "expected an address with a host"
        raise ValueError(message)
    return (parts.scheme, _ascii_host(parts.hostname), parts.port or _DEFAULT_PORTS[parts.scheme])


def check_origin(request: Request, allowed: frozenset[Origin]) -> Origin:
    """The origin of the request. Raises `TransportError`, before anything is sent, when it is not an allowed one."""
    try:
        origin = origin_of(request.url)
    except ValueError as error:
        # a wrong address may hold a password in a place where nobody looks for one: it is not shown
        raise TransportError(
            f"{error}", where=place(request), hint="look at `base_url`, `path` and the links of the previous answer"
        ) from None
    if origin not in allowed:
        raise TransportError(
            f"expected an address at {_listed(allowed)}, got {shown(request)}",
            where=place(request),
            hint="a link or redirect leads outside the configured hosts, where no credential is sent; when that host "
            "belongs to the API, name it in the configuration; where links only name the wrong host, `keep_origin` of "
            "the paginator asks the configured one on",
        )
    return origin


def place(request: Request) -> str | None:
    """The `where` of an error: the resource that asks."""
    return f"resource `{request.resource}`" if request.resource else None


def _listed(allowed: frozenset[Origin]) -> str:
    return ", ".join(
        f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS.get(scheme) else f":{port}")
        for scheme, host, port in sorted(allowed)
    )


def _ascii_netloc(parts: SplitResult) -> str:
    host = _ascii_host(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def _ascii_host(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode()
