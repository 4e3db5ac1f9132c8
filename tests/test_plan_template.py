"""Placeholders: where they stand decides how a value is written."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.config.placeholder import PlaceholderError, split
from headrace.plan.address import is_absolute, join, origin_of
from headrace.plan.template import compile_text, compile_tree, is_segment, names_in, render_tree
from headrace.secrets import Secret


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("a/{x}/b", 5, "a/5/b"),
        ("a/{x}", "b/c?d=e&f g", "a/b%2Fc%3Fd%3De%26f%20g"),
        ("a/{x}", "é%", "a/%C3%A9%25"),
        ("a/{x}-{x}", True, "a/True-True"),
        ("{{x}}/{x}", 1, "{x}/1"),
        ("a", 1, "a"),
        ("a/{x}", Secret("s/t"), "a/s%2Ft"),
    ],
)
def test_path_values_are_one_segment(text: str, value: Any, expected: str) -> None:
    assert compile_text(text).render_path({"x": value}) == expected


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_steps_are_no_segments(value: str) -> None:
    assert not is_segment(value)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"a": "{x}"}, {"a": 7}),
        ({"a": ["{x}", "-{x}", "{{x}}"]}, {"a": [7, "-7", "{x}"]}),
        ({"{x}": None, "b": True}, {"7": None, "b": True}),
        ({"a": {"b": 1.5}}, {"a": {"b": 1.5}}),
    ],
)
def test_json_keeps_the_type_of_a_whole_placeholder(node: Any, expected: Any) -> None:
    """The same as dlt's `preserve_value_type`."""
    assert render_tree(compile_tree(node), {"x": 7}) == expected


def test_names_in_order() -> None:
    assert list(names_in(compile_tree({"{a}": ["{b}{a}", {"c": "{d}"}]}))) == ["a", "b", "a", "d"]


@pytest.mark.parametrize(
    "text", ["{", "}", "a{b", "{}", "{0}", "{a!r}", "{a:>3}", "{a.b}", "{a[0]}", "{ a }", "{a{b}}"]
)
def test_other_braces_are_told(text: str) -> None:
    with pytest.raises(PlaceholderError):
        split(text)


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("https://a.b", "c", "https://a.b/c"),
        ("https://a.b/", "/c", "https://a.b/c"),
        ("https://a.b/v1/", "c/", "https://a.b/v1/c/"),
        ("https://a.b/v1", "", "https://a.b/v1"),
        ("https://a.b/v1", "//c", "https://a.b/v1/c"),
    ],
)
def test_join(base: str, path: str, expected: str) -> None:
    """The same as dlt's `join_url`."""
    from dlt.sources.helpers.rest_client.utils import join_url

    assert join(base, path) == expected == join_url(base, path)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.Example.com/x", ("https", "api.example.com", 443)),
        ("http://localhost:8080", ("http", "localhost", 8080)),
        ("http://[::1]/", ("http", "::1", 80)),
        ("https://bücher.example", ("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_origin(url: str, expected: tuple[str, str, int]) -> None:
    assert origin_of(url) == expected


def test_absolute() -> None:
    assert [is_absolute(path) for path in ("https://a", "HTTP://a", "/a", "a:b")] == [True, True, False, False]
