"""Whether a paragraph of the text form is a title.

Where every text is one paragraph (listings, author pages) titles and texts take turns, so it is enough that a paragraph
can be a title at all (`is_title_like`, `listed_score`). Where texts have several (home pagination), their section
headings look the same, and `opens_article` weighs, in points of `POINTS`: length (headings have 2 to 15 words, few as
many as a title), a headline's verb in the present tense, names and numbers, title case against that of the page's first
title, a colon or question mark, words shared with the paragraph after it (a lead repeats its title), words shared with
the article before (a heading belongs to it), how the paragraph after it begins (a dateline opens an article; "However",
"She" or "The second" continue one), and whether the article before has a body already. A line with `OPENS` points or
more opens an article. `benchmarks/titles.py` prints how well that does on a labelled corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ca_etl.parse.labels import describes_article
from ca_etl.parse.lines import plain

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
# fmt: off
_CAPTION_WORDS: Final = (
    "photo", "image", "picture", "credit", "source", "illustration", "screenshot", "courtesy",
)
# fmt: on


def is_title_like(paragraph: str) -> bool:
    """Whether `paragraph` (squeezed) could be a title: short, opening like one, with no sentence's end.

    A line that describes an article could not. A section heading inside a full article can look the same.
    """
    if not 3 <= len(paragraph) <= MAX_CHARS:
        return False
    last = paragraph[-1]
    # Most short paragraphs that are no titles end with a full stop, so that is looked at before any pattern.
    if last == "." and not (paragraph[-2].isupper() and _ABBREVIATION_END.search(paragraph) is not None):
        return False
    if last in ",;:…" or paragraph.endswith(_NO_TITLES_END) or _OPENS.match(paragraph) is None:
        return False
    return paragraph.count(" ") < MAX_WORDS and "(TCA) " not in paragraph and not describes_article(paragraph)


def listed_score(paragraph: str, following: str) -> float:
    """How much `paragraph` is a title rather than a text where every text is one paragraph; 0 is undecided."""
    if len(paragraph) > MAX_CHARS or describes_article(paragraph):
        return -9.0
    if is_title_like(paragraph):
        score = 3.0 if _SENTENCES.search(paragraph) is None else 1.0
        return score + (1.0 if len(following) > 2 * len(paragraph) else 0.0)
    if paragraph.endswith(("...", "…", "[…]")):
        return -4.0
    # A title in lower case or with a full stop following it is rare, a text shorter than its title rarer.
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


OPENS: Final = 3.0
# Enough of a paragraph to know what it is about.
_LEAD_CHARS_READ: Final = 500
# A text of a thousand paragraphs must not be read again for each of its headings.
_PARAGRAPHS_READ: Final = 8
_LEAD_CHARS: Final = 60
_NEWS_CHARS: Final = 200
_STEM_CHARS: Final = 5
_STEM: Final = re.compile(rf"\b([^\W\d_]{{4,{_STEM_CHARS}}})\w*")

POINTS: Final = {
    "words_1_3": -4.0,
    "words_4": -1.5,
    "words_5": -0.5,
    "words_6": 0.5,
    "words_7": 2.0,
    "words_8_up": 3.0,
    "verb": 1.5,
    "names": 0.5,
    "figure": 0.5,
    "other_case": -3.5,
    "ends_in_question": -1.0,
    "is_half_a_question": -1.5,
    "short_label_colon": -1.0,
    "names_a_speaker": -4.0,
    "is_caption": -5.0,
    "opens_with_article": -1.0,
    "shares_3_with_lead": 2.0,
    "shares_2_with_lead": 1.0,
    "shares_0_with_lead": -1.0,
    "most_is_in_lead": 1.5,
    "known_from_article": -2.0,
    "new_to_article": 1.0,
    "lead_goes_on": -3.0,
    "lead_is_kin": -0.5,
    "lead_is_strange": 1.5,
    "lead_has_dateline": 5.0,
    "lead_tells_news": 1.0,
    "article_has_no_body": -2.5,
    "article_is_short": -0.5,
    "article_is_long": 0.5,
    "colon_before": -3.0,
}

# How much each of the two dear questions can take and give.
_SHARED: Final = (POINTS["shares_0_with_lead"], POINTS["shares_3_with_lead"] + POINTS["most_is_in_lead"])
_KNOWN: Final = (
    POINTS["known_from_article"] + POINTS["lead_is_kin"],
    POINTS["new_to_article"] + POINTS["lead_is_strange"],
)
_KIN: Final = (POINTS["lead_is_kin"], POINTS["lead_is_strange"])
_BOTH: Final = (_SHARED[0] + _KNOWN[0], _SHARED[1] + _KNOWN[1])

_VERBS: Final = frozenset(
    """
    says plans launches signs builds opens closes seeks wants gets gives takes makes holds hosts bans cuts raises boosts
    expands joins leads wins loses faces warns urges calls denies rejects approves adopts passes backs buys sells sends
    returns receives reports reveals records reaches hits rises falls grows drops slows starts begins ends stops halts
    resumes extends delays moves brings turns keeps sets puts draws adds aims agrees discusses meets visits arrests
    detains jails frees sentences accuses blames fines sues tests trains teaches learns looks eyes weighs considers
    mulls explores proposes introduces unveils presents publishes releases announces appoints names elects votes
    celebrates marks honors restores repairs replaces reopens relocates attracts invests pays owes lends borrows exports
    imports ships supplies produces mines digs drills pumps plants grows harvests saves protects bans fights tackles
    battles threatens tightens eases lifts removes imposes strengthens deepens develops creates offers provides helps
    supports allows lets forces orders demands requires needs becomes remains stays goes comes sees finds shows tells
    asks answers survives dies kills injures hurts rescues evacuates floods burns rattles shakes strikes protests
    is are was were has have had will would could may might can must rising falling shines serves doubles triples
    shuts counts cools heats rebuilds revives promises clears blocks steps tops ranks secures completes targets
    modernizes digitizes digitalizes bets turns courts prepares pushes presses renews links connects
    """.split()  # noqa: SIM905 (a list of quoted words would fill a screen)
)
_STOP_STEMS: Final = frozenset(
    word[:_STEM_CHARS]
    for word in """
    about after again against along also among and another around because been before being between both could does
    down during each even every first for from have having here how into its just last less like made make many may
    might more most much must near new next not now off once one only other our out over said same says second shall
    should since some still such than that the their them then there these they third this those through under until
    upon very was were what when where which while who whom why will with within without would year years you your
    central asia asian country countries people state region regional national government
    """.split()  # noqa: SIM905
)
_PLACES: Final = re.compile(
    r"\b(?:Kazakh|Kyrgyz|Tajik|Uzbek|Turkmen|Afghan|Karakalpak|Astana|Almaty|Bishkek|Dushanbe|Tashkent|Ashgabat|"
    r"Samarkand|Bukhara|Osh\b|Khujand|Caspian|Aral|Russia|China|Chinese|Turkey|Turkish|Iran|U\.?S\b|EU\b|EBRD|"
    r"World Bank)"
)
_GOES_ON: Final = re.compile(
    r"['\"\u2018\u201c]{0,2}(?:"
    r"However|But|And|Yet|Still|Also|Moreover|Furthermore|In addition|Additionally|Meanwhile|Instead|"
    r"Nevertheless|Nonetheless|Therefore|Thus|Hence|Similarly|Likewise|Overall|Finally|Ultimately|For example|"
    r"For instance|In contrast|By contrast|On the other hand|As a result|At the same time|Another|Others|Both|Such|"
    r"These|Those|This|That|It|Its|He|His|She|Her|They|Their|We|Our|I|You|Here|There|Then|Even|Despite this|"
    r"The (?:same|second|third|other|latter|former|first|next|main|most|biggest|problem|reason|question|idea|plan|"
    r"report|study|project|authors?)|One of|Part of|Not all|Many of|Some of|Most of|Among the|If|While|Unlike|"
    r"Besides|Beyond|Apart from|Perhaps|So|To (?:this|that|make|understand|be)|No one|Nobody|Few|What|Why|How)\b"
)
_NEWS: Final = re.compile(
    r"\b(?:on (?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|"
    r"Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)|(?:has|have|will) (?:been |be )?(?:announced|approved|signed|"
    r"launched|opened|begun|adopted|started|become|agreed|introduced|unveiled|build|open|start|begin|launch|receive)|"
    r"according to|announced|reported|this week|last week)\b"
)
_DATELINE: Final = re.compile(
    r"[A-Z][\w .,'/-]{1,60}(?:\(TCA\)|\(Reuters\)|\(RFE/RL\))|[A-Z]{4,}[A-Z, -]{0,40} - "
)
_DIGIT: Final = re.compile(r"[0-9]")
_PARTICIPLE: Final = re.compile(r"\b[A-Za-z][a-z]{2,}ed\b")
_SPEAKER: Final = re.compile(r"(?:TCA|Q|A|[A-Z]\. ?[A-Z]\.?|[A-Z][a-z]+)\s?:\s")


class ArticleSoFar:
    """The article before a candidate: its title, and its paragraphs so far."""

    __slots__ = ("_folded", "_title", "texts")

    def __init__(self, title: str = "") -> None:
        self.texts: list[str] = []
        self._title = title
        self._folded: list[str] = []

    def vocabulary(self) -> str:
        """What the article is about, each word following a blank; no paragraph is folded twice for two candidates."""
        folded = self._folded
        begin = max(len(folded), len(self.texts) - _PARAGRAPHS_READ)
        folded += [""] * (begin - len(folded))
        folded += [text[:_LEAD_CHARS_READ].casefold() for text in self.texts[begin:]]
        return " ".join(["", self._title.casefold(), *folded[-_PARAGRAPHS_READ:]])


def stems_of(text: str) -> set[str]:
    """The words of `text` that say what it is about, cut to five letters, so that "plans" is "planned"."""
    return set(_STEM.findall(text.casefold())) - _STOP_STEMS


def opens_article(
    line: str, following: Sequence[str], so_far: ArticleSoFar, *, first_in_title_case: bool
) -> bool:
    """Whether `line` is a title rather than a section heading.

    `following` are the paragraphs after it, `so_far` is the article before it. The expensive checks come last, and
    only where they can still decide.
    """
    lead = following[0][:_LEAD_CHARS_READ] if following else ""
    score = _own_points(line, first_in_title_case) + _article_points(so_far.texts)
    if _DATELINE.match(lead) is not None:
        score += POINTS["lead_has_dateline"]
    elif _GOES_ON.match(lead) is not None:
        score += POINTS["lead_goes_on"]
    elif score + _BOTH[0] < OPENS and _NEWS.search(lead, 0, _NEWS_CHARS) is not None:
        # One point more cannot change what is decided without it.
        score += POINTS["lead_tells_news"]
    if _is_decided(score, _BOTH):
        return score >= OPENS
    own = stems_of(line)
    score += _shared_points(own, lead)
    if _is_decided(score, _KNOWN):
        return score >= OPENS
    vocabulary = so_far.vocabulary()
    score += _known_points(own, vocabulary)
    if len(so_far.texts) < 2 or _is_decided(score, _KIN):
        return score >= OPENS
    return score + _kin_points(own, lead, following, vocabulary) >= OPENS


def _is_decided(score: float, bounds: tuple[float, float]) -> bool:
    """Whether `score` is on one side of `OPENS` whatever the rest, within `bounds`, adds to it."""
    return score + bounds[0] >= OPENS or score + bounds[1] < OPENS


def _own_points(line: str, first_in_title_case: bool) -> float:
    text = plain(line)
    words = text.split()
    count = len(words)
    score = POINTS["words_1_3" if count < 4 else f"words_{count}" if count < 8 else "words_8_up"]
    if _has_verb(text, words):
        score += POINTS["verb"]
    elif words[0] in {"The", "A", "An"}:
        score += POINTS["opens_with_article"]
    if _PLACES.search(text) is not None:
        score += POINTS["names"]
    if _DIGIT.search(text) is not None:
        score += POINTS["figure"]
    if first_in_title_case and not is_title_case(text):
        score += POINTS["other_case"]
    if text[-1] == "?":
        score += POINTS["ends_in_question"]
    elif words[0] in {"What", "Where", "When", "Who"}:
        score += POINTS["is_half_a_question"]
    if ":" in text:
        label, colon, rest = text.partition(": ")
        if colon and count < 7 and label.count(" ") < 2:
            score += POINTS["short_label_colon"]
        if _SPEAKER.match(text) is not None and not is_title_case(rest):
            score += POINTS["names_a_speaker"]
    return score + (POINTS["is_caption"] if is_caption(text) else 0.0)


def _has_verb(text: str, words: Sequence[str]) -> bool:
    folded = text.casefold().split()
    return (
        not _VERBS.isdisjoint(folded)
        or "to" in words[1:4]
        or not _VERBS.isdisjoint([word.strip(".,:;?!'\"") for word in folded if not word.isalpha()])
        or _PARTICIPLE.search(text) is not None
    )


def _article_points(texts: Sequence[str]) -> float:
    """What the article before says: whether it has a body, and whether that has come to an end."""
    if not texts:
        return POINTS["article_has_no_body"]
    score = POINTS["colon_before"] if texts[-1].endswith((":", ",", ";")) else 0.0
    if len(texts) == 1:
        score += POINTS["article_is_short"]
    elif len(texts) > 3:
        score += POINTS["article_is_long"]
    return score


def _shared_points(own: set[str], lead: str) -> float:
    folded = lead.casefold()
    shared = len([stem for stem in own if stem in folded and _is_stem_in(stem, folded)])
    # A lead cut short by the end of the capture shares nothing yet.
    if not shared and len(lead) >= _LEAD_CHARS:
        return POINTS["shares_0_with_lead"]
    if shared < 2:
        return 0.0
    score = POINTS["shares_2_with_lead" if shared == 2 else "shares_3_with_lead"]
    return score + (POINTS["most_is_in_lead"] if 2 * shared >= len(own) else 0.0)


def _is_stem_in(stem: str, folded: str) -> bool:
    """Whether `stems_of` would find the stem: at the beginning of a word, and cut off only at its full length."""
    at = folded.find(stem)
    while at >= 0:
        before, following = folded[at - 1 : at] if at else "", folded[at + len(stem) : at + len(stem) + 1]
        is_cut = len(stem) == _STEM_CHARS or not following.isalnum() or following.isdecimal()
        if is_cut and not before.isalnum() and before != "_":
            return True
        at = folded.find(stem, at + 1)
    return False


def _known_points(own: set[str], vocabulary: str) -> float:
    if not own:
        return 0.0
    known = _share_of(own, vocabulary)
    return POINTS["known_from_article"] if known >= 0.5 else POINTS["new_to_article"] if known <= 0.2 else 0.0


def _kin_points(own: set[str], lead: str, following: Sequence[str], vocabulary: str) -> float:
    led = stems_of(lead)
    led = (led | stems_of(following[1][:_NEWS_CHARS]) if len(following) > 1 else led) - own
    if len(led) < 5:
        return 0.0
    kin = _share_of(led, vocabulary)
    return POINTS["lead_is_kin"] if kin >= 0.25 else POINTS["lead_is_strange"] if kin <= 0.1 else 0.0


def _share_of(stems: set[str], vocabulary: str) -> float:
    return len([stem for stem in stems if f" {stem}" in vocabulary]) / len(stems)
