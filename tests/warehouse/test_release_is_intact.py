"""A published release cannot be changed by an ordinary user, and one that was changed is refused."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.datapackage import (
    describe,
    file_fact,
    other_files,
    table_resource,
    write_datapackage,
)
from ca_etl.warehouse.release import (
    GO_BACK,
    ReleaseError,
    assert_intact,
    begin_building,
    file_problems,
    publish,
    releases,
)

FIRST = "20251205T020000Z"
SECOND = "20251206T020000Z"
THIRD = "20251207T020000Z"


@pytest.fixture
def described(data_dir: Path) -> Path:
    """The folder of a release with a descriptor, unsealed."""
    building = begin_building(data_dir, FIRST)
    with open_building(building.warehouse) as con:
        con.execute("create table main.day as select range as number from range(50_000)")
    (building.folder / "parquet" / "day").mkdir(parents=True)
    (building.folder / "parquet" / "day" / "day.parquet").write_bytes(b"rows")
    parquet = file_fact(building.folder, Path("parquet/day/day.parquet"))
    table = table_resource("day", "A day.", 50_000, columns=(), primary_key=(), files=[parquet])
    at = datetime(2025, 12, 5, 2, tzinfo=UTC)
    package = describe(
        [table, *other_files(building.folder, [table])],
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


def test_a_release_that_nobody_touched_has_no_problem(described: Path):
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
def test_a_damaged_warehouse_is_not_built_upon_and_is_no_fault_of_the_disk(
    data_dir: Path, described: Path, at: int
):
    flip(described / "warehouse.duckdb", at)
    with pytest.raises(ReleaseError, match=f"{FIRST}/warehouse.duckdb has other bytes") as refused:
        begin_building(data_dir, SECOND)
    assert "ca-etl rollback" in refused.value.hint
    assert "ca-etl rebuild" in refused.value.hint


def test_damage_that_no_descriptor_shows_is_no_fault_of_the_disk_either(data_dir: Path, described: Path):
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
