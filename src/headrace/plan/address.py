"""Addresses: a path joined to `base_url`, and the origin that credentials belong to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def is_absolute(path: str) -> bool:
    """Whether a path is a whole address, which takes the place of `base_url`."""
    return path.lower().startswith(("http://", "https://"))


def join(base_url: str, path: str) -> str:
    """`path` below `base_url` with a single slash between them; an empty path is `base_url` itself."""
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}" if path else base_url


def origin_of(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an address: lower case, non-ASCII hosts as IDNA, the port always given."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    ascii_host = host if host.isascii() else host.encode("idna").decode()
    return parts.scheme, ascii_host, parts.port or _DEFAULT_PORTS[parts.scheme]
