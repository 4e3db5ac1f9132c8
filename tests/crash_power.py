"""Runs that end because the power is lost, with what was written and not synced: what is wrong when they are through.

The rows of `appended` have no key, so one that came twice shows. What the database has committed it has synced.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crashing import Complaint, Forks, Trial, trial
from lost_writes import KINDS

#: Steps of a run, about, and of one that is loaded in steps.
STEPS, STEPS_IN_STEPS = 265, 490


class End(NamedTuple):
    """How a run ends: before a step, or by itself (None); and whether the power is lost then, what the disk is like."""

    step: int | None
    lost: str = ""
    seed: int = 0


def what_is_wrong_after_losses(folder: Path, forks: Forks, ends: Sequence[End], **world: int) -> list[Complaint]:
    """End one run after the other so, and run it to its end; what is wrong then."""
    with trial(folder, forks, **world) as (made, found):
        wrong = []
        for number, end in enumerate(ends):
            code = ended(made, end, _boot(ends[:number]))
            if code not in (0, 137):
                wrong.append(Complaint(f"exit code {code}: {made.err.read_text()}"))
        code = made.run(boot=_boot(ends))
        if code != 0:
            return [*wrong, Complaint(f"exit code {code} of the run after: {made.err.read_text()}")]
        return wrong + made.judge(found)


def ended(made: Trial, end: End, boot: str) -> int:
    """One run that ends so; its exit code."""
    more: dict[str, Any] = {} if end.step is None else {"crash_at": end.step}
    if end.lost:
        more |= {"lose": end.lost, "seed": end.seed, **places(made)}
    return made.run(boot=boot, **more)


def places(made: Trial) -> dict[str, str]:
    """The folder in which what is not synced is lost, and the file for what is."""
    return {"of": str(made.folder / "home"), "note": str(made.folder / "synced")}


def _boot(ends: Sequence[End]) -> str:
    """The name of the time behind these ends: another one behind each loss."""
    return f"boot {sum(bool(end.lost) for end in ends)}"


def drawn_ends(draw: random.Random, *, in_steps: bool) -> list[End]:
    """One to four ends, most of them losses, the last one in any case, and more of them while it loads."""
    steps = STEPS_IN_STEPS if in_steps else STEPS
    found = []
    for number in reversed(range(draw.randint(1, 4))):
        place = draw.choice((None, draw.randrange(steps), draw.randrange(steps * 6 // 10, steps)))
        is_lost = draw.random() < 0.75 or number == 0
        found.append(End(place, draw.choice(KINDS) if is_lost else "", draw.randrange(1 << 16)))
    return found
