"""The house: import order, who may import what, sizes and names of files. See `docs/architecture.md`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "headrace"
FILES = sorted(SRC.rglob("*.py"))
OURS = sorted(path for folder in ("src", "tests", "bench", "examples") for path in (ROOT / folder).rglob("*.py"))

#: Who may import whom: a room imports rooms of lines above its own, and itself. Rooms of one line do not know each
#: other, except that vocabulary is one room in several files.
ORDER = (
    {"vocabulary"},
    {"config"},
    {"paginate"},
    {"plan"},
    {"transport", "decode", "normalise", "keep"},
    {"engine"},
    {"bridge"},
    {"connectors"},
    {"command"},
    {"cli"},
)
#: What stands beside the rooms, and the room that it counts for. `headrace` itself has the version and lazy names.
ROOM_OF = {
    "headrace": "vocabulary",
    **dict.fromkeys(
        ("secrets", "split_secret", "uncollected", "errors", "clock", "jsonpath", "message", "moment"), "vocabulary"
    ),
    "__main__": "cli",
}
LINE_OF = {room: line for line, rooms in enumerate(ORDER) for room in rooms}
LONGEST = 400
HEAVY = ("dlt", "duckdb", "pyarrow", "pydantic")


@dataclass(frozen=True)
class Import:
    """`module` as written; `late` inside a function, `typing` under TYPE_CHECKING."""

    module: str
    late: bool = False
    typing: bool = False


def name_of(path: Path) -> str:
    """The dotted name of a file of ours: `headrace.engine.fetch`, `headrace.engine` for its `__init__.py`."""
    parts = ["headrace", *path.relative_to(SRC).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The room of a module: its first folder, or what `ROOM_OF` says of a file beside the rooms."""
    step = module.split(".")[1] if "." in module else module
    return ROOM_OF.get(step, step)


def imports_of(path: Path) -> list[Import]:
    return list(_imports(ast.parse(path.read_text()), late=False, typing=False))


def _imports(node: ast.AST, *, late: bool, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, late, typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            assert child.module
            # `from headrace import sim` names a module, `from headrace.sim import Guides` a name in one
            modules = {f"{child.module}.{alias.name}" for alias in child.names} & MODULES
            yield from (Import(module, late, typing) for module in modules or {child.module})
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            yield from _imports(child, late=late or is_function, typing=typing or is_typing)


MODULES = {name_of(path) for path in FILES}
IMPORTS = {path: imports_of(path) for path in FILES}
INNER = [path for path in FILES if path != SRC / "__init__.py"]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", INNER, ids=shown)
def test_imports_go_one_way(path: Path) -> None:
    """Late imports and those for types count too: who knows whom is not a question of time."""
    own = room_of(name_of(path))
    for found in IMPORTS[path]:
        if found.module.split(".")[0] != "headrace":
            continue
        room = room_of(found.module)
        if room == own:
            continue
        if room == "sim":
            assert own in ("command", "cli"), "the simulators serve the command line and tests"
            continue
        assert own != "sim", "the simulators share no code with the engine"
        assert LINE_OF[room] < LINE_OF[own], f"{own} imports {found.module}"


def test_every_room_has_its_line() -> None:
    """A new room or file beside the rooms is put into the order first."""
    assert {room_of(name_of(path)) for path in FILES} - {"sim"} <= LINE_OF.keys()


def test_no_import_cycle() -> None:
    """At the time of import, file by file; a package is its `__init__.py`."""
    graph = {
        name_of(path): {one.module for one in imports if not (one.late or one.typing)} & MODULES - {name_of(path)}
        for path, imports in IMPORTS.items()
    }
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the files


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("aiohttp", "transport/send.py"),
        ("yarl", "transport/send.py"),
        ("dlt", "bridge/*.py command/failure.py command/pipeline.py command/pyfile.py connectors/**/*.py"),
        ("duckdb", "engine/scratch.py command/*.py"),
        ("pydantic", "config/*.py"),
        ("yaml", "config/load.py"),
        ("typer", "cli.py"),
        ("rich", "command/*.py"),
    ],
)
def test_libraries_stay_in_their_files(library: str, allowed: str) -> None:
    homes = {path for pattern in allowed.split() for path in SRC.glob(pattern)}
    users = {path for path, imports in IMPORTS.items() if any(one.module.split(".")[0] == library for one in imports)}
    assert {shown(path) for path in users - homes} == set()
    assert users, f"nobody imports {library}: take it out of this table"


def test_connectors_import_dlt_for_its_types_alone() -> None:
    for path in (SRC / "connectors").rglob("*.py"):
        assert not any(one.module.split(".")[0] == "dlt" and not one.typing for one in IMPORTS[path]), shown(path)


def test_simulators_are_standard_library_only() -> None:
    for path in (SRC / "sim").rglob("*.py"):
        for found in IMPORTS[path]:
            top = found.module.split(".")[0]
            assert top in sys.stdlib_module_names or room_of(found.module) == "sim", f"{shown(path)}: {found.module}"


def test_files_are_short() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in OURS}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_dumping_grounds() -> None:
    banned = {"util", "utils", "helper", "helpers", "common", "misc"}
    found = [shown(path) for path in OURS if banned & {word for part in path.parts for word in path_words(part)}]
    assert found == []


def path_words(part: str) -> list[str]:
    return part.removesuffix(".py").split("_")


def test_nothing_prints() -> None:
    """Streams are arguments; the command line writes through `command.terminal`."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "print"), f"{shown(path)}:{called.lineno}"


def test_every_room_says_what_it_is() -> None:
    for path in SRC.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), shown(path)


def test_help_imports_nothing_heavy() -> None:
    """`headrace --help` answers in 0.15 s; each of these costs more than that alone."""
    code = (
        "import sys\n"
        "from headrace.cli import main\n"
        "assert main(['--help']) == 0\n"
        f"sys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "Usage: headrace" in done.stdout
