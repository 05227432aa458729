"""Scoring of paragraphs of a text page as titles or not.

On listings and author pages titles and one-paragraph texts alternate, so it is enough that a paragraph has the form of
a title (`is_title_like`, `listed_score`). On the home page texts have several paragraphs and section headings of the
same form, and `opens_article` adds up `POINTS`: for length (headings have 2 to 15 words, most fewer than a title), a
headline's verb in the present tense, names and numbers, title case compared with the page's first title, a colon or
question mark, words shared with the paragraph after it (a lead repeats its title), words shared with the article before
it (a heading belongs to that), how the paragraph after it begins (a dateline opens an article; "However", "She" or "The
second" continue one), and whether the article before it has a body already. A line with `OPENS` points or more opens an
article. `benchmarks/titles.py` measures the accuracy on a labelled corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ca_etl.parse.lines import describes_article, fold_punctuation

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


def is_title_like(paragraph: str) -> bool:
    """Whether `paragraph` (spaces collapsed) has the form of a title: short, starts like one, does not end a sentence.

    False for a label such as "3 hours ago". A section heading inside a full article can have the same form.
    """
    if not 3 <= len(paragraph) <= MAX_CHARS:
        return False
    last = paragraph[-1]
    # Most short paragraphs that are no titles end with a full stop, so that is checked before any pattern.
    if last == "." and not (paragraph[-2].isupper() and _ABBREVIATION_END.search(paragraph) is not None):
        return False
    if last in ",;:…" or paragraph.endswith(_NO_TITLES_END) or _OPENS.match(paragraph) is None:
        return False
    return paragraph.count(" ") < MAX_WORDS and "(TCA) " not in paragraph and not describes_article(paragraph)


def listed_score(paragraph: str, following: str) -> float:
    """Score `paragraph` of a listing as a title (positive) or a text (negative), given the paragraph `following` it."""
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
    """Whether `paragraph` is in title case: at least two thirds of its longer words begin with a capital."""
    words = _LONG_WORD.findall(paragraph)
    capitals = len([word for word in words if word[0].isupper()])
    return 3 * capitals >= 2 * len(words)


def is_caption(line: str) -> bool:
    """Whether `line` is a picture's caption or credit ("Photo: ...")."""
    return _CAPTION.match(line) is not None


OPENS: Final = 3.0
# Enough of a paragraph to know what it is about.
_LEAD_CHARS_READ: Final = 500
# A text of a thousand paragraphs must not be read again for every heading.
_PARAGRAPHS_READ: Final = 8
_LEAD_CHARS: Final = 60
_NEWS_CHARS: Final = 200
_STEM_CHARS: Final = 5
_STEM: Final = re.compile(rf"\b([^\W\d_]{{4,{_STEM_CHARS}}})\w*")

