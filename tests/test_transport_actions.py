"""Response actions: what dlt's own client does with the same ones, retry by content, and what a function may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.rest_api.config_setup import create_response_hooks

from asking import Api, Outcome, ask, failing, ok
from headrace.bridge.answer import adapted, as_requests_response
from headrace.errors import AnswerError, RefusedError, TransportError
from headrace.message import Request, Response
from headrace.plan.model import Action, RetryPolicy
from headrace.secrets import Secret
from headrace.sim.message import Reply
from headrace.sim.server import Server
from headrace.transport import Ignored, Trace

Function = Callable[..., Any]


def ours(said: list[Any]) -> tuple[Action, ...]:
    """dlt's spelling of response actions as our plan holds them."""

    def one(action: Any) -> Action:
        entry = {"action": action} if callable(action) else action
        act = entry["action"]
        functions = [act] if callable(act) else act
        return Action(
            entry.get("status_code"),
            entry.get("content"),
            act if isinstance(act, str) else tuple(adapted(function) for function in functions),
        )

    return tuple(one(action) for action in said)


def by_dlt(api: Api, said: list[Any]) -> Any:
    """What dlt makes of the same answers: the first page, `ignored`, or the class of its error."""
    with Server(api) as server:
        # dlt's own retrying session, without its waits
        session = Client(raise_for_status=False, request_backoff_factor=0, request_max_attempts=5).session
        client = RESTClient(server.url, session=session)
        try:
            pages = client.paginate("/page", hooks=create_response_hooks(said), data_selector="$")
            return next((list(page) for page in pages), "ignored")
        except requests.RequestException as error:
            return f"status {error.response.status_code}" if error.response is not None else type(error).__name__
        except Exception as error:  # noqa: BLE001 - it is compared
            return type(error).__name__


def by_us(api: Api, said: list[Any]) -> tuple[Any, Outcome]:
    outcome = ask(
        api, actions=ours(said), policy=RetryPolicy(max_retries=4, statuses=frozenset({429, *range(500, 600)}))
    )
    value = outcome.values[0]
    if isinstance(value, Ignored):
        return "ignored", outcome
    if isinstance(value, RefusedError):
        return f"status {value.status}", outcome
    if isinstance(value, TransportError):
        return f"status {outcome.traces[-1].status}", outcome
    if isinstance(value, AnswerError):
        return type(value.__cause__).__name__, outcome
    return value if isinstance(value, list) else [value], outcome


PAGE = [{"id": 1, "email": "a@b.c"}, {"id": 2, "email": "d@e.f"}]


def replies(*given: Reply) -> Callable[[], Api]:
    return lambda: Api(*given)


def count_calls() -> Function:
    def count(response: requests.Response, *_: Any, **__: Any) -> None:
        count.calls.append(response.status_code)  # type: ignore[attr-defined]

    count.calls = []  # type: ignore[attr-defined]
    return count


def without_email(response: requests.Response, *_: Any, **__: Any) -> requests.Response:
    rows = response.json()
    for row in rows:
        row.pop("email", None)
    response._content = json.dumps(rows).encode()
    return response


def in_windows_1252(response: requests.Response, *_: Any, **__: Any) -> None:
    response.encoding = "windows-1252"


def another_answer(response: requests.Response, *_: Any, **__: Any) -> requests.Response:
    other = requests.Response()
    other.status_code, other._content, other.headers = 200, b"[]", response.headers
    return other


def as_success(response: requests.Response, *_: Any, **__: Any) -> None:
    response.status_code = 200


def as_failure(response: requests.Response, *_: Any, **__: Any) -> None:
    response.status_code = 404


def changed_in_place(response: requests.Response, *_: Any, **__: Any) -> None:
    response.json().pop()


def ignoring(response: requests.Response, *_: Any, **__: Any) -> None:
    if response.status_code == 500:
        raise IgnoreResponseException


def checked(response: requests.Response, *_: Any, **__: Any) -> None:
    response.raise_for_status()


def broken(_: requests.Response, *__: Any, **___: Any) -> None:
    raise LookupError("no such thing")


def timed_out_once() -> Function:
    calls: list[int] = []

    def time_out(_: requests.Response) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise requests.Timeout("slow")

    return time_out


def saying_401(_: requests.Response) -> None:
    raise requests.HTTPError("not as an error of the answer")


LATIN = Reply(200, '[{"name": "é"}]'.encode("windows-1252"))
DECLARED = Reply(200, '[{"name": "é"}]'.encode("windows-1252"), content_type="application/json; charset=windows-1252")

