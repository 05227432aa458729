"""What the doctor makes of what it was told; a machine in such a state is hard to come by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.operate import doctor, doctor_probes
from ca_etl.operate.doctor import ArchiveState, Diagnosis, Finding, Level, LockState, Place
from ca_etl.operate.doctor_probes import Disk, read_archive_state
from ca_etl.settings import Settings, misspelt
from ca_etl.warehouse.journal import RunRecord
from ca_etl.warehouse.lock import Holder

NOW = datetime(2026, 12, 5, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEGABYTE = 1_000_000


def level(findings: Iterator[Finding]) -> Level:
    return Diagnosis(tuple(findings)).worst


def disk(free_bytes: int, free_files: int | None = None) -> Level:
    return level(doctor_probes.disk(Disk("/data", free_bytes, free_files, 400 * MEGABYTE)))


def test_room_for_two_releases_is_least_and_for_five_with_a_gigabyte_ample() -> None:
    assert disk(899 * MEGABYTE) is Level.ERROR
    assert disk(900 * MEGABYTE) is Level.WARN
    assert disk(2_999 * MEGABYTE) is Level.WARN
    assert disk(3_000 * MEGABYTE) is Level.OK


def test_a_disk_without_room_for_another_file_is_full() -> None:
    assert disk(10_000 * MEGABYTE, 999) is Level.ERROR
    assert disk(10_000 * MEGABYTE, 1000) is Level.OK


def test_the_clock_is_behind_this_code_the_journal_or_a_capture() -> None:
    assert level(doctor_probes.clock(datetime(2000, 1, 1, tzinfo=UTC), None, None)) is Level.ERROR
    assert level(doctor_probes.clock(NOW, NOW + HOUR, None)) is Level.ERROR
    assert level(doctor_probes.clock(NOW, NOW, NOW + HOUR)) is Level.WARN
    assert level(doctor_probes.clock(NOW, NOW + timedelta(seconds=90), NOW)) is Level.OK


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"duckdb": "1.5.5"}, Level.OK),
        ({"duckdb": "1.5.6"}, Level.OK),
        ({"duckdb": "2.0.0"}, Level.OK),
        ({"duckdb": "1.6.0"}, Level.WARN),
        ({"duckdb": "2.1.0.dev12"}, Level.WARN),
        ({"duckdb": "1.5.4"}, Level.ERROR),
        ({}, Level.ERROR),
        ({"duckdb": "1.5.5", "fastapi": "0.165.0"}, Level.OK),
        ({"duckdb": "1.5.5", "prefect": "3.8.8", "fastapi": "0.150.0", "sqlalchemy": "2.0.58"}, Level.OK),
        ({"duckdb": "1.5.5", "prefect": "3.8.8", "fastapi": "0.151.0", "sqlalchemy": "2.0.58"}, Level.ERROR),
        ({"duckdb": "1.5.5", "prefect": "3.8.8", "fastapi": "0.150.0", "sqlalchemy": "2.1.0"}, Level.WARN),
        ({"duckdb": "1.5.5", "prefect": "3.9.1", "fastapi": "0.150.0"}, Level.WARN),
    ],
)
def test_versions_known_not_to_work_together_are_told(found: dict[str, str], expected: Level) -> None:
    assert level(doctor_probes.versions(found)) is expected


@pytest.mark.parametrize("offset", [None, timedelta(hours=6)])
def test_zone_data_before_2024a_or_none_are_an_error(offset: timedelta | None) -> None:
    (only,) = doctor_probes.zone_data(offset)
    assert only.level is Level.ERROR
    assert "tzdata" in only.next


def test_names_in_any_case_are_settings_and_what_resembles_none_has_no_advice() -> None:
    names = dict.fromkeys(
        ["ca_etl_contact", "CA_ETL_HOME", "CA_ETL_ZZZZZZ", "CA_ETL_CONTACTS"], "environment"
    )
    assert [(each.name, each.meant) for each in misspelt(names)] == [
        ("CA_ETL_CONTACTS", "CA_ETL_CONTACT"),
        ("CA_ETL_ZZZZZZ", None),
    ]


@given(st.sampled_from(sorted(Settings.model_fields)), st.data())
def test_a_setting_with_one_letter_lost_is_told_and_found_again(name: str, choose: st.DataObject) -> None:
    lost = choose.draw(st.integers(0, len(name) - 1))
    typed = f"CA_ETL_{name[:lost]}{name[lost + 1 :]}".upper()
    (only,) = misspelt({typed: "environment"})
    assert only.meant == f"CA_ETL_{name}".upper()


def test_a_run_that_has_been_on_for_hours_is_told_with_its_process() -> None:
    holder = Holder(4711, "here", "20261205T020000Z", "run", NOW, "load")
    (short,) = doctor.lock(LockState(held=True, holder=holder), NOW + 5 * HOUR)
    assert short.level is Level.OK
    (long,) = doctor.lock(LockState(held=True, holder=holder), NOW + 7 * HOUR)
    assert (long.level, "4711" in long.next) == (Level.WARN, True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("succeeded", Level.OK),
        ("crashed", Level.WARN),
        ("failed", Level.ERROR),
        ("checks_failed", Level.ERROR),
    ],
)
def test_the_last_run_is_told_by_its_end(status: str, expected: Level) -> None:
    earlier = RunRecord("r0", "run", NOW - HOUR, "failed", "1")
    last = RunRecord("r1", "run", NOW, status, "1", error="why")
    assert level(doctor.last_run([earlier, last], NOW + HOUR)) is expected


def test_a_place_that_refuses_is_an_error_with_its_name() -> None:
    (only,) = doctor.place(
        Place("/data", exists=True, is_folder=True, parent="/data", refused=("/data/archive",))
    )
    assert only.level is Level.ERROR
    assert "/data/archive" in only.next


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
def test_only_days_that_the_demo_played_may_be_old(url: str, claimed: str | None, expected: Level) -> None:
    old = RunRecord("r", "run", NOW - 100 * HOUR, "succeeded", "1")
    daily, _sweep = doctor.freshness(Settings(_env_file=None, site_url=url), [old], NOW, claimed)
    assert daily.level is expected


def test_every_finding_that_is_not_well_has_a_next_command() -> None:
    holder = Holder(0, "unknown", "r", "run", NOW, "load")
    found = [
        *doctor_probes.disk(Disk("/data", 0, 0, 1)),
        *doctor_probes.clock(NOW, None, NOW + HOUR),
        *doctor_probes.zone_data(None),
        *doctor_probes.versions({}),
        *doctor_probes.variables(misspelt({"CA_ETL_X": ".env"})),
        *doctor_probes.prefect_api(doctor_probes.PrefectApi("http://127.0.0.1:1/api", "no answer")),
        *doctor.place(Place("/data", exists=True, is_folder=False, parent="/", refused=())),
        *doctor.place(Place("/data", exists=False, is_folder=False, parent="/", refused=())),
        *doctor.site(Settings(_env_file=None), "loopback"),
        *doctor.site(Settings(_env_file=None), "example.org"),
        *doctor.lock(LockState(held=False, holder=holder, crashed=("a",)), NOW),
        *doctor.archive(ArchiveState(1, 1, {"a": "torn"}, ("b",), ("c",))),
        *doctor.last_run([], NOW),
        *doctor.freshness(Settings(_env_file=None), [], NOW, None),
    ]
    assert [each.area for each in found if each.level is not Level.OK and not each.next] == []
    assert len([each for each in found if each.level is not Level.OK]) >= 15


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
    found = read_archive_state(tmp_path, {}, deep=True)
    assert (found.files, found.read) == (25, 25)
    assert list(found.damaged) == ["2025/12/20251201T020000Z-timesca.warc.gz"]
    known = {"2025/12/20251201T020000Z-timesca.warc.gz": ("00", 2 * len(member))}
    assert "bytes" in read_archive_state(tmp_path, known).damaged.popitem()[1]
