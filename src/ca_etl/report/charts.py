"""Charts of a release: pure functions from rows to Vega-Lite specifications, for the report and for files alike.

Here alone decimals become JSON numbers, of seven significant digits: a screen shows fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from ca_etl.report.chart_frame import FILE, LIGHT, Look, Spec, days_axis, framed, instant, over_time, tooltip

# The states of a day in the order of the legend, with their names there.
STATES: Final = {
    "observed": "observed",
    "unchanged": "unchanged",
    "backfilled": "won from an archive",
    "closed": "unavailable",
    "blocked": "blocked",
    "failed": "failed",
    "missed": "missed",
}
# The main countries of articles in the order of the legend, with the names of their colours.
COUNTRIES: Final = {
    "Kazakhstan": "kz",
    "Kyrgyzstan": "kg",
    "Tajikistan": "tj",
    "Turkmenistan": "tm",
    "Uzbekistan": "uz",
    "other": "other",
    "none named": "none",
}
TICKER: Final = "ticker, with its interval"
BANK: Final = "bank"
# What the pointer shows of a value that is not there.
UNKNOWN: Final = "\N{EN DASH}"
DAY: Final = timedelta(days=1)
# A year of the calendar has a row for each day of the week, and an empty one.
ROWS_A_YEAR: Final = 8
# Pixels from one row of the calendar to the next, and of the narrowest bar.
CELL: Final = 13
BAR: Final = 4


@dataclass(frozen=True, slots=True)
class RateDay:
    """The rates of a currency on a day, in units of the currency per dollar; None where unknown.

    `rate` is the ticker's, from `low` to `high` by its printed digits, and `is_filled` where it repeats that of an
    earlier day. `official` is that of a bank; `disagrees` is whether the two disagree.
    """

    day: date
    rate: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    is_filled: bool = False
    official: Decimal | None = None
    disagrees: bool = False


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """A day and its state, a key of `STATES`, with the reason in words, which may be empty."""

    day: date
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A day on which ticker and bank disagree by `percent` of the bank's rate, None where the ticker has no inverse."""

    day: date
    base: str
    source: str
    percent: Decimal | None
    cause: str


@dataclass(frozen=True, slots=True)
class CountryDay:
    """The number of articles of a day that are mainly about a country, by its name in `COUNTRIES`."""

    day: date
    country: str
    articles: int


def rate_chart(rates: Sequence[RateDay], look: Look = FILE) -> Spec:
    """The rates of one currency, at least one day: the ticker with its interval as a band, and the bank's rate.

    A filled day has a hollow point, and the line through it is dashed; a diamond marks a day on which the two disagree.
    A day that is shown alone has points, and a rule as its band.
    """
    line = {"type": "line", "interpolate": "step", "strokeWidth": 1.6, "strokeCap": "round", "clip": True}
    band = {"type": "area", "interpolate": "step", "opacity": 0.22, "clip": True}
    hollow = {"type": "point", "size": 34, "fill": look.colours["paper"], "strokeWidth": 1.4, "clip": True}
    diamond = {"type": "point", "shape": "diamond", "filled": True, "size": 40, "opacity": 1, "clip": True}
    # a line or band of one day has no width
    is_alone = "first_day == last_day"
    point = {"type": "point", "filled": True, "size": 34, "opacity": 1}
    rule = {"type": "rule", "strokeWidth": 8, "opacity": 0.22}
    scale = {"domain": [TICKER, BANK], "range": [look.colours["ticker"], look.colours["bank"]]}
    legend = {"title": None, "orient": "top", "symbolType": "stroke", "symbolOpacity": 1, "offset": 6}
    colour = {"color": {"field": "series", "type": "nominal", "scale": scale, "legend": legend}}
    of_run = {"detail": {"field": "run", "type": "nominal"}}
    layers = [
        # a band without an upper bound is not drawn: only a missing `y` interrupts it
        _layer(band, "high", TICKER, colour | {"y2": {"field": "low"}}),
        _layer({**line, "strokeWidth": 1.2, "strokeDash": [2, 3]}, "rate", TICKER, colour),
        _layer(line, "rate", TICKER, colour | of_run, "!datum.filled"),
        _layer(line, "official", BANK, colour),
        _layer(rule, "high", TICKER, colour | {"y2": {"field": "low"}}, is_alone),
        _layer(point, "rate", TICKER, colour, f"{is_alone} && !datum.filled"),
        _layer(point, "official", BANK, colour, is_alone),
        _layer(hollow, "rate", TICKER, colour, "datum.filled"),
        _layer(diamond, "rate", TICKER, {"color": {"value": look.colours["differs"]}}, "datum.disagrees"),
        _hover(),
    ]
    values = [_rate_value(rate, run) for rate, run in zip(rates, _runs(rates), strict=True)]
    middle = _calculate("at", f"{is_alone} ? +datum.at + 432e5 : datum.at")
    return over_time(
        [rate.day for rate in rates], {"data": {"values": values}, "layer": layers}, look, middle
    )


