"""Back to an earlier release, which is no run, and which no run may cross."""

from __future__ import annotations

from ca_etl.pipeline.context import utc_now
from ca_etl.settings import Settings
from ca_etl.warehouse import lock
from ca_etl.warehouse.release import Release, rollback


def move_back(settings: Settings, to: str | None) -> Release:
    """Move `current` to release `to`, by default the one before it, while no run is on.

    Raises `ReleaseError` when there is no such release, `LockHeldError` when a run is on.
    """
    holder = lock.Holder.here("rollback", "rollback", utc_now())
    with lock.run_lock(settings.data_dir, holder) as held:
        held.recorded()  # a rollback is no run: when it fails, no run was killed
        return rollback(settings.data_dir, to)
