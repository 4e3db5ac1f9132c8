"""Files: what stands in them comes out, and what is wrong is told with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config import load_file
from headrace.errors import ConfigError, UsageError


def write(folder: Path, name: str, body: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return path


YAML_VALUES = [
    ("a: NO", "NO"),
    ("a: on", "on"),
    ("a: true", True),
    ("a: False", False),
    ("a: 0123", "0123"),
    ("a: 1_000", "1_000"),
    ("a: 12:30", "12:30"),
    ("a: 2024-01-05", "2024-01-05"),
    ("a: 0", 0),
    ("a: -12", -12),
    ("a: 1e3", 1000.0),
    ("a: 1.5", 1.5),
    ("a: 0x1F", "0x1F"),
    ("a: null", None),
    ("a: None", None),
    ("a: ~", None),
    ("a:", None),
    ("a: '1'", "1"),
    ("a: [1, 2,]", [1, 2]),
    ("a: {b: 1,}", {"b": 1}),
    ("a: \"see dlt.secrets['x'], or so\"", "see dlt.secrets['x'], or so"),
    ("b: &b {x: 1}\na: {<<: *b, x: 2}", {"x": 2}),
]


@pytest.mark.parametrize(("text", "expected"), YAML_VALUES)
def test_yaml_values_are_what_was_typed(text: str, expected: object, tmp_path: Path) -> None:
    """No value changes because of what YAML 1.1 thought of it."""
    assert load_file(write(tmp_path, "x.yaml", text))["a"] == expected


BROKEN = [
    ("x.yaml", "a: 1\n\tb: 2\n", "expected spaces, got a tab in line 2, column 1\n  hint: YAML is indented by spaces"),
    (
        "x.yaml",
        "a:\n  b: 1\n  c: 2\n  b: 3\n",
        "expected the key `b` once, got it again after line 2 in line 4, column 3",
    ),
    (
        "x.yml",
        "a: {b: 1\nc: 2\n",
        "expected YAML, expected ',' or '}', but got ':', while parsing a flow mapping in line 2, column 2",
    ),
    (
        "x.yml",
        'a: {b: dlt.secrets["k"], c: ]\n}',
        "expected YAML, expected the node content, but found ']', while parsing a flow node in line 1, column 29",
    ),
    (
        "x.yaml",
        "a: !!python/object/apply:os.system [ls]\n",
        "expected YAML, could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system' in line 1, column 4",
    ),
    ("x.yaml", "a: \x00", "expected YAML, got the character U+0000 in line 1"),
    ("x.yaml", "- a\n- b\n", "expected a mapping with `client` and `resources` at the top, got a list"),
    ("x.yaml", "", "expected a mapping with `client` and `resources` at the top, got nothing"),
    ("x.json", '{"a": 1,\n "b" 2}', "expected JSON: expecting ':' delimiter in line 2, column 6"),
    ("x.json", '{"a": 1, "a": 2}', "expected the key `a` once, got it 2 times"),
    ("x.json", "7", "expected a mapping with `client` and `resources` at the top, got a number"),
    ("x.toml", "a = 1\nb = \n", "expected TOML: unexpected character: '\\n' in line 2, column 5"),
    ("x.toml", "a = 1\na = 2\n", 'expected TOML: key "a" already exists in line 2, column 1'),
    ("x.yaml", b"a: 1\nb: \xff\n", "expected UTF-8 text, got the byte 0xff in line 2"),
]


@pytest.mark.parametrize(("name", "body", "expected"), BROKEN)
def test_broken_files(name: str, body: str | bytes, expected: str, tmp_path: Path) -> None:
    """A file that cannot be read is one problem, with its place."""
    path = write(tmp_path, name, body)
    with pytest.raises(ConfigError) as caught:
        load_file(path)
    assert str(caught.value) == f"1 problem in {path}\n- {expected}"


def test_toml_dates_stay_text(tmp_path: Path) -> None:
    assert load_file(write(tmp_path, "x.toml", "a = 2024-01-05\nb = [1, 2024-01-05T01:02:03Z]")) == {
        "a": "2024-01-05",
        "b": [1, "2024-01-05T01:02:03+00:00"],
    }


def test_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    assert load_file(write(tmp_path, "x.json", b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


def test_missing_file_names_the_near_one(tmp_path: Path) -> None:
    write(tmp_path, "mail.yaml", "a: 1")
    with pytest.raises(UsageError) as caught:
        load_file(tmp_path / "mial.yaml")
    assert str(caught.value) == (
        f"expected a configuration file, found none at `{tmp_path}/mial.yaml`\n"
        f"hint: did you mean `{tmp_path}/mail.yaml`?"
    )


def test_missing_file_lists_the_folder(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.toml", "notes.txt"):
        write(tmp_path, name, "")
    with pytest.raises(UsageError, match=r"has one.yaml, two.toml$"):
        load_file(tmp_path / "configuration.json")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder `.*nowhere`$"):
        load_file(tmp_path / "nowhere" / "x.yaml")


def test_unknown_ending(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_file(tmp_path / "x.ini")
    assert str(caught.value) == "expected a file that ends in .yaml, .yml, .toml, .json, got `x.ini`"


def test_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").mkdir()
    with pytest.raises(UsageError, match=r"expected a readable file, got `.*x.yaml`: is a directory"):
        load_file(tmp_path / "x.yaml")