# fmt: off
POINTS: Final = {
    "words_1_3": -4.0, "words_4": -1.5, "words_5": -0.5, "words_6": 0.5, "words_7": 2.0, "words_8_up": 3.0,
    "verb": 1.5, "names": 0.5, "number": 0.5, "other_case": -3.5, "opens_with_article": -1.0, "is_caption": -5.0,
    "ends_in_question": -1.0, "is_half_a_question": -1.5, "short_label_colon": -1.0, "names_a_speaker": -4.0,
    "shares_3_with_lead": 2.0, "shares_2_with_lead": 1.0, "shares_0_with_lead": -1.0, "most_is_in_lead": 1.5,
    "known_from_article": -2.0, "new_to_article": 1.0, "lead_is_kin": -0.5, "lead_is_strange": 1.5,
    "lead_continues": -3.0, "lead_has_dateline": 5.0, "lead_has_news": 1.0,
    "article_has_no_body": -2.5, "article_is_short": -0.5, "article_is_long": 0.5, "colon_before": -3.0,
}
# fmt: on
# What the words shared with the lead and with the article before can take and give: all, without the first, the last.
_KIN: Final = (POINTS["lead_is_kin"], POINTS["lead_is_strange"])
_KNOWN: Final = (_KIN[0] + POINTS["known_from_article"], _KIN[1] + POINTS["new_to_article"])
_SHARED: Final = (
    _KNOWN[0] + POINTS["shares_0_with_lead"],
    _KNOWN[1] + POINTS["shares_3_with_lead"] + POINTS["most_is_in_lead"],
)

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
_CONTINUES: Final = re.compile(
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


def stems_of(text: str) -> set[str]:
    """The subject words of `text`, each cut to its first five letters, so that "export" and "exports" are equal.

    Function words such as "with" are left out.
    """
    return set(_STEM.findall(text.casefold())) - _STOP_STEMS


def opens_article(
    line: str, following: Sequence[str], title: str, texts: Sequence[str], *, first_in_title_case: bool
) -> bool:
    """Whether `line`, which has the form of a title, opens an article and is not a section heading.

    `following` are the paragraphs after it; `title` and `texts` are the title and paragraphs of the article before it.
    `first_in_title_case`: the page's first title is in title case.
    """
    lead = following[0][:_LEAD_CHARS_READ] if following else ""
    score = _own_points(line, first_in_title_case) + _article_points(texts)
    if _DATELINE.match(lead) is not None:
        score += POINTS["lead_has_dateline"]
    elif _CONTINUES.match(lead) is not None:
        score += POINTS["lead_continues"]
    elif _NEWS.search(lead, 0, _NEWS_CHARS) is not None:
        score += POINTS["lead_has_news"]
    shared = _shared_points(line, lead, following, title, texts)
    for least, most in (_SHARED, _KNOWN, _KIN):
        # Words are expensive to compare: only while they can still decide.
        if not OPENS - most <= score < OPENS - least:
            break
        score += next(shared, 0.0)
    return score >= OPENS


def _own_points(line: str, first_in_title_case: bool) -> float:
    text = fold_punctuation(line)
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
        score += POINTS["number"]
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
    """Points for the article before the line: for its number of paragraphs and the colon or comma at its end."""
    if not texts:
        return POINTS["article_has_no_body"]
    score = POINTS["colon_before"] if texts[-1].endswith((":", ",", ";")) else 0.0
    if len(texts) == 1:
        score += POINTS["article_is_short"]
    elif len(texts) > 3:
        score += POINTS["article_is_long"]
    return score


def _shared_points(
    line: str, lead: str, following: Sequence[str], title: str, texts: Sequence[str]
) -> Iterator[float]:
    """Points for shared words: of line and lead, of line and article before, of lead and article before."""
    own, led = stems_of(line), stems_of(lead)
    shared = len(own & led)
    if shared > 1:
        score = POINTS["shares_2_with_lead" if shared == 2 else "shares_3_with_lead"]
        yield score + (POINTS["most_is_in_lead"] if 2 * shared >= len(own) else 0.0)
    else:
        # A lead cut short by the end of the capture shares nothing yet.
        yield 0.0 if shared or len(lead) < _LEAD_CHARS else POINTS["shares_0_with_lead"]
    read = [text[:_LEAD_CHARS_READ] for text in texts[-_PARAGRAPHS_READ:]]
    vocabulary = " ".join(["", title, *read]).casefold()
    yield _share_points(own, vocabulary, (0.5, "known_from_article"), (0.2, "new_to_article"))
    if len(following) > 1:
        led |= stems_of(following[1][:_NEWS_CHARS])
    led -= own
    if len(texts) > 1 and len(led) > 4:
        yield _share_points(led, vocabulary, (0.25, "lead_is_kin"), (0.1, "lead_is_strange"))


def _share_points(stems: set[str], vocabulary: str, many: tuple[float, str], few: tuple[float, str]) -> float:
    """Points for the share of `stems` that `vocabulary` contains: at least `many`, or at most `few`; else 0."""
    known = len([stem for stem in stems if f" {stem}" in vocabulary])
    if not stems or few[0] < known / len(stems) < many[0]:
        return 0.0
    return POINTS[many[1] if known / len(stems) >= many[0] else few[1]]
