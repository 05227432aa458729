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
  inside the text, or one closed by a quotation mark, is the author's; one that really ends a text looks the same as
  a cut, and counts as one.
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
# fmt: off
_BARE: Final = frozenset({
    "toc", "ez-toc", "lwptoc", "contact-form-7", "elementor-template", "addtoany", "ssba", "ssba-buttons", "yarpp",
    "wpforms", "gravityform", "instagram-feed", "smartslider3", "related-posts", "social-share", "adrotate", "nextpage",
})
# fmt: on
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
_ATTACHMENT: Final = re.compile(r"(?:attachment_|wp-image-)([0-9]{1,18})(?![0-9])")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_ELLIPSIS: Final = ("...", "…", "[...]", "[…]")
_TAIL: Final = re.compile(
    r"\s{0,4}(?<!\w)(Continue reading|Register to read more|READ MORE|Read more)(?:\s{0,2}(?:\.{3}|…|→|»|:))?$"
)
_TAIL_CHARS: Final = 40
_FURNITURE: Final = re.compile(
    r"(?:continue reading|divider|read more|leave a comment)[ .…→»]{0,20}"
    r"|(?:view more articles from|read more:)(?!\w).{0,300}",
    re.IGNORECASE,
)
_NO_WIDTH: Final = dict.fromkeys(map(ord, "\u200b\u2060\u00ad\ufeff"))
_DATELINE: Final = re.compile(
    r"([^\W\d_][\w .,'’/-]{1,60}\(TCA\))\s{0,2}(?:—|–|--?)\s{1,2}"  # noqa: RUF001 (the en dash is printed so)
)
_BYLINE: Final = re.compile(
    r"[•*–-]?\s{0,2}(?:Written by|By) ([^\W\d_][\w.'’-]{0,30}(?: [^\W_][\w.'’-]{0,30}){0,5})"  # noqa: RUF001
)


class Cleaned(NamedTuple):
    """A text ready to be stored; `text` is None when nothing was left of it. `author` is the name in its byline."""

    text: str | None
    is_truncated: bool
    dateline: str | None = None
    media: tuple[Media, ...] = ()
    author: str | None = None


def squeeze(line: str) -> str:
    """`line` with every run of white space as one blank and none at its ends, and no characters without a width."""
    # The space is the only white space that is printable; splitting into words costs several times more.
    if not line.isprintable():
        return " ".join((line if line.isascii() else line.translate(_NO_WIDTH)).split())
    line = line.strip(" ")
    while "  " in line:
        line = line.replace("  ", " ")
    return line


def is_furniture(line: str) -> bool:
    """Whether a whole squeezed line is a link or label of the theme and no text of the article."""
    return _FURNITURE.fullmatch(line) is not None


def byline(line: str) -> str | None:
    """The name in a line that is "By NAME" or "Written by NAME" and nothing else."""
    match = _BYLINE.fullmatch(line) if len(line) <= 120 else None
    return None if match is None else match[1]


def clean(paragraphs: Iterable[str]) -> Cleaned:
    """The paragraphs of one article, squeezed, as one text."""
    text = "\n\n".join(paragraphs)
    media: tuple[Media, ...] = ()
    if "[" in text and _SHORTCODE.search(text, text.index("[")):
        rest, media = take_shortcodes(text)
        text = "\n\n".join(filter(None, map(squeeze, rest.split("\n\n"))))
    text, cut = _without_tails(text)
    dateline = _DATELINE.match(text[:80]) if "(TCA)" in text[:80] else None
    if dateline is not None:
        text = text[dateline.end() :]
    return Cleaned(text or None, cut or text.endswith(_ELLIPSIS), dateline and dateline[1], media)


def take_shortcodes(text: str) -> tuple[str, tuple[Media, ...]]:
    """`text` without its shortcodes, and what they held, in order.

    A caption that is never closed leaves its tag only: where it ends cannot be known. A tag cut by the end of
    the text is taken for whole. What is after the first `MAX_TAGS` tags stays as printed.
    """
    brackets = list(islice(_SHORTCODE.finditer(text), MAX_TAGS))
    closed = {tag["name"] for tag in brackets if tag["end"]}
    # Each enclosing tag with the next end tag of its name, unless it opens again before that.
    tags: list[tuple[re.Match[str], re.Match[str] | None]] = []
    ends: dict[str, re.Match[str]] = {}
    for tag in reversed(brackets):
        if _is_shortcode(tag, closed):
            is_closed = not tag["end"] and tag["name"] in _ENCLOSING | _ENCODED
            tags.append((tag, ends.pop(tag["name"], None) if is_closed else None))
            if tag["end"]:
                ends[tag["name"]] = tag
    kept: list[str] = []
    media: list[Media] = []
    done = 0
    for tag, end in reversed(tags):
        if tag.start() < done:
            continue
        name = tag["name"]
        kept += [text[done : tag.start()], "" if _WITHIN_LINE.fullmatch(name) else " "]
        held = "" if end is None else text[tag.end() : end.start()]
        done = (end or tag).end()
        if not tag["end"] and (
            name in _WORDPRESS or (name not in _ENCODED and _ATTRIBUTE.match(tag["rest"]))
        ):
            caption = squeeze(_TAG.sub(" ", held) if "<" in held else held)
            media.append(Media(name, attachment_number(tag["rest"]), caption or None))
    kept.append(text[done:])
    return "".join(kept), tuple(media)


def attachment_number(attribute: str) -> int | None:
    """The number of the attachment that an attribute of a shortcode, figure or image names."""
    match = _ATTACHMENT.search(attribute)
    return None if match is None else int(match[1])


def _is_shortcode(tag: re.Match[str], closed: Collection[str]) -> bool:
    """Whether the brackets are no editor's, such as "[sic]" or "[video unavailable]"."""
    name, rest = tag["name"], tag["rest"].strip(" /")
    if name in {"video", "audio"} and not tag["end"] and rest and "=" not in rest and "//" not in rest:
        return False
    if tag["end"] or name in closed or name in _WORDPRESS or name in _BARE:
        return True
    return name.islower() and ("_" in name or (len(name) > 1 and _ATTRIBUTE.match(tag["rest"]) is not None))


def _without_tails(text: str) -> tuple[str, bool]:
    """The text without the links glued to the end of its paragraphs, and whether one states that more follows."""
    kept: list[str] = []
    cut = False
    for paragraph in text.split("\n\n"):
        line, tail = paragraph, None
        if "read" in paragraph[-_TAIL_CHARS:].lower():
            tail = _TAIL.search(paragraph, max(0, len(paragraph) - _TAIL_CHARS))
        if tail is not None:
            line = paragraph[: tail.start()]
            cut = tail[1].startswith("Register")
        if line and not is_furniture(line):
            kept.append(line)
    return "\n\n".join(kept), cut
