"""Tables on a terminal, in which text from a page or server is neither Rich mark-up nor a terminal command."""

from __future__ import annotations

from collections.abc import Container, Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ca_etl.sanitize import visible


class Screen(Console):
    """A Rich console that writes control characters in texts as escapes; the styles of Rich itself stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the rendered segments, with control characters in their texts as escapes."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def table(names: Iterable[str], rows: Iterable[Iterable[object]], right: Container[int] = ()) -> Table:
    """A Rich table of plain values with column names; None becomes an empty cell.

    Columns whose index is in `right` are aligned to the right. Control characters become escapes before Rich measures
    the cells, since an escape has a width and a control character has none.
    """
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(names):
        made.add_column(_cell(name), justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def _cell(value: object) -> Text:
    if isinstance(value, Text):
        return value
    return Text("" if value is None else visible(str(value)))
