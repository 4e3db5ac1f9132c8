"""The plan: what will happen, frozen. Nothing after this room sees a configuration dictionary.

`describe` gives the same facts as plain data for `headrace plan`, golden tests and bug reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from headrace.jsonpath import JsonPath
from headrace.message import Request, Response
from headrace.paginate import Pager
from headrace.plan.privacy import Privacy
from headrace.plan.shaping import Shaping
from headrace.plan.window import Windows

if TYPE_CHECKING:
    from headrace.plan.call import CallTemplate

_OPEN: Final = Privacy()

#: Column with the beginning of the step of time in which a row lies that is replaced by its time.
STEP: Final = "_window"
#: Column that is set in the row of a step that has no rows any more; such rows are never stored.
EMPTY: Final = "_window_empty"

KeyCollisions = Literal["keep_last", "keep_all", "fail"]


@dataclass(frozen=True)
class Auth:
    """Credentials of one client. `kind` is a row of `transport.SIGNERS` or `transport.KEEPERS`; `fields` its settings.

    `sign` is given for an object that somebody wrote (kind `custom`): it adds credentials to a request and may block.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    sign: Callable[[Request], Request] | None = None


@dataclass(frozen=True)
class RetryPolicy:
    """When the same request is sent again.

    The n-th retry waits `backoff_factor * 2 ** (n - 1)` seconds, at most `max_wait_s`, unless the answer names a later
    moment in `Retry-After`. `statuses` are retried, and so are connection errors, time-outs and bodies that end early.
    `max_retries` bounds the retries of one request; None leaves them to `budget_s`, the seconds from its first failure.
    """

    max_retries: int | None = None
    backoff_factor: float = 1.0
    statuses: frozenset[int] = frozenset({408, 421, 425, 429, *range(500, 600)})
    max_wait_s: float = 300.0
    budget_s: float = 900.0


@dataclass(frozen=True)
class Rate:
    """At most `requests` in any `per_s` seconds to one host; a `provisional` one until headers name another."""

    requests: int
    per_s: float = 1.0
    provisional: bool = False


@dataclass(frozen=True)
class Limits:
    """Bounds of one client: requests in flight, seconds an attempt may take, bytes a page may have decompressed.

    `max_waiting_bytes` bounds the pages of a run that wait for their turn, what is under way left out;
    `max_kept_bytes` and `max_kept_age_s` those that a later run may take where this one fails. `step_s`
    and `step_pages` say when what came is loaded though more is to come, 0 never. Without a `rate` one is learned from
    headers and refusals, unless `learn_rate` is false. `rates` are those of single hosts, by (scheme, host, port).
    """

    in_flight: int = 8
    timeout_s: float = 60.0
    max_page_bytes: int = 256 * 1024 * 1024
    max_waiting_bytes: int = 64 * 1024 * 1024
    max_pages: int = 1_000_000
    max_kept_bytes: int = 1 << 30
    max_kept_age_s: float = 86_400.0
    step_s: float = 900.0
    step_pages: int = 0
    learn_rate: bool = True
    rate: Rate | None = None
    rates: Mapping[tuple[str, str, int], Rate] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """What is done with an answer of this status and with this text in it; None stands for any.

    `act` is `ignore` (the call has no more pages), `skip` (it is given up), `retry` (ask again), or functions from
    request and answer to answer. `by_default`: the configuration does not name it.
    """

    status: int | None
    content: str | None
    act: Literal["ignore", "skip", "retry"] | tuple[Callable[[Request, Response], Response], ...]
    by_default: bool = False


@dataclass(frozen=True)
class Step:
    """A function of the configuration over rows as Python objects: `filter`, `map` or `yield_map`."""

    kind: Literal["filter", "map", "yield_map"]
    function: Callable[[Any], Any]


@dataclass(frozen=True)
class Parent:
    """What a dependent resource takes from the rows of `resource`.

    `fields` are (placeholder, path in the row); `kept` are (column of the child, top-level key of the row).
    """

    resource: str
    fields: tuple[tuple[str, JsonPath], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Exports:
    """What all dependents together take from the rows of a resource: paths, and top-level keys."""

    fields: tuple[JsonPath, ...] = ()
    keys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.keys)


@dataclass(frozen=True)
class Incremental:
    """How a resource goes on where it was: `settings` are the arguments of dlt's `Incremental`, or such an object.

    Its start and end are sent as `start_param` and `end_param` when these are given, `convert` having made them text or
    number. `per_parent` keeps one watermark for each parent row instead of one for the resource.
    """

    settings: Any
    start_param: str | None = None
    end_param: str | None = None
    convert: Callable[[Any], Any] | None = None
    per_parent: bool = False


