"""An article's text as stored: shortcodes taken out, furniture dropped, otherwise as printed.

- White space: every run of it (the no-break space included) is one blank; paragraphs are kept apart by an
  empty line. Characters that have no width and part nothing (the zero-width space, the word joiner, the byte order
  mark, the soft hyphen) are left out: the rest of "1,000" would be read as a number. Quotes, dashes and letters are
  never changed.
- Shortcodes (`[caption ...]...[/caption]`, `[video ...]`, `[embed]...[/embed]`, `[gallery ...]`, any
  `[name key=value ...]`) leave the text and become `Media`. Other square brackets are prose and stay.
- Truncation: a text that the capture holds to its end (`blocks.is_cut`) is truncated when its last characters are
  an ellipsis ("...", U+2026, either in square brackets), or where it ends in "Register to read more". An ellipsis
  inside the text, or one closed by a quotation mark, is the author's. Where a text really ends in an ellipsis
  the two cannot be told apart, and the text counts as truncated: the one cut text of the known pages ends in
  "...", right behind a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

from ca_etl.parse.page import Media

_ENCLOSING: Final = frozenset({"caption", "wp_caption", "embed", "video", "audio", "playlist"})
# The known names of WordPress, or any name with an attribute. Attributes are bounded and hold no bracket, so
# "[caption [caption [caption" costs no more than its length.
_SHORTCODE: Final = re.compile(
    r"\[(?:(/)?(caption|wp_caption|embed|video|audio|playlist|gallery)(?![\w-])([^\[\]]{0,2000})"
    r"|(/)?([a-z][a-z0-9_-]{1,30})(\s{1,4}[a-z][a-z0-9_-]{0,30}=[^\[\]]{0,2000}))(?:\]|$)"
)
# Texts have one or two; half a million took two seconds and 240 MB.
MAX_TAGS: Final = 20_000
_ATTACHMENT: Final = re.compile(r"attachment_([0-9]{1,18})(?![0-9])")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_ELLIPSIS: Final = ("...", "…", "[...]", "[…]")
_TAIL: Final = re.compile(
    r"\s{0,4}(?<!\w)(Continue reading|Register to read more|READ MORE|Read more)(?:\s{0,2}(?:\.{3}|…|→|»|:))?$"
)
_TAILS: Final = ("reading", "read more", "READ MORE", "Read more")
_TAIL_CHARS: Final = 40
_FURNITURE: Final = frozenset({"continue reading", "divider", "read more", "leave a comment"})
# What these and the next begin with; most lines do not.
_FURNITURE_OPENS: Final = "cCdDlLrRvV"
_FURNITURE_LINE: Final = re.compile(r"(?:view more articles from|read more:)(?!\w)", re.IGNORECASE)
_NO_WIDTH: Final = dict.fromkeys(map(ord, "\u200b\u2060\u00ad\ufeff"))
_DATELINE: Final = re.compile(
    r"([^\W\d_][\w .,'’/-]{1,60}\(TCA\))\s{0,2}(?:—|–|--?)\s{1,2}"  # noqa: RUF001 (the en dash is printed so)
)
_BYLINE: Final = re.compile(
    r"[•*–-]?\s{0,2}(?:Written by|By) ([^\W\d_][\w.'’-]{0,30}(?: [^\W_][\w.'’-]{0,30}){0,5})"  # noqa: RUF001
)


class Cleaned(NamedTuple):
    """A text ready to be stored; `text` is None when nothing was left of it."""

    text: str | None
    is_truncated: bool
    dateline: str | None
    media: tuple[Media, ...]


def squeeze(line: str) -> str:
    """`line` with every run of white space as one blank and none at its ends, and no characters without a width."""
    # The blank is the only white space that is printable; splitting into words costs several times more.
    if line.isprintable():
        return squeeze_blanks(line)
    return " ".join((line if line.isascii() else line.translate(_NO_WIDTH)).split())


def squeeze_blanks(line: str) -> str:
    """`squeeze` for a line whose only white space are blanks."""
    line = line.strip(" ")
    while "  " in line:
        line = line.replace("  ", " ")
    return line


def is_furniture(line: str) -> bool:
    """Whether a whole squeezed line is a link or label of the theme and no text of the article."""
    if line[:1] not in _FURNITURE_OPENS or len(line) > 300:
        return False
    bare = line.rstrip(" .…→»").lower()
    return bare in _FURNITURE or _FURNITURE_LINE.match(line) is not None


def byline(line: str) -> str | None:
    """The name in a line that is "By NAME" or "Written by NAME" and nothing else."""
    found = _BYLINE.fullmatch(line) if len(line) <= 120 else None
    return None if found is None else found[1]


def clean(paragraphs: Iterable[str]) -> Cleaned:
    """The paragraphs of one article, squeezed, as one text."""
    media: tuple[Media, ...] = ()
    lines = list(paragraphs)
    if lines and all(map(_is_plain, lines)):
        return Cleaned("\n\n".join(lines), is_truncated=False, dateline=None, media=media)
    if any("[" in line and _SHORTCODE.search(line, line.index("[")) for line in lines):
        rest, media = take_shortcodes("\n\n".join(lines))
        # What was taken out leaves blanks behind and no other white space.
        lines = [line for line in map(squeeze_blanks, rest.split("\n\n")) if line]
    text, cut = _without_tails(lines)
    dateline = None
    begin = text[:80]
    opening = _DATELINE.match(begin) if "(TCA)" in begin else None
    if opening is not None:
        dateline = opening[1]
        text = text[opening.end() :]
    return Cleaned(text or None, cut or text.endswith(_ELLIPSIS), dateline, media)


def _is_plain(paragraph: str) -> bool:
    """Whether nothing can be taken from a squeezed paragraph: no bracket, no dateline, a full stop at its end."""
    return (
        paragraph[-1:] == "."
        and paragraph[-2:] != ".."
        and paragraph[0] not in _FURNITURE_OPENS
        and "[" not in paragraph
        and "(TCA)" not in paragraph[:80]
    )


def take_shortcodes(text: str) -> tuple[str, tuple[Media, ...]]:
    """`text` without its shortcodes, and what they held, in order.

    A caption that is never closed leaves its tag only: where it ends cannot be known. A tag cut by the end of
    the text is taken for whole. What stands behind the first `MAX_TAGS` tags stays as printed.
    """
    tags = [tag for tag in islice(_SHORTCODE.finditer(text), MAX_TAGS) if not _is_prose(tag)]
    closers = _closers(tags)
    kept: list[str] = []
    media: list[Media] = []
    done = 0
    for number, tag in enumerate(tags):
        if tag.start() < done:
            continue
        kept.append(text[done : tag.start()])
        done = tag.end()
        if tag[1] or tag[4]:
            continue
        name = tag[2] or tag[5]
        caption = None
        closer = closers.get(number)
        if closer is not None:
            held = text[tag.end() : closer.start()]
            caption = squeeze(_TAG.sub(" ", held) if "<" in held else held) or None
            done = closer.end()
        attachment = _ATTACHMENT.search(tag[3] or tag[6] or "")
        media.append(Media(name, int(attachment[1]) if attachment else None, caption))
    kept.append(text[done:])
    return " ".join(kept), tuple(media)


def _is_prose(tag: re.Match[str]) -> bool:
    """Whether the brackets are an editor's, such as "[video unavailable]"."""
    attributes = (tag[3] or "").strip(" /")
    return (
        tag[2] in {"video", "audio"} and bool(attributes) and "=" not in attributes and "//" not in attributes
    )


def _closers(tags: list[re.Match[str]]) -> dict[int, re.Match[str]]:
    """Of each enclosing tag the end tag that closes it: the next of its name before it opens again."""
    found: dict[int, re.Match[str]] = {}
    opened: dict[str, int] = {}
    for number, tag in enumerate(tags):
        name = tag[2] or tag[5]
        if name not in _ENCLOSING:
            continue
        if not tag[1]:
            opened[name] = number
        elif name in opened:
            found[opened.pop(name)] = tag
    return found


def _without_tails(paragraphs: list[str]) -> tuple[str, bool]:
    """The text without the links glued to the end of its paragraphs, and whether one said that more follows."""
    kept: list[str] = []
    cut = False
    for paragraph in paragraphs:
        end = paragraph[-_TAIL_CHARS:]
        tail = None
        if ("ead" in end or "EAD" in end) and any(map(end.__contains__, _TAILS)):
            tail = _TAIL.search(paragraph, max(0, len(paragraph) - _TAIL_CHARS))
        if tail is None:
            kept.append(paragraph)
            continue
        cut = tail[1].startswith("Register")
        if tail.start():
            kept.append(paragraph[: tail.start()])
    return "\n\n".join(line for line in kept if not is_furniture(line)), cut
