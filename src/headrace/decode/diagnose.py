"""What is wrong with an answer that has no rows: the texts that a reader acts on."""

from __future__ import annotations

from typing import Any, Final

from headrace.decode.find import find_lists
from headrace.errors import AnswerError, DecodeError
from headrace.jsonpath import MISSING, JsonPath
from headrace.message import Response
from headrace.secrets import mask

#: Longer than any secret and its neighbourhood, so that the mask sees a secret whole before the text is cut.
_MASKED_BYTES: Final = 64 * 1024


def not_json(response: Response, error: DecodeError, *, where: str, shows: bool = True) -> DecodeError:
    """The error for a body that is not JSON: an empty body and an HTML page are named as such."""
    body = response.body.lstrip()
    if not body:
        return DecodeError(f"expected JSON, got an empty body with status {response.status}", where=where, retries=1)
    if body[:1] == b"<":
        return DecodeError(
            f"expected JSON, got an HTML or XML page{f' that begins {_cut(body)}' if shows else ''}",
            where=where,
            hint="a login page, a proxy or a wrong `base_url` answers like this",
            retries=1,
        )
    return error


def missing_rows(document: Any, found: Any, selector: JsonPath, *, where: str, later_page: bool) -> AnswerError:
    """The error for a page without the declared rows: an error object, null, or a list under another key.

    On a page after the first the shape was right before, so the page is worth one more request.
    """
    retries = 1 if later_page else 0
    came = "null" if found is None else f"no such key in {_outline(document)}"
    hint = None
    lists = [".".join(steps) for steps in find_lists(document)]
    if found is None:
        hint = "if the API says null for an empty list, set `allow_null_data: true` on the endpoint"
    elif isinstance(document, list):
        came, hint = "a list as the whole answer", "try `data_selector: $`"
    elif lists:
        hint = f"a list was found at {', '.join(f'`{name}`' for name in lists[:5])}: set `data_selector` to it"
    elif reason := _error_text(document):
        came = f"an error object in an answer with a status of success: {reason}"
    return AnswerError(f"expected rows at `{selector}`, got {came}", where=where, hint=hint, retries=retries)


def _error_text(document: Any) -> str | None:
    """The text of an error object, None when the document does not look like one."""
    if not isinstance(document, dict):
        return None
    for key in ("error", "errors", "message", "detail", "error_description"):
        value = document.get(key, MISSING)
        if value is not MISSING and value:
            return f"`{key}`: {mask(str(value))[:200]}"
    return None


def _outline(document: Any) -> str:
    if isinstance(document, dict):
        keys = ", ".join(f"`{key}`" for key in list(document)[:8])
        return f"an object with {keys or 'no keys'}"
    return f"a {type(document).__name__}"


def _cut(body: bytes) -> str:
    text = mask(body[:_MASKED_BYTES].decode("utf-8", "replace"))
    return repr(text[:80]) + (" (cut)" if len(text) > 80 else "")
