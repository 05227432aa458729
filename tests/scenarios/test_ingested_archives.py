"""Whole runs over archives of others: one site of many, by copy and by reference, stopped and started again."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl

from ca_etl.archive.ingest import ingest_paths
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.backup import back_up, restore
from ca_etl.operate.doctor import read_archive_state
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_backfill, run_ingest, run_rebuild
from ca_etl.pipeline.verify import verify
from ca_etl.settings import Settings
from ca_etl.sources.session import silent
from ca_etl.sources.source import DateRange
from ca_etl.warehouse.overrides import append
from ca_etl.warehouse.raw_load import CaptureDecision
from ca_etl.warehouse.release import current_release
from tests.scenarios.test_warc_defects import FORMS, NOW, PAGE, RECORDS, RESPONSE, TEXT, http, packed, record

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
OTHERS = tuple(
    record(kind, number, block, of=f"https://{host}/", Content_Type=content_type)
    for number, (kind, block, content_type) in enumerate(
        [
            ("response", http(b"<p>x</p>"), RESPONSE),
            ("conversion", TEXT, "text/plain"),
            ("request", b"x", "x"),
        ]
    )
    for host in ("example.org", "timesca.com.example.org")
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", site_url="https://timesca.com/", workers=1, _env_file=None)


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., Path]:
    def write(
        form: str = "member per record", name: str = "in", records: tuple[bytes, ...] = RECORDS
    ) -> Path:
        path = tmp_path / "given" / f"{name}.warc{'' if form == 'plain' else '.gz'}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(packed(form, records)[0])
        return path

    return write


def ingest(settings: Settings, *paths: Path, by_reference: bool = False) -> Outcome:
    outcome = run_ingest(settings, GivenFiles(paths, by_reference=by_reference))
    assert outcome.release is not None, outcome.error
    return outcome


def rates(query: Query, data_dir: Path | None = None) -> list[tuple[Any, ...]]:
    return query("select rate_date, base, rate from fct_rate_observation order by all", data_dir)


@pytest.mark.parametrize(
    ("form", "by_reference"), [*((form, False) for form in FORMS), *((form, True) for form in FORMS[:2])]
)
def test_only_records_of_the_site_become_rows_and_the_others_are_counted_in_the_run(
    form: str, by_reference: bool, settings: Settings, given: Callable[..., Path], query: Query
) -> None:
    ingest(settings, given(form, records=(*OTHERS, *RECORDS, *OTHERS)), by_reference=by_reference)
    assert query("select of_other_sites, captures, rejects from etl_run") == [(2 * len(OTHERS), 4, 4)]
    assert query("select count(*) from etl_reject where reason = 'other_site'") == [(0,)]
    assert query("select url, source_kind, count(*) from raw.capture group by all order by all") == [
        ("https://timesca.com/", "warc", 3),
        ("https://timesca.com/", "wet", 1),
    ]
    archive = b"".join(path.read_bytes() for path in settings.archive_dir.rglob("*") if path.is_file())
    assert (b"example.org" in (b"" if by_reference else gzip.decompress(archive))) is False


def test_an_ingest_that_was_killed_before_its_load_counts_the_records_of_others_when_it_resumes(
    settings: Settings, given: Callable[..., Path], query: Query
) -> None:
    path = given(records=(*OTHERS, *RECORDS))
    ingest_paths([path], settings.archive_dir, now=NOW, site="timesca.com")
    ingest(settings, path)
    assert query("select of_other_sites from etl_run") == [(len(OTHERS),)]


def test_a_directory_begun_by_an_ingest_is_that_of_its_site_and_takes_no_other(
    settings: Settings, given: Callable[..., Path], query: Query
) -> None:
    ingest(settings, given())
    assert (settings.data_dir / "site.txt").read_text() == "timesca.com\n"
    known = rates(query)
    other = settings.model_copy(
        update={"site_url": HttpUrl("https://example.org/"), "contact": "someone@example.com"}
    )
    ingest(other, given(name="other", records=OTHERS))
    assert query("select max(of_other_sites) from etl_run") == [(len(OTHERS),)]
    assert rates(query) == known
    with pytest.raises(UsageError, match=r"holds captures of timesca\.com, not of example\.org"):
        run_backfill(other, DateRange(date(2025, 12, 1), date(2025, 12, 2)))


@pytest.mark.parametrize("by_reference", [False, True])
def test_a_file_that_was_ingested_for_another_site_can_be_ingested_again(
    by_reference: bool, settings: Settings, given: Callable[..., Path], query: Query
) -> None:
    other = settings.model_copy(update={"site_url": HttpUrl("https://example.com/")})
    ingest(other, given(), by_reference=by_reference)
    assert query("select count(*) from raw.capture") == [(0,)]
    assert not (settings.data_dir / "site.txt").exists()
    ingest(settings, given(), by_reference=by_reference)
    assert query("select count(*) from raw.capture") == [(4,)]
    assert len(rates(query)) > 0


def test_a_reference_gives_the_rows_of_a_copy_and_is_a_few_bytes(
    settings: Settings, given: Callable[..., Path], contents: Callable[[Path], Any], tmp_path: Path
) -> None:
    path = given()
    ingest(settings, path, by_reference=True)
    (reference,) = settings.archive_dir.glob("*/*/*")
    assert reference.name.endswith(".reference.json")
    assert json.loads(reference.read_bytes())["path"] == str(path)
    copied = settings.model_copy(update={"data_dir": tmp_path / "copied"})
    ingest(copied, path)
    assert without_place(contents(settings.data_dir)) == without_place(contents(copied.data_dir))
    assert run_rebuild(settings).release is not None


def test_progress_has_the_files_archived_and_the_pages_loaded(
    settings: Settings, given: Callable[..., Path]
) -> None:
    shown: list[tuple[str, int, int]] = []
    environment = Environment(progress=lambda step, done, total: shown.append((step, done, total)))
    run_ingest(settings, GivenFiles((given(), given("plain", records=RECORDS[:3]))), environment=environment)
    # of pages that were not parsed yet, as many are expected in a file as in those before
    assert shown[:2] == [("ingest", 0, 2), ("ingest", 1, 2)]
    assert shown[2:] in ([("load", 4, 8), ("load", 5, 5)], [("load", 1, 2), ("load", 5, 5)])


def test_a_pattern_in_quotes_is_ingested_and_records_of_others_are_printed(
    given: Callable[..., Path], cli: Callable[..., Any]
) -> None:
    path = given(records=(*OTHERS, *RECORDS))
    given("plain", "second", records=OTHERS)
    done = cli("ingest", path.parent / "*.war*", CA_ETL_SITE_URL="https://timesca.com/")
    assert done.returncode == 0
    assert f"\nleft out: {2 * len(OTHERS)} records of other sites\n" in done.stderr


def without_place(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows without where the archive has them: the name of a file has the time of an ingest."""
    rejects = [row[:5] for row in tables["etl_reject"]]
    return {
        name: sorted(
            (tuple(value for value in row if "-ingest-" not in str(value)) for row in rows), key=repr
        )
        for name, rows in (tables | {"etl_reject": rejects}).items()
    }


