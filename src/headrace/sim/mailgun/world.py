"""The world behind the simulator: accounts in two regions, keys, and a clock that tests turn.

world = World()
domain = world.us.add_domain("mail.acme.test")
domain.add_event(world.clock.now - 60, arrives_s=world.clock.now + 600, kind="delivered")
world.clock.advance(900)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Literal

from headrace.sim.mailgun.account import Account, Region
from headrace.sim.mailgun.clock import DAY_S, Clock
from headrace.sim.mailgun.dates import gmt, iso
from headrace.sim.mailgun.listing import Listing
from headrace.sim.pools import digest

if TYPE_CHECKING:
    from headrace.sim.mailgun.account import Domain

__all__ = ["ACCOUNT_ID", "Key", "Kind", "Role", "World"]

Role = Literal["admin", "basic", "developer", "support", "sending"]
Kind = Literal["user", "web", "domain"]

ACCOUNT_ID = "64f0c2a91b7d4e0012ab0001"


@dataclass(frozen=True)
class Key:
    """An API key; `basic` is the role that the dashboard calls analyst. `domain` is that of a key of kind `domain`.

    A key is good in all regions, as documented, or only in some, as it looks to users.
    """

    secret: str
    id: str
    account_id: str
    role: Role = "admin"
    kind: Kind = "user"
    domain: str | None = None
    regions: tuple[Region, ...] = ("us", "eu")


class World:
    """Everything that the service knows. `retention_s` is how long events and logs can be read."""

    def __init__(self, *, seed: int = 0, clock: Clock | None = None, retention_s: float = 5 * DAY_S) -> None:
        self.clock = Clock() if clock is None else clock
        self.seed = seed
        self.retention_s = retention_s
        self.subaccounts = Listing(self.clock, "id")
        self.key_rows = Listing(self.clock, "id")
        self.names = {ACCOUNT_ID: "Acme"}
        self._ordinals = count()
        self._accounts: dict[tuple[Region, str], Account] = {}
        self._keys: dict[str, Key] = {}
        self._add_account(ACCOUNT_ID)
        self.key = self.add_key("admin")

    @property
    def us(self) -> Account:
        """The main account in the United States."""
        return self._accounts["us", ACCOUNT_ID]

    @property
    def eu(self) -> Account:
        """The main account in the European Union."""
        return self._accounts["eu", ACCOUNT_ID]

    def account(self, region: Region, name: str = ACCOUNT_ID) -> Account | None:
        """An account's part in a region by its id."""
        return self._accounts.get((region, name))

    def family(self, account: Account) -> list[Account]:
        """The account and its subaccounts in the same region."""
        rows = self.subaccounts.rows() if account.id == ACCOUNT_ID else []
        return [account, *(self._accounts[account.region, row["id"]] for row in rows)]

    def find_domain(self, region: Region, name: str) -> Domain | None:
        """A domain of any account of the region."""
        found = (account.domain(name) for (where, _), account in self._accounts.items() if where == region)
        return next((domain for domain in found if domain is not None), None)

    def add_subaccount(self, name: str, *, status: Literal["open", "disabled", "closed"] = "open") -> str:
        """Add a subaccount of the main account; returns its id."""
        with self.clock.lock:
            number = len(self.subaccounts)
            identity = digest("subaccount", self.seed, number)[:12].hex()
            moment = gmt(self.clock.now)
            self.names[identity] = name
            self._add_account(identity, parent_id=ACCOUNT_ID)
            self.subaccounts.put(
                {"id": identity, "name": name, "status": status, "created_at": moment, "updated_at": moment}
            )
            return identity

    def add_key(
        self,
        role: Role,
        *,
        kind: Kind | None = None,
        domain: str | None = None,
        account_id: str = ACCOUNT_ID,
        regions: tuple[Region, ...] = ("us", "eu"),
    ) -> Key:
        """Add a key; with a `domain` it is one of that domain. Sending keys are of kind `domain` always."""
        with self.clock.lock:
            data = digest("key", self.seed, len(self._keys)).hex()
            kind = kind or ("domain" if domain or role == "sending" else "user")
            secret = f"{data[:32]}-{data[32:40]}-{data[40:48]}"
            key = Key(secret, f"{data[48:56]}-{data[56:64]}", account_id, role, kind, domain, regions)
            self._keys[key.secret] = key
            moment = iso(self.clock.now)
            self.key_rows.put(
                {
                    "id": key.id,
                    "description": f"{role} key",
                    "kind": kind,
                    "role": role,
                    "created_at": moment,
                    "updated_at": moment,
                    "is_disabled": False,
                    "domain_name": domain,
                    "requestor": "ops@acme.test",
                    "user_name": None,
                }
            )
            return key

    def delete_key(self, key: Key) -> None:
        """Take a key away."""
        with self.clock.lock:
            del self._keys[key.secret]
            self.key_rows.delete(key.id)

    def find_key(self, secret: str) -> Key | None:
        """The key with a secret."""
        return self._keys.get(secret)

    def next_ordinal(self) -> int:
        """A number that was never given before."""
        return next(self._ordinals)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets of all keys."""
        return tuple(self._keys)

    def _add_account(self, name: str, **whose: str) -> None:
        for region in ("us", "eu"):
            self._accounts[region, name] = Account(
                self.clock,
                region,
                name,
                # the same domain name has different data in the other region
                seed=self.seed + (region == "eu"),
                retention_s=self.retention_s,
                **whose,
            )
