"""`python -m headrace.sim guides --port 0 --events 100000 --prerender`; or `shortio`, `mailgun`.

Writes one line of JSON (addresses and keys) to stdout when it is ready, then serves until
SIGTERM or SIGINT. With `--rate 10/1` it refuses what comes more often than 10 times a second.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from headrace.sim.faults import page_faults
from headrace.sim.guides import Guides
from headrace.sim.mailgun import command as mailgun
from headrace.sim.rate import HEADERS, LIMITERS, Rate
from headrace.sim.shortio import command as shortio

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve in the foreground; returns the exit code."""
    asked = _parser().parse_args(arguments)
    return int(asked.serve(asked))


def _guides(asked: argparse.Namespace) -> int:
    guides = Guides(
        events=asked.events,
        domains=asked.domains,
        links=asked.links,
        clicks=asked.clicks,
        seed=asked.seed,
        page_size=asked.page_size,
        faults=page_faults(asked.seed) if asked.faults else (),
        latency_s=asked.latency_s,
        gzip=asked.gzip,
        rate=_rate(asked),
        prerender=asked.prerender,
        tail=asked.tail,
    )
    with guides.serve(asked.port) as sim:
        ready = {"url": sim.url, "private_key": sim.private_key, "api_key": sim.api_key}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        sim.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headrace.sim", description="HTTP simulators")
    service = parser.add_subparsers(required=True, metavar="service")
    guides = service.add_parser("guides", help="the e-mail and the links service of the guides")
    guides.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for name in ("events", "domains", "links", "clicks", "seed", "page_size"):
        guides.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Guides, name), help="number")
    guides.add_argument("--latency-s", type=float, default=0.0, help="wait before each answer")
    guides.add_argument("--tail", default="same", choices=("same", "new_once", "new_forever"))
    guides.add_argument("--gzip", action="store_true", help="compress for clients that accept it")
    guides.add_argument("--prerender", action="store_true", help="render all pages at the start")
    guides.add_argument("--rate", help="requests/seconds that are let through, such as 10/1")
    guides.add_argument("--rate-kind", default="fixed", choices=sorted(LIMITERS), help="how they are counted")
    guides.add_argument("--rate-headers", default="none", choices=HEADERS, help="how answers say what is left")
    guides.add_argument("--rate-retry-after", action="store_true", help="refusals say when to come back")
    guides.add_argument("--faults", action="store_true", help="the usual bad day, by seed")
    guides.set_defaults(serve=_guides)
    mailgun.options(service.add_parser("mailgun", help="Mailgun: events, logs, suppressions, lists, two regions"))
    shortio.options(service.add_parser("shortio", help="Short.io: links, clicks, statistics"))
    return parser


def _rate(asked: argparse.Namespace) -> Rate | None:
    if asked.rate is None:
        return None
    requests, _, per_s = asked.rate.partition("/")
    return Rate(
        int(requests),
        float(per_s or 1),
        kind=asked.rate_kind,
        retry_after=asked.rate_retry_after,
        headers=asked.rate_headers,
    )


if __name__ == "__main__":
    sys.exit(main())
