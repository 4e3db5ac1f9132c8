"""What dlt's `rest_api` refuses is refused with one problem a mistake, and what it takes is taken."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
from dlt.common.schema import Schema
from dlt.sources.rest_api import rest_api_resources

from config_right import GOOD, Good
from config_rows import HIDDEN, RESOURCE, Row, config
from config_wrong_endpoints import OF_PAGING, OF_REQUESTS
from config_wrong_hints import OF_COLUMNS, OF_HINTS
from config_wrong_wholes import OF_THE_WHOLE, STRICTER
from headrace.bridge.objects import adopt
from headrace.config import RestConfig, validate
from headrace.errors import ConfigError

#: Mistakes inside one resource: they can stand side by side in one configuration.
OF_A_RESOURCE = [*OF_HINTS, *OF_COLUMNS, *OF_REQUESTS, *OF_PAGING]
BAD = [*OF_A_RESOURCE, *STRICTER, *OF_THE_WHOLE]


def no_secret(name: str) -> str:
    raise LookupError(f"looked in the environment (`{name.upper()}`)")


def refused_by_dlt(raw: dict[str, Any]) -> bool:
    """Whether dlt refuses it when resources are made, or their tables."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for resource in rest_api_resources(raw):
                _make_tables(resource)
    except Exception:  # noqa: BLE001  dlt raises what happens to come first
        return True
    return False


def _make_tables(resource: Any) -> None:
    if not callable(resource.table_name):
        resource.compute_table_schema()
        resource.compute_nested_table_schemas(resource.name, Schema("a").naming)


def check(raw: dict[str, Any]) -> RestConfig:
    return validate(raw, resolve_secret=no_secret, adopt=adopt)


def told(raw: dict[str, Any]) -> dict[str, str]:
    """Place -> text of its problem."""
    with pytest.raises(ConfigError) as caught:
        check(raw)
    assert HIDDEN not in str(caught.value)
    texts = {problem.path: str(problem) for problem in caught.value.problems}
    assert len(texts) == len(caught.value.problems), "one problem a place"
    return texts


@pytest.mark.parametrize("row", BAD, ids=lambda row: row.name)
def test_each_mistake_is_one_problem(row: Row) -> None:
    texts = told(row.raw)
    assert sorted(texts) == sorted(place for place, *_ in row.problems)
    for place, *words in row.problems:
        for word in words:
            assert word in texts[place]


@pytest.mark.parametrize("row", BAD, ids=lambda row: row.name)
def test_dlt_refuses_it_too(row: Row) -> None:
    assert refused_by_dlt(row.raw) is not bool(row.dlt)


def test_the_table_is_as_long_as_it_claims() -> None:
    assert len([row for row in BAD if not row.dlt]) >= 60
    assert len({row.name for row in BAD}) == len(BAD)


def test_all_mistakes_of_resources_in_one_configuration() -> None:
    """A hundred wrong resources are told at once, each as if it were alone."""
    resources = [{**row.raw["resources"][0], "name": f"r{index}"} for index, row in enumerate(OF_A_RESOURCE)]
    texts = told(config(None, *resources))
    expected = [
        place.replace(RESOURCE, f"resources[{index}]", 1)
        for index, row in enumerate(OF_A_RESOURCE)
        for place, *_ in row.problems
    ]
    assert list(texts) == expected


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.name)
def test_what_dlt_takes_is_taken(good: Good) -> None:
    assert not refused_by_dlt(good.raw())
    assert check(good.raw()).resources


def test_good_rows_have_names() -> None:
    assert len({good.name for good in GOOD}) == len(GOOD)


@pytest.mark.parametrize("row", OF_A_RESOURCE, ids=lambda row: row.name)
def test_the_configuration_is_left_as_it_is(row: Row) -> None:
    before = copy.deepcopy(row.raw)
    told(row.raw)
    assert row.raw == before