def rate_picture(code: str, name: str, rates: Sequence[RateDay]) -> Spec:
    """The chart of one currency as a file has it: with a title, the unit of the axis, and what its marks mean."""
    spec = rate_chart(rates, Look(LIGHT, width=720, height=260))
    for layer in spec["layer"]:
        if "y" in layer["encoding"]:
            layer["encoding"]["y"]["title"] = f"{code} for one US dollar"
    days = f"{rates[0].day} to {rates[-1].day}" if len(rates) > 1 else f"{rates[0].day}"
    explained = [
        "Band: every rate that the ticker prints with the same digits. Diamond: ticker and bank disagree.",
        "Hollow point, dashed line: a filled day, without a capture, on which the last rate is repeated.",
    ]
    title = {"text": f"{name}, {days}", "subtitle": explained, "anchor": "start", "offset": 12}
    colours = {"color": LIGHT["text"], "subtitleColor": LIGHT["muted"], "subtitleFontSize": 11}
    return spec | {"title": title | colours, "padding": 12}


def overview_chart(rates: Iterable[RateDay], look: Look = FILE) -> Spec:
    """The days of a series as a strip, observed or filled, on which a time selection, `brush`, can be drawn."""
    values = [
        {"from": f"{first}", "to": f"{last + DAY}", "state": state}
        for first, last, state in _spans(
            (rate.day, "filled" if rate.is_filled else "observed") for rate in rates
        )
    ]
    states = ["observed", "filled"]
    # above the strip only its border is seen
    brush = {"stroke": look.colours["bank"], "strokeWidth": 3}
    marks = {
        "data": {"values": values},
        "transform": [instant("from", "begin"), instant("to", "end")],
        "params": [{"name": "brush", "select": {"type": "interval", "encodings": ["x"], "mark": brush}}],
        "mark": {"type": "bar", "cursor": "crosshair"},
        "encoding": {
            "x": {
                "field": "begin",
                "type": "temporal",
                "scale": {"type": "utc", "nice": False},
                "axis": {"title": None, "grid": False, "tickCount": {"expr": "max(2, width / 90)"}},
            },
            "x2": {"field": "end"},
            "color": {
                "field": "state",
                "type": "nominal",
                "scale": {"domain": states, "range": [look.colours[state] for state in states]},
                "legend": None,
            },
        },
    }
    return framed(marks, replace(look, height=36))


