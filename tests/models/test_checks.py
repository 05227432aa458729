"""Every check: silent on a clean warehouse, and firing on the fault that it is for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest

from ca_etl.enrich.near_duplicates import MOST_WORDS
from ca_etl.pipeline.enrich import MOST_FIRST
from ca_etl.warehouse.checks import CheckError, collect_checks, run_checks
from ca_etl.warehouse.model_header import CheckSpec
from ca_etl.warehouse.models import Model, build_models, discover
from ca_etl.warehouse.raw_schema import ensure_raw
from ca_etl.warehouse.sqlfiles import sql_root

MODELS = discover(sql_root())
CHECKS = {check.name: check for check in collect_checks(sql_root(), MODELS)}
SHORT_FORMS = [
    (model, spec, column)
    for model in MODELS
    for spec in model.header.checks
    if spec.kind != "sql"
    for column in spec.columns
]

# A statement for every free check that makes the fault which the check is for.
FAULTS = {
    "fct_rate_observation_rate_is_positive": "update main.fct_rate_observation set rate = 0",
    "fct_rate_observation_interval_holds_rate": "update main.fct_rate_observation set rate_high = rate",
    "fct_rate_observation_inverse_interval_holds_inverse": (
        "update main.fct_rate_observation set inverse_low = inverse_high"
    ),
    "fct_rate_daily_interval_holds_rate": "update main.fct_rate_daily set rate_low = rate_high",
    "fct_rate_daily_inverse_interval_holds_inverse": "update main.fct_rate_daily set inverse_high = inverse_low",
    "fct_rate_daily_change_interval_holds_change": "update main.fct_rate_daily set change_pct_low = change_pct_high",
    "fct_rate_daily_series_has_no_gap": "delete from main.fct_rate_daily where is_filled and base = 'KZT'",
    "fct_rate_daily_filled_never_looks_observed": "update main.fct_rate_daily set change_pct = 0 where is_filled",
    "fct_rate_daily_a_stale_ticker_names_the_day_that_it_repeats": (
        "update main.fct_rate_daily set repeats_date = null, is_stale_suspect = true"
    ),
    "fct_rate_daily_rate_is_between_low_and_high_of_the_day": "update main.fct_rate_daily set day_low = 2 * rate",
    "fct_rate_daily_is_observed_where_a_capture_is": (
        "update main.fct_rate_daily set is_filled = true where rate_date = date '2025-12-07'"
    ),
    "fct_coverage_a_slot_is_observed_where_rates_are": "update main.fct_coverage set outcome = 'observed'",
    "fct_coverage_articles_are_observed_where_captures_are": (
        "update main.fct_coverage set source = 'timesca-posts', outcome = 'observed'"
    ),
    "fct_coverage_every_gap_has_a_reason": "update main.fct_coverage set articles_expected = 1",
    "fct_coverage_no_missed_slot_was_run": "update main.fct_coverage set runs = 1",
    "fct_article_removal_nothing_returns_before_it_was_found_away": (
        "update main.fct_article_removal set returned_at = found_at"
    ),
    "fct_article_removal_an_article_is_away_in_one_way_at_a_time": (
        "insert into main.fct_article_removal by name"
        " select * replace ('unlisted' as kind) from main.fct_article_removal"
    ),
    "stg_rate_period_days_fit_the_period": (
        "update staging.stg_rate_period set days_in_series = 8 where period_unit = 'week'"
    ),
    "stg_rate_period_average_lies_within_the_extremes": (
        "update staging.stg_rate_period set rate_average = 2 * rate_highest"
    ),
    "stg_rate_period_inverse_average_lies_within_the_extremes": (
        "update staging.stg_rate_period set inverse_average_high = inverse_average_low"
    ),
    "fct_official_rate_rate_is_plausible": "update main.fct_official_rate set inverse_rate = 10 where quote = 'KZT'",
    "fct_official_rate_rate_does_not_jump": (
        "insert into main.fct_official_rate by name select * replace (rate * 2 as rate, rate_date + 1 as rate_date)"
        " from main.fct_official_rate where quote = 'KZT'"
    ),
    "fct_rate_best_interval_holds_rate": "update main.fct_rate_best set rate_high = rate_low / 2",
    "fct_rate_best_a_filled_rate_is_of_an_earlier_day": "update main.fct_rate_best set is_filled = true",
    "fct_rate_best_series_has_no_gap": "delete from main.fct_rate_best where rate_date = date '2025-12-06'",
    "fct_rate_best_monthly_average_lies_in_its_interval": (
        "update main.fct_rate_best_monthly set rate_average = 2 * rate_average_high"
    ),
    "fct_rate_agreement_a_disagreement_has_a_cause": (
        "update main.fct_rate_agreement set verdict = 'disagrees', cause = null"
    ),
    "fct_rate_daily_wide_every_pair_has_columns": "update main.fct_rate_daily set base = 'XXX' where base = 'KGS'",
    "fct_article_last_seen_is_not_before_first": "update staging.stg_article set last_seen_date = date '2025-12-01'",
    "fct_article_duplicate_original_is_no_duplicate": "update main.fct_article_duplicate set article_id = duplicate_of",
    "fct_article_amount_dollars_lie_in_their_interval": "update main.fct_article_amount set amount_usd = 99",
    "fct_article_amount_every_amount_has_dollars_or_a_reason": (
        "update main.fct_article_amount set amount_usd_high = null"
    ),
    "stated_dollars_agree": "update main.fct_article_amount set stated_agrees = false",
    "fct_article_revision_first_state_alone_has_no_state_before": (
        "update staging.stg_article_revision set previous_title = 'A Road' where revision = 0"
    ),
    "fct_article_revision_states_follow_one_another": "update staging.stg_article_revision set revision = revision + 1",
    "fct_listing_page_untitled_are_among_the_parsed": "update main.fct_listing_page set articles_untitled = 9",
    "dim_currency_bounds_are_in_order": "update main.dim_currency set plausible_low = 0 where currency_code = 'KZT'",
    "etl_run_does_not_end_before_it_began": "update raw.run set finished_at = started_at - interval 1 second",
    "rate_is_plausible": "update main.fct_rate_observation set rate = rate * 10 where base = 'TMT'",
    "rate_does_not_jump": "update main.fct_rate_observation set rate = rate * 1.6 where capture_id = 'c2'",
    "captures_agree": (
        "insert into main.fct_rate_observation by name select * replace ('other' as capture_id, rate + 1 as rate)"
        " from main.fct_rate_observation limit 1"
    ),
    "captures_are_reconciled": "delete from raw.reject",
    "observations_have_captures": "delete from raw.capture where capture_id = 'c1'",
    "facts_hold_every_observation": "delete from main.fct_rate_observation where base = 'UZS'",
    "listing_is_complete": "update main.fct_listing_page set is_complete = false",
    "run_has_no_rejects": "update main.etl_reject set run_id = 'r1'",
    "near_duplicates_are_compared": "update raw.text_profile set words = 20001",
    "no_pair_is_missing": "delete from main.fct_rate_daily where base = 'TMT' and rate_date = date '2025-12-07'",
    "page_date_is_not_in_the_future": "update raw.capture set page_date = captured_date + 1 where capture_id = 'c1'",
    "rate_date_is_possible": "update main.fct_rate_observation set rate_date = date '2099-12-05'",
    "run_observes_rates": "delete from raw.rate_observation",
    "page_date_is_not_stale": "update main.fct_rate_observation set rate_date = captured_date - 8",
    "bank_rates_are_current": (
        "insert into main.fct_coverage by name select coverage.* replace ('nbk' as source, newest + 12 as day)"
        " from main.fct_coverage as coverage,"
        " (select max(rate_date) as newest from main.fct_official_rate where source = 'nbk')"
        " where outcome = 'observed' limit 1"
    ),
    "ticker_is_not_frozen": (
        "insert into main.fct_rate_observation by name"
        " select observed.* replace (rate_date + day::integer as rate_date, capture_order + day as capture_order)"
        " from main.fct_rate_observation as observed, range(1, 8) as days (day)"
        " where rate_date = (select max(rate_date) from main.fct_rate_observation)"
    ),
}


@contextmanager
def undone(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.begin()
    try:
        yield
    finally:
        con.rollback()


def as_table(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Lets a test change what a view shows."""
    if model.header.materialized == "view":
        con.execute(f"create temp table shown as from {model.name}; drop view {model.name}")
        con.execute(f"create table {model.name} as from shown; drop table shown")


