"""Lengths of time as text, and ranges cut to a resolution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal

from headrace.sim.mailgun.dates import parsed
from headrace.sim.mailgun.replies import bad

__all__ = ["Resolution", "bucket_s", "moment", "months_before", "span_s"]

Resolution = Literal["hour", "day", "month"]

_MOST_DIGITS = 4
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment(body: Mapping[str, Any], name: str, default: float) -> float:
    """Seconds since 1970 of the date that a query names, `default` where it names none.

    Raises:
        RefusedError: it is no date.
    """
    text = body.get(name)
    if text in {None, ""}:
        return default
    at_s = parsed(str(text))
    if at_s is None:
        raise bad(f"invalid {name}: {text}")
    return at_s


def span_s(text: str) -> float:
    """Seconds of `48h`, `60m`, `7d`; here `m` is a minute.

    Raises:
        RefusedError: it is no such text.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None or len(found[1]) > _MOST_DIGITS:
        raise bad(f"invalid duration: {text}")
    return float(int(found[1]) * _UNITS[found[2]])


def months_before(end_s: float, text: str) -> float:
    """Where a range of `24h`, `7d` or `1m` that ends at `end_s` begins; here `m` is a month.

    Raises:
        RefusedError: it is no such text.
    """
    found = re.fullmatch(r"(\d{1,3})m", text)
    if found is None:
        return end_s - span_s(text)
    end = datetime.fromtimestamp(end_s, timezone.utc)
    years, month = divmod(end.year * 12 + end.month - 1 - int(found[1]), 12)
    first = end.replace(year=years, month=month + 1, day=1)
    return (first + timedelta(days=end.day - 1)).timestamp()


def bucket_s(at_s: float, resolution: Resolution) -> float:
    """Beginning of the hour, day or month of a moment."""
    moment = datetime.fromtimestamp(at_s, timezone.utc).replace(minute=0, second=0, microsecond=0)
    if resolution != "hour":
        moment = moment.replace(hour=0)
    if resolution == "month":
        moment = moment.replace(day=1)
    return moment.timestamp()
