"""Private addresses: a name that led to the public network may not lead into a private one later.

A name may be made to lead inside in the middle of a run (rebinding, fault N03), and then credentials and answers are
those of somebody else. So the addresses of a name are looked at for each connection, and the very ones that were looked
at are connected to. Where a name leads at first the configuration wants it to: names of a company lead inside for those
who are there. Addresses of the local link, where clouds serve credentials to whoever asks, are never asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address


class Addresses:
    """Which addresses names may lead to, as long as one run lasts."""

    def __init__(self) -> None:
        self._public: set[str] = set()

    def allowed(self, host: str, addresses: Sequence[str]) -> list[str]:
        """Those of `addresses` that `host` may lead to: where one is public, no private one, now and from now on."""
        public = [each for each in addresses if not is_private(each)]
        if public:
            self._public.add(host)
        if host in self._public:
            return public
        return [each for each in addresses if not is_link_local(each)]


def is_private(address: str) -> bool:
    """Whether an address in figures is of no public network; what is no address is."""
    found = _address(address)
    return found is None or not found.is_global or found.is_multicast


def is_link_local(host: str) -> bool:
    """Whether a host is an address in figures of the local link: 169.254.0.0/16, fe80::/10."""
    found = _address(host.strip("[]"))
    return found is not None and found.is_link_local


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that is written, the inner one where IPv6 wraps IPv4; None for a name."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