def calendar_chart(days: Sequence[DayOutcome], look: Look = FILE) -> Spec:
    """A calendar of the days, at least one, with their states: seven rows for each year, a column for each week.

    The height follows from the number of years.
    """
    values = [
        {
            "week": _week(outcome.day),
            "row": outcome.day.year * ROWS_A_YEAR + outcome.day.weekday(),
            "day": f"{outcome.day:%a} {outcome.day}",
            "state": STATES[outcome.state],
            "reason": outcome.reason or UNKNOWN,
        }
        for outcome in days
    ]
    years = range(min(outcome.day.year for outcome in days), max(outcome.day.year for outcome in days) + 1)
    rows = [year * ROWS_A_YEAR + row for year in years for row in range(ROWS_A_YEAR)][:-1]
    shown = [state for state in STATES if any(outcome.state == state for outcome in days)]
    months = {_week(date(2024, month, 1)): f"{date(2024, month, 1):%b}" for month in range(1, 13)}
    week_axis = {
        "title": None,
        "orient": "top",
        "values": list(months),
        "labelExpr": f"{{{', '.join(f'{week}: {name!r}' for week, name in months.items())}}}[datum.value]",
        "labelAlign": "left",
        "labelAngle": 0,
        "labelOverlap": "greedy",
        "domain": False,
        "ticks": False,
    }
    row_axis = {
        "title": None,
        "values": [row for row in rows if row % ROWS_A_YEAR in {0, 3}],
        "labelExpr": f"datum.value % {ROWS_A_YEAR} ? floor(datum.value / {ROWS_A_YEAR}) : 'Mon'",
    }
    marks = {
        "data": {"values": values},
        "mark": "rect",
        "encoding": {
            "x": {
                "field": "week",
                "type": "ordinal",
                "scale": {"domain": list(range(54)), "paddingInner": 0.14},
                "axis": week_axis,
            },
            "y": {
                "field": "row",
                "type": "ordinal",
                "scale": {"domain": rows, "paddingInner": 0.14},
                "axis": row_axis,
            },
            "color": _legend("state", {STATES[state]: look.colours[state] for state in shown}),
            "tooltip": tooltip({"day": "Day", "state": "State", "reason": "Reason"}),
        },
    }
    return framed(marks, replace(look, height=CELL * len(rows)))


def disagreement_chart(
    disagreements: Iterable[Disagreement], days: Sequence[date], bases: Sequence[str], look: Look = FILE
) -> Spec:
    """The days on which ticker and bank disagree, a row for each currency of `bases`.

    `days` is what the time selection has: any days of which the first and the last are those of the series.
    """
    values = [
        {
            "day": f"{one.day}",
            "base": one.base,
            "source": one.source,
            "percent": UNKNOWN if one.percent is None else _number(one.percent),
            "cause": one.cause.replace("_", " "),
        }
        for one in disagreements
    ]
    titles = {
        "day": "Day",
        "base": "Currency",
        "source": "Bank",
        "percent": "Difference, %",
        "cause": "Cause",
    }
    marks = {
        "data": {"values": values},
        "mark": {
            "type": "point",
            "shape": "diamond",
            "filled": True,
            "size": 60,
            "opacity": 0.85,
            "clip": True,
        },
        "encoding": {
            "x": days_axis(),
            "y": {
                "field": "base",
                "type": "nominal",
                "title": None,
                "scale": {"domain": list(bases)},
                "axis": {"grid": True},
            },
            "color": {"value": look.colours["differs"]},
            "tooltip": tooltip(titles),
        },
    }
    return over_time(days, marks, look)


def articles_chart(counts: Sequence[CountryDay], days: Sequence[date], look: Look = FILE) -> Spec:
    """The number of articles a day, stacked by main country; `days` is as in `disagreement_chart`.

    Where the bars of days would be too narrow, one is the mean of several days.
    """
    used = {one.country for one in counts}
    marks = {
        "data": {
            "values": [
                {"day": f"{one.day}", "country": one.country, "articles": one.articles} for one in counts
            ]
        },
        "mark": {"type": "rect", "clip": True},
        "encoding": {
            "x": days_axis("begin"),
            "x2": {"field": "end"},
            "y": {
                "field": "low",
                "type": "quantitative",
                "title": None,
                "axis": {"tickCount": 5, "format": "~g"},
            },
            "y2": {"field": "high"},
            "color": _legend(
                "country",
                {name: look.colours[colour] for name, colour in COUNTRIES.items() if name in used},
            ),
            "tooltip": tooltip({"days": "Days", "country": "Country", "articles": "Articles"}),
        },
    }
    return over_time(days, marks, look, *_bars())


