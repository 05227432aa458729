"""The rates of a currency as text for a terminal: a point a day, its interval as a band, and the bank's rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from rich.text import Text

from ca_etl.report.charts import RateDay

# Room for both dates below the chart, and for a band of three rows.
LEAST_COLUMNS: Final = 22
LEAST_ROWS: Final = 3


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters of a chart, each one cell wide; `corner` and the two after it are the axes."""

    observed: str = "●"
    filled: str = "○"
    differs: str = "◆"
    filled_differs: str = "◇"
    bank: str = "─"
    band: str = "░"
    corner: str = "└"
    upright: str = "│"
    level: str = "─"

    @classmethod
    def of_encoding(cls, encoding: str) -> Marks:
        """The marks that a terminal of this encoding shows: plain ASCII where it lacks one of ours."""
        try:
            "●○◆◇─░└│".encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return cls("*", "o", "#", "%", "=", ":", "+", "|", "-")
        return cls()

    @property
    def meanings(self) -> dict[str, tuple[str, str]]:
        """What each mark means, and its style, in the order of the legend."""
        return {
            self.observed: ("ticker", "blue"),
            self.filled: ("filled: the last rate repeated", "bright_black"),
            self.band: ("interval of the ticker", "blue"),
            self.bank: ("bank", "yellow"),
            self.differs: ("they disagree", "magenta"),
            self.filled_differs: ("filled, they disagree", "magenta"),
        }


def block_chart(rates: Sequence[RateDay], width: int, height: int, marks: Marks) -> Text:
    """A chart of `rates`, at least one day with a value, of at most `height` lines of `width` cells, with a legend.

    Where there are more days than cells, a cell has several: the band has all their intervals, and the point is that of
    the last day that disagrees, else of the last filled one, else of the last.
    """
    values = [value for rate in rates for value in (rate.low, rate.high, rate.official) if value is not None]
    low, high = min(values), max(values)
    places = max(0, 2 - (high - low).adjusted()) if high > low else 4
    names = [f"{value:,.{places}f}".replace(",", "") for value in (high, low)]
    margin = max(map(len, names)) + 1
    columns = max(LEAST_COLUMNS, width - margin - 1)
    days = f"{rates[0].day}".ljust(columns - 10) + (f"{rates[-1].day}" if len(rates) > 1 else "")
    shown = set("".join(character for *_, character in _cells(rates, (columns, 1), (low, low), marks)))
    legend = _legend([mark for mark in marks.meanings if mark in shown], marks, width)
    rows = max(LEAST_ROWS, height - 2 - len(legend))
    grid = {(row, column): mark for row, column, mark in _cells(rates, (columns, rows), (low, high), marks)}
    chart = Text()
    for row in reversed(range(rows)):
        name = names[0] if row == rows - 1 else names[1] if row == 0 else ""
        chart.append(f"{name:>{margin - 1}} {marks.upright}")
        for column in range(columns):
            mark = grid.get((row, column), " ")
            chart.append(mark, marks.meanings[mark][1] if mark != " " else "")
        chart.rstrip()
        chart.append("\n")
    chart.append(f"{'':{margin}}{marks.corner}{marks.level * columns}\n{'':{margin + 1}}{days.rstrip()}")
    for line in legend:
        chart.append("\n").append_text(line)
    return chart


def _legend(shown: Sequence[str], marks: Marks, width: int) -> list[Text]:
    """The marks with their meanings, as many on a line as fit."""
    lines = [Text()]
    for mark in shown:
        meaning, style = marks.meanings[mark]
        if lines[-1] and len(lines[-1]) + len(meaning) + 5 > width:
            lines.append(Text())
        lines[-1].append("   " if lines[-1] else "").append(mark, style).append(f" {meaning}")
    return lines


def _cells(
    rates: Sequence[RateDay], size: tuple[int, int], extent: tuple[Decimal, Decimal], marks: Marks
) -> Iterator[tuple[int, int, str]]:
    """The marks with row and column, those that cover others later; row 0 is the lowest.

    `size` is the number of columns and rows, `extent` the lowest and highest value.
    """
    (columns, rows), (low, high) = size, extent

    def row_of(value: Decimal) -> int:
        share = (value - low) / (high - low) if high > low else Decimal("0.5")
        return min(rows - 1, int((share * rows).to_integral_value(ROUND_FLOOR)))

    known = {rate.day: rate for rate in rates}
    number = (rates[-1].day - rates[0].day).days + 1
    days = [known.get(rates[0].day + timedelta(days=index)) for index in range(number)]
    cells = min(number, columns)
    for cell in range(cells):
        of_cell = [day for day in days[cell * number // cells : (cell + 1) * number // cells] if day]
        across = range(cell * columns // cells, (cell + 1) * columns // cells)
        lows = [day.low for day in of_cell if day.low is not None]
        highs = [day.high for day in of_cell if day.high is not None]
        if lows and highs:
            band = range(row_of(min(lows)), row_of(max(highs)) + 1)
            yield from ((row, column, marks.band) for row in band for column in across)
        if official := [day.official for day in of_cell if day.official is not None]:
            yield from ((row_of(official[-1]), column, marks.bank) for column in across)
        if rated := [(day, day.rate) for day in of_cell if day.rate is not None]:
            # the last of the greatest: a mark of one day at the rate of another would be a wrong number
            day, rate = max(reversed(rated), key=lambda one: (one[0].disagrees, one[0].is_filled))
            points = ((marks.observed, marks.differs), (marks.filled, marks.filled_differs))
            yield row_of(rate), (across[0] + across[-1]) // 2, points[day.is_filled][day.disagrees]
