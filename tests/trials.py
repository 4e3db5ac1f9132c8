"""Try `headrace run` in every bad way, run it to its end, and judge: `scripts/trials [options]`.

    scripts/trials                       1,000 schedules of faults, 300 kills, races of two runs, windows, power losses
    scripts/trials --tenth               100, 30, 30, 30 and 30
    scripts/trials --all-steps           besides, a run ended before each of its steps, each step refused, and the power
                                         lost before each of them in each way
    scripts/trials --seed 7 --only kill:12        that one again

Prints the seed, each trial that went wrong with the command that repeats it, and a table. `--write` puts the table into
docs/reliability.md. Exit code 1 if anything was lost, doubled or wrong otherwise. What is drawn comes from the seed
alone; what two processes do to one another, and where a kill meets a run, depends on the machine as well.
"""

from __future__ import annotations

import argparse
import errno
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from crash_ordered import what_is_wrong_after_ordered
from crash_power import End, drawn_ends, what_is_wrong_after_losses
from crashing import (
    IN_STEPS,
    Complaint,
    Forks,
    forks,
    trial,
    what_is_wrong_after_a_race,
    what_is_wrong_after_crash,
    what_is_wrong_after_failure,
    what_is_wrong_after_kills,
)
from lost_writes import KINDS as LOSSES
from schedules import what_is_wrong_after_schedule

COUNTS: Final = {"schedule": 1000, "kill": 300, "race": 300, "window": 300, "power": 300}
#: Steps of a run, about; one that has fewer is not ended by the last ones.
STEPS: Final = 265
DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "reliability.md"
_BEGIN, _END = "<!-- trials -->", "<!-- end of trials -->"


@dataclass(frozen=True)
class Whole:
    """A run that nobody ends: the names of its steps, and how long it takes."""

    steps: Sequence[str]
    seconds: float


def whole_run(folder: Path, forks: Forks) -> Whole:
    """Watch a run. Raises `SystemExit` if it is wrong already."""
    with trial(folder, forks) as (made, world):
        begin = time.monotonic()
        names = made.steps()
        seconds = time.monotonic() - begin
        if made.judge(world):
            raise SystemExit("a run that nobody ends is wrong already")
    return Whole(names, seconds)


def judged(kind: str, number: int, seed: int, folder: Path, two: Sequence[Forks], whole: Whole) -> list[Complaint]:
    """What is wrong after one trial, an error of the judge too."""
    draw = random.Random(f"{seed}/{kind}/{number}")
    try:
        return KINDS[kind](folder, two, draw, whole, number)
    except Exception as error:  # noqa: BLE001 - told with what repeats it, whatever happened
        return [Complaint(f"{type(error).__name__}: {error}")]


def _schedule(folder: Path, two: Sequence[Forks], draw: random.Random, _whole: Whole, _number: int) -> list[Complaint]:
    return what_is_wrong_after_schedule(folder, two[0], draw)


def _kill(folder: Path, two: Sequence[Forks], draw: random.Random, whole: Whole, _number: int) -> list[Complaint]:
    """One to four in a row, half of them at a moment, half at a step."""
    kills: list[dict[str, Any]] = []
    for _ in range(draw.randint(1, 4)):
        at_step = draw.random() < 0.5
        step, after_s = draw.randrange(STEPS), draw.uniform(0, whole.seconds)
        kills.append({"crash_at": step, "torn": draw.random() < 0.5} if at_step else {"kill_after_s": after_s})
    return what_is_wrong_after_kills(folder, two[0], kills)


def _race(folder: Path, two: Sequence[Forks], draw: random.Random, whole: Whole, _number: int) -> list[Complaint]:
    after_s, waits = draw.uniform(0, whole.seconds), draw.random() < 0.5
    return what_is_wrong_after_a_race(folder, two[0], two[1], after_s, waits=waits)


def _window(folder: Path, two: Sequence[Forks], draw: random.Random, _whole: Whole, _number: int) -> list[Complaint]:
    return what_is_wrong_after_ordered(folder, two[0], draw)


def _power(folder: Path, two: Sequence[Forks], draw: random.Random, _whole: Whole, _number: int) -> list[Complaint]:
    """One to four ends in a row, losses most of them; some of runs that are loaded in steps."""
    in_steps = draw.random() < 0.4
    ends = drawn_ends(draw, in_steps=in_steps)
    wrong = what_is_wrong_after_losses(folder, two[0], ends, **(IN_STEPS if in_steps else {}))
    return [*wrong, Complaint(f"after {ends}")] if wrong else []


