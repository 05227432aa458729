"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parents[1]

# A busy machine is no failure: time is measured in benchmarks/, not by a deadline for each example.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CA_ETL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not on this machine")
    return folder


@pytest.fixture(scope="session")
def seed_page(shared_dir: Path) -> Path:
    return shared_dir / "seed" / "000_a1fb695dfdf5c8e4.txt"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares a costly fixture on one worker: a file, or the folder of the Prefect server."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = "flows" if "flows" in item.path.parts else item.path.name
            item.add_marker(pytest.mark.xdist_group(group))
