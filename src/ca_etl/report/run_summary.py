"""The summary of a run, read from the warehouse it built, for terminal, Prefect and report alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ca_etl.errors import counted
from ca_etl.sanitize import visible

if TYPE_CHECKING:
    import duckdb

# Of the newest day in captures of this run (for a run without captures, of the newest day), and the 29 days before.
RATES: Final = """
    with shown as (
        select coalesce(
            (
                select max(rate_date) from main.fct_rate_observation
                where capture_id in (select capture_id from raw.capture where run_id = $1)
            ),
            (select max(rate_date) from main.fct_rate_daily)
        ) as last_day
    )
    select
        base, rate_date, daily.inverse_low, daily.inverse_high, official.inverse_rate, rate_source,
        daily.inverse_rate, coalesce(daily.fill_age_days, 0)
    from main.fct_rate_daily as daily cross join shown
    left join (from main.fct_rate_best where method <> 'published') as official using (rate_date, base, quote)
    where quote = 'USD' and rate_date between last_day - 29 and last_day
    order by base, rate_date
"""
COUNTS: Final = """
    with captures as (select capture_id from raw.capture where run_id = $1),
    articles as (
        select article_id, bool_or(run_id = $1) as is_seen, bool_and(run_id = $1) as is_new
        from main.fct_article_sighting inner join raw.capture using (capture_id) group by article_id
    ),
    changed as (
        select distinct article_id from main.fct_article_revision semi join captures using (capture_id)
        where revision > 0
    )
    select
        (select count(*) from captures),
        (select count(*) filter (is_seen) from articles),
        (select count(*) filter (is_new) from articles),
        (select count(*) from changed anti join (from articles where is_new) using (article_id)),
        (
            select count(distinct article_id) from main.fct_article_removal semi join captures using (capture_id)
            where kind = 'gone'
        )
"""
REJECTS: Final = (
    "select reason, count(*) from main.etl_reject where run_id = $1 group by reason order by reason"
)
GAPS: Final = """
    select source, day, outcome, coalesce(reason, '') from main.fct_coverage
    where run_id = $1 and schedule <> 'backfill' and outcome not in ('observed', 'unchanged')
    order by day desc, source
