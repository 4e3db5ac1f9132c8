"""JSON as bad APIs write it: records as raw text, regular enough that the fast path is tried.

A data set has a template (path -> kind of value), and records that follow it with gaps, nulls and a few surprises.
All comes from one `random.Random`: a data set is a function of a seed, and quick to make. Texts are written by hand,
not by a JSON library, because spacing, escapes, number forms and duplicate keys matter.

Seeds count up from `HEADRACE_SEED` (0). How many a test takes is multiplied by `HEADRACE_EXAMPLES` (1): 20 is a long
search, and one seed is tried again with `HEADRACE_SEED=<seed> HEADRACE_EXAMPLES=0`.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

EXAMPLES = float(os.environ.get("HEADRACE_EXAMPLES", "1"))
FIRST_SEED = int(os.environ.get("HEADRACE_SEED", "0"))

#: Names that collide once named as columns, are empty, have dots or capitals, or belong to dlt's own vocabulary.
KEYS = (
    "id", "a", "b", "c", "userId", "user_id", "a__b", "A", "ID", "client-info", "x.y", "été", "value", "2nd", "list",
    "x_", "HTTPServer", "@timestamp",
)  # fmt: skip

TEXTS = (
    "", "abc", "Grüße", "夏", "🎉", 'say "yes"', "C:\\temp", "tab\there", "line\nbreak", "NaN", "Infinity", "123",
    "1.5", "true", "0x1F", "null", "2024-01-01", "12:30", "{}", "\x7f", " padded ", "a" * 300,
)  # fmt: skip
MOMENTS = (
    "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00.123Z", "2024-06-01T12:00:00+02:00",
    "2024-01-01 10:00:00", "2024-01-01T10:00:00", "2024-01-01T10:00:00.5", "1969-12-31T23:59:59Z",
    "2024-02-29T23:59:59.999999+00:00", "9999-12-31T23:59:59Z", "2024-01-01T10:00:00.123456789Z",
)  # fmt: skip
ODD_MOMENTS = ("2024-01-01", "not a moment", "2024-13-01T00:00:00Z", "2024-01-01T10:00", "20240101T100000Z", "")
INTEGERS = ("0", "-1", "7", "2147483648", "9007199254740993", "9223372036854775807", "-9223372036854775808")
WIDE = ("9223372036854775808", "-9223372036854775809", "18446744073709551615", "1" + "0" * 30)
FLOATS = (
    "1.5", "-0.0", "0.1", "1e5", "1E-7", "1.0", "1.7976931348623157e308", "5e-324", "1e22", "123456.789",
    "0.1000000000000000055511151231257827", "2.5e-3", "1e-400",
)  # fmt: skip
#: What dlt makes of them where integers or moments stand ends its load, or is 0.
_HUGE = ("1.7976931348623157e308", "1e22", "9223372036854775807", "-9223372036854775808")
_MANY_DIGITS = ("9007199254740993", "9223372036854775807")
SURROGATES = ('"\\ud800"', '"x\\udc00y"')


#: The fields of an object: a dict for an object, a one-item list for a list, a kind for a scalar.
Template = dict[str, Any]


@dataclass(frozen=True)
class Nastiness:
    """What a data set may hold beyond JSON that dlt loads; `surprise` is the share of values off their template."""

    wide: bool = True
    surrogates: bool = True
    nul: bool = True
    empty_keys: bool = True
    not_numbers: bool = True
    #: Whole doubles beyond 64 bits: in a column of integers stock dlt makes them integers, and fails or stores 0.
    huge: bool = True
    #: Whole numbers that no double holds: in a column of doubles stock dlt rounds them.
    many_digits: bool = True
    surprise: float = 0.05
    without_keys: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of scalars, the usual ones more often."""
        usual = ("text", "int", "float", "bool", "moment")
        more = (("wide",) if self.wide else ()) + (("surrogate",) if self.surrogates else ())
        return usual * 4 + ("number", "odd_moment", "numeric_text", "null", *more)

    @property
    def keys(self) -> tuple[str, ...]:
        keys = KEYS + (("", " ") if self.empty_keys else ())
        return tuple(key for key in keys if key not in self.without_keys)


ALL = Nastiness()
DLT_LOADS = Nastiness(wide=False, surrogates=False, nul=False, empty_keys=False, not_numbers=False, huge=False)

