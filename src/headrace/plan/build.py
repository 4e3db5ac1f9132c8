"""From a checked configuration to a frozen plan.

The order: values of the parameters -> templates of each endpoint -> who needs a value that nobody gave -> parents and
the order of resources -> calls, pagers, hints. Problems are collected on the way and raised together.

A `{name}` in an endpoint is a parameter of the source. It gets its value from, first wins: the endpoint's own `params`
(path only; dlt's older way, the value then leaves the query and is no column), the argument of the call, the
`params` of the file. A parameter with several values makes one call for each; several parameters make the product, the
first one outermost. Their values are kept as columns.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Final, Protocol

from headrace.config import (
    ClientOptions,
    EndpointOptions,
    Foreign,
    HeadraceWarning,
    ReadyResource,
    ResourceOptions,
    RestConfig,
)
from headrace.config.field import Options, Scalar
from headrace.config.hint import TableHints
from headrace.config.kinds import AutoPaging
from headrace.errors import ConfigError, Problem
from headrace.jsonpath import JsonPath, compile_path
from headrace.message import Request, Response
from headrace.paginate import Detect, Pager, SinglePage
from headrace.plan.address import origin_of
from headrace.plan.again import listed_again, overlapping
from headrace.plan.batch import joined, wrong_batches
from headrace.plan.call import CallTemplate
from headrace.plan.deletion import deletions_of, wrong_deletions
from headrace.plan.dependents import deepest_first, exports, ordered, parents_of
from headrace.plan.endpoint import EndpointTemplate, compile_endpoint
from headrace.plan.fates import find_key, hidden_problems, key_problem, privacy_of, setting_of, stored
from headrace.plan.hidden_columns import stored_columns
from headrace.plan.late import actions_of, incremental_of, steps_of
from headrace.plan.model import Auth, Limits, Parent, Plan, Rate, ResourcePlan, RetryPolicy
from headrace.plan.pagers import PAGERS
from headrace.plan.parameter import missing, parameter_values, unused, wrong_fallbacks
from headrace.plan.privacy import Privacy
from headrace.plan.replacing import replacing_hints, replacing_of, time_path_of, wrong_replacing
from headrace.plan.shapes import shapings_of, typed_columns
from headrace.plan.template import as_text, is_segment
from headrace.plan.window import Windows

Parameters = Mapping[str, tuple[Scalar, ...]]

#: What dlt's `resource` takes and headrace hands over as given; `name` and `table_name` are fields of the plan.
_HINTS: Final = (*TableHints.model_fields, "nested_hints", "max_table_nesting", "selected")


class Adapters(Protocol):
    """What makes parts of a plan from objects and functions that the configuration brought along."""

    def pager(self, paginator: Any) -> Pager: ...

    def auth(self, auth: Any) -> Auth: ...

    def action(self, function: Callable[..., Any]) -> Callable[[Request, Response], Response]: ...

    def step(self, kind: str, function: Callable[..., Any]) -> Callable[[list[Any]], Any]: ...


def build_plan(  # noqa: PLR0913 - a configuration, and what stands elsewhere
    config: RestConfig,
    *,
    params: Mapping[str, Scalar | Sequence[Scalar]] | None = None,
    privacy: str | None = None,
    configured: Callable[[str], Any] | None = None,
    adapters: Adapters | None = None,
    defaults: Mapping[str, Any] | None = None,
    look_up_key: Callable[[], str] | None = None,
) -> Plan:
    """The plan of a checked configuration.

    `params` are values for its placeholders, over those of the file; a sequence makes one call for each value.
    `configured` looks up a placeholder to which neither gives a value, None where it is not set. `privacy` is `drop`,
    `hash` or `keep`, None for what the file says; `look_up_key` finds the key of the hash where the configuration has
    none, and raises `LookupError` with the places where it looked. `adapters` is needed for foreign objects and
    functions; `defaults` are fields of the retry policy and of the limits that count where the configuration does not
    say them. Raises `ConfigError` with every problem: a parameter without value, a value without parameter, a value
    that cannot stand in a path.
    """
    problems: list[Problem] = []
    setting = setting_of(config.privacy if privacy is None else privacy, problems)
    places = {entry.name: f"resources[{index}]" for index, entry in enumerate(config.resources)}
    entries = [entry for entry in config.resources if isinstance(entry, ResourceOptions)]
    endpoints = [_compile(f"{places[entry.name]}.endpoint", entry) for entry in entries]
    said = {**(config.params or {}), **(params or {})}
    if configured is not None:
        names = {name for endpoint in endpoints for name in endpoint.parameters if name not in said}
        said |= {name: value for name in sorted(names) if (value := configured(name)) is not None}
    values = parameter_values(said, problems)
    problems += missing(endpoints, values)
    problems += unused(endpoints, values)
    problems += wrong_fallbacks(endpoints)
    problems += _bad_segments(endpoints, values)
    ready = {entry.name: entry.resource.value for entry in config.resources if isinstance(entry, ReadyResource)}
    parents = {
        entry.name: parents_of(entry, endpoint, places[entry.name], ready, problems)
        for entry, endpoint in zip(entries, endpoints, strict=True)
    }
    privacies = {entry.name: privacy_of(entry, setting) for entry in entries}
    parents = stored(parents, privacies)
    problems += listed_again(entries, places)
    placed = [(entry, places[entry.name]) for entry in entries]
    problems += wrong_deletions(placed, parents, ready, config.client.paginator)
    problems += wrong_replacing(placed, parents, ready)
    problems += wrong_batches(placed, endpoints, parents)
    paths = {
        entry.name: time_path_of(entry, _paging(entry.endpoint, config.client), problems, f"{place}.endpoint")
        for entry, place in placed
    }
    problems += hidden_problems(entries, places, privacies)
    missing_key = key_problem(entries, places, privacies, parents)
    key = find_key(missing_key, config.privacy_key, look_up_key, problems) if missing_key else None
    if problems:
        raise ConfigError(problems, source=config.source)
    parents = deepest_first(parents)
    order = ordered(places, parents)
    maker = _Maker(config, values, parents, adapters, {name: replace(of, key=key) for name, of in privacies.items()})
    made = {
        entry.name: replace(maker.resource(entry, endpoint), time_path=paths[entry.name])
        for entry, endpoint in zip(entries, endpoints, strict=True)
    }
    resources = tuple(made[name] for name in order if name in made)
    for text in overlapping(entries):
        warnings.warn(text, HeadraceWarning, stacklevel=2)
    limits = config.client.limits
    shown = [call for plan in resources for call in plan.template.shown()]
    fallbacks = (call.fallback.url for call in shown if call.fallback)
    urls = [config.client.base_url, *(call.request.url for call in shown), *fallbacks]
    return Plan(
        base_url=config.client.base_url,
        resources=resources,
        origins=frozenset(origin_of(url) for url in urls if "{" not in url.split("/", 3)[2]),
        retry=_retry(config.client, defaults or {}),
        limits=_limits(config.client, defaults or {}),
        order=order,
        ready=ready,
        session=config.client.session.value if config.client.session else None,
        hints=config.client.hints,
        session_timeout_s=limits.timeout_s if "timeout_s" in limits.model_fields_set else None,
    )


def _retry(client: ClientOptions, defaults: Mapping[str, Any]) -> RetryPolicy:
    fields = _over(client.retry, defaults)
    if "budget_s" in client.retry.model_fields_set and "max_retries" not in client.retry.model_fields_set:
        fields["max_retries"] = None  # who declares a time wants no count from elsewhere
    return RetryPolicy(**{**fields, "statuses": frozenset(fields["statuses"])})


def _limits(client: ClientOptions, defaults: Mapping[str, Any]) -> Limits:
    rate = Rate(**client.rate_limit.model_dump()) if client.rate_limit else None
    rates = {origin_of(url): Rate(**said.model_dump()) for url, said in client.rate_limits.items()}
    return Limits(**_over(client.limits, defaults), rate=rate, rates=rates)


def _over(options: Options, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options as declared, over `defaults`, over their own."""
    fields = options.model_dump()
    declared = options.model_fields_set
    return {name: defaults.get(name, own) if name not in declared else own for name, own in fields.items()}


