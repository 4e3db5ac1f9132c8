"""`Retry-After`: how long a server wants to be left alone (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final

from headrace.message import Response

#: Ten digits are 317 years; a longer number is no wish of a server.
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_LONGEST_S: Final = 9_999_999_999


def retry_after(response: Response, wall: float) -> float | None:
    """Seconds of rest that the answer asks for, from its arrival; None when it names none that makes sense.

    A date is measured against the answer's own `Date`, so that a wrong clock on our side does not matter; `wall`
    (seconds since the epoch) is used where there is none. Zero, negative, fractional and repeated values are None.
    """
    text = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        moment = http_date(text)
        if moment is None:
            return None
        served = http_date(response.headers.get("date", ""))
        seconds = moment - (wall if served is None else served)
    return seconds if 0 < seconds <= _LONGEST_S else None


def http_date(text: str) -> float | None:
    """Seconds since the epoch, None for what is no HTTP date."""
    # every form of HTTP date has at most one comma: two dates joined from repeated headers have three
    if not text or text.count(",") > 1:
        return None
    try:
        return parsedate_to_datetime(f"{text} +0000" if re.search(r":\d\d \d{4}$", text) else text).timestamp()
    except (ValueError, OverflowError):
        return None
