"""The steps of a publication on the disk, and the bounds of release ids, rollbacks and pruning."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.release import (
    Building,
    Recovery,
    ReleaseError,
    begin_building,
    current_release,
    discard,
    new_release_id,
    prune,
    publish,
    recover,
    releases,
    rollback,
)

FIRST = "20251205T020000Z"
SECOND = "20251206T020000Z"
THIRD = "20251207T020000Z"


def ids(data_dir: Path) -> list[str]:
    return [release.release_id for release in releases(data_dir)]


def test_the_steps_of_a_publication_are_on_the_disk_in_their_order(data_dir, steps):
    building = begin_building(data_dir, FIRST)
    with open_building(building.warehouse) as con:
        con.execute("create table main.day as select 1 as number")
    size = building.warehouse.stat().st_size
    del steps[:]
    publish(building, steps.append)
    sealed = {f"fsync releases/{FIRST}.building", f"fsync releases/{FIRST}.building/warehouse.duckdb {size}"}
    assert (steps[0], set(steps[1:3])) == ("seal", sealed)
    assert steps[3:] == [
        "announce",
        f"symlink .current.next -> releases/{FIRST}",
        "fsync .",
        "rename",
        f"rename releases/{FIRST}.building -> releases/{FIRST}",
        "fsync releases",
        "point",
        "replace .current.next -> current",
        "fsync .",
        "done",
    ]


def test_a_rollback_is_announced_before_the_pointer_moves(data_dir, release, steps):
    release(FIRST, 1)
    release(SECOND, 2)
    del steps[:]
    rollback(data_dir)
    assert steps == [
        f"symlink .current.next -> releases/{FIRST}",
        "fsync .",
        "replace .current.next -> current",
        "fsync .",
    ]


def test_a_publication_that_is_completed_is_pointed_at_and_its_pointer_is_on_the_disk(
    data_dir, release, steps
):
    second = Path("releases", SECOND)
    release(FIRST, 1)
    release(SECOND, 2)
    rollback(data_dir)
    (data_dir / ".current.next").symlink_to(second)
    del steps[:]
    assert recover(data_dir) == Recovery(SECOND, ())
    assert steps == ["replace .current.next -> current", "fsync ."]
    assert (data_dir / "current").readlink() == second


def test_an_announcement_of_a_release_that_was_never_renamed_is_removed(data_dir, release):
    release(FIRST, 1)
    (data_dir / ".current.next").symlink_to(Path("releases", SECOND))
    assert recover(data_dir) == Recovery(None, ())
    assert not (data_dir / ".current.next").is_symlink()
    assert current_release(data_dir).release_id == FIRST


def test_a_release_is_renamed_before_it_is_removed(data_dir, release, steps):
    release(FIRST, 1)
    release(SECOND, 2)
    del steps[:]
    assert prune(data_dir, 1) == (FIRST,)
    assert steps[0] == f"rename releases/{FIRST} -> releases/{FIRST}.removing"


@pytest.mark.parametrize("keep", [0, -1])
def test_pruning_keeps_at_least_one_release(data_dir, release, keep):
    release(FIRST, 1)
    release(SECOND, 2)
    with pytest.raises(ValueError, match="at least 1"):
        prune(data_dir, keep)
    assert ids(data_dir) == [FIRST, SECOND]


@pytest.mark.parametrize(("keep", "removed"), [(1, (FIRST, SECOND)), (2, (FIRST,)), (3, ()), (4, ())])
def test_pruning_counts_the_current_release(data_dir, release, keep, removed):
    for number, release_id in enumerate([FIRST, SECOND, THIRD]):
        release(release_id, number)
    assert prune(data_dir, keep) == removed


@pytest.mark.parametrize(
    ("ahead", "removed"),
    [(timedelta(days=1), (FIRST,)), (timedelta(days=1, seconds=1), ("20251207T020001Z", FIRST))],
)
def test_a_release_up_to_a_day_ahead_of_the_clock_is_not_of_the_future(data_dir, release, ahead, removed):
    now = datetime(2025, 12, 6, 2, tzinfo=UTC)
    later = new_release_id(data_dir, now + ahead)
    for number, release_id in enumerate([FIRST, later, SECOND]):
        release(release_id, number)
    assert prune(data_dir, 1, now) == removed


def test_numbered_releases_of_one_second_are_pruned_in_the_order_of_their_numbers(data_dir, release):
    made = [FIRST, f"{FIRST}-2", f"{FIRST}-10"]
    for number, release_id in enumerate(made):
        release(release_id, number)
    rollback(data_dir, made[1])
    assert rollback(data_dir).release_id == FIRST
    rollback(data_dir, made[2])
    assert prune(data_dir, 2) == (FIRST,)


@pytest.mark.parametrize(
    "release_id",
    ["", "20251205", f"{FIRST}-1x", f"{FIRST}-0", f"{FIRST}-", f"x{FIRST}", f"{FIRST}.building", "../x"],
)
def test_what_is_not_a_release_id_is_not_built(data_dir, release_id):
    with pytest.raises(ValueError, match="not a release id"):
        begin_building(data_dir, release_id)
    assert not data_dir.exists()


def test_a_pointer_to_what_is_not_a_release_is_not_rolled_back_from(data_dir, release):
    release(FIRST, 1)
    (data_dir / "current").unlink()
    (data_dir / "current").symlink_to(Path("releases", "mine"))
    with pytest.raises(ReleaseError, match="'mine' is not a release id"):
        rollback(data_dir)


def test_a_folder_in_the_place_of_the_pointer_is_not_replaced(data_dir, release):
    release(FIRST, 1)
    (data_dir / "current").unlink()
    (data_dir / "current").mkdir()
    with pytest.raises(ReleaseError, match="current is not a symbolic link"):
        rollback(data_dir, FIRST)
    assert (data_dir / "current").is_dir()


def test_files_beside_the_releases_are_no_releases(data_dir, release):
    release(FIRST, 1)
    (data_dir / "releases" / SECOND).touch()
    (data_dir / "releases" / "notes").mkdir()
    assert ids(data_dir) == [FIRST]
    assert recover(data_dir) == Recovery(None, ())


def test_discarding_what_was_not_begun_is_harmless(data_dir):
    discard(Building(data_dir, FIRST))
    assert not data_dir.exists()
