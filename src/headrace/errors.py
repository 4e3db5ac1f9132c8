"""Every exception of headrace, grouped by what the reader can do about it.

    HeadraceError                  exit code
    |-- ConfigError                   2   the configuration is wrong: fix it (all problems at once)
    |-- UsageError                    2   the command or its surroundings are wrong: another call, another path
    |-- RefusedError                  3   the API refused us: key, role, address
    |-- TransportError                1   no whole answer within the retries: try again later
    |   `-- RestError                75   the API wants a longer rest than a run waits: try again when it ends
    |-- AnswerError                   1   an answer came and is not what the configuration says
    |   `-- DecodeError               1   an answer came and is not readable JSON
    |-- PagingError                   1   paging repeats itself or does not end
    |-- KeyCollisionError             1   rows that differ share a declared key
    |-- LoadError                     1   rows were fetched and the destination did not take them
    `-- LockedError                  75   another run is at work, or somebody else holds the database

A message says what was expected, what came and where; `hint` says what to try. Texts are lower case without a full
stop, and known secrets are masked in them whenever they are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.secrets import mask


class HeadraceError(Exception):
    """Base of all errors; `str()` gives message, place and hint, secrets masked."""

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(mask(message))
        self.message = mask(message)
        self.where = mask(where) if where else None
        self.hint = mask(hint) if hint else None

    def __str__(self) -> str:
        text = self.message if self.where is None else f"{self.message} at {self.where}"
        return text if self.hint is None else f"{text}\nhint: {self.hint}"


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a configuration: what was expected and came, its path (`resources[0].endpoint`), a hint."""

    message: str
    path: str = ""
    hint: str | None = None

    def __str__(self) -> str:
        place = f" at `{self.path}`" if self.path else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return mask(f"{self.message}{place}{hint}")


class ConfigError(HeadraceError):
    """The configuration cannot be run; `problems` holds all that is wrong with it, in the order of the file."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], *, source: str | None = None) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        listing = "\n".join(f"- {problem}" for problem in self.problems)
        super().__init__(f"{count} in {source or 'the configuration'}\n{listing}")


class UsageError(HeadraceError):
    """The call cannot work: a file is missing, a path is not writable, an option contradicts another."""

    exit_code = 2


class RefusedError(HeadraceError):
    """The API answered and refused (401, 403, 404, 400 ...); `status` is its HTTP status."""

    exit_code = 3

    def __init__(self, message: str, *, status: int, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status


class TransportError(HeadraceError):
    """No whole answer came within the declared retries (connection, time-out, cut body, 429, 5xx)."""


class RestError(TransportError):
    """The API asks for a rest that is longer than a run waits (`max_wait_s`, or the time that is left)."""

    exit_code = 75


class AnswerError(HeadraceError):
    """A whole answer came that is not what the configuration declares; never taken for an empty page.

    `retries` says how often at most asking again is worth it; the retry policy bounds it further.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None, retries: int = 0) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retries = retries


class DecodeError(AnswerError):
    """A whole answer came that is not readable as JSON."""


class PagingError(HeadraceError):
    """Paging asks for the same page again, or passes its ceiling."""


class MovedError(PagingError):
    """Rows were inserted or deleted while they were listed by their positions: some may have slipped through."""


class KeyCollisionError(HeadraceError):
    """Rows that differ share the declared key where the configuration does not allow it."""


class LoadError(HeadraceError):
    """The destination refused what was fetched."""


class LockedError(HeadraceError):
    """Another run of the pipeline is at work, or another process holds the database file."""

    exit_code = 75
