"""Whether a paragraph of the text form can be a title.

Where every text is one paragraph (listings, author pages) titles and texts take turns, so it is enough that a paragraph
can be a title at all. Where texts have several, their section headings look the same: `headings` tells the two apart.
"""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 220
MAX_WORDS: Final = 32
_ABBREVIATION_END: Final = re.compile(r"(?:\b[A-Z]\.){2,}$")
_OPENS: Final = re.compile(r"[\"'“‘«(\[#$€£]{0,2}[^\W_a-z]")  # noqa: RUF001 (curly quotes are printed so)
_NO_TITLES_END: Final = ("...", ".”", '."', ".’", ".'", "Continue reading")  # noqa: RUF001 (printed so)
_SENTENCES: Final = re.compile(r"[a-z0-9)\"'”’]{2}[.!?][\"'”’]? [A-Z“\"]")  # noqa: RUF001
_LONG_WORD: Final = re.compile(r"[^\W\d_][\w'-]{3,}")
_CAPTION: Final = re.compile(
    r"[@(]?(?i:photos?|image|picture|pictured|credit|source|illustration|screenshot|courtesy|©)\b\W|"
    r"[^:;(,@©]{0,200}(?:[:;(,] ?(?i:photo|image|picture|credit|source)s?\b|©|@\w)|.{0,200}\b[Pp]hoto (?:by|from)\b"
)
# One of these is in every caption; looking for them costs a tenth of the pattern.
_CAPTION_WORDS: Final = (
    "photo",
    "image",
    "picture",
    "credit",
    "source",
    "illustration",
    "screenshot",
    "courtesy",
)


def is_title_like(paragraph: str) -> bool:
    """Whether `paragraph` (squeezed) could be a title: short, opening like one, with no sentence's end.

    A section heading inside a full article can look the same.
    """
    if not 3 <= len(paragraph) <= MAX_CHARS:
        return False
    last = paragraph[-1]
    # Most short paragraphs that are no titles end with a full stop, so that is looked at before any pattern.
    if last == "." and not (paragraph[-2].isupper() and _ABBREVIATION_END.search(paragraph) is not None):
        return False
    if last in ",;:…" or paragraph.endswith(_NO_TITLES_END) or _OPENS.match(paragraph) is None:
        return False
    return paragraph.count(" ") < MAX_WORDS and "(TCA) " not in paragraph


def listed_score(paragraph: str, following: str) -> float:
    """How much `paragraph` is a title rather than a text where every text is one paragraph; 0 is undecided."""
    if len(paragraph) > MAX_CHARS:
        return -9.0
    if is_title_like(paragraph):
        score = 3.0 if _SENTENCES.search(paragraph) is None else 1.0
        return score + (1.0 if len(following) > 2 * len(paragraph) else 0.0)
    if paragraph.endswith(("...", "…", "[…]")):
        return -4.0
    # A title in lower case or with a full stop behind it is rare, a text shorter than its title rarer.
    if paragraph.count(" ") >= MAX_WORDS or _SENTENCES.search(paragraph) is not None:
        return -4.0
    return 1.0 if len(following) > 2 * len(paragraph) else -2.0


def is_title_case(paragraph: str) -> bool:
    """Whether most of the longer words begin with a capital."""
    words = _LONG_WORD.findall(paragraph)
    capitals = len([word for word in words if word[0].isupper()])
    return 3 * capitals >= 2 * len(words)


def is_caption(line: str) -> bool:
    """Whether `line` names a picture or whom it is by."""
    if line.isascii() and "@" not in line and not any(map(line.lower().__contains__, _CAPTION_WORDS)):
        return False
    return _CAPTION.match(line) is not None
