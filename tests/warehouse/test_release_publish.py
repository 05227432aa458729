import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.release import (
    Release,
    ReleaseError,
    begin_building,
    current_release,
    discard,
    find_building,
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


def test_a_fresh_building_starts_without_a_warehouse(data_dir, release):
    release(FIRST, 1)
    building = begin_building(data_dir, SECOND, fresh=True)
    assert building.based_on is None
    assert not building.warehouse.exists()


def test_beginning_again_in_one_run_starts_over(data_dir, release):
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
    with pytest.raises(ReleaseError, match="opened the file for writing"):
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


def test_rollback_mends_a_pointer_to_a_release_that_is_gone(data_dir, release):
    release(FIRST, 1)
    second = release(SECOND, 2)
    second.chmod(0o755)
    (second / "warehouse.duckdb").unlink()
    with pytest.raises(ReleaseError, match=r"holds no warehouse\.duckdb"):
        current_release(data_dir)
    rollback(data_dir)
    assert current_release(data_dir).release_id == FIRST


def test_a_folder_in_the_place_of_the_pointer_is_an_error_that_names_it(data_dir):
    (data_dir / "current").mkdir(parents=True)
    with pytest.raises(ReleaseError, match="current is not a symbolic link"):
        current_release(data_dir)


def test_pruning_keeps_the_newest_the_current_one_and_what_is_newer(data_dir, release):
    made = [f"2025120{day}T020000Z" for day in range(1, 7)]
    for number, release_id in enumerate(made):
        release(release_id, number)
    assert prune(data_dir, keep=4) == tuple(made[:2])
    rollback(data_dir, made[3])
    assert prune(data_dir, keep=1) == (made[2],)
    assert ids(data_dir) == made[3:]
    assert number_in(data_dir / "current") == 3


def test_pruning_removes_releases_of_the_future_first(data_dir, release):
    now = datetime(2025, 12, 6, 2, tzinfo=UTC)
    made = [
        "20251201T020000Z",
        "20251202T020000Z",
        "20260106T020000Z",
        "20990101T020000Z",
        "20251206T020000Z",
    ]
    for number, release_id in enumerate(made):
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


def test_something_in_the_place_of_the_release_stops_the_rename_and_the_pointer(data_dir, release):
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


def test_a_read_only_data_directory_can_be_read_and_every_write_says_what_is_in_the_way(
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
