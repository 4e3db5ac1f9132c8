"""Bodies as they are sent and as they are read: forms and bytes, and answers in other charsets than UTF-8."""

from __future__ import annotations

from typing import Any

import pytest

from asking import Api, ask, failing, ok
from headrace.message import Response
from headrace.plan.model import RetryPolicy
from headrace.sim.message import Reply
from headrace.transport.charset import in_utf_8

NAMES = [{"name": "é€"}]
TEXT = '[{"name": "é€"}]'


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/csv; charset=utf-8"])
def test_bytes_are_sent_as_they_are(content_type: str) -> None:
    """With the content type that the configuration gave them, the same ones on a retry and after a redirect."""
    data = b"a=1&b=%C3%BC\x00\xff"
    api = Api(failing(500), failing(307, location="/there"), ok())
    ask(api, method="POST", data=data, headers=(("Content-Type", content_type),))
    assert [came.body for came in api.came] == [data] * 3
    assert [came.headers["content-type"] for came in api.came] == [content_type] * 3
    assert [came.path for came in api.came] == ["/page", "/page", "/there"]


def test_a_get_may_have_a_body() -> None:
    api = Api(ok())
    ask(api, data=b"query")
    assert (api.came[0].method, api.came[0].body) == ("GET", b"query")


def test_without_a_body_there_is_no_content_type() -> None:
    api = Api(ok())
    ask(api)
    assert (api.came[0].body, "content-type" in api.came[0].headers) == (b"", False)


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json; charset=windows-1252", "windows-1252"),
        ('application/json;charset="windows-1252"; q=1', "windows-1252"),
        ("application/json; charset=UTF-16", "utf-16"),
        ("application/json; charset=utf-8", "utf-8"),
        ("application/json", "utf-8"),
        ("text/plain", "utf-8"),
        ("", "utf-8"),
        ("application/json; charset=nobody-knows", "utf-8"),
    ],
)
def test_a_declared_charset_is_believed(content_type: str, charset: str) -> None:
    reply = Reply(200, TEXT.encode(charset), content_type=content_type)
    assert ask(Api(reply)).value == NAMES


def test_what_is_no_text_does_not_end_a_run() -> None:
    """It is one character that is wrong, as in dlt."""
    reply = Reply(200, b'["\x81"]', content_type="application/json; charset=windows-1252")
    assert ask(Api(reply)).value == ["\N{REPLACEMENT CHARACTER}"]


def test_an_answer_in_utf_8_is_left_alone() -> None:
    response = Response(200, {"content-type": "application/json; charset=utf-8"}, b"\xff", "https://x/")
    assert in_utf_8(response) is response


def test_an_answer_says_that_it_is_in_utf_8_now() -> None:
    """Whoever reads it later must not decode it twice."""
    seen: list[Any] = []
    reply = Reply(200, TEXT.encode("windows-1252"), content_type="application/json; charset=windows-1252")
    ask(Api(reply), read=lambda response: seen.append((response.headers["content-type"], response.body)))
    assert seen == [("application/json; charset=utf-8", TEXT.encode())]


def test_errors_show_their_text_whatever_its_charset() -> None:
    outcome = ask(Api(failing(500, b"down")), policy=RetryPolicy(max_retries=0))
    assert "(down)" in str(outcome.error)
