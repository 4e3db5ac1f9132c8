"""What outlasts a run before it has ended: whose pages are kept, and which rows are loaded in steps.

A step is a package of rows that came so far, of listings that go on behind it. Rows of a merge by a key may go into
one: written again they are the same rows, whatever becomes of what is known of the listing. All else is loaded whole,
because a part of it would mean something else: rows that are appended would come again if the rest were lost, and
those that replace what stands would leave less than there was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from headrace.plan.model import Plan, ResourcePlan
from headrace.secrets import Secret

#: What `merge` alone means too, as far as its rows go.
_DELETE_INSERT: Final = {"disposition": "merge", "strategy": "delete-insert"}
#: Merges whose result depends on nothing but the last row of each key.
_BY_KEY: Final = frozenset({"delete-insert", "upsert"})
#: Hints of columns with which a merge looks at other rows of the package too.
_LOOKS_FURTHER: Final = ("merge_key", "hard_delete", "dedup_sort")


def secrets_of(resource: ResourcePlan) -> list[str]:
    """The credentials of a resource, in the order of their names."""
    fields = sorted(resource.auth.fields.items()) if resource.auth else []
    values = [*(value for _, value in fields), resource.privacy.key]
    return [value.reveal() for value in values if isinstance(value, Secret) and value]


def why_not_kept(resource: ResourcePlan, plan: Plan) -> str | None:  # noqa: PLR0911 - one line a reason
    """Why pages of `resource` are not kept, in words; None where they are."""
    if plan.limits.max_kept_bytes == 0:
        return "`limits.max_kept_bytes` is 0"
    if resource.pager.reads_answers:
        return "its paginator is an object that may look into rows as they came"
    if plan.session is not None or (resource.auth is not None and resource.auth.kind == "custom"):
        return "an object signs its requests: whether it is the same account is not known"
    if any(not isinstance(action.act, str) for action in resource.actions):
        return "functions change its answers, and may be others the next time"
    if resource.privacy.hashed and resource.privacy.key is None:
        return "hashes without a key are others in each run"
    if any(map(resource.privacy.hides, resource.exports.fields)):
        return "a dependent needs what may not be stored"
    if resource.privacy.discreet and not secrets_of(resource):
        return "links may be personal, and without credentials nothing hides them"
    return None


def why_whole(resource: ResourcePlan, plan: Plan) -> str | None:
    """Why rows of `resource` are loaded when all have come and no sooner, in words; None where steps are loaded."""
    if not (plan.limits.step_s or plan.limits.step_pages):
        return "`limits.step_s` is 0, as it is for Python files"
    return next(_whole(resource, plan), None)


def is_additive(resource: ResourcePlan) -> bool:
    """Whether rows that are loaded need not be loaded again with the rest of their listing."""
    is_merged = _disposition(resource.hints.get("write_disposition")) == "merge"
    return is_merged and bool(resource.primary_key) and not (resource.deletions or resource.replacing)


def is_appended(resource: ResourcePlan) -> bool:
    """Whether rows are put beside those that stand."""
    return _disposition(resource.hints.get("write_disposition")) == "append"


def may_append_first(write_disposition: Any, *, takes_back: bool) -> bool:
    """Whether the rows of a first load, as Parquet, may be appended where `write_disposition` is declared.

    What is appended comes twice where a job is killed and done again. Where that is taken back (`takes_back`), a merge
    by delete and insert leaves the same rows; where it is not, who names that strategy wants a merge.
    """
    return write_disposition == "merge" or (write_disposition == _DELETE_INSERT and takes_back)


def _whole(resource: ResourcePlan, plan: Plan) -> Iterator[str]:
    hints = resource.hints
    if (disposition := _disposition(hints.get("write_disposition"))) != "merge":
        yield f"its rows are not merged ({disposition})"
    if not resource.primary_key or resource.key_collisions != "keep_last":
        yield "its rows are not told apart by a key alone"
    if resource.deletions:
        yield "`deletions` compares whole listings"
    if resource.replacing or hints.get("merge_key") or _looks_further(hints.get("columns")):
        yield "its rows replace others than those of their key"
    if resource.steps:
        yield "functions over its rows may remember what they saw"
    if any(map(callable, hints.values())) or any(hints.get(name) for name in ("file_format", "nested_hints")):
        yield "its rows may become tables in dlt's own way"
    if "schema_contract" in hints or resource.mixed_numbers == "widen" or callable(resource.table_name):
        yield "its columns depend on all of its rows"
    if sum(other.table_name == resource.table_name for other in plan.resources) > 1:
        yield "others write its table too"
    if (kept := why_not_kept(resource, plan)) is not None:
        yield f"pages are not kept: {kept}"
    yield from _of_parents(resource, plan)


def _of_parents(resource: ResourcePlan, plan: Plan) -> Iterator[str]:
    if len(resource.parents) > 1:
        yield "it has several parents"
    planned = {each.name: each for each in plan.resources}
    for parent in resource.parents:
        above = planned.get(parent.resource)
        if above is None:
            yield f"`{parent.resource}` is none of ours"
        elif (above.windows or above.incremental) and why_whole(above, plan) is not None:
            # its state moves with its rows, and a step behind that would find other rows to ask for
            yield f"`{parent.resource}` is loaded whole, and goes on where it was"
        else:
            yield from _of_parents(above, plan)


def _disposition(said: Any) -> str:
    """`merge` for one that keeps the last row of each key, else what was said, in words."""
    if isinstance(said, Mapping):
        plain = set(said) <= {"disposition", "strategy"} and said.get("strategy", "upsert") in _BY_KEY
        return str(said.get("disposition")) if plain else f"{said.get('disposition')} of another kind"
    return "a function says" if callable(said) else str(said or "append")


def _looks_further(columns: Any) -> bool:
    if callable(columns):
        return True
    facts = columns.values() if isinstance(columns, Mapping) else columns if isinstance(columns, list) else ()
    return any(isinstance(each, Mapping) and any(each.get(name) for name in _LOOKS_FURTHER) for each in facts)
