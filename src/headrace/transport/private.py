"""Private addresses: reached only where the configuration names them.

A name of the public DNS may be made to lead into a private network, at once or in the middle of a run (rebinding, fault
N03). So what a name resolves to is looked at for each connection, and the very addresses that were looked at are
connected to. Whose name says that it is private (`localhost`, `api`, `api.internal`), may be. An address in figures is
named by the configuration itself, except for those of the local link, where clouds serve credentials to whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import Final

HINT: Final = "if the API is there, set `client.limits.allow_private: true`"
#: Ends of names that nobody can register (RFC 2606, 6761, 6762, 8375), and those that are private by custom.
_PRIVATE_ENDS: Final = (
    ".localhost", ".local", ".internal", ".intranet", ".private", ".corp", ".home", ".lan", ".home.arpa", ".test",
)  # fmt: skip


def is_private_name(host: str) -> bool:
    """Whether a name says that it is one of a private network: it has no dot, or an end that no public one has."""
    return "." not in host.rstrip(".") or host.rstrip(".").lower().endswith(_PRIVATE_ENDS)


def is_private(address: str) -> bool:
    """Whether an address in figures is of no public network; what is no address is."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return not found.is_global or found.is_multicast


def is_link_local(host: str) -> bool:
    """Whether a host is an address in figures of the local link: 169.254.0.0/16, fe80::/10."""
    try:
        found = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_link_local


def allowed(host: str, addresses: Sequence[str]) -> list[str]:
    """Those of `addresses` that `host` may lead to."""
    return [each for each in addresses if is_private_name(host) or not is_private(each)]
