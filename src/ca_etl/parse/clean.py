"""An article's text as stored: shortcodes taken out, boilerplate dropped, otherwise as printed.

- White space: every run of it (the no-break space included) is one space; paragraphs are kept apart by an
  empty line. Characters that have no width and part nothing (the zero-width space, the word joiner, the byte order
  mark, the soft hyphen) are left out: the rest of "1,000" would be read as a number. Quotes, dashes and letters are
  never changed.
- Shortcodes (`[caption ...]...[/caption]`, `[video ...]`, `[embed]...[/embed]`, `[gallery ...]`, any
  `[name key=value ...]`) leave the text and become `Media`. The tags of page builders (`[vc_row]`), end tags and what
  an end tag closes only leave the text. Other square brackets are prose and stay: "[the fold]", "[sic]".
- Truncation: a text that the capture holds to its end (`text_articles.is_cut`) is truncated when it ends in
  an ellipsis ("...", U+2026, either in square brackets), or where it ends in "Register to read more". An ellipsis
  inside the text, or one closed by a quotation mark, is the author's. Where a text really ends in an ellipsis
  the two cannot be told apart, and the text counts as truncated: the one cut text of the known pages ends in
  "...", right after a word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final, NamedTuple

from ca_etl.parse.page import Media

_ENCLOSING: Final = frozenset({"caption", "wp_caption", "embed", "video", "audio", "playlist"})
_WORDPRESS: Final = _ENCLOSING | {"gallery"}
# What these enclose is code in base64 and never text.
_ENCODED: Final = frozenset({"vc_raw_html", "vc_raw_js", "fusion_code"})
# Known by their name alone. No table has the builders' (vc_row, et_pb_text, av_hr): editors write no underscore.
_BARE: Final = frozenset(
    {
        "toc",
        "ez-toc",
        "lwptoc",
        "contact-form-7",
        "elementor-template",
        "addtoany",
        "ssba",
        "ssba-buttons",
        "yarpp",
        "wpforms",
    }
    | {
        "gravityform",
        "instagram-feed",
        "smartslider3",
        "related-posts",
        "social-share",
        "adrotate",
        "nextpage",
    }
)
# Brackets that can be a tag. What they hold is bounded and holds no bracket, so that "[caption [caption [caption" costs
# no more than its length.
_SHORTCODE: Final = re.compile(
    r"\[(?P<end>/?)(?P<name>[A-Za-z][\w-]{0,40})(?P<rest>(?:[\s/=][^\[\]]{0,2000})?)(?:\]|$)"
)
_ATTRIBUTE: Final = re.compile(r"\s{1,4}[a-z][a-z0-9_-]{0,30}=")
# Within a word or sentence; every other tag parts what is before it from what is after it.
_WITHIN_LINE: Final = re.compile(
    r"(?:[a-z]{1,9}_)?(?:b|i|u|em|strong|drop_?caps?[0-9]?|highlight|colou?r|size|url|font|span|su[bp])"
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
        # What was taken out leaves spaces and no other white space.
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
    the text is taken for whole. What is after the first `MAX_TAGS` tags stays as printed.
    """
    brackets = list(islice(_SHORTCODE.finditer(text), MAX_TAGS))
    closed = {tag["name"] for tag in brackets if tag["end"]}
    tags = [tag for tag in brackets if _is_shortcode(tag, closed)]
    closers = _closers(tags)
    kept: list[str] = []
    media: list[Media] = []
    done = 0
    for number, tag in enumerate(tags):
        if tag.start() < done:
            continue
        name = tag["name"]
        kept += [text[done : tag.start()], "" if _WITHIN_LINE.fullmatch(name) else " "]
        done = tag.end()
        if tag["end"]:
            continue
        caption = None
        closer = closers.get(number)
        if closer is not None:
            held = text[tag.end() : closer.start()]
            caption = squeeze(_TAG.sub(" ", held) if "<" in held else held) or None
            done = closer.end()
        if name in _WORDPRESS or (name not in _ENCODED and _ATTRIBUTE.match(tag["rest"])):
            attachment = _ATTACHMENT.search(tag["rest"])
            media.append(Media(name, int(attachment[1]) if attachment else None, caption))
    kept.append(text[done:])
    return "".join(kept), tuple(media)


def _is_shortcode(tag: re.Match[str], closed: Collection[str]) -> bool:
    """Whether the brackets are no editor's, such as "[sic]" or "[video unavailable]"."""
    name, rest = tag["name"], tag["rest"].strip(" /")
    if name in {"video", "audio"} and not tag["end"] and rest and "=" not in rest and "//" not in rest:
        return False
    if tag["end"] or name in closed or name in _WORDPRESS or name in _BARE:
        return True
    return name.islower() and ("_" in name or (len(name) > 1 and _ATTRIBUTE.match(tag["rest"]) is not None))


def _closers(tags: list[re.Match[str]]) -> dict[int, re.Match[str]]:
    """Of each enclosing tag the end tag that closes it: the next of its name before it opens again."""
    closers: dict[int, re.Match[str]] = {}
    opened: dict[str, int] = {}
    for number, tag in enumerate(tags):
        name = tag["name"]
        if name not in _ENCLOSING and name not in _ENCODED:
            continue
        if not tag["end"]:
            opened[name] = number
        elif name in opened:
            closers[opened.pop(name)] = tag
    return closers


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
