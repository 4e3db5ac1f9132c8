"""The kinds of auth and of paginator, each option declared once; defaults are those of dlt 1.31.

Both are chosen by `type`, before the fields are looked at, so that a wrong field gives one problem. An object that was
taken over (`Foreign`) stands in place of a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Tag, field_validator, model_validator

from headrace.config.field import (
    JsonPathText,
    Name,
    OptionalPathText,
    Options,
    Password,
    SecretText,
    TextOrSecret,
    User,
    option,
    told,
)
from headrace.config.foreign import Foreign, ForeignObject
from headrace.config.window import MomentForm


class BearerAuth(Options):
    """`Authorization: Bearer <token>`; the kind that is meant when `type` is missing."""

    type: Literal["bearer"] = option("bearer", about="the kind of credentials")
    token: SecretText = option(about="the token", example='dlt.secrets["token"]', secret=True)


class ApiKeyAuth(Options):
    """A key in a header or in the query."""

    type: Literal["api_key"] = option("api_key", about="the kind of credentials")
    api_key: SecretText = option(about="the key", example='dlt.secrets["api_key"]', secret=True)
    name: str = option("Authorization", about="name of the header or query parameter", min_length=1)
    location: Literal["header", "query", "param"] = option(
        "header",
        about="where the key is sent; `param` is another word for `query`",
        dlt="stricter: dlt takes `cookie` and raises at the first request",
    )


class HttpBasicAuth(Options):
    """HTTP Basic: user and password."""

    type: Literal["http_basic", "basic"] = option(
        "http_basic", about="the kind of credentials", dlt="looser: `basic` is taken too, the guides write it"
    )
    username: User = option(about="the user; many APIs want a fixed word", example="api")
    password: Password = option(about="the password", example='dlt.secrets["private_key"]', secret=True)


class ClientCredentialsAuth(Options):
    """OAuth 2 client credentials: a token is asked for when it is needed, and again before it ends."""

    type: Literal["oauth2_client_credentials"] = option("oauth2_client_credentials", about="the kind of credentials")
    access_token_url: str = option(
        about="address that gives tokens", example="https://auth.example.com/oauth/token", min_length=1
    )
    client_id: TextOrSecret = option(about="the client", example="my-client")
    client_secret: SecretText = option(about="its secret", example='dlt.secrets["client_secret"]', secret=True)
    access_token_request_data: dict[str, Any] = option(
        {}, about="further fields of the request for a token", example={"scope": "read"}
    )
    default_token_expiration: int = option(3600, about="seconds a token lasts where its answer does not say", ge=1)
    access_token: SecretText | None = option(
        None, about="taken and not used: a token is fetched, as dlt does", secret=True
    )

    @field_validator("access_token_request_data", mode="before")
    @classmethod
    def _none_is_nothing(cls, value: Any) -> Any:
        return {} if value is None else value


class AutoPaging(Options):
    """Find the paging on the first page; on an endpoint it means the client's paginator, as in dlt."""

    type: Literal["auto"] = option("auto", about="the kind of paging")


class SinglePagePaging(Options):
    """One request, one page."""

    type: Literal["single_page"] = option(about="the kind of paging")


def _unless_in_the_body(options: Any, param: str, body: str) -> Any:
    """A raw mapping whose query parameter is None where the value goes into the body; None there is the default."""
    if not isinstance(options, Mapping):
        return options
    if options.get(body) is not None and not options.get(param):
        return {**options, param: None}
    return {key: value for key, value in options.items() if key != param or value is not None}


def _one_of(options: Any, param: str, body: str) -> None:
    """Raises when a value is to go into the query and into the body."""
    if getattr(options, param) is not None and getattr(options, body) is not None:
        raise told(f"expected `{param}` or `{body}`, got both")


class _CountedPaging(Options):
    """What both counted kinds share."""

    stop_after_empty_page: bool = option(default=True, about="an empty page ends the listing")
    has_more_path: OptionalPathText = option(
        None, about="where the answer says whether more follows", example="meta.has_more"
    )

    @field_validator("stop_after_empty_page", mode="before")
    @classmethod
    def _none_is_false(cls, value: Any) -> Any:
        return False if value is None else value

    def _must_end(self, total_path: str | None, maximum: int | None, option_name: str) -> None:
        """Raises when nothing ends the listing."""
        if total_path is None and maximum is None and self.has_more_path is None and not self.stop_after_empty_page:
            raise told(
                f"expected one of `total_path`, `{option_name}`, `has_more_path` and `stop_after_empty_page`, got none",
                hint="nothing would end the listing",
            )