def _bars() -> Iterator[Spec]:
    """Transforms that give each part of a bar its days, `begin` to `end`, and where it is, from `low` to `high`."""
    yield _calculate(
        "step", f"max(1, ceil((toDate(last_day) - toDate(first_day)) / 864e5 * {BAR} / width)) * 864e5"
    )
    yield _calculate(
        "begin",
        "+toDate(first_day) + floor((datum.at - toDate(first_day)) / datum.step) * datum.step",
    )
    yield _calculate("end", "min(datum.begin + datum.step, toDate(last_day) + 864e5)")
    yield {
        "aggregate": [{"op": "sum", "field": "articles", "as": "articles"}],
        "groupby": ["begin", "end", "country"],
    }
    yield _calculate("a_day", "datum.articles * 864e5 / (datum.end - datum.begin)")
    yield {"stack": "a_day", "groupby": ["begin"], "sort": [{"field": "country"}], "as": ["low", "high"]}
    first, last = (f"utcFormat({time}, '%Y-%m-%d')" for time in ("datum.begin", "datum.end - 864e5"))
    yield _calculate("days", f"datum.end - datum.begin > 864e5 ? {first} + ' to ' + {last} : {first}")


def _calculate(name: str, expression: str) -> Spec:
    return {"calculate": expression, "as": name}


def _layer(mark: Spec, y: str, series: str, encoding: Spec, only: str = "true") -> Spec:
    """A layer of a chart of rates: the field `y` of a series, on the days for which the expression `only` is true."""
    value = {
        "field": y,
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False},
        "axis": {"tickCount": 5},
    }
    return {
        "transform": [{"filter": only}, _calculate("series", f"'{series}'")],
        "mark": mark,
        "encoding": {"y": value, **encoding},
    }


def _hover() -> Spec:
    """A layer that shows the values of the day below the pointer."""
    titles = {
        "day": "Day",
        "rate": "Ticker",
        "low": "at least",
        "high": "at most",
        "official": "Bank",
        "note": "Note",
    }
    return {
        "transform": [
            # the line of a day is half a day on each side
            _calculate("from", "+datum.at - 432e5"),
            _calculate("until", "+datum.at + 432e5"),
            _calculate("note", "datum.note || (isValid(datum.rate) ? 'observed' : null)"),
            *(_calculate(name, f"isValid(datum.{name}) ? datum.{name} : '{UNKNOWN}'") for name in titles),
        ],
        "mark": {"type": "rect", "opacity": 0, "clip": True},
        "encoding": {"x": days_axis("from"), "x2": {"field": "until"}, "tooltip": tooltip(titles)},
    }


def _legend(field: str, colours: Mapping[str, str]) -> Spec:
    """A colour for each value of `field`, with a legend above the chart."""
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {
            "orient": "top",
            "symbolType": "square",
            "offset": 6,
            "columns": {"expr": "width < 500 ? 3 : 7"},
        },
    }


def _rate_value(rate: RateDay, run: int) -> Spec:
    notes = [name for name, holds in (("filled", rate.is_filled), ("disagrees", rate.disagrees)) if holds]
    value = {
        "day": f"{rate.day}",
        "rate": _number(rate.rate),
        "low": _number(rate.low),
        "high": _number(rate.high),
        "official": _number(rate.official),
        "run": run,
        "note": ", ".join(notes) or None,
        **dict.fromkeys(notes, True),
    }
    return {name: each for name, each in value.items() if each is not None}


def _runs(rates: Iterable[RateDay]) -> list[int]:
    """The number of the run of days, all filled or all observed, that each day belongs to: a line connects one run."""
    runs: list[int] = []
    before = None
    for rate in rates:
        runs.append((runs[-1] if runs else 0) + (before is not None and before != rate.is_filled))
        before = rate.is_filled
    return runs


def _spans(states: Iterable[tuple[date, str]]) -> list[tuple[date, date, str]]:
    """Consecutive days with one state as first day, last day and state."""
    spans: list[tuple[date, date, str]] = []
    for day, state in states:
        if spans and spans[-1][2] == state and spans[-1][1] + DAY == day:
            spans[-1] = (spans[-1][0], day, state)
        else:
            spans.append((day, day, state))
    return spans


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(f"{value:.7g}")


def _week(day: date) -> int:
    """The column of a day: weeks begin on Monday, the first one has 1 January."""
    return (day.timetuple().tm_yday - 1 + date(day.year, 1, 1).weekday()) // 7
