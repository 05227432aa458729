from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_rebuild
from ca_etl.settings import Settings

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
DAY = date(2025, 12, 22)


def test_what_an_earlier_parser_rejected_is_read_again_and_nothing_else(
    settings: Settings, query: Query, contents: Contents, rewritten: Callable[[Path], Any]
) -> None:
    (played,) = play_days(settings, 1, faults={DAY: Fault(no_ticker=True, paths=frozenset({"/latest/"}))})
    assert played.exit_status == 0
    assert query("select reason from etl_reject") == [("no_ticker",)]
    before = contents(settings.data_dir)
    with rewritten(played.release.folder) as con:  # type: ignore[union-attr]
        con.execute("update raw.reject set parser_version = 'of long ago'")
    again = run_rebuild(settings, only_rejects=True)
    assert again.exit_status == 0
    assert again.loaded is not None
    assert (again.loaded.archive_files, again.loaded.captures, again.loaded.rejects) == (1, 1, 1)
    assert contents(settings.data_dir) == before
    nothing = run_rebuild(settings, only_rejects=True)
    assert nothing.loaded is not None
    assert nothing.loaded.archive_files == 0