def test_a_reference_to_a_missing_or_changed_file_fails_with_the_path_until_it_is_back(
    settings: Settings, given: Callable[..., Path], query: Query, tmp_path: Path
) -> None:
    path = given()
    ingest(settings, path, by_reference=True)
    before, content = rates(query), path.read_bytes()
    release = current_release(settings.data_dir)
    assert release is not None
    for damage, how in {
        None: "is missing",
        content[:-1]: f"has {len(content) - 1} bytes, not {len(content)}",
        b"\0" + content[1:]: "has changed",
    }.items():
        path.unlink(missing_ok=True)
        if damage is not None:
            path.write_bytes(damage)
        outcome = run_rebuild(settings)
        assert outcome.release is None
        assert f"{path} {how}" in outcome.error
        assert outcome.hint == f"ls -l {path.parent}"
        with pytest.raises(CaEtlError, match=how):
            list(verify(settings, release))
    moved = tmp_path / "moved.warc.gz"
    moved.write_bytes(content)
    ingest(settings, moved, by_reference=True)
    assert run_rebuild(settings).release is not None
    assert rates(query) == before
    assert len(list(settings.archive_dir.glob("*/*/*"))) == 1


@pytest.mark.parametrize("damage", [None, b"", b"\0"])
def test_a_lost_reference_is_left_out_once_the_loss_is_accepted_and_is_back_with_its_file(
    damage: bytes | None, settings: Settings, given: Callable[..., Path], query: Query, tmp_path: Path
) -> None:
    kept, lost = given("plain", "kept", RECORDS[:3]), given(name="lost", records=RECORDS[3:])
    ingest(settings, kept, lost, by_reference=True)
    before, content = query("select capture_id from raw.capture order by all"), lost.read_bytes()
    lost.unlink()
    if damage is not None:
        lost.write_bytes(damage + content[1:])
    outcome = run_rebuild(settings)
    assert "put the file that was ingested there again" in outcome.error
    assert "`ca-etl rebuild --accept-loss` leaves its captures out" in outcome.error
    reference = query("select archive_file from raw.archive_file where records = 3")[0][0]
    accepted = run_rebuild(settings, environment=Environment(accept_loss=True))
    left_out = "captures are left out of 1 file ingested by reference and lost"
    named = f"{lost}, to which {reference} refers"
    assert accepted.warnings == (f"{left_out} (3 in the current release): {named}",)
    release = accepted.release
    assert release is not None
    # a rebuild later on is given no option again, and counts the reference again
    rejects = "select reason, detail from etl_reject where reason = 'lost_reference'"
    assert run_rebuild(settings).warnings == (f"{left_out} (0 in the current release): {named}",)
    assert query(rejects) == [("lost_reference", f"{lost} was ingested by reference, and is lost")]
    assert list(verify(settings, release)) == []
    assert read_archive_state(settings.archive_dir, {}, deep=True).damaged == {}
    ingest(settings, given("plain", "later", RECORDS[:1]))
    assert query("select count(*) from raw.capture") == [(1,)]
    moved = tmp_path / "moved.warc.gz"
    moved.write_bytes(content)
    ingest(settings, moved, by_reference=True)
    assert query("select capture_id from raw.capture order by all") == before
    assert query(rejects) == []
    moved.unlink()
    assert run_rebuild(settings).release is None


