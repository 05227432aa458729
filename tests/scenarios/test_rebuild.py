from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import duckdb
import pytest
from pydantic import HttpUrl

from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.reader import archive_files
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.errors import UsageError
from ca_etl.pipeline import load
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_backfill, run_daily, run_ingest, run_rebuild
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse.durable_files import remove_tree
from ca_etl.warehouse.journal import RunStatus
from ca_etl.warehouse.release import current_release

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
DAY = date(2025, 12, 22)


def test_a_rebuild_in_place_gives_the_same_rows(settings: Settings, contents: Contents) -> None:
    list(play_days(settings, 2))
    before = contents(settings.data_dir)
    assert run_rebuild(settings).exit_status == 0
    assert contents(settings.data_dir) == before


def test_parquet_files_have_the_rows_of_the_warehouse_also_where_they_are_taken_over(
    settings: Settings,
) -> None:
    tables = ("fct_article", "fct_article_revision")
    releases = [outcome.release for outcome in play_days(settings, 4)]
    releases += [run_rebuild(settings).release for _ in range(2)]
    inodes = []
    for release in releases:
        assert release is not None
        files = [release.folder / "parquet" / table / f"{table}.parquet" for table in tables]
        with duckdb.connect(str(release.warehouse), read_only=True) as con:
            for table, file in zip(tables, files, strict=True):
                here, there = f"from '{file}'", f"from main.{table}"
                differing = f"({here} except all {there}) union all ({there} except all {here})"
                assert con.execute(f"select count(*) from ({differing})").fetchone() == (0,)
        inodes.append([file.stat().st_ino for file in files])
    # each day has new articles, a rebuild of all days has none
    assert len({first for first, _ in inodes}) == len({second for _, second in inodes}) == 4
    assert inodes[3] == inodes[4] == inodes[5]


@pytest.mark.parametrize("harm", ["remove", "change"])
def test_an_archive_that_is_damaged_is_not_rebuilt_from(settings: Settings, harm: str) -> None:
    *_, last = play_days(settings, 2)
    victim = archive_files(settings.archive_dir)[0]
    if harm == "remove":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-20])
    refused = run_rebuild(settings)
    assert refused.status is RunStatus.FAILED
    assert victim.name in refused.error
    assert current_release(settings.data_dir) == last.release
    (settings.data_dir / "current").unlink()
    assert run_rebuild(settings).exit_status == 0


@pytest.mark.parametrize("files_at_once", [1, 50])
def test_a_revisit_is_read_from_a_file_that_is_not_loaded_yet(
    settings: Settings,
    site: DemoSite,
    contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
    files_at_once: int,
) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url, "article_sources": ()})
    for hour in (2, 3, 4):
        assert run_daily(on_site, slot=datetime(2025, 12, 22, hour, tzinfo=UTC)).exit_status == 0
    before = contents(settings.data_dir)
    monkeypatch.setattr("ca_etl.pipeline.load.MOST_FILES", files_at_once)
    again = run_rebuild(on_site)
    assert again.loaded is not None
    assert (again.exit_status, again.loaded.archive_files, again.loaded.rejects) == (0, 3, 0)
    assert contents(settings.data_dir) == before


@pytest.mark.parametrize("files_at_once", [1, 50])
def test_a_page_that_repeats_one_of_a_later_slot_is_kept_by_a_rebuild(
    settings: Settings,
    site: DemoSite,
    contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
    files_at_once: int,
) -> None:
    """Its 304 refers to a capture whose file sorts after its own."""
    monkeypatch.setattr(load, "MOST_FILES", files_at_once)
    site.play(date(2025, 12, 5))
    on_site = settings.model_copy(update={"site_url": site.base_url})
    for slot in (datetime(2025, 12, 5, 9, tzinfo=UTC), datetime(2025, 12, 5, 2, tzinfo=UTC)):
        environment = Environment(clock=clock_from(datetime(2025, 12, 5, 9, 5, tzinfo=UTC)), trust_clock=True)
        outcome = run_daily(on_site, slot=slot, environment=environment)
        assert outcome.exit_status == 0, outcome.error
    assert outcome.captured is not None
    assert {page.verdict for page in outcome.captured.pages} == {Verdict.UNCHANGED}
    before = contents(settings.data_dir)
    assert run_rebuild(on_site).exit_status == 0
    assert contents(settings.data_dir) == before


def test_a_revisit_is_read_once_its_original_is_ingested(
    settings: Settings, site: DemoSite, tmp_path: Path, query: Query, contents: Contents
) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url, "article_sources": ()})
    for day, hour in ((21, 2), (22, 2), (22, 3)):
        site.play(date(2025, 12, day))
        assert run_daily(on_site, slot=datetime(2025, 12, day, hour, tzinfo=UTC)).exit_status == 0
    other_day, pages, unchanged = archive_files(settings.archive_dir)
    there = on_site.model_copy(update={"data_dir": tmp_path / "there"})
    assert run_ingest(there, GivenFiles((other_day, unchanged), None)).exit_status == 0
    assert query("select distinct reason from raw.reject", there.data_dir) == [("unresolved_revisit",)]
    assert run_ingest(there, GivenFiles((pages,), None)).exit_status == 0
    assert query("from raw.reject", there.data_dir) == []
    ingested = contents(there.data_dir)
    assert run_rebuild(there).exit_status == 0
    assert contents(there.data_dir) == ingested


