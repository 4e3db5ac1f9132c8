"""How far the clock of this machine is ahead of a host's, by the `Date` of an answer (RFC 9110, section 6.6.1)."""

from __future__ import annotations

import re
from typing import Final

from headrace.message import Response
from headrace.transport.retry_after import http_date

#: `Date` has whole seconds, and an answer is on its way for some more: clocks that differ by less agree.
_AGREED_S: Final = 60.0
#: What differs by more is no clock: a recording is played, or a cache tells nothing of the age of what it holds.
_BELIEVED_S: Final = 7 * 86_400.0
#: A number longer than that is no age.
_AGE: Final = re.compile(r"[0-9]{1,9}")


def ahead_of(response: Response, wall: float) -> float | None:
    """By how many seconds `wall`, seconds since 1970, is ahead of the clock of who answered; None without a `Date`.

    Zero where they agree within a minute, and where they differ by more than a week.
    """
    served = http_date(response.headers.get("date", ""))
    if served is None:
        return None
    age = response.headers.get("age", "").strip()
    ahead_s = wall - served - (float(age) if _AGE.fullmatch(age) else 0.0)
    return ahead_s if _AGREED_S < abs(ahead_s) <= _BELIEVED_S else 0.0