def _compile(place: str, resource: ResourceOptions) -> EndpointTemplate:
    return compile_endpoint(place, resource.endpoint or EndpointOptions(path=resource.name))


def _bad_segments(endpoints: Sequence[EndpointTemplate], values: Parameters) -> Iterator[Problem]:
    for endpoint in endpoints:
        for name in endpoint.path.names:
            came = (endpoint.bound[name],) if name in endpoint.bound else values.get(name, ())
            wrong = next((value for value in came if not is_segment(value)), None)
            if wrong is not None:
                message = f"expected a value for `{{{name}}}` that can stand in a path, got {as_text(wrong)!r}"
                yield Problem(message, f"{endpoint.place}.path")


class _Maker:
    """Makes the plans of resources, once nothing can be wrong with them any more."""

    def __init__(
        self,
        config: RestConfig,
        values: Parameters,
        parents: Mapping[str, tuple[Parent, ...]],
        adapters: Adapters | None,
        privacies: Mapping[str, Privacy],
    ) -> None:
        self._client = config.client
        self._declared = {entry.name: entry for entry in config.resources if isinstance(entry, ResourceOptions)}
        self._values = values
        self._parents = parents
        self._adapters = adapters
        self._privacies = privacies

    def resource(self, resource: ResourceOptions, endpoint: EndpointTemplate) -> ResourcePlan:
        """The plan of one resource."""
        client = self._client
        options = resource.endpoint or EndpointOptions()
        selector, pager = self._reading(options, endpoint)
        replacing = replacing_of(resource, endpoint, self._parents[resource.name])
        return ResourcePlan(
            name=resource.name,
            table_name=resource.table_name or resource.name,
            template=CallTemplate(
                resource=resource.name,
                base_url=client.base_url,
                headers=tuple(
                    (name, as_text(said)) for name, said in (client.headers or {}).items() if said is not None
                ),
                endpoint=endpoint,
                choices=tuple(_choices(endpoint.parameters, self._values)),
                constants=resource.constants,
                discreet=self._privacies[resource.name].discreet,
            ),
            pager=pager,
            selector=selector,
            auth=self._auth(options),
            primary_key=_key(resource.primary_key),
            key_collisions=resource.key_collisions,
            key_collisions_declared="key_collisions" in resource.model_fields_set,
            allow_null_data=options.allow_null_data,
            allow_object_data=options.allow_object_data,
            hints=replacing_hints(replacing, _hints(resource, self._privacies[resource.name])),
            privacy=self._privacies[resource.name],
            fields=shapings_of(resource),
            parents=self._parents[resource.name],
            exports=exports(resource.name, self._parents),
            incremental=incremental_of(options),
            windows=Windows(**dict(options.windows)) if options.windows else None,
            deletions=deletions_of(resource, endpoint, self._parents, self._declared),
            actions=actions_of(options, self._adapters, depends=bool(self._parents[resource.name])),
            steps=steps_of(resource, self._adapters),
            mixed_numbers=resource.mixed_numbers,
            name_collisions=resource.name_collisions,
            replacing=replacing,
            when_empty=resource.when_empty,
            entries=(options.entries.key, options.entries.value) if options.entries else None,
            batch=options.batch or 1,
            joined=joined(endpoint) if options.batch else frozenset(),
        )

    def _reading(self, options: EndpointOptions, endpoint: EndpointTemplate) -> tuple[JsonPath | None, Pager]:
        """Where rows are, and how pages follow. A path that ends in a placeholder leads to one object, as in dlt."""
        selector = compile_path(options.data_selector) if options.data_selector else None
        if not endpoint.is_single:
            return selector, self._pager(options)
        return selector or compile_path("$"), SinglePage() if options.paginator is None else self._pager(options)

    def _pager(self, endpoint: EndpointOptions) -> Pager:
        """Endpoint over client over detection."""
        options = _paging(endpoint, self._client)
        if isinstance(options, Foreign):
            return self._adapted.pager(options.value)
        return Detect() if options is None else PAGERS[type(options)](options)

    def _auth(self, endpoint: EndpointOptions) -> Auth | None:
        """The endpoint's auth when it says one, none included; otherwise the client's."""
        options = endpoint.auth if "auth" in endpoint.model_fields_set else self._client.auth
        if options is None:
            return None
        if isinstance(options, Foreign):
            return self._adapted.auth(options.value)
        fields = {name: getattr(options, name) for name in type(options).model_fields if name != "type"}
        return Auth(options.type, fields)

    @property
    def _adapted(self) -> Adapters:
        if self._adapters is None:
            raise AssertionError("a configuration with foreign objects is checked by who knows them")
        return self._adapters


