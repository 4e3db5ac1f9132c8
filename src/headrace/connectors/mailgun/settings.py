"""What is asked of the Mailgun connector, checked: one value that every stream is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from headrace.connectors.option import length

#: Origin by region, without a version: paths have their own. Source: Mailgun's API, hosts and regions.
HOSTS: Final = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
PRIVACIES: Final = ("keep", "hash", "drop")
#: How much less than the plan's retention is asked for: an API that refuses what is older must not be asked too late.
_MARGIN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Settings:
    """Options after their check; lengths of time are texts of the format (`30m`).

    `label` tells accounts apart in one dataset. `subaccounts` is `none`, `all`, or the id of one.
    """

    region: str
    base_url: str
    label: str
    subaccounts: str
    retention: str
    settle: str
    overlap: str
    reread_every: str
    row_order: str
    domains_version: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def other_region(self) -> str:
        """The region that is not asked."""
        return "eu" if self.region == "us" else "us"

    @property
    def subaccount(self) -> str | None:
        """The one subaccount that is read, None for the account itself or all."""
        return None if self.subaccounts in ("none", "all") else self.subaccounts

    @property
    def reads_all(self) -> bool:
        """Whether the domains of all subaccounts are read too."""
        return self.subaccounts == "all"


def readable(retention: str) -> str:
    """How far back events and logs are asked for: the retention less a margin, or half of a short one."""
    kept = length("retention", retention)
    return f"{int(max(kept - _MARGIN, kept / 2).total_seconds())}s"
