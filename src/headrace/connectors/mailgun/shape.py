"""What the streams share: columns by type, keys, paging, what is skipped. All of it is the configuration format."""

from __future__ import annotations

from typing import Any, Final

from headrace.connectors.mailgun.settings import Settings

Resource = dict[str, Any]

#: Columns that every row of every stream has: they keep regions and accounts apart in one dataset.
OWNER: Final = ("region", "account_label")
#: In the long form, so that a first load in a pipeline of one's own is merged too: where a process is killed between
#: the commit of an append and dlt's note of it, the rows are appended once more. `headrace run` takes them back.
MERGE: Final = {"disposition": "merge", "strategy": "delete-insert"}
#: What a call about one domain, list or template is given up for: it may be disabled, foreign, or gone since it was
#: listed, and one of them must not stop the others.
SKIPPED: Final = [{"status_code": status, "action": "skip"} for status in (400, 401, 403, 404)]
#: `next` is on every page, also on an empty one, where it may lead anywhere: the empty page is the end. Nobody says
#: which host the links of the European region name; the one that was asked has the rows.
LINKS: Final = {
    "type": "json_link",
    "next_url_path": "paging.next",
    "stop_after_empty_page": True,
    "keep_origin": True,
}
SINGLE: Final = {"type": "single_page"}
DOMAIN: Final = {"name": "domain_name"}


def skips(total: str, limit: int = 1000) -> dict[str, Any]:
    """Paging by `skip` and `limit` in the query."""
    return {"type": "offset", "limit": limit, "offset_param": "skip", "total_path": total}


def body_skips(limit: int) -> dict[str, Any]:
    """Paging by `skip` and `limit` in the JSON body."""
    return {
        "type": "offset",
        "limit": limit,
        "offset_param": None,
        "limit_param": None,
        "offset_body_path": "pagination.skip",
        "limit_body_path": "pagination.limit",
        "total_path": "pagination.total",
    }


def columns(**names: str) -> dict[str, dict[str, str]]:
    """Column hints: data type -> names with spaces between."""
    return {name: {"data_type": kind} for kind, listed in names.items() for name in listed.split()}


def nested(**names: str) -> dict[str, dict[str, Any]]:
    """Hints of one child table, in which a column stands by its name and type."""
    return {"columns": {name: {"name": name, **hint} for name, hint in columns(**names).items()}}


TEXTS: Final = nested(text="value")


def resource(settings: Settings, name: str, key: str, endpoint: dict[str, Any], **options: Any) -> Resource:
    """One stream that is merged on `key`, names with spaces between, behind region and account."""
    declared = options.pop("columns", {})
    return {
        "name": name,
        "write_disposition": MERGE,
        "primary_key": [*OWNER, *key.split()],
        "constants": {"region": settings.region, "account_label": settings.label},
        "columns": {**columns(text=" ".join(OWNER)), **declared},
        **options,
        "endpoint": endpoint,
    }


def of_domain(settings: Settings, name: str, key: str, endpoint: dict[str, Any], **options: Any) -> Resource:
    """A stream with a call for each domain; `{domain}` in the path is its name, and a column says it."""
    paths: dict[str, Any] = {"path": _named(endpoint["path"])}
    if "fallback" in endpoint:
        paths["fallback"] = {"path": _named(endpoint["fallback"]["path"])}
    declared = {**columns(text="domain_name"), **options.pop("columns", {})}
    return resource(
        settings,
        name,
        f"domain_name {key}",
        {**on_behalf(settings, "domains"), "response_actions": SKIPPED, **endpoint, **paths},
        include_from_parent=DOMAIN,
        columns=declared,
        **options,
    )


def _named(path: str) -> str:
    return path.replace("{domain}", "{resources.domains.name}")


def on_behalf(settings: Settings, parent: str) -> dict[str, Any]:
    """The header under which a call about a row of `parent` is made where subaccounts are read.

    It is empty, and so not sent, for rows of the account itself.
    """
    if not settings.reads_all:
        return {}
    return {"headers": {"X-Mailgun-On-Behalf-Of": f"{{resources.{parent}.subaccount_id}}"}}
