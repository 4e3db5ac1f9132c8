"""What events count for: the names of metrics that one event raises, as `POST /v1/analytics/metrics` counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["RATES", "USAGE", "counted", "firsts", "rate"]

_FAILED: Final = {
    "suppress-bounce": ("bounced", "suppressed_bounces"),
    "suppress-unsubscribe": ("suppressed_unsubscribed",),
    "suppress-complaint": ("suppressed_complaints",),
    "espblock": ("permanent_failed_esp_block",),
    "old": ("permanent_failed_old",),
    "bounce": ("bounced", "hard_bounces"),
    "hardfail": ("bounced", "hard_bounces"),
    "generic": ("bounced", "soft_bounces"),
}
#: rate: (count above the line, count below it). Rates are texts with four decimals.
RATES: Final = {
    "delivered_rate": ("delivered", "accepted"),
    "opened_rate": ("opened", "delivered"),
    "clicked_rate": ("clicked", "delivered"),
    "unique_opened_rate": ("unique_opened", "delivered"),
    "unique_clicked_rate": ("unique_clicked", "delivered"),
    "unsubscribed_rate": ("unsubscribed", "delivered"),
    "complained_rate": ("complained", "delivered"),
    "bounce_rate": ("bounced", "processed"),
    "fail_rate": ("failed", "processed"),
    "permanent_fail_rate": ("permanent_failed", "processed"),
    "temporary_fail_rate": ("temporary_failed", "processed"),
    "delayed_rate": ("delayed_bounce", "processed"),
}
#: usage metric: the count that it shows; others of the same families are zero.
USAGE: Final = {
    "processed_count": "processed",
    "email_validation_count": "email_validation",
    "archived_count": "stored",
    **dict.fromkeys(
        (
            *(
                f"email_validation_{kind}_count"
                for kind in ("public", "valid", "single", "bulk", "list", "mailgun", "mailjet")
            ),
            *(f"email_preview{kind}_count" for kind in ("", "_failed")),
            *(
                f"{what}{kind}_count"
                for what in ("link_validation", "accessibility", "image_validation")
                for kind in ("", "_failed")
            ),
            *(f"{what}_count" for what in ("seed_test", "ip_blocklist_monitoring", "domain_blocklist_monitoring")),
        ),
        "",
    ),
}


def _accepted(row: Mapping[str, Any]) -> Sequence[str]:
    return ("accepted", "accepted_incoming" if row.get("routes") else "accepted_outgoing", "processed")


def _delivered(row: Mapping[str, Any]) -> Sequence[str]:
    transport = (row.get("envelope") or {}).get("transport")
    tries = (row.get("delivery-status") or {}).get("attempt-no", 1)
    when = "delivered_first_attempt" if tries == 1 else "delivered_subsequent"
    return ("delivered", "delivered_http" if transport == "http" else "delivered_smtp", "sent", when)


def _failed(row: Mapping[str, Any]) -> Sequence[str]:
    if row.get("severity") == "temporary":
        return ("failed", "temporary_failed")
    delayed = ("delayed_bounce",) if (row.get("flags") or {}).get("is-delayed-bounce") else ()
    return ("failed", "permanent_failed", *_FAILED.get(row.get("reason", ""), ()), *delayed)


_BY_EVENT: Final[Mapping[str, Callable[[Mapping[str, Any]], Sequence[str]]]] = {
    "accepted": _accepted,
    "delivered": _delivered,
    "failed": _failed,
    **{
        name: (lambda _row, name=name: (name,))  # type: ignore[misc]
        for name in ("opened", "clicked", "unsubscribed", "complained", "stored", "email_validation")
    },
}


def counted(row: Mapping[str, Any]) -> Sequence[str]:
    """Names of the counts that an event raises, without the suffix `_count`; none for unknown types."""
    count = _BY_EVENT.get(row["event"])
    return () if count is None else count(row)


def firsts(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of the opens and clicks that are the first of their message and recipient; `rows` in order of time."""
    seen: dict[tuple[Any, ...], str] = {}
    for row in rows:
        if row["event"] in {"opened", "clicked"}:
            message = ((row.get("message") or {}).get("headers") or {}).get("message-id")
            seen.setdefault((row["event"], message, row.get("recipient")), row["id"])
    return set(seen.values())


def rate(counts: Mapping[str, int], name: str) -> str:
    """A rate from counts; `0.0000` where nothing is below the line."""
    above, below = RATES[name]
    return f"{counts.get(above, 0) / (counts.get(below, 0) or 1):.4f}"
