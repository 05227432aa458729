"""What an archive file was written for: by its warcinfo record, and for older files by its name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ca_etl.archive.ingest import ingest_paths
from ca_etl.archive.naming import Origin, origin_of
from ca_etl.archive.reader import read_origin
from ca_etl.archive.writer import ArchiveWriter

SLOT = datetime(2025, 12, 7, 4, 30, tzinfo=UTC)
SWEEP = Origin("timesca-posts", "sweep", SLOT)
OTHERS = Origin("web-archive")


def written(root: Path, attempt, origin: Origin, info: dict[str, str] | None = None) -> Path:
    fields = {"source": origin.source, "info": origin.info if info is None else info, "clock": lambda: SLOT}
    with ArchiveWriter(root, origin.name, **fields) as out:
        out.add(attempt())
    assert out.path is not None
    return out.path


@pytest.mark.parametrize("origin", [SWEEP, Origin("timesca", "daily", SLOT), Origin("bank", "hourly", SLOT)])
def test_a_file_of_a_slot_states_source_schedule_and_slot(tmp_path, attempt, origin):
    assert read_origin(written(tmp_path, attempt, origin)) == origin


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("20251207T043000Z-timesca.warc.gz", Origin("timesca", "daily", SLOT)),
        ("20251207T043000Z-timesca-sweep.warc.gz", Origin("timesca", "sweep", SLOT)),
        ("20251207T043000Z-timesca-posts-sweep.2.warc.gz", SWEEP),
        ("20251207T043000Z-timesca-feed.recovered.warc.gz", Origin("timesca-feed", "daily", SLOT)),
        ("20251207T043000Z-timesca-posts-20251201.warc.gz", OTHERS),
        ("20251207T043000Z-ingest-abcdefabcdef.warc.gz", OTHERS),
        ("20259999T999999Z-timesca.warc.gz", OTHERS),
        ("CC-MAIN-20251207-00001.warc.gz", OTHERS),
    ],
)
def test_the_name_counts_where_warcinfo_has_nothing(name, origin):
    assert origin_of({}, name) == origin


def test_a_file_of_before_has_its_schedule_from_its_name(tmp_path, attempt):
    info = {"ca-etl-slot": "2025-12-07 04:30:00+00:00"}
    assert read_origin(written(tmp_path, attempt, SWEEP, info)) == SWEEP


def test_a_file_whose_warcinfo_is_damaged_has_all_from_its_name(tmp_path, attempt):
    path = written(tmp_path, attempt, SWEEP)
    path.write_bytes(b"\x00" * 20 + path.read_bytes()[20:])
    assert read_origin(path) == SWEEP


def test_an_ingest_of_our_own_file_is_not_of_its_slot(tmp_path, attempt):
    path = written(tmp_path / "elsewhere", attempt, SWEEP)
    report = ingest_paths([path], tmp_path / "archive", now=SLOT)
    (written_file,) = report.written
    assert read_origin(written_file) == OTHERS
