"""A release is published whole or not at all, is never changed, and is refused once it was."""

import os
import stat
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import DescribedTable, open_building
from ca_etl.warehouse.datapackage import (
    describe,
    file_fact,
    other_files,
    table_resource,
    write_datapackage,
)
from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.journal import RunRecord, append
from ca_etl.warehouse.lock import Holder, run_lock
from ca_etl.warehouse.release import (
    GO_BACK,
    Building,
    Recovery,
    Release,
    ReleaseError,
    assert_intact,
    begin_building,
    current_release,
    discard,
    file_problems,
    find_building,
    new_release_id,
    prune,
    publish,
    recover,
    releases,
    rollback,
)

AT = datetime(2025, 12, 5, 2, tzinfo=UTC)
FIRST = "20251205T020000Z"
SECOND = "20251206T020000Z"
THIRD = "20251207T020000Z"


def number_in(folder: Path) -> int:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        return con.execute("select number from main.day").fetchone()[0]


def tree(data_dir: Path) -> set[str]:
    return {path.relative_to(data_dir).as_posix() for path in data_dir.rglob("*")}


def ids(data_dir: Path) -> list[str]:
    return [release.release_id for release in releases(data_dir)]


def test_an_id_is_the_start_of_the_run_in_utc(data_dir):
    almaty = datetime(2025, 12, 5, 7, 0, 12, 999_999, tzinfo=timezone(timedelta(hours=5)))
    assert new_release_id(data_dir, almaty) == "20251205T020012Z"


def test_a_taken_id_is_numbered_and_sorts_as_a_number(data_dir):
    at = datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
    for _ in range(11):
        (data_dir / "releases" / new_release_id(data_dir, at)).mkdir(parents=True)
    assert ids(data_dir) == [FIRST, *(f"{FIRST}-{number}" for number in range(2, 12))]
    assert new_release_id(data_dir, at, taken={f"{FIRST}-12"}) == f"{FIRST}-13"


def test_the_published_set_is_exact_and_read_only(data_dir):
    building = begin_building(data_dir, FIRST)
    with open_building(building.warehouse) as con:
        con.execute("create table main.day as select 1 as number")
    (building.folder / "parquet" / "day").mkdir(parents=True)
    (building.folder / "parquet" / "day" / "day.parquet").write_bytes(b"p")
    release = publish(building)
    assert tree(data_dir) == {
        "current",
        "releases",
        "releases/20251205T020000Z",
        "releases/20251205T020000Z/parquet",
        "releases/20251205T020000Z/parquet/day",
        "releases/20251205T020000Z/parquet/day/day.parquet",
        "releases/20251205T020000Z/warehouse.duckdb",
    }
    assert (data_dir / "current").readlink() == Path("releases", FIRST)
    assert release == current_release(data_dir) == Release(FIRST, data_dir / "releases" / FIRST)
    assert release.warehouse == release.folder / "warehouse.duckdb"
    for path in (release.folder, *release.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o444 if path.is_file() else 0o555)


def test_a_building_is_a_writable_copy_of_the_current_release(data_dir, release):
    published = release(FIRST, 1)
    before = (published / "warehouse.duckdb").read_bytes()
    building = begin_building(data_dir, SECOND)
    assert building.based_on == FIRST
    with open_building(building.warehouse) as con:
        con.execute("update main.day set number = 2")
    assert number_in(building.folder) == 2
    assert (published / "warehouse.duckdb").read_bytes() == before
    assert find_building(data_dir, SECOND).warehouse == building.warehouse


def test_old_releases_go_until_the_bytes_of_those_left_fit_and_the_current_one_always_stays(
    data_dir, release
):
    folders = [release(release_id, 1) for release_id in (FIRST, SECOND, THIRD)]
    size = sum(path.stat().st_size for path in folders[0].rglob("*") if path.is_file())
    assert prune(data_dir, 7, keep_bytes=3 * size) == ()
    assert prune(data_dir, 7, keep_bytes=3 * size - 1) == (FIRST,)
    assert prune(data_dir, 7, keep_bytes=1) == (SECOND,)
    assert ids(data_dir) == [THIRD]


