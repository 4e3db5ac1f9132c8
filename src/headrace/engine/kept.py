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

Rows of a page may be loaded before its listing has ended (`step.py`). Such a page is noted with the package that brings
its rows, before that is loaded; whether it was, the pipeline says. A page is loaded as often as it was noted: two calls
that make the same request have the same page, and rows of their own.

The requests of a run that goes on are those of the run before, because nothing was loaded between the two, so what is
remembered at the destination is the same, and because windows of time end at the *now* of the first of them, and are
cut where they were cut then (`Cuts`). Whatever else could change what a page means is in the identity of the journal:
the version, the resource as planned, the credentials, the state of the resource, and the last load of the pipeline,
which must be that of then or a step of the same run. Where one of these is another, or the journal, or its last step,
is older than a bound, it begins anew.

What is not kept at all is said by `plan/keeping.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from headrace.decode import KeyedHash, Odd, PageSplitter, Shaper, conceal, to_rows
from headrace.engine.facts import decode_facts, encode_facts
from headrace.engine.window import Cuts
from headrace.errors import HeadraceError, MovedError, PagingError, RefusedError
from headrace.jsonpath import JsonPath
from headrace.keep import Entry, Keeper, Seal
from headrace.message import Page, PageFacts, Request
from headrace.plan import Plan, ResourcePlan
from headrace.plan.keeping import secrets_of

if TYPE_CHECKING:
    from headrace.engine.report import ResourceReport
    from headrace.paginate import Pager

_BEGIN, _PAGE, _CUT, _FORGOTTEN, _LOADING, _STEP = range(1, 7)
_DIGEST: Final = 16
_CODEC: Final = "lz4"
#: What an API answers that does not know a cursor any more.
_NO_SUCH_PAGE: Final = (400, 404, 410, 422)
#: The records of a page and their length before compression, beside the facts.
_Head = tuple[bytes, bytes, int]


@dataclass(frozen=True)
class _Begun:
    """Whose a journal is, when it began, and when a step was last added to it, in seconds since 1970."""

    identity: bytes
    began_s: float
    added_s: float


@dataclass(frozen=True)
class Standing:
    """What stands at the destination: the `state` of a resource, the packages that were `loaded`, the `last` one."""

    state: Any
    last: str = ""
    loaded: Container[str] = ()


def identity_of(resource: ResourcePlan, plan: Plan, state: Any) -> bytes:
    """What must be the same for kept pages to count; `state` is what is remembered of the resource."""
    from headrace import __version__
    from headrace.plan import describe

    described = describe(replace(plan, resources=(resource,)))["resources"]
    del described[0]["whole"]  # when rows are loaded changes no page
    privacy = resource.privacy
    said = (__version__, plan.base_url, described, str(resource.selector), resource.allow_null_data)
    hidden = (privacy.fates, resource.fields, str(resource.pager), resource.windows, resource.time_path)
    return json.dumps([said, repr(hidden), state], sort_keys=True, default=str).encode("utf-8", "surrogatepass")


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
        standing: Standing,
        now_s: float,
    ) -> None:
        self._resource = resource
        self._limits = plan.limits
        self._keeper = keeper
        self._report = report
        self._shaper = Shaper(resource.fields)
        self._hash = KeyedHash(resource.privacy.key.reveal() if resource.privacy.key else None)
        self._seal = Seal(secrets_of(resource), keeper.salt())
        self._journal = keeper.journal(resource.name)
        self._forget_all()
        identity = self._seal.digest(identity_of(resource, plan, standing.state))
        self.began_s = self._opened(identity, standing, now_s)
        self.is_continued = bool(self._pages)
        #: What an earlier process brought and this one has not told yet: its pages, and which of them are loaded.
        self._earlier = set(self._pages)
        self._loaded_earlier = Counter(self._loaded)
        #: Whether a later step would get further: all pages that came are kept, and no listing moved.
        self.is_steady = True
        #: Whether an answer did not come, or was none: what came before it is worth going on with.
        self.is_interrupted = False
        #: Whether a next page was refused, as it is where a cursor has ended, or rows moved while they were listed.
        self.has_lost_its_place = False

    def __repr__(self) -> str:
        return f"<KeptPages of {self._resource.name}: {len(self._pages)} from before>"

    def _forget_all(self) -> None:
        self._pages: dict[bytes, Entry] = {}
        self._fresh: dict[bytes, Page] = {}
        self._cuts: dict[bytes, dict[float, float]] = {}
        #: How often the rows of a page stand at the destination.
        self._loaded: Counter[bytes] = Counter()
        #: Pages that were handed on to be stored, in this step.
        self._handed: list[bytes] = []
        #: Whether all pages of it are kept and loaded.
        self.is_loaded_whole = False
        #: Pages that were loaded and asked for once more.
        self._renewed: set[bytes] = set()

    def go_on(self, standing: Standing) -> None:
        """Know what was added by the step before, which is loaded. Raises `OSError`."""
        self._keeper.settle()
        self.has_lost_its_place = False
        self._forget_all()
        self._read(standing)

    def interrupt(self, error: HeadraceError, *, in_the_midst: bool) -> None:
        """A listing ended with `error`, `in_the_midst` of it where pages of it came before."""
        self.is_interrupted = True
        is_refused = in_the_midst and isinstance(error, RefusedError) and error.status in _NO_SUCH_PAGE
        if is_refused or isinstance(error, MovedError):
            self.has_lost_its_place = True

    def load_again(self) -> None:
        """Store all rows, whatever was loaded: they mean something together only."""
        self._loaded.clear()

    def handed(self, page: Page) -> tuple[Page, bool]:
        """A page in its turn, marked where its rows are loaded; and whether this process hands it on the first time."""
        digest = page.kept_as
        if not digest:
            self.is_steady = False
            return page, True
        if self._loaded[digest] > 0:
            self._loaded[digest] -= 1
            is_first = self._loaded_earlier[digest] > 0
            self._loaded_earlier[digest] -= is_first
            return replace(page, loaded=True), is_first
        self._handed.append(digest)
        return page, True

    def is_new(self, page: Page) -> bool:
        """Whether a page that was handed on brings the listing forward."""
        return not page.loaded and page.kept_as not in self._renewed

    def note(self, load_id: str, *, is_whole: bool) -> None:
        """The package of this number brings the rows of the pages that were handed on, `is_whole` those of the last."""
        handed, self._handed = b"".join(self._handed), []
        said = (load_id, is_whole and self.may_break_off, handed)
        # what is loaded without being noted would be loaded again
        self._keeper.write(self._journal, lambda: (_LOADING, msgspec.msgpack.encode(said), b"")).result()

    def note_step(self, load_id: str, now_s: float) -> None:
        """The package of this number is a step of this run, behind which it goes on."""
        self._keeper.write(self._journal, lambda: (_STEP, msgspec.msgpack.encode((load_id, now_s)), b"")).result()

    @property
    def may_break_off(self) -> bool:
        """Whether a later step could go on behind what came."""
        return self.is_steady and self._keeper.failure is None

    def chain(self, pager: Pager, first: Request, ends: Callable[[PageFacts], bool] = lambda _: False) -> Chain:
        """What a walk from `first` would find kept, up to the page that `ends` it at the latest."""
        requests: list[Request] = []
        if not self._pages:
            return Chain()
        walk = pager.begin(first)
        while (request := walk.ask()) is not None and (facts := self._facts(request)) is not None:
            try:
                walk.tell(facts[0])
            except MovedError:  # no page of it can be gone on with
                self.forget([*requests, request])
                return Chain()
            except PagingError:  # a run that was killed did not get to say so; the API may do better now
                return Chain(requests)
            requests.append(request)
            if walk.done or ends(facts[0]):
                return Chain(requests, is_whole=True)
        return Chain(requests)

    def take(self, request: Request, splitter: PageSplitter) -> Page | None:
        """The kept answer to `request`; None where there is none."""
        digest = self._digest(request)
        if digest in self._fresh:
            return self._fresh.pop(digest)
        found = self._facts(request, digest)
        records = None if found is None else self._records(digest)
        if found is None or records is None:
            return None
        facts, selector = found
        splitter.go_on(selector)
        if digest in self._earlier:
            self._earlier.discard(digest)
            self._report.kept_pages += 1
        return Page(records, facts, shown=True, kept_as=digest)

    async def keep(self, request: Request, page: Page, splitter: PageSplitter) -> Page:
        """The page as it may be stored, kept if there is room.

        It comes back when it is written, so that the one who asks for the next page has this one whatever happens.
        """
        page = self._shown(page)
        size = sum(map(len, page.records))
        if not self._keeper.has_room(size, self._limits.max_kept_bytes):
            self._report.unkept_pages += 1
            return page
        told = encode_facts(page.facts, splitter.selector)
        if told is None:
            return page
        digest, records = self._digest(request), page.records

        def make() -> tuple[int, bytes, bytes]:
            body = msgspec.msgpack.encode(records)
            head = msgspec.msgpack.encode((digest, self._seal.close(told), len(body)))
            return _PAGE, head, pa.compress(body, _CODEC, asbytes=True)

        written = self._keeper.write(self._journal, make, size)
        await asyncio.shield(asyncio.wrap_future(written))
        return replace(page, kept_as=digest)

    async def renew(self, request: Request, page: Page, splitter: PageSplitter) -> bool:
        """Whether `page`, the answer of now, has the rows of the kept one; then it takes its place."""
        digest = self._digest(request)
        before = self._records(digest)
        shown = self._shown(page)
        if before is None or not self._continues(before, shown.records):
            return False
        if self._loaded.pop(digest, 0):  # rows may have changed, and others come behind them
            self._keeper.write(self._journal, lambda: (_FORGOTTEN, digest, b""))
            self._renewed.add(digest)
        self._fresh[digest] = await self.keep(request, page, splitter)
        return True

    def is_loaded(self, request: Request) -> bool:
        """Whether rows of the kept answer stand at the destination."""
        return self._loaded[self._digest(request)] > 0

    def forget(self, requests: Sequence[Request]) -> None:
        """Nothing of these is to be taken, now or later."""
        digests = [self._digest(request) for request in requests]
        for digest in digests:
            self._pages.pop(digest, None)
            self.is_steady &= not self._loaded.pop(digest, 0)
        self._keeper.write(self._journal, lambda: (_FORGOTTEN, b"".join(digests), b""))

    def cuts(self, call: Request) -> Cuts:
        """Where the range of a call is cut."""
        digest = self._digest(call)

        def tell(start: float, end: float) -> None:
            self._keeper.write(self._journal, lambda: (_CUT, msgspec.msgpack.encode((digest, start, end)), b""))

        return Cuts(self._cuts.get(digest, {}), tell)

    def _opened(self, identity: bytes, standing: Standing, now_s: float) -> float:
        """Read the journal, or begin a new one; when it began."""
        begun = self._read(standing)
        age_s = now_s - begun.added_s if begun is not None else 0
        if begun is not None and begun.identity == identity and 0 <= age_s <= self._limits.max_kept_age_s:
            return begun.began_s
        self._forget_all()
        self._journal.clear()
        self._journal.append(_BEGIN, msgspec.msgpack.encode((identity, now_s, standing.last)))
        return now_s

    def _read(self, standing: Standing) -> _Begun | None:
        """Learn what is in the journal; None where another load came behind it."""
        begun, lasts = None, []
        for entry in self._journal.entries():
            if entry.kind == _BEGIN:
                known, began_s, last = msgspec.msgpack.decode(entry.head, type=tuple[bytes, float, str])
                begun, lasts = _Begun(known, began_s, began_s), [last]
            elif begun is None:
                break
            elif entry.kind == _STEP:
                load_id, now_s = msgspec.msgpack.decode(entry.head, type=tuple[str, float])
                begun = replace(begun, added_s=max(begun.added_s, now_s))
                lasts.append(load_id)
            else:
                self._learn(entry, standing)
        return begun if standing.last in lasts else None

    def _learn(self, entry: Entry, standing: Standing) -> None:
        if entry.kind == _PAGE:
            digest = msgspec.msgpack.decode(entry.head, type=_Head)[0]
            self._pages[digest] = entry
        elif entry.kind == _CUT:
            digest, start, end = msgspec.msgpack.decode(entry.head, type=tuple[bytes, float, float])
            self._cuts.setdefault(digest, {})[start] = end
        elif entry.kind == _FORGOTTEN:
            for digest in _digests(entry.head):
                self._pages.pop(digest, None)
                self._loaded.pop(digest, None)
        elif entry.kind == _LOADING:
            load_id, is_whole, handed = msgspec.msgpack.decode(entry.head, type=tuple[str, bool, bytes])
            if load_id in standing.loaded:
                self._loaded.update(_digests(handed))
                self.is_loaded_whole = is_whole

    def _facts(self, request: Request, digest: bytes | None = None) -> tuple[PageFacts, JsonPath | None] | None:
        entry = self._pages.get(digest or self._digest(request))
        if entry is None:
            return None
        sealed = msgspec.msgpack.decode(entry.head, type=_Head)[1]
        told = self._seal.open(sealed)
        if told is None:
            return None
        return decode_facts(told)

    def _records(self, digest: bytes) -> Sequence[bytes] | None:
        entry = self._pages.get(digest)
        body = None if entry is None else self._journal.body(entry)
        if entry is None or body is None:
            return None
        size = msgspec.msgpack.decode(entry.head, type=_Head)[2]
        return msgspec.msgpack.decode(pa.decompress(body, size, _CODEC, asbytes=True), type=list[bytes])

    def _shown(self, page: Page) -> Page:
        odd = Odd(page.replaced, page.repeated)
        records = self._shaper.shape(page.records, odd)
        if fates := self._resource.privacy.fates:
            records = conceal(records, fates, self._hash, odd)
        return replace(page, records=records, shown=True, replaced=odd.replaced, repeated=odd.repeated)

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


def _digests(joined: bytes) -> Iterator[bytes]:
    return (joined[place : place + _DIGEST] for place in range(0, len(joined), _DIGEST))
