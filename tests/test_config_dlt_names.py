"""Nothing that dlt's own types name is missing among our options, and their defaults are dlt's."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints

import pytest
from dlt.common.data_types.typing import TDataType
from dlt.common.schema import typing as schema
from dlt.extract.hints import TResourceNestedHints
from dlt.extract.incremental import Incremental
from dlt.sources.helpers.rest_client import auth, paginators
from dlt.sources.rest_api import typing as rest
from dlt.sources.rest_api.config_setup import AUTH_MAP, PAGINATOR_MAP

from headrace.config.column import ColumnHints, DataType
from headrace.config.function import ActionOptions, StepOptions
from headrace.config.hint import (
    STRATEGIES,
    ContractOptions,
    Disposition,
    DispositionOptions,
    Evolution,
    FileFormat,
    NestedHints,
    Strategy,
    TableFormat,
)
from headrace.config.incremental import IncrementalOptions, IncrementalParam, ResolveParam
from headrace.config.kinds import (
    AUTH_KINDS,
    PAGING_KINDS,
    ApiKeyAuth,
    BearerAuth,
    ClientCredentialsAuth,
    CursorPaging,
    HeaderCursorPaging,
    HeaderLinkPaging,
    HttpBasicAuth,
    JsonLinkPaging,
    OffsetPaging,
    PageNumberPaging,
)
from headrace.config.options import (
    PARAM_KINDS,
    ClientOptions,
    EndpointOptions,
    ResourceDefaults,
    ResourceOptions,
    RestConfig,
)

#: dlt's type -> our model, and what dlt names and refuses, or takes through an object only.
TYPES: list[tuple[Any, Any, set[str]]] = [
    (rest.RESTAPIConfig, RestConfig, set()),
    (rest.ClientConfig, ClientOptions, set()),
    (rest.EndpointResource, ResourceOptions, {"parent_table_name"}),
    (rest.EndpointResourceBase, ResourceDefaults, {"parent_table_name"}),
    (rest.Endpoint, EndpointOptions, set()),
    (rest.IncrementalConfig, IncrementalOptions, set()),
    (rest.IncrementalParamConfig, IncrementalParam, {"end_value"}),
    (rest.ResolveParamConfig, ResolveParam, set()),
    (rest.ResponseActionDict, ActionOptions, set()),
    (rest.ProcessingSteps, StepOptions, set()),
    (rest.BearerTokenAuthConfig, BearerAuth, set()),
    (rest.ApiKeyAuthConfig, ApiKeyAuth, set()),
    (rest.HttpBasicAuthConfig, HttpBasicAuth, set()),
    (rest.OAuth2ClientCredentialsConfig, ClientCredentialsAuth, {"session"}),
    (rest.PageNumberPaginatorConfig, PageNumberPaging, set()),
    (rest.OffsetPaginatorConfig, OffsetPaging, set()),
    (rest.HeaderLinkPaginatorConfig, HeaderLinkPaging, set()),
    (rest.JSONLinkPaginatorConfig, JsonLinkPaging, set()),
    (rest.JSONResponseCursorPaginatorConfig, CursorPaging, set()),
    (rest.HeaderCursorPaginatorConfig, HeaderCursorPaging, set()),
    (TResourceNestedHints, NestedHints, set()),
    (schema.TColumnSchema, ColumnHints, {"x-normalizer"}),
    (schema.TSchemaContractDict, ContractOptions, set()),
]

#: Constructor -> our model, and our defaults that are not dlt's: named where dlt says it in the constructor's body.
CONSTRUCTORS: list[tuple[Any, Any, dict[str, Any]]] = [
    (paginators.PageNumberPaginator, PageNumberPaging, {"page_param": "page"}),
    (paginators.OffsetPaginator, OffsetPaging, {"offset_param": "offset", "limit_param": "limit"}),
    # false that nobody said is a third value here: see paginate/cycle.py
    (paginators.JSONResponseCursorPaginator, CursorPaging, {"cursor_param": "cursor", "stop_after_empty_page": None}),
    (paginators.HeaderLinkPaginator, HeaderLinkPaging, {}),
    (paginators.HeaderCursorPaginator, HeaderCursorPaging, {}),
    (paginators.JSONLinkPaginator, JsonLinkPaging, {}),
    (auth.OAuth2ClientCredentials, ClientCredentialsAuth, {"access_token_request_data": {}}),
    (auth.APIKeyAuth, ApiKeyAuth, {}),
    # false in dlt before 1.30, which is the same
    (Incremental, IncrementalOptions, {"last_value_func": "max", "allow_external_schedulers": None}),
]

WORDS = [
    (TDataType, DataType),
    (schema.TWriteDisposition, Disposition),
    (schema.TLoaderMergeStrategy, Strategy),
    (schema.TSchemaEvolutionMode, Evolution),
    (schema.TTableFormat, TableFormat),
    (schema.TFileFormat, FileFormat),
]


def names_of(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("theirs", "ours", "refused"), TYPES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_key_of_dlts_types_is_an_option(theirs: Any, ours: Any, refused: set[str]) -> None:
    assert set(get_type_hints(theirs)) - refused - names_of(ours) == set()


@pytest.mark.parametrize(
    ("constructor", "model", "other"), CONSTRUCTORS, ids=lambda value: getattr(value, "__name__", "")
)
def test_defaults_are_those_of_dlt(constructor: Any, model: Any, other: dict[str, Any]) -> None:
    for name, parameter in inspect.signature(constructor).parameters.items():
        field = model.model_fields.get(name)
        if field is not None and not field.is_required():
            assert field.default == other.get(name, parameter.default), name


@pytest.mark.parametrize(("theirs", "ours"), WORDS)
def test_words_are_those_of_dlt(theirs: Any, ours: Any) -> None:
    assert set(get_args(theirs)) <= set(get_args(ours))


def test_kinds_are_those_of_dlt() -> None:
    """Others that a test registered are not ours."""
    stock = [kind for kind, made in PAGINATOR_MAP.items() if made is None or made.__module__.startswith("dlt.")]
    assert set(stock) <= set(PAGING_KINDS)
    assert {kind for kind, made in AUTH_MAP.items() if made.__module__.startswith("dlt.")} <= set(AUTH_KINDS)
    assert set(get_args(rest.ParamBindType)) == set(PARAM_KINDS)


def test_strategies_have_the_keys_of_dlt() -> None:
    keys = {name for keys in STRATEGIES.values() for name in keys}
    assert keys | {"disposition", "strategy"} == names_of(DispositionOptions)
    for name, options in getattr(schema, "MERGE_STRATEGY_OPTIONS", {}).items():
        takers = {strategy for strategy, taken in STRATEGIES.items() if name in taken}
        assert takers == set(options), name
