"""Filters of events and of logs.

Events take expressions in the query: `AND` (or a blank), `OR`, `NOT`, quotes, parentheses, `>n` and `<n` on numbers; a
field given twice means both. Logs take predicates in the body, all of which must hold. Words match whole values, or
parts of texts, without regard to case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun.replies import bad

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["EVENT_FIELDS", "LOG_ATTRIBUTES", "event_filter", "log_filter"]

_TOKEN = re.compile(r'"([^"]*)"|([()])|([^\s()"]+)')


def _at(*path: str) -> Callable[[Mapping[str, Any]], list[Any]]:
    def values(row: Mapping[str, Any]) -> list[Any]:
        value: Any = row
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, list):
            return value
        return [] if value is None else [value]

    return values


def _attachments(row: Mapping[str, Any]) -> list[Any]:
    return [one.get("filename") for one in _at("message", "attachments")(row)]


#: Parameters of `GET /v3/{domain}/events` that filter. `from` is the header of the message, never a cursor.
EVENT_FIELDS: Final = {
    "event": _at("event"),
    "list": _at("mailing-list", "address"),
    "attachment": _attachments,
    "from": _at("message", "headers", "from"),
    "message-id": _at("message", "headers", "message-id"),
    "subject": _at("message", "headers", "subject"),
    "to": _at("message", "headers", "to"),
    "size": _at("message", "size"),
    "recipient": _at("recipient"),
    "recipients": _at("message", "recipients"),
    "tags": _at("tags"),
    "severity": _at("severity"),
}
#: Attributes of the filter of `POST /v1/analytics/logs`, on rows of logs.
LOG_ATTRIBUTES: Final = {
    "id": _at("id"),
    "domain": _at("domain", "name"),
    "ip": _at("ip"),
    "ip_pool": _at("envelope", "i-ip-pool-id"),
    "recipient_domain": _at("recipient-domain"),
    "recipient_provider": _at("recipient-provider"),
    "country": _at("geolocation", "country"),
    "bot": _at("client-info", "bot"),
    "device": _at("client-info", "device-type"),
    "subaccount": _at("account", "id"),
    "event": _at("event"),
    "attachment_filename": _attachments,
    "from": _at("message", "headers", "from"),
    "message_id": _at("message", "headers", "message-id"),
    "subject": _at("message", "headers", "subject"),
    "mailing_list_address": _at("mailing-list", "address"),
    "to": _at("message", "headers", "to"),
    "size": _at("message", "size"),
    "recipient": _at("recipient"),
    "recipients": _at("message", "recipients"),
    "tag": _at("tags"),
    "severity": _at("severity"),
    "user_variables": _at("user-variables"),
    "delivered_at": _at("delivered-at"),
    "delivery_status_code": _at("delivery-status", "code"),
    "delivery_status_bounce_type": _at("delivery-status", "bounce-type"),
    "delivery_status_message": _at("delivery-status", "message"),
    "is_routed": _at("flags", "is-routed"),
    "i_classification_rule_id": _at("i-classification-rule-id"),
    "i_classification_group_id": _at("i-classification-group-id"),
}


def event_filter(pairs: Sequence[tuple[str, str]]) -> Callable[[Mapping[str, Any]], bool] | None:
    """What rows of events must be for some (field, expression) pairs; `None` without any.

    Raises:
        RefusedError: an expression that cannot be read.
    """
    tests = [(EVENT_FIELDS[name], _Expression(text).whole()) for name, text in pairs]
    if not tests:
        return None
    return lambda row: all(test(values(row)) for values, test in tests)


def log_filter(given: Any) -> Callable[[Mapping[str, Any]], bool] | None:
    """What rows of logs must be for a filter of a body; `None` without one.

    Raises:
        RefusedError: an unknown attribute or comparator.
    """
    tests = []
    predicates = (given or {}).get("AND") or []
    if not isinstance(predicates, list) or not all(map(_is_predicate, predicates)):
        raise bad("invalid filter")
    for predicate in predicates:
        attribute, comparator = predicate.get("attribute"), predicate.get("comparator")
        if attribute not in LOG_ATTRIBUTES:
            raise bad(f"'{attribute}' is not a valid filter predicate attribute")
        if comparator not in _COMPARATORS:
            raise bad(f"'{comparator}' is not a valid comparator")
        wanted = [str(value.get("value", value.get("label"))) for value in predicate.get("values", ())]
        tests.append((LOG_ATTRIBUTES[attribute], _COMPARATORS[comparator], wanted))
    if not tests:
        return None
    return lambda row: all(compare([_shown(one) for one in values(row)], wanted) for values, compare, wanted in tests)


def _is_predicate(given: Any) -> bool:
    values = given.get("values") if isinstance(given, dict) else None
    texts = (given.get("attribute"), given.get("comparator")) if isinstance(given, dict) else (None,)
    return isinstance(values, list) and all(isinstance(text, str) for text in texts) and all(map(_is_value, values))


def _is_value(given: Any) -> bool:
    return isinstance(given, dict)


def _sized(text: str) -> tuple[bool, float, str]:
    """Numbers by size before texts by letters."""
    try:
        return False, float(text), ""
    except ValueError:
        return True, 0.0, text


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_COMPARATORS: Final[Mapping[str, Callable[[list[str], list[str]], bool]]] = {
    "=": lambda found, wanted: any(one in wanted for one in found),
    "!=": lambda found, wanted: not any(one in wanted for one in found),
    "contains": lambda found, wanted: any(text in one for one in found for text in wanted),
    "not contains": lambda found, wanted: not any(text in one for one in found for text in wanted),
    "<": lambda found, wanted: any(_sized(one) < _sized(limit) for one in found for limit in wanted),
    ">": lambda found, wanted: any(_sized(one) > _sized(limit) for one in found for limit in wanted),
}


class _Expression:
    """Recursive descent: any := all (OR all)*; all := one (AND? one)*; one := NOT one | ( any ) | word."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(match[1], match[2] or match[3] or "") for match in _TOKEN.finditer(text)]
        self._place = 0

    def whole(self) -> Callable[[list[Any]], bool]:
        test = self._any()
        if self._place < len(self._tokens):
            raise bad(f"invalid filter expression: {self._text}")
        return test

    def _bare(self) -> str:
        """Next token that is not quoted, empty at the end or where it is."""
        if self._place < len(self._tokens) and self._tokens[self._place][0] is None:
            return self._tokens[self._place][1]
        return ""

    def _any(self) -> Callable[[list[Any]], bool]:
        tests = [self._all()]
        while self._bare() == "OR":
            self._place += 1
            tests.append(self._all())
        return lambda values: any(test(values) for test in tests)

    def _all(self) -> Callable[[list[Any]], bool]:
        tests = [self._one()]
        while self._place < len(self._tokens) and self._bare() not in {"OR", ")"}:
            self._place += self._bare() == "AND"
            tests.append(self._one())
        return lambda values: all(test(values) for test in tests)

    def _one(self) -> Callable[[list[Any]], bool]:
        if self._place == len(self._tokens):
            raise bad(f"invalid filter expression: {self._text}")
        quoted, bare = self._tokens[self._place]
        self._place += 1
        if quoted is None and bare == "NOT":
            test = self._one()
            return lambda values: not test(values)
        if quoted is None and bare == "(":
            inner = self._any()
            if self._bare() != ")":
                raise bad(f"invalid filter expression: {self._text}")
            self._place += 1
            return inner
        return _word(quoted if quoted is not None else bare, exact=quoted is not None)


def _word(word: str, *, exact: bool) -> Callable[[list[Any]], bool]:
    if not exact and re.fullmatch(r"[<>]\d+", word):
        bound, above = int(word[1:]), word[0] == ">"
        return lambda values: any(
            isinstance(value, int) and (value > bound if above else value < bound) for value in values
        )
    low = word.lower()
    return lambda values: any(low in value.lower() if isinstance(value, str) else low == str(value) for value in values)
