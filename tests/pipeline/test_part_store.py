"""A part that was stored is read as it was parsed, by any run, and never in place of another one."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ca_etl.errors import UsageError
from ca_etl.parse.page import Parser
from ca_etl.parse.rows import SITE
from ca_etl.pipeline import part_store
from ca_etl.pipeline.part_store import (
    PartDiffersError,
    PartStorageError,
    PartStore,
    open_folder,
    parts_url,
    remove_parts,
    stored_parts,
)
from ca_etl.pipeline.parts import ParsedPart, Part, PartReader
from ca_etl.settings import Settings
from tests.pipeline.test_parts import FILE, ranges, read_from, write_pages

RUN = "20251206T120000Z"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> PartReader:
    folder = tmp_path_factory.mktemp("archive")
    write_pages(folder)
    return replace(read_from(folder), run_id="")


@pytest.fixture(scope="module")
def planned(reader: PartReader) -> list[Part]:
    size = (reader.root / FILE).stat().st_size
    return ranges([size // 3, size // 2])


@pytest.fixture
def store(reader: PartReader, tmp_path: Path) -> PartStore:
    return PartStore(str(tmp_path / "parts"), reader)


def make(store: PartStore, *parts: Part) -> None:
    for part in parts:
        store.make(part, store.name(part))


def parsed_by(reader: PartReader, part: Part) -> ParsedPart:
    """A part as a process of the run parses it."""
    return replace(reader, run_id=RUN).read_and_search(part)


def assert_equal(stored: ParsedPart | None, parsed: ParsedPart) -> None:
    assert stored is not None
    for ours, theirs in ((stored.tables, parsed.tables), (stored.matches, parsed.matches)):
        assert list(ours) == list(theirs)
        for name, table in theirs.items():
            assert ours[name].schema == table.schema
            # the search gives its rows in any order
            assert sorted(map(str, ours[name].to_pylist())) == sorted(map(str, table.to_pylist())), name
    assert replace(stored, tables={}, matches={}) == replace(parsed, tables={}, matches={})


def test_a_stored_part_has_the_rows_of_the_run_that_reads_it(store: PartStore, planned: list[Part]) -> None:
    make(store, *planned)
    for part in planned:
        assert_equal(store.read(part, RUN), parsed_by(store.reader, part))


def test_a_part_without_a_row_in_a_table_is_stored_with_that_table(
    store: PartStore, reader: PartReader
) -> None:
    size = (reader.root / FILE).stat().st_size
    last = Part((FILE,), size - 1, None)
    make(store, last)
    parsed = parsed_by(reader, last)
    assert parsed.tables["capture"].num_rows == 0
    assert_equal(store.read(last, RUN), parsed)


def test_parts_that_do_not_exist_are_missing_in_their_order(store: PartStore, planned: list[Part]) -> None:
    assert store.missing(planned) == planned
    make(store, planned[1])
    assert store.missing(planned) == [planned[0], planned[2]]
    assert store.read(planned[0], RUN) is None


def test_a_load_takes_the_stored_parts_and_is_left_the_others(store: PartStore, planned: list[Part]) -> None:
    make(store, planned[0], planned[2])
    with stored_parts(store, planned, RUN) as queue:
        with closing(queue.take(1)) as first:
            assert next(first) is not None
        second, third = queue.take(2)
    assert second is None
    assert_equal(third, parsed_by(store.reader, planned[2]))


def test_a_part_that_exists_is_not_parsed_again(store: PartStore, planned: list[Part]) -> None:
    make(store, planned[0])
    (file,) = Path(store.url).iterdir()
    before = file.stat()
    make(store, planned[0])
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_bytes_terms_or_code_make_another_part(
    store: PartStore, planned: list[Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, reader = planned[1], store.reader
    write_pages(tmp_path / "other", pages=11)
    others = [
        replace(reader, root=tmp_path / "other"),
        replace(reader, site="timesca.com"),
        replace(reader, parsers={"nbk": Parser("2", SITE.read)}),
        replace(reader, schemas={**reader.schemas, "reject": pa.schema([])}),
    ]
    names = {PartStore(store.url, one).name(part) for one in (reader, *others)}
    monkeypatch.setattr(part_store, "code_digest", lambda: "of another version")
    names.add(store.name(part))
    assert len(names) == len(others) + 2


def test_the_run_is_not_in_the_name_of_a_part(store: PartStore, planned: list[Part]) -> None:
    assert PartStore(store.url, replace(store.reader, run_id=RUN)).name(planned[0]) == store.name(planned[0])


def test_a_worker_with_another_archive_or_code_stores_nothing(store: PartStore, planned: list[Part]) -> None:
    with pytest.raises(PartDiffersError, match="same archive at the same path, and the same version"):
        store.make(planned[0], store.name(planned[1]))
    assert not Path(store.url).exists()


def test_half_a_file_is_no_part(
    store: PartStore, planned: list[Part], caplog: pytest.LogCaptureFixture
) -> None:
    make(store, planned[0])
    (file,) = Path(store.url).iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    assert store.read(planned[0], RUN) is None
    assert f"the run parses a part itself, since it cannot read {file.name}" in caplog.text


def test_a_worker_that_is_killed_while_it_writes_leaves_no_part(
    store: PartStore, planned: list[Part]
) -> None:
    make(store, planned[0])
    (file,) = Path(store.url).iterdir()
    file.rename(file.with_name(f"{file.name}.unfinished"))
    assert store.missing(planned) == planned
    remove_parts(store.url)
    assert list(Path(store.url).iterdir()) == []


def test_parts_are_deleted_and_other_files_of_their_folder_are_not(
    store: PartStore, planned: list[Part]
) -> None:
    make(store, *planned)
    other = Path(store.url) / "notes.txt"
    other.write_text("mine")
    remove_parts(store.url)
    assert list(Path(store.url).iterdir()) == [other]
    remove_parts(str(Path(store.url) / "absent"))


def test_a_part_is_parquet_that_others_can_read(store: PartStore, planned: list[Part]) -> None:
    make(store, planned[0])
    (file,) = Path(store.url).iterdir()
    row = pq.read_table(file)
    assert row.num_rows == 1
    assert set(row.column_names) > {"raw.capture", "raw.rate_observation", "matches.text_country"}


def test_parts_are_below_the_data_directory_unless_a_setting_names_a_folder(settings: Settings) -> None:
    assert parts_url(settings) == str(settings.data_dir / "parts")
    assert parts_url(settings.model_copy(update={"parts_url": "s3://bucket"})) == "s3://bucket"


def test_a_url_of_an_unknown_kind_names_the_extra() -> None:
    with pytest.raises(UsageError, match="CA_ETL_PARTS_URL=nowhere://x cannot be opened") as error:
        open_folder("nowhere://x").__enter__()
    assert error.value.hint == "pip install 'dask[distributed]' prefect-dask s3fs"


def test_without_fsspec_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match="extra `cluster`"):
        open_folder(str(tmp_path)).__enter__()


@pytest.mark.slow
def test_parts_on_s3_are_those_on_disk(
    store: PartStore, planned: list[Part], s3: str, caplog: pytest.LogCaptureFixture
) -> None:
    remote = PartStore(s3, store.reader)
    assert remote.missing(planned) == planned
    make(remote, *planned)
    make(store, *planned)
    assert remote.missing(planned) == []
    for part in planned:
        assert_equal(remote.read(part, RUN), parsed_by(store.reader, part))
    remove_parts(s3)
    assert remote.missing(planned) == planned


@pytest.mark.slow
def test_storage_that_is_away_leaves_the_parts_to_the_run(
    store: PartStore, planned: list[Part], s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    remote = PartStore(s3, store.reader)
    make(remote, planned[0])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    assert remote.read(planned[0], RUN) is None
    with pytest.raises(PartStorageError, match=f"stored parts in {s3}"):
        remote.missing(planned)
