from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.errors import UsageError
from ca_etl.records import site_name
from ca_etl.settings import Settings
from ca_etl.warehouse.data_directory import (
    claim_data_dir,
    claimed_site,
    consult_site,
    holds_demo,
    settle_marker,
)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.timesca.com/latest/", "timesca.com"),
        ("https://TIMESCA.com", "timesca.com"),
        ("http://127.0.0.1:8808/", "loopback"),
        ("http://127.0.0.2/", "loopback"),
        ("http://localhost:1/", "loopback"),
        ("http://[::1]:1/", "loopback"),
    ],
)
def test_a_site_is_its_host(url: str, name: str) -> None:
    assert site_name(url) == name


def _settings(data_dir: Path, site: str) -> Settings:
    return Settings(data_dir=data_dir, site_url=site, _env_file=None)


def test_a_directory_belongs_to_the_site_that_came_first(tmp_path: Path) -> None:
    claim_data_dir(_settings(tmp_path, "http://127.0.0.1:8808/"))
    claim_data_dir(_settings(tmp_path, "http://127.0.0.1:9000/"))
    with pytest.raises(UsageError) as refused:
        claim_data_dir(_settings(tmp_path, "https://timesca.com/"))
    assert "loopback" in str(refused.value)
    assert f"CA_ETL_DATA_DIR={tmp_path}-timesca.com" in str(refused.value)
    assert refused.value.hint == "ca-etl demo"


def test_an_empty_marker_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "site.txt").write_text("")
    claim_data_dir(_settings(tmp_path, "https://timesca.com/"))
    assert claimed_site(tmp_path) == "timesca.com"


def test_without_a_site_file_the_archive_names_the_site_and_another_site_is_refused(tmp_path: Path) -> None:
    noon = datetime(2025, 12, 22, 12, tzinfo=UTC)
    settings = _settings(tmp_path, "https://timesca.com/")
    name = "20251222T020000Z-timesca"
    with ArchiveWriter(settings.archive_dir, name, source="timesca", info={}, clock=lambda: noon) as out:
        out.add(Attempt("http://127.0.0.1:8808/", 1, noon, Verdict.OK, "", status=200))
    assert holds_demo(settings)
    with pytest.raises(UsageError, match=r"holds captures of loopback, not of timesca\.com"):
        consult_site(settings)
    assert not (tmp_path / "site.txt").exists()
    assert settle_marker(settings) is None
    assert (tmp_path / "site.txt").read_text() == "loopback\n"
