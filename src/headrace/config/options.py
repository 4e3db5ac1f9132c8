"""Every option of a configuration, declared once; the shape is that of dlt 1.31's `rest_api`, plus options of ours.

Models hold plain data, functions and `Foreign` objects: what a paginator or an auth *does* is the business of later
rooms. Defaults are those of dlt (dlt/sources/rest_api/typing.py and the paginators' constructors); options marked
`ours` do not exist there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, PrivateAttr, Tag
from pydantic.json_schema import SkipJsonSchema

from headrace.config.deletion import DeletionOptions
from headrace.config.fallback import FallbackOptions
from headrace.config.field import (
    BaseUrl,
    Body,
    HeaderValue,
    IncludedFields,
    JsonPathText,
    Name,
    Options,
    ParameterValue,
    QueryValue,
    Scalar,
    SecretText,
    option,
)
from headrace.config.field_path import FieldPathText
from headrace.config.foreign import Foreign, ForeignObject, ReadyResource, SessionObject
from headrace.config.function import ActionOptions, OrFunction, StepOptions
from headrace.config.hint import AllNestedHints, TableHints
from headrace.config.incremental import IncrementalOptions, IncrementalParam, ResolveParam
from headrace.config.kinds import AUTH_KINDS, AuthOptions, PagingOptions
from headrace.config.policy import Hints, LimitOptions, RateOptions, RetryOptions
from headrace.config.shape import FieldOptions
from headrace.config.together import EntryOptions
from headrace.config.window import WindowOptions

#: `params` values that are mappings, by their `type`.
PARAM_KINDS: Final[Mapping[str, type[Options]]] = {"resolve": ResolveParam, "incremental": IncrementalParam}


def _param_tag(value: Any) -> str:
    if isinstance(value, Foreign):
        return "<Foreign>"
    kind = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    model = PARAM_KINDS.get(kind) if isinstance(kind, str) else None
    return f"<{model.__name__}>" if model else "<value>"


ParamValue = Annotated[
    Annotated[QueryValue, Tag("<value>")]
    | Annotated[ResolveParam, Tag("<ResolveParam>")]
    | Annotated[IncrementalParam, Tag("<IncrementalParam>")]
    | Annotated[ForeignObject, Tag("<Foreign>")],
    Discriminator(_param_tag),
]


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
        None, about="credentials", example={"type": "bearer", "token": 'dlt.secrets["token"]'}, also="object of dlt's"
    )
    paginator: PagingOptions | None = option(
        None,
        about="paging of endpoints that declare none",
        example={"type": "page_number", "base_page": 1},
        also="object of dlt's",
    )
    session: SessionObject | None = option(None, about="sends in place of our own transport", also="`requests.Session`")
    retry: RetryOptions = option(RetryOptions(), about="when a request is sent again", dlt="ours")
    limits: LimitOptions = option(LimitOptions(), about="bounds of requests and answers", dlt="ours")
    rate_limit: RateOptions | None = option(
        None,
        about="how often a host is asked; when absent, as its headers say or its refusals teach (`limits.learn_rate`)",
        dlt="ours",
        example={"requests": 10, "per_s": 1},
    )
    rate_limits: dict[BaseUrl, RateOptions] = option(
        {},
        about="the same for single hosts, by their origin, where several are asked",
        dlt="ours",
        example={"https://reports.example.com": {"requests": 10, "per_s": 60}},
    )
    hints: Hints = option(
        {},
        about="what to try when the API refuses with a status, in place of our own advice",
        dlt="ours",
        example={"401": "the key is that of the region"},
    )


class EndpointOptions(Options):
    """One endpoint; a plain text in its place is its path."""

    path: str | None = option(
        None,
        about="path below `base_url`, or a whole address; the name of the resource when absent",
        example="v1/items",
    )
    fallback: FallbackOptions | None = option(
        None,
        about="another path, for a call whose first request is refused",
        dlt="ours",
        example={"path": "v3/items"},
    )
    method: Literal["GET", "POST"] = option("GET", about="HTTP method")
    idempotent: bool | None = option(
        None,
        about="whether a request may be made twice, because it only reads; what may not is not asked again once it was "
        "sent, unless the answer says that nothing was done (421, 425, 429). When absent: GET may, POST may not",
        dlt="ours",
        example=True,
    )
    params: dict[str, ParamValue] | None = option(
        None,
        about="query parameters; a mapping among them is of type `resolve` or `incremental`",
        example={"per_page": 100},
    )
    json_body: dict[str, Any] | None = option(
        None, about="body that is sent as JSON", example={"query": "all"}, alias="json"
    )
    data: Body | None = option(
        None,
        about="body that is sent as a form (a mapping, or pairs in a list) or as it is (text, bytes)",
        example={"query": "all"},
        dlt="stricter: not beside `json`, where dlt fails in the run",
    )
    headers: dict[str, HeaderValue] | None = option(
        None,
        about="headers of this endpoint, over the client's; one that its placeholders leave empty is not sent",
        dlt="looser: an empty one is sent there",
    )
    auth: AuthOptions | None = option(
        None, about="credentials in place of the client's; null for none", also="object of dlt's"
    )
    paginator: PagingOptions | None = option(
        None, about="paging", example={"type": "offset", "limit": 100}, also="object of dlt's"
    )
    data_selector: JsonPathText | None = option(
        None,
        about="where the rows are in an answer; found on the first page when absent",
        example="data.items",
        dlt="stricter: a JSONPath; dlt fails in the run",
    )
    response_actions: list[ActionOptions] | None = option(
        None,
        about="what is done with some answers, in this order",
        example=[{"status_code": 404, "action": "ignore"}],
    )
    incremental: IncrementalOptions | None = option(
        None,
        about="only rows after those of the last run",
        example={"cursor_path": "updated_at", "start_param": "since"},
    )
    windows: WindowOptions | None = option(
        None,
        about="a range of time in parts, side by side",
        example={"param_start": "from", "param_end": "to", "start": "2026-01-01", "size": "1d"},
        dlt="ours",
    )
    allow_null_data: bool = option(default=False, about="null under `data_selector` means no rows", dlt="ours")
    allow_object_data: bool = option(
        default=False,
        about="an object in place of the list of rows is one row, on any page; without it only where it is the whole "
        "listing",
        dlt="looser: an object is always a row there",
    )
    entries: EntryOptions | None = option(
        None,
        about="`data_selector` leads to an object instead of a list: each of its entries is a row",
        dlt="ours",
        example={"key": "id", "value": "clicks"},
    )
    batch: int | None = option(
        None,
        about="so many rows of the parent make one call: their values, outside of the path, with commas between; rows "
        "that differ in the path or in `include_from_parent` are asked for apart",
        dlt="ours",
        example=100,
        ge=1,
    )


class ResourceDefaults(TableHints):
    """What resources have in common: all options of a resource but its name."""

    table_name: Annotated[Name, OrFunction] | None = option(
        None, about="name of the table; the resource's name when absent", also="function"
    )
    nested_hints: Annotated[AllNestedHints, OrFunction] | None = option(
        None, about="hints of nested tables by name", example={"tags": {"primary_key": "id"}}, also="function"
    )
    max_table_nesting: int | None = option(None, about="levels of nested tables", example=2, ge=0)
    selected: bool | None = option(None, about="false: not loaded unless asked for by name")
    parallelized: bool | None = option(None, about="no effect: resources and pages are fetched side by side anyway")
    processing_steps: list[StepOptions] | None = option(None, about="functions over rows, in this order")
    include_from_parent: IncludedFields | None = option(
        None,
        about="fields of the parent's row that become columns `_<parent>_<field>`, or those that a mapping names",
        example=["id"],
        dlt="looser: takes a mapping of field to column",
    )
    constants: dict[Name, Scalar] = option(
        {}, about="columns that have one value in every row", dlt="ours", example={"region": "eu"}
    )
    fields: dict[FieldPathText, FieldOptions] = option(
        {},
        about="fields that an API spells in several ways, by path; `[*]` stands for the items of a list",
        dlt="ours",
        example={"created_at": {"as": "timestamp"}},
    )
    endpoint: EndpointOptions | None = option(
        None, about="the endpoint, or its path as text", example={"path": "v1/items"}
    )
    when_empty: str | None = option(
        None,
        about="what to try when the API has no rows, for the summary of a run",
        dlt="ours",
        example="region?",
    )
    key_collisions: Literal["keep_last", "keep_all", "fail"] = option(
        "keep_last", about="rows that differ and share a declared key: the last one, all, or an error", dlt="ours"
    )
    private: list[FieldPathText] = option(
        [],
        about="fields that are not stored unless `privacy: keep`; a path leads through objects and lists, `*` is any "
        "key",
        dlt="ours",
        example=["smtp_password", "message.headers.subject"],
    )
    personal: list[FieldPathText] = option(
        [],
        about="fields about persons: as `privacy` says kept, hashed or not stored; an object is hashed whole, a list "
        "item by item",
        dlt="ours",
        example=["recipient", "message.headers.to", "user-variables"],
    )
    secrets: list[FieldPathText] = option(
        [], about="fields that are never stored, whatever `privacy` says", dlt="ours", example=["signing_key"]
    )
    deletions: DeletionOptions | None = option(
        None,
        about="rows that a complete listing lacks are marked; for `merge` with a key",
        dlt="ours",
        example={"after": 1},
    )
    mixed_numbers: Literal["variant", "widen"] = option(
        "variant",
        about="whole numbers and fractions in one column: a second column for what does not fit, or doubles throughout",
        dlt="ours",
    )
    name_collisions: Literal["keep", "last"] = option(
        "keep",
        about="keys that get one column (`userId`, `user_id`) and differ: all values, the others in columns of their "
        "own, or the last one alone",
        dlt="ours",
    )


class ResourceOptions(ResourceDefaults):
    """One resource; a plain text in its place is its name and path."""

    name: str = option(about="name of the resource", example="items", min_length=1)


def _entry_tag(value: Any) -> str:
    return "<ReadyResource>" if isinstance(value, ReadyResource) else "<ResourceOptions>"


ResourceEntry = Annotated[
    Annotated[ResourceOptions, Tag("<ResourceOptions>")]
    | Annotated[SkipJsonSchema[ReadyResource], Tag("<ReadyResource>")],
    Discriminator(_entry_tag),
]


class RestConfig(Options):
    """A whole configuration; after `validate` its resources have the defaults merged in."""

    client: ClientOptions = option(about="what all endpoints share", example={"base_url": "https://api.example.com"})
    resource_defaults: ResourceDefaults | None = option(
        None, about="what resources have in common", example={"primary_key": "id"}
    )
    resources: list[ResourceEntry] = option(
        about="what is loaded, in this order", example=["items"], also="dlt resources among them", min_length=1
    )
    params: dict[str, ParameterValue] | None = option(
        None,
        about="values for `{name}` placeholders; a list makes one call for each",
        dlt="ours",
        example={"domain_id": [1, 2]},
    )
    privacy: Literal["drop", "hash", "keep"] = option(
        "drop",
        about="`drop`: neither `private` nor `personal` fields are stored; `hash`: `personal` ones as keyed hashes; "
        "`keep`: both as they are",
        dlt="ours",
    )
    privacy_key: SecretText | None = option(
        None,
        about="key of the hashes, 32 to 64 characters; the secret `privacy_key` when absent",
        dlt="ours",
        example='dlt.secrets["privacy_key"]',
        secret=True,
    )
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