class OffsetPaging(_CountedPaging):
    """Pages by number of rows to skip."""

    type: Literal["offset"] = option(about="the kind of paging")
    limit: int = option(about="rows asked for on each page", example=100, ge=1)
    offset: int = option(0, about="rows to skip on the first page", ge=0)
    offset_param: Name | None = option("offset", about="query parameter of the offset; none with `offset_body_path`")
    offset_body_path: Name | None = option(None, about="place of the offset in the JSON body", example="page.offset")
    limit_param: Name | None = option("limit", about="query parameter of the limit; none with `limit_body_path`")
    limit_body_path: Name | None = option(None, about="place of the limit in the JSON body", example="page.limit")
    total_path: OptionalPathText = option(
        "total", about="where the answer says how many rows there are", dlt="looser: a missing total is no error"
    )
    maximum_offset: int | None = option(None, about="stop before this offset", ge=0)
    overlap: int = option(
        0,
        about="rows that each page repeats of the one before: where they differ, rows were inserted or deleted, and "
        "`headrace run` lists them again",
        dlt="ours",
        ge=0,
    )

    @model_validator(mode="before")
    @classmethod
    def _in_the_body(cls, options: Any) -> Any:
        return _unless_in_the_body(
            _unless_in_the_body(options, "offset_param", "offset_body_path"), "limit_param", "limit_body_path"
        )

    @model_validator(mode="after")
    def _is_whole(self) -> OffsetPaging:
        _one_of(self, "offset_param", "offset_body_path")
        _one_of(self, "limit_param", "limit_body_path")
        self._must_end(self.total_path, self.maximum_offset, "maximum_offset")
        if self.overlap >= self.limit:
            raise told(f"expected an `overlap` below `limit` ({self.limit}), got {self.overlap}")
        return self


class PageNumberPaging(_CountedPaging):
    """Pages by their number."""

    type: Literal["page_number"] = option(about="the kind of paging")
    base_page: int = option(0, about="number of the API's first page", ge=0)
    page: int | None = option(None, about="page to begin with; `base_page` when absent", ge=0)
    page_param: Name | None = option("page", about="query parameter of the page number; none with `page_body_path`")
    page_body_path: Name | None = option(None, about="place of the page number in the JSON body", example="page.number")
    total_path: OptionalPathText = option(
        "total", about="where the answer says how many pages there are", dlt="looser: a missing total is no error"
    )
    maximum_page: int | None = option(None, about="stop before this page", ge=0)

    @model_validator(mode="before")
    @classmethod
    def _in_the_body(cls, options: Any) -> Any:
        return _unless_in_the_body(options, "page_param", "page_body_path")

    @model_validator(mode="after")
    def _is_whole(self) -> PageNumberPaging:
        _one_of(self, "page_param", "page_body_path")
        self._must_end(self.total_path, self.maximum_page, "maximum_page")
        return self


class CursorPaging(Options):
    """Each answer names the cursor of the next page."""

    type: Literal["cursor"] = option(about="the kind of paging")
    cursor_path: JsonPathText = option("cursors.next", about="where the answer has the next cursor")
    cursor_param: Name | None = option("cursor", about="query parameter of the cursor; none with `cursor_body_path`")
    cursor_body_path: Name | None = option(None, about="place of the cursor in the JSON body", example="page.after")
    stop_after_empty_page: bool | None = option(
        None, about="an empty page ends the listing; absent: the pager decides by what it saw"
    )
    has_more_path: OptionalPathText = option(None, about="where the answer says whether more follows")

    @model_validator(mode="before")
    @classmethod
    def _in_the_body(cls, options: Any) -> Any:
        return _unless_in_the_body(options, "cursor_param", "cursor_body_path")

    @model_validator(mode="after")
    def _is_whole(self) -> CursorPaging:
        _one_of(self, "cursor_param", "cursor_body_path")
        return self


class JsonLinkPaging(Options):
    """Each answer has the address of the next page in its body."""

    type: Literal["json_link", "json_response"] = option(about="the kind of paging")
    next_url_path: JsonPathText = option("next", about="where the answer has the next address")
    stop_after_empty_page: bool | None = option(
        None,
        about="an empty page ends the listing, whatever its link leads to; absent: the pager decides by what it saw",
        dlt="ours",
    )
    keep_origin: bool = option(
        default=False,
        about="of a link only path and query count, and the host that was asked is asked on: where an API or a gateway "
        "writes another host into its links",
        dlt="ours",
    )


class HeaderLinkPaging(Options):
    """Each answer has the address of the next page in its `Link` header."""

    type: Literal["header_link"] = option(about="the kind of paging")
    links_next_key: str = option("next", about="the `rel` of the next page", min_length=1)
    stop_after_empty_page: bool | None = option(
        None,
        about="an empty page ends the listing, whatever its link leads to; absent: the pager decides by what it saw",
        dlt="ours",
    )
    keep_origin: bool = option(
        default=False,
        about="of a link only path and query count, and the host that was asked is asked on: where an API or a gateway "
        "writes another host into its links",
        dlt="ours",
    )


class HeaderCursorPaging(Options):
    """Each answer has the next cursor in a header."""

    type: Literal["header_cursor"] = option(about="the kind of paging")
    cursor_key: str = option("next", about="name of the header with the cursor", min_length=1)
    cursor_param: str = option("cursor", about="query parameter of the cursor", min_length=1)
    stop_after_empty_page: bool | None = option(
        None, about="an empty page ends the listing; absent: the pager decides by what it saw", dlt="ours"
    )


