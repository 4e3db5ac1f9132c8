"""Properties try the same examples in every run, so that a failure is a change's and not the day's."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
