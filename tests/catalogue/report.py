"""All of the catalogue run, and what came of it as a table.

scripts/faults                the whole; exit code 1 when a row is not as it must be
scripts/faults --stock        the same, and stock dlt's rest_api put before the same scenes
scripts/faults --only N P07   some rows, by the beginning of their ids
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from catalogue.row import Row, rows
from catalogue.stage import HOME, stage

if TYPE_CHECKING:
    from catalogue.play import Verdict
    from catalogue.scene import Scene

HEAD = ("id", "fault", "scene", "outcome", "lost", "doubled")
#: Scene by row and number -> engine -> what came of it.
Verdicts = Mapping[tuple[str, int], Mapping[str, "Verdict"]]


@dataclass(frozen=True)
class Tested:
    """How many tests of a row passed, failed, were skipped."""

    counts: Counter[str]

    @property
    def is_good(self) -> bool:
        return bool(self.counts["passed"]) and not self.counts["failed"]

    def __str__(self) -> str:
        return ", ".join(f"{count} tests {word}" for word, count in sorted(self.counts.items(), reverse=True) if count)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stock", action="store_true", help="stock dlt as well")
    parser.add_argument("--only", nargs="*", default=[""], metavar="ID", help="rows whose id begins so")
    parser.add_argument("--jobs", type=int, default=2, help="scenes of headrace at a time")
    parser.add_argument("--without-tests", action="store_true", help="scenes alone")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the table for the documentation")
    asked = parser.parse_args(arguments)
    begin = time.monotonic()
    chosen = [row for row in rows().values() if row.id.startswith(tuple(asked.only))]
    verdicts = {key: {"headrace": verdict} for key, verdict in scenes(chosen, "headrace", asked.jobs)}
    if asked.stock:
        for key, verdict in scenes(chosen, "dlt", 3 * asked.jobs):
            verdicts[key]["dlt"] = verdict
    tested = {} if asked.without_tests else tests(chosen)
    lines = list(table(chosen, verdicts, tested, stock=asked.stock))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    wrong = [f"{key[0]} {key[1]}: {text}" for key, found in verdicts.items() for text in found["headrace"].wrong]
    wrong += [f"{row_id}: {what}" for row_id, what in tested.items() if not what.is_good]
    print(*("", *wrong) if wrong else (), sep="\n")
    kept = [found["headrace"] for key, found in verdicts.items() if rows()[key[0]].standing == "kept"]
    print(
        f"\n{len(chosen)} faults, {len(verdicts)} scenes; where promised {sum(one.lost for one in kept)} rows lost, "
        f"{sum(one.doubled for one in kept)} doubled; {len(wrong)} not as they must be, "
        f"{time.monotonic() - begin:.0f} s"
    )
    if asked.markdown:
        asked.markdown.write_text("".join(f"| {' | '.join(cells)} |\n" for cells in marked(lines)), encoding="utf-8")
    return int(bool(wrong))


def scenes(chosen: Iterable[Row], engine: str, jobs: int) -> list[tuple[tuple[str, int], Verdict]]:
    """Play the scenes of `chosen`, `jobs` at a time; one that is not as it must be once more, alone."""
    keys = [
        (row.id, number)
        for row in chosen
        for number, scene in enumerate(row.scenes)
        if engine == "headrace" or scene.stock
    ]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        stages: SimpleQueue[Any] = SimpleQueue()
        open_stages = [stage() for _ in range(jobs)]
        for one in open_stages:
            stages.put(one.__enter__())

        def play(key: tuple[str, int]) -> tuple[tuple[str, int], Verdict]:
            act = stages.get()
            try:
                return key, act(*key, engine, Path(folder, f"{key[0]}-{key[1]}"), seconds(engine, key[0]))
            finally:
                stages.put(act)

        try:
            with ThreadPoolExecutor(jobs) as pool:
                return list(pool.map(play, keys))
        finally:
            for one in open_stages:
                one.__exit__(None, None, None)


def seconds(engine: str, row: str) -> float:
    """What a scene may take: stock dlt has a time-out of 60 s, and pages for ever where it does."""
    return 75.0 if engine == "dlt" and row[0] in "NH" else 30.0 if engine == "dlt" else 60.0


def tests(chosen: Iterable[Row]) -> dict[str, Tested]:
    """Run the tests that rows name, each once."""
    chosen = [row for row in chosen if row.tests]
    names = sorted({name for row in chosen for name in row.tests})
    if not names:
        return {}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        result = Path(folder, "result.xml")
        options = [
            *("-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "worksteal", "--no-header", "--tb=short"),
            f"--junitxml={result}",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *(str(HOME / name) for name in names)],
            cwd=HOME.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if not result.exists():
            raise SystemExit(done.stdout + done.stderr)
        found: dict[str, Counter[str]] = {}
        for case in ET.parse(result).iter("testcase"):  # noqa: S314 - written by pytest, just now
            file = case.attrib["classname"].rpartition(".")[2] + ".py"
            kinds = {child.tag for child in case}
            word = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            for name in (file, f"{file}::{case.attrib['name'].partition('[')[0]}"):
                found.setdefault(name, Counter())[word] += 1
        for line in re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE):
            print(line)
    return {row.id: Tested(sum((found.get(name, Counter()) for name in row.tests), Counter())) for row in chosen}


def table(
    chosen: Iterable[Row], verdicts: Verdicts, tested: Mapping[str, Tested], *, stock: bool
) -> Iterable[tuple[str, ...]]:
    """The lines, the head first: one a scene, and one for the tests of a row."""
    yield HEAD + (("stock dlt", "lost", "doubled") if stock else ())
    empty = ("",) * (3 if stock else 0)
    for row in chosen:
        if row.standing != "kept":
            yield (row.id, row.fault, "", row.standing, "", "", *empty)
        for number, scene in enumerate(row.scenes):
            found = verdicts[row.id, number]
            mine = found["headrace"]
            cells = (row.id, row.fault, scene.name, outcome(mine, scene), str(mine.lost), str(mine.doubled))
            other = found.get("dlt")
            yield cells + (stock_cells(other, row) if other is not None else empty)
        if row.id in tested:
            good = tested[row.id]
            yield (row.id, row.fault, "", f"{good}", *(("0", "0") if good.is_good else ("?", "?")), *empty)


def outcome(verdict: Verdict, scene: Scene) -> str:
    """What came of a scene, in a few words."""
    if verdict.ended != "error":
        return "exit 0, rows lost" if verdict.ended == "whole" and verdict.lost else verdict.ended
    again = "" if scene.final or verdict.wrong else ", then whole"
    return f"error {verdict.exit_code}{again}"


def stock_cells(verdict: Verdict, row: Row) -> tuple[str, str, str]:
    """The same for stock dlt: an error keeps nothing, and rows that lack after exit code 0 lack silently."""
    words = {
        "whole": "whole",
        "error": "error, nothing kept",
        "endless": f"no end within {seconds('dlt', row.id):.0f} s",
    }
    said = words.get(verdict.ended, verdict.ended)
    if verdict.ended == "whole" and (verdict.lost or verdict.doubled):
        said = "exit 0, wrong rows"
    if verdict.foreign:
        said += f", asked a foreign host{' with the key' if verdict.keys else ''}"
    if verdict.memory_mib > 1024:
        said += f", {verdict.memory_mib / 1024:.1f} GiB"
    done = verdict.ended == "whole"
    return said, str(verdict.lost) if done else "-", str(verdict.doubled) if done else "-"


def marked(lines: list[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    """The lines as cells of a table in Markdown."""
    yield lines[0]
    yield ("---",) * len(lines[0])
    yield from (tuple(cell.replace("|", "\\|") for cell in line) for line in lines[1:])


if __name__ == "__main__":
    sys.exit(main())