class KeysetPaging(Options):
    """Pages in the order of a time of their rows: the next request is bounded by the last time seen.

    The rows of that instant are asked for again, so that none is lost or doubled where a page ends among them. An API
    that ignores the bound, cuts it, or has more rows at one instant than on a page, is an error.
    """

    type: Literal["keyset"] = option(about="the kind of paging", dlt="ours")
    key_path: JsonPathText = option(about="where a row has its time", dlt="ours", example="created_at")
    key_param: Name | None = option(
        None, about="query parameter of the bound; or `key_body_path`", dlt="ours", example="before"
    )
    key_body_path: Name | None = option(None, about="place of the bound in the JSON body", dlt="ours", example="before")
    order: Literal["asc", "desc"] = option(
        "desc", about="`desc`: newest rows first, the bound is their latest time; `asc`: the reverse", dlt="ours"
    )
    format: MomentForm = option(
        "datetime_ms",
        about="how the bound is sent: as in `windows`; rows within one unit of it are of one instant",
        dlt="ours",
    )
    limit: int = option(about="rows asked for on each page", dlt="ours", example=1000, ge=1)
    limit_param: Name | None = option(
        "limit", about="query parameter of the limit; none with `limit_body_path`", dlt="ours"
    )
    limit_body_path: Name | None = option(
        None, about="place of the limit in the JSON body", dlt="ours", example="page.limit"
    )
    least_limit: int = option(
        10,
        about="an API may serve fewer rows than `limit` without saying so, but no fewer than these where it has them",
        dlt="ours",
        ge=1,
    )

    @model_validator(mode="before")
    @classmethod
    def _in_the_body(cls, options: Any) -> Any:
        return _unless_in_the_body(options, "limit_param", "limit_body_path")

    @model_validator(mode="after")
    def _is_whole(self) -> KeysetPaging:
        _one_of(self, "limit_param", "limit_body_path")
        _one_of(self, "key_param", "key_body_path")
        if self.key_param is None and self.key_body_path is None:
            raise told("expected `key_param` or `key_body_path`, got none")
        return self


#: Auth by name.
AUTH_KINDS: Final[Mapping[str, type[Options]]] = {
    "bearer": BearerAuth,
    "api_key": ApiKeyAuth,
    "http_basic": HttpBasicAuth,
    "basic": HttpBasicAuth,
    "oauth2_client_credentials": ClientCredentialsAuth,
}
#: Paginator by name.
PAGING_KINDS: Final[Mapping[str, type[Options]]] = {
    "auto": AutoPaging,
    "single_page": SinglePagePaging,
    "offset": OffsetPaging,
    "page_number": PageNumberPaging,
    "cursor": CursorPaging,
    "json_link": JsonLinkPaging,
    "json_response": JsonLinkPaging,
    "header_link": HeaderLinkPaging,
    "header_cursor": HeaderCursorPaging,
    "keyset": KeysetPaging,
}


def _tag(kinds: Mapping[str, type[Options]], value: Any, default: str) -> str:
    """The tag of a raw mapping, a model or an object; angle brackets tell a tag from a key in an error's place."""
    if isinstance(value, Foreign):
        return "<Foreign>"
    kind = value.get("type", default) if isinstance(value, Mapping) else getattr(value, "type", default)
    model = kinds.get(kind) if isinstance(kind, str) else None
    return f"<{model.__name__}>" if model else f"<{kind}>"


def _auth_tag(value: Any) -> str:
    return _tag(AUTH_KINDS, value, "bearer")


def _paging_tag(value: Any) -> str:
    # dlt takes {"limit": 5} without a type for `auto` and drops the limit silently
    return _tag(PAGING_KINDS, value, "None" if isinstance(value, Mapping) and value else "auto")


AuthOptions = Annotated[
    Annotated[BearerAuth, Tag("<BearerAuth>")]
    | Annotated[ApiKeyAuth, Tag("<ApiKeyAuth>")]
    | Annotated[HttpBasicAuth, Tag("<HttpBasicAuth>")]
    | Annotated[ClientCredentialsAuth, Tag("<ClientCredentialsAuth>")]
    | Annotated[ForeignObject, Tag("<Foreign>")],
    Discriminator(_auth_tag),
]
PagingOptions = Annotated[
    Annotated[AutoPaging, Tag("<AutoPaging>")]
    | Annotated[SinglePagePaging, Tag("<SinglePagePaging>")]
    | Annotated[OffsetPaging, Tag("<OffsetPaging>")]
    | Annotated[PageNumberPaging, Tag("<PageNumberPaging>")]
    | Annotated[CursorPaging, Tag("<CursorPaging>")]
    | Annotated[JsonLinkPaging, Tag("<JsonLinkPaging>")]
    | Annotated[HeaderLinkPaging, Tag("<HeaderLinkPaging>")]
    | Annotated[HeaderCursorPaging, Tag("<HeaderCursorPaging>")]
    | Annotated[KeysetPaging, Tag("<KeysetPaging>")]
    | Annotated[ForeignObject, Tag("<Foreign>")],
    Discriminator(_paging_tag),
]