def test_a_restore_leaves_a_lost_reference_out_where_the_loss_is_accepted(
    settings: Settings, given: Callable[..., Path], query: Query, tmp_path: Path
) -> None:
    path = given()
    ingest(settings, path, by_reference=True)
    backup = tmp_path / "backup"
    back_up(settings, backup, NOW, silent)
    path.unlink()
    there = settings.model_copy(update={"data_dir": tmp_path / "restored"})
    refused = restore(there, backup, Environment())
    assert refused.release is None
    assert f"`ca-etl restore {backup} --accept-loss` leaves its captures out" in refused.error
    assert restore(there, backup, Environment(accept_loss=True)).release is not None
    assert query("select reason from etl_reject", there.data_dir) == [("lost_reference",)]


def test_a_file_that_is_compressed_as_a_whole_is_copied_beside_references_to_the_others(
    settings: Settings, given: Callable[..., Path], query: Query
) -> None:
    whole, other = given("one member", "a"), given(name="b", records=RECORDS[:3])
    outcome = ingest(settings, other, whole, by_reference=True)
    assert (
        f"copied and not referred to, since compressed as a whole, so that no record can be read alone: {whole}"
        in outcome.warnings
    )
    names = sorted(path.name.partition(".")[2] for path in settings.archive_dir.glob("*/*/*"))
    assert names == ["reference.json", "warc.gz"]
    assert query("select count(*) from raw.capture") == [(4,)]


def test_a_backup_has_the_reference_and_states_that_it_lacks_the_file(
    settings: Settings, given: Callable[..., Path], query: Query, tmp_path: Path
) -> None:
    path = given()
    ingest(settings, path, by_reference=True)
    before = rates(query)
    for _ in range(2):
        report = back_up(settings, tmp_path / "backup", NOW, silent)
        assert report.warnings == (f"backed up by reference alone: 1 file, as {path}",)
    there = settings.model_copy(update={"data_dir": tmp_path / "restored"})
    assert restore(there, tmp_path / "backup", Environment()).release is not None
    assert rates(query, there.data_dir) == before


def test_a_wet_text_of_a_captured_page_gives_no_row_in_whatever_order_they_are_ingested(
    settings: Settings, given: Callable[..., Path], query: Query, tmp_path: Path
) -> None:
    other = TEXT.replace(b"0.01144", b"0.01199").replace(b"06 December", b"03 December")
    text = given(
        "plain",
        "text",
        (record("conversion", 3, other, Content_Type="text/plain", WARC_Record_ID="<urn:uuid:text>"),),
    )
    page = given("plain", "page", RECORDS[:3])
    ingest(settings, text)
    ingest(settings, page)
    reversed_order = settings.model_copy(update={"data_dir": tmp_path / "reversed"})
    ingest(reversed_order, page)
    ingest(reversed_order, text)
    kgs = "select capture_id, rate::decimal(9, 5)::varchar from fct_rate_observation where base = 'KGS'"
    for data_dir in (settings.data_dir, reversed_order.data_dir):
        assert query(kgs, data_dir) == [("urn:uuid:00000000-0000-4000-8000-000000000003", "0.01144")]
        assert query("select count(*) from raw.capture", data_dir) == [(2,)]