@dataclass(frozen=True)
class Deletions:
    """How rows that complete listings lack are marked, in column `mark`.

    `after` complete listings in a row must lack a row; `most` is the share of the rows looked for that may vanish at
    once. Two kinds of columns say which call a row is of: `fixed` (constants and parameters of the source) and `kept`
    (fields of the parent). Rows of parents that vanished are marked after `orphans_after` listings; None where nobody
    says that the listing of the parents is complete.
    """

    mark: str = "_deleted_at"
    after: int = 2
    most: float = 0.5
    fixed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    orphans_after: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it takes more than one listing, so that each row has a count of those that lacked it."""
        return max(self.after, self.orphans_after or 1) > 1


@dataclass(frozen=True)
class Replacing:
    """How rows without a key are replaced by the time in which they lie.

    `scope` are the columns that say of a row which call it is of; `most` is the share of the stored rows that may be
    missing from what is listed again.
    """

    scope: tuple[str, ...] = ()
    most: float = 0.5


@dataclass(frozen=True)
class Beginning:
    """Where a call begins: values of its `incremental` placeholders, and query parameters that say so."""

    values: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fallback:
    """Where a call is asked for when its first request is refused with one of `statuses`."""

    url: str
    statuses: frozenset[int]


@dataclass(frozen=True)
class Call:
    """One walk through an endpoint: its first request, and the values that its rows get.

    `values` come first in a row, where its own keys win (parameters of the source); `kept` come last and win (fields of
    the parent). `key` tells the calls of one resource apart, the same in every run. With the address of `fallback` the
    request is otherwise the same.
    """

    request: Request
    values: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    key: str = "{}"
    fallback: Fallback | None = None


@dataclass(frozen=True)
class ResourcePlan:
    """One resource. `hints` are the arguments that dlt's `resource` takes as they are (write_disposition, columns ...).

    `selector` None means that the place of the rows is found on the first page. `privacy` says what becomes of fields
    before anything is stored. `parents` are the resources that it takes fields from, the one whose rows lead to its
    calls first; `exports` is what its own dependents take. `table_name` is a function where rows name their table.
    `time_path` is where rows have their time, for a pager or windows that want to know. `entries` are the fields for
    name and value where rows are entries of an object. So many rows of a parent as `batch` make one call, which has all
    their values of the placeholders `joined`.
    """

    name: str
    table_name: str | Callable[[Any], str]
    template: CallTemplate
    pager: Pager
    selector: JsonPath | None
    auth: Auth | None
    primary_key: tuple[str, ...]
    key_collisions: KeyCollisions
    key_collisions_declared: bool
    allow_null_data: bool
    allow_object_data: bool
    hints: Mapping[str, Any]
    privacy: Privacy = _OPEN
    fields: Mapping[str, Shaping] = field(default_factory=dict)
    parents: tuple[Parent, ...] = ()
    exports: Exports = Exports()
    incremental: Incremental | None = None
    windows: Windows | None = None
    deletions: Deletions | None = None
    actions: tuple[Action, ...] = ()
    steps: tuple[Step, ...] = ()
    mixed_numbers: Literal["variant", "widen"] = "variant"
    name_collisions: Literal["keep", "last"] = "keep"
    time_path: JsonPath | None = None
    replacing: Replacing | None = None
    when_empty: str | None = None
    entries: tuple[str, str] | None = None
    batch: int = 1
    joined: frozenset[str] = frozenset()

    def calls(
        self,
        late: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        begin: Callable[[str], Beginning] | None = None,
        hidden: Mapping[str, str] | None = None,
    ) -> Iterator[Call]:
        """Its calls in order, one for each choice of values of the source's parameters.

        `late` are values of placeholders that only a run knows (`resources.users.id`), `kept` fields of the parent's
        row for the rows; `begin` says from where a call with this key goes on. `hidden` are hashes of values of `late`
        that no key may show. Raises `AnswerError` for a value that cannot stand in a path.
        """
        return self.template.calls(late or {}, kept or {}, begin or (lambda _: Beginning()), hidden or {})

    @property
    def makes_calls(self) -> bool:
        """Whether parameters of the source or rows of a parent make its calls; it has one call otherwise."""
        return bool(self.parents or self.template.endpoint.parameters)

    @property
    def as_objects(self) -> str | None:
        """Why rows become Python objects, in words; None where they never do."""
        if self.steps:
            return "`processing_steps` are functions over rows"
        return "its paginator is an object that may look into rows" if self.pager.reads_answers else None


@dataclass(frozen=True)
class Plan:
    """What one configuration asks for: resources, parents before their dependents, and the client they share.

    `origins` are the (scheme, host, port) that requests, redirects and next links may go to. `ready` are resources of
    dlt's by name that the configuration brought along; `order` names all resources. `session` is a `requests` session
    that is to send the requests, with a time-out only where one is declared.
    """

    base_url: str
    resources: tuple[ResourcePlan, ...]
    origins: frozenset[tuple[str, str, int]]
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)
    order: tuple[str, ...] = ()
    ready: Mapping[str, Any] = field(default_factory=dict)
    session: Any = None
    session_timeout_s: float | None = None
    hints: Mapping[int, str] = field(default_factory=dict)
