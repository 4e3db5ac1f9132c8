"""The two functions of the connector: its configuration as data, and the dlt source of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.connectors.connector import source_of
from headrace.connectors.option import length, one_of
from headrace.connectors.shortio.settings import API, PRIVACIES, STATISTICS, Settings, domain_ids, whole_number
from headrace.connectors.shortio.statistics import COLUMNS
from headrace.connectors.shortio.streams import DEFAULT_STREAMS, STREAMS, with_parents
from headrace.errors import UsageError
from headrace.secrets import Secret

if TYPE_CHECKING:
    from dlt.extract import DltSource

    from headrace.clock import Clock
    from headrace.engine import Report
    from headrace.plan import Range

#: Where dlt looks for the key when none is given.
_API_KEY: Final = 'dlt.secrets["sources.shortio.api_key"]'
_HINTS: Final = {
    "401": "check the key: a secret one (Short.io, Integrations & API), bare, without the word Bearer before it; "
    "it was looked for as `sources.shortio.api_key`",
    "402": "the Short.io plan of the account does not include this: leave the stream out (`--param streams=...`), or "
    "upgrade the plan",
    "403": "the key is known and may not read this domain or link: it may be limited to another domain or team, or be "
    "a public key, which can only create links; ask for its own domains (`--param domain_id=...`) or make another key",
    "404": "no such address: where the answer is an HTML page the host is wrong (the old statistics host is dead: "
    "leave out `statistics_url`); otherwise check `domain_id`",
}


def shortio_config(  # noqa: PLR0913 - one parameter an option
    *,
    api_key: str | Secret | None = None,
    domain_id: Sequence[str | int] | str | int | None = None,
    base_url: str | None = None,
    statistics_url: str | None = None,
    streams: Sequence[str] = DEFAULT_STREAMS,
    retention: str = "365d",
    overlap: str = "1d",
    lag: str = "5m",
    page_size: str | int = 1000,
    requests_per_minute: str | int = 10,
    privacy: str = "keep",
    privacy_key: str | Secret | None = None,
) -> dict[str, Any]:
    """The configuration of the connector, in headrace's own format.

    Args:
        api_key: A secret key; from dlt's secrets (`sources.shortio.api_key`) when None.
        domain_id: One or several domains; all that the key can see when None.
        base_url: Another origin than `https://api.short.io`: that of an enterprise account, a simulator.
        statistics_url: Another origin than `https://statistics.short.io`.
        streams: Names of streams, see `STREAMS`; their parents come with them.
        retention: How long the account's plan keeps clicks; a first run begins there.
        overlap: How far back each run reads again, for clicks that come late and fields that change.
        lag: How old clicks must be to be read: younger ones may still be on their way.
        page_size: Clicks asked for on a page.
        requests_per_minute: To the statistics host, until its headers name a limit.
        privacy: `keep`, `hash` or `drop`: what becomes of `ip`, `ua`, `ref` and `ja4` of clicks, and owners of links.
        privacy_key: Key of the hashes; from dlt's secrets (`sources.shortio.privacy_key` or `privacy_key`) when None.

    Raises:
        UsageError: an option has a value that it cannot have.
    """
    one_of("privacy", privacy, PRIVACIES)
    for name, text in (("retention", retention), ("overlap", overlap), ("lag", lag)):
        length(name, text)
    names = with_parents([streams] if isinstance(streams, str) else streams)
    if not names:
        raise UsageError("expected the name of a stream at least", hint=f"known are {', '.join(STREAMS)}")
    settings = Settings(
        base_url=(base_url or API).rstrip("/"),
        statistics_url=(statistics_url or STATISTICS).rstrip("/"),
        domain_ids=domain_ids(domain_id),
        retention=retention,
        overlap=overlap,
        lag=lag,
        page_size=whole_number("page_size", page_size),
    )
    params = {
        **({"domain_id": list(settings.domain_ids)} if settings.domain_ids else {}),
        **({"dimension": COLUMNS} if "tops" in names else {}),
    }
    rate = whole_number("requests_per_minute", requests_per_minute)
    config: dict[str, Any] = {
        "name": "shortio",
        "client": {
            "base_url": settings.base_url,
            "auth": {
                "type": "api_key",
                "name": "Authorization",
                "api_key": _API_KEY if api_key is None else api_key,
            },
            # a rest of a minute is usual, and the statistics host may want several
            "retry": {"budget_s": 3600, "max_wait_s": 900},
            "rate_limits": {settings.statistics_url: {"requests": rate, "per_s": 60, "provisional": True}},
            "hints": _HINTS,
        },
        "privacy": privacy,
        "resources": [STREAMS[name].make(settings) for name in names],
        **({"params": params} if params else {}),
    }
    if privacy_key is not None:
        config["privacy_key"] = privacy_key
    return config


def shortio(
    api_key: str | Secret | None = None,
    *,
    since: Range | None = None,
    until: Range | None = None,
    report: Report | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> DltSource:
    """The dlt source of a Short.io account; `options` are those of `shortio_config`.

    Args:
        api_key: From dlt's secrets (`sources.shortio.api_key`) when None.
        since: Where clicks and days begin in this run alone: a moment (`-3d`, `2026-03-01`), or one by stream.
        until: Where they end.
        report: Filled with counts while the source runs.
        clock: Time for waits; for tests.
        options: See `shortio_config`.

    Raises:
        UsageError: an option has a value that it cannot have.
        ConfigError: no key was found; the message names the places where it was looked for.
    """
    config = shortio_config(api_key=api_key, **options)
    return source_of("shortio", config, since=since, until=until, report=report, clock=clock)
