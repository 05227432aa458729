"""A run goes without damaged or missing files that it only consults: the pages are archived all the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.errors import UsageError
from ca_etl.operate.status import collect
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment, utc_now
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.publish import publish
from ca_etl.pipeline.run import run_daily, run_rebuild
from ca_etl.pipeline.verify import verify
from ca_etl.sanitize import published
from ca_etl.settings import Settings
from ca_etl.warehouse import journal, overrides
from ca_etl.warehouse.journal import RunStatus
from ca_etl.warehouse.raw_load import CaptureDecision
from ca_etl.warehouse.release import current_release, rollback

pytestmark = pytest.mark.slow

FIRST = datetime(2025, 12, 20, 2, tzinfo=UTC)
Run = Callable[..., Outcome]
Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    """One site for all: what a run knows of a page is known by its address, with its port."""
    with DemoSite(port=0) as site:
        yield site


def run_day(settings: Settings, site: DemoSite, nth: int, **environment: Any) -> Outcome:
    slot = FIRST + timedelta(days=nth)
    site.play(slot.date())
    there = settings.model_copy(update={"site_url": site.base_url})
    return run_daily(there, slot=slot, environment=Environment(clock=clock_from(slot), **environment))


def _leave_garbage(path: Path) -> None:
    path.write_bytes(b"\0" * 40)
    # its time is when the run that left it began
    os.utime(path, (FIRST.timestamp(), FIRST.timestamp()))


@pytest.fixture
def day(settings: Settings, site: DemoSite) -> Run:
    """A run on the n-th day of the demo site."""
    return partial(run_day, settings, site)


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory, site: DemoSite) -> Path:
    """A data directory after the run of day 0. Not to be written to."""
    folder = tmp_path_factory.mktemp("first") / "data"
    settings = Settings(
        data_dir=folder, demo_port=0, min_interval_seconds=0, backoff_seconds=0, _env_file=None
    )
    assert run_day(settings, site, 0).exit_status == 0
    return folder


@pytest.fixture
def healthy(settings: Settings, first_day: Path) -> Path:
    """A data directory after day 0, to be damaged."""
    shutil.copytree(first_day, settings.data_dir, symlinks=True)
    return settings.data_dir


def archived(settings: Settings, nth: int) -> list[Path]:
    return list(settings.archive_dir.glob(f"**/{FIRST + timedelta(days=nth):%Y%m%dT%H%M%SZ}-timesca.warc.gz"))


def warehouse(data_dir: Path) -> Path:
    path = (data_dir / "current").resolve() / "warehouse.duckdb"
    path.parent.chmod(0o755)
    path.chmod(0o644)
    return path


def flip(path: Path, *positions: int) -> None:
    data = bytearray(path.read_bytes())
    for at in positions:
        data[at] ^= 0x10
    path.write_bytes(data)


def flip_every_block(data_dir: Path) -> None:
    path = warehouse(data_dir)
    flip(path, *range(12_288, path.stat().st_size, 16_384))


def as_folder(path: Path) -> None:
    if path.is_symlink() or path.exists():
        path.unlink()
    path.mkdir()


def newest(data_dir: Path) -> Path:
    return max(data_dir.glob("archive/*/*/*-timesca.warc.gz"))


# By name: what is done to the data directory.
STOPS_THE_RELEASE: dict[str, Damage] = {
    "the warehouse is cut": lambda d: os.truncate(warehouse(d), 100_000),
    "the warehouse is empty": lambda d: os.truncate(warehouse(d), 0),
    "the warehouse is something else": lambda d: warehouse(d).write_bytes(b"no database" * 9_000),
    "bits of the warehouse are flipped": flip_every_block,
    "the warehouse is a folder": lambda d: as_folder(warehouse(d)),
    "a log lies beside the warehouse": lambda d: warehouse(d).with_suffix(".duckdb.wal").write_bytes(b"1\n"),
    "current is dangling": lambda d: shutil.rmtree(warehouse(d).parent),
    "current is a folder": lambda d: as_folder(d / "current"),
    "the newest archive file is deleted": lambda d: newest(d).unlink(),
    "the newest archive file is a folder": lambda d: as_folder(newest(d)),
    "the newest archive file is cut": lambda d: os.truncate(newest(d), 400),
    "the newest archive file is empty": lambda d: os.truncate(newest(d), 0),
    "the archive is moved away": lambda d: (d / "archive").rename(d / "archive.old"),
    "the journal is a folder": lambda d: as_folder(d / "runs.jsonl"),
    "the decisions are garbage": lambda d: (d / "decisions.csv").write_text("x\n"),
    "the decisions are not text": lambda d: (d / "decisions.csv").write_bytes(b"\xff\xfe\x00"),
    "the decisions are a folder": lambda d: (d / "decisions.csv").mkdir(),
    "the site file is not text": lambda d: (d / "site.txt").write_bytes(b"\xff\xfe"),
    "the site file is a folder": lambda d: as_folder(d / "site.txt"),
    "a bit of the site file is flipped": lambda d: (d / "site.txt").write_text("loopbacj\n"),
    "a file that a killed run left open is a folder": lambda d: (
        newest(d).with_name("20251219T020000Z-timesca.warc.gz.open").mkdir()
    ),
    "the record of a killed run is a folder": lambda d: (d / ".crashed-20251219T020000Z.json").mkdir(),
}
HINDERS_NOTHING: dict[str, Damage] = {
    "the alerts are garbage": lambda d: (d / "alerts.json").write_text("x"),
    "the alerts are a folder": lambda d: (d / "alerts.json").mkdir(),
    "the checkpoint of articles is garbage": lambda d: (d / "articles.json").write_text("x"),
    "the site file is empty": lambda d: (d / "site.txt").write_bytes(b""),
    "the holder of the lock is garbage": lambda d: _leave_garbage(d / ".running.json"),
    "the journal is missing": lambda d: (d / "runs.jsonl").unlink(),
    "the journal is empty": lambda d: os.truncate(d / "runs.jsonl", 0),
    "the journal is cut": lambda d: os.truncate(d / "runs.jsonl", 60),
    "a bit of the journal is flipped": lambda d: flip(d / "runs.jsonl", 30),
    "the journal begins with garbage": lambda d: (d / "runs.jsonl").write_bytes(
        b"garbage\n" + (d / "runs.jsonl").read_bytes()
    ),
    "the journal is zeros": lambda d: (d / "runs.jsonl").write_bytes(b"\0" * 500 + b"\n"),
}


@pytest.mark.parametrize("damage", STOPS_THE_RELEASE.values(), ids=STOPS_THE_RELEASE)
def test_the_pages_are_archived_and_then_the_run_fails_with_the_next_command(
    settings: Settings, healthy: Path, site: DemoSite, day: Run, damage: Damage
) -> None:
    damage(healthy)
    requests = len(site.requests)
    outcome = day(1)
    assert len(site.requests) - requests >= 1 + len(settings.listing_paths)
    assert archived(settings, 1)
    assert (outcome.exit_status, outcome.release) == (1, None)
    assert outcome.error
    assert outcome.hint
    assert outcome.captured is not None
    assert len(outcome.captured.pages) == len(settings.listing_paths)


@pytest.mark.parametrize("damage", HINDERS_NOTHING.values(), ids=HINDERS_NOTHING)
def test_a_run_continues_without_what_only_reports_need(
    settings: Settings, healthy: Path, day: Run, damage: Damage, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    before = query("select source, slot, outcome, reason from fct_coverage order by all")
    damage(healthy)
    assert day(1).exit_status == 0
    assert archived(settings, 1)
    after = query("select source, slot, outcome, reason from fct_coverage order by all")
    assert set(before) <= set(after)
    assert len(after) == 2 * len(before)
    assert day(2).warnings == ()


LOST_DECISIONS: dict[str, Damage] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut to its first lines": lambda path: path.write_bytes(
        b"".join(path.read_bytes().splitlines(keepends=True)[:2])
    ),
    "a bit of a capture is flipped": lambda path: flip(path, path.read_bytes().rindex(b"urn:uuid:") + 12),
}


@pytest.mark.parametrize("damage", LOST_DECISIONS.values(), ids=LOST_DECISIONS)
def test_decisions_that_the_release_has_and_the_file_lacks_stop_the_release(
    settings: Settings, healthy: Path, day: Run, damage: Damage, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    captures = query("select distinct capture_id from fct_rate_observation order by all limit 2")
    for (capture_id,) in captures:
        overrides.append(healthy, CaptureDecision(capture_id, "exclude", "a test", FIRST))
    later = Environment(clock=clock_from(FIRST + timedelta(hours=1)))
    assert run_rebuild(settings, environment=later).exit_status == 0
    path = healthy / "decisions.csv"
    whole = path.read_bytes()
    damage(path)
    (warning,) = (*collect(settings, utc_now()).warnings, *collect(settings, utc_now()).damaged)
    assert "decisions.csv" in warning.message
    refused = day(1)
    assert (refused.exit_status, refused.release) == (1, None)
    assert archived(settings, 1)
    assert "decisions.csv" in refused.error
    assert (
        run_rebuild(
            settings, environment=Environment(clock=clock_from(FIRST + timedelta(hours=30)))
        ).exit_status
        == 1
    )
    path.write_bytes(whole)
    assert day(2).exit_status == 0
    observed = query("select distinct observed_at::date::varchar from fct_rate_observation order by all")
    assert observed == [("2025-12-20",), ("2025-12-21",), ("2025-12-22",)]
    assert query("select count(*) from etl_reject where reason = 'excluded'") == [(2,)]


@pytest.mark.parametrize("left", [b"lookback\n", b"loop"], ids=["flipped", "cut"])
def test_what_reads_only_the_archive_takes_no_other_site_from_a_damaged_site_file(
    settings: Settings, healthy: Path, left: bytes, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    rows = query("select count(*) from fct_rate_observation")
    marker = healthy / "site.txt"
    marker.write_bytes(left)
    release = current_release(healthy)
    assert release is not None
    assert "site.txt" in dict(verify(settings, release))
    later = Environment(clock=clock_from(FIRST + timedelta(hours=1)))
    refused = run_rebuild(settings, environment=later)
    assert (refused.exit_status, refused.release) == (1, None)
    assert refused.hint == f"echo loopback > {marker}"
    marker.write_text("loopback\n")
    again = Environment(clock=clock_from(FIRST + timedelta(hours=2)))
    assert run_rebuild(settings, environment=again).exit_status == 0
    assert query("select count(*) from fct_rate_observation") == rows


@pytest.mark.parametrize("way", ["rollback", "rebuild"])
def test_the_next_command_of_a_damaged_release_gives_all_days(
    settings: Settings, day: Run, way: str, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    for nth in (0, 1):
        assert day(nth).exit_status == 0
    os.truncate(warehouse(settings.data_dir), 100_000)
    refused = day(2)
    assert way in refused.hint
    if way == "rollback":
        rollback(settings.data_dir)
        assert day(3).exit_status == 0
    else:
        rebuilt_at = Environment(clock=clock_from(FIRST + timedelta(days=2, hours=1)))
        assert run_rebuild(settings, environment=rebuilt_at).exit_status == 0
        assert day(3).exit_status == 0
    days = query(
        "select distinct slot::date::varchar, outcome from fct_coverage where source = 'timesca' order by all"
    )
    assert days == [(f"2025-12-{number}", "observed") for number in (20, 21, 22, 23)]


def test_a_directory_of_another_site_is_refused_before_any_request(
    settings: Settings, site: DemoSite, day: Run
) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "site.txt").write_text("timesca.com\n")
    before = len(site.requests)
    with pytest.raises(UsageError, match=r"timesca\.com"):
        day(0)
    assert len(site.requests) == before


def test_lost_runs_come_back_as_they_were_and_are_reported(
    settings: Settings, day: Run, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    for nth in (0, 2):
        assert day(nth).exit_status == 0
    runs = journal.read(settings.data_dir)
    path = settings.data_dir / "runs.jsonl"
    path.unlink()
    (warning,) = collect(settings, utc_now()).warnings
    assert "lacks 2 runs" in warning.message
    assert "restore" in warning.message
    outcome = day(3)
    assert outcome.exit_status == 0
    (warning,) = outcome.warnings
    assert "2 lost runs restored from the current release" in warning
    assert "next: less" in warning
    back = journal.read(settings.data_dir)[:2]
    # the release was built before its own run had ended
    assert [run.slots for run in back] == [run.slots for run in runs]
    assert back[0] == runs[0]
    assert query("select count(*) from etl_run") == [(3,)]
    assert run_rebuild(settings).exit_status == 0
    assert query("select count(*) from etl_run") == [(4,)]


def test_a_release_that_an_operator_rolled_back_lacks_runs_and_the_journal_does_not(
    settings: Settings, day: Run
) -> None:
    for nth in (0, 1):
        assert day(nth).exit_status == 0
    rollback(settings.data_dir)
    assert collect(settings, utc_now()).warnings == ()
    assert day(2).warnings == ()


def test_a_bad_line_is_reported_by_status_until_the_repairs_were_reviewed(
    settings: Settings, day: Run
) -> None:
    assert day(0).exit_status == 0
    path = settings.data_dir / "runs.jsonl"
    path.write_bytes(path.read_bytes() + b"\xffgarbage\n")
    (before,) = collect(settings, utc_now()).warnings
    assert "line 2" in before.message
    assert day(1).exit_status == 0
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
    repairs = settings.data_dir / "runs.jsonl.repairs"
    assert b"\xffgarbage\n" in repairs.read_bytes()
    (after,) = collect(settings, utc_now()).warnings
    assert "runs.jsonl.repairs" in after.next_command
    repairs.unlink()
    assert collect(settings, utc_now()).warnings == ()


def test_a_journal_that_cannot_be_read_hides_nothing_else_of_the_status(settings: Settings, day: Run) -> None:
    assert day(0).exit_status == 0
    as_folder(settings.data_dir / "runs.jsonl")
    status = collect(settings, utc_now())
    assert status.release is not None
    (damage,) = status.damaged
    assert "runs.jsonl" in damage.message


def test_a_release_that_cannot_be_pruned_leaves_the_new_one_published(
    settings: Settings, healthy: Path, site: DemoSite
) -> None:
    (oldest,) = (settings.data_dir / "releases").iterdir()

    def call(step: Callable[..., Any], *args: object) -> Any:
        if step is publish:
            obstacle = oldest.with_name(f"{oldest.name}.removing") / "x"
            obstacle.mkdir(parents=True)
        return step(*args)

    outcome = run_day(settings.model_copy(update={"keep_releases": 1}), site, 1, call=call)
    assert (outcome.status, outcome.exit_status) == (RunStatus.SUCCEEDED, 0)
    assert outcome.release is not None
    (warning,) = outcome.warnings
    assert "the new release is published" in warning
    assert "next: " in warning
    assert "unchanged" not in warning
    last = journal.read(settings.data_dir)[-1]
    own = published(warning, settings.data_dir)
    assert (last.status, last.release_id, last.warnings) == ("succeeded", outcome.run_id, (own,))


def test_a_line_that_cannot_be_written_is_a_warning_and_the_next_run_writes_it(
    settings: Settings, day: Run
) -> None:
    path = settings.data_dir / "runs.jsonl"

    def call(step: Callable[..., Any], *args: object) -> Any:
        if step is publish:
            path.mkdir()
        return step(*args)

    outcome = day(0, call=call)
    assert (outcome.status, outcome.exit_status) == (RunStatus.SUCCEEDED, 0)
    assert outcome.release is not None
    (warning,) = outcome.warnings
    assert "this run could not be written to the journal, the next run adds it" in warning
    assert "next: " in warning
    assert "unchanged" not in warning
    path.rmdir()
    assert day(1).warnings == ()
    assert [(run.run_id, run.status) for run in journal.read(settings.data_dir)] == [
        ("20251220T020000Z", "succeeded"),
        ("20251221T020000Z", "succeeded"),
    ]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=type)
def test_what_fails_after_the_publication_does_not_make_it_unpublished(
    settings: Settings, day: Run, error: BaseException
) -> None:
    def call(step: Callable[..., Any], *args: object) -> Any:
        result = step(*args)
        if step is publish:
            raise error
        return result

    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            day(0, call=call)
    else:
        assert day(0, call=call).exit_status == 0
    (run,) = journal.read(settings.data_dir)
    assert (run.status, run.release_id, run.error) == ("succeeded", run.run_id, None)
    assert run.warnings[0].startswith("the release is published, but the run then failed: ")


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        RuntimeError("Query interrupted"),
        pa.lib.ArrowCancelled("Operation cancelled"),
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
    ],
    ids=type,
)
@pytest.mark.parametrize("at", ["capture", "load", "build", "publish"])
def test_ctrl_c_is_an_interruption_wherever_it_lands(
    settings: Settings, day: Run, at: str, error: BaseException
) -> None:
    def call(step: Callable[..., Any], *args: object) -> Any:
        if step.__name__ == at:
            raise error
        return step(*args)

    with pytest.raises(type(error)):
        day(0, call=call)
    (run,) = journal.read(settings.data_dir)
    assert (run.status, run.error) == ("cancelled", "stopped by the user (Ctrl-C)")


def test_what_fails_while_a_stop_is_cleaned_up_is_the_stop(settings: Settings, day: Run) -> None:
    def call(step: Callable[..., Any], *args: object) -> Any:
        try:
            raise KeyboardInterrupt
        finally:
            raise duckdb.TransactionException("no transaction is active")  # as a rollback does

    with pytest.raises(KeyboardInterrupt):
        day(0, call=call)
    assert journal.read(settings.data_dir)[0].error == "stopped by the user (Ctrl-C)"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_a_destructor_swallowed_ends_the_run_before_the_next_step(
    settings: Settings, day: Run
) -> None:
    class Lost:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            sum(range(100))

    def call(step: Callable[..., Any], *args: object) -> Any:
        if step.__name__ == "build":
            Lost()
        return step(*args)

    # a worker of xdist ignores Ctrl-C
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            day(0, call=call)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    (run,) = journal.read(settings.data_dir)
    assert (run.status, run.error) == ("cancelled", "stopped by the user (Ctrl-C)")


def test_a_sigterm_cancels_the_run_and_leaves_its_line_and_the_handler(settings: Settings, day: Run) -> None:
    def call(step: Callable[..., Any], *args: object) -> Any:
        if step.__name__ == "load":
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*args)

    with pytest.raises(SystemExit) as ended:
        day(0, call=call)
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    (run,) = journal.read(settings.data_dir)
    assert (run.status, run.error) == ("cancelled", "stopped by a signal (a service or Prefect ended it)")