def test_a_page_given_again_with_another_capture_time_is_refused_until_the_first_is_excluded(
    settings: Settings, query: Query, tmp_path: Path
) -> None:
    page, copy = tmp_path / "page.html", tmp_path / "the same.html"
    page.write_bytes(PAGE)
    copy.write_bytes(PAGE)
    first, second = (datetime(2025, 12, day, 8, tzinfo=UTC) for day in (5, 6))
    times = "select capture_id, captured_at::date::varchar from raw.capture order by captured_at"
    for _ in range(2):
        assert run_ingest(settings, GivenFiles((page,), captured_at=first)).exit_status == 0
    ((capture_id, day),) = query(times)
    assert day == "2025-12-05"
    refused = run_ingest(settings, GivenFiles((copy,), captured_at=second))
    assert refused.exit_status == 2
    assert f"{copy} was ingested before, with the capture time {first.isoformat()}" in refused.error
    assert refused.hint == f'ca-etl decide exclude {capture_id} --reason "its capture time is wrong"'
    assert query(times) == [(capture_id, "2025-12-05")]
    # of another page nothing is known
    other = tmp_path / "other.txt"
    other.write_bytes(TEXT)
    assert run_ingest(settings, GivenFiles((other,), captured_at=second)).exit_status == 0
    append(settings.data_dir, CaptureDecision(capture_id, "exclude", "its capture time is wrong", NOW))
    assert run_ingest(settings, GivenFiles((copy,), captured_at=second)).exit_status == 0
    assert query("select count(*) from fct_rate_observation where base = 'KGS'") == [(2,)]


def test_a_capture_time_more_than_a_day_before_the_date_on_the_page_is_refused(
    settings: Settings, query: Query, tmp_path: Path
) -> None:
    page = tmp_path / "page of the fifth.html"
    page.write_bytes(PAGE)
    # the day ends at 19:00 UTC in Almaty
    on_the_fourth = datetime(2025, 12, 3, 19, tzinfo=UTC)
    for at in (on_the_fourth - timedelta(seconds=1), datetime(2019, 1, 1, tzinfo=UTC)):
        refused = run_ingest(settings, GivenFiles((page,), "https://timesca.com/", at))
        assert refused.exit_status == 2
        assert (
            f"{page} prints the date 2025-12-05, and cannot be captured at {at.isoformat()}" in refused.error
        )
        assert refused.hint == f"ca-etl ingest '{page}' --url https://timesca.com/"
    assert not settings.archive_dir.exists()
    assert run_ingest(settings, GivenFiles((page,), captured_at=on_the_fourth)).exit_status == 0
    assert query("select count(*) from raw.capture") == [(1,)]


def test_damaged_files_give_the_rows_of_what_is_whole_and_rejects(
    settings: Settings, given: Callable[..., Path], query: Query
) -> None:
    whole, cut, damaged = given(name="whole"), given("plain", "cut"), given("one member", "damaged")
    cut.write_bytes(cut.read_bytes()[:-200])
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-8] + b"\0\0\0\0" + content[-4:])
    ingest(settings, cut, damaged)
    assert query("select count(distinct rate_date) from fct_rate_observation") == [(2,)]
    assert query(
        "select reason, count(*) from etl_reject where reason <> 'no_articles' group by all order by all"
    ) == [
        ("bad_record", 1),
        ("truncated", 1),
    ]
    ingest(settings, whole)
    assert query("select count(distinct rate_date) from fct_rate_observation") == [(3,)]


@pytest.mark.parametrize("by_reference", [False, True])
def test_an_ingest_that_is_killed_anywhere_and_started_again_equals_an_undisturbed_one(
    by_reference: bool, settings: Settings, given: Callable[..., Path], contents: Any, query: Query
) -> None:
    tmp_path = settings.data_dir.parent
    files = [
        given(
            name=f"part{number}",
            records=(record("warcinfo", number, b"x", of=""), *OTHERS, *RECORDS[number:]),
        )
        for number in (2, 4, 6)
    ]
    option = ["--by-reference"] if by_reference else []
    undisturbed = settings.model_copy(update={"data_dir": tmp_path / "undisturbed"})
    ingest(undisturbed, *files, by_reference=by_reference)
    expected = without_place(contents(undisturbed.data_dir))
    for at in range(1, 200, 3):
        data_dir = tmp_path / f"killed-{at}"
        script = str(Path(__file__).with_name("killed_command.py"))
        killed = subprocess.run(
            [sys.executable, script, str(at), "ingest", *option, *map(str, files)],
            env={
                **os.environ,
                "CA_ETL_DATA_DIR": str(data_dir),
                "CA_ETL_SITE_URL": str(settings.site_url),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            check=False,
        )
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        sealed = {
            path: path.stat().st_mtime_ns for path in (data_dir / "archive").glob("*/*/*-ingest-*.warc.gz")
        }
        again = settings.model_copy(update={"data_dir": data_dir})
        ingest(again, *files, by_reference=by_reference)
        assert without_place(contents(data_dir)) == expected, at
        assert query("select count(*), count(distinct capture_id) from raw.capture", data_dir) == [(4, 4)]
        # what was archived before the kill is not read again, and no file of it is there twice
        assert {path: path.stat().st_mtime_ns for path in sealed} == sealed
        assert len([path for path in (data_dir / "archive").glob("*/*/*") if path.is_file()]) == len(files)
        assert not list(data_dir.rglob("*.open"))
    assert at > 10
