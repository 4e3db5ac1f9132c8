"""What a host says in headers about its rate limit: how many requests are left, until when.

There are three dialects, and each API speaks its own:

    X-RateLimit-Limit: 60          three numbers; what the last one counts is left to the reader: seconds from now,
    X-RateLimit-Remaining: 59      seconds or milliseconds since the epoch, a date, a duration like `6m0s`. Mailgun
    X-RateLimit-Reset: 1700000060  calls them `X-Request-*`, in milliseconds; OpenAI puts `-requests` behind them
    RateLimit: limit=60, remaining=59, reset=12            drafts 3 to 7 of the IETF, also as three headers;
    RateLimit-Policy: 60;w=60                              always seconds from now
    RateLimit: "minute";r=59;t=12                          drafts from 8 on: several quotas, each with its name
    RateLimit-Policy: "minute";q=60;w=60

Draft: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/. A header that cannot be read says
nothing: what counts in the end is the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headrace.message import Response
from headrace.transport.retry_after import http_date

#: Names of the three numbers: remaining, limit, reset.
_FAMILIES: Final = (
    ("x-ratelimit-remaining", "x-ratelimit-limit", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-limit", "x-rate-limit-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-limit-requests", "x-ratelimit-reset-requests"),
    ("x-request-remaining", "x-request-limit", "x-request-reset"),
    ("ratelimit-remaining", "ratelimit-limit", "ratelimit-reset"),
)
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_DURATION: Final = re.compile(
    r"(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+(?:\.[0-9]+)?)ms)?"
)
_POLICY: Final = re.compile(r'(?:"([^"]*)"|([0-9]+))((?:\s*;\s*[a-z]+\s*=\s*"?[^",;]*"?)*)')
_PAIR: Final = re.compile(r"([a-z]+)\s*=\s*\"?([0-9]+)")
#: From here on a number is a moment: as seconds 2001, a wait of 31 years; as milliseconds 1973.
_EPOCH_S: Final = 1e9
_EPOCH_MS: Final = 1e11


@dataclass(frozen=True)
class Quota:
    """`remaining` requests until `reset_s` seconds after the answer; of `limit` in each `window_s` seconds where said.

    `name` tells the quotas of a host apart.
    """

    name: str
    remaining: int
    reset_s: float
    limit: int | None = None
    window_s: float | None = None


def quotas_in(response: Response, wall: float) -> tuple[Quota, ...]:
    """The quotas that the headers name, those that say when they end; `wall` is our clock, seconds since the epoch.

    A moment is measured against the answer's `Date`, so that a wrong clock on our side does not matter; our clock says
    where in the second of `Date` we are.
    """
    headers = response.headers
    found = tuple(_numbered(headers, wall))
    return found if "ratelimit" not in headers else (*found, *_structured(headers))


def _numbered(headers: Mapping[str, str], wall: float) -> Iterator[Quota]:
    for remaining_name, limit_name, reset_name in _FAMILIES:
        if remaining_name not in headers or reset_name not in headers:
            continue
        remaining = _NUMBER.match(headers[remaining_name].strip())
        reset_s = _seconds(headers[reset_name].strip(), headers, wall)
        limit = _NUMBER.match(headers.get(limit_name, "").strip())
        if remaining is None or reset_s is None or (limit is not None and float(limit[0]) == 0):
            continue  # a limit of 0 is how some say that there is none
        count = int(float(limit[0])) if limit is not None else None
        policies = {**_policies(headers.get(limit_name, "")), **_policies(headers.get("ratelimit-policy", ""))}
        window_s = next((w for q, w in policies.values() if q == count), None)
        yield Quota(f"{limit_name} {count}", int(float(remaining[0])), reset_s, count, window_s)


def _structured(headers: Mapping[str, str]) -> Iterator[Quota]:
    text = headers["ratelimit"]
    policies = _policies(headers.get("ratelimit-policy", ""))
    said = dict(_PAIR.findall(text)) if '"' not in text else {}
    if {"remaining", "reset"} <= said.keys():
        count = int(said["limit"]) if "limit" in said else None
        window_s = next((w for q, w in policies.values() if q == count), None)
        yield Quota(f"ratelimit {count}", int(said["remaining"]), float(said["reset"]), count, window_s)
    for name, _, parameters in _POLICY.findall(text) if not said else ():
        said_here = dict(_PAIR.findall(parameters))
        limit, window_s = policies.get(name, (None, None))
        # without `t` nobody knows when it ends, but it cannot last longer than its window
        reset = said_here.get("t", window_s)
        if "r" in said_here and reset is not None:
            yield Quota(f'"{name}"', int(said_here["r"]), float(reset), limit, window_s)


def _policies(text: str) -> dict[str, tuple[int | None, float | None]]:
    """Name -> (requests, seconds): `100;w=60` is named by its number, `"minute";q=100;w=60` by its name."""
    policies: dict[str, tuple[int | None, float | None]] = {}
    for name, number, parameters in _POLICY.findall(text):
        said = dict(_PAIR.findall(parameters))
        quota = number or said.get("q")
        if "w" in said and float(said["w"]) > 0:
            policies[name or number] = (int(quota) if quota else None, float(said["w"]))
    return policies


def _seconds(text: str, headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds from now, whatever the kind of number; never below 0."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _EPOCH_S:
            return number
        moment: float | None = number if number < _EPOCH_MS else number / 1000
    else:
        duration = _DURATION.fullmatch(text)
        if duration is not None and text:
            hours, minutes, seconds, milliseconds = (float(part or 0) for part in duration.groups())
            return 3600 * hours + 60 * minutes + seconds + milliseconds / 1000
        moment = http_date(text) or _iso_date(text)
    if moment is None:
        return None
    served = http_date(headers.get("date", ""))
    return max(moment - (wall if served is None else min(max(wall, served), served + 1)), 0.0)


def _iso_date(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None
