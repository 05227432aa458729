"""Tables for people: what a page or a server sent is text in them, neither mark-up nor a command to a terminal."""

from __future__ import annotations

from collections.abc import Container, Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ca_etl.sanitize import visible


class Screen(Console):
    """A console that writes `visible` text; styles and movements of Rich's own pass."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Give the segments of what is rendered, cleaned."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def table(names: Iterable[str], rows: Iterable[Iterable[object]], right: Container[int] = ()) -> Table:
    """A table of plain values, None empty; columns whose index is in `right` are aligned to the right.

    The cells are cleaned before Rich measures them: a control character has no width, its sign has.
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
