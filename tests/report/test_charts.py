"""Rows in, specifications out: what a chart shows of them, and that Vega-Lite knows every word."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ca_etl.report.chart_frame import DARK, FILE, LIGHT, Look
from ca_etl.report.charts import (
    COUNTRIES,
    STATES,
    CountryDay,
    DayOutcome,
    Disagreement,
    RateDay,
    articles_chart,
    calendar_chart,
    disagreement_chart,
    overview_chart,
    rate_chart,
)

FIRST = date(2025, 12, 1)
RATES = [
    RateDay(FIRST, *map(Decimal, ("518.1347150259", "516.7958656331", "519.4805194806")), official=Decimal("518.51")),
    RateDay(date(2025, 12, 2), *map(Decimal, ("518.1", "516.8", "519.5")), is_filled=True),
    RateDay(date(2025, 12, 3), *map(Decimal, ("520.8", "519.4", "522.2")), disagrees=True),
]  # fmt: skip


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return spec["data"]["values"]


def charts(look: Look) -> list[dict[str, Any]]:
    days = [FIRST, date(2025, 12, 3)]
    return [
        rate_chart(RATES, look),
        overview_chart(RATES, look),
        calendar_chart([DayOutcome(FIRST, "observed"), DayOutcome(days[1], "failed", "4 http_error")], look),
        disagreement_chart([Disagreement(FIRST, "KZT", "nbk", Decimal("3.2"), "stale_ticker")], days, ["KZT"], look),
        articles_chart([CountryDay(FIRST, "Kazakhstan", 2)], days, look),
    ]  # fmt: skip


@pytest.mark.parametrize("width", [None, 720])
def test_altair_accepts_each_chart(width: int | None) -> None:
    alt = pytest.importorskip("altair")
    for spec in charts(Look(DARK, width, 200)):
        alt.Chart.from_dict(spec)


@pytest.mark.slow
def test_each_chart_is_drawn_without_a_browser() -> None:
    vl_convert = pytest.importorskip("vl_convert")
    for spec in charts(FILE):
        assert "<path" in vl_convert.vegalite_to_svg(spec)


def test_a_decimal_is_a_number_of_seven_digits_in_a_chart() -> None:
    first = values(rate_chart(RATES))[0]
    assert (first["rate"], first["low"], first["high"]) == (518.1347, 516.7959, 519.4805)
    assert first["official"] == 518.51


def test_an_unknown_rate_is_left_out() -> None:
    assert values(rate_chart([RateDay(FIRST)])) == [{"day": "2025-12-01", "run": 0}]


def test_the_line_is_broken_at_a_filled_day_and_the_day_is_marked() -> None:
    assert [value["run"] for value in values(rate_chart(RATES))] == [0, 1, 2]
    assert [value.get("note") for value in values(rate_chart(RATES))] == [None, "filled", "disagrees"]
    hollow = [
        layer for layer in rate_chart(RATES)["layer"] if {"filter": "datum.filled"} in layer["transform"]
    ]
    assert [layer["mark"]["fill"] for layer in hollow] == [LIGHT["paper"]]


def test_the_interval_is_a_band() -> None:
    band = rate_chart(RATES)["layer"][0]
    assert band["mark"]["type"] == "area"
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("high", "low")


@pytest.mark.slow
def test_a_band_is_interrupted_where_the_interval_has_no_upper_bound() -> None:
    vl_convert = pytest.importorskip("vl_convert")
    days = [replace(rate, day=FIRST + timedelta(days=number)) for number, rate in enumerate([RATES[0]] * 5)]
    days[2] = replace(days[2], high=None)
    areas = [
        re.findall(r'mark-area.*?<path[^>]* d="([^"]*)"', vl_convert.vegalite_to_svg(rate_chart(rates)))[
            0
        ].count("M")
        for rates in ([days[0], days[1]], days)
    ]
    assert areas == [1, 2]


@pytest.mark.slow
def test_a_single_day_has_points_and_its_interval_in_the_middle_of_the_chart() -> None:
    vl_convert = pytest.importorskip("vl_convert")
    unselected, selected = rate_chart(RATES[:1]), rate_chart(RATES)
    selected["params"] = unselected["params"]
    for spec in (unselected, selected):
        svg = vl_convert.vegalite_to_svg(spec)
        marks = {
            kind: re.findall(rf"mark-{kind} role-mark[^>]*><[^>]* transform=.translate\(360,", svg)
            for kind in ("symbol", "rule")
        }
        assert {kind: len(drawn) for kind, drawn in marks.items()} == {"symbol": 2, "rule": 1}
    several = vl_convert.vegalite_to_svg(rate_chart([replace(rate, is_filled=False) for rate in RATES[:2]]))
    assert re.findall("mark-(?:symbol|rule) role-mark[^>]*><path", several) == []


def test_a_chart_begins_with_all_of_its_days() -> None:
    assert rate_chart(RATES)["params"] == [
        {"name": "first_day", "value": "2025-12-01"},
        {"name": "last_day", "value": "2025-12-03"},
    ]


def test_the_strip_joins_days_of_one_state() -> None:
    days = [RateDay(FIRST + timedelta(days=number), is_filled=number == 2) for number in range(4)]
    assert values(overview_chart(days)) == [
        {"from": "2025-12-01", "to": "2025-12-03", "state": "observed"},
        {"from": "2025-12-03", "to": "2025-12-04", "state": "filled"},
        {"from": "2025-12-04", "to": "2025-12-05", "state": "observed"},
    ]


def test_the_calendar_has_a_block_of_seven_rows_a_year_and_a_column_a_week() -> None:
    spec = calendar_chart(
        [DayOutcome(date(2024, 12, 30), "missed"), DayOutcome(date(2025, 1, 1), "observed")]
    )
    monday, wednesday = values(spec)
    assert (monday["week"], monday["row"] % 8, wednesday["week"], wednesday["row"] % 8) == (52, 0, 0, 2)
    assert len(spec["encoding"]["y"]["scale"]["domain"]) == 15
    assert wednesday["day"] == "Wed 2025-01-01"


def test_the_legend_of_the_calendar_has_the_states_that_occur_in_their_colours() -> None:
    days = [
        DayOutcome(FIRST, "closed"),
        DayOutcome(date(2025, 12, 2), "backfilled"),
    ]
    scale = calendar_chart(days)["encoding"]["color"]["scale"]
    assert scale["domain"] == ["won from an archive", "unavailable"]
    assert scale["range"] == [LIGHT["backfilled"], LIGHT["closed"]]


def test_a_row_without_a_disagreement_is_there_all_the_same() -> None:
    one = Disagreement(FIRST, "KZT", "nbk", None, "slipped_unit")
    spec = disagreement_chart([one], [FIRST], ["KGS", "KZT"])
    assert spec["encoding"]["y"]["scale"]["domain"] == ["KGS", "KZT"]
    assert (values(spec)[0]["percent"], values(spec)[0]["cause"]) == ("\N{EN DASH}", "slipped unit")


def test_every_state_and_country_has_a_colour_on_light_and_dark_paper() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert LIGHT.keys() >= {*STATES, *COUNTRIES.values()}
