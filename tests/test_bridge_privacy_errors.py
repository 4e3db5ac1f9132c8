"""What is said when a load with personal values fails: no canary in the error, none in what dlt keeps of the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from canaries import CANARY, config, found_in, mail, person, rows
from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.errors import AnswerError, DecodeError, KeyCollisionError, RefusedError, TransportError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, refused


def broken(*bodies: bytes) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        if "letters" in request.path:
            return Reply(404, json.dumps({"message": f"no such person: {request.path.split('/')[2]}"}).encode())
        return Reply(body=bodies[min(int(request.param("page") or 0), len(bodies) - 1)])

    return answer


TWICE = [{"id": 1, "mail": f"{CANARY}-1"}, {"id": 1, "mail": f"{CANARY}-2"}]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"items": [{"mail": "canary-1", "x": tru}]}', DecodeError),
        (b'{"items": [{"mail": "canary-1", "x"', DecodeError),
        (b"<p>canary-1</p>", DecodeError),
        (rows(*TWICE), KeyCollisionError),
        (rows(person(1)), RefusedError),
        (rows({"id": 1, "client": 3}), AnswerError),
    ],
)
def test_errors_show_no_personal_value(body: bytes, error: type[Exception], tmp_path: Path) -> None:
    """Nor does the trace that dlt keeps of a failed run; the refusal names the person in address and body."""
    target = pipeline(tmp_path, "failing")
    with Server(broken(body)) as server, refused(error) as caught:
        settings = config(server.url, "hash", incremental=False)
        target.run(rest_api_source(settings, name="mail", clock=TurnedClock()).with_resources("people", "letters"))
    assert CANARY not in str(caught[0])
    assert found_in(tmp_path) == set()


@pytest.mark.parametrize("second", [Reply(500), Reply(body=b"{"), Reply(307)])
def test_links_from_page_to_page_are_not_shown(second: Reply, tmp_path: Path) -> None:
    """An address may stand in a link as the place where the listing goes on."""

    def answer(request: Request) -> Reply:
        if request.param("after"):
            return second
        return Reply(body=json.dumps({"items": [person(0)], "next": f"/people?page=1&after={mail(0)}"}).encode())

    with Server(answer) as server, refused(TransportError if second.status != 200 else DecodeError) as caught:
        settings = config(server.url, "hash")
        endpoint = {"paginator": {"type": "json_link", "next_url_path": "next"}, "path": "people"}
        settings["resources"][0]["endpoint"] |= endpoint
        source = rest_api_source(settings, name="mail", clock=TurnedClock())
        pipeline(tmp_path, "linked").run(source.with_resources("people"))
    assert "page=***&after=***" in str(caught[0])
    assert CANARY not in str(caught[0])
    assert found_in(tmp_path) == set()


def test_rows_that_are_no_objects_are_not_shown(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        if "letters" in request.path:
            return Reply(body=rows(f"{CANARY}-text"))
        return Reply(body=rows({"id": 1, "mail": "kim"}))

    with Server(answer) as server, refused(AnswerError) as caught:
        settings = config(server.url, "hash", incremental=False)
        pipeline(tmp_path, "odd").run(
            rest_api_source(settings, name="mail", clock=TurnedClock()).with_resources("people", "letters")
        )
    assert "got something else" in str(caught[0])
    assert CANARY not in str(caught[0])
