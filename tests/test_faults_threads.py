"""A pipeline that an orchestrator runs: in a thread beside a running loop, its signals left alone."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from threading import Thread
from typing import Any

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.sim.faults import Fault
from headrace.sim.message import Reply
from headrace.sim.server import Server
from loading import cursor_service, pipeline, read_database

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAGES = {"things": [[f'{{"id": {page * 10 + n}}}' for n in range(10)] for page in range(3)]}


def config(url: str) -> dict[str, Any]:
    paginator = {"type": "cursor", "cursor_param": "page", "cursor_path": "next"}
    endpoint = {"path": "things", "data_selector": "items", "paginator": paginator}
    return {"client": {"base_url": url}, "resources": [{"name": "things", "endpoint": endpoint}]}


def test_a_thread_beside_a_running_loop_loads_all_and_takes_no_signal(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    failures: list[BaseException] = []
    target = pipeline(tmp_path, "orchestrated")

    async def orchestrate(url: str) -> int:
        """Runs the pipeline as orchestrators do, and counts what its own loop does meanwhile."""

        def load() -> None:
            try:
                target.run(rest_api_source(config(url), name="things", clock=TurnedClock()))
            except BaseException as error:  # noqa: BLE001 - looked at below
                failures.append(error)

        thread = Thread(target=load)
        thread.start()
        beats = 0
        while thread.is_alive():
            await asyncio.sleep(0)
            beats += 1
        return beats

    with Server(cursor_service(PAGES), faults=[Fault("503", 1)]) as server:
        assert asyncio.run(orchestrate(server.url)) > 1
    assert failures == []
    assert sorted(row["id"] for row in read_database(target).rows("things")) == list(range(30))
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_two_pipelines_in_two_threads_do_not_mix(tmp_path: Path) -> None:
    targets = [pipeline(tmp_path, name) for name in ("one", "two")]
    failures: list[BaseException] = []

    def load(target: Any, url: str) -> None:
        try:
            target.activate()
            target.run(rest_api_source(config(url), name="things", clock=TurnedClock()))
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    with Server(cursor_service(PAGES)) as first, Server(lambda _: Reply(body=b'{"items": [{"id": -1}]}')) as second:
        threads = [
            Thread(target=load, args=(target, url))
            for target, url in zip(targets, (first.url, second.url), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert [sorted(row["id"] for row in read_database(target).rows("things")) for target in targets] == [
        list(range(30)),
        [-1],
    ]
