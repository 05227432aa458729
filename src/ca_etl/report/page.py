"""The report of a release: one HTML file with pictures and tables, which needs no network and no other file.

The page allows no script and no style but its own, each by its SHA-256 in a Content-Security-Policy, so that a text of
a site that became markup by mistake could still do nothing. Equal tables give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ca_etl import __version__
from ca_etl.errors import counted
from ca_etl.report import charts
from ca_etl.report.chart_frame import DARK, LIGHT, VARIABLES, Colours, Look, Spec
from ca_etl.report.charts import RateDay
from ca_etl.report.release_facts import FactTable, ReleaseFacts, read_facts, warehouse_of_facts
from ca_etl.report.run_summary import DOWN, RATE_COLUMNS, UP, short
from ca_etl.sanitize import visible
from ca_etl.warehouse.durable_files import StorageError, write_atomic

if TYPE_CHECKING:
    import jinja2

log = logging.getLogger(__name__)

REPORT: Final = "report.html"
# The page that the report links to where it is there.
DICTIONARY: Final = "dictionary.html"
HERE: Final = Path(__file__).parent
# A longer text of a site is cut at so many characters.
LONGEST: Final = 300
LONGEST_WORD: Final = 24
NOTHING: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart of the page: its name as an anchor, the title above it, and what it shows in words, below it.

    `spec` is empty where there is nothing to draw.
    """

    name: str
    title: str
    label: str
    spec: Spec


def write_report(warehouse: Path, path: Path, data_dir: Path, *, release_id: str) -> Path:
    """Write the report of the release with this warehouse file to `path`, and return `path`.

    The scripts of the charts are kept in `data_dir` where the installation cannot be written to. Raises `StorageError`,
    and `CaEtlError` for a warehouse that cannot be read or has the tables of another version.
    """
    with warehouse_of_facts(warehouse) as con:
        facts = read_facts(con)
    dictionary = DICTIONARY if path.with_name(DICTIONARY).is_file() else None
    page = render_report(facts, vega_scripts(data_dir), release_id=release_id, dictionary=dictionary)
    write_atomic(path, page.encode())
    return path


def render_report(facts: ReleaseFacts, vega: str, *, release_id: str, dictionary: str | None = None) -> str:
    """The HTML of a report; `vega` is the script that draws charts, `dictionary` the address of that page."""
    import markupsafe  # noqa: PLC0415  beside Jinja, which the command line does without

    first, last = (f"{day}" for day in facts.days or (date.min, date.min))
    style = style_of() + (HERE / "report.css").read_text("utf-8")
    script = (HERE / "report.js").read_text("utf-8")
    scripts, styles = ([digest(text) for text in texts] for texts in ((vega, script), (style,)))
    return templates().get_template(REPORT).render(
        policy=f"default-src 'none'; script-src {' '.join(scripts)}; style-src {' '.join(styles)}; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        style=markupsafe.Markup(style),  # noqa: S704  our own text
        script=markupsafe.Markup(script),  # noqa: S704  our own text
        vega=markupsafe.Markup(vega),  # noqa: S704  the packages' text
        version=__version__,
        release_id=release_id,
        dictionary=dictionary,
        facts=facts,
        dollar=FactTable(facts.run.heading, RATE_COLUMNS, [rate.cells() for rate in facts.run.rates]),
        days={"first": first, "last": last},
        **_figures(facts),
    )  # fmt: skip


def _figures(facts: ReleaseFacts) -> dict[str, Figure | list[Figure]]:
    """The charts of the page, by their names in the template."""
    days, look = facts.days, Look(VARIABLES, width=None, height=190)
    disagreements = {(one.day, one.base) for one in facts.disagreements}
    articles = sum(one.articles for one in facts.country_days if days and days[0] <= one.day <= days[-1])
    return {
        "overview": Figure(
            "overview",
            "",
            "The days of the series, pale where all rates are filled. Drag over the strip to select a time, or use the "
            "dates above; a click selects all.",
            charts.overview_chart(_days_of_series(facts), look) if days else {},
        ),
        "rates": [
            Figure(base, f"{name} ({base})", summary_of(rates), charts.rate_chart(rates, look))
            for base, (name, rates) in facts.rates.items()
        ],
        "agreement": Figure(
            "disagreements",
            "Days of disagreement",
            f"{len(disagreements):,} rates of a day, each an interval that, widened by a tolerance, holds none of the "
            "latest three rates of a bank.",
            charts.disagreement_chart(facts.disagreements, days, list(facts.rates), look) if days else {},
        ),
        "calendar": Figure(
            "calendar",
            "The ticker, day by day",
            _calendar_summary(facts),
            charts.calendar_chart(facts.calendar, look) if facts.calendar else {},
        ),
        "articles": Figure(
            "articles-a-day",
            "Articles a day, by main country",
            f"{articles:,} articles of the days with rates, each counted once, by the country that it is mainly about.",
            charts.articles_chart(facts.country_days, days, look) if days else {},
        ),
    }