def fault(spec: CheckSpec) -> str:
    faults = {
        "not_null": "null",
        "between": "-1",
        "accepted": "'77'",
        "references": "'nowhere'",
        "unique": "'same'",
    }
    return faults[spec.kind]


def test_no_check_fires_on_a_clean_warehouse(clean):
    results = run_checks(clean.con, sql_root(), "r1")
    assert [(result.check_name, result.sample) for result in results if result.offending_rows] == []
    assert {result.check_name for result in results} == set(CHECKS)


def test_every_table_of_the_clean_warehouse_has_rows(clean):
    for model in MODELS:
        assert clean.row(f"select count(*) > 0 from {model.name}") == (True,), model.name


def test_check_names_are_unique():
    assert len(CHECKS) == len(collect_checks(sql_root(), MODELS))


@pytest.mark.parametrize(
    ("texts", "run_id", "rows"), [(21, "r1", 0), (22, "r1", 22), (22, "r2", 0), (22, None, 22)]
)
def test_texts_that_share_a_band_with_more_than_can_be_compared_are_a_warning(given, texts, run_id, rows):
    numbers = range(1, texts + 1)
    warehouse = given(
        capture=[{"capture_id": "c1"}],
        article_observation=[
            {"capture_id": "c1", "position": number, "title": f"A Road {number}", "text_id": f"t{number}"}
            for number in numbers
        ],
        article_text=[{"text_id": f"t{number}", "text": f"Text {number}."} for number in numbers],
        text_profile=[{"text_id": f"t{number}", "bands": [7, 100 + number]} for number in numbers],
    )
    result = warehouse.checks(run_id)["near_duplicates_are_compared"]
    assert (result.severity, result.offending_rows) == ("warning", rows)


