"""What is asked of the Short.io connector, checked: one value that every stream is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headrace.errors import UsageError

#: The two hosts of the service. Source: Short.io's API, hosts.
API: Final = "https://api.short.io"
STATISTICS: Final = "https://statistics.short.io"
PRIVACIES: Final = ("keep", "hash", "drop")


@dataclass(frozen=True)
class Settings:
    """Options after their check; lengths of time are texts of the format (`30m`).

    `domain_ids` is empty for all domains of the account. `page_size` is clicks a page.
    """

    base_url: str
    statistics_url: str
    domain_ids: tuple[int, ...]
    retention: str
    overlap: str
    lag: str
    page_size: int


def whole_number(name: str, value: str | int) -> int:
    """A whole number from 1 on. Raises `UsageError`."""
    if not isinstance(value, bool) and str(value).isascii() and str(value).isdigit() and int(value) > 0:
        return int(value)
    raise UsageError(f"expected a whole number from 1 on as `{name}`, got {value!r}")


def domain_ids(said: str | int | Sequence[str | int] | None) -> tuple[int, ...]:
    """The ids of domains. Raises `UsageError`."""
    if said is None:
        return ()
    return tuple(whole_number("domain_id", each) for each in ([said] if isinstance(said, str | int) else said))
