"""The spellings of dates in Mailgun's API, from seconds since the epoch, and what it reads."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import formatdate, mktime_tz, parsedate_tz

__all__ = ["floored", "gmt", "go", "iso", "iso_ms", "iso_z", "minus_zero", "parsed", "plus_zero", "utc"]

_YEAR_10000_S = 253_402_300_800.0
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def gmt(at_s: float) -> str:
    """`Mon, 24 Feb 2025 22:44:03 GMT`: domains, routes, subaccounts."""
    return formatdate(int(at_s), usegmt=True)


def utc(at_s: float) -> str:
    """`Thu, 26 Mar 2026 12:59:24 UTC`: suppressions, templates."""
    return gmt(at_s)[:-3] + "UTC"


def minus_zero(at_s: float) -> str:
    """`Sun, 26 Jan 2025 07:29:27 -0000`: mailing lists, the range of logs."""
    return formatdate(int(at_s))


def plus_zero(at_s: float) -> str:
    """`Wed, 27 Nov 2024 12:00:00 +0000`: metrics, tags of the account, credentials."""
    return gmt(at_s)[:-3] + "+0000"


def iso_ms(at_s: float) -> str:
    """`2025-06-25T17:19:51.166Z`: logs; cut, not rounded."""
    return f"{_moment(floored(at_s, '0.001')).isoformat(timespec='milliseconds')}Z"


def iso(at_s: float) -> str:
    """`2026-01-23T10:16:00`, in UTC though it does not say so: keys."""
    return _moment(Decimal(int(at_s))).isoformat()


def iso_z(at_s: float) -> str:
    """`2026-02-16T19:06:01Z`: webhooks of the account."""
    return f"{iso(at_s)}Z"


def go(at_s: float) -> str:
    """`2023-01-02 02:14:27 +0000 UTC`: Go's own, in the old tags."""
    return f"{_moment(Decimal(int(at_s))).isoformat(sep=' ')} +0000 UTC"


def floored(at_s: float, unit: str) -> Decimal:
    """Cut down to a multiple of `unit`, by the decimal digits that are written: 1.001 stays 1.001."""
    exact = Decimal(repr(at_s))
    return exact - exact % Decimal(unit) if exact >= 0 else exact


def parsed(text: str) -> float | None:
    """Seconds since the epoch from a number or an RFC 2822 date, whose week day may be wrong; `None` is no date."""
    try:
        at_s = float(text)
    except ValueError:
        found = parsedate_tz(text)
        try:
            at_s = math.nan if found is None else float(mktime_tz(found))
        except (ValueError, OverflowError):
            return None
    return at_s if 0 <= at_s < _YEAR_10000_S else None


def _moment(at_s: Decimal) -> datetime:
    # through whole microseconds: a float of seconds would round
    return (_EPOCH + timedelta(microseconds=int(at_s * 1_000_000))).replace(tzinfo=None)
