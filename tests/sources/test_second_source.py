"""A second source of rates is one module, its fixture, a line in `all_sources` and a line in the seed."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import ca_etl
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.parse.page import Parser
from ca_etl.parse.rows import SITE
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.play import slot_on
from ca_etl.pipeline.run import run_daily, run_rebuild
from ca_etl.records import LISTINGS
from ca_etl.settings import Settings
from ca_etl.sources import all_sources
from ca_etl.sources.source import Source
from ca_etl.warehouse.sqlfiles import sql_root
from tests.sources import seventh_bank, toy_bank

FIXTURE = Path(__file__).with_name("fixtures") / "toy_bank.json"
SEED = (
    'toy-bank,"A bank with one rate a day",,daily,Asia/Almaty,false,2\n'
    'seventh-bank,"A bank with a table of lines",,daily,Asia/Tashkent,false,\n'
)
COVERAGE = (
    "select outcome, reason, runs, captures, captures_with_rates from fct_coverage where source = 'toy-bank'"
)
OF_THE_DAY = (
    "select source, rate_text, observations, distinct_rates from fct_rate_daily"
    " inner join fct_rate_observation using (rate_date, base, quote, capture_id, source)"
    " where base = 'KGS' and rate_date = '2025-12-22'"
)
Query = Callable[..., list[tuple[Any, ...]]]
Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]


@pytest.fixture(autouse=True)
def _seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SQL files as a wheel has them, beside the package, with one more line in the seed of the sources."""
    package = tmp_path / "ca_etl"
    shutil.copytree(sql_root(), package / "sql")
    with (package / "sql" / "seeds" / "sources.csv").open("a", encoding="utf-8") as seed:
        seed.write(SEED)
    monkeypatch.setattr(ca_etl, "__file__", str(package / "__init__.py"))