def test_a_fresh_building_starts_without_a_warehouse(data_dir, release):
    release(FIRST, 1)
    building = begin_building(data_dir, SECOND, fresh=True)
    assert building.based_on is None
    assert not building.warehouse.exists()


def test_starting_again_in_one_run_starts_over(data_dir, release):
    release(FIRST, 1)
    (begin_building(data_dir, SECOND).folder / "half").touch()
    building = begin_building(data_dir, SECOND)
    assert [path.name for path in building.folder.iterdir()] == ["warehouse.duckdb"]


def test_a_building_that_is_discarded_leaves_the_pointer_and_nothing_else(data_dir, release):
    first = release(FIRST, 1)
    before = tree(data_dir)
    discard(begin_building(data_dir, SECOND))
    assert tree(data_dir) == before
    assert current_release(data_dir).folder == first
    with pytest.raises(ReleaseError, match=SECOND):
        find_building(data_dir, SECOND)


def test_a_published_id_is_not_built_again(data_dir, release):
    release(FIRST, 1)
    with pytest.raises(ReleaseError, match="published already"):
        begin_building(data_dir, FIRST)


def test_a_file_with_a_wal_is_not_published(data_dir, release):
    first = release(FIRST, 1)
    building = begin_building(data_dir, SECOND)
    building.warehouse.with_name("warehouse.duckdb.wal").touch()
    with pytest.raises(ReleaseError, match=r"warehouse\.duckdb\.wal"):
        publish(building)
    assert current_release(data_dir).folder == first
    assert ids(data_dir) == [FIRST]


def test_a_building_without_a_warehouse_is_not_published(data_dir):
    with pytest.raises(ReleaseError, match="does not exist"):
        publish(begin_building(data_dir, FIRST))
    assert current_release(data_dir) is None


def test_a_release_that_somebody_wrote_to_is_not_built_upon(data_dir, release):
    first = release(FIRST, 1)
    first.chmod(0o755)
    (first / "warehouse.duckdb.wal").touch()
    with pytest.raises(ReleaseError, match="opened the warehouse for writing"):
        begin_building(data_dir, SECOND)


PUBLISH = """
    import os, signal, sys
    from pathlib import Path
    from ca_etl.warehouse.release import find_building, publish

    def on_step(step):
        if step == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)

    publish(find_building(Path(sys.argv[1]), sys.argv[2]), on_step)
"""


@pytest.mark.parametrize(
    ("step", "seen", "completed"),
    [
        ("seal", FIRST, None),
        ("announce", FIRST, None),
        ("rename", FIRST, None),
        ("point", FIRST, SECOND),
        ("done", SECOND, None),
    ],
)
def test_killed_between_two_steps_readers_see_a_whole_release_and_the_next_run_tidies_up(
    child, data_dir, release, *, step, seen, completed
):
    release(FIRST, 1)
    building = begin_building(data_dir, SECOND)
    with open_building(building.warehouse) as con:
        con.execute("update main.day set number = 2")
    process = child(PUBLISH, data_dir, SECOND, step)
    _, errors = process.communicate()
    assert process.returncode == -9, errors
    assert current_release(data_dir).release_id == seen
    assert number_in(data_dir / "current") == {FIRST: 1, SECOND: 2}[seen]

    recovered = recover(data_dir)
    after = SECOND if completed or seen == SECOND else FIRST
    assert recovered.completed == completed
    assert current_release(data_dir).release_id == after
    assert number_in(data_dir / "current") == {FIRST: 1, SECOND: 2}[after]
    assert {path.name for path in data_dir.iterdir()} == {"current", "releases"}
    assert ids(data_dir) == sorted({FIRST, after})
    assert len(list((data_dir / "releases").iterdir())) == len({FIRST, after})

    release(THIRD, 3)
    assert number_in(data_dir / "current") == 3


def test_recovery_after_nothing_changes_nothing(data_dir, release):
    release(FIRST, 1)
    release(SECOND, 2)
    before = tree(data_dir)
    assert recover(data_dir).removed == ()
    assert recover(data_dir).completed is None
    assert tree(data_dir) == before