def test_the_bounds_of_the_check_are_those_of_the_comparison():
    sql = CHECKS["near_duplicates_are_compared"].sql
    assert f"count(*) > {MOST_FIRST + 1})" in sql
    assert f"words > {MOST_WORDS}" in sql


def test_every_free_check_has_its_fault_here():
    free = {spec.name for model in MODELS for spec in model.header.checks if spec.kind == "sql"}
    assert free | {path.stem for path in (sql_root() / "checks").glob("*.sql")} == set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_free_check_fires_on_its_fault(clean, name):
    with undone(clean.con):
        clean.con.execute("set variable run_id = 'r1'")
        assert clean.rows(CHECKS[name].sql) == []
        clean.con.execute(FAULTS[name])
        assert clean.rows(CHECKS[name].sql) != []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_grain_check_fires_on_an_equal_row_and_on_a_null_in_the_key(clean, model):
    query = CHECKS[f"{model.table}_grain"].sql
    with undone(clean.con):
        as_table(clean.con, model)
        assert clean.rows(query) == []
        clean.con.execute(f"insert into {model.name} from {model.name} limit 1")
        assert clean.rows(query) != []
    with undone(clean.con):
        as_table(clean.con, model)
        clean.con.execute(f"update {model.name} set {model.header.grain[-1]} = null")
        assert clean.rows(query) != []


@pytest.mark.parametrize(
    ("model", "spec", "column"), SHORT_FORMS, ids=[f"{spec.name}-{column}" for _, spec, column in SHORT_FORMS]
)
def test_a_short_form_fires_on_each_of_its_columns(clean, model, spec, column):
    query = CHECKS[spec.name].sql
    with undone(clean.con):
        as_table(clean.con, model)
        assert clean.rows(query) == []
        if spec.kind == "unique":
            clean.con.execute(f"insert into {model.name} from {model.name} limit 1")
        clean.con.execute(f"update {model.name} set {column} = {fault(spec)}")
        assert clean.rows(query) != []