@contextmanager
def bank(body: bytes, status: int = 200) -> Iterator[Source]:
    """The source of a bank on loopback that gives every request this response."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = body if self.path == "/rate" else b""
            # without a Date, since the days of the runs are past
            self.send_response_only(status if self.path == "/rate" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield toy_bank.source(f"http://127.0.0.1:{server.server_port}/rate")
        finally:
            server.shutdown()


def run_with(source: Source, settings: Settings, site: DemoSite, *, hours: int = 0) -> Outcome:
    at = slot_on(settings, site.day) + timedelta(hours=hours)
    environment = Environment(clock=clock_from(at), trust_clock=True, sources=(*all_sources(), source))
    on_site = settings.model_copy(
        update={"site_url": site.base_url, "article_sources": (), "sources": (source.name,)}
    )
    return run_daily(on_site, environment=environment)


def test_a_run_requests_archives_and_parses_it_and_a_rebuild_gives_the_same_rows(
    settings: Settings, site: DemoSite, query: Query, contents: Contents
) -> None:
    with bank(FIXTURE.read_bytes()) as source:
        outcome = run_with(source, settings, site)
        # the next run of the slot requests nothing
        again = run_with(source, settings, site, hours=1)
    assert (outcome.exit_status, outcome.warnings, again.exit_status) == (0, (), 0)
    assert query(
        "select source, schedule, records, parser_version from raw.archive_file order by slot, source"
    ) == [
        ("timesca", "daily", 4, SITE.version),
        ("toy-bank", "daily", 1, source.parser.version),
    ]
    assert query(
        "select page_kind, response_class, parser_version from raw.capture where source = 'toy-bank'"
    ) == [(None, "page", source.parser.version)]
    assert query(COVERAGE) == [("observed", None, 1, 1, 1)]
    assert query("select cadence from dim_source where source = 'toy-bank'") == [("daily",)]
    before = contents(settings.data_dir)
    environment = Environment(sources=(*all_sources(), source))
    assert run_rebuild(settings, environment=environment).exit_status == 0
    assert contents(settings.data_dir) == before


def test_a_seventh_bank_is_one_module_and_its_fixture(
    settings: Settings, site: DemoSite, query: Query, contents: Contents
) -> None:
    with bank(b"EUR;1;13980,0500;22.12.2025\nUSD;1;12037,4800;22.12.2025\n") as toy:
        (host,) = toy.hosts
        url = toy.request.args[0].removesuffix("rate")  # type: ignore[attr-defined]  a partial function
        source = seventh_bank.source(url)
        assert source.hosts == {host}
        assert run_with(source, settings, site).exit_status == 0
    of_the_bank = "where source = 'seventh-bank'"
    assert query(f"select base, quote, rate_date, rate from fct_official_rate {of_the_bank}") == [
        ("USD", "UZS", date(2025, 12, 22), Decimal("12037.48"))
    ]
    assert query(f"select outcome, reason from fct_coverage {of_the_bank}") == [("observed", None)]
    before = contents(settings.data_dir)
    assert run_rebuild(settings, environment=Environment(sources=(*all_sources(), source))).exit_status == 0
    assert contents(settings.data_dir) == before


def test_its_later_rate_never_replaces_the_ticker_of_the_day(
    settings: Settings, site: DemoSite, query: Query
) -> None:
    with bank(FIXTURE.read_bytes()) as source:
        assert run_with(source, settings, site, hours=2).exit_status == 0
    assert query(
        "select source, rate_text from fct_rate_observation where base = 'KGS' order by observed_at desc"
    )[0] == ("toy-bank", "0.0114351")
    ((name, _text, observations, distinct),) = query(OF_THE_DAY)
    assert (name, observations, distinct) == ("timesca", 4, 1)


def test_its_rate_counts_on_a_day_without_a_ticker(settings: Settings, site: DemoSite, query: Query) -> None:
    body = FIXTURE.read_bytes().replace(b"2025-12-22", b"2025-12-21")
    with bank(body) as source:
        assert run_with(source, settings, site).exit_status == 0
    assert query("select source, is_filled from fct_rate_daily where rate_date = '2025-12-21'") == [
        ("toy-bank", False)
    ]


@pytest.mark.parametrize(
    ("response", "rejects"),
    [
        ((b"{}", 503), ["http_error"]),
        ((b"<html>Sorry</html>", 200), ["bad_json"]),
        ((b"[]", 200), ["parser_error"]),
    ],
)
def test_its_failure_is_in_the_coverage_and_never_holds_up_the_ticker(
    settings: Settings, site: DemoSite, query: Query, response: tuple[bytes, int], rejects: list[str]
) -> None:
    with bank(*response) as source:
        assert run_with(source, settings, site).exit_status == 0
    assert query("select distinct reason from etl_reject") == [(reason,) for reason in rejects]
    ((outcome, _reason, runs, _captures, rates),) = query(COVERAGE)
    assert (outcome, runs, rates) == ("failed", 1, 0)
    assert query(OF_THE_DAY)[0][0] == "timesca"


def test_a_defect_in_its_module_never_holds_up_the_ticker(
    settings: Settings, site: DemoSite, query: Query
) -> None:
    def request(*_: object) -> None:
        raise KeyError("Cube")

    with bank(b"") as source:
        outcome = run_with(replace(source, request=request), settings, site)  # type: ignore[arg-type]
    assert (outcome.exit_status, outcome.warnings) == (0, ("toy-bank: failed (KeyError: 'Cube')",))
    assert query("select outcome, reason, captures from fct_coverage where source = 'toy-bank'") == [
        ("failed", "KeyError: 'Cube'", 0)
    ]


def test_a_day_whose_ticker_failed_is_failed_whatever_it_gave(
    settings: Settings, site: DemoSite, query: Query
) -> None:
    site.faults[site.day] = Fault(no_ticker=True)
    with bank(FIXTURE.read_bytes()) as source:
        assert run_with(source, settings, site).exit_status == 0
    assert query("select source, outcome from fct_coverage order by source") == [
        ("timesca", "failed"),
        ("toy-bank", "observed"),
    ]
    assert query("select source, outcome, cause from raw.slot order by source")[0] == (
        "timesca",
        "failed",
        "no_rates",
    )


@pytest.mark.parametrize("source", all_sources(), ids=lambda source: source.name)
def test_a_parser_can_be_sent_to_another_process(source: Source) -> None:
    assert pickle.loads(pickle.dumps(source.parser)) == source.parser  # noqa: S301  our own bytes
    assert isinstance(source.parser, Parser)


def test_no_query_names_the_source_of_the_ticker_but_the_seed() -> None:
    files = sorted(sql_root().glob("**/*.sql"))
    assert len(files) > 70
    assert [path.name for path in files if f"'{LISTINGS}'" in path.read_text(encoding="utf-8")] == []
