"""Pages that an earlier run fetched and did not load: what of them a run may take, and how it goes on behind them.

Theory. A page is kept when it comes, under a digest of its request: the facts that the pager reads, sealed, and its
records as they may be stored (fields in one shape, what is private out). A later run walks as ever; where the answer to
a request is kept, it does not ask. So all that follows, order, batches, identity, dependents, is the ordinary way.

That is right only while the listing is what it was. Per call:

* *A listing that is kept to its end* is one listing, as of then. It is taken whole.
* *One that broke off* goes on where another request will say what comes next; and if rows were added or removed before
  that place, positions have moved and rows would be lost. So the last page that is kept is asked for once more. Where
  it has the rows that it had (by their key, where the resource has one; rows that were added at its end aside), no row
  before it came or went, and the new answer takes its place. Where it has others, or its address leads nowhere any
  more, nothing of the listing is taken, and it is fetched as if nothing were kept.

The requests of a run that goes on are those of the run before, because nothing was loaded between the two, so what is
remembered at the destination is the same, and because windows of time end at the *now* of the first of them, and are
cut where they were cut then (`Cuts`). Whatever else could change what a page means is in the identity of the journal:
the version, the resource as planned, the credentials, the state of the resource, the last load of the pipeline. Where
one of these is another, or the journal is older than a bound, it begins anew.

What is not kept at all is said by `why_not`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from headrace.decode import KeyedHash, PageSplitter, conceal, shape_fields, to_rows
from headrace.engine.window import Cuts
from headrace.errors import PagingError
from headrace.jsonpath import MISSING, JsonPath
from headrace.keep import Entry, Keeper, Seal
from headrace.message import Page, PageFacts, Request
from headrace.plan import Plan, ResourcePlan
from headrace.secrets import Secret

if TYPE_CHECKING:
    from headrace.engine.report import ResourceReport
    from headrace.paginate import Pager

_BEGIN, _PAGE, _CUT, _FORGOTTEN = range(1, 5)
_DIGEST: Final = 16
_CODEC: Final = "lz4"
#: The records of a page and their length before compression, beside the facts.
_Head = tuple[bytes, bytes, int]


def why_not(resource: ResourcePlan, plan: Plan) -> str | None:  # noqa: PLR0911 - one line a reason
    """Why pages of `resource` are not kept, in words; None where they are."""
    if plan.limits.max_kept_bytes == 0:
        return "`limits.max_kept_bytes` is 0"
    if resource.pager.reads_answers:
        return "its paginator is an object that may look into rows as they came"
    if plan.session is not None or (resource.auth is not None and resource.auth.kind == "custom"):
        return "an object signs its requests: whether it is the same account is not known"
    if any(not isinstance(action.act, str) for action in resource.actions):
        return "functions change its answers, and may be others the next time"
    if resource.privacy.hashed and resource.privacy.key is None:
        return "hashes without a key are others in each run"
    if any(map(resource.privacy.hides, resource.exports.fields)):
        return "a dependent needs what may not be stored"
    if resource.privacy.discreet and not _secrets_of(resource):
        return "links may be personal, and without credentials nothing hides them"
    return None


def identity_of(resource: ResourcePlan, plan: Plan, standing: Any) -> bytes:
    """What must be the same for kept pages to count; `standing` is what is remembered at the destination."""
    from headrace import __version__
    from headrace.plan import describe

    described = describe(replace(plan, resources=(resource,)))["resources"]
    privacy = resource.privacy
    said = (__version__, plan.base_url, described, str(resource.selector), resource.allow_null_data)
    hidden = (privacy.fates, resource.fields, str(resource.pager), resource.windows, resource.time_path)
    return json.dumps([said, repr(hidden), standing], sort_keys=True, default=str).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Chain:
    """The requests of one call that kept pages answer, in order, and whether they lead to the end of the listing."""

    requests: Sequence[Request] = ()
    is_whole: bool = False


class KeptPages:
    """What is kept of one resource, and what is added. Belongs to one event loop once it is made.

    `began_s` is the moment (seconds since 1970) at which the run began that this one continues, or this one.
    Raises `OSError`.
    """

    def __init__(
        self,
        resource: ResourcePlan,
        plan: Plan,
        keeper: Keeper,
        report: ResourceReport,
        *,
        standing: Any,
        now_s: float,
    ) -> None:
        self._resource = resource
        self._limits = plan.limits
        self._keeper = keeper
        self._report = report
        self._hash = KeyedHash(resource.privacy.key.reveal() if resource.privacy.key else None)
        self._seal = Seal(_secrets_of(resource), keeper.salt())
        self._pages: dict[bytes, Entry] = {}
        self._fresh: dict[bytes, Page] = {}
        self._cuts: dict[bytes, dict[float, float]] = {}
        self._journal = keeper.journal(resource.name)
        self.began_s = self._opened(self._seal.digest(identity_of(resource, plan, standing)), now_s)
        self.is_continued = bool(self._pages)
        #: Whether an answer did not come, or was none: what came before it is worth going on with.
        self.is_interrupted = False

    def __repr__(self) -> str:
        return f"<KeptPages of {self._resource.name}: {len(self._pages)} from before>"

    def chain(self, pager: Pager, first: Request, ends: Callable[[PageFacts], bool] = lambda _: False) -> Chain:
        """What a walk from `first` would find kept, up to the page that `ends` it at the latest."""
        requests: list[Request] = []
        if not self._pages:
            return Chain()
        walk = pager.begin(first)
        while (request := walk.ask()) is not None and (facts := self._facts(request)) is not None:
            try:
                walk.tell(facts[0])
            except PagingError:  # a run that was killed did not get to say so; the API may do better now
                return Chain(requests)
            requests.append(request)
            if walk.done or ends(facts[0]):
                return Chain(requests, is_whole=True)
        return Chain(requests)

    def take(self, request: Request, splitter: PageSplitter) -> Page | None:
        """The kept answer to `request`; None where there is none."""
        digest = self._digest(request)
        page = self._fresh.pop(digest, None)
        if page is None:
            found = self._facts(request, digest)
            records = None if found is None else self._records(digest)
            if found is None or records is None:
                return None
            facts, selector = found
            splitter.go_on(selector)
            page = Page(records, facts, shown=True)
            self._report.kept_pages += 1
        return page

    def keep(self, request: Request, page: Page, splitter: PageSplitter) -> Page:
        """The page as it may be stored, kept if there is room."""
        page = self._shown(page)
        size = sum(map(len, page.records))
        if not self._keeper.has_room(size, self._limits.max_kept_bytes):
            self._report.unkept_pages += 1
            return page
        facts = page.facts
        values = {path: value for path, value in facts.values.items() if value is not MISSING}
        if "$" in values:
            values["$"] = _without_rows(values["$"], splitter.selector)
        selector = None if splitter.selector is None else splitter.selector.steps
        try:
            told = msgspec.msgpack.encode(
                (
                    facts.status,
                    dict(facts.headers),
                    facts.url,
                    facts.row_count,
                    facts.fingerprint,
                    values,
                    list(facts.moments),
                    list(facts.digests),
                    selector,
                )
            )
        except (TypeError, ValueError, OverflowError):  # a number beyond 64 bits, a lone surrogate
            return page
        digest, records = self._digest(request), page.records

        def make() -> tuple[int, bytes, bytes]:
            body = msgspec.msgpack.encode(records)
            head = msgspec.msgpack.encode((digest, self._seal.close(told), len(body)))
            return _PAGE, head, pa.compress(body, _CODEC, asbytes=True)

        self._keeper.write(self._journal, make, size)
        return page

    def renew(self, request: Request, page: Page, splitter: PageSplitter) -> bool:
        """Whether `page`, the answer of now, has the rows of the kept one; then it takes its place."""
        before = self._records(self._digest(request))
        shown = self._shown(page)
        if before is None or not self._continues(before, shown.records):
            return False
        self._fresh[self._digest(request)] = self.keep(request, page, splitter)
        return True

    def forget(self, requests: Sequence[Request]) -> None:
        """Nothing of these is to be taken, now or later."""
        digests = [self._digest(request) for request in requests]
        for digest in digests:
            self._pages.pop(digest, None)
        self._keeper.write(self._journal, lambda: (_FORGOTTEN, b"".join(digests), b""))

    def cuts(self, call: Request) -> Cuts:
        """Where the range of a call is cut."""
        digest = self._digest(call)

        def tell(start: float, end: float) -> None:
            self._keeper.write(self._journal, lambda: (_CUT, msgspec.msgpack.encode((digest, start, end)), b""))

        return Cuts(self._cuts.get(digest, {}), tell)

    def _opened(self, identity: bytes, now_s: float) -> float:
        """Read the journal, or begin a new one; when it began."""
        began_s = None
        for entry in self._journal.entries():
            if entry.kind == _BEGIN:
                known, began_s = msgspec.msgpack.decode(entry.head, type=tuple[bytes, float])
                if known != identity or not 0 <= now_s - began_s <= self._limits.max_kept_age_s:
                    began_s = None
                    break
            elif began_s is None:
                break
            else:
                self._learn(entry)
        if began_s is None:
            self._journal.clear()
            self._journal.append(_BEGIN, msgspec.msgpack.encode((identity, now_s)))
            return now_s
        return began_s

    def _learn(self, entry: Entry) -> None:
        if entry.kind == _PAGE:
            digest = msgspec.msgpack.decode(entry.head, type=_Head)[0]
            self._pages[digest] = entry
        elif entry.kind == _CUT:
            digest, start, end = msgspec.msgpack.decode(entry.head, type=tuple[bytes, float, float])
            self._cuts.setdefault(digest, {})[start] = end
        elif entry.kind == _FORGOTTEN:
            for place in range(0, len(entry.head), _DIGEST):
                self._pages.pop(entry.head[place : place + _DIGEST], None)

    def _facts(self, request: Request, digest: bytes | None = None) -> tuple[PageFacts, JsonPath | None] | None:
        entry = self._pages.get(digest or self._digest(request))
        if entry is None:
            return None
        sealed = msgspec.msgpack.decode(entry.head, type=_Head)[1]
        told = self._seal.open(sealed)
        if told is None:
            return None
        status, headers, url, rows, fingerprint, values, moments, digests, steps = msgspec.msgpack.decode(told)
        facts = PageFacts(status, headers, url, rows, fingerprint, values, moments=moments, digests=digests)
        return facts, None if steps is None else JsonPath(".".join(map(str, steps)) or "$", tuple(steps))

    def _records(self, digest: bytes) -> Sequence[bytes] | None:
        entry = self._pages.get(digest)
        body = None if entry is None else self._journal.body(entry)
        if entry is None or body is None:
            return None
        size = msgspec.msgpack.decode(entry.head, type=_Head)[2]
        return msgspec.msgpack.decode(pa.decompress(body, size, _CODEC, asbytes=True), type=list[bytes])

    def _shown(self, page: Page) -> Page:
        resource = self._resource
        records = shape_fields(page.records, resource.fields) if resource.fields else page.records
        if resource.privacy.fates:
            records = conceal(records, resource.privacy.fates, self._hash)
        return replace(page, records=records, shown=True)

    def _continues(self, before: Sequence[bytes], now: Sequence[bytes]) -> bool:
        """Whether rows are those of before, or those and more behind them."""
        if len(now) < len(before):
            return False
        key = self._resource.primary_key
        old, new = to_rows(before), to_rows(now[: len(before)])
        if key and all(isinstance(row, dict) and set(key) <= row.keys() for row in (*old, *new)):
            return [[row[name] for name in key] for row in old] == [[row[name] for name in key] for row in new]
        return list(before) == list(now[: len(before)])

    def _digest(self, request: Request) -> bytes:
        said = (request.method, request.url, request.params, request.headers, request.json, request.data)
        return self._seal.digest(json.dumps(said, sort_keys=True, default=repr).encode())


def _secrets_of(resource: ResourcePlan) -> list[str]:
    """The credentials of a resource, in the order of their names."""
    fields = sorted(resource.auth.fields.items()) if resource.auth else []
    values = [*(value for _, value in fields), resource.privacy.key]
    return [value.reveal() for value in values if isinstance(value, Secret) and value]


def _without_rows(document: Any, selector: JsonPath | None) -> Any:
    """A document with no rows in it: what a pager is found by stands beside them."""
    if selector is None or selector.steps is None:
        return document if isinstance(document, dict) else []
    if not selector.steps:
        return document if isinstance(document, dict) else []
    first, *rest = selector.steps
    if not isinstance(document, dict) or first not in document:
        return document
    return {**document, first: _without_rows(document[first], JsonPath("", tuple(rest)))}