def _days_of_series(facts: ReleaseFacts) -> list[RateDay]:
    """A rate of each day of the ticker's series, an observed one where a currency has one."""
    by_day: dict[date, RateDay] = {}
    for _, rates in facts.rates.values():
        for rate in rates:
            if rate.rate is not None and (rate.day not in by_day or by_day[rate.day].is_filled):
                by_day[rate.day] = rate
    return [by_day[day] for day in sorted(by_day)]


def summary_of(rates: Iterable[RateDay]) -> str:
    """The last known rates of a currency and the number of its days, in words."""
    rates = list(rates)
    printed = [(rate.day, rate.low, rate.high) for rate in rates if rate.low is not None]
    banks = [(rate.day, rate.official) for rate in rates if rate.official is not None]
    parts = []
    if printed:
        day, low, high = printed[-1]
        upper = "no upper bound" if high is None else shown(UP.create_decimal(high))
        parts.append(f"{day}: ticker {shown(DOWN.create_decimal(low))} to {upper}")
    if banks:
        day, official = banks[-1]
        parts.append(f"bank {shown(official)} on {day}")
    filled, differs = sum(rate.is_filled for rate in rates), sum(rate.disagrees for rate in rates)
    days = f"Of {counted(len(printed), 'day')} {filled} filled, {differs} in disagreement."
    return f"{', '.join(parts)}. {days}" if parts else "No rate is known."


def _calendar_summary(facts: ReleaseFacts) -> str:
    counts = {
        name: sum(outcome.state == state for outcome in facts.calendar)
        for state, name in charts.STATES.items()
    }
    of_states = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    of_days = f"Of {counted(len(facts.calendar), 'day')} with a slot"
    return f"{of_days}: {of_states}." if of_states else "No slot is known."


def style_of(light: Colours = LIGHT, dark: Colours = DARK) -> str:
    """The colours as CSS variables, dark ones for a screen that prefers them: paper is light."""
    first, second = (
        "".join(f"--{name}: {colour}; " for name, colour in colours.items()) for colours in (light, dark)
    )
    return f":root {{ {first}}}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {second}}} }}\n"


def digest(text: str) -> str:
    """The source of a Content-Security-Policy that allows a script or a style with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def vega_scripts(data_dir: Path) -> str:
    """Vega, Vega-Lite and vega-embed as one script.

    Made once for each version of vl-convert, which takes it more than a second: kept beside the code, as Python keeps
    what it has compiled, or, where that folder cannot be written to, in `data_dir`.
    """
    name = f"vega-{version('vl-convert-python')}.js"
    folders = (HERE / "__pycache__", data_dir / "cache")
    for folder in folders:
        with suppress(OSError, UnicodeDecodeError):
            return (folder / name).read_text("utf-8")
    import vl_convert  # noqa: PLC0415  only where the script is not kept yet

    made = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    for folder in folders:
        try:
            folder.mkdir(exist_ok=True)
            write_atomic(folder / name, made.encode())
        except (OSError, StorageError) as error:
            log.info("the scripts of the charts cannot be kept there: %s", error)
        else:
            break
    return made


@cache
def templates() -> jinja2.Environment:
    """The templates of the pages, which escape all that they are given."""
    import jinja2  # noqa: PLC0415  the command line does without it

    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"shown": shown, "kind": _kind}
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "sort_keys": False}
    return environment


def _kind(value: object) -> str:
    """The class of a cell: numbers and words are not broken, texts have a width to be read in."""
    if isinstance(value, int | Decimal):
        return "number"
    return "text" if len(shown(value)) > LONGEST_WORD else "word"


def shown(value: object, longest: int = LONGEST) -> str:
    """A value as text for people: a decimal in full, a time to the minute, a long text cut, no invisible characters."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, Decimal):
        return short(value, ",f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    text = visible(str(value))
    return text if len(text) <= longest else f"{text[:longest]}…"
