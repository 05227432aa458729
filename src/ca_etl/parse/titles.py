"""How likely a paragraph of the text form is a title.

Two questions, because the layouts differ:

- where every text is one paragraph (listings, author pages) titles and texts take turns, so it is enough that a
  paragraph can be a title at all: `is_title_like`, `listed_score`;
- where texts have several paragraphs (home pagination) their section headings stand alone and look like titles.
  `full_score` weighs what tells the two apart, and a paragraph scoring `OPENS` or more opens an article.

What `full_score` weighs, each in points of `POINTS`: length (headings have 2 to 15 words, few as many as a title),
a headline's verb in the present tense, names and figures, title case against that of the page's first title, a colon
or question mark, words shared with the paragraph behind (a lead repeats its title), words shared with the article
before (a heading belongs to it), the opening of the paragraph behind (a dateline opens an article; "However", "She"
or "The second" go on with one), and whether the article before has a body already.
`benchmarks/titles.py` prints how well that does on a labelled corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ca_etl.parse.lines import plain

MAX_CHARS: Final = 220
MAX_WORDS: Final = 32
OPENS: Final = 3.0
# Enough of a paragraph to know what it is about.
_TOLD_CHARS: Final = 500
# A text of a thousand paragraphs must not be read again for each of its headings.
_TOLD_PARAGRAPHS: Final = 8
_LEAD_CHARS: Final = 60
_NEWS_CHARS: Final = 200
_ABBREVIATION_END: Final = re.compile(r"(?:\b[A-Z]\.){2,}$")
_OPENS: Final = re.compile(r"[\"'“‘«(\[#$€£]{0,2}[^\W_a-z]")  # noqa: RUF001 (curly quotes are printed so)
_SENTENCES: Final = re.compile(r"[a-z0-9)\"'”’]{2}[.!?][\"'”’]? [A-Z“\"]")  # noqa: RUF001
_WORD: Final = re.compile(r"[^\W\d_][\w'-]*")
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
_CAPTION: Final = re.compile(
    r"[@(]?(?i:photos?|image|picture|pictured|credit|source|illustration|screenshot|courtesy|©)\b\W|"
    r"[^:;(,@©]{0,200}(?:[:;(,] ?(?i:photo|image|picture|credit|source)s?\b|©|@\w)|.{0,200}\b[Pp]hoto (?:by|from)\b"
)
_DIGIT: Final = re.compile(r"[0-9]")
_PARTICIPLE: Final = re.compile(r"\b[A-Za-z][a-z]{2,}ed\b")
_SPEAKER: Final = re.compile(r"(?:TCA|Q|A|[A-Z]\. ?[A-Z]\.?|[A-Z][a-z]+)\s?:\s")


def is_title_like(paragraph: str) -> bool:
    """Whether `paragraph` (squeezed) could be a title: short, opening like one, with no sentence's end.

    A section heading inside a full article can look the same.
    """
    if not 3 <= len(paragraph) <= MAX_CHARS or paragraph.count(" ") >= MAX_WORDS:
        return False
    if _OPENS.match(paragraph) is None:
        return False
    if paragraph.endswith("Continue reading") or "(TCA) " in paragraph:
        return False
    last = paragraph[-1]
    if last in ",;:…" or paragraph.endswith(("...", ".”", '."', ".’", ".'")):  # noqa: RUF001
        return False
    return last != "." or (paragraph[-2].isupper() and _ABBREVIATION_END.search(paragraph) is not None)


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


@dataclass(slots=True)
class Told:
    """The article before a candidate: its title, and its paragraphs so far."""

    title: str = ""
    texts: list[str] = field(default_factory=list)

    @property
    def paragraphs(self) -> int:
        """How many there are."""
        return len(self.texts)

    @property
    def last(self) -> str:
        """The last of them."""
        return self.texts[-1] if self.texts else ""

    def said(self) -> str:
        """What the article is about, each word behind a blank; reckoned for candidates only, which are few."""
        near = self.texts[-_TOLD_PARAGRAPHS:]
        return " ".join(["", self.title, *[text[:_TOLD_CHARS] for text in near]]).casefold()


def _share_of(stems: set[str], said: str) -> float:
    return sum([f" {stem}" in said for stem in stems]) / len(stems)


def stems_of(text: str) -> set[str]:
    """The words of `text` that say what it is about, cut to five letters, so that "plans" is "planned"."""
    return set(_STEM.findall(text.casefold())) - _STOP_STEMS


def is_title_case(paragraph: str) -> bool:
    """Whether most of the longer words begin with a capital."""
    words = [word for word in _WORD.findall(paragraph) if len(word) > 3]
    capitals = sum(1 for word in words if word[0].isupper())
    return 3 * capitals >= 2 * len(words)


def is_caption(line: str) -> bool:
    """Whether `line` names a picture or whom it is by."""
    return _CAPTION.match(line) is not None


def full_score(line: str, behind: Sequence[str], told: Told, *, first_in_title_case: bool) -> float:
    """How much `line` is a title rather than a section heading; `OPENS` and more is one.

    `behind` are the paragraphs after it, `told` is the article before it.
    """
    return sum(POINTS[name] for name in _weighed(line, behind, told, first_in_title_case))


def _weighed(line: str, behind: Sequence[str], told: Told, first_in_title_case: bool) -> list[str]:
    found = [*_own_signs(line, first_in_title_case)]
    lead = behind[0][:_TOLD_CHARS] if behind else ""
    own, led = stems_of(line), stems_of(lead)
    shared = own & led
    # A lead cut short by the end of the capture shares nothing yet.
    if len(shared) > 1 or (not shared and len(lead) >= _LEAD_CHARS):
        found.append(f"shares_{min(len(shared), 3)}_with_lead")
    if len(shared) > 1 and 2 * len(shared) >= len(own):
        found.append("most_is_in_lead")
    if _DATELINE.match(lead) is not None:
        found.append("lead_has_dateline")
    elif _GOES_ON.match(lead) is not None:
        found.append("lead_goes_on")
    elif _NEWS.search(lead, 0, _NEWS_CHARS) is not None:
        found.append("lead_tells_news")
    said = told.said()
    if own:
        known = _share_of(own, said)
        found.append("known_from_article" if known >= 0.5 else "new_to_article" if known <= 0.2 else "")
    led = (led | stems_of(behind[1][:_NEWS_CHARS]) if len(behind) > 1 else led) - own
    if len(led) >= 5 and told.paragraphs > 1:
        kin = _share_of(led, said)
        found.append("lead_is_kin" if kin >= 0.25 else "lead_is_strange" if kin <= 0.1 else "")
    if told.paragraphs == 0:
        found.append("article_has_no_body")
    elif told.paragraphs == 1:
        found.append("article_is_short")
    elif told.paragraphs > 3:
        found.append("article_is_long")
    if told.last.endswith((":", ",", ";")):
        found.append("colon_before")
    return [name for name in found if name]


def _own_signs(line: str, first_in_title_case: bool) -> list[str]:
    text = plain(line)
    words = text.split()
    count = len(words)
    found = ["words_1_3" if count < 4 else f"words_{count}" if count < 8 else "words_8_up"]
    lowered = {word.strip(".,:;?!'\"").casefold() for word in words}
    if lowered & _VERBS or "to" in words[1:4] or _PARTICIPLE.search(text) is not None:
        found.append("verb")
    elif words[0] in {"The", "A", "An"}:
        found.append("opens_with_article")
    if _PLACES.search(text) is not None:
        found.append("names")
    if _DIGIT.search(text) is not None:
        found.append("figure")
    if first_in_title_case and not is_title_case(text):
        found.append("other_case")
    if text.endswith("?"):
        found.append("ends_in_question")
    elif words[0] in {"What", "Where", "When", "Who"}:
        found.append("is_half_a_question")
    label, colon, rest = text.partition(": ")
    if colon and count < 7 and label.count(" ") < 2:
        found.append("short_label_colon")
    if _SPEAKER.match(text) is not None and not is_title_case(rest):
        found.append("names_a_speaker")
    if is_caption(text):
        found.append("is_caption")
    return found
