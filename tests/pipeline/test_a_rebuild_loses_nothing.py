from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ca_etl.archive.read import archive_files
from ca_etl.pipeline.context import Status
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_rebuild
from ca_etl.settings import Settings
from ca_etl.warehouse.release import current_release

Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]


def test_a_rebuild_in_place_gives_the_same_rows(settings: Settings, contents: Contents) -> None:
    list(play_days(settings, 2))
    before = contents(settings.data_dir)
    assert run_rebuild(settings).exit_status == 0
    assert contents(settings.data_dir) == before


@pytest.mark.parametrize("harm", ["remove", "change"])
def test_an_archive_that_is_no_longer_whole_is_not_rebuilt_from(settings: Settings, harm: str) -> None:
    *_, last = play_days(settings, 2)
    victim = archive_files(settings.archive_dir)[0]
    if harm == "remove":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-20])
    refused = run_rebuild(settings)
    assert refused.status is Status.FAILED
    assert victim.name in refused.error
    assert current_release(settings.data_dir) == last.release
    (settings.data_dir / "current").unlink()
    assert run_rebuild(settings).exit_status == 0
