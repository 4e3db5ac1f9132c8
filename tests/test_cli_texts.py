"""The parts of the command line that need no dlt: parameters, targets, tables, plans."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from headrace.command.outcome import Outcome
from headrace.command.parameter import parse_params
from headrace.command.plan_text import plan_text
from headrace.command.progress import progress
from headrace.command.table import table_lines
from headrace.command.target import DuckDbFile, NamedDestination, check_duckdb, first_line, locked, parse_target
from headrace.command.terminal import Terminal
from headrace.engine import Report
from headrace.errors import LockedError, UsageError

PARAMETERS = [
    ("x=7", 7),
    ("x=-7", -7),
    ("x=0", 0),
    ("x=007", "007"),
    ("x=+7", "+7"),
    ("x=-0", "-0"),
    ("x= 7", " 7"),
    ("x=7.0", "7.0"),
    ("x=1_000", "1_000"),
    ("x=\N{ARABIC-INDIC DIGIT SEVEN}", "\N{ARABIC-INDIC DIGIT SEVEN}"),
    ("x=true", "true"),
    ("x=", ""),
    ("x=a=b", "a=b"),
    ("x=" + "9" * 5000, "9" * 5000),
]


@pytest.mark.parametrize(("said", "value"), PARAMETERS, ids=range(len(PARAMETERS)))
def test_only_a_canonical_whole_number_becomes_a_number(said, value):
    assert parse_params([said]) == {"x": [value]}


def test_a_parameter_said_twice_has_two_values_in_order():
    assert parse_params(["a=2", "b=x", "a=1"]) == {"a": [2, 1], "b": ["x"]}


@pytest.mark.parametrize("said", ["", "x", "=7", " =7"])
def test_a_parameter_needs_name_and_value(said):
    with pytest.raises(UsageError) as caught:
        parse_params([said])
    assert str(caught.value) == "expected `--param name=value`\nhint: for example `--param domain_id=7`"


TARGETS = {
    None: DuckDbFile("mail.duckdb"),
    "duckdb": DuckDbFile("mail.duckdb"),
    "duckdb:": DuckDbFile("mail.duckdb"),
    "duckdb:///x.duckdb": DuckDbFile("x.duckdb"),
    "duckdb:////tmp/x.duckdb": DuckDbFile("/tmp/x.duckdb"),  # noqa: S108
    "duckdb:x.duckdb": DuckDbFile("x.duckdb"),
    "duckdb:/tmp/x.duckdb": DuckDbFile("/tmp/x.duckdb"),  # noqa: S108
    "folder/x.db": DuckDbFile("folder/x.db"),
    "postgres": NamedDestination("postgres"),
    "mine.destinations.sink": NamedDestination("mine.destinations.sink"),
}


@pytest.mark.parametrize("said", TARGETS, ids=str)
def test_a_target_is_a_duckdb_file_or_a_name(said):
    assert parse_target(said, "mail") == TARGETS[said]


@pytest.mark.parametrize("said", ["duckdb:///", "duckdb:///:memory:", "duckdb://x.duckdb", "postgresql://u:secret@h/d"])
def test_a_target_that_cannot_work_is_refused_without_its_text(said):
    with pytest.raises(UsageError) as caught:
        parse_target(said, "mail")
    assert "secret@" not in str(caught.value)


def test_checking_a_database_leaves_no_file(tmp_path):
    check_duckdb(DuckDbFile(str(tmp_path / "x.duckdb")))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(UsageError, match="expected a file for the database"):
        check_duckdb(DuckDbFile(str(tmp_path)))


def test_the_holder_of_a_lock_is_named():
    words = 'IO Error: Could not set lock on file "/d/x.duckdb": Conflicting lock is held in /bin/python3.11 (PID 42).'
    assert str(locked(words)) == (
        "expected to open `/d/x.duckdb` for writing, process 42 (python3.11) holds it\n"
        "hint: try again when that has ended"
    )
    assert isinstance(locked('IO Error: Could not set lock on file "/d/x.duckdb": other words'), LockedError)
    assert locked("IO Error: Cannot open file") is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("IO Error: Cannot open file.\nmore", "Cannot open file"),
        ("\n\nConversion Error: no\n", "no"),
        ("", "no message"),
        ("a: b", "a: b"),
    ],
)
def test_foreign_words_are_cut_to_their_first_line(text, line):
    assert first_line(text) == line


def test_a_cell_cannot_steer_the_terminal():
    assert table_lines(["a"], [["\x1b[31mred\n"], [None], ["x" * 40]]) == ["a", " [31mred", "-", "x" * 25 + "..."]


def test_a_plan_whose_pages_are_all_known_says_how_many_requests_it_makes():
    resource = {
        "name": "a",
        "table": "a",
        "auth": None,
        "requests": [{"method": "POST", "url": "https://api.example.com/a?x=1", "params": {"y": ["1", "2"]}}],
        "paging": {"kind": "single_page", "ends": "after one page"},
        "rows_at": "$",
        "write": {"disposition": "replace"},
        "primary_key": [],
        "key_collisions": "keep_last",
        "dropped": [],
        "hashed": [],
        "parents": [],
        "incremental": None,
        "windows": None,
        "deletions": None,
        "as_objects": None,
        "whole": None,
    }
    described = {
        "base_url": "https://api.example.com",
        "retry": {"max_retries": 0, "backoff_factor": 2.0, "statuses": []},
        "in_flight": 1,
        "rate": None,
        "learn_rate": False,
        "resources": [resource],
    }
    assert plan_text(described).splitlines() == [
        "base url   https://api.example.com",
        "retries    none",
        "in flight  1 requests at the same time",
        "rate       not limited; after a 429 a rest",
        "",
        "1. a -> table a, replace",
        "   POST https://api.example.com/a?x=1&y=1&y=2",
        "   rows at  $",
        "   paging   single_page, ends after one page",
        "   pages    1",
        "   auth     none",
        "   loaded   in steps, while more is to come",
        "   rows     columns",
        "",
        "in all 1 request",
    ]


def outcome(said, dataset="d", tables=("t",)):
    tables = dict.fromkeys(tables, 1)
    return Outcome("p", DuckDbFile(said), dataset, tables, rows_now=True, report=Report(), seconds=0.0)


def test_the_next_command_survives_a_shell(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    plain, odd = outcome("x.duckdb").next_command(), outcome("it's $x.duckdb", tables=("Odd Name",)).next_command()
    assert plain == """python -c "import duckdb; duckdb.connect('x.duckdb').sql('from d.t limit 5').show()\""""
    code = """import duckdb; duckdb.connect("it's $x.duckdb").sql('from d."Odd Name" limit 5').show()"""
    assert odd == "python -c '" + code.replace("'", "'\"'\"'") + "'"


def test_the_next_command_uses_duckdb_where_it_is_installed(monkeypatch, tmp_path):
    program = tmp_path / "duckdb"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert outcome("x.duckdb").next_command() == 'duckdb x.duckdb "from d.t limit 5"'
    assert outcome("x.duckdb", tables=()).next_command() == 'duckdb x.duckdb "show all tables"'


def test_a_target_knows_its_absolute_path():
    assert DuckDbFile("x.duckdb").path == Path.cwd() / "x.duckdb"


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_each_resource_where_somebody_looks(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    report, screen, pipe = Report(), Screen(), io.StringIO()
    events = report.of("events")
    events.rows, events.pages, events.done = 1234, 5, True
    for stream, quiet in ((screen, False), (pipe, False), (muted := Screen(), True)):
        with progress(report, ["events"], Terminal(io.StringIO(), stream, {}), quiet=quiet):
            pass
    assert "1,234" in screen.getvalue()
    assert "loading ..." in screen.getvalue()
    assert pipe.getvalue() == muted.getvalue() == ""