# what: answers, actions, and how often the server is asked
CASES: dict[str, tuple[Callable[[], Api], Callable[[], list[Any]], int]] = {
    "a 404 is ignored": (replies(failing(404)), lambda: [{"status_code": 404, "action": "ignore"}], 1),
    "ignore wins over retry": (replies(failing(500)), lambda: [{"status_code": 500, "action": "ignore"}], 1),
    "by text": (replies(failing(404, b"it is Not found")), lambda: [{"content": "Not found", "action": "ignore"}], 1),
    "by text of a success": (replies(ok({"a": "gone"})), lambda: [{"content": "gone", "action": "ignore"}], 1),
    "status and text": (
        replies(failing(404, b"gone")),
        lambda: [{"status_code": 404, "content": "gone", "action": "ignore"}],
        1,
    ),
    "status without its text": (
        replies(failing(404, b"here")),
        lambda: [{"status_code": 404, "content": "gone", "action": "ignore"}],
        1,
    ),
    "text without its status": (
        replies(failing(403, b"gone")),
        lambda: [{"status_code": 404, "content": "gone", "action": "ignore"}],
        1,
    ),
    "a word for all answers is for none": (replies(failing(404)), lambda: [{"action": "ignore"}], 1),
    "another status fails": (replies(failing(403)), lambda: [{"status_code": 404, "action": "ignore"}], 1),
    "retries go on": (
        replies(failing(500), failing(500), ok(PAGE)),
        lambda: [{"status_code": 404, "action": "ignore"}],
        3,
    ),
    "retries end": (replies(failing(503)), lambda: [{"status_code": 404, "action": "ignore"}], 5),
    "a body is rewritten": (replies(ok(PAGE)), lambda: [without_email], 1),
    "by status and function": (replies(ok(PAGE)), lambda: [{"status_code": 200, "action": without_email}], 1),
    "several functions": (
        replies(ok(PAGE)),
        lambda: [{"status_code": 200, "action": [without_email, in_windows_1252]}],
        1,
    ),
    "an encoding is declared": (replies(LATIN), lambda: [in_windows_1252], 1),
    "an encoding and a rewritten body": (replies(LATIN), lambda: [in_windows_1252, without_email], 1),
    "an answer that declares its charset": (replies(DECLARED), lambda: [count_calls()], 1),
    "text in a declared charset": (replies(DECLARED), lambda: [{"content": "é", "action": "ignore"}], 1),
    "what a function returns is not looked at": (replies(ok(PAGE)), lambda: [another_answer], 1),
    "a document changed in place is not the body": (replies(ok(PAGE)), lambda: [changed_in_place], 1),
    "a failure becomes a success": (replies(failing(500, b"[1]")), lambda: [as_success], 1),
    "a success becomes a failure": (replies(ok(PAGE)), lambda: [as_failure], 1),
    "the next action sees the new status": (
        replies(ok(PAGE)),
        lambda: [as_failure, {"status_code": 404, "action": "ignore"}],
        1,
    ),
    "a function ignores": (replies(failing(500)), lambda: [ignoring], 1),
    "a function raises for a status": (replies(failing(404)), lambda: [checked], 1),
    "a status that it raised ends the actions": (
        replies(failing(404)),
        lambda: [checked, {"status_code": 404, "action": "ignore"}],
        1,
    ),
    "a retried status that it raised": (replies(failing(500), failing(502), ok(PAGE)), lambda: [checked], 3),
    "a function times out": (replies(ok(PAGE)), lambda: [timed_out_once()], 2),
    "a function fails": (replies(ok(PAGE)), lambda: [broken], 1),
    "a function says it is an error": (replies(ok(PAGE)), lambda: [saying_401], 1),
}


@pytest.mark.parametrize("case", CASES)
def test_actions_do_what_dlt_does(case: str) -> None:
    """The same value, the same end, and as many requests."""
    api, actions, requested = CASES[case]
    theirs, mine = api(), api()
    expected = by_dlt(theirs, actions())
    found, _ = by_us(mine, actions())
    assert found == expected
    assert (len(mine.came), len(theirs.came)) == (requested, requested)


def test_a_function_runs_for_each_attempt() -> None:
    """500, 500, 200 are three calls, in dlt and here."""
    for run in (by_dlt, by_us):
        count = count_calls()
        run(Api(failing(500), failing(500), ok(PAGE)), [count])
        assert count.calls == [500, 500, 200]  # type: ignore[attr-defined]


RETRY = (Action(200, "try again", "retry"),)


def test_a_success_that_holds_an_error_is_asked_again() -> None:
    """dlt would load what is there: a 200 with an error in it."""
    busy = ok({"error": "busy, try again"})
    outcome = ask(Api(busy, busy, ok(PAGE)), actions=RETRY)
    assert (outcome.value, outcome.slept) == (PAGE, [1.0, 2.0])
    assert [trace.status for trace in outcome.traces] == [200, 200, 200]
    assert "which a response action retries" in str(outcome.traces[0].error)