def test_rollback_goes_one_release_back_and_the_next_run_builds_on_it(data_dir, release):
    release(FIRST, 1)
    release(SECOND, 2)
    assert rollback(data_dir).release_id == FIRST
    assert number_in(data_dir / "current") == 1
    assert recover(data_dir).completed is None
    assert begin_building(data_dir, THIRD).based_on == FIRST
    assert ids(data_dir) == [FIRST, SECOND]


def test_the_order_of_releases_is_that_of_the_journal_and_not_of_their_names(data_dir, release):
    """A rebuild of the demo, or a run of a wrong clock: the later release has the earlier id."""
    for number, release_id in enumerate([SECOND, THIRD, FIRST]):
        release(release_id, number)
        append(data_dir, RunRecord(release_id, "run", AT, "succeeded", "1", release_id=release_id))
    assert ids(data_dir) == [SECOND, THIRD, FIRST]
    assert rollback(data_dir).release_id == THIRD
    assert rollback(data_dir).release_id == SECOND
    with pytest.raises(ReleaseError, match="older"):
        rollback(data_dir)
    rollback(data_dir, FIRST)
    assert prune(data_dir, 2) == (SECOND,)


def test_rollback_goes_to_what_was_current_before_and_not_to_a_release_that_was_rolled_back_from(
    data_dir, release
):
    for number, (release_id, previous) in enumerate({FIRST: None, SECOND: FIRST, THIRD: FIRST}.items()):
        folder = release(release_id, number)
        folder.chmod(0o755)
        write_datapackage(folder, {"resources": [], "previous_release": previous})
    assert rollback(data_dir).release_id == FIRST


def test_a_release_whose_run_has_no_journal_line_yet_is_the_last(data_dir, release):
    for number, release_id in enumerate([SECOND, THIRD]):
        release(release_id, number)
        append(data_dir, RunRecord(release_id, "run", AT, "succeeded", "1", release_id=release_id))
    with run_lock(data_dir, Holder.here(FIRST, "run", AT)):
        release(FIRST, 3)
        assert ids(data_dir) == [SECOND, THIRD, FIRST]
        assert prune(data_dir, 2) == (SECOND,)


def test_a_release_that_the_journal_lacks_is_ordered_by_its_id(data_dir, release):
    for number, release_id in enumerate([FIRST, SECOND, THIRD]):
        release(release_id, number)
    append(data_dir, RunRecord(SECOND, "run", AT, "succeeded", "1", release_id=SECOND))
    assert ids(data_dir) == [FIRST, SECOND, THIRD]


def test_rollback_to_a_named_release_may_go_forward(data_dir, release):
    for number, release_id in enumerate([FIRST, SECOND, THIRD]):
        release(release_id, number)
    assert rollback(data_dir, FIRST).release_id == FIRST
    assert rollback(data_dir, THIRD).release_id == THIRD
    assert number_in(data_dir / "current") == 2


def test_rollback_to_nowhere_is_an_error_and_moves_nothing(data_dir, release):
    release(FIRST, 1)
    with pytest.raises(ReleaseError, match="older"):
        rollback(data_dir)
    with pytest.raises(ReleaseError, match=SECOND):
        rollback(data_dir, SECOND)
    assert current_release(data_dir).release_id == FIRST


def test_rollback_repairs_a_pointer_to_a_deleted_release(data_dir, release):
    release(FIRST, 1)
    second = release(SECOND, 2)
    second.chmod(0o755)
    (second / "warehouse.duckdb").unlink()
    with pytest.raises(ReleaseError, match=r"holds no warehouse\.duckdb"):
        current_release(data_dir)
    rollback(data_dir)
    assert current_release(data_dir).release_id == FIRST


def test_a_folder_instead_of_the_pointer_is_an_error_that_names_it(data_dir):
    (data_dir / "current").mkdir(parents=True)
    with pytest.raises(ReleaseError, match="current is not a symbolic link"):
        current_release(data_dir)


def test_a_data_directory_that_cannot_be_read_is_named_and_not_its_pointer(tmp_path):
    file = tmp_path / "README.md"
    file.write_text("not a folder")
    with pytest.raises(ReleaseError, match=r"README\.md cannot be read: Not a directory") as caught:
        current_release(file)
    assert caught.value.hint == f"ls -ld {file}"


