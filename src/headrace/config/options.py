"""Every option of a configuration, declared once; the shape is that of dlt 1.31's `rest_api`, plus options of ours.

Models hold plain data: what a paginator or an auth *does* is the business of later rooms. Defaults are those of dlt
(dlt/sources/rest_api/typing.py and the paginators' constructors); options marked `ours` do not exist there.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, PrivateAttr

from headrace.config.field import (
    BaseUrl,
    Columns,
    HeaderValue,
    JsonPathText,
    Names,
    Options,
    ParameterValue,
    QueryValue,
    TextOrMapping,
    WriteDisposition,
    option,
)
from headrace.config.kinds import AUTH_KINDS, AuthOptions, PagingOptions


class RetryOptions(Options):
    """When the same request is sent again; defaults are those of the guides."""

    max_retries: int = option(3, about="tries after the first one", dlt="ours", ge=0)
    backoff_factor: float = option(
        2.0, about="seconds before the first retry; doubled for each further one", dlt="ours", ge=0, allow_inf_nan=False
    )
    statuses: list[Annotated[int, Field(ge=100, le=599)]] = option(
        [429, 500, 502, 503, 504], about="HTTP statuses that are asked again", dlt="ours", example=[429, 503]
    )
    max_wait_s: float = option(300.0, about="longest wait in seconds, `Retry-After` included", dlt="ours", gt=0)


class LimitOptions(Options):
    """Bounds of one client."""

    in_flight: int = option(8, about="requests at the same time", dlt="ours", ge=1)
    timeout_s: float = option(60.0, about="seconds that one try may take", dlt="ours", gt=0, allow_inf_nan=False)
    max_page_bytes: int = option(
        256 * 1024 * 1024, about="bytes that one page may have, decompressed", dlt="ours", ge=1
    )
    max_pages: int = option(1_000_000, about="pages of one listing before it is taken for endless", dlt="ours", ge=1)


class ClientOptions(Options):
    """What all endpoints share."""

    base_url: BaseUrl = option(
        about="address that paths are joined to",
        example="https://api.example.com/v1",
        dlt="stricter: has a scheme, and no credentials, query or placeholders",
    )
    headers: dict[str, HeaderValue] | None = option(
        None, about="headers of every request", example={"Accept": "application/json"}
    )
    auth: AuthOptions | None = option(
        None, about="credentials", example={"type": "bearer", "token": 'dlt.secrets["token"]'}
    )
    paginator: PagingOptions | None = option(
        None, about="paging of endpoints that declare none", example={"type": "page_number", "base_page": 1}
    )
    retry: RetryOptions = option(RetryOptions(), about="when a request is sent again", dlt="ours")
    limits: LimitOptions = option(LimitOptions(), about="bounds of requests and answers", dlt="ours")


class EndpointOptions(Options):
    """One endpoint; a plain text in its place is its path."""

    path: str | None = option(
        None,
        about="path below `base_url`, or a whole address; the name of the resource when absent",
        example="v1/items",
    )
    method: Literal["GET", "POST"] = option("GET", about="HTTP method")
    params: dict[str, QueryValue] | None = option(None, about="query parameters", example={"per_page": 100})
    json_body: dict[str, Any] | None = option(
        None, about="body that is sent as JSON", example={"query": "all"}, alias="json"
    )
    headers: dict[str, HeaderValue] | None = option(None, about="headers of this endpoint, over the client's")
    auth: AuthOptions | None = option(None, about="credentials in place of the client's; null for none")
    paginator: PagingOptions | None = option(None, about="paging", example={"type": "offset", "limit": 100})
    data_selector: JsonPathText | None = option(
        None, about="where the rows are in an answer; found on the first page when absent", example="data.items"
    )
    allow_null_data: bool = option(default=False, about="null under `data_selector` means no rows", dlt="ours")


class ResourceDefaults(Options):
    """What resources have in common: all options of a resource but its name."""

    table_name: str | None = option(None, about="name of the table; the resource's name when absent", min_length=1)
    write_disposition: WriteDisposition | None = option(
        None,
        about="append, replace, merge or skip, or a mapping with `disposition`; dlt's default is append",
        example="merge",
    )
    primary_key: Names | None = option(None, about="column or columns that identify a row", example="id")
    merge_key: Names | None = option(None, about="column or columns whose rows are replaced together", example="day")
    columns: Columns | None = option(
        None, about="column hints, as dlt takes them", example={"created_at": {"data_type": "timestamp"}}
    )
    nested_hints: dict[str, Any] | None = option(None, about="hints of nested tables, as dlt takes them")
    references: list[dict[str, Any]] | None = option(None, about="references to other tables, as dlt takes them")
    schema_contract: TextOrMapping | None = option(None, about="dlt's schema contract", example="evolve")
    max_table_nesting: int | None = option(None, about="levels of nested tables", example=2, ge=0)
    table_format: str | None = option(None, about="dlt's table format", example="iceberg")
    file_format: str | None = option(None, about="dlt's file format", example="parquet")
    selected: bool | None = option(None, about="false: not loaded unless asked for by name")
    endpoint: EndpointOptions | None = option(
        None, about="the endpoint, or its path as text", example={"path": "v1/items"}
    )
    key_collisions: Literal["keep_last", "keep_all", "fail"] = option(
        "keep_last", about="rows that differ and share a declared key: the last one, all, or an error", dlt="ours"
    )
    private: list[str] = option(
        [],
        about="top-level fields that hold secrets; not stored unless `privacy: keep`",
        dlt="ours",
        example=["smtp_password"],
    )


class ResourceOptions(ResourceDefaults):
    """One resource; a plain text in its place is its name and path."""

    name: str = option(about="name of the resource", example="items", min_length=1)


class RestConfig(Options):
    """A whole configuration; after `validate` its resources have the defaults merged in."""

    client: ClientOptions = option(about="what all endpoints share", example={"base_url": "https://api.example.com"})
    resource_defaults: ResourceDefaults | None = option(
        None, about="what resources have in common", example={"primary_key": "id"}
    )
    resources: list[ResourceOptions] = option(about="what is loaded, in this order", example=["items"], min_length=1)
    params: dict[str, ParameterValue] | None = option(
        None,
        about="values for `{name}` placeholders; a list makes one call for each",
        dlt="ours",
        example={"domain_id": [1, 2]},
    )
    privacy: Literal["drop", "keep"] = option("drop", about="what becomes of `private` fields", dlt="ours")
    name: str | None = option(None, about="name of the source", dlt="ours", example="mail", min_length=1)

    _source: str | None = PrivateAttr(default=None)

    @property
    def source(self) -> str | None:
        """Where the configuration came from (a file), for messages."""
        return self._source


#: Names of the auth options that are secrets, made from their declarations.
SECRET_FIELDS: Final = frozenset(
    name
    for model in AUTH_KINDS.values()
    for name, field in model.model_fields.items()
    if isinstance(field.json_schema_extra, dict) and field.json_schema_extra["secret"]
)
