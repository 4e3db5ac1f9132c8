"""What will happen, frozen: `build_plan` makes a `Plan` of a checked configuration.

The values are cheap to import; the builder brings pydantic and is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.plan.describe import describe
from headrace.plan.model import (
    EMPTY,
    STEP,
    Action,
    Auth,
    Beginning,
    Call,
    Deletions,
    Exports,
    Incremental,
    Limits,
    Parent,
    Plan,
    Rate,
    Replacing,
    ResourcePlan,
    RetryPolicy,
    Step,
)
from headrace.plan.privacy import Privacy
from headrace.plan.ranged import Range, ranged
from headrace.plan.window import Mark, Span, Windows

if TYPE_CHECKING:
    from headrace.plan.build import build_plan

__all__ = [
    "EMPTY",
    "STEP",
    "Action",
    "Auth",
    "Beginning",
    "Call",
    "Deletions",
    "Exports",
    "Incremental",
    "Limits",
    "Mark",
    "Parent",
    "Plan",
    "Privacy",
    "Range",
    "Rate",
    "Replacing",
    "ResourcePlan",
    "RetryPolicy",
    "Span",
    "Step",
    "Windows",
    "build_plan",
    "describe",
    "ranged",
]


def __getattr__(name: str) -> Any:
    if name == "build_plan":
        from headrace.plan.build import build_plan

        return build_plan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
