"""The documents keep up: generated pages, links, code blocks, and the lists that must be complete."""

from __future__ import annotations

import ast
import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from headrace.command.opened import Given
from headrace.command.pyfile import open_pyfile
from headrace.config import load_file, validate
from headrace.config.column import ColumnHints
from headrace.config.deletion import DeletionOptions
from headrace.config.fallback import FallbackOptions
from headrace.config.function import ActionOptions, StepOptions
from headrace.config.hint import ContractOptions, DispositionOptions, NestedHints
from headrace.config.incremental import IncrementalOptions
from headrace.config.kinds import AUTH_KINDS, PAGING_KINDS
from headrace.config.options import PARAM_KINDS, ClientOptions, EndpointOptions, ResourceOptions, RestConfig
from headrace.config.policy import LimitOptions, RateOptions, RetryOptions
from headrace.config.shape import FieldOptions
from headrace.config.together import EntryOptions
from headrace.config.window import WindowOptions
from headrace.engine import Report
from headrace.errors import HeadraceError

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "headrace"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MODELS = (
    *(RestConfig, ClientOptions, RetryOptions, LimitOptions, RateOptions, ResourceOptions, EndpointOptions),
    *(
        DeletionOptions,
        FieldOptions,
        ColumnHints,
        DispositionOptions,
        ContractOptions,
        NestedHints,
        StepOptions,
        ActionOptions,
        IncrementalOptions,
        WindowOptions,
        EntryOptions,
        FallbackOptions,
    ),
    *dict.fromkeys([*AUTH_KINDS.values(), *PAGING_KINDS.values(), *PARAM_KINDS.values()]),
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(language: str) -> list[object]:
    return [
        pytest.param(body, id=f"{page.name}-{number}")
        for page in PAGES
        for number, (kind, body) in enumerate(BLOCK.findall(page.read_text()))
        if kind == language
    ]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_reference_is_what_its_script_writes() -> None:
    """`.venv/bin/python scripts/reference` writes it anew."""
    loader = SourceFileLoader("reference", str(ROOT / "scripts" / "reference"))
    script = module_from_spec(spec_from_loader("reference", loader))
    loader.exec_module(script)
    assert read("docs/reference.md") == script.reference()


def test_every_option_is_in_the_reference() -> None:
    text = read("docs/reference.md")
    for model in MODELS:
        for name, field in model.model_fields.items():
            if name != "type":
                assert f"| `{field.alias or name}` |" in text
    for kind in (*AUTH_KINDS, *PAGING_KINDS, *PARAM_KINDS):
        assert f"`{kind}`" in text


def test_every_model_of_the_room_is_looked_at() -> None:
    """A model that is used anywhere in a configuration has its section."""
    known = {model.__name__ for model in MODELS} | {"ResourceDefaults", "NamedColumnHints"}
    assert set(RestConfig.model_json_schema()["$defs"]) <= known


def test_every_difference_of_an_option_is_listed() -> None:
    """What dlt does not know."""
    text = read("docs/compatibility.md")
    ours = {
        field.alias or name
        for model in MODELS
        for name, field in model.model_fields.items()
        if field.json_schema_extra["dlt"] == "ours"
    }
    assert [name for name in sorted(ours) if not re.search(rf"[`.]{name}[`:]", text)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text()), f"{target}#{anchor}"


def test_files_that_the_documents_name_exist() -> None:
    known = {path.name for path in SRC.rglob("*.py")}
    for page in PAGES:
        for name in re.findall(r"`((?:[\w.]+/)*\w+\.py)`", page.read_text()):
            there = (SRC / name).exists() or (ROOT / name).exists() or ("/" not in name and name in known)
            assert there or name in ("file.py", "links.py"), f"{page.name}: {name}"


@pytest.mark.parametrize("body", blocks("yaml"))
def test_yaml_is_a_configuration(body: str, tmp_path: Path) -> None:
    path = tmp_path / "block.yaml"
    path.write_text(body)
    assert validate(load_file(path), resolve_secret=lambda name: f"value of {name}").resources


@pytest.mark.parametrize("body", blocks("python"))
def test_python_runs(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `headrace run` takes it: up to the source, nothing is requested."""
    monkeypatch.setenv("API_KEY", "key-of-the-documents")
    path = tmp_path / "block.py"
    path.write_text(body)
    ast.parse(body)
    params = {"domain_id": [7]} if "{domain_id}" in body else {}
    assert open_pyfile(path, Given(params, None, Report())).plan.resources


def test_exit_codes_of_the_readme_are_all() -> None:
    codes = {
        int(code) for row in re.findall(r"^\| ([\d, ]+) \|", read("README.md"), re.MULTILINE) for code in row.split(",")
    }
    raised = {error.exit_code for error in (HeadraceError, *HeadraceError.__subclasses__())}
    assert codes == {0, *raised, 130, 143}


def test_the_readme_begins_with_two_commands() -> None:
    first = BLOCK.search(read("README.md"))
    assert first
    assert first[2].splitlines() == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/headrace demo",
        "./scripts/check",
    ]
