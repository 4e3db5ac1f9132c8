"""The dictionaries of the two guides, verbatim: as Python, pasted into YAML, as block YAML, TOML and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from guide_texts import EMAIL, LINKS
from headrace.config import RestConfig, load_file, validate
from headrace.plan import Plan, build_plan, describe

LINKS_TOML = """
[client]
base_url = "https://api.example.com"
auth = { type = "api_key", name = "Authorization", api_key = dlt.secrets["api_key"], location = "header" }

[resource_defaults]
primary_key = "id"
write_disposition = "merge"

[[resources]]
name = "links"
[resources.endpoint]
path = "/v1/links"
data_selector = "links"
paginator = { type = "cursor", cursor_param = "pageToken", cursor_path = "nextPageToken" }

[[resources]]
name = "clicks"
[resources.endpoint]
path = "/v1/domain/{domain_id}/link_clicks"
data_selector = "data"
paginator = { type = "cursor", cursor_param = "pageToken", cursor_path = "nextPageToken" }
"""

KEY = "a-key-of-the-test"


class _Dlt:
    """Stands where the guides write `dlt`, and gives texts."""

    secrets: ClassVar = {"private_key": KEY, "api_key": KEY}


def as_python(guide: str) -> dict[str, Any]:
    raw: dict[str, Any] = eval(guide, {"dlt": _Dlt})  # noqa: S307 - the guide is Python, and is our own text
    return raw


def as_references(guide: str) -> dict[str, Any]:
    """The guide with its secret as a text, which every file format can hold."""
    raw: dict[str, Any] = yaml.safe_load(guide.replace("dlt.secrets[", "'dlt.secrets[").replace('"]', "\"]'"))
    return raw


def check(raw: dict[str, Any]) -> RestConfig:
    return validate(raw, resolve_secret=lambda _: KEY)


def plan_of(config: RestConfig) -> Plan:
    needs = any("{" in str(resource.endpoint) for resource in config.resources if resource.name == "clicks")
    return build_plan(config, params={"domain_id": [17, 4]} if needs else None)


@pytest.mark.parametrize("guide", [EMAIL, LINKS])
@pytest.mark.parametrize("form", ["pasted.yaml", "block.yml", "trailing-comma.yaml", "file.json"])
def test_every_form_gives_the_same_configuration_and_plan(guide: str, form: str, tmp_path: Path) -> None:
    """One dictionary, whatever it is written in, is one plan."""
    path = tmp_path / form
    texts = {
        "pasted.yaml": guide,
        "block.yml": yaml.safe_dump(as_references(guide), sort_keys=False),
        "trailing-comma.yaml": guide.replace("}\n    ]", "},\n    ],"),
        "file.json": json.dumps(as_references(guide)),
    }
    path.write_text(texts[form])

    expected = check(as_python(guide))
    config = check(load_file(path))

    assert config == expected
    assert plan_of(config) == plan_of(expected)


def test_toml_gives_the_same_configuration(tmp_path: Path) -> None:
    path = tmp_path / "links.toml"
    path.write_text(LINKS_TOML)
    assert check(load_file(path)) == check(as_python(LINKS))


def test_bare_expression_in_block_yaml(tmp_path: Path) -> None:
    """In block style the expression is a plain scalar, with single quotes or double."""
    path = tmp_path / "x.yaml"
    path.write_text("a: dlt.secrets['key']\nb: dlt.secrets[\"key\"]  # here\nc: {d: dlt.secrets['key'] }\n")
    double, single = 'dlt.secrets["key"]', "dlt.secrets['key']"
    assert load_file(path) == {"a": double, "b": double, "c": {"d": double}}
    path.write_text(f"a: {single}\nb: {double}\n")
    assert load_file(path) == {"a": single, "b": double}


def test_plan_of_the_email_guide() -> None:
    plan = plan_of(check(as_python(EMAIL)))
    domains, events = describe(plan)["resources"]
    assert domains["requests"] == [{"method": "GET", "url": "https://api.example.com/v1/domains", "params": {}}]
    assert (domains["paging"]["kind"], domains["paging"]["limit"], domains["paging"]["offset_param"]) == (
        "offset",
        1000,
        "skip",
    )
    assert (events["paging"]["cursor_param"], events["paging"]["cursor_path"]) == ("from", "paging.next")
    assert (events["rows_at"], events["write"], events["primary_key"]) == ("items", "merge", ["id"])
    assert plan.origins == {("https", "api.example.com", 443)}
    assert KEY not in repr(plan)


def test_plan_of_the_links_guide() -> None:
    """Each value of `domain_id` is one call, in order, and a column."""
    clicks = plan_of(check(as_python(LINKS))).resources[1]
    assert [(call.request.url, call.values) for call in clicks.calls()] == [
        ("https://api.example.com/v1/domain/17/link_clicks", {"domain_id": 17}),
        ("https://api.example.com/v1/domain/4/link_clicks", {"domain_id": 4}),
    ]