def test_pruning_keeps_the_newest_the_current_one_and_what_is_newer(data_dir, release):
    releases = [f"2025120{day}T020000Z" for day in range(1, 7)]
    for number, release_id in enumerate(releases):
        release(release_id, number)
    assert prune(data_dir, keep=4) == tuple(releases[:2])
    rollback(data_dir, releases[3])
    assert prune(data_dir, keep=1) == (releases[2],)
    assert ids(data_dir) == releases[3:]
    assert number_in(data_dir / "current") == 3


def test_pruning_removes_releases_of_the_future_first(data_dir, release):
    now = datetime(2025, 12, 6, 2, tzinfo=UTC)
    releases = [
        "20251201T020000Z",
        "20251202T020000Z",
        "20260106T020000Z",
        "20990101T020000Z",
        "20251206T020000Z",
    ]
    for number, release_id in enumerate(releases):
        release(release_id, number)
    assert prune(data_dir, 3, now) == ("20260106T020000Z", "20990101T020000Z")
    assert prune(data_dir, 1, now) == ("20251201T020000Z", "20251202T020000Z")
    assert ids(data_dir) == ["20251206T020000Z"]


def test_pruning_never_removes_the_current_release_of_the_future(data_dir, release):
    release("20251201T020000Z", 1)
    release("20990101T020000Z", 2)
    assert prune(data_dir, 1, datetime(2025, 12, 6, 2, tzinfo=UTC)) == ("20251201T020000Z",)
    assert ids(data_dir) == ["20990101T020000Z"]


def test_pruning_before_the_first_release_removes_nothing(data_dir):
    begin_building(data_dir, FIRST)
    assert prune(data_dir, keep=1) == ()


def test_a_removal_cut_short_is_finished_by_the_next_run(data_dir, release):
    first = release(FIRST, 1)
    release(SECOND, 2)
    first.rename(first.with_name(f"{FIRST}.removing"))
    assert ids(data_dir) == [SECOND]
    assert recover(data_dir).removed == (f"{FIRST}.removing",)
    assert tree(data_dir) == {
        "current",
        "releases",
        f"releases/{SECOND}",
        f"releases/{SECOND}/warehouse.duckdb",
    }


def test_a_releases_folder_that_is_a_file_is_an_error_that_names_it(data_dir):
    data_dir.mkdir()
    (data_dir / "releases").touch()
    with pytest.raises(StorageError, match=f"{data_dir}/releases"):
        begin_building(data_dir, FIRST)


def test_something_instead_of_the_release_stops_the_rename_and_the_pointer(data_dir, release):
    first = release(FIRST, 1)
    building = begin_building(data_dir, SECOND)
    (data_dir / "releases" / SECOND / "stray").mkdir(parents=True)
    with pytest.raises(StorageError, match="not empty"):
        publish(building)
    assert current_release(data_dir).folder == first


UNPRIVILEGED = """
    import os, sys
    from pathlib import Path
    from ca_etl.errors import CaEtlError
    from ca_etl.warehouse import connection, journal, lock, release
    from datetime import UTC, datetime

    data_dir = Path(sys.argv[1])
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    at = datetime(2025, 12, 5, tzinfo=UTC)

    def hold():
        with lock.run_lock(data_dir, lock.Holder.here("r", "run", at)):
            pass

    for act in (
        hold,
        lambda: journal.append(data_dir, journal.RunRecord("r", "run", at, "failed", "1")),
        lambda: release.begin_building(data_dir, "20251209T020000Z"),
        lambda: release.rollback(data_dir),
        lambda: release.prune(data_dir, 1),
    ):
        try:
            act()
            print("no error")
        except CaEtlError as error:
            print(type(error).__name__, error, "|", error.hint)
    with connection.open_release(release.current_release(data_dir).warehouse) as con:
        print("read", con.execute("select number from main.day").fetchall())
"""


