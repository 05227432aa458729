"""`sql`, `export`, `decide` and `rollback`, as a shell runs them."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ca_etl.demo.faults import Fault
from ca_etl.pipeline.play import play_days
from ca_etl.settings import Settings

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of three days of the demo, the second without a page. Not to be written to."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("days"), demo_port=0, _env_file=None)
    list(play_days(settings, 3, faults={date(2025, 12, 21): Fault(status=503)}))
    return settings.data_dir


@pytest.mark.slow
def test_sql_gives_every_form_with_exact_decimals(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    query = "select base, rate from fct_rate_daily where base = 'UZS'"
    assert cli("sql", query, "--format", "csv").stdout == "base,rate\nUZS,0.00008000\n"
    assert json.loads(cli("sql", query, "--format", "json").stdout) == [{"base": "UZS", "rate": 0.00008}]
    assert "0.00008000" in cli("sql", query).stdout
    out = tmp_path / "rows.parquet"
    assert cli("sql", query, "--format", "parquet", "--output", out).returncode == 0
    assert str(pq.read_table(out).to_pylist()) == "[{'base': 'UZS', 'rate': Decimal('0.00008000')}]"


@pytest.mark.slow
def test_a_query_comes_from_stdin_as_well(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    assert cli("sql", "-", "-f", "csv", stdin="select 1 as one").stdout == "one\n1\n"


@pytest.mark.slow
def test_tables_are_exported_to_files(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    out = tmp_path / "out"
    done = cli("export", out, "--table", "fct_rate_daily", "--format", "csv")
    assert done.stdout.split() == [
        str(out / name) for name in ("fct_rate_daily.csv", "datapackage.json", "metadata.json")
    ]
    assert len((out / "fct_rate_daily.csv").read_text().splitlines()) == 6
    assert cli("export", out, "--table", "fct_nothing").returncode == 2
    assert cli("export", out).returncode == 0
    assert pq.read_table(out / "dim_currency.parquet").num_rows >= 6


def test_exported_parquet_is_described_in_its_footer(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    assert cli("export", tmp_path / "out", "-t", "dim_currency").returncode == 0
    schema = pq.read_schema(tmp_path / "out" / "dim_currency.parquet")
    assert schema.metadata[b"description"].startswith(b"One row per currency")
    assert schema.field("name").metadata == {b"description": b"English name of the currency."}


def test_a_csv_export_is_described_with_or_without_apostrophes(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    for options, is_marked in (((), True), (("--raw",), False)):
        assert cli("export", tmp_path / "out", "-f", "csv", "-t", "dim_source", *options).returncode == 0
        package = json.loads((tmp_path / "out" / "datapackage.json").read_text())
        assert ("apostrophe" in package.get("description", "")) is is_marked
        assert [resource["path"] for resource in package["resources"]] == ["dim_source.csv"]
        metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
        assert metadata.get("description") == package.get("description")
        assert metadata["license"].startswith("No license: the pages belong to the site")
        assert metadata["source"] == "The Times of Central Asia"


@pytest.mark.slow
def test_the_status_shows_the_last_rate_of_each_bank_where_the_release_has_their_tables(
    cli: Cli, settings: Settings, tmp_path: Path
) -> None:
    list(play_days(settings.model_copy(update={"sources": ("nbkr", "nbt")}), 1))
    days = settings.data_dir

    def last_rates(data_dir: Path) -> dict[str, str | None]:
        report = json.loads(cli("status", "--json", CA_ETL_DATA_DIR=str(data_dir)).stdout)
        return {line["source"]: line["last_rate_date"] for line in report["freshness"] if line["captures"]}

    query = "select source, max(rate_date) as day from fct_official_rate where captures > 0 group by all"
    given = cli("sql", query, "-f", "json", CA_ETL_DATA_DIR=str(days)).stdout
    banks = {row["source"]: row["day"] for row in json.loads(given)}
    assert banks
    pages = {"timesca": "2025-12-22", "timesca-posts": None}
    assert last_rates(days) == pages | banks
    earlier = Path(shutil.copytree(days, tmp_path / "earlier", symlinks=True)) / "current"
    folder = earlier.resolve()
    for path in (folder, folder / "warehouse.duckdb", folder / "datapackage.json"):
        path.chmod(0o755)
    (folder / "datapackage.json").unlink()
    with duckdb.connect(folder / "warehouse.duckdb") as con:
        con.execute("drop table main.fct_official_rate")
    assert last_rates(tmp_path / "earlier") == pages | dict.fromkeys(banks)


@pytest.mark.slow
def test_decide_writes_a_line_that_a_person_can_read(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    capture_id = cli("sql", "select capture_id from raw.capture", "-f", "csv").stdout.split()[1]
    assert cli("decide", "exclude", capture_id, "--reason", "ten times, too high").returncode == 0
    lines = (data_dir / "decisions.csv").read_text().splitlines()
    assert lines[0] == "capture_id,decision,reason,decided_at"
    assert lines[1].startswith(f'{capture_id},exclude,"ten times, too high",')


@pytest.mark.slow
def test_a_decision_about_nothing_or_for_no_reason_is_wrong_usage(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    cli("ingest", page)
    assert cli("decide", "exclude", "urn:uuid:nonsense", "--reason", "why not").returncode == 2
    capture_id = cli("sql", "select capture_id from raw.capture", "-f", "csv").stdout.split()[1]
    assert cli("decide", "accept", capture_id, "--reason", " ").returncode == 2
    assert not (data_dir / "decisions.csv").exists()


@pytest.mark.slow
def test_a_rollback_that_fails_is_not_a_crashed_run(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    assert cli("rollback", "typo").returncode == 1
    cli("ingest", page)
    runs = cli("sql", "select distinct status from etl_run", "-f", "csv").stdout
    assert runs == "status\nsucceeded\n"


@pytest.mark.slow
def test_what_a_failed_check_stopped_can_be_queried(cli: Cli) -> None:
    assert cli("sql", "select 1", "--failed").returncode == 2
    assert cli("demo", "--wrong", "2025-12-22").returncode == 3
    counted = cli(
        "sql",
        "select count(*) as n from fct_rate_observation where rate > 0.01 and base = 'KZT'",
        "--failed",
        "-f",
        "csv",
    )
    assert int(counted.stdout.split()[1]) > 0


@pytest.mark.slow
def test_an_export_into_a_release_is_refused(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    assert cli("export", data_dir / "current").returncode == 2
    assert cli("export", data_dir / "current" / "parquet").returncode == 2


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.skipif(
    duckdb.__version__ >= "2", reason="the extensions of DuckDB exist as packages for 1.5.5 only"
)
def test_a_release_is_published_once_in_a_ducklake(
    cli: Cli, page: Path, data_dir: Path, tmp_path: Path
) -> None:
    cli("ingest", page)
    first = cli("export", "--to", "ducklake:lake", "--data-path", "data")
    assert (first.returncode, first.stdout) == (0, f"ducklake:{tmp_path}/lake\n")
    release_id = (data_dir / "current").resolve().name
    assert first.stderr.startswith(
        f"published {release_id} in ducklake:{tmp_path}/lake as snapshot 1: tables written "
    )
    second = cli("export", "--to", "ducklake:lake")
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert second.stderr == f"ducklake:{tmp_path}/lake shows {release_id} already, and nothing is changed\n"
    assert cli("export", "--to", f"ducklake:{data_dir}/current/lake").returncode == 2
    assert list((tmp_path / "data").rglob("fct_rate_daily/*.parquet"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "an export is to a folder, or with --to to a DuckLake"),
        (("out", "--force"), "an export is to a folder"),
        (("out", "--to", "ducklake:lake"), "--to publishes all tables in a DuckLake, and has no folder"),
        (("--to", "ducklake:lake", "--format", "csv"), "--to publishes all tables in a DuckLake"),
        (("out", "--to", "ducklake:postgres:dbname=lake password=geheim"), "PGPASSWORD"),
    ],
)
def test_an_export_to_a_ducklake_has_options_of_its_own(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    done = cli("export", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "geheim" not in done.stderr


def test_an_export_has_no_form_for_people_and_lists_those_that_it_has(
    cli: Cli, page: Path, tmp_path: Path
) -> None:
    cli("ingest", page)
    refused = cli("export", tmp_path / "out", "--format", "table")
    assert refused.returncode == 2
    assert "'table' is not one of 'parquet', 'csv', 'json'" in " ".join(refused.stderr.split())
    assert "table" not in cli("export", "--help").stdout.partition("--format")[2].partition("--raw")[0]


def test_an_amount_is_converted_with_its_interval_and_the_source_of_the_rate(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    done = cli("convert", "5000", "kgs", "usd", "--on", "2025-12-05")
    assert done.stdout == (
        "57.200 USD (from 57.175 to 57.225) on 2025-12-05\nKGS: rate of file for 2025-12-05\n"
    )
    assert cli("convert", "5000", "KGS", "USD").stdout == done.stdout
    shown = json.loads(cli("convert", "5000", "KGS", "USD", "--json").stdout)
    assert (shown["quote_amount"], shown["base_source"]) == ("57.20000000", "file")


def test_what_cannot_be_converted_is_wrong_usage_with_the_reason(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    unknown = cli("convert", "5000", "XXX", "USD")
    assert unknown.returncode == 2
    assert "5000 XXX cannot be converted to USD on 2025-12-05: there are no rates of XXX\n" in unknown.stderr
    both = cli("convert", "5000", "XXX", "AAA")
    assert "there are no rates of AAA and XXX\n" in both.stderr
    assert "there are no rates of XXX\n" in cli("convert", "5000", "XXX", "XXX").stderr
    for amount in ("many", "NaN", "Infinity"):
        assert f"{amount!r} is not an amount" in cli("convert", amount, "KGS", "USD").stderr


@pytest.mark.parametrize("amount", ["1" * 17, "0.000000001", "1e30"])
def test_an_amount_of_too_many_digits_is_out_of_range(cli: Cli, days: Path, amount: str) -> None:
    done = cli("convert", amount, "KGS", "USD", CA_ETL_DATA_DIR=str(days))
    assert done.returncode == 2
    assert f"{amount} is out of range: at most 16 digits before and 8 after the decimal point" in done.stderr
    assert done.stderr.endswith("next: ca-etl convert 5000 KGS USD\n")


def test_a_debt_is_a_negative_amount_and_no_option(cli: Cli, days: Path) -> None:
    done = cli("convert", "-5", "KGS", "USD", "--json", CA_ETL_DATA_DIR=str(days))
    shown = json.loads(done.stdout)
    assert (
        Decimal(shown["quote_amount_low"])
        < Decimal(shown["quote_amount"])
        < Decimal(shown["quote_amount_high"])
    )
    assert Decimal(shown["quote_amount_high"]) < 0


def test_a_filled_rate_names_the_day_that_it_is_of(cli: Cli, days: Path) -> None:
    done = cli("convert", "5", "KGS", "USD", "--on", "2025-12-21", CA_ETL_DATA_DIR=str(days))
    assert done.stdout.splitlines()[1] == (
        "KGS: rate of timesca for 2025-12-20, filled: 2025-12-21 has no rate of its own"
    )


def test_a_day_without_a_rate_is_explained_in_words(cli: Cli, days: Path) -> None:
    for day, reason in (
        ("2020-01-01", "the day is before the first rate of KGS"),
        ("2030-01-01", "the day is after the last rate of KGS"),
    ):
        done = cli("convert", "5", "KGS", "USD", "--on", day, CA_ETL_DATA_DIR=str(days))
        assert f"cannot be converted to USD on {day}: {reason}\n" in done.stderr
        assert "_rate" not in done.stderr.partition("next:")[0]


@pytest.fixture
def searched(days: Path) -> dict[str, str]:
    """The variable with which a command searches the three days."""
    if duckdb.__version__ >= "2":
        pytest.skip("the extensions of DuckDB exist as packages for 1.5.5 only")
    return {"CA_ETL_DATA_DIR": str(days)}


def test_a_search_shows_day_countries_address_and_the_text_around_the_words(
    cli: Cli, searched: dict[str, str]
) -> None:
    done = cli("search", '"covered bazaar" panel', "--limit", "1", **searched)
    title, origin, text = done.stdout.splitlines()
    assert re.fullmatch(r"1\. Solar Panels for \w+ Bazaar: Who Pays\?", title)
    assert re.fullmatch(r"   2025-\d\d-\d\d  \w+  http://127\.0\.0\.1:\d+/solar-panels-.*/", origin)
    assert re.match(r"   .*The roof of the covered bazaar in \w+ will carry solar panels", text)
    made, matched = done.stderr.splitlines()
    assert re.fullmatch(r"making the index of \d+ texts, once per release", made)
    assert re.fullmatch(r"(1 article|\d+ articles \(1 shown\)) matched.*", matched)


def test_a_search_gives_csv_and_json_with_the_number_of_matches_on_stderr(
    cli: Cli, searched: dict[str, str]
) -> None:
    as_json = cli("search", "the", "-f", "json", "--limit", "2", **searched)
    names = "day,title,snippet,countries,score,is_latest,valid_from,valid_to,author,url,article_id,revision"
    rows = json.loads(as_json.stdout)
    assert [list(row) for row in rows] == [names.split(",")] * 2
    as_csv = cli("search", "the", "-f", "csv", "--limit", "2", **searched)
    header, *lines = csv.reader(as_csv.stdout.splitlines())
    assert header == names.split(",")
    assert [line[10] for line in lines] == [row["article_id"] for row in rows]
    ((articles, shows),) = re.findall(
        r"(\d+) articles \(2 shown\) matched: --limit (\d+) shows all", as_csv.stderr
    )
    assert articles == shows


def test_a_search_without_a_match_names_the_words_that_no_article_has(
    cli: Cli, searched: dict[str, str]
) -> None:
    done = cli("search", "the zebra", "--from", "2025-12-20", "--to", "2025-12-22", **searched)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[1:] == [
        "no article matches 'the zebra'; no article has zebra",
        "next: ca-etl search --any 'the zebra'",
    ]


def test_what_cannot_be_searched_is_wrong_usage(cli: Cli, searched: dict[str, str]) -> None:
    for arguments in (
        ("--",),
        ("the", "--country", "Narnia"),
        ("the", "--from", "today"),
        ("the", "--from", "2025-12-02", "--to", "2025-12-01"),
        ("the", "--limit", "0"),
    ):
        assert cli("search", *arguments, **searched).returncode == 2, arguments


def test_a_terminal_shows_the_words_in_bold(
    on_terminal: Callable[..., str], searched: dict[str, str]
) -> None:
    shown = on_terminal("search", "panels", "--limit", "1", columns=60, **searched)
    assert "Solar \x1b[1mPanels\x1b[0m for" in shown
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in shown.splitlines()[1:]) <= 60


def test_a_long_title_is_cut_on_a_terminal_and_whole_elsewhere(
    cli: Cli, on_terminal: Callable[..., str], searched: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(searched["CA_ETL_DATA_DIR"], tmp_path / "long", symlinks=True)
    title = f"Zebra {994 * 'panels '}"
    with duckdb.connect(str(tmp_path / "long" / "current" / "warehouse.duckdb")) as con:
        con.execute("update staging.stg_article_revision set title = $1", [title])
    (tmp_path / "long" / "current" / "datapackage.json").unlink()  # it lists the size of the file
    arguments = ("search", "zebra", "--limit", "1")
    shown = on_terminal(*arguments, columns=60, CA_ETL_DATA_DIR=str(tmp_path / "long"))
    lines = shown.partition("1. ")[2].partition("   2025-")[0].splitlines()
    assert len(lines) in {2, 3}
    assert lines[-1].endswith("…")
    as_json = cli(*arguments, "-f", "json", CA_ETL_DATA_DIR=str(tmp_path / "long")).stdout
    assert json.loads(as_json)[0]["title"] == title
    assert title.strip() in cli(*arguments, CA_ETL_DATA_DIR=str(tmp_path / "long")).stdout


@pytest.mark.slow
def test_the_report_of_the_release_is_named_and_opened(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    browser, shown = tmp_path / "browser", tmp_path / "shown"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}\n')
    browser.chmod(0o755)
    done = cli("report", "--open", BROWSER=f"{browser} %s")
    path = Path(done.stdout.strip())
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text().startswith("<!doctype html>")
    assert shown.read_text().strip() == path.resolve().as_uri()


@pytest.mark.slow
def test_a_report_is_made_anew_of_a_release_without_one(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    report = data_dir / "current" / "report.html"
    published = report.read_bytes()
    report.resolve().parent.chmod(0o755)
    report.resolve().unlink()
    lacking = cli("report")
    assert lacking.returncode == 1
    assert lacking.stderr.endswith(" has no report.html\nnext: ca-etl report --output report.html\n")
    (descriptor := data_dir / "current" / "datapackage.json").resolve().chmod(0o644)
    facts = json.loads(descriptor.read_text())
    facts["resources"] = [entry for entry in facts["resources"] if entry["path"] != "report.html"]
    descriptor.write_text(json.dumps(facts))
    made = cli("report", "--output", "report.html")
    assert made.stdout == "report.html\n"
    assert (data_dir.parent / "report.html").read_bytes() == published