def test_a_rate_ten_times_too_high_fires_and_the_sample_names_its_capture(given):
    warehouse = given(
        capture=[
            {"capture_id": "good", "page_date": "2025-12-05"},
            {"capture_id": "bad", "page_date": "2025-12-06"},
        ],
        rate_observation=[
            {"capture_id": "good", "rate_text": "0.01144"},
            {"capture_id": "bad", "rate_text": "0.11440"},
        ],
    )
    results = warehouse.checks()
    for name in ("rate_is_plausible", "rate_does_not_jump"):
        assert (results[name].offending_rows, results[name].severity) == (1, "error")
        assert "capture_id bad" in results[name].sample
        assert "0.11440" in results[name].sample


def test_a_jump_is_seen_over_days_without_a_capture_and_in_a_print_that_was_not_chosen(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-01"},
            {"capture_id": "b", "page_date": "2025-12-05", "archive_offset": 1},
            {"capture_id": "c", "page_date": "2025-12-05", "archive_offset": 2},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.01000"},
            {"capture_id": "b", "rate_text": "0.01501"},
            {"capture_id": "c", "rate_text": "0.01500"},
        ],
    )
    result = warehouse.checks()["rate_does_not_jump"]
    assert result.offending_rows == 1
    assert "capture_id b" in result.sample
    assert "earlier_date 2025-12-01, earlier_capture_id a" in result.sample


@pytest.mark.parametrize(("decision", "rates"), [("accept", 2), ("exclude", 1)])
def test_a_decision_about_the_capture_settles_the_checks_on_its_rates(given, decision, rates):
    warehouse = given(
        capture=[
            {"capture_id": "good", "page_date": "2025-12-05"},
            {"capture_id": "unusual", "page_date": "2025-12-06"},
        ],
        rate_observation=[
            {"capture_id": "good", "rate_text": "0.01144"},
            {"capture_id": "unusual", "rate_text": "0.11440"},
        ],
        decision=[{"capture_id": "unusual", "decision": decision}],
    )
    assert warehouse.row("select count(*) from main.fct_rate_observation") == (rates,)
    assert not warehouse.firing() & {
        "rate_is_plausible",
        "rate_does_not_jump",
        "facts_hold_every_observation",
    }


def test_a_currency_without_a_description_fires(given):
    warehouse = given(capture=[{"page_date": "2025-12-05"}], rate_observation=[{"base": "XXX"}])
    assert "fct_rate_observation_references_base" in warehouse.firing()


def test_a_capture_that_left_neither_rows_nor_rejects_fires(given):
    assert "captures_are_reconciled" in given(capture=[{"page_date": "2025-12-05"}]).firing()


def test_a_response_that_counts_no_post_is_complete_without_any(given):
    empty = {"page_date": "2025-12-05", "page_kind": "posts_api"}
    assert "captures_are_reconciled" not in given(capture=[empty | {"shown_total": 0}]).firing()
    assert "captures_are_reconciled" in given(capture=[empty | {"shown_total": 1}]).firing()


def test_an_undated_capture_whose_rows_are_in_no_fact_must_be_a_reject(given):
    assert "captures_are_reconciled" in given(capture=[{}], rate_observation=[{}]).firing()
    assert "captures_are_reconciled" not in given(capture=[{}], rate_observation=[{}], reject=[{}]).firing()


def test_articles_that_the_parser_counted_and_no_table_has_fire(given):
    warehouse = given(
        capture=[{"page_date": "2025-12-05", "articles_parsed": 2}], article_observation=[{"title": "A"}]
    )
    assert "captures_are_reconciled" in warehouse.firing()


def test_a_text_that_is_named_and_not_kept_fires(given):
    warehouse = given(
        capture=[{"page_date": "2025-12-05"}], article_observation=[{"title": "A Road", "text_id": "missing"}]
    )
    assert "observations_have_captures" in warehouse.firing()


def test_the_seed_pages_four_of_six_articles_are_a_warning_of_the_run_that_loaded_it_only(given):
    warehouse = given(
        capture=[
            {
                "page_date": "2025-12-05",
                "shown_from": 1,
                "shown_to": 6,
                "shown_total": 8,
                "articles_parsed": 4,
            }
        ]
    )
    result = warehouse.checks("r1")["listing_is_complete"]
    assert (result.severity, result.offending_rows) == ("warning", 1)
    assert "articles_expected 6, articles_parsed 4" in result.sample
    assert "listing_is_complete" not in warehouse.firing("r2")
    assert "listing_is_complete" in warehouse.firing(None)


