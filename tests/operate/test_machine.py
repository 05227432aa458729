"""Findings about the machine; a machine in such a state is hard to come by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.operate import machine
from ca_etl.operate.doctor import Diagnosis
from ca_etl.operate.machine import Finding, Level
from ca_etl.settings import Settings, misspelt

NOW = datetime(2026, 12, 5, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEGABYTE = 1_000_000


def level(findings: Iterator[Finding]) -> Level:
    return Diagnosis(tuple(findings)).worst


def disk(free_bytes: int, free_files: int | None = None) -> Level:
    return level(machine.disk(Path("/data"), free_bytes, free_files, 400 * MEGABYTE))


def test_room_for_two_releases_is_least_and_for_five_with_a_gigabyte_ample() -> None:
    assert disk(899 * MEGABYTE) is Level.ERROR
    assert disk(900 * MEGABYTE) is Level.WARN
    assert disk(2_999 * MEGABYTE) is Level.WARN
    assert disk(3_000 * MEGABYTE) is Level.OK


def test_a_disk_without_room_for_another_file_is_full() -> None:
    assert disk(10_000 * MEGABYTE, 999) is Level.ERROR
    assert disk(10_000 * MEGABYTE, 1000) is Level.OK


def test_the_clock_is_earlier_than_this_code_the_journal_or_a_capture() -> None:
    assert level(machine.clock(datetime(2000, 1, 1, tzinfo=UTC), None, None)) is Level.ERROR
    assert level(machine.clock(NOW, NOW + HOUR, None)) is Level.ERROR
    assert level(machine.clock(NOW, NOW, NOW + HOUR)) is Level.WARN
    assert level(machine.clock(NOW, NOW + timedelta(seconds=90), NOW)) is Level.OK


@pytest.mark.parametrize(
    ("installed", "expected"),
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
def test_versions_known_not_to_work_together_are_reported(installed: dict[str, str], expected: Level) -> None:
    assert level(machine.versions(installed)) is expected


@pytest.mark.parametrize("offset", [None, timedelta(hours=6)])
def test_zone_data_before_2024a_or_none_are_an_error(offset: timedelta | None) -> None:
    (finding,) = machine.zone_data(offset)
    assert finding.level is Level.ERROR
    assert "tzdata" in finding.next


def test_names_in_any_case_are_settings_and_what_resembles_none_has_no_advice() -> None:
    names = dict.fromkeys(["ca_etl_contact", "CA_ETL_ZZZZZZ", "CA_ETL_CONTACTS"], "environment")
    assert [(variable.name, variable.meant) for variable in misspelt(names)] == [
        ("CA_ETL_CONTACTS", "CA_ETL_CONTACT"),
        ("CA_ETL_ZZZZZZ", None),
    ]


@given(st.sampled_from(sorted(Settings.model_fields)), st.data())
def test_a_setting_with_one_letter_lost_is_reported_with_its_name(name: str, choose: st.DataObject) -> None:
    lost = choose.draw(st.integers(0, len(name) - 1))
    typed = f"CA_ETL_{name[:lost]}{name[lost + 1 :]}".upper()
    (variable,) = misspelt({typed: "environment"})
    assert variable.meant == f"CA_ETL_{name}".upper()
