"""Parts of an archive, each parsed by itself, give what the whole archive gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ca_etl.archive.writer import ArchiveWriter
from ca_etl.demo.pages import PageOptions, render_html, resolve
from ca_etl.demo.posts import default_snapshot
from ca_etl.pipeline import parts
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.parts import ParsedPart, Part, PartReader, merge_parts, parsing, plan_parts, whole_files
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_rebuild
from ca_etl.records import Rows
from ca_etl.settings import Settings
from ca_etl.warehouse.raw_schema import arrow_schema, ensure_raw

DAY = date(2025, 12, 5)
NOON = datetime(2025, 12, 5, 12, tzinfo=UTC)
PAGES = 12
FILE = "2025/12/20251205T120000Z-given.warc.gz"


def write_pages(root: Path, source: str = "timesca", pages: int = PAGES) -> Path:
    """An archive file with the home page of the demo on some days."""
    with ArchiveWriter(
        root, Path(FILE).name.removesuffix(".warc.gz"), source=source, info={}, clock=lambda: NOON
    ) as writer:
        for number in range(pages):
            day = DAY - timedelta(days=number)
            page = resolve("/", default_snapshot(day))
            assert page is not None
            html = render_html(page, PageOptions.of(day), "http://127.0.0.1/").encode()
            url = f"http://127.0.0.1/?{number}"
            writer.add_resource(f"urn:uuid:{number:032}", url, "text/html", html, date=NOON, headers={})
    assert writer.path == root / FILE
    return writer.path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_pages(folder)
    return folder


def read_from(root: Path) -> PartReader:
    """A reader of the archive in a folder."""
    with duckdb.connect() as con:
        ensure_raw(con)
        schemas = {table: arrow_schema(con, table) for table in Rows().by_table()}
    return PartReader(root, ZoneInfo("Asia/Almaty"), "loopback", "20251205T120000Z", {}, schemas)


@pytest.fixture(scope="module")
def reader(root: Path) -> PartReader:
    return read_from(root)


def ranges(cuts: Sequence[int]) -> list[Part]:
    """The parts of the file between some offsets."""
    return [Part((FILE,), start, end) for start, end in zip([0, *cuts], [*cuts, None], strict=True)]


def rows(part: ParsedPart) -> dict[str, list[dict[str, object]]]:
    return {name: table.to_pylist() for name, table in part.tables.items()}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ranges_of_a_file_give_together_what_the_file_gives(reader: PartReader, data: st.DataObject) -> None:
    size = (reader.root / FILE).stat().st_size
    cuts = data.draw(st.lists(st.integers(1, size - 1), unique=True, max_size=4).map(sorted))
    whole = reader.read(Part((FILE,)))
    read = [reader.read(part) for part in ranges(cuts)]
    together, merged = rows(whole), rows(merge_parts(read))
    texts = {row["text_id"]: row for row in merged.pop("article_text")}
    assert list(texts.values()) == together.pop("article_text")
    assert merged == together
    assert list(whole_files(read)) == list(whole.files)
    assert [part.first for part in read] == [0, *(part.last for part in read[:-1])]
    assert all(part.is_independent for part in read)


def test_captures_of_all_ranges_are_counted_once(reader: PartReader) -> None:
    size = (reader.root / FILE).stat().st_size
    (file,) = whole_files([reader.read(part) for part in ranges([size // 3, size // 2])])
    assert (file.records, file.bad_records, file.bytes) == (PAGES, 0, size)


def test_a_range_with_pages_of_articles_depends_on_others(tmp_path: Path) -> None:
    size = write_pages(tmp_path, "timesca-articles", pages=2).stat().st_size
    reader = read_from(tmp_path)
    assert reader.read(Part((FILE,))).is_independent
    assert not reader.read(Part((FILE,), 0, size // 2)).is_independent


def test_a_range_depends_on_others_where_a_later_record_names_another_source(tmp_path: Path) -> None:
    one = write_pages(tmp_path / "one", "timesca", pages=2).read_bytes()
    two = write_pages(tmp_path / "two", "web-archive", pages=2).read_bytes()
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(one + two)
    reader = read_from(tmp_path)
    ends = [len(one) // 2, len(one), len(one) + len(two) // 2, None]
    starts = [0, *ends[:-1]]
    alone = [
        reader.read(Part((FILE,), start, end)).is_independent for start, end in zip(starts, ends, strict=True)
    ]
    assert alone == [True, True, False, True]
    assert reader.read(Part((FILE,))).is_independent


def test_a_damaged_beginning_of_a_file_hides_the_source_from_no_range(tmp_path: Path) -> None:
    pages = write_pages(tmp_path, "commoncrawl").read_bytes()
    (tmp_path / FILE).write_bytes(b"\x1f\x8b\x08 damaged" + pages)
    reader = read_from(tmp_path)
    size = (tmp_path / FILE).stat().st_size
    read = [reader.read(part) for part in ranges([size // 3, size // 2])]
    sources = merge_parts(read).tables["capture"]["source"].to_pylist()
    assert set(sources) == set(reader.read(Part((FILE,))).tables["capture"]["source"].to_pylist())
    assert len(sources) == PAGES


def test_the_rest_of_a_file_that_is_given_up_is_not_taken_for_the_next_one(reader: PartReader) -> None:
    size = (reader.root / FILE).stat().st_size
    planned = [*ranges([size // 2]), Part((FILE,)), *ranges([size // 3])]
    with parsing(reader, planned, workers=2) as queue:
        with closing(queue.take(2)) as first:
            next(first)
        (whole,) = queue.take(1)
        assert whole is not None
        assert whole.files[0].records == PAGES
        assert sum(part.files[0].records for part in queue.take(2) if part) == PAGES


def test_small_files_are_one_part_and_a_large_one_is_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 100)
    for name, size in {"a": 40, "b": 40, "c": 40, "d": 250, "e": 10}.items():
        (tmp_path / name).write_bytes(bytes(size))
    assert plan_parts(tmp_path, "abcde") == [
        [Part(("a", "b"))],
        [Part(("c",))],
        [Part(("d",), 0, 100), Part(("d",), 100, None)],
        [Part(("e",))],
    ]


def test_few_parts_are_left_to_the_run(reader: PartReader) -> None:
    with parsing(reader, [Part((FILE,))], workers=2) as queue:
        assert list(queue.take(1)) == [None]


@pytest.mark.slow
def test_parts_come_in_their_order_from_other_processes(reader: PartReader) -> None:
    size = (reader.root / FILE).stat().st_size
    planned = ranges([size // 4, size // 3, size // 2])
    with parsing(reader, planned, workers=2) as queue:
        assert [rows(part) for part in queue.take(len(planned)) if part] == [
            rows(reader.read(part)) for part in planned
        ]


@pytest.mark.slow
def test_after_a_process_was_killed_the_rest_is_left_to_the_run(reader: PartReader) -> None:
    with parsing(reader, [Part((FILE,))] * 12, workers=2) as queue:
        assert list(queue.take(1)) != [None]
        (worker, *_) = children(os.getpid())
        os.kill(worker, signal.SIGKILL)
        rest = list(queue.take(11))
    assert len(rest) == 11
    assert rest[-1] is None


WORKERS_OF_A_KILLED_RUN = """
    import os, sys, time
    from pathlib import Path
    from ca_etl.pipeline.parts import Part, parsing
    from tests.pipeline.test_parts import FILE, children, read_from

    if __name__ == "__main__":
        reader = read_from(Path(sys.argv[1]))
        with parsing(reader, [Part((FILE,))] * 1000, workers=2) as queue:
            list(queue.take(1))
            print(*children(os.getpid()), flush=True)
            time.sleep(600)
"""


@pytest.mark.slow
def test_the_processes_of_a_run_that_was_killed_end_too(root: Path, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(WORKERS_OF_A_KILLED_RUN), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, script, root], stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout is not None
        workers = [int(pid) for pid in run.stdout.readline().split()]
        run.kill()
    assert len(workers) == 2
    while any(Path(f"/proc/{pid}/cmdline").exists() and is_alive(pid) for pid in workers):
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is not one that has ended and that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_a_rebuild_in_several_processes_gives_the_same_rows(
    settings: Settings,
    contents: Callable[[Path], dict[str, list[tuple[object, ...]]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for outcome in play_days(settings, 6, environment=Environment()):
        assert outcome.exit_status == 0, outcome.error
    assert run_rebuild(settings.model_copy(update={"workers": 1})).exit_status == 0
    alone = contents(settings.data_dir)
    # each file is cut, so that a 304 often lacks the page that it repeats
    monkeypatch.setattr(parts, "PART_BYTES", 5_000)
    assert run_rebuild(settings.model_copy(update={"workers": 2})).exit_status == 0
    assert contents(settings.data_dir) == alone


def children(pid: int) -> list[int]:
    """The processes that a process has started to parse."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [
        child
        for child in map(int, listed.split())
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
