"""The words for what became of a slot."""

from __future__ import annotations

from enum import StrEnum


class SlotOutcome(StrEnum):
    """What became of a slot, the best first. `unchanged` is an observation: the site said, nothing is new."""

    OBSERVED = "observed"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    FAILED = "failed"
    MISSED = "missed"
