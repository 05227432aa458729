"""What a run puts beside the rows of its captures before the models are built, and which files it takes over."""

import json
import stat
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ca_etl.pipeline.publish import build_tables, link_unchanged, published_parquet
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.datapackage import file_fact, listed_files
from ca_etl.warehouse.raw_schema import ensure_raw
from ca_etl.warehouse.release import begin_building, prune, publish

NOW = datetime(2025, 12, 9, 2, tzinfo=UTC)


def test_a_bank_with_rates_gets_its_calendar_from_the_first_rate_to_a_week_ahead(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        ensure_raw(con)
        con.execute(
            "insert into raw.capture by name select 'c1' as capture_id, 'nbk' as source, 'page' as response_class,"
            " 'warc' as source_kind, '00' as payload_sha256, 1 as payload_bytes,"
            " 0 as ticker_cycles, 0 as articles_parsed,"
            " 'a.warc.gz' as archive_file, 0 as archive_offset, '1' as parser_version, 'r1' as run_id"
        )
        con.execute(
            "insert into raw.official_rate values"
            " ('c1', 0, 'USD', 'KZT', '505.92', 1, 505.92, '2025-12-05', null, 'official')"
        )
    build_tables(warehouse, [], [], NOW)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        days = con.sql("from raw.publication_day order by day").fetchall()
    assert days[0] == ("nbk", date(2025, 12, 5), "expected")
    assert days[2] == ("nbk", date(2025, 12, 7), "weekend")
    assert days[-1][:2] == ("nbk", date(2025, 12, 16))
    assert len(days) == 12


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Path]:
    """Publish a release with one file for each text, unless its file is given, and return its folder."""

    def make(release_id: str, texts: dict[str, str], taken_over: tuple[str, ...] = ()) -> Path:
        building = begin_building(tmp_path, release_id)
        with duckdb.connect(str(building.warehouse)):
            pass
        (building.folder / "parquet").mkdir()
        for name, text in texts.items():
            path = Path("parquet", f"{name}.parquet")
            old = published_parquet(building, Path(path.name)) if name in taken_over else None
            if old is not None:
                (building.folder / path).hardlink_to(old)
            else:
                (building.folder / path).write_text(text)
        facts = [file_fact(building.folder, Path("parquet", f"{name}.parquet")) for name in texts]
        link_unchanged(building, facts)
        listed = [
            {"path": fact.path, "bytes": fact.bytes, "hash": f"sha256:{fact.sha256}"}
            for fact in (*facts, file_fact(building.folder, Path("warehouse.duckdb")))
        ]
        (building.folder / "datapackage.json").write_text(json.dumps({"resources": listed}))
        return publish(building).folder / "parquet"

    return make


def test_a_file_with_the_bytes_of_that_of_the_release_before_takes_no_room_of_its_own(release, tmp_path):
    first = release("20251205T020000Z", {"same": "aa", "other": "bb"})
    second = release("20251206T020000Z", {"same": "aa", "other": "cc"})
    assert (first / "same.parquet").samefile(second / "same.parquet")
    assert [(folder / "other.parquet").read_text() for folder in (first, second)] == ["bb", "cc"]
    assert prune(tmp_path, 1) == ("20251205T020000Z",)
    assert (second / "same.parquet").read_text() == "aa"
    assert stat.S_IMODE((second / "same.parquet").stat().st_mode) == 0o444


def test_a_file_that_is_taken_over_unread_is_there_once(release):
    first = release("20251205T020000Z", {"same": "aa"})
    second = release("20251206T020000Z", {"same": "aa"}, taken_over=("same",))
    assert (first / "same.parquet").samefile(second / "same.parquet")
    assert [path.name for path in second.iterdir()] == ["same.parquet"]


def test_a_file_of_the_current_release_is_taken_over_only_with_the_bytes_that_were_published(
    release, tmp_path
):
    folder = release("20251205T020000Z", {"sound": "aa", "damaged": "bb"})
    (folder / "damaged.parquet").chmod(0o644)
    (folder / "damaged.parquet").write_text("bx")
    building = begin_building(tmp_path, "20251206T020000Z")
    names = ("sound", "damaged", "missing")
    found = [published_parquet(building, Path(f"{name}.parquet")) for name in names]
    assert found == [tmp_path / "releases/20251205T020000Z/parquet/sound.parquet", None, None]


def test_the_first_release_takes_over_no_file(tmp_path):
    building = begin_building(tmp_path, "20251205T020000Z")
    assert published_parquet(building, Path("day.parquet")) is None


def test_a_release_has_a_report_and_a_dictionary_that_its_descriptor_lists(on_site: Settings) -> None:
    outcome = run_daily(on_site)
    assert outcome.release is not None
    assert outcome.warnings == ()
    assert {"report.html", "dictionary.html"} <= {file.path for file in listed_files(outcome.release.folder)}
    assert 'href="dictionary.html"' in (outcome.release.folder / "report.html").read_text("utf-8")


def test_a_report_that_cannot_be_made_is_a_warning_and_the_release_is_published_without_it(
    on_site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "markupsafe", None)  # as where a package is missing
    outcome = run_daily(on_site)
    assert outcome.release is not None
    listed = {file.path for file in listed_files(outcome.release.folder)}
    assert not {"report.html", "dictionary.html"} & listed
    (warning,) = outcome.warnings
    assert warning.startswith(
        "the release is published without a page of it: what it shows cannot be read: Module"
    )
    assert warning.endswith("next: ca-etl report --output report.html")
    assert journal.read(on_site.data_dir)[-1].warnings == (warning,)
