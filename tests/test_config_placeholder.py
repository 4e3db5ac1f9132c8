"""Texts with braces: what stands between them, and what `str.format` would make of it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from headrace.config.placeholder import Field, PlaceholderError, parse, split


def test_names_with_their_contexts() -> None:
    text = "a/{id}/{resources.users.address.id}/{incremental.start_value}{{x}}"
    assert split(text) == (
        ("a/", "id"),
        ("/", "resources.users.address.id"),
        ("/", "incremental.start_value"),
        ("{", None),
        ("x}", None),
    )


def test_formats_and_conversions() -> None:
    assert parse("{resources.a.n:03d}-{incremental.end_value!r:>5}") == (
        ("", Field("resources.a.n", "03d")),
        ("-", Field("incremental.end_value", ">5", "r")),
    )


@pytest.mark.parametrize(
    ("name", "context", "parent"),
    [
        ("id", "", None),
        ("resources", "", None),
        ("resources.a.b", "resources", ("a", "b")),
        ("resources.a.b.c[0]", "resources", ("a", "b.c[0]")),
        ("incremental.last_value", "incremental", None),
    ],
)
def test_contexts(name: str, context: str, parent: tuple[str, str] | None) -> None:
    ((_, field),) = parse(f"{{{name}}}")
    assert field
    assert (field.context, field.parent, field.is_plain) == (context, parent, True)


@pytest.mark.parametrize(
    "text",
    ["{resources.a.b}", "{resources.a.b:03d}", "{resources.a.b!r}", "{resources.a.b!s:>8}", "{resources.a.b!a:_<4}"],
)
@pytest.mark.parametrize("value", [7, True, 123456])
def test_rendering_is_that_of_python(text: str, value: int) -> None:
    ((_, field),) = parse(text)
    assert field
    assert field.render(value) == text.replace("resources.a.b", "0").format(value)


def test_moments_have_formats_too() -> None:
    ((_, field),) = parse("{incremental.start_value:%Y-%m-%d}")
    assert field
    assert field.render(datetime(2026, 3, 1, 5, tzinfo=timezone.utc)) == "2026-03-01"


WRONG = [
    ("{", "expected braces around parameter names only, got others", "double a brace"),
    ("{}", "expected a parameter name in braces, got `{}`", "double a brace"),
    ("{a b}", "got `{a b}`", "double a brace"),
    ("{a:5}", "expected a parameter name", "double a brace"),
    ('{"a": 1}', "expected a parameter name", "double a brace"),
    ("{resource.a.b}", "got `{resource.a.b}`", "did you mean `{resources.a.b}`?"),
    ("{incrementl.last_value}", "got `{incrementl.last_valu...}`", "did you mean `{incremental.last_value}`?"),
    ("{resources.a}", "expected `{resources.<name>.<field>}`", "name the parent"),
    ("{resources..b}", "expected `{resources.<name>.<field>}`", "name the parent"),
    ("{incremental.value}", "expected a value of the incremental", "did you mean `{incremental."),
    ("{incremental.cursor_path}", "expected a value of the incremental", "known are start_value"),
    ("{resources.a.b:{width}}", "expected a format without braces", None),
    ("{resources.a.b!x}", "expected the conversion `!r`, `!s` or `!a`, got `!x`", None),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG)
def test_what_is_no_placeholder(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(PlaceholderError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert hint in caught.value.hint if hint and caught.value.hint else caught.value.hint is None