def test_what_an_earlier_parser_rejected_is_read_again_and_nothing_else(
    settings: Settings, query: Query, contents: Contents, rewritten: Callable[[Path], Any]
) -> None:
    (played,) = play_days(settings, 1, faults={DAY: Fault(no_ticker=True, paths=frozenset({"/latest/"}))})
    assert played.exit_status == 0
    assert query("select reason from etl_reject") == [("no_ticker",)]
    before = contents(settings.data_dir)
    with rewritten(played.release.folder) as con:  # type: ignore[union-attr]
        con.execute("update raw.reject set parser_version = 'of long ago'")
    again = run_rebuild(settings, only_rejects=True)
    assert again.exit_status == 0
    assert again.loaded is not None
    assert (again.loaded.archive_files, again.loaded.captures, again.loaded.rejects) == (1, 1, 1)
    assert contents(settings.data_dir) == before
    nothing = run_rebuild(settings, only_rejects=True)
    assert nothing.loaded is not None
    assert nothing.loaded.archive_files == 0


def test_a_rebuild_from_archive_journal_and_decisions_alone_reads_the_site_from_the_archive(
    settings: Settings, contents: Contents
) -> None:
    list(play_days(settings, 2))
    before = contents(settings.data_dir)
    remove_tree(settings.data_dir / "releases")
    for name in ("current", "site.txt", "articles.json"):
        (settings.data_dir / name).unlink()
    with_contact = settings.model_copy(update={"contact": "me@example.org"})
    december = DateRange(date(2025, 12, 1), date(2025, 12, 5))
    for request in (run_daily, partial(run_backfill, days=december)):
        with pytest.raises(UsageError, match=r"holds captures of loopback, not of timesca\.com"):
            request(with_contact)
    assert not (settings.data_dir / "site.txt").exists()
    assert run_rebuild(settings).exit_status == 0
    assert contents(settings.data_dir) == before
    assert (settings.data_dir / "site.txt").read_text() == "loopback\n"


@pytest.mark.parametrize(
    ("verdict", "named"),
    [
        (Verdict.OK, "have pages of several sites (one.org, two.org)"),
        (Verdict.BLOCKED, "have no usable page"),
    ],
)
def test_an_archive_that_names_no_one_site_is_not_rebuilt_without_a_site_file(
    settings: Settings, verdict: Verdict, named: str
) -> None:
    noon = datetime(2025, 12, 22, 12, tzinfo=UTC)
    for site in ("one.org", "two.org"):
        name = f"20251222T020000Z-timesca-{site[:3]}"
        with ArchiveWriter(settings.archive_dir, name, source="timesca", info={}, clock=lambda: noon) as out:
            out.add(Attempt(f"https://{site}/", 1, noon, verdict, "", status=200))
    refused = run_rebuild(settings)
    assert refused.exit_status == 1
    assert "site.txt is missing" in refused.error
    assert named in refused.error
    assert refused.hint.startswith("echo ")
    assert current_release(settings.data_dir) is None


@pytest.fixture
def ingested(settings: Settings, site: DemoSite, tmp_path: Path) -> Settings:
    """A data directory of one ingested page of timesca.com."""
    page = tmp_path / "page.html"
    with urlopen(site.base_url) as response:
        page.write_bytes(response.read())
    outcome = run_ingest(settings, GivenFiles((page,), "https://timesca.com/"))
    assert outcome.loaded is not None
    assert outcome.loaded.rates > 0
    return settings


def test_a_rebuild_that_would_lose_most_of_the_release_publishes_nothing(ingested: Settings) -> None:
    before = current_release(ingested.data_dir)
    (ingested.data_dir / "site.txt").write_text("elsewhere.org\n")
    refused = run_rebuild(ingested)
    assert refused.exit_status == 1
    assert "most of the current release would be lost" in refused.error
    assert "0 of 5 rates" in refused.error
    assert "site.txt" in refused.hint
    assert current_release(ingested.data_dir) == before
    assert run_rebuild(ingested, environment=Environment(accept_loss=True)).exit_status == 0
    assert current_release(ingested.data_dir) != before


def test_a_rebuild_in_which_every_capture_is_a_reject_publishes_nothing(ingested: Settings) -> None:
    (ingested.data_dir / "current").unlink()
    (ingested.data_dir / "site.txt").write_text("elsewhere.org\n")
    refused = run_rebuild(ingested)
    assert refused.exit_status == 1
    assert "no rate and no article came of the 1 capture in" in refused.error
    assert "a page of timesca.com, not of elsewhere.org" in refused.error
    assert current_release(ingested.data_dir) is None
    assert run_rebuild(ingested, environment=Environment(accept_loss=True)).exit_status == 0


def test_a_rebuild_reads_the_site_of_the_directory_not_of_the_settings(
    ingested: Settings, contents: Contents
) -> None:
    before = contents(ingested.data_dir)
    elsewhere = ingested.model_copy(update={"site_url": HttpUrl("https://elsewhere.org/")})
    assert run_rebuild(elsewhere).exit_status == 0
    assert contents(ingested.data_dir) == before


def test_a_rebuild_of_a_mistyped_path_makes_nothing_and_names_it(settings: Settings) -> None:
    with pytest.raises(UsageError, match="has no archive file") as refused:
        run_rebuild(settings)
    assert str(settings.data_dir) in str(refused.value)
    assert not settings.data_dir.exists()
