"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parents[1]
PLAY_A_MONTH = frozenset({"test_readme_is_true.py", "test_thirty_days_are_played.py"})

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep what shares a costly fixture on one worker.

    `--dist loadgroup` does the same by marks, but its groups stand in an attribute that pytest 9.2 no longer reads.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFixture(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(Path(nodeid.partition("::")[0]))

    return ByFixture(config, log)


def group_of(file: Path) -> str:
    """What one worker runs: a file, the folder of one Prefect server, or the files about one month that is played."""
    if "flows" in file.parts:
        return "flows"
    return "month" if file.name in PLAY_A_MONTH else str(file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what mostly waits for seconds to pass, so that it ends while others work."""
    items.sort(key=lambda item: "orchestration" not in item.path.parts)
