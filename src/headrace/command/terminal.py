"""The streams of one call: data to stdout, everything else to stderr, no secret on either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from headrace.secrets import mask


@dataclass(frozen=True)
class Terminal:
    """Where one call writes. `afterwords` are lines for stderr that belong after the error, if there is one."""

    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    afterwords: list[str] = field(default_factory=list)

    def data(self, text: str) -> None:
        """One text, and a line end, to stdout."""
        self.out.write(mask(text) + "\n")

    def note(self, text: str) -> None:
        """One text, and a line end, to stderr."""
        self.err.write(mask(text) + "\n")

    @property
    def is_live(self) -> bool:
        """Whether somebody looks at stderr while the call runs."""
        return self.err.isatty()


@contextmanager
def warnings_shown(terminal: Terminal) -> Iterator[list[str]]:
    """Show each `HeadraceWarning` once, as one line, and keep its text in the list; others are not for users."""
    import warnings

    from headrace.config import HeadraceWarning

    texts: list[str] = []

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        text = mask(str(message))
        if issubclass(category, HeadraceWarning) and text not in texts:
            texts.append(text)
            terminal.note(f"warning: {text}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", HeadraceWarning)
        warnings.showwarning = show
        yield texts
