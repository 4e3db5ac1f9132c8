"""Values of the parameters of a source, and what is said when one is missing or left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from headrace.config.field import Scalar
from headrace.config.problem import shown
from headrace.errors import Problem
from headrace.plan.endpoint import EndpointTemplate


def parameter_values(given: Mapping[str, Any], problems: list[Problem]) -> dict[str, tuple[Scalar, ...]]:
    """Parameter -> its values in order, each once. Wrong values go to `problems`."""
    values: dict[str, tuple[Scalar, ...]] = {}
    for name, said in given.items():
        elements = _elements(said)
        if not elements or not all(isinstance(element, str | int | float | bool) for element in elements):
            message = f"expected text, a number, or a list of these that is not empty, got {_wrong(said, elements)}"
            problems.append(Problem(message, f"params.{name}"))
            elements = ()
        # the same value twice would load the same rows twice
        values[name] = tuple({str(element): element for element in elements}.values())
    return values


def _elements(said: Any) -> tuple[Any, ...]:
    if isinstance(said, Sequence) and not isinstance(said, str | bytes):
        return tuple(said)
    if isinstance(said, set | frozenset | Mapping):
        return ()  # no order, so no order of calls
    return (said,)


def _wrong(said: Any, elements: tuple[Any, ...]) -> str:
    if len(elements) > 1:
        wrong = next(element for element in elements if not isinstance(element, str | int | float | bool))
        return f"a list with {shown(wrong)}"
    return shown(said)


def missing(endpoints: Sequence[EndpointTemplate], values: Mapping[str, Any]) -> Iterator[Problem]:
    """One problem for each parameter that nobody gave a value, at the first place that uses it."""
    places: dict[str, str] = {}
    for endpoint in endpoints:
        for name in endpoint.parameters:
            places.setdefault(name, endpoint.uses[name])
    for name, place in places.items():
        if name not in values:
            yield Problem(f"expected a value for the parameter `{{{name}}}`, got none", place, _four_ways(name))


def _four_ways(name: str) -> str:
    return (
        f'give it in one of four ways: `params={{"{name}": ...}}` in `rest_api_source(...)`, '
        f"`params: {{{name}: ...}}` in the file, "
        f"dlt configuration (`params.{name}` in `.dlt/config.toml` or `PARAMS__{name.upper()}`), "
        f"`--param {name}=...`"
    )


def wrong_fallbacks(endpoints: Sequence[EndpointTemplate]) -> Iterator[Problem]:
    """One problem for each placeholder of a `fallback` that the path does not have."""
    for endpoint in endpoints:
        for name in endpoint.fallback.names if endpoint.fallback else ():
            if name not in endpoint.path.names:
                known = ", ".join(f"`{{{each}}}`" for each in endpoint.path.names) or "none"
                message = f"expected placeholders of `path` alone, got `{{{name}}}`"
                yield Problem(message, f"{endpoint.place}.fallback.path", f"`path` has {known}")


def unused(endpoints: Sequence[EndpointTemplate], values: Mapping[str, Any]) -> Iterator[Problem]:
    """One problem for each value that no resource asks for, with the parameter that may have been meant."""
    known = list(dict.fromkeys(name for endpoint in endpoints for name in endpoint.parameters))
    for name in values:
        if name in known:
            continue
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        bound = next((endpoint.place for endpoint in endpoints if name in endpoint.bound), None)
        if near:
            hint = f"did you mean `{near[0]}`?"
        elif bound:
            hint = f"`{bound}.params` has a value for it, which comes first"
        else:
            hint = f"known are {', '.join(known)}" if known else "no resource has a `{placeholder}`"
        yield Problem(f"no resource uses the parameter `{name}`", f"params.{name}", hint)
