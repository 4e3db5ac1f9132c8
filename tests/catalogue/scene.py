"""A scene: what the API does to its reader, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalogue.things import Things
from headrace.sim.faults import Fault

#: Asks again three times at once: waits are the matter of tests with a clock that can be turned.
AT_ONCE: Mapping[str, Any] = {"retry": {"max_retries": 3, "backoff_factor": 0}}


@dataclass(frozen=True)
class Scene:
    """`faults` are given the address of a foreign server. `error` is the text that the run ends with, a regex.

    Without `error` the run must end with every row once. With it a second run, when the fault is gone, must; `final`
    says that nothing is to be made good, because the rows themselves are refused. `rows` is how many rows there are
    in the end, None as many as the API has. `stock` says whether stock dlt is put before it as well.
    """

    name: str
    faults: Callable[[str], Sequence[Fault]] = lambda _: ()
    error: str | None = None
    exit_code: int = 1
    things: Callable[[], Things] = Things
    client: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    final: bool = False
    #: Rows that are lost without a word: where the row is not promised.
    known_lost: int = 0
    stock: bool = True
    #: The most memory in MiB that the run may take beyond what an ordinary one takes.
    memory_mib: int | None = None
    #: SQL over the table `things` that gives true when the values are right, and the same for stock dlt's table.
    values: str | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the client, for headrace."""
        return {**AT_ONCE, **self.client}


def once(name: str, at: int | None = 2, **more: Any) -> Callable[[str], Sequence[Fault]]:
    """The fault on the third page, once, or as `more` says."""
    return lambda _: [Fault(name, at, **more)]


def passing(
    name: str, fault: str, lasts: str, *, times: int = 2, exit_code: int = 1, **params: Any
) -> tuple[Scene, ...]:
    """Two scenes: the fault passes and all rows are there; it lasts, and the error says so."""
    client, stock = params.pop("client", {}), params.pop("stock", True)
    return (
        Scene(f"{name}, {times} times", once(fault, times=times, **params), client=client, stock=stock),
        Scene(
            f"{name}, for ever", once(fault, times=None, **params), error=lasts, exit_code=exit_code, client=client,
            stock=False,
        ),
    )  # fmt: skip
