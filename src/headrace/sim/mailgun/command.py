"""`headrace sim mailgun`: its options, and the foreground."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from headrace.sim.faults import page_faults
from headrace.sim.mailgun.clock import DAY_S, Clock
from headrace.sim.mailgun.dates import parsed
from headrace.sim.mailgun.demo import SIZES, demo_world
from headrace.sim.mailgun.doubts import Doubts
from headrace.sim.mailgun.limits import REAL
from headrace.sim.mailgun.running import Mailgun
from headrace.sim.rate import Rate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

__all__ = ["options"]

#: How the text of a switch becomes its value, by name or by the type of its first value.
_TYPES: Mapping[object, Callable[[str], object]] = {
    bool: lambda text: text.lower() in {"true", "yes", "1"},
    int: int,
    "token_life_s": float,
}
_COUNTS = ("domains", "events", "addresses", "members")


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; `serve` of what is parsed runs it."""
    parser.add_argument("--port", type=int, default=0, help="of the host in the US; 0 takes a free one")
    parser.add_argument("--eu-port", type=int, default=0, help="of the host in the EU")
    parser.add_argument("--size", default="small", choices=SIZES, help="how many rows")
    for name in _COUNTS:
        each = "" if name == "domains" else " for each domain"
        parser.add_argument(f"--{name}", type=int, help=f"number{each}, in place of the size's")
    parser.add_argument("--seed", type=int, default=0, help="number")
    parser.add_argument("--start", help="epoch seconds or RFC 2822 date at which the clock begins to run, not now")
    parser.add_argument("--ahead-s", type=float, default=0.0, help="seconds from the start on in which events come")
    parser.add_argument("--retention-days", type=float, default=5.0, help="how long events can be read")
    parser.add_argument("--doubt", action="append", default=[], metavar="NAME=VALUE", help="a switch of Doubts")
    parser.add_argument("--rate", default="real", help="requests/seconds for all together, or real, or none")
    parser.add_argument("--latency-s", type=float, default=0.0, help="wait before each answer")
    parser.add_argument("--gzip", action="store_true", help="compress for clients that accept it")
    parser.add_argument("--prerender", action="store_true", help="render all events at the start")
    parser.add_argument("--faults", action="store_true", help="the usual bad day, by seed")
    parser.set_defaults(serve=_serve, usage_error=parser.error)


def _serve(asked: argparse.Namespace) -> int:
    start_s = None if asked.start is None else parsed(asked.start)
    if asked.start is not None and start_s is None:
        asked.usage_error(f"--start: expected epoch seconds or a date of RFC 2822, got {asked.start}")
    given = {name: getattr(asked, name) for name in _COUNTS if getattr(asked, name) is not None}
    size = replace(SIZES[asked.size], **given)
    doubts = _doubts(asked)
    world = demo_world(
        size,
        seed=asked.seed,
        clock=Clock(start_s, runs=True),
        retention_s=asked.retention_days * DAY_S,
        ahead_s=asked.ahead_s,
        keep=asked.prerender,
    )
    mailgun = Mailgun(
        world,
        doubts,
        rates=_rates(asked.rate),
        faults=page_faults(asked.seed, ("domains", "events", "logs", "bounces")) if asked.faults else (),
        latency_s=asked.latency_s,
        gzip=asked.gzip,
    )
    with mailgun.serve(asked.port, asked.eu_port) as sim:
        keys = {row["role"]: secret for row, secret in zip(world.key_rows.rows(), world.secrets, strict=True)}
        ready = {"url": sim.url, "eu_url": sim.eu_url, "api_key": sim.key, "keys": keys}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        sim.wait()
    return 0


def _doubts(asked: argparse.Namespace) -> Doubts:
    """The switches that are named, of the type that their first value has."""
    given: dict[str, Any] = {}
    known = {field.name: field.default for field in fields(Doubts)}
    for text in asked.doubt:
        name, _, value = text.partition("=")
        if name not in known:
            asked.usage_error(f"--doubt: expected one of {', '.join(known)}, got {name}")
        try:
            given[name] = _TYPES.get(name, _TYPES.get(type(known[name]), str))(value)
        except ValueError:
            asked.usage_error(f"--doubt: expected a number for {name}, got {value}")
    try:
        return Doubts(**given)
    except ValueError as error:
        return asked.usage_error(f"--doubt: {error}")  # type: ignore[no-any-return]


def _rates(text: str) -> Rate | Mapping[str, Rate] | None:
    if text == "real":
        return REAL
    if text == "none":
        return None
    requests, _, per_s = text.partition("/")
    return Rate(int(requests), float(per_s or 1))