_LITERALS: dict[str, tuple[str, ...]] = {
    "int": INTEGERS,
    "float": FLOATS,
    "number": ("1", "2", "1.5", "2.0", "-3"),
    "bool": ("true", "false"),
    "numeric_text": ('"1"', '"2.5"', '"x"', "3"),
    "null": ("null",),
    "wide": INTEGERS + WIDE,
    "surrogate": ('"ok"', *SURROGATES),
}
_TEXTS: dict[str, tuple[str, ...]] = {"text": TEXTS, "moment": MOMENTS, "odd_moment": MOMENTS + ODD_MOMENTS}
_SURPRISES = ("{}", "[]", '{"z":1}', "[[1]]", '[{"z":null}]', "[null]", "null")


def examples(usual: int) -> int:
    """How many examples a test takes that usually takes `usual`, at least one."""
    return max(1, round(usual * EXAMPLES))


def random_sets(usual: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with one `dice` a seed; a failure names the seed."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            for seed in range(FIRST_SEED, FIRST_SEED + examples(usual)):
                try:
                    test(dice=Random(seed), **fixtures)
                except BaseException:  # noqa: PERF203 - beside what a test takes this is nothing
                    print(f"failed with seed {seed}: HEADRACE_SEED={seed} HEADRACE_EXAMPLES=0 tries it again")  # noqa: T201
                    raise

        signature = inspect.signature(test)
        others = [parameter for name, parameter in signature.parameters.items() if name != "dice"]
        run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return run

    return decorate


def data_set(dice: Random, nasty: Nastiness = ALL, *, records: int = 12) -> list[str]:
    """Up to `records` records of one data set as JSON text."""
    template = draw_template(dice, nasty, depth=4)
    return [record(dice, nasty, template) for _ in range(dice.randint(1, records))]


def change(dice: Random, nasty: Nastiness, template: Template) -> Template:
    """A template for a later run: some fields gone, some of another kind, some new."""
    changed = {
        key: _field(dice, nasty, 2) if dice.random() < 0.15 else
        change(dice, nasty, field) if isinstance(field, dict) else field
        for key, field in template.items()
        if dice.random() < 0.9
    }  # fmt: skip
    return changed | (draw_template(dice, nasty, 2) if dice.random() < 0.4 else {})


def draw_template(dice: Random, nasty: Nastiness, depth: int) -> Template:
    """The fields of an object: a dict for an object, a one-item list for a list, a kind for a scalar."""
    return {dice.choice(nasty.keys): _field(dice, nasty, depth - 1) for _ in range(dice.randint(1, 6))}


def _field(dice: Random, nasty: Nastiness, depth: int) -> Any:
    chance = dice.random()
    if depth and chance < 0.15:
        return draw_template(dice, nasty, depth)
    if depth and chance < 0.4:
        return [_field(dice, nasty, depth - 1)]
    return dice.choice(nasty.kinds)


def _value(dice: Random, nasty: Nastiness, template: Any) -> str:
    """One value that follows `template`, or is null, or something else."""
    chance = dice.random()
    if chance < nasty.surprise:
        kind = dice.choice(nasty.kinds)
        # a wide integer among moments is an epoch that stops dlt
        other = dice.choice(("0", "7", "-1")) if kind == "int" and not nasty.wide else _scalar(dice, nasty, kind)
        return dice.choice((dice.choice(_SURPRISES), other))
    if chance > 0.93:
        return "null"
    if isinstance(template, dict):
        return record(dice, nasty, template)
    if isinstance(template, list):
        return "[" + ", ".join(_value(dice, nasty, template[0]) for _ in range(dice.randint(0, 3))) + "]"
    return _scalar(dice, nasty, template)


def record(dice: Random, nasty: Nastiness, template: Template) -> str:
    """One object that follows `template`, mostly."""
    keys = [key for key in template if dice.random() < 0.9]
    if dice.random() < 0.1:
        keys.reverse()
    if keys and dice.random() < nasty.surprise / 2:
        keys.append(keys[0])
    space = dice.choice(("", "", " ", "\n  "))
    fields = [f"{json.dumps(key)}:{space}{_value(dice, nasty, template[key])}" for key in keys]
    return "{" + space + f",{space}".join(fields) + "}"


def _scalar(dice: Random, nasty: Nastiness, kind: str) -> str:
    if kind in _LITERALS:
        without = (() if nasty.huge else _HUGE) + (() if nasty.many_digits else _MANY_DIGITS)
        return dice.choice(tuple(text for text in _LITERALS[kind] if text not in without))
    texts = _TEXTS[kind]
    if not nasty.not_numbers:
        texts = tuple(text for text in texts if text not in ("NaN", "Infinity"))
    text = "nul\x00inside" if nasty.nul and kind == "text" and dice.random() < 0.05 else dice.choice(texts)
    return json.dumps(text, ensure_ascii=dice.random() < 0.5)