def test_retry_by_text_ends_with_the_masked_head_of_the_body() -> None:
    secret = "sesame-4711"
    Secret(secret)
    body = f"try again with {secret} {'x' * 400}".encode()
    outcome = ask(Api(Reply(200, body)), actions=RETRY, policy=RetryPolicy(max_retries=2))
    assert isinstance(outcome.error, TransportError)
    text = str(outcome.error)
    assert "after 3 attempts in 3.0 s: last one got 200 OK (try again with *** xxx" in text
    assert "x... cut), which a response action retries" in text
    assert secret not in outcome.said


def test_retry_waits_as_long_as_the_answer_asks() -> None:
    busy = Reply(200, b"try again", headers=(("Retry-After", "30"),))
    assert ask(Api(busy, ok(PAGE)), actions=RETRY).slept == [30.0]


def test_the_first_action_that_fits_decides() -> None:
    for first, end in (("retry", TransportError), ("ignore", Ignored)):
        second = "ignore" if first == "retry" else "retry"
        actions = (Action(404, None, first), Action(404, None, second))  # type: ignore[arg-type]
        outcome = ask(Api(failing(404)), actions=actions, policy=RetryPolicy(max_retries=1))
        assert isinstance(outcome.error, end)


def test_an_ignored_answer_is_no_failure_in_the_trace() -> None:
    (trace,) = ask(Api(failing(404)), actions=(Action(404, None, "ignore"),)).traces
    assert (trace.status, trace.error, trace.cause) == (404, None, "")
    assert isinstance(trace, Trace)


def test_a_function_that_fails_is_named_with_its_cause() -> None:
    outcome = ask(Api(ok(PAGE)), actions=ours([broken]))
    assert isinstance(outcome.error, AnswerError)
    assert "expected response action `broken` to take the answer, got LookupError (no such thing)" in str(outcome.error)
    assert isinstance(outcome.error.__cause__, LookupError)
    assert len(outcome.came) == 1


def test_a_function_cannot_show_a_secret() -> None:
    secret = "sesame-4712"
    Secret(secret)

    def leak(_: requests.Response) -> None:
        raise ValueError(f"cannot do it with {secret}")

    outcome = ask(Api(ok(PAGE)), actions=ours([leak]))
    assert "ValueError (cannot do it with ***)" in str(outcome.error)
    assert secret not in outcome.said


def test_a_body_that_is_no_bytes_is_named() -> None:
    def write_text(response: requests.Response) -> None:
        response._content = "text"  # type: ignore[assignment]

    assert "expected bytes in `_content`, got str" in str(ask(Api(ok()), actions=ours([write_text])).error)


def test_without_actions_nothing_changes() -> None:
    outcome = ask(Api(failing(404, b"no")))
    assert str(outcome.error).startswith("expected 200, got 404 Not Found (no) from GET ")


@pytest.fixture
def answer() -> requests.Response:
    request = Request(
        "POST", "https://api.example.com/p?a=1", params=(("b", "ü"),), headers=(("X-One", "1"),), json={"q": 1}
    )
    headers = {"content-type": "application/json", "link": '<https://x/2>; rel="next"'}
    return as_requests_response(Response(404, headers, b'{"a": 1}', "https://api.example.com/p"), request)


def test_the_answer_looks_like_one_of_requests(answer: requests.Response) -> None:
    assert isinstance(answer, requests.Response)
    assert (answer.status_code, answer.reason, answer.ok, answer.encoding) == (404, "Not Found", False, "utf-8")
    assert (answer.content, answer.text, answer.json()) == (b'{"a": 1}', '{"a": 1}', {"a": 1})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.links["next"]["url"] == "https://x/2"
    assert answer.url == "https://api.example.com/p"
    assert (answer.request.method, answer.request.url) == ("POST", "https://api.example.com/p?a=1&b=%C3%BC")
    assert (answer.request.headers["x-one"], answer.request.body) == ("1", b'{"q": 1}')
    assert list(answer.iter_lines()) == [b'{"a": 1}']
    with pytest.raises(requests.HTTPError, match="404 Client Error: Not Found for url"):
        answer.raise_for_status()


def test_json_is_parsed_once_until_the_body_changes(answer: requests.Response) -> None:
    first = answer.json()
    assert answer.json() is first
    answer._content = b'{"b": 2}'
    assert answer.json() == {"b": 2}
    answer._content = '{"b": "é"}'.encode("windows-1252")
    answer.encoding = "windows-1252"
    assert answer.json() == {"b": "é"}
