"""From a checked configuration to a frozen plan.

The order: values of the parameters -> templates of each endpoint -> who needs a value that nobody gave -> calls,
pagers, hints. Problems are collected on the way and raised together.

A `{name}` in an endpoint is a parameter of the source. It gets its value from, first wins: the endpoint's own `params`
(path only; dlt's older way, the value then leaves the query and is no column), the argument of the call, the
`params` of the file. A parameter with several values makes one call for each; several parameters make the product, the
first one outermost. Their values are kept as columns.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

from headrace.config.field import Scalar
from headrace.config.kinds import (
    AutoPaging,
    CursorPaging,
    HeaderCursorPaging,
    HeaderLinkPaging,
    JsonLinkPaging,
    OffsetPaging,
    PageNumberPaging,
    SinglePagePaging,
)
from headrace.config.options import ClientOptions, EndpointOptions, ResourceOptions, RestConfig
from headrace.errors import ConfigError, Problem
from headrace.jsonpath import JsonPath, compile_path
from headrace.paginate import (
    Cursor,
    Detect,
    HeaderCursor,
    HeaderLink,
    JsonLink,
    Offset,
    PageNumber,
    Pager,
    SinglePage,
)
from headrace.plan.address import origin_of
from headrace.plan.endpoint import EndpointTemplate, compile_endpoint
from headrace.plan.call import CallTemplate
from headrace.plan.model import Auth, Limits, Plan, ResourcePlan, RetryPolicy
from headrace.plan.parameter import missing, parameter_values, unused
from headrace.plan.template import as_text, is_segment

Parameters = Mapping[str, tuple[Scalar, ...]]

#: What dlt's `resource` takes and headrace hands over as given; `name` and `table_name` are fields of the plan.
_HINTS: Final = (
    "write_disposition",
    "primary_key",
    "merge_key",
    "columns",
    "nested_hints",
    "references",
    "schema_contract",
    "max_table_nesting",
    "table_format",
    "file_format",
    "selected",
)
_PRIVACY: Final = ("drop", "keep")


def build_plan(
    config: RestConfig,
    *,
    params: Mapping[str, Scalar | Sequence[Scalar]] | None = None,
    privacy: str | None = None,
    configured: Callable[[str], Any] | None = None,
) -> Plan:
    """The plan of a checked configuration.

    `params` are values for its placeholders, over those of the file; a sequence makes one call for each value.
    `configured` looks up a placeholder to which neither gives a value, None where it is not set.
    `privacy` is `drop` or `keep`, None for what the file says. Raises `ConfigError` with every problem: a parameter
    without value, a value without parameter, a value that cannot stand in a path.
    """
    problems: list[Problem] = []
    if privacy is not None and privacy not in _PRIVACY:
        problems.append(Problem(f"expected `drop` or `keep`, got {privacy!r}", "privacy"))
    endpoints = [_compile(index, resource) for index, resource in enumerate(config.resources)]
    said = {**(config.params or {}), **(params or {})}
    if configured is not None:
        names = {name for endpoint in endpoints for name in endpoint.parameters if name not in said}
        said |= {name: value for name in sorted(names) if (value := configured(name)) is not None}
    values = parameter_values(said, problems)
    problems += missing(endpoints, values)
    problems += unused(endpoints, values)
    problems += _bad_segments(endpoints, values)
    if problems:
        raise ConfigError(problems, source=config.source)
    drop_private = (privacy or config.privacy) == "drop"
    resources = tuple(
        _resource_plan(config.client, resource, endpoint, values, drop_private=drop_private)
        for resource, endpoint in zip(config.resources, endpoints, strict=True)
    )
    urls = [config.client.base_url, *(call.request.url for plan in resources for call in plan.template.shown())]
    return Plan(
        base_url=config.client.base_url,
        resources=resources,
        origins=frozenset(origin_of(url) for url in urls),
        retry=_retry(config.client),
        limits=Limits(**config.client.limits.model_dump()),
    )


def _retry(client: ClientOptions) -> RetryPolicy:
    fields = client.retry.model_dump()
    return RetryPolicy(**{**fields, "statuses": frozenset(fields["statuses"])})


def _compile(index: int, resource: ResourceOptions) -> EndpointTemplate:
    return compile_endpoint(f"resources[{index}].endpoint", resource.endpoint or EndpointOptions(path=resource.name))


def _bad_segments(endpoints: Sequence[EndpointTemplate], values: Parameters) -> Iterator[Problem]:
    for endpoint in endpoints:
        for name in endpoint.path.names:
            came = (endpoint.bound[name],) if name in endpoint.bound else values.get(name, ())
            wrong = next((value for value in came if not is_segment(value)), None)
            if wrong is not None:
                message = f"expected a value for `{{{name}}}` that can stand in a path, got {as_text(wrong)!r}"
                yield Problem(message, f"{endpoint.place}.path")


def _resource_plan(
    client: ClientOptions,
    resource: ResourceOptions,
    endpoint: EndpointTemplate,
    values: Parameters,
    *,
    drop_private: bool,
) -> ResourcePlan:
    options = resource.endpoint or EndpointOptions()
    return ResourcePlan(
        name=resource.name,
        table_name=resource.table_name or resource.name,
        template=CallTemplate(
            resource=resource.name,
            base_url=client.base_url,
            headers=tuple((name, as_text(said)) for name, said in (client.headers or {}).items() if said is not None),
            endpoint=endpoint,
            choices=tuple(_choices(endpoint.parameters, values)),
        ),
        pager=_pager(options, client),
        selector=compile_path(options.data_selector) if options.data_selector else None,
        auth=_auth(options, client),
        primary_key=_key(resource.primary_key),
        key_collisions=resource.key_collisions,
        key_collisions_declared="key_collisions" in resource.model_fields_set,
        private=tuple(resource.private),
        drop_private=drop_private,
        allow_null_data=options.allow_null_data,
        hints=_hints(resource),
    )


def _choices(names: Sequence[str], values: Parameters) -> Iterator[dict[str, Scalar]]:
    """One mapping for each call, in the order of the values."""
    for chosen in product(*(values[name] for name in names)):
        yield dict(zip(names, chosen, strict=True))


def _pager(endpoint: EndpointOptions, client: ClientOptions) -> Pager:
    """Endpoint over client over detection; `auto` on an endpoint is the same as none, as in dlt."""
    for options in (endpoint.paginator, client.paginator):
        if options is not None and not isinstance(options, AutoPaging):
            return PAGERS[type(options)](options)
    return Detect()


def _auth(endpoint: EndpointOptions, client: ClientOptions) -> Auth | None:
    """The endpoint's auth when it says one, none included; otherwise the client's."""
    options = endpoint.auth if "auth" in endpoint.model_fields_set else client.auth
    if options is None:
        return None
    fields = {name: getattr(options, name) for name in type(options).model_fields if name != "type"}
    return Auth(options.type, fields)


def _key(said: str | list[str] | None) -> tuple[str, ...]:
    if said is None:
        return ()
    return (said,) if isinstance(said, str) else tuple(said)


def _hints(resource: ResourceOptions) -> dict[str, Any]:
    """Hints that were given, copied: dlt writes into the mappings that it gets."""
    given = {name: copy.deepcopy(getattr(resource, name)) for name in _HINTS}
    for nested in (given["nested_hints"] or {}).values():
        columns = nested.get("columns") if isinstance(nested, dict) else None
        if isinstance(columns, dict):
            # dlt fills in the name in `columns` of a resource, and misses it here
            nested["columns"] = {name: {"name": name, **column} for name, column in columns.items()}
    return {name: value for name, value in given.items() if value is not None}


def _path(text: str | None) -> JsonPath | None:
    return None if text is None else compile_path(text)


def _same(options: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names}


def _offset(options: OffsetPaging) -> Pager:
    places = _same(options, "offset_param", "offset_body_path", "limit_param", "limit_body_path")
    same = _same(options, "limit", "offset", "maximum_offset", "stop_after_empty_page")
    return Offset(**places, **same, total_path=_path(options.total_path), has_more_path=_path(options.has_more_path))


def _page_number(options: PageNumberPaging) -> Pager:
    same = _same(options, "base_page", "page", "page_param", "page_body_path", "maximum_page", "stop_after_empty_page")
    return PageNumber(**same, total_path=_path(options.total_path), has_more_path=_path(options.has_more_path))


def _cursor(options: CursorPaging) -> Pager:
    return Cursor(
        compile_path(options.cursor_path),
        **_same(options, "cursor_param", "cursor_body_path", "stop_after_empty_page"),
        has_more_path=_path(options.has_more_path),
    )


#: Option model -> pager. `AutoPaging` has a row so that the table is whole; `_pager` asks the client first.
PAGERS: Final[Mapping[type[Any], Callable[[Any], Pager]]] = {
    AutoPaging: lambda _: Detect(),
    SinglePagePaging: lambda _: SinglePage(),
    OffsetPaging: _offset,
    PageNumberPaging: _page_number,
    CursorPaging: _cursor,
    JsonLinkPaging: lambda options: JsonLink(compile_path(options.next_url_path)),
    HeaderLinkPaging: lambda options: HeaderLink(**_same(options, "links_next_key")),
    HeaderCursorPaging: lambda options: HeaderCursor(**_same(options, "cursor_key", "cursor_param")),
}
