"""The catalogue of faults: every scene through the command line, judged by the simulator's ledger."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from catalogue.play import Verdict
from catalogue.row import rows
from catalogue.stage import stage

HOME = Path(__file__).parent
COUNTS = {"N": 27, "H": 23, "P": 19, "D": 24, "I": 12, "C": 17, "S": 18}
SCENES = [(row.id, number, scene.name) for row in rows().values() for number, scene in enumerate(row.scenes)]


@pytest.fixture(scope="module")
def play() -> Iterator[Callable[..., Verdict]]:
    with stage() as act:
        yield act


@pytest.mark.parametrize(("fault", "number"), [case[:2] for case in SCENES], ids=[f"{a} {c}" for a, _, c in SCENES])
def test_a_fault_loses_and_doubles_nothing(
    fault: str, number: int, play: Callable[..., Verdict], tmp_path: Path
) -> None:
    """All rows once, or one named error and all rows once it has passed; the key in no file and at no other host."""
    verdict = play(fault, number, "headrace", tmp_path / "scene")
    assert not verdict.wrong, "\n".join(verdict.wrong)


def test_every_fault_is_there_and_shown() -> None:
    found = rows()
    assert list(found) == [f"{letter}{number:02}" for letter, count in COUNTS.items() for number in range(1, count + 1)]
    for row in found.values():
        assert (row.standing == "kept") == (not row.reason), row.id
        assert row.scenes or row.tests or row.standing != "kept", row.id


def test_tests_that_rows_name_exist() -> None:
    for row in rows().values():
        for name in row.tests:
            file, _, function = name.partition("::")
            assert (HOME / file).exists(), f"{row.id}: {file}"
            assert not function or function in functions(file), f"{row.id}: {name}"


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((HOME / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_documents_say_what_is_not_promised_and_what_lacks() -> None:
    text = (HOME.parent / "docs" / "reliability.md").read_text()
    for row in rows().values():
        if row.standing != "open":
            for words in filter(None, (row.reason, row.lacks)):
                assert f"| {row.id} | {row.fault} | {words} |" in text
    assert sum(row.standing == "not promised" for row in rows().values()) <= 10