def test_rejects_are_a_warning_of_the_run_that_made_them_only(given):
    warehouse = given(capture=[{}], reject=[{}])
    assert warehouse.checks("r1")["run_has_no_rejects"].severity == "warning"
    assert "run_has_no_rejects" in warehouse.firing("r1")
    assert "run_has_no_rejects" not in warehouse.firing("r2")


def test_rejects_are_counted_by_reason_the_most_frequent_first(given):
    reasons = ["undated", *["http_error"] * 10, *["no_ticker"] * 9]
    warehouse = given(
        capture=[{}],
        reject=[{"reason": reason, "position": number} for number, reason in enumerate(reasons, start=1)],
    )
    result = warehouse.checks("r1")["run_has_no_rejects"]
    assert (result.offending_rows, result.sample) == (20, "10 http_error\n9 no_ticker\n1 undated")


def test_a_pair_that_the_latest_day_no_longer_prints_is_a_warning(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-05"},
            {"capture_id": "b", "page_date": "2025-12-06"},
        ],
        rate_observation=[
            {"capture_id": "a", "base": "KGS"},
            {"capture_id": "a", "base": "TMT", "rate_text": "0.28571"},
            {"capture_id": "b", "base": "KGS"},
        ],
    )
    result = warehouse.checks()["no_pair_is_missing"]
    assert (result.severity, result.offending_rows) == ("warning", 1)
    assert "TMT" in result.sample


def test_every_warning_says_whether_it_alerts_and_an_error_never_does():
    assert {name for name, check in CHECKS.items() if check.alerts} == {
        "bank_rates_are_current",
        "no_pair_is_missing",
        "page_date_is_not_stale",
        "ticker_is_not_frozen",
    }
    assert [name for name, check in CHECKS.items() if check.alerts and check.severity == "error"] == []


def test_a_check_that_alerts_is_about_the_data_and_not_about_one_run():
    assert [name for name, check in CHECKS.items() if check.alerts and "getvariable" in check.sql] == []


def test_the_result_of_a_check_states_whether_it_alerts(clean):
    results = run_checks(clean.con, sql_root(), "r1")
    assert {result.check_name for result in results if result.alerts} == {
        name for name, check in CHECKS.items() if check.alerts
    }


HOME = "https://timesca.com/"
AT_NOON = {"captured_at": "2025-12-05 12:00:00+00", "captured_date": "2025-12-05"}


def of_two(given, first, second, **of_second):
    """Two captures of the front page at noon, of Common Crawl and of the Wayback Machine, with one rate each."""
    crawled = {"capture_id": "crawled", "source": "commoncrawl", "url": HOME, **AT_NOON}
    played = {"capture_id": "played", "source": "wayback", "url": HOME, **AT_NOON, **of_second}
    return given(
        capture=[
            crawled | ({"page_date": of_second["page_date"]} if "page_date" in of_second else {}),
            played,
        ],
        rate_observation=[
            {"capture_id": "crawled", "base": "KZT", "rate_text": first},
            {"capture_id": "played", "base": "KZT", "rate_text": second},
        ],
    )


def test_two_captures_of_one_page_in_one_second_with_different_rates_stay_and_are_a_warning(given):
    warehouse = of_two(given, "0.00201", "0.00202", url="http://www.timesca.com")
    result = warehouse.checks()["captures_agree"]
    assert (result.severity, result.offending_rows) == ("warning", 1)
    assert "capture_id crawled, source commoncrawl, rate 0.00201000" in result.sample
    assert "other_capture_id played, other_source wayback, other_rate 0.00202000" in result.sample
    assert warehouse.row("select count(*) from main.fct_rate_observation") == (2,)


@pytest.mark.parametrize(
    ("second", "of_second"),
    [
        ("0.002010", {}),
        ("0.00202", {"captured_at": "2025-12-05 12:00:01+00"}),
        ("0.00202", {"url": "https://timesca.com/category/home/"}),
        ("0.00202", {"url": None, "captured_at": None}),
        ("0.00207", {"page_date": "2025-12-05", "captured_at": "2025-12-05 18:00:00+00"}),
    ],
)
def test_rates_that_may_both_be_true_are_no_disagreement(given, second, of_second):
    assert "captures_agree" not in of_two(given, "0.00201", second, **of_second).firing()