def _paging(endpoint: EndpointOptions | None, client: ClientOptions) -> Any:
    """The paginator in force, None where it is to be found; `auto` on an endpoint is the same as none, as in dlt."""
    said = (endpoint.paginator if endpoint else None, client.paginator)
    return next((each for each in said if each is not None and not isinstance(each, AutoPaging)), None)


def _choices(names: Sequence[str], values: Parameters) -> Iterator[dict[str, Scalar]]:
    """One mapping for each call, in the order of the values."""
    for chosen in product(*(values[name] for name in names)):
        yield dict(zip(names, chosen, strict=True))


def _key(said: Any) -> tuple[str, ...]:
    """The key's columns; none where a function of the row says them."""
    if said is None or callable(said):
        return ()
    return (said,) if isinstance(said, str) else tuple(said)


def _hints(resource: ResourceOptions, privacy: Privacy) -> dict[str, Any]:
    """Hints that were given, copied: dlt writes into the mappings that it gets."""
    given = {name: _copied(getattr(resource, name)) for name in _HINTS}
    if typed := typed_columns(resource):
        given["columns"] = {**typed, **(given["columns"] or {})}
    given["columns"] = stored_columns(given["columns"], resource, privacy)
    if isinstance(given["nested_hints"], dict):
        for nested in given["nested_hints"].values():
            columns = nested.get("columns") if isinstance(nested, dict) else None
            if isinstance(columns, dict):
                # dlt fills in the name in `columns` of a resource, and misses it here
                nested["columns"] = {name: {"name": name, **column} for name, column in columns.items()}
    return {name: value for name, value in given.items() if value is not None}


def _copied(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, dict | list) else value