def test_a_read_only_data_directory_can_be_read_and_every_write_names_the_obstacle(
    child, data_dir, release, tmp_path
):
    release(FIRST, 1)
    release(SECOND, 2)
    folders = [data_dir, *(path for path in data_dir.rglob("*") if path.is_dir() and not path.is_symlink())]
    for folder in folders:
        folder.chmod(0o555)
    # pytest keeps its own folders to their owner, who for root is not the user that the child becomes
    opened = [
        p for p in [tmp_path, *tmp_path.parents] if p.owner() == data_dir.owner() and not p.stat().st_mode & 1
    ]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in opened}
    for path, mode in modes.items():
        path.chmod(mode | 0o011)
    try:
        out, errors = child(UNPRIVILEGED, data_dir).communicate()
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
        for folder in folders:
            folder.chmod(0o755)
    *refusals, read = out.splitlines()
    assert len(refusals) == 5, errors
    for line in refusals:
        assert line.startswith(f"StorageError cannot write {data_dir}"), line
        assert "Permission denied" in line
        assert "ca-etl run" in line.partition("|")[2]
    assert read == "read [(2,)]"


FULL = """
    import resource, sys
    from pathlib import Path
    from ca_etl.errors import CaEtlError
    from ca_etl.warehouse.connection import open_building
    from ca_etl.warehouse.export import ExportSpec, export_parquet
    from ca_etl.warehouse.release import begin_building, publish

    data_dir, what, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    try:
        if what == "copy":
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        building = begin_building(data_dir, "20251206T020000Z")
        if what == "load":
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with open_building(building.warehouse) as con:
            con.execute("create table main.noise as select range as n, md5(range::varchar) as m from range(100000)")
            if what == "export":
                con.execute("checkpoint")
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                export_parquet(con, building.folder / "parquet", [ExportSpec("day", ()), ExportSpec("noise", ("n",))])
        publish(building)
        print("no error")
    except CaEtlError as error:
        print(type(error).__name__, error, "|", error.hint)
"""


@pytest.mark.parametrize(
    ("what", "limit"), [("copy", 4096), ("load", 1_000_000), ("export", 100_000), ("export", 5)]
)
def test_a_full_disk_is_one_error_with_the_path_and_leaves_the_release_as_it_is(
    child, data_dir, release, what, limit
):
    first = release(FIRST, 1)
    before = (first / "warehouse.duckdb").read_bytes()
    out, errors = child(FULL, data_dir, what, limit).communicate()
    assert out.startswith(f"StorageError cannot write {data_dir}/releases/{SECOND}.building"), out + errors
    assert "File too large" in out
    assert "free some space" in out
    assert current_release(data_dir).folder == first
    assert (first / "warehouse.duckdb").read_bytes() == before
    release(THIRD, 3)
    assert ids(data_dir) == [FIRST, THIRD]
    assert not list((data_dir / "releases").glob("*.building"))


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
    releases = [FIRST, f"{FIRST}-2", f"{FIRST}-10"]
    for number, release_id in enumerate(releases):
        release(release_id, number)
    rollback(data_dir, releases[1])
    assert rollback(data_dir).release_id == FIRST
    rollback(data_dir, releases[2])
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
    with pytest.raises(ReleaseError, match="points at 'mine', which is not a release") as refused:
        rollback(data_dir)
    assert refused.value.hint == f"ca-etl rollback {FIRST}"


def test_a_folder_instead_of_the_pointer_is_not_replaced(data_dir, release):
    release(FIRST, 1)
    (data_dir / "current").unlink()
    (data_dir / "current").mkdir()
    with pytest.raises(ReleaseError, match="current is not a symbolic link"):
        rollback(data_dir, FIRST)
    assert (data_dir / "current").is_dir()


def test_files_beside_the_releases_are_not_releases(data_dir, release):
    release(FIRST, 1)
    (data_dir / "releases" / SECOND).touch()
    (data_dir / "releases" / "notes").mkdir()
    assert ids(data_dir) == [FIRST]
    assert recover(data_dir) == Recovery(None, ())


def test_discarding_what_was_not_begun_is_harmless(data_dir):
    discard(Building(data_dir, FIRST))
    assert not data_dir.exists()


