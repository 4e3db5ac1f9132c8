"""`headrace sim shortio`: its options, and the foreground."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from headrace.sim.faults import Fault, page_faults
from headrace.sim.rate import Rate
from headrace.sim.shortio.doubts import Doubts
from headrace.sim.shortio.instants import SECOND_MS, moment
from headrace.sim.shortio.rows import SIZES, fill
from headrace.sim.shortio.service import Rates
from headrace.sim.shortio.simulator import Shortio
from headrace.sim.shortio.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["options"]

_DOUBT = "a switch and its value as JSON or text, such as token_kind=position; repeat it for several"
_COUNTS = ("domains", "links", "clicks", "days")
_RESOURCES = ("domains", "links", "last_clicks", "link_clicks")


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; `serve` of what is parsed runs it."""
    parser.add_argument(
        "--port", type=int, default=0, help="of the API; statistics take the next one; 0 takes free ones"
    )
    parser.add_argument("--size", default="small", choices=SIZES, help="how many rows")
    for name in _COUNTS:
        parser.add_argument(f"--{name}", type=int, help="number, in place of the size's")
    parser.add_argument("--ahead-s", type=float, help="seconds after the start in which clicks still come")
    parser.add_argument("--seed", type=int, default=0, help="number")
    parser.add_argument("--start", help="ISO moment at which the clock begins to run, in place of now")
    parser.add_argument("--doubt", action="append", default=[], type=_doubt, metavar="NAME=VALUE", help=_DOUBT)
    parser.add_argument("--rate", default="10/60", help="requests/seconds let through to statistics, or none")
    parser.add_argument("--latency-s", type=float, default=0.0, help="wait before each answer")
    parser.add_argument("--gzip", action="store_true", help="compress for clients that accept it")
    parser.add_argument("--faults", action="store_true", help="the usual bad day, by seed")
    parser.set_defaults(serve=_serve)


def _serve(asked: argparse.Namespace) -> int:
    world = World(doubts=Doubts(**dict(asked.doubt)), wall=_wall(asked.start), seed=asked.seed)
    given = {name: getattr(asked, name) for name in (*_COUNTS, "ahead_s") if getattr(asked, name) is not None}
    fill(world, replace(SIZES[asked.size], **given), seed=asked.seed)
    service = Shortio(
        world,
        rates=_rates(asked.rate),
        faults=_bad_day(asked.seed) if asked.faults else (),
        latency_s=asked.latency_s,
        gzip=asked.gzip,
    )
    with service.serve(asked.port) as sim:
        ready = {"url": sim.api_url, "statistics_url": sim.statistics_url, "dead_url": sim.dead_url, "api_key": sim.key}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        sim.wait()
    return 0


def _doubt(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    names = [one.name for one in fields(Doubts)]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or names
        raise argparse.ArgumentTypeError(f"expected the name of a switch, got {name!r}: try one of {', '.join(near)}")
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return name, tuple(read) if isinstance(read, list) else read


def _wall(start: str | None) -> Callable[[], float]:
    """The machine's clock, put back to a start where there is one."""
    if start is None:
        return time.time
    began, first = time.monotonic(), moment(start) / SECOND_MS
    return lambda: first + time.monotonic() - began


def _bad_day(seed: int) -> list[Fault]:
    """The usual faults, by request: pages of clicks have no numbers."""
    faults = page_faults(seed, _RESOURCES)
    return [Fault(one.name, one.at, resource=one.resource, by="hit", **one.params) for one in faults]


def _rates(text: str) -> Rates:
    if text == "none":
        return Rates(None, None)
    requests, _, per_s = text.partition("/")
    return Rates(statistics=Rate(int(requests), float(per_s or 1), kind="sliding", retry_after=True))
