"""What a run has to tell: facts read from what it left on disk, and their text as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from ca_etl.pipeline.context import Status
from ca_etl.pipeline.run import Outcome
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.journal import CheckResult
from ca_etl.warehouse.release import Building

# The day is the newest one that captures of this run speak of; a run without new captures shows the newest day.
RATES: Final = """
select rate_date, base, quote, rate, rate_low, rate_high, change_text, fill_age_days
from main.fct_rate_daily
where rate_date = coalesce(
    (
        select max(rate_date) from main.fct_rate_observation
        where capture_id in (select capture_id from raw.capture where run_id = $1)
    ),
    (select max(rate_date) from main.fct_rate_daily)
)
order by base, quote
"""
ARTICLES: Final = """
select count(distinct article_id), count(distinct article_id) filter (is_new) from (
    select article_id, run_id = $1 as is_of_run, bool_and(run_id = $1) over (partition by article_id) as is_new
    from main.fct_article_sighting inner join raw.capture using (capture_id)
) where is_of_run
"""
REJECTS: Final = (
    "select reason, count(*) from main.etl_reject where run_id = $1 group by reason order by reason"
)


@dataclass(frozen=True, slots=True)
class Rate:
    """One pair on the day: 1 `base` = `rate` `quote`. `change_text` is as printed, None on a filled day."""

    base: str
    quote: str
    rate: Decimal
    low: Decimal
    high: Decimal
    change_text: str | None = None
    fill_age_days: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """What the warehouse of a run holds of it. `rejects` counts by reason."""

    rates_date: date | None = None
    rates: tuple[Rate, ...] = ()
    articles_seen: int = 0
    articles_new: int = 0
    rejects: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """One run. `release` is None when nothing was published, `contents` when no model was built."""

    run_id: str
    status: str
    slot: datetime
    release: Path | None = None
    contents: Contents | None = None
    fired: tuple[CheckResult, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""


def read_facts(outcome: Outcome, data_dir: Path, slot: datetime) -> Facts:
    """The facts of a run that is over, from its release, or from the building that failed its checks."""
    warehouse = None
    if outcome.release is not None:
        warehouse = outcome.release.warehouse
    elif outcome.status is Status.CHECKS_FAILED:
        warehouse = Building(data_dir, outcome.run_id).warehouse
    return Facts(
        run_id=outcome.run_id,
        status=outcome.status,
        slot=slot,
        release=outcome.release.folder if outcome.release else None,
        contents=read_contents(warehouse, outcome.run_id) if warehouse else None,
        fired=outcome.fired,
        warnings=outcome.warnings,
        error=outcome.error,
        hint=outcome.hint,
    )


def read_contents(warehouse: Path, run_id: str) -> Contents:
    """What `warehouse` says of the run. Raises `duckdb.Error` when it cannot be read."""
    with open_release(warehouse) as con:
        rates = con.execute(RATES, [run_id]).fetchall()
        seen, new = con.execute(ARTICLES, [run_id]).fetchall()[0]
        rejects = con.execute(REJECTS, [run_id]).fetchall()
    return Contents(
        rates_date=rates[0][0] if rates else None,
        rates=tuple(Rate(*row[1:]) for row in rates),
        articles_seen=seen,
        articles_new=new,
        rejects=tuple((reason, count) for reason, count in rejects),
    )


def sentence(facts: Facts) -> str:
    """The run in one line, for the message of a state."""
    if facts.release is None or facts.contents is None:
        return facts.error
    told = facts.contents
    rates = f"{len(told.rates)} rates of {told.rates_date}" if told.rates else "no rates"
    return (
        f"Release {facts.release.name}: {rates}, "
        f"{told.articles_seen} articles seen, {told.articles_new} of them new"
    )


def summary(facts: Facts) -> str:
    """The run as Markdown: how it ended, rates, articles, rejects, checks, warnings."""
    parts = [f"# {facts.slot:%Y-%m-%d %H:%M} UTC: {facts.status.replace('_', ' ')}", *_end(facts)]
    if facts.contents is not None:
        parts += _contents(facts.contents, published=facts.release is not None)
    if facts.fired:
        rows = [(f.severity, f.check_name, f.model, str(f.offending_rows), f.sample) for f in facts.fired]
        parts += [
            "## Checks that fired",
            _table(("Severity", "Check", "Table", "Rows", "Some of them"), rows),
        ]
    elif facts.contents is not None:
        parts += ["## Checks that fired", "None."]
    if facts.warnings:
        parts += ["## Warnings", "\n".join(f"- {_cell(warning)}" for warning in facts.warnings)]
    return "\n\n".join(parts) + "\n"


def rates_table(contents: Contents) -> list[dict[str, str]]:
    """The rates as rows of a table artifact, all values as text."""
    return [
        {
            "pair": _pair(rate),
            "rate": plain(rate.rate),
            "interval": _interval(rate),
            "change": _change(rate),
        }
        for rate in contents.rates
    ]


def text(contents: Contents) -> str:
    """Rates and articles for a terminal, a line each."""
    rates = [
        f"  {_pair(rate):<8} {plain(rate.rate):<9} {_interval(rate)}  {_change(rate)}"
        for rate in contents.rates
    ]
    articles = f"{contents.articles_seen} articles seen, {contents.articles_new} of them new"
    return "\n".join([f"rates of {contents.rates_date or 'no day'}", *rates, articles])


def plain(number: Decimal) -> str:
    """A decimal without exponent and without the zeros that its column's scale adds.

    >>> plain(Decimal("0.00008000"))
    '0.00008'
    """
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _end(facts: Facts) -> list[str]:
    if facts.release is not None:
        return [f"Release `{facts.release.name}` stands in `{facts.release}`."]
    said = f"No release: {facts.error}"
    return [said, f"Next: `{facts.hint}`"] if facts.hint else [said]


def _contents(contents: Contents, *, published: bool) -> list[str]:
    note = "" if published else " (not published)"
    rates = [(_pair(rate), plain(rate.rate), _interval(rate), _change(rate)) for rate in contents.rates]
    rejects = [(reason, str(count)) for reason, count in contents.rejects]
    return [
        f"## Rates of {contents.rates_date or 'no day'}{note}",
        _table(("Pair", "Rate", "Interval", "Change"), rates) if rates else "None.",
        "## Articles",
        f"{contents.articles_seen} seen, {contents.articles_new} of them for the first time.",
        "## Rejects",
        _table(("Reason", "Rejects"), rejects) if rejects else "None.",
    ]


def _pair(rate: Rate) -> str:
    return f"{rate.base}/{rate.quote}"


def _interval(rate: Rate) -> str:
    return f"{plain(rate.low)} to {plain(rate.high)}"


def _change(rate: Rate) -> str:
    if rate.fill_age_days:
        return f"not observed, {rate.fill_age_days} days old"
    return rate.change_text or ""


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: str) -> str:
    # A bar would open a new column, a line break would end the table.
    return " ".join(value.replace("|", "\\|").split())
