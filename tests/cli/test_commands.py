from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ca_etl.warehouse.lock import Holder, run_lock

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def test_an_ingest_prints_the_release_on_stdout_and_the_rest_on_stderr(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    done = cli("ingest", page)
    assert (done.returncode, Path(done.stdout.strip()).name) == (0, (data_dir / "current").resolve().name)
    assert "5 rates" in done.stderr
    assert "2 articles" in done.stderr


def test_sql_answers_in_every_form_with_exact_decimals(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    query = "select base, rate from fct_rate_daily where base = 'UZS'"
    assert cli("sql", query, "--format", "csv").stdout == "base,rate\nUZS,0.00008000\n"
    assert json.loads(cli("sql", query, "--format", "json").stdout) == [{"base": "UZS", "rate": 0.00008}]
    assert "0.00008000" in cli("sql", query).stdout
    out = tmp_path / "rows.parquet"
    assert cli("sql", query, "--format", "parquet", "--output", out).returncode == 0
    assert str(pq.read_table(out).to_pylist()) == "[{'base': 'UZS', 'rate': Decimal('0.00008000')}]"


def test_a_query_comes_from_stdin_as_well(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    assert cli("sql", "-", "-f", "csv", stdin="select 1 as one").stdout == "one\n1\n"


def test_sql_that_does_not_run_is_told_in_the_words_of_duckdb(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    failed = cli("sql", "select nothing from nowhere")
    assert failed.returncode == 1
    assert "nowhere" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_sql_can_neither_write_nor_read_other_files(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    for query in ("drop table fct_article", "create table x as select 1", f"from '{page}'"):
        failed = cli("sql", query)
        assert failed.returncode == 1, query
        assert "next:" in failed.stderr
    assert list(tmp_path.glob("*.csv")) == []


def test_wrong_usage_exits_2_and_says_what_to_type(cli: Cli) -> None:
    assert cli("run", "--slot", "yesterday").returncode == 2
    nothing = cli("sql", "select 1")
    assert nothing.returncode == 2
    assert "ca-etl run" in nothing.stderr
    no_contact = cli("run")
    assert no_contact.returncode == 2
    assert "CA_ETL_CONTACT" in no_contact.stderr
    bad_setting = cli("status", CA_ETL_TIMEZONE="Asia/Atlantis")
    assert bad_setting.returncode == 2
    assert "CA_ETL_TIMEZONE" in bad_setting.stderr


def test_status_tells_freshness_runs_checks_and_rejects(cli: Cli, page: Path) -> None:
    assert "nothing is published yet" in cli("status").stdout
    cli("ingest", page)
    told = cli("status").stdout
    assert "2025-12-05" in told
    assert "succeeded" in told
    status = json.loads(cli("status", "--json").stdout)
    assert [run["kind"] for run in status["runs"]] == ["ingest"]
    assert status["release"] == status["runs"][0]["release_id"]


def test_status_tells_what_the_sources_of_articles_answered(cli: Cli) -> None:
    assert cli("demo", "--days", "1").returncode == 0
    (told,) = json.loads(cli("status", "--json").stdout)["articles"]
    assert (told["source"], told["outcome"]) == ("timesca-posts", "observed")
    assert "articles from" in cli("status").stdout


def test_releases_are_listed_and_rolled_back(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    first = (data_dir / "current").resolve()
    cli("ingest", page)
    second = (data_dir / "current").resolve()
    listed = cli("releases").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [first.name, "*"]
    assert cli("rollback").stdout.strip().endswith(first.name)
    assert (data_dir / "current").resolve() == first
    assert cli("rollback", second.name).returncode == 0
    assert cli("rollback", "20200101T000000Z").returncode == 1


def test_models_are_listed_with_their_parents(cli: Cli) -> None:
    parents = "main.fct_rate_observation, staging.stg_rate_day, staging.stg_slot_rate_outcome"
    assert f"main.fct_rate_daily  <- {parents}" in cli("models").stdout


def test_tables_are_exported_to_files(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    out = tmp_path / "out"
    done = cli("export", out, "--table", "fct_rate_daily", "--format", "csv")
    assert done.stdout.strip() == str(out / "fct_rate_daily.csv")
    assert len((out / "fct_rate_daily.csv").read_text().splitlines()) == 6
    assert cli("export", out, "--table", "fct_nothing").returncode == 2
    assert cli("export", out).returncode == 0
    assert pq.read_table(out / "dim_currency.parquet").num_rows >= 6


def test_a_second_run_at_once_exits_75_and_says_who_holds_the_lock(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    from datetime import UTC, datetime

    from ca_etl.warehouse.lock import Holder, run_lock

    with run_lock(data_dir, Holder.here("20251205T020000Z", "run", datetime.now(UTC))):
        second = cli("ingest", page)
    assert second.returncode == 75
    assert "20251205T020000Z" in second.stderr
    assert "pid" in second.stderr


def test_the_demo_and_a_real_site_do_not_share_a_data_directory(cli: Cli) -> None:
    assert cli("demo").returncode == 0
    refused = cli("run", CA_ETL_CONTACT="someone@example.org")
    assert refused.returncode == 2
    assert "CA_ETL_DATA_DIR" in refused.stderr


def test_the_demo_plays_an_outage_and_a_wrong_rate(cli: Cli) -> None:
    done = cli("demo", "--days", "3", "--outage", "2025-12-21", "--wrong", "2025-12-22")
    assert done.returncode == 3
    assert "503" in done.stderr
    assert "ca-etl status" in done.stderr
    assert "KZT" in cli("status").stdout


def test_the_releases_are_listed_though_the_current_one_lacks_its_warehouse(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    for _ in range(2):
        cli("ingest", page)
    current = (data_dir / "current").resolve()
    current.chmod(0o755)
    (current / "warehouse.duckdb").unlink()
    listed = cli("releases")
    assert listed.returncode == 0
    assert [line[:2] for line in listed.stdout.splitlines()] == ["  ", "* "]
    assert "no warehouse.duckdb" in listed.stdout.splitlines()[1]


def test_decide_writes_a_line_that_a_person_can_read(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    capture_id = cli("sql", "select capture_id from raw.capture", "-f", "csv").stdout.split()[1]
    assert cli("decide", "exclude", capture_id, "--reason", "ten times, too high").returncode == 0
    lines = (data_dir / "decisions.csv").read_text().splitlines()
    assert lines[0] == "capture_id,decision,reason,decided_at"
    assert lines[1].startswith(f'{capture_id},exclude,"ten times, too high",')


def test_a_decision_about_nothing_or_for_no_reason_is_wrong_usage(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    cli("ingest", page)
    assert cli("decide", "exclude", "urn:uuid:nonsense", "--reason", "why not").returncode == 2
    capture_id = cli("sql", "select capture_id from raw.capture", "-f", "csv").stdout.split()[1]
    assert cli("decide", "accept", capture_id, "--reason", " ").returncode == 2
    assert not (data_dir / "decisions.csv").exists()


def test_a_rollback_that_fails_is_no_crashed_run(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    assert cli("rollback", "typo").returncode == 1
    cli("ingest", page)
    runs = cli("sql", "select distinct status from etl_run", "-f", "csv").stdout
    assert runs == "status\nsucceeded\n"


def test_what_a_failed_check_stopped_can_be_queried(cli: Cli) -> None:
    assert cli("sql", "select 1", "--failed").returncode == 2
    assert cli("demo", "--wrong", "2025-12-22").returncode == 3
    found = cli(
        "sql",
        "select count(*) as n from fct_rate_observation where rate > 0.01 and base = 'KZT'",
        "--failed",
        "-f",
        "csv",
    )
    assert int(found.stdout.split()[1]) > 0


def test_what_a_run_is_at_work_on_is_asked_of_nobody(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    holder = Holder.here("20251222T020000Z", "run", datetime(2025, 12, 22, 2, tzinfo=UTC))
    half_built = data_dir / "releases" / f"{holder.run_id}.building"
    with run_lock(data_dir, holder) as held:
        half_built.mkdir()
        (half_built / "warehouse.duckdb").write_bytes(b"half")
        for command in (
            ("sql", "select 1", "--failed"),
            ("decide", "exclude", "urn:uuid:1", "--reason", "why"),
        ):
            done = cli(*command)
            assert done.returncode == 75, done.stderr
            assert holder.run_id in done.stderr
        assert holder.run_id in cli("status").stdout
        held.recorded()
    shutil.rmtree(half_built)
    assert cli("sql", "select 1", "--failed").returncode == 2


def test_status_shows_some_rows_of_a_firing_check_below_the_table(cli: Cli) -> None:
    cli("demo", "--wrong", "2025-12-22")
    told = cli("status", COLUMNS="80").stdout
    assert "rate_does_not_jump" in told or "rate_is_plausible" in told
    assert "3 of " in told
    assert len(told.splitlines()) < 80


def test_an_empty_folder_gives_nothing_and_that_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "there is no file in what was given" in cli("ingest", tmp_path / "empty").stderr


def test_an_export_into_a_release_is_refused(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    assert cli("export", data_dir / "current").returncode == 2
    assert cli("export", data_dir / "current" / "parquet").returncode == 2


def test_a_query_that_fails_leaves_no_file(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    before = set(tmp_path.iterdir())
    assert cli("sql", "select error('boom')", "-f", "csv", "-o", tmp_path / "out.csv").returncode == 1
    assert set(tmp_path.iterdir()) == before


def test_a_warehouse_that_cannot_be_read_is_named_with_the_way_out(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    cli("ingest", page)
    warehouse = (data_dir / "current").resolve() / "warehouse.duckdb"
    warehouse.chmod(0o644)
    warehouse.write_bytes(b"nothing like a database" * 1000)
    for command in (("sql", "select 1"), ("status",), ("ingest", page)):
        failed = cli(*command)
        assert failed.returncode == 1, command
        assert "Traceback" not in failed.stderr, command
        assert "next:" in failed.stderr, command


@pytest.mark.parametrize(
    "setting",
    [
        {"CA_ETL_LISTING_PATHS": "/"},
        {"CA_ETL_LISTING_PATHS": "[]"},
        {"CA_ETL_MIN_INTERVAL_SECONDS": "inf"},
        {"CA_ETL_CONTACT": "ä漢"},
        {"CA_ETL_TIMEZONE": "America"},
        {"CA_ETL_DATA_DIR": "data", "CA_ETL_DEMO_PORT": "many"},
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_wrong_usage(cli: Cli, setting: dict[str, str]) -> None:
    done = cli("status", **setting)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "next:" in done.stderr


def test_status_shows_what_is_open_of_what_an_operator_was_told(cli: Cli, page: Path, data_dir: Path) -> None:
    from datetime import UTC, datetime

    from ca_etl.operate.alert_store import Alerts, OpenAlert, write

    assert cli("ingest", page).returncode == 0
    assert "open alert" not in cli("status").stdout
    since = datetime(2025, 12, 5, 2, tzinfo=UTC)
    write(data_dir, Alerts((OpenAlert("k", "The site refuses", "403", "ca-etl run", since, since),)))
    assert "The site refuses" in cli("status").stdout


def test_damaged_alerts_hide_nothing_else_of_the_status(cli: Cli, page: Path, data_dir: Path) -> None:
    assert cli("ingest", page).returncode == 0
    path = data_dir / "alerts.json"
    path.write_text("[")
    shown = cli("status")
    assert shown.returncode == 1
    assert "2025-12-05" in shown.stdout
    assert "no check fires" in shown.stdout
    told, following = shown.stderr.splitlines()
    assert told.startswith(f"ca-etl: {path} is no list of alerts: ")
    assert following.startswith(f"next: mv {path} {path}.damaged ")
    as_json = cli("status", "--json")
    assert as_json.returncode == 1
    (damage,) = json.loads(as_json.stdout)["damaged"]
    assert f"next: {damage['next_command']}" == following
    path.rename(data_dir / "alerts.json.damaged")
    assert cli("status").returncode == 0


def test_the_demo_site_is_served_until_somebody_interrupts_it(tmp_path: Path) -> None:
    import signal
    import urllib.request

    command = [str(Path(sys.executable).with_name("ca-etl")), "demo", "--serve"]
    environment = {**os.environ, "CA_ETL_DEMO_PORT": "0", "CA_ETL_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # a suite that a script starts in the background inherits an ignored SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}wp-json/wp/v2/posts?per_page=1", timeout=30) as answer:
            assert int(answer.headers["X-WP-Total"]) > 400
        serving.send_signal(signal.SIGINT)
        _, told = serving.communicate(timeout=30)
    assert serving.returncode == 130
    assert "ca-etl backfill --from 2025-12-01 --to 2025-12-22" in told
    assert "interrupted" in told


def test_a_list_that_is_no_json_is_told_with_what_a_list_is(cli: Cli) -> None:
    told = cli("status", CA_ETL_ARTICLE_SOURCES="posts,feed")
    assert told.returncode == 2
    assert "a list is JSON" in told.stderr
    assert "CA_ETL_ARTICLE_SOURCES" in told.stderr
