"""Configuration files: YAML, TOML or JSON to one plain mapping, errors with line and column.

All three give what stands in the file, as JSON would have it: dates stay text as written. YAML is read by the 1.2 core
rules, and narrower where 1.1 and 1.2 would change what somebody typed: only `true` and `false` are booleans (`NO` is a
country), `0123` and `1_000` stay text (an id keeps its zeros). `None` is null, so that a Python dictionary of dlt's
documentation can be pasted as it is; so can the bare expression `dlt.secrets["x"]`, which is put into quotes when the
file cannot be read without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import tomlkit
import yaml
from tomlkit.exceptions import ParseError, TOMLKitError

from headrace.config.problem import shown
from headrace.errors import ConfigError, Problem, UsageError

#: dlt's expression where YAML or TOML expects a value: after `:`, `,`, `[`, `-` or `=`, and not inside quotes.
_EXPRESSION: Final = re.compile(
    r"""(?<=[:,\[=\s-])dlt\.(secrets|config)\[\s*(?:"([^"'\]\n]+)"|'([^"'\]\n]+)')\s*\](?=\s*(?:[,}\]]|\#|$))""",
    re.MULTILINE,
)


def load_file(path: str | Path) -> dict[str, Any]:
    """The mapping in a `.yaml`, `.yml`, `.toml` or `.json` file.

    Raises `UsageError` when there is no such file or its kind is unknown, `ConfigError` when it cannot be read as its
    kind says, with line and column (both from 1).
    """
    path = Path(path)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise UsageError(
            f"expected a file that ends in {', '.join(_READERS)}, got `{path.name}`", hint=_near_names(path)
        )
    text = _text(path)
    try:
        document = read(text)
    except _BrokenFileError as error:
        raise ConfigError([Problem(error.message, hint=error.hint)], source=str(path)) from error.__cause__
    if not isinstance(document, Mapping):
        message = f"expected a mapping with `client` and `resources` at the top, got {shown(document, show=False)}"
        raise ConfigError([Problem(message)], source=str(path))
    return dict(document)


class _BrokenFileError(Exception):
    def __init__(self, message: str, line: int = 0, column: int = 0, hint: str | None = None) -> None:
        place = f" in line {line}" + (f", column {column}" if column else "") if line else ""
        self.message = message + place
        self.hint = hint
        super().__init__(self.message)


def _text(path: Path) -> str:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        message = f"expected a configuration file, found none at `{path}`"
        raise UsageError(message, hint=_near_names(path)) from None
    except OSError as error:
        raise UsageError(f"expected a readable file, got `{path}`: {(error.strerror or 'error').lower()}") from None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            [Problem(f"expected UTF-8 text, got the byte 0x{body[error.start]:02x} in line {line}")], source=str(path)
        ) from None


def _near_names(path: Path) -> str | None:
    """The hint that names configuration files of the same folder."""
    folder = path.parent
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in _READERS)
    except OSError:
        return f"there is no folder `{folder}`"
    near = get_close_matches(path.name, names, n=1) or [name for name in names if Path(name).stem == path.stem]
    if near:
        return f"did you mean `{folder / near[0]}`?"
    return f"`{folder}` has {', '.join(names[:5])}" if names else None


def _quote_expressions(text: str) -> tuple[str, dict[int, list[int]]]:
    """`text` with dlt's expressions in quotes, and for each line (from 0) the columns that grew by two."""
    grown: dict[int, list[int]] = {}

    def quote(match: re.Match[str]) -> str:
        start = text.rfind("\n", 0, match.start()) + 1
        grown.setdefault(text.count("\n", 0, match.start()), []).append(match.start() - start)
        return f"'dlt.{match[1]}[\"{match[2] or match[3]}\"]'"

    return _EXPRESSION.sub(quote, text), grown


def _read_yaml(text: str) -> Any:
    try:
        return _parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        # only now, so that a file that is YAML already is never touched
        quoted, grown = _quote_expressions(text)
        if quoted == text:
            raise _broken_yaml(error, {}) from error
    try:
        return _parse_yaml(quoted)
    except yaml.MarkedYAMLError as error:
        raise _broken_yaml(error, grown) from error


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_YamlLoader)  # noqa: S506  a SafeLoader with fewer types
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _BrokenFileError(f"expected YAML, got the character U+{ord(text[error.position]):04X}", line) from error
    except (RecursionError, ValueError) as error:
        raise _BrokenFileError("expected YAML of some hundred levels and digits at most, got more") from error


def _broken_yaml(error: yaml.MarkedYAMLError, grown: Mapping[int, list[int]]) -> _BrokenFileError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "something else"
    if mark is None:
        return _BrokenFileError(f"expected YAML: {problem}")
    column = mark.column - 2 * sum(start < mark.column for start in grown.get(mark.line, []))
    if "'\\t'" in problem:
        return _BrokenFileError("expected spaces, got a tab", mark.line + 1, column + 1, "YAML is indented by spaces")
    if isinstance(error, _RepeatedKeyError):
        return _BrokenFileError(problem, mark.line + 1, column + 1)
    context = f", {error.context}" if error.context else ""
    return _BrokenFileError(f"expected YAML, {problem}{context}", mark.line + 1, column + 1)


class _RepeatedKeyError(yaml.constructor.ConstructorError):
    pass


class _YamlLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the resolvers below and without repeated keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own class attribute

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # here, because construction sees mappings after merge keys were written into them
        node = super().compose_mapping_node(anchor)
        first: dict[str, int] = {}
        for key_node, _ in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if key in first:
                problem = f"expected the key `{key}` once, got it again after line {first[key]}"
                raise _RepeatedKeyError(None, None, problem, key_node.start_mark)
            first[key] = key_node.start_mark.line + 1
        return node


for _tag, _pattern, _starts in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|None|", "~nN\0"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    _YamlLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"^(?:{_pattern})$"),
        [*_starts.replace("\0", ""), *([""] if "\0" in _starts else [])],
    )


def _read_toml(text: str) -> Any:
    try:
        return _parse_toml(text)
    except _BrokenFileError:
        quoted, _ = _quote_expressions(text)
        if quoted == text:
            raise
    return _parse_toml(quoted)


def _parse_toml(text: str) -> Any:
    try:
        return _dates_as_text(tomlkit.parse(text).unwrap())
    except ParseError as error:
        problem = (str(error).rpartition(" at line ")[0] or str(error)).rstrip(".")
        raise _BrokenFileError(f"expected TOML: {_lower_first(problem)}", error.line, error.col + 1) from error
    except (TOMLKitError, ValueError) as error:
        raise _BrokenFileError(f"expected TOML: {_lower_first(str(error).rstrip('.'))}") from error


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _dates_as_text(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(element) for element in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        hint = "JSON has no comma after the last entry" if "trailing comma" in error.msg else None
        raise _BrokenFileError(f"expected JSON: {_lower_first(error.msg)}", error.lineno, error.colno, hint) from error
    except (RecursionError, ValueError) as error:
        raise _BrokenFileError("expected JSON of some hundred levels and digits at most, got more") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    repeated = next((key for key in keys if keys.count(key) > 1), None)
    if repeated is not None:
        raise _BrokenFileError(f"expected the key `{repeated}` once, got it {keys.count(repeated)} times")
    return dict(pairs)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


#: Reader by the end of the file's name.
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".json": _read_json,
}
