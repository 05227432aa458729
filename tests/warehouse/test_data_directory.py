from __future__ import annotations

from pathlib import Path

import pytest

from ca_etl.errors import UsageError
from ca_etl.records import site_name
from ca_etl.warehouse.data_directory import claim_data_dir, claimed_site


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


def test_a_directory_belongs_to_the_site_that_came_first(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    claim_data_dir(data_dir, "http://127.0.0.1:8808/")
    claim_data_dir(data_dir, "http://127.0.0.1:9000/")
    with pytest.raises(UsageError) as refused:
        claim_data_dir(data_dir, "https://timesca.com/")
    assert "loopback" in str(refused.value)
    assert f"CA_ETL_DATA_DIR={data_dir}-timesca.com" in str(refused.value)
    assert refused.value.hint == "ca-etl demo"


def test_an_empty_marker_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "site.txt").write_text("")
    claim_data_dir(tmp_path, "https://timesca.com/")
    assert claimed_site(tmp_path) == "timesca.com"