def test_two_sources_whose_rates_of_one_printed_date_are_far_apart_are_a_warning(given):
    later = {"page_date": "2025-12-05", "captured_at": "2025-12-05 18:00:00+00"}
    result = of_two(given, "0.00201", "0.00209", **later).checks()["captures_agree"]
    assert result.offending_rows == 1
    assert "capture_id crawled" in result.sample
    assert "other_capture_id played" in result.sample
    # of one source it is a move of the ticker
    assert "captures_agree" not in of_two(given, "0.00201", "0.00209", **later, source="commoncrawl").firing()


@pytest.mark.shared
def test_no_date_of_the_known_captures_has_rates_more_than_one_percent_apart(given, shared_dir):
    with (shared_dir / "captures" / "captures.jsonl").open(encoding="utf-8") as file:
        known = [
            facts for facts in map(json.loads, file) if facts["page_date"] and facts["kind"] != "article"
        ]
    sources = ("commoncrawl", "wayback")
    warehouse = given(
        capture=[
            {"capture_id": f"c{number}", "source": sources[number % 2], "page_date": facts["page_date"]}
            for number, facts in enumerate(known)
        ],
        rate_observation=[
            {"capture_id": f"c{number}", "base": rate["pair"][:3], "rate_text": rate["rate"]}
            for number, facts in enumerate(known)
            for rate in facts["rates"]
        ],
    )
    assert "captures_agree" not in warehouse.firing()
    (apart,) = warehouse.row(
        "select max(apart) from (select max(rate_low) / min(rate_high) - 1 as apart from main.fct_rate_observation"
        " group by rate_date, base)"
    )
    assert 0.005 < apart < 0.01


@pytest.mark.parametrize("decision", ["accept", "exclude"])
def test_a_decision_about_one_of_two_captures_settles_their_disagreement(given, decision):
    warehouse = given(
        capture=[
            {"capture_id": name, "source": name, "url": HOME, **AT_NOON}
            for name in ("commoncrawl", "wayback")
        ],
        rate_observation=[
            {"capture_id": "commoncrawl", "rate_text": "0.01144"},
            {"capture_id": "wayback", "rate_text": "0.01145"},
        ],
        decision=[{"capture_id": "wayback", "decision": decision}],
    )
    assert "captures_agree" not in warehouse.firing()


def tickers(*rates):
    """A listing page a day from 1 December with the rate of one pair; None for a day without one."""
    days = [(f"2025-12-{day:02}", rate) for day, rate in enumerate(rates, start=1) if rate]
    return {
        "capture": [
            {"capture_id": day, "page_date": day, "archive_offset": int(day[-2:])} for day, _ in days
        ],
        "rate_observation": [{"capture_id": day, "rate_text": rate} for day, rate in days],
    }


@pytest.mark.parametrize(
    ("rates", "days"),
    [
        (["0.011"] * 6, None),
        (["0.011"] * 7, 7),
        (["0.010"] + ["0.011"] * 7, 7),
        (["0.011"] * 7 + ["0.0110"], None),
        (["0.010"] * 8 + ["0.011"] * 8, None),
        (["0.010"] * 8 + ["0.011"] * 9, 9),
        (["0.011"] * 3 + [None] * 5 + ["0.011"] * 3, None),
        (["0.011"] * 4 + [None] * 5 + ["0.011"] * 3, 7),
    ],
)
def test_a_ticker_is_frozen_once_it_lasts_a_week_and_longer_than_ever(given, rates, days):
    result = given(**tickers(*rates)).checks()["ticker_is_not_frozen"]
    assert (result.severity, result.offending_rows) == ("warning", 1 if days else 0)
    assert days is None or f"days {days}," in result.sample


def test_a_ticker_of_which_one_digit_of_one_pair_moves_is_not_frozen(given):
    rows = tickers(*["0.011"] * 7)
    moves = [
        {"capture_id": day["capture_id"], "base": "TMT", "rate_text": f"0.2857{number}"}
        for number, day in enumerate(rows["capture"])
    ]
    rows["rate_observation"] += moves
    assert "ticker_is_not_frozen" not in given(**rows).firing()