@pytest.fixture
def described(data_dir: Path) -> Path:
    """The folder of a release with a descriptor, unsealed."""
    building = begin_building(data_dir, FIRST)
    with open_building(building.warehouse) as con:
        con.execute("create table main.day as select range as number from range(50_000)")
    (building.folder / "parquet" / "day").mkdir(parents=True)
    (building.folder / "parquet" / "day" / "day.parquet").write_bytes(b"rows")
    parquet = file_fact(building.folder, Path("parquet/day/day.parquet"))
    day = DescribedTable("main", "day", "A day.", ())
    table = table_resource(day, 50_000, primary_key=("number",), foreign_keys=(), files=[parquet])
    at = datetime(2025, 12, 5, 2, tzinfo=UTC)
    package = describe(
        [table, *other_files(building.folder, [table])],
        {},
        release_id=FIRST,
        created=at,
        run_id=FIRST,
        slot=at,
        code_version="1",
    )
    write_datapackage(building.folder, package)
    folder = publish(building).folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    return folder


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_release_that_was_not_touched_has_no_problem(described: Path):
    assert_intact(described)
    assert list(file_problems(described)) == []


@pytest.mark.parametrize("suffix", [".wal", ".wal.checkpoint", ".wal.recovery", ".tmp"])
def test_a_release_with_a_log_of_changes_beside_the_warehouse_is_refused(described: Path, suffix: str):
    (described / f"warehouse.duckdb{suffix}").write_bytes(b"")
    with pytest.raises(ReleaseError, match=rf"warehouse\.duckdb{suffix} exists") as refused:
        assert_intact(described)
    assert "ca-etl rollback" in refused.value.hint
    assert "ca-etl rebuild" in refused.value.hint
    assert list(file_problems(described)) == [(f"warehouse.duckdb{suffix}", "was not published")]


def test_a_link_that_leads_nowhere_is_refused_as_a_log(described: Path):
    (described / "warehouse.duckdb.wal").symlink_to("elsewhere")
    with pytest.raises(ReleaseError, match=r"warehouse\.duckdb\.wal exists"):
        assert_intact(described)


def test_the_folder_in_which_an_analyst_of_root_spills_a_query_stops_no_reader(described: Path):
    (described / "warehouse.duckdb.tmp").mkdir()
    assert_intact(described)


@pytest.mark.parametrize("name", ["warehouse.duckdb", "parquet/day/day.parquet"])
def test_a_release_with_a_file_of_another_length_is_refused(described: Path, name: str):
    path = described / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReleaseError, match=f"{name} has [0-9]+ bytes, [0-9]+ when it was published"):
        assert_intact(described)
    path.unlink()
    with pytest.raises(ReleaseError, match=f"{name} cannot be read: No such file"):
        assert_intact(described)


def test_bytes_that_changed_are_seen_by_their_hash_alone(described: Path):
    flip(described / "parquet" / "day" / "day.parquet", 2)
    assert_intact(described)
    assert list(file_problems(described)) == [
        ("parquet/day/day.parquet", "has other bytes than those published")
    ]


def test_a_lost_descriptor_stops_no_reader_and_is_a_problem(described: Path):
    (described / "datapackage.json").unlink()
    assert_intact(described)
    assert "datapackage.json" in dict(file_problems(described))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"resources": 1}', b'{"resources": [{"path": "x"}]}', b"\xff", b"[" * 100_000],
)
def test_a_damaged_descriptor_is_an_error_that_names_it(described: Path, content: bytes):
    (described / "datapackage.json").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"datapackage\.json cannot be read") as refused:
        assert_intact(described)
    assert "ca-etl rollback" in refused.value.hint


@pytest.mark.parametrize("at", [100, 5_000, 20_000, 40_000])
def test_a_damaged_warehouse_is_not_built_upon_and_is_not_a_fault_of_the_disk(
    data_dir: Path, described: Path, at: int
):
    flip(described / "warehouse.duckdb", at)
    with pytest.raises(ReleaseError, match=f"{FIRST}/warehouse.duckdb has other bytes") as refused:
        begin_building(data_dir, SECOND)
    assert "ca-etl rollback" in refused.value.hint
    assert "ca-etl rebuild" in refused.value.hint