def _loss(folder: Path, two: Sequence[Forks], draw: random.Random, _whole: Whole, number: int) -> list[Complaint]:
    end = End(number // len(LOSSES), LOSSES[number % len(LOSSES)], draw.randrange(1 << 16))
    return what_is_wrong_after_losses(folder, two[0], [end])


def _crash(folder: Path, two: Sequence[Forks], draw: random.Random, _whole: Whole, number: int) -> list[Complaint]:
    return what_is_wrong_after_crash(folder, two[0], number, torn=draw.random() < 0.5)


def _failure(folder: Path, two: Sequence[Forks], draw: random.Random, _whole: Whole, number: int) -> list[Complaint]:
    return what_is_wrong_after_failure(folder, two[0], number, draw.choice([errno.ENOSPC, errno.EIO]))


KINDS: Final[dict[str, Callable[[Path, Sequence[Forks], random.Random, Whole, int], list[Complaint]]]] = {
    "schedule": _schedule,
    "kill": _kill,
    "race": _race,
    "window": _window,
    "power": _power,
    "crash": _crash,
    "failure": _failure,
    "loss": _loss,
}


@dataclass
class Tally:
    """What came of the trials of one kind; `silent` had exit code 0 and rows that lack."""

    tried: int = 0
    wrong: int = 0
    lost: int = 0
    doubled: int = 0
    silent: int = 0
    foreign: int = 0

    def add(self, found: Sequence[Complaint]) -> None:
        """One trial more."""
        self.tried += 1
        self.wrong += bool(found)
        self.lost += sum(each.lost for each in found)
        self.doubled += sum(each.doubled for each in found)
        self.silent += any(each.lost for each in found)
        self.foreign += sum(each.foreign for each in found)


def main() -> int:
    """Try all; 1 if anything is wrong."""
    args = _arguments()
    print(f"seed {args.seed}", flush=True)
    begin = time.monotonic()
    with ExitStack() as held, tempfile.TemporaryDirectory(prefix="headrace-trials-") as home:
        pairs: SimpleQueue[tuple[Forks, Forks]] = SimpleQueue()
        for _ in range(args.workers):
            pairs.put((held.enter_context(forks()), held.enter_context(forks())))
        pair = pairs.get()
        whole = whole_run(Path(home) / "whole", pair[0])
        pairs.put(pair)
        print(f"{len(whole.steps)} steps in a run of {whole.seconds:.1f} s", flush=True)
        tallies = _tried(args, Path(home), pairs, whole)
    table = _table(tallies)
    print(table)
    print(f"{time.monotonic() - begin:.0f} s")
    if args.write:
        _write(table, args.seed, time.monotonic() - begin)
    return int(any(tally.wrong for tally in tallies.values()))


def _tried(args: argparse.Namespace, home: Path, pairs: Any, whole: Whole) -> dict[str, Tally]:
    """All trials, so many at a time as there are pairs of forks."""
    tallies: dict[str, Tally] = {}
    begin = time.monotonic()

    def one(case: tuple[str, int]) -> tuple[str, int, list[Complaint]]:
        if time.monotonic() - begin > args.seconds:
            return *case, [Complaint("")]
        pair = pairs.get()
        try:
            with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
                return *case, judged(*case, args.seed, Path(folder), pair, whole)
        finally:
            pairs.put(pair)

    cases = _cases(args, whole)
    with ThreadPoolExecutor(args.workers) as pool:
        try:
            for kind, number, found in pool.map(one, cases):
                if [each.text for each in found] == [""]:
                    continue  # there was no time for it
                tally = tallies.setdefault(kind, Tally())
                tally.add(found)
                if found:
                    print(f"{kind} {number}: {'; '.join(each.text for each in found)}", flush=True)
                    print(f"  again: scripts/trials --seed {args.seed} --only {kind}:{number}", flush=True)
                tried, wrong = (sum(getattr(each, name) for each in tallies.values()) for name in ("tried", "wrong"))
                if tried % 50 == 0:
                    print(f"{tried} of {len(cases)}, {wrong} wrong, {time.monotonic() - begin:.0f} s", flush=True)
        except KeyboardInterrupt:
            print("stopped; those under way are ended", flush=True)
            pool.shutdown(wait=False, cancel_futures=True)
    return tallies


def _cases(args: argparse.Namespace, whole: Whole) -> list[tuple[str, int]]:
    if args.only:
        kind, _, number = args.only.partition(":")
        return [(kind, int(number))]
    counts = {kind: getattr(args, f"{kind}s") // (10 if args.tenth else 1) for kind in COUNTS}
    if args.all_steps:
        counts |= {"crash": len(whole.steps), "failure": len(whole.steps), "loss": len(whole.steps) * len(LOSSES)}
    # kinds take turns, so that a run that is ended has tried some of each
    return sorted(((kind, number) for kind, count in counts.items() for number in range(count)),
                  key=lambda case: (case[1] + 0.5) / counts[case[0]])  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    for kind, count in COUNTS.items():
        parser.add_argument(f"--{kind}s", type=int, default=count, help=f"so many of them, {count} without it")
    parser.add_argument("--tenth", action="store_true", help="a tenth of each")
    parser.add_argument("--all-steps", action="store_true", help="each step of a run once, and refused once")
    parser.add_argument("--only", metavar="KIND:NUMBER", help="one trial")
    parser.add_argument("--workers", type=int, default=2, help="so many at a time")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin none after that")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    return parser.parse_args()


def _table(tallies: dict[str, Tally]) -> str:
    lines = ["| kind | tried | wrong | rows lost | rows doubled | silent successes | requests off-origin |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for kind, tally in sorted(tallies.items(), key=lambda item: list(KINDS).index(item[0])):
        parts = (tally.tried, tally.wrong, tally.lost, tally.doubled, tally.silent, tally.foreign)
        lines.append(f"| {kind} | {' | '.join(f'{part:,}' for part in parts)} |")
    return "\n".join(lines)


def _write(table: str, seed: int, seconds: float) -> None:
    today = datetime.now(timezone.utc).strftime("%d %B %Y").lstrip("0")
    said = f"{today}, seed {seed}, dlt {version('dlt')}, DuckDB {version('duckdb')}, {seconds / 60:.0f} min."
    text = DOCUMENT.read_text(encoding="utf-8")
    made = f"{_BEGIN}\n{said}\n\n{table}\n{_END}"
    DOCUMENT.write_text(re.sub(f"{_BEGIN}.*?{_END}", lambda _: made, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
