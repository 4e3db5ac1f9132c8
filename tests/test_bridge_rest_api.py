"""`rest_api`, whose arguments may stand in dlt's configuration; auth by one word; dlt's settings for requests."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from dlt.sources.rest_api import rest_api as their_rest_api
from dlt.sources.rest_api import rest_api_resources as their_resources
from dlt.sources.rest_api import rest_api_source as their_source

import headrace
from headrace import rest_api, rest_api_resources, rest_api_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.errors import ConfigError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

TOKEN = "token-of-the-environment"


def service(request: Request) -> Reply:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Reply(401, b'{"message": "no"}')
    return Reply(body=json.dumps([{"id": 1, "path": request.path}]).encode())


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The whole source stands in the environment."""
    with Server(service) as server:
        client = {"base_url": server.url, "auth": "bearer", "paginator": "single_page"}
        monkeypatch.setenv("SOURCES__REST_API__REST_API__CLIENT", json.dumps(client))
        monkeypatch.setenv("SOURCES__REST_API__REST_API__RESOURCES", json.dumps(["a", {"name": "b", "endpoint": "c"}]))
        monkeypatch.setenv("SOURCES__REST_API__REST_API__RESOURCE_DEFAULTS", json.dumps({"primary_key": "id"}))
        monkeypatch.setenv("SOURCES__REST_API__CREDENTIALS__TOKEN", TOKEN)
        yield server.url


def test_arguments_come_from_the_configuration(configured: str) -> None:
    """dlt's own takes them from TOML only: it cannot read its types out of a text."""
    given = {"client": {"base_url": configured, "auth": {"token": TOKEN}, "paginator": "single_page"}}
    resources = ["a", {"name": "b", "endpoint": "c"}]
    ours, theirs = rest_api(), their_rest_api(**given, resources=resources, resource_defaults={"primary_key": "id"})
    assert (ours.name, ours.section, list(ours.resources)) == (theirs.name, theirs.section, list(theirs.resources))
    assert sorted(map(str, ours)) == sorted(map(str, theirs))
    assert ours.resources["a"].compute_table_schema() == theirs.resources["a"].compute_table_schema()


def test_arguments_may_be_given_to_a_clone(configured: str) -> None:
    given = {"client": {"base_url": configured, "auth": {"token": TOKEN}}, "resources": ["x"]}
    made = [each.clone(name="other", section="mine")(**given) for each in (rest_api, their_rest_api)]
    assert [(source.name, source.section, list(source)) for source in made] == [
        ("other", "mine", [{"id": 1, "path": "/x"}])
    ] * 2


def test_credentials_of_a_section_are_found(configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked up where dlt looks: in the section and under the name of the source."""
    monkeypatch.delenv("SOURCES__REST_API__CREDENTIALS__TOKEN")
    config: Any = {"client": {"base_url": configured, "auth": "bearer"}, "resources": ["a"]}
    with pytest.raises(ConfigError, match="expected credentials in the configuration of dlt, found none"):
        rest_api_source(config, name="mail", section="apis")
    monkeypatch.setenv("SOURCES__APIS__MAIL__CREDENTIALS__TOKEN", TOKEN)
    assert list(rest_api_source(config, name="mail", section="apis")) == [{"id": 1, "path": "/a"}]


def attempts(url: str, **client: Any) -> int:
    report = Report()
    config = {"client": {"base_url": url, **client}, "resources": ["broken"]}
    with pytest.raises(Exception, match="503"):
        list(rest_api_source(config, report=report, clock=TurnedClock()))
    return report.of("broken").requests


def test_settings_of_dlt_count_where_the_configuration_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(lambda _: Reply(503)) as server:
        assert attempts(server.url, retry={"max_retries": 2}) == 3
        monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "2")
        assert attempts(server.url) == 2
        assert attempts(server.url, retry={"max_retries": 0}) == 1
        # who declares a time wants no count from elsewhere
        assert attempts(server.url, retry={"budget_s": 100}) > 3


def test_one_import_line_changes() -> None:
    """dlt's arguments come first, by name and by place."""
    for ours, theirs in ((rest_api_source, their_source), (rest_api_resources, their_resources)):
        wanted = list(inspect.signature(theirs).parameters)
        assert list(inspect.signature(ours).parameters)[: len(wanted)] == wanted
    assert {"rest_api", "rest_api_source", "rest_api_resources", "check_connection"} <= set(headrace.__all__)
