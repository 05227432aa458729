"""Findings about a data directory, from states that are hard to bring about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ca_etl.errors import Problem
from ca_etl.operate import doctor, machine
from ca_etl.operate.doctor import ArchiveState, Diagnosis, read_archive_state
from ca_etl.operate.machine import Finding, Level
from ca_etl.settings import Settings, misspelt
from ca_etl.warehouse.journal import RunRecord, append
from ca_etl.warehouse.lock import Holder

NOW = datetime(2026, 12, 5, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def level(findings: Iterator[Finding]) -> Level:
    return Diagnosis(tuple(findings)).worst


def worst_of(settings: Settings, area: str, *runs: RunRecord) -> Level:
    """The worst level that `ca-etl doctor` reports in an area of a data directory with this journal, an hour later."""
    for run in runs:
        settings.data_dir.mkdir(exist_ok=True)
        append(settings.data_dir, run)
    findings = doctor.examine(settings, NOW + HOUR).findings
    return level(finding for finding in findings if finding.area == area)


def test_a_run_that_has_been_on_for_hours_is_reported_with_its_process() -> None:
    holder = Holder(4711, "here", "20261205T020000Z", "run", NOW, "load")
    (short,) = doctor.run_lock(holder, (), NOW + 5 * HOUR)
    assert short.level is Level.OK
    (long,) = doctor.run_lock(holder, (), NOW + 7 * HOUR)
    assert (long.level, "4711" in long.next) == (Level.WARN, True)
    of_the_demo = replace(holder, started_at=NOW - 300 * 24 * HOUR, locked_at=NOW)
    (short,) = doctor.run_lock(of_the_demo, (), NOW + 5 * HOUR)
    assert short.level is Level.OK


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("succeeded", Level.OK),
        ("cancelled", Level.WARN),
        ("crashed", Level.WARN),
        ("failed", Level.ERROR),
        ("checks_failed", Level.ERROR),
    ],
)
def test_the_last_run_is_reported_by_its_end(settings: Settings, status: str, expected: Level) -> None:
    earlier = RunRecord("r0", "run", NOW - HOUR, "succeeded", "1")
    last = RunRecord("r1", "run", NOW, status, "1", error="why")
    assert worst_of(settings, "last run", earlier, last) is expected


def test_a_folder_that_refuses_is_an_error_with_its_name(tmp_path: Path) -> None:
    (finding,) = doctor.data_directory(tmp_path, (f"{tmp_path}/archive",))
    assert finding.level is Level.ERROR
    assert f"{tmp_path}/archive" in finding.next


def test_a_bank_that_no_source_is_is_an_error(settings: Settings) -> None:
    wrong = settings.model_copy(update={"sources": ("nbk", "nbx")})
    diagnosis = doctor.examine(wrong, datetime(2025, 12, 5, tzinfo=UTC))
    (found,) = [one for one in diagnosis.findings if "nbx" in one.message]
    assert (found.area, found.level) == ("settings", Level.ERROR)


def test_a_site_needs_a_contact_and_a_data_directory_of_its_own() -> None:
    assert level(doctor.site(Settings(_env_file=None), None)) is Level.ERROR
    with_contact = Settings(_env_file=None, contact="me@example.org")
    assert level(doctor.site(with_contact, "timesca.com")) is Level.OK
    assert level(doctor.site(with_contact, "loopback")) is Level.ERROR
    assert level(doctor.site(Settings(_env_file=None), "timesca.com")) is Level.ERROR
    assert level(doctor.site(Settings(_env_file=None), "loopback")) is Level.WARN
    assert (
        level(doctor.site(Settings(_env_file=None, site_url="http://127.0.0.1:1/"), "loopback")) is Level.OK
    )


@pytest.mark.parametrize(
    ("url", "claimed", "expected"),
    [
        ("https://timesca.com/", "timesca.com", Level.ERROR),
        ("https://timesca.com/", None, Level.ERROR),
        ("http://127.0.0.1:8808/", "loopback", Level.ERROR),
        ("https://timesca.com/", "loopback", Level.OK),
    ],
)
def test_only_days_that_the_demo_played_may_be_old(
    settings: Settings, url: str, claimed: str | None, expected: Level
) -> None:
    settings = settings.model_copy(update={"site_url": url})
    settings.data_dir.mkdir()
    if claimed:
        (settings.data_dir / "site.txt").write_text(f"{claimed}\n")
    old = RunRecord("r", "run", NOW - 100 * HOUR, "succeeded", "1")
    assert worst_of(settings, "schedule daily", old) is expected


def test_every_finding_that_is_not_well_has_a_next_command(tmp_path: Path) -> None:
    holder = Holder(0, "unknown", "r", "run", NOW, "load")
    a_file = tmp_path / "file"
    a_file.write_text("")
    settings = Settings(_env_file=None)
    findings = [
        *machine.disk(Path("/data"), 0, 0, 1),
        *machine.clock(NOW, NOW + HOUR),
        *machine.zone_data(None),
        *machine.versions({}),
        *machine.variables(misspelt({"CA_ETL_X": ".env"})),
        *machine.prefect_api("http://127.0.0.1:1/api"),
        *doctor.data_directory(a_file, ()),
        *doctor.data_directory(tmp_path / "absent", ()),
        *doctor.site(settings, "loopback"),
        *doctor.site(settings, "example.org"),
        *doctor.run_lock(holder, [Problem("a run was killed", "ca-etl run")], NOW + 7 * HOUR),
        *doctor.archive(ArchiveState(1, 1, {"a": Problem("torn", "ls a")}, ("b",), ("c",))),
        *doctor.examine(settings.model_copy(update={"data_dir": tmp_path / "absent"}), NOW).findings,
    ]
    problems = [finding for finding in findings if finding.level is not Level.OK]
    assert [finding.area for finding in problems if not finding.next] == []
    assert len(problems) >= 15


def test_an_old_archive_file_is_read_to_its_end_only_when_asked(tmp_path: Path) -> None:
    import gzip

    record = b"WARC/1.1\r\nWARC-Type: metadata\r\nContent-Length: 4\r\n\r\nbody\r\n\r\n"
    member = gzip.compress(record)
    folder = tmp_path / "2025" / "12"
    folder.mkdir(parents=True)
    for day in range(1, 26):
        (folder / f"202512{day:02}T020000Z-timesca.warc.gz").write_bytes(member * 2)
    oldest = folder / "20251201T020000Z-timesca.warc.gz"
    oldest.write_bytes(member + member[:-5])
    assert read_archive_state(tmp_path, {}).damaged == {}
    state = read_archive_state(tmp_path, {}, deep=True)
    assert (state.files, state.read) == (25, 25)
    assert list(state.damaged) == ["2025/12/20251201T020000Z-timesca.warc.gz"]
    known = {"2025/12/20251201T020000Z-timesca.warc.gz": ("00", 2 * len(member))}
    assert "bytes" in read_archive_state(tmp_path, known).damaged.popitem()[1].message


@pytest.mark.parametrize(("content", "how"), [(None, "is missing"), (b"b", "has changed")])
@pytest.mark.parametrize("deep", [False, True])
def test_a_file_that_the_archive_refers_to_and_that_is_missing_or_has_changed_is_named(
    tmp_path: Path, content: bytes | None, how: str, deep: bool
) -> None:
    name = "2025/12/20251208T093000Z-ingest-0123456789ab.reference.json"
    reference = tmp_path / "archive" / name
    reference.parent.mkdir(parents=True)
    reference.write_text(f'{{"path": "{tmp_path}/crawl.warc.gz", "sha256": "00", "bytes": 1}}')
    if content is not None:
        (tmp_path / "crawl.warc.gz").write_bytes(content)
    state = read_archive_state(tmp_path / "archive", {name: ("00", 1)}, deep=deep)
    (finding,) = doctor.archive(state, deep=deep)
    assert finding.level is Level.ERROR
    assert f"is a reference: {tmp_path}/crawl.warc.gz {how}" in finding.message
    assert "backup" not in finding.message
    assert finding.next == f"ls -l {tmp_path}"


def test_a_loss_that_was_accepted_is_a_warning_with_its_number_and_places(tmp_path: Path) -> None:
    folder = tmp_path / "2025" / "12"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f"20251208T093000Z-ingest-{name}.reference.json").write_text(
            f'{{"path": "/crawls/{name}.warc.gz", "sha256": "00", "bytes": 1, "is_given_up": true}}'
        )
    fine, loss = doctor.archive(read_archive_state(tmp_path, {}))
    assert (fine.level, fine.message) == (Level.OK, "0 files without damage, 0 of them read to their end")
    assert loss.level is Level.WARN
    assert loss.message == (
        "captures are left out, since the loss of 2 files ingested by reference was accepted: "
        "/crawls/a.warc.gz, /crawls/b.warc.gz"
    )
    assert loss.next == "ca-etl sql \"from etl_reject where reason = 'lost_reference'\""