def test_damage_that_no_descriptor_shows_is_not_a_fault_of_the_disk_either(data_dir: Path, described: Path):
    warehouse = described / "warehouse.duckdb"
    for at in range(4_096, warehouse.stat().st_size, 4_096):
        flip(warehouse, at)
    (described / "datapackage.json").unlink()
    building = begin_building(data_dir, SECOND)
    with (
        pytest.raises(CaEtlError, match=r"cannot be read: .*Corrupt database file") as refused,
        open_building(building.warehouse) as con,
    ):
        con.execute("select sum(number) from main.day").fetchall()
    assert "ca-etl rollback" in refused.value.hint


SEALED = """
    import json, os, sys
    from pathlib import Path
    from ca_etl.errors import CaEtlError
    from ca_etl.warehouse.connection import open_building
    from ca_etl.warehouse.datapackage import file_fact
    from ca_etl.warehouse.durable_files import seal_tree
    from ca_etl.warehouse.release import begin_building, current_release, prune, publish, recover

    # An ordinary user: root ignores the modes.
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    data_dir = Path(sys.argv[1])

    def release(release_id):
        building = begin_building(data_dir, release_id)
        with open_building(building.warehouse) as con:
            con.execute("create or replace table main.day as select 1 as number")
        (building.folder / "parquet" / "day").mkdir(parents=True)
        (building.folder / "parquet" / "day" / "day.parquet").touch()
        fact = file_fact(building.folder, Path("warehouse.duckdb"))
        listed = {"path": fact.path, "bytes": fact.bytes, "hash": f"sha256:{fact.sha256}"}
        (building.folder / "datapackage.json").write_text(json.dumps({"resources": [listed]}))
        return publish(building).folder

    first = release("20251205T020000Z")
    for refused in (
        lambda: (first / "warehouse.duckdb.wal").touch(),
        lambda: (first / "parquet" / "day" / "more.parquet").touch(),
        lambda: (first / "warehouse.duckdb").unlink(),
        lambda: (first / "warehouse.duckdb").open("ab"),
    ):
        try:
            refused()
            print("no error")
        except PermissionError:
            pass
    second = release("20251206T020000Z")
    print(prune(data_dir, 1))
    left = begin_building(data_dir, "20251207T020000Z")
    seal_tree(left.folder)
    print(recover(data_dir).removed, current_release(data_dir).release_id)
    print(sorted(path.name for path in (data_dir / "releases").iterdir()))
    (second / "warehouse.duckdb").chmod(0)
    try:
        begin_building(data_dir, "20251207T020000Z")
    except CaEtlError as error:
        print(type(error).__name__, str(error).partition("releases/")[2], "|", error.hint)
"""


def test_an_ordinary_user_changes_nothing_in_a_release_and_removes_it_all_the_same(child):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        out, errors = child(SEALED, f"{folder}/data").communicate()
    assert errors == ""
    assert out.splitlines() == [
        f"('{FIRST}',)",
        f"('{THIRD}.building',) {SECOND}",
        f"['{SECOND}']",
        f"ReleaseError {SECOND}/warehouse.duckdb cannot be read: Permission denied | {GO_BACK}",
    ]


PRUNE = """
    import os, sys
    from pathlib import Path
    from ca_etl.errors import CaEtlError
    from ca_etl.warehouse.release import prune, recover

    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    try:
        prune(Path(sys.argv[1]), 1)
    except CaEtlError as error:
        print(type(error).__name__, str(error).rpartition("releases/")[2])
    print(recover(Path(sys.argv[1])).removed)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_a_release_of_another_user_keeps_its_name_when_it_cannot_be_removed(child):
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        for release_id in (FIRST, SECOND):
            building = begin_building(data_dir, release_id)
            with open_building(building.warehouse) as con:
                con.execute("create or replace table main.day as select 1 as number")
            publish(building)
        for path in (Path(folder), data_dir, data_dir / "releases"):
            path.chmod(0o777)
        out, errors = child(PRUNE, data_dir).communicate()
        left = [release.release_id for release in releases(data_dir)]
    assert errors == ""
    assert out.splitlines() == [
        f"StorageError {FIRST}.removing: Operation not permitted",
        "()",
    ]
    assert left == [FIRST, SECOND]
