"""The two functions of the connector: its configuration as data, and the dlt source of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.connectors.connector import source_of
from headrace.connectors.mailgun.analytics import DIMENSIONS, METRICS
from headrace.connectors.mailgun.settings import HOSTS, PRIVACIES, Settings
from headrace.connectors.mailgun.streams import DEFAULT_STREAMS, STREAMS, with_parents
from headrace.connectors.option import length, one_of
from headrace.errors import UsageError
from headrace.secrets import Secret

if TYPE_CHECKING:
    from dlt.extract import DltSource

    from headrace.clock import Clock
    from headrace.engine import Report
    from headrace.plan import Range

#: Where dlt looks for the key when none is given.
_API_KEY: Final = 'dlt.secrets["sources.mailgun.api_key"]'


def mailgun_config(  # noqa: PLR0913 - one parameter an option
    *,
    api_key: str | Secret | None = None,
    region: str = "us",
    base_url: str | None = None,
    streams: Sequence[str] = DEFAULT_STREAMS,
    account_label: str | None = None,
    subaccounts: str = "none",
    retention: str = "3d",
    settle: str = "30m",
    overlap: str = "1h",
    reread_every: str = "1d",
    row_order: str = "asc",
    domains_version: str = "v4",
    dimensions: Sequence[str] = DIMENSIONS,
    metrics: Sequence[str] = METRICS,
    privacy: str = "keep",
    privacy_key: str | Secret | None = None,
) -> dict[str, Any]:
    """The configuration of the connector, in headrace's own format.

    Args:
        api_key: A key of role Admin, Developer, Support or Analyst; from dlt's secrets (`sources.mailgun.api_key`) when
            None.
        region: `us` or `eu`: each has data of its own, under the same key.
        base_url: Another origin than that of the region: a simulator, a proxy, a recording.
        streams: Names of streams, see `STREAMS`; their parents come with them.
        account_label: What tells this account from others in one dataset; `main`, or the subaccount's id, when None.
        subaccounts: `none`; `all`: domains of all subaccounts too; or the id of one to read in place of the account.
        retention: How long the account's plan keeps events and logs: from 1 day (free) to 30 days.
        settle: How old events are when none comes late any more.
        overlap: How far before the settled bound a run looks again.
        reread_every: How often a run looks at all that can still be read.
        row_order: `asc`, as events and logs are asked for; `unknown` lists them in windows that need no order.
        domains_version: `v4`, and the legacy list of domains where there is none; `v3`, the legacy one alone.
        dimensions: Of `metrics_daily` and `metrics_hourly` beside time, two at most.
        metrics: What these count, ten at most.
        privacy: `keep`, `hash` or `drop`: what becomes of addresses, IPs, subjects, user variables.
        privacy_key: Key of the hashes; from dlt's secrets (`sources.mailgun.privacy_key` or `privacy_key`) when None.

    Raises:
        UsageError: an option has a value that it cannot have.
    """
    one_of("region", region, HOSTS)
    one_of("privacy", privacy, PRIVACIES)
    one_of("row_order", row_order, ("asc", "unknown"))
    one_of("domains_version", domains_version, ("v4", "v3"))
    for name, text in (("settle", settle), ("overlap", overlap), ("reread_every", reread_every)):
        length(name, text)
    names = with_parents([streams] if isinstance(streams, str) else streams)
    if not names:
        raise UsageError("expected the name of a stream at least", hint=f"known are {', '.join(STREAMS)}")
    _refuse_drop(names, privacy)
    for name, values, most in (("dimensions", dimensions, 2), ("metrics", metrics, 10)):
        if isinstance(values, str) or len(values) > most:
            raise UsageError(f"expected a list of {most} at most as `{name}`, got {values!r}")
    settings = Settings(
        region=region,
        base_url=base_url or HOSTS[region],
        label=account_label or (subaccounts if subaccounts not in ("none", "all") else "main"),
        subaccounts=subaccounts,
        retention=retention,
        settle=settle,
        overlap=overlap,
        reread_every=reread_every,
        row_order=row_order,
        domains_version=domains_version,
        dimensions=tuple(dimensions),
        metrics=tuple(metrics),
    )
    config: dict[str, Any] = {
        "name": "mailgun",
        "client": _client(settings, api_key),
        "privacy": privacy,
        "resources": [STREAMS[name].make(settings) for name in names],
    }
    if privacy_key is not None:
        config["privacy_key"] = privacy_key
    return config


def mailgun(
    api_key: str | Secret | None = None,
    *,
    since: Range | None = None,
    until: Range | None = None,
    report: Report | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> DltSource:
    """The dlt source of a Mailgun account in one region; `options` are those of `mailgun_config`.

    Args:
        api_key: From dlt's secrets (`sources.mailgun.api_key`) when None.
        since: Where events and logs begin in this run alone: a moment (`-3d`, `2026-03-01`), or one by stream.
        until: Where they end.
        report: Filled with counts while the source runs.
        clock: Time for waits; for tests.
        options: See `mailgun_config`.

    Raises:
        UsageError: an option has a value that it cannot have.
        ConfigError: no key was found; the message names the places where it was looked for.
    """
    config = mailgun_config(api_key=api_key, **options)
    return source_of("mailgun", config, since=since, until=until, report=report, clock=clock)


def _client(settings: Settings, api_key: str | Secret | None) -> dict[str, Any]:
    client: dict[str, Any] = {
        "base_url": settings.base_url,
        "auth": {"type": "http_basic", "username": "api", "password": _API_KEY if api_key is None else api_key},
        # 420 was seen with the words of 429
        "retry": {"statuses": [408, 420, 425, 429, "5xx"]},
        # domains are many and answers take their time; how often is the business of Mailgun's limits
        "limits": {"in_flight": 24},
        "hints": _hints(settings),
    }
    if settings.subaccount is not None:
        client["headers"] = {"X-Mailgun-On-Behalf-Of": settings.subaccount}
    return client


def _hints(settings: Settings) -> dict[str, str]:
    return {
        "400": "a domain that is disabled or not verified is refused so: see its state in the dashboard (Sending, "
        "Domains); so are events older than the plan keeps them: `--param retention=1d` asks for less",
        "404": "the domain may be deleted, of a subaccount (`--param subaccounts=all`), or of the other region "
        f"(`--param region={settings.other_region}`)",
        "401": "check three things: the key (dashboard, API keys; it was looked for as `sources.mailgun.api_key`), its "
        f"role (a domain sending key cannot read), and the region (this run asked `{settings.region}`; "
        f"`--param region={settings.other_region}` asks the other one)",
        "403": "the key is known, and its role may not read this: an Analyst key sees no bounces, complaints and "
        "unsubscribes; use a key of role Support, Developer or Admin, or choose other streams (`--param streams=...`)",
    }


def _refuse_drop(names: Sequence[str], privacy: str) -> None:
    keyed = [name for name in names if STREAMS[name].keyed_by_person]
    if privacy == "drop" and keyed:
        others = [name for name in names if name not in keyed]
        raise UsageError(
            f"expected streams with a key of their own under `privacy: drop`, got {', '.join(keyed)}: their rows are "
            "told apart by an address, which would be dropped",
            hint=f"`privacy: hash` keeps them apart without showing an address; or ask for the others: "
            f"`--param streams={','.join(others) or 'domains,events'}`",
        )
