"""What nobody outside knows for sure about this service, each as a switch.

The default is what public knowledge holds most likely; the other values are what a loader must survive as well, or
notice. Facts that several clients have seen live are not here: they are simply how the simulator behaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args, get_origin, get_type_hints

__all__ = ["Doubts"]


@dataclass(frozen=True)
class Doubts:
    """The switches; `headrace.sim.shortio` shows them as a table."""

    # Raw clicks: cursors. No text of the vendor says whether the named instant belongs to the answer.
    before_inclusive: bool = False
    after_inclusive: bool = False
    # One client's help says that both ends of a period belong to it.
    start_inclusive: bool = True
    end_inclusive: bool = True
    # One client saw cursors obeyed to the millisecond; 1000 or 60000 is a server that cuts them.
    cursor_unit_ms: int = 1
    # Periods under which both cursors of raw clicks are ignored.
    cursors_ignored: tuple[str, ...] = ("total",)

    # Raw clicks: pages. No maximum is documented; a server may cap in silence, or refuse.
    clicks_max_limit: int | None = None
    clicks_over_limit: Literal["cap", "refuse"] = "cap"
    clicks_default_limit: int = 30
    # Newest first in every client, documented nowhere; nothing at all is known of the order among equal instants.
    clicks_order: Literal["newest", "oldest"] = "newest"
    tie_order: Literal["random", "stable"] = "random"
    # The vendor's description shows one object, live answers are bare arrays.
    clicks_shape: Literal["array", "wrapped", "lone"] = "array"
    default_period: str = "last30"

    # Raw clicks: values. A name or a code, the agent still delivered or not, what stands for a hidden address.
    click_country: Literal["code", "name"] = "code"
    click_ua: bool = True
    hidden_ip: Literal["null", "empty", "absent", "masked"] = "null"

    # Time. `dt` follows `tz`. A zoned text beside `tz`: the UTC digits of its instant are read again as local ones
    # ("twice"), or its digits as written are ("digits"), or nothing is odd ("instant").
    dt_in_tz: bool = True
    zone_reading: Literal["twice", "digits", "instant"] = "twice"
    # How long an identical body is answered from a cache; "about 60 s".
    cache_s: float = 60.0
    # One script counts on about a year, then clicks are gone; `None` keeps them.
    retention_days: int | None = 365

    # Statistics.
    exclude_keeps_null: bool = True  # in SQL, NOT IN drops them, and two halves are less than the whole
    series_key: Literal["clicksStatistics", "clickStatistics", "nested"] = "clicksStatistics"
    score_as: Literal["text", "number"] = "text"
    top_default_limit: int = 10
    link_totals_under_total: bool = False  # one client saw 0 for every link, the vendor's old page shows numbers
    link_clicks_max_ids: int | None = None
    link_clicks_zeros: bool = False

    # Links: paging. Nothing is known of the token but that it is opaque.
    token_kind: Literal["key", "position"] = "key"  # noqa: S105 - opaque, but no secret
    token_lifetime_s: float | None = None
    end_token: Literal["null", "missing", "empty"] = "null"  # noqa: S105 - the same
    full_last_page_token: bool = False
    links_default_limit: int = 50
    links_default_order: Literal["asc", "desc"] = "desc"
    created_inclusive: bool = True  # `afterDate` and `beforeDate` of the listing
    archived_listed: bool = True
    count_of: Literal["page", "all"] = "page"

    # Links: records.
    link_id_kind: Literal["text", "number"] = "text"  # `id` beside `idString`; a number until 2022
    rules_move_updated_at: bool = False
    updated_at_ignores: tuple[str, ...] = ()  # fields that change without it: `tags` and `FolderId` are doubted
    unknown_url_is_404: bool = True  # of the look-up by target: 404 or an empty list

    # Keys: what a public one, which may only create links, is told.
    public_key_status: Literal[401, 403] = 403

    def __post_init__(self) -> None:
        """Refuse values that a switch does not have."""
        for name, allowed in _choices().items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"expected one of {allowed} for {name}, got {getattr(self, name)!r}")


@cache
def _choices() -> dict[str, tuple[object, ...]]:
    """What switches between words may be; asked once, as it costs half a millisecond."""
    hints = get_type_hints(Doubts).items()
    return {name: get_args(hint) for name, hint in hints if get_origin(hint) is Literal}
