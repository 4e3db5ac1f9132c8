"""From the classes of a resource's fields and the `privacy` of the source to one tree of what becomes of each field.

`{"recipient": "hash", "message": {"headers": {"to": "hash"}}}`: where two paths meet, the one that hides more wins, an
object over a field in it, dropping over hashing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from headrace.config import ResourceOptions
from headrace.config.field_path import FieldSteps, field_steps
from headrace.errors import Problem
from headrace.jsonpath import compile_path
from headrace.plan.dependents import Parents
from headrace.plan.hidden_columns import column_key, hidden_keys
from headrace.plan.late import incremental_of
from headrace.plan.model import Parent
from headrace.plan.privacy import ANY_KEY, Fate, Fates, Privacy
from headrace.plan.shapes import shapings_of
from headrace.plan.shaping import Shaping
from headrace.secrets import Secret

Setting = Literal["keep", "hash", "drop"]

SETTINGS: Final[tuple[Setting, ...]] = ("drop", "hash", "keep")
#: Option of a resource -> what becomes of its fields under each `privacy`; None: they stay.
FATE_OF: Final[Mapping[str, Mapping[Setting, Fate | None]]] = {
    "secrets": {"keep": "drop", "hash": "drop", "drop": "drop"},
    "private": {"keep": None, "hash": "drop", "drop": "drop"},
    "personal": {"keep": None, "hash": "hash", "drop": "drop"},
}
#: Bytes of a key: 128 bits as hex digits, which nobody can try out, and what BLAKE2b takes.
_KEY_BYTES: Final = range(32, 65)
_MAKE_KEY: Final = (
    'make one with `python -c "import secrets; print(secrets.token_hex(32))"`, put it into `.dlt/secrets.toml` as '
    '`privacy_key = "..."`, and keep it: with another one the same values get other hashes'
)


def setting_of(said: str, problems: list[Problem]) -> Setting:
    """The `privacy` of the source as it was said."""
    for setting in SETTINGS:
        if setting == said:
            return setting
    problems.append(Problem(f"expected `drop`, `hash` or `keep`, got {said!r}", "privacy"))
    return "drop"


def privacy_of(resource: ResourceOptions, setting: Setting) -> Privacy:
    """What becomes of the fields of `resource`; the key is to come."""
    paths: dict[Fate, list[str]] = {"drop": [], "hash": []}
    tree: dict[str, Fate | Fates] = {}
    for option, fate_of in FATE_OF.items():
        fate = fate_of[setting]
        if fate is not None:
            paths[fate] += getattr(resource, option)
    for fate, named in paths.items():
        for path in named:
            _plant(tree, field_steps(path), fate)
    if setting != "keep":
        for name in resource.private:
            _plant(tree, (name,), "drop")  # from when all were top-level keys, dots and all
    dropped, hashed = (tuple(dict.fromkeys(named)) for named in paths.values())
    fates = _spread(_with_twins(tree, shapings_of(resource)))
    discreet = bool(resource.personal) and setting != "keep"
    return Privacy(dropped, hashed, tuple(resource.secrets), fates, discreet=discreet)


def hidden_problems(
    resources: Sequence[ResourceOptions], places: Mapping[str, str], privacies: Mapping[str, Privacy]
) -> Iterator[Problem]:
    """Hidden fields that a run cannot do without: in a key that is dropped, as a cursor."""
    for resource in resources:
        privacy, place = privacies[resource.name], places[resource.name]
        dropped = hidden_keys(path for path in privacy.dropped if path not in resource.private)
        for name in _names(resource.primary_key):
            path = dropped.get(column_key(name))
            if path is not None:
                yield Problem(
                    f"expected a key that is stored, got `{name}`, which is dropped",
                    f"{place}.primary_key",
                    "`privacy: hash` stores what tells rows apart" if path in resource.personal else None,
                )
        cursor = _cursor(resource) if privacy.fates else None
        if cursor and privacy.hides(compile_path(cursor)):
            yield Problem(
                f"expected a cursor that is not hidden, got `{cursor}`: the state of the pipeline holds its value",
                f"{place}.endpoint.incremental",
            )


def key_problem(
    resources: Sequence[ResourceOptions], places: Mapping[str, str], privacies: Mapping[str, Privacy], parents: Parents
) -> Problem | None:
    """The problem if no key of the hash is found; None where none is needed.

    It is needed where a field is hashed, and where the state remembers calls by a field of a parent that is hidden.
    """
    if any(privacy.hashed for privacy in privacies.values()):
        return Problem("expected a `privacy_key` for `privacy: hash`, found none", "privacy_key", _MAKE_KEY)
    for resource in resources:
        for parent in parents[resource.name] if _remembers_calls(resource) else ():
            privacy = privacies.get(parent.resource, Privacy())
            hidden = next((path for _, path in parent.fields if privacy.hides(path)), None)
            if hidden is not None:
                return Problem(
                    f"expected a `privacy_key`, found none: the state remembers each call by `{hidden}` of "
                    f"`{parent.resource}`, which is hidden",
                    places[resource.name],
                    _MAKE_KEY,
                )
    return None


def find_key(
    missing: Problem, declared: Secret | None, look_up: Callable[[], str] | None, problems: list[Problem]
) -> Secret | None:
    """The key of the hash: as declared, else as `look_up` gives it; `missing` is the problem where neither does."""
    key = declared
    if key is None and look_up is not None:
        try:
            key = Secret(look_up())
        except LookupError as error:
            missing = replace(missing, hint=f"{error}; {missing.hint}")
    if key is None:
        problems.append(missing)
    elif len(key.reveal().encode()) not in _KEY_BYTES:
        message = f"expected a `privacy_key` of 32 to 64 characters, got {len(key.reveal())}"
        problems.append(Problem(message, "privacy_key", _MAKE_KEY))
    return key


def stored(parents: Parents, privacies: Mapping[str, Privacy]) -> dict[str, tuple[Parent, ...]]:
    """`parents` without the columns for fields that the parent drops."""
    return {
        name: tuple(_stored(parent, privacies.get(parent.resource)) for parent in of) for name, of in parents.items()
    }


def _stored(parent: Parent, privacy: Privacy | None) -> Parent:
    if privacy is None or not privacy.fates:
        return parent
    return replace(parent, kept=tuple(pair for pair in parent.kept if not privacy.drops(pair[1])))


def _names(key: object) -> Sequence[str]:
    return [key] if isinstance(key, str) else key if isinstance(key, list | tuple) else ()


def _cursor(resource: ResourceOptions) -> str | None:
    plan = incremental_of(resource.endpoint) if resource.endpoint else None
    if plan is None:
        return None
    settings = plan.settings
    path = settings["cursor_path"] if isinstance(settings, dict) else settings.cursor_path
    return str(path) if path else None


def _remembers_calls(resource: ResourceOptions) -> bool:
    endpoint = resource.endpoint
    if endpoint is None:
        return False
    plan = incremental_of(endpoint)
    return bool(endpoint.windows) or (plan is not None and plan.per_parent)


def _plant(tree: dict[str, Fate | Fates], steps: FieldSteps, fate: Fate) -> None:
    """Add one path; a shorter one that is there hides it, and longer ones that are there are hidden by it."""
    key, rest = steps[0], steps[1:]
    there = tree.get(key)
    if not rest:
        tree[key] = "drop" if there == "drop" else fate
    elif not isinstance(there, str):
        branch = dict(there or {})
        _plant(branch, rest, fate)
        tree[key] = branch


def _with_twins(tree: Fates, shapings: Mapping[str, Shaping]) -> Fates:
    """The tree with what is hidden under a name hidden under its other names too, and in its copies."""
    made = dict(tree)
    for name, shaping in shapings.items():
        if isinstance(inner := made.get(name), Mapping):
            made[name] = _with_twins(inner, shaping.inner)
    twins = [(name, other) for name, shaping in shapings.items() for other in shaping.names]
    for name, twin in [*twins, *((shaping.copy_of, name) for name, shaping in shapings.items() if shaping.copy_of)]:
        if name in made:
            made[twin] = _stronger(made[name], made[twin]) if twin in made else made[name]
    return made


def _spread(tree: Fates) -> Fates:
    """The tree with what counts for any key added to the keys that are named."""
    of_any = tree.get(ANY_KEY)
    whole = {key: each if of_any is None else _stronger(each, of_any) for key, each in tree.items()}
    return {key: each if isinstance(each, str) else _spread(each) for key, each in whole.items()}


def _stronger(one: Fate | Fates, other: Fate | Fates) -> Fate | Fates:
    """What hides all that either hides."""
    if isinstance(one, str) or isinstance(other, str):
        return "drop" if "drop" in (one, other) else "hash"
    return {**one, **other, **{key: _stronger(one[key], other[key]) for key in one.keys() & other.keys()}}
