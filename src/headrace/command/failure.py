"""What dlt raises, translated once: the `HeadraceError` inside it, or the plain words of what went wrong.

dlt wraps an error of a resource in `ResourceExtractionError` and that in `PipelineStepFailed`; what a destination says
stands below `DestinationException`. The chain is walked from the outside to the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import dlt
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.destination.exceptions import UnknownDestinationModule
from dlt.common.exceptions import DltException
from dlt.pipeline.exceptions import InvalidPipelineName, PipelineStepFailed

from headrace.bridge.places import looked_in
from headrace.command.shortage import shortage
from headrace.command.target import first_line, locked
from headrace.errors import HeadraceError, LoadError, UsageError

#: Steps of a dlt pipeline that talk to the destination.
_DESTINATION_STEPS: Final = ("sync", "load")


def translated(error: BaseException) -> HeadraceError:
    """The `HeadraceError` that says what `error` means. Raises the `KeyboardInterrupt` that dlt wraps like an error."""
    chain = list(chain_of(error))
    for link in chain:
        if isinstance(link, KeyboardInterrupt):
            raise link
    ours = next((link for link in chain if isinstance(link, HeadraceError)), None)
    return ours or next(filter(None, map(_known, reversed(chain))), None) or _plain(chain)


def failed_step(error: BaseException) -> str:
    """The step of the pipeline that failed: sync, extract, normalize, load; empty when none did."""
    return next((str(link.step) for link in chain_of(error) if isinstance(link, PipelineStepFailed)), "")


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it came from, outermost first."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
        if isinstance(link, StopIteration):
            return  # the end of something, while which the rest happened


def _known(link: BaseException) -> HeadraceError | None:
    """The error for a link of the chain that says enough by itself."""
    if isinstance(link, ConfigFieldMissingException):
        fields = ", ".join(f"`{field}`" for field in link.fields)
        return UsageError(
            f"expected {fields} for the destination ({link.spec_name}), found none; looked for it in {looked_in(link)}",
            hint="credentials belong in `.dlt/secrets.toml` or the environment",
        )
    if isinstance(link, UnknownDestinationModule):
        return _unknown_destination(link)
    if isinstance(link, InvalidPipelineName):
        return UsageError("expected letters, digits, `_`, `-` and `.` in the name of the pipeline", hint="see `--name`")
    return locked(str(link)) or shortage(link)


def _unknown_destination(link: UnknownDestinationModule) -> UsageError:
    name = str(link.ref).removeprefix("dlt.destinations.")
    known = [known for known in dlt.destinations.__all__ if known not in ("destination", "dummy")]
    near = get_close_matches(name, known, n=1)
    listing = f"dlt has {', '.join(known)}; or an import path, or a file: `duckdb:x`"
    hint = f"did you mean `{near[0]}`?" if near else listing
    return UsageError(f"expected the name or import path of a dlt destination in `--to`, got `{name}`", hint=hint)


def _plain(chain: list[BaseException]) -> HeadraceError:
    """The innermost words: of the destination where it refused, of dlt elsewhere."""
    step = failed_step(chain[0])
    root = chain[-1]
    text = first_line(str(root))
    if step in _DESTINATION_STEPS:
        return LoadError(f"the destination refused: {text}")
    if isinstance(root, DltException):
        return HeadraceError(text, where=f"dlt's step `{step}`" if step else None)
    return HeadraceError(f"{type(root).__name__}: {text}", where=f"dlt's step `{step}`" if step else None)
