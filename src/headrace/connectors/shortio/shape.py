"""What the streams share: columns by type, a call for each domain or link, paging. All of it is the format."""

from __future__ import annotations

from typing import Any, Final

Resource = dict[str, Any]

SINGLE: Final = {"type": "single_page"}
#: An answer may be a failure in spite of its status: it is asked again, and is an error then.
FAILED: Final = [{"content": text, "action": "retry"} for text in ('"success":false', '"success": false')]
#: The column that says of which domain a row is, and the one that says of which link.
DOMAIN: Final = {"id": "domain_id"}
LINK: Final = {"idString": "link_id"}
#: Statistics are read in UTC: other zones shift dates twice.
LAST_30_DAYS: Final = {"period": "last30", "tz": "UTC"}


def columns(**names: str) -> dict[str, dict[str, str]]:
    """Column hints: data type -> names with spaces between."""
    return {name: {"data_type": kind} for kind, listed in names.items() for name in listed.split()}


def nested(**names: str) -> dict[str, dict[str, Any]]:
    """Hints of one child table, in which a column stands by its name and type."""
    return {"columns": {name: {"name": name, **hint} for name, hint in columns(**names).items()}}


def resource(name: str, endpoint: dict[str, Any], **options: Any) -> Resource:
    """One stream."""
    return {"name": name, **options, "endpoint": {"response_actions": FAILED, "paginator": SINGLE, **endpoint}}


def of_domain(name: str, endpoint: dict[str, Any], **options: Any) -> Resource:
    """A stream with calls for each domain; `{domain}` in its texts is the id, and `domain_id` a column."""
    declared = {**columns(bigint="domain_id"), **options.pop("columns", {})}
    return resource(
        name,
        _filled(endpoint, "{domain}", "{resources.domains.id}"),
        include_from_parent=DOMAIN,
        columns=declared,
        **options,
    )


def of_link(name: str, endpoint: dict[str, Any], **options: Any) -> Resource:
    """A stream with a call for each link; `{link}` in its texts is the id, and `link_id` a column.

    `include_from_parent` takes the place of that column.
    """
    declared = {**columns(text="link_id"), **options.pop("columns", {})}
    filled = _filled(endpoint, "{link}", "{resources.links.idString}")
    return resource(
        name,
        _filled(filled, "{domain}", "{resources.links.DomainId}"),
        include_from_parent=options.pop("include_from_parent", LINK),
        columns=declared,
        **options,
    )


def _filled(value: Any, placeholder: str, text: str) -> Any:
    if isinstance(value, str):
        return value.replace(placeholder, text)
    if isinstance(value, dict):
        return {key: _filled(each, placeholder, text) for key, each in value.items()}
    return [_filled(each, placeholder, text) for each in value] if isinstance(value, list) else value