"""
KIND: Final = "select kind from main.etl_run where run_id = $1"
RATE_COLUMNS: Final = ("Currency", "By the ticker", "By a bank", "Change of a day", "30 days")
LEVELS: Final = "▁▂▃▄▅▆▇█"
FILLED: Final = "·"
# Gaps that are named; a longer list is one of `ca-etl status`.
MOST_GAPS: Final = 3
# Digits of an interval: rounded outwards, so that it contains what it contained before.
DOWN, UP = Context(prec=6, rounding=ROUND_FLOOR), Context(prec=6, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class DollarRate:
    """What a dollar is in units of a currency on one day: by the ticker from `low` to `high`, by `bank` `official`.

    All are None where unknown; without `high` the interval has no upper bound. `fill_age_days` is 0 on an observed
    day. `trend` has the ticker's rate of each of the last 30 days, with whether the day is filled; the day itself is
    the last.
    """

    base: str
    low: Decimal | None
    high: Decimal | None
    official: Decimal | None = None
    bank: str | None = None
    fill_age_days: int = 0
    trend: tuple[tuple[Decimal | None, bool], ...] = ()

    @property
    def change(self) -> str:
        """The change of the ticker since the day before in per cent, be that filled or not; of a filled day its age."""
        if self.fill_age_days:
            return f"filled, {self.fill_age_days} d"
        before, now = [rate for rate, _ in self.trend[-2:]] if len(self.trend) > 1 else (None, None)
        if before is None or now is None:
            return ""
        percent = round((now - before) / before * 100, 2)
        return f"{percent:+.2f} %" if percent else "0 %"

    def cells(self) -> tuple[str, str, str, str, str]:
        """The cells of a table row as text: currency, interval of the ticker, bank, change, and trend."""
        interval = "" if self.low is None else f"at least {short(DOWN.plus(self.low))}"
        if self.low is not None and self.high is not None:
            interval = f"{short(DOWN.plus(self.low))} to {short(UP.plus(self.high))}"
        official = "" if self.official is None else f"{short(round(self.official, 4))} ({self.bank})"
        return self.base, interval, official, self.change, sparkline(self.trend)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The rates, articles, rejects and gaps of one run. `day` is that of the rates, None without one.

    `articles` counts those in captures of the run, `new` those that no earlier run captured, `changed` known ones with
    a new version, `deleted` those found deleted. `rejects` counts by reason. `gaps` are the sources that gave nothing:
    name, day, outcome and reason, the missed slots before the run included. A rebuild reads all captures again.
    """

    day: date | None = None
    rates: tuple[DollarRate, ...] = ()
    captures: int = 0
    articles: int = 0
    new: int = 0
    changed: int = 0
    deleted: int = 0
    rejects: tuple[tuple[str, int], ...] = ()
    gaps: tuple[tuple[str, date, str, str], ...] = ()
    is_rebuild: bool = False

    @property
    def heading(self) -> str:
        """What the table of the rates contains."""
        return f"A dollar on {self.day or 'no day'}: by the ticker, by a bank, change of a day, 30 days"

    @property
    def counts(self) -> str:
        """The numbers of captures and articles, in one line."""
        read = f"{counted(self.captures, 'capture')}, {counted(self.articles, 'article')}"
        if self.is_rebuild:
            return f"{read}, read from the archive again"
        return f"{read}: {self.new} new, {self.changed} changed, {self.deleted} deleted"

    @property
    def gap_lines(self) -> list[str]:
        """The sources without data, one on each line, the latest first."""
        lines = [
            f"no data of {source} on {day}: {outcome}{f' ({visible(reason)})' if reason else ''}"
            for source, day, outcome, reason in self.gaps[:MOST_GAPS]
        ]
        more = len(self.gaps) - MOST_GAPS
        return [*lines, f"and {more} more without data"] if more > 0 else lines

    def text(self, encoding: str = "utf-8") -> str:
        """The summary for a terminal of this encoding; where it has no blocks, without the trends."""
        rows = [rate.cells() for rate in self.rates]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        heading = [self.heading] if lines else []
        text = "\n".join([*heading, *lines, self.counts, *self.gap_lines])
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            return "\n".join(line.rstrip(f" {LEVELS}{FILLED}") for line in text.splitlines())
        return text


def sparkline(trend: Sequence[tuple[Decimal | None, bool]]) -> str:
    """A block a day, as high as its rate; a dot is a filled day, a space an unknown one.

    >>> sparkline([(Decimal(1), False), (Decimal(1), True), (Decimal(2), False)])
    '▁·█'
    """
    known = [rate for rate, _ in trend if rate is not None]
    low, high = (min(known), max(known)) if known else (Decimal(0), Decimal(0))
    marks = ""
    for rate, is_filled in trend:
        share = (rate - low) / (high - low) if rate is not None and high > low else Decimal(0)
        level = LEVELS[int(share * (len(LEVELS) - 1))]
        marks += " " if rate is None else FILLED if is_filled else level
    return marks


def short(number: Decimal, form: str = "f") -> str:
    """A decimal as text in a fixed-point `form`, without exponent and without trailing zeros.

    >>> short(Decimal("0.00008000"))
    '0.00008'
    """
    digits = format(number, form)
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def read_summary(con: duckdb.DuckDBPyConnection, run_id: str) -> RunSummary:
    """Read the summary of the run `run_id` from the warehouse that `con` is connected to."""
    rows = con.execute(RATES, [run_id]).fetchall()
    rates = []
    for base, of_base in groupby(rows, lambda row: str(row[0])):
        days = list(of_base)
        _, _, low, high, official, bank, _, age = days[-1]
        trend = tuple((row[6], row[7] > 0) for row in days)
        rates.append(DollarRate(base, low, high, official, bank, age, trend))
    captures, articles, new, changed, deleted = con.execute(COUNTS, [run_id]).fetchall()[0]
    return RunSummary(
        day=max((row[1] for row in rows), default=None),
        rates=tuple(rates),
        captures=captures,
        articles=articles,
        new=new,
        changed=changed,
        deleted=deleted,
        rejects=tuple(con.execute(REJECTS, [run_id]).fetchall()),
        gaps=tuple(con.execute(GAPS, [run_id]).fetchall()),
        is_rebuild=con.execute(KIND, [run_id]).fetchone() == ("rebuild",),
    )