def test_files_that_end_with_an_old_ticker_are_not_frozen_while_another_source_goes_on(given):
    rows = tickers(*["0.011"] * 8)
    for capture in rows["capture"]:
        capture["source"] = "file"
    assert "ticker_is_not_frozen" in given(**rows).firing()
    later = {"capture_id": "later", "page_date": "2025-12-30", "archive_offset": 99}
    rows["capture"].append(later)
    rows["rate_observation"].append({"capture_id": "later"})
    assert "ticker_is_not_frozen" not in given(**rows).firing()


def stale_page(day, page_date, **more):
    captured = f"2026-12-{day:02}"
    return {
        "capture_id": f"c{day}",
        "url": "https://timesca.com/",
        "page_date": page_date,
        "captured_date": captured,
        "captured_at": f"{captured} 02:00:00+00",
        "archive_offset": day,
    } | more


def pages(given, *captures):
    return given(
        capture=list(captures),
        rate_observation=[{"capture_id": capture["capture_id"]} for capture in captures],
        run=[{"started_at": "2026-12-20 02:00:00+00"}],
    )


def test_a_page_is_stale_until_it_prints_a_new_date(given):
    old, fresh = stale_page(5, "2025-12-05"), stale_page(6, "2026-12-06")
    result = pages(given, old).checks("a-run-that-loaded-nothing")["page_date_is_not_stale"]
    assert (result.severity, result.offending_rows) == ("warning", 1)
    assert "page_date_is_not_stale" not in pages(given, old, fresh).firing()
    assert "page_date_is_not_stale" in pages(given, fresh, stale_page(7, "2025-12-05")).firing()


def test_one_page_of_several_is_stale_by_itself_and_no_longer_counts_after_a_week_without_a_capture(given):
    sweep = stale_page(5, "2025-12-05", url="https://timesca.com/page/2/")
    assert "page_date_is_not_stale" in pages(given, sweep, stale_page(12, "2026-12-12")).firing()
    assert "page_date_is_not_stale" not in pages(given, sweep, stale_page(13, "2026-12-13")).firing()


def test_a_file_with_a_time_of_the_future_does_not_hide_a_stale_page(given):
    given_by_hand = stale_page(31, "2026-12-31", url=None)
    assert "page_date_is_not_stale" in pages(given, stale_page(19, "2025-12-05"), given_by_hand).firing()


def test_a_sample_has_each_column_before_its_value(given):
    warehouse = given(
        capture=[
            {"capture_id": "good", "page_date": "2025-12-05"},
            {"capture_id": "b", "page_date": "2025-12-06"},
        ],
        rate_observation=[
            {"capture_id": "good", "rate_text": "0.01144"},
            {"capture_id": "b", "rate_text": "0.11440"},
        ],
    )
    assert warehouse.checks()["rate_is_plausible"].sample == (
        "capture_id b, rate_date 2025-12-06, base KGS, quote USD, rate_text 0.11440, "
        "plausible_low 0.00350000, plausible_high 0.03500000"
    )


def test_a_sample_is_a_few_rows_and_the_count_is_of_all(given):
    bases = [f"X{letter}" for letter in "LKJIHGFEDCBA"]
    warehouse = given(
        capture=[{"page_date": "2025-12-05"}], rate_observation=[{"base": base} for base in bases]
    )
    result = warehouse.checks()["fct_rate_observation_references_base"]
    assert result.offending_rows == 12
    assert [line.count("base X") for line in result.sample.splitlines()] == [1] * 10
    assert "XA" in result.sample.splitlines()[0]


def test_a_check_that_cannot_run_is_an_error_that_names_its_file(sql_folder, con):
    header = "/*\ndescription: x\nseverity: warning\nalerts: false\nmodel: main.a\n*/\n"
    root = sql_folder(
        {
            "checks/good.sql": header + "select 1",
            "checks/wrong.sql": header + "select nothing from main.nowhere",
        }
    )
    ensure_raw(con)
    build_models(con, root)
    with pytest.raises(
        CheckError, match=r"checks/wrong\.sql: the check wrong does not run: Catalog Error"
    ) as caught:
        run_checks(con, root)
    assert caught.value.hint == "ca-etl models"
