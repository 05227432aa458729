"""Tables and marked texts on a terminal: text from a page or server is neither Rich mark-up nor a terminal command."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ca_etl.sanitize import visible

# A pipe has no width; folding at 80 columns there would cut numbers and commands in two.
PIPE_WIDTH = 100_000


class Screen(Console):
    """A Rich console that writes control characters in texts as escapes; the styles of Rich still work.

    A table is cut to the width of a terminal; a pipe or file gets each row on one line, however long.
    """

    def __init__(self, file: TextIO | None = None, *, stderr: bool = False) -> None:
        super().__init__(file=file, stderr=stderr)
        if not self.is_terminal:
            self.width = PIPE_WIDTH

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the rendered pieces of a Rich object, with control characters in their texts as escapes."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def table(names: Iterable[str], rows: Iterable[Iterable[object]], right: Container[int] = ()) -> Table:
    """A Rich table of plain values with column names; None becomes an empty cell.

    Columns whose index is in `right` are aligned to the right.
    """
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(names):
        made.add_column(plain(name), justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(plain, row))
    return made


def next_commands(commands: Iterable[tuple[str, str]]) -> Text:
    """The next command of each problem, each on a line of its own, to be printed with `crop=False`: never cut.

    `commands` are pairs of the thing that has the problem and the command; an empty command has no line.
    """
    lines = [f"next ({thing}): {command}" for thing, command in commands if command]
    return Text(visible("\n".join(lines)), no_wrap=True, overflow="ignore")


def plain(value: object) -> Text:
    """A value as Rich text without mark-up; None becomes an empty text, and a Rich text is returned unchanged.

    Control characters become escapes before Rich measures the width of the text or drops some of them.
    """
    if isinstance(value, Text):
        return value
    return Text("" if value is None else visible(str(value)))


class Mark(StrEnum):
    """The kind of a piece of a text: plain, the value that is traced, a match, or an old or new part of an edit."""

    PLAIN = "plain"
    SPAN = "span"
    MATCH = "match"
    OLD = "old"
    NEW = "new"


STYLES: Final = {
    Mark.PLAIN: "",
    Mark.SPAN: "reverse",
    Mark.MATCH: "bold",
    Mark.OLD: "red strike",
    Mark.NEW: "bold green",
}
SIGNS: Final = {
    Mark.PLAIN: ("", ""),
    Mark.SPAN: (">>", "<<"),
    Mark.MATCH: ("", ""),
    Mark.OLD: ("[-", "-]"),
    Mark.NEW: ("{+", "+}"),
}
# Words of a text on each side of a change.
CONTEXT_WORDS: Final = 8
WORD: Final = re.compile(r"\S+|\n+")
LINE_ENDS: Final = re.compile(r"\n+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a shown text, and its kind (`mark`)."""

    text: str
    mark: Mark = Mark.PLAIN


def marked(pieces: Iterable[Piece], *, with_style: bool, separator: str = "") -> Text:
    """Join pieces to one text, and mark their kind by style, or without style by signs such as `>>` and `<<`.

    A changed line end is shown as `↵`.
    """
    parts = []
    for piece in pieces:
        before, after = ("", "") if with_style else SIGNS[piece.mark]
        text = visible(piece.text)
        if piece.mark in {Mark.OLD, Mark.NEW}:
            text = LINE_ENDS.sub(lambda ends: f"{'↵' * len(ends[0])}\n", text).removesuffix("\n")
        parts.append(Text(f"{before}{text}{after}", STYLES[piece.mark] if with_style else ""))
    return Text(separator).join(parts)


def compare_words(old: str, new: str) -> tuple[Piece, ...]:
    """The changes between two texts by words, with at most `CONTEXT_WORDS` words around each; empty for equal words.

    >>> [(piece.mark.value, piece.text) for piece in compare_words("one two three", "one 2 three")]
    [('plain', 'one'), ('old', 'two'), ('new', '2'), ('plain', 'three')]
    """
    before, after = WORD.findall(old), WORD.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    pieces: list[Piece] = []
    codes = matcher.get_opcodes()
    for number, (kind, start, end, new_start, new_end) in enumerate(codes):
        if kind == "equal":
            words = _abbreviate(after[new_start:new_end], number == 0, number == len(codes) - 1)
            pieces.append(Piece(_joined(words)))
            continue
        changes = ((before[start:end], Mark.OLD), (after[new_start:new_end], Mark.NEW))
        pieces += [Piece(_joined(words), mark) for words, mark in changes if words]
    return tuple(pieces) if any(piece.mark is not Mark.PLAIN for piece in pieces) else ()


def _abbreviate(words: list[str], is_first: bool, is_last: bool) -> list[str]:
    head = 0 if is_first else CONTEXT_WORDS
    tail = 0 if is_last else CONTEXT_WORDS
    if len(words) <= head + tail + 1:
        return words
    return [*words[:head], "…", *words[len(words) - tail :]]


def _joined(words: Iterable[str]) -> str:
    return re.sub(r" ?(\n+) ?", r"\1", " ".join(words))
