"""What a pager is: a description that can begin walks, and a walk that names requests.

Theory. A *pager* is frozen and part of the plan. `begin` starts one *walk* through one listing. A walk does no IO: the
engine asks it for requests (`ask`), sends them, and tells it the facts of each page in page order (`tell`).

* `ask` gives the next request that can be named now, or None. A counted walk can name pages before earlier ones are
  answered; a cursor walk gives None until it was told.
* `tell` takes the facts of the oldest request not yet told. After it, `done` may be true: then requests named ahead
  and not yet told are beyond the end and their answers are thrown away, whatever they hold; so the rows of a walk do
  not depend on how far ahead was asked. Telling more than was asked, or after the end, is an AssertionError.
* `ask` and `tell` are called by one task at a time, on the event loop: they must not wait.
* As long as a walk is not done, either `ask` gives a request or one is not yet told: a driver cannot get stuck.

The end of data is a positive statement: an empty list under the declared key, a cursor that is null or missing, a flag
that is false. A walk that would ask for something again raises `PagingError`; the ceiling of pages is the engine's.
A walk that has raised is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from headrace.jsonpath import JsonPath
from headrace.message import PageFacts, Request


class Walk(Protocol):
    """One walk through one listing.

    `counts`: pages have positions, so that `ask` may name several; `bounded`: the API has said how many there are.
    `probing`: the oldest page not yet told lies at or past the API's own total, so an API that refuses it with 400 or
    404 says that there is none. `doubt`: why rows may be missing although the walk has ended; None when all is well.
    `found`: the pager that a detecting walk has settled on, whose `wants` are then enough; None in all other cases.
    """

    done: bool

    @property
    def counts(self) -> bool: ...

    @property
    def bounded(self) -> bool: ...

    @property
    def probing(self) -> bool: ...

    @property
    def doubt(self) -> str | None: ...

    @property
    def found(self) -> Pager | None: ...

    def ask(self) -> Request | None:
        """The next request that can be named now; None when done, or when a page must be told first."""
        ...

    def tell(self, facts: PageFacts) -> Sequence[int] | None:
        """Take the facts of the oldest request not yet told; the places of its rows that count, None for all of them.

        Raises `PagingError` when paging repeats itself.
        """
        ...


class Pager(Protocol):
    """How an endpoint is paged, frozen.

    `wants` are the paths in the body whose values `tell` needs; `compares_pages` says that it needs fingerprints too;
    `reads_digests` digests of rows, `reads_answers` the answer itself and its rows. The last is for pagers of others:
    it costs the fast path.
    """

    compares_pages: ClassVar[bool]
    reads_answers: ClassVar[bool]

    @property
    def reads_digests(self) -> bool: ...

    @property
    def wants(self) -> tuple[JsonPath, ...]: ...

    def begin(self, request: Request) -> Walk:
        """Start a walk from the first request of a call."""
        ...

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`: its kind, parameters and end rule."""
        ...
