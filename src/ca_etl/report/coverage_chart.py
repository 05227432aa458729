"""The picture of known days: a strip for each year and source, in the colours of how the source knows each day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import altair as alt

if TYPE_CHECKING:
    import duckdb

SERIES: Final = "fct_rate_daily"
# The series first, then the sources in the order in which they give it the rate of a day.
KNOWN_DAYS: Final = f"""
    with sources as (
        select distinct source, rate_precedence
        from main.fct_coverage
        inner join main.dim_source using (source)
        where captures_with_rates > 0
    )
    select '{SERIES}' as source, 0 as rank, rate_date as day,
        case when bool_and(is_filled) then 'filled' when bool_and(coalesce(is_backfilled, true)) then 'backfilled'
            else 'observed' end as state
    from main.fct_rate_daily
    group by rate_date
    union all
    select source, rate_precedence, day,
        case when bool_or(captures_with_rates > 0 and schedule <> 'backfill') then 'observed'
            when bool_or(captures_with_rates > 0) then 'backfilled' else 'missing' end
    from main.fct_coverage
    inner join sources using (source)
    group by source, rate_precedence, day
    order by rank, source, day
"""  # noqa: S608  a name of our own
# A leap year, so that each day of any year has its position on the axis.
AXIS_YEAR: Final = 2024
WIDTH: Final = 640
STRIP: Final = 20


class DayState(StrEnum):
    """How a source knows the rates of a day.

    `observed`: a scheduled run captured them. `backfilled`: a web archive, an ingested file or a backfill has them.
    `filled`: the series repeats those of an earlier day. `missing`: no capture of the day has rates.
    """

    OBSERVED = "observed"
    BACKFILLED = "backfilled"
    FILLED = "filled"
    MISSING = "missing"


# Distinguishable without colour vision, and light where nothing was seen.
COLOURS: Final[Mapping[DayState, str]] = {
    DayState.OBSERVED: "#1f5f99",
    DayState.BACKFILLED: "#e69f00",
    DayState.FILLED: "#b9d3ea",
    DayState.MISSING: "#eeeeee",
}


@dataclass(frozen=True, slots=True)
class KnownDay:
    """A day of a source, or of the series of rates, and how it is known."""

    source: str
    day: date
    state: DayState


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Consecutive days of one year and source with one state, from `first` to `last`, both included."""

    source: str
    first: date
    last: date
    state: DayState


def known_days(con: duckdb.DuckDBPyConnection) -> list[KnownDay]:
    """The days that a release knows, of the series of rates and of each source that has rates."""
    rows = con.execute(KNOWN_DAYS).fetchall()
    return [KnownDay(source, day, DayState(state)) for source, _, day, state in rows]


def day_spans(days: Iterable[KnownDay]) -> list[DaySpan]:
    """The days as spans, without gaps from the first day of all to the last: a day that is not given is missing."""
    by_source: dict[str, dict[date, DayState]] = {}
    for known in days:
        by_source.setdefault(known.source, {})[known.day] = known.state
    of_all = [day for states in by_source.values() for day in states]
    return [
        span
        for source, states in by_source.items()
        for span in _spans_of(source, states, min(of_all), max(of_all))
    ]


def _spans_of(source: str, states: Mapping[date, DayState], first: date, last: date) -> Iterator[DaySpan]:
    begin = day = first
    while day <= last:
        following = day + timedelta(days=1)
        state = states.get(day, DayState.MISSING)
        is_end = following > last or following.year > day.year
        if is_end or states.get(following, DayState.MISSING) is not state:
            yield DaySpan(source, begin, day, state)
            begin = following
        day = following


def coverage_chart(days: Iterable[KnownDay]) -> alt.Chart:
    """The chart of the days: a row a year, in it a strip a source, in the order in which the sources come first."""
    spans = day_spans(days)
    values = [
        {
            "source": span.source,
            "year": span.first.year,
            "begin": _on_axis(span.first),
            "end": _on_axis(span.last + timedelta(days=1), is_end=True),
            "state": span.state.value,
        }
        for span in spans
    ]
    months = [_on_axis(date(AXIS_YEAR, month, 1)) for month in range(1, 13)]
    whole_year = [months[0], _on_axis(date(AXIS_YEAR, 1, 1), is_end=True)]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values), width=WIDTH, height=alt.Step(STRIP))
        .mark_bar()
        .encode(
            x=alt.X(
                "begin:T",
                axis=alt.Axis(format="%b", values=months, labelAlign="left", grid=False, title=None),
                scale=alt.Scale(type="utc", domain=whole_year, nice=False),
            ),
            x2="end:T",
            y=alt.Y("source:N", sort=list(dict.fromkeys(span.source for span in spans)), title=None),
            color=alt.Color(
                "state:N",
                title=None,
                scale=alt.Scale(domain=[state.value for state in COLOURS], range=list(COLOURS.values())),
                legend=alt.Legend(orient="top", symbolType="square"),
            ),
            row=alt.Row("year:O", title=None, header=alt.Header(labelAngle=0, labelFontWeight="bold")),
        )
        .configure(aria=False)
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False)
    )
    return chart


def _on_axis(day: date, *, is_end: bool = False) -> str:
    """The day as an instant of the year of the axis; the end of 31 December is the first day of the year after."""
    year = AXIS_YEAR + (is_end and (day.month, day.day) == (1, 1))
    return f"{day.replace(year=year)}T00:00:00Z"
