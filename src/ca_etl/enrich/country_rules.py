"""Rules that decide whether a name spelled like a country or city is that place: yes (firm), no (refused), ambiguous.

A *refusing* rule is for one name: what it matches is not a place ("Roast Turkey"). A rule of *kind* makes a name
ambiguous: a treaty, street, person or US state that is named like a place counts as the place only where the same text
also names the country firmly. `sql/seeds/places.csv` lists the rules of each name, and the nouns for things named after
a place ("Convention", "Street", "Texas"). A rule sees up to `WINDOW` bytes on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Final

WINDOW: Final = 80
CLOSE: Final = 32
REFUSED, DOUBTFUL, FIRM = range(3)

_CITIES: Final = ("capital", "city")
_PLACES: Final = (*_CITIES, "country", "alias")
NAMES: Final = frozenset({*_PLACES, "demonym"})
# What makes a name ambiguous: the kinds of the name and of the noun for a thing named after the place, in the order of
# the text, and the text between them, at most `REACH` bytes.
REACH: Final = 12
_BEARING: Final = (
    (_CITIES, " -", ("treaty",)),  # the {Budapest} Memorandum
    (NAMES, " -", ("term",)),  # the {Dutch} disease
    (_PLACES, " -", ("street", "house")),  # {Tehran} Street
    (
        _PLACES,
        ('" ', "' ", "\u2019 ", "\u201d ", "\u00bb "),
        ("street", "house", "sign"),
    ),  # the "{Tbilisi}" cinema
    (_PLACES, (", ", " ", " (", " in ", ", in "), ("state",)),  # {Moscow}, Idaho
    (("state",), (" town of ", " city of ", " village of "), _PLACES),  # the Idaho town of {Moscow}
    (("house",), " ", _PLACES),  # Hotel {Ukraine}
    (("house", "sign"), (' "', " '", " \u2018", " \u201c", " \u00ab"), _PLACES),  # the cinema "{Tbilisi}"
    (("prefix",), (" ", "-", "\u2013", " \u2013 ", " ("), _PLACES),  # the Treaty of {Lisbon}
)
BORROWED: Final = frozenset("".join(pair) for parts in _BEARING for pair in product(*parts))
BEARERS: Final = frozenset({"treaty", "term", "street", "house", "sign", "state", "prefix"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that refuses a place name by the text around it, or only makes it ambiguous (`is_kind`).

    The rule matches where one of its patterns `before`, `after` and `near` matches and `unless` does not. `before` is
    searched in the last `CLOSE` characters before the name (anchor it with `$`), `after` is matched from the end of
    the name, `near` and `unless` are searched in the name and its surroundings. `case` is an example, with the name in
    braces.
    """

    name: str
    case: str
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    near: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    is_kind: bool = False

    def matches(self, before: str, after: str, name: str) -> bool:
        """Whether this rule matches `name` with the texts `before` and `after` it."""
        matched = (
            (self.before is not None and self.before.search(before[-CLOSE:]) is not None)
            or (self.after is not None and self.after.match(after) is not None)
            or (self.near is not None and self.near.search(before + name + after) is not None)
        )
        return matched and (self.unless is None or self.unless.search(before + name + after) is None)


def _of(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# Words before a name that are not given names: "When Israel closed", "Central Jordan", "Fading China".
_NOT_GIVEN: Final = (
    "After Against All Although Amid An And Are As At Because Before Between Both But By Can Could Did Does Every "
    "For From Has How If In Inside Into Is It Its Like May Meanwhile More Near Neither No Nor Not Now Of On Once "
    "Only Or Our Outside Over Since So Some Still Than That The Then This Though Through To Today Toward Towards "
    "Under Unlike Until Via Was What When Where Whether Which While Who Why Will With Within Without Yet North "
    "South East West New Old Greater Upper Lower Inner Outer Mainland Soviet Great Modern Air Bank Team Dinamo "
    "Dynamo Real Inter Fly Visit President King Queen Prince Minister Republic Radio Lake"
)
# A given name is at the head of a sentence or follows a function word: not in the headline "Trains Reach China". The
# text before it is tested after its capital, and the guards after the word: a search that begins at a capital is fast.
_AT_HEAD: Final = "|".join(
    [r"(?<=^.)", r"(?<=[.!?:\"\u201d] .)", r"(?<=[\"\u201c(\n].)"]
    + [rf"(?<=\b[a-z]{{{length}}}{comma} .)" for length in range(1, 13) for comma in ("", ",")]
)
_GIVEN_NAME: Final = (
    rf"[A-Z](?:{_AT_HEAD})[a-z\u00e0-\u00ff]+(?=(?: [A-Z]\.)? $)"
    + "".join(
        rf"(?<!\b(?:{'|'.join(words)}))" for _, words in groupby(sorted(_NOT_GIVEN.split(), key=len), len)
    )
    + r"(?<!ern|ing|ese|ish)(?<!ed|al)"
    + r"|[A-Z][a-z]+\.(?:(?<=\b(?:Mr|Ms|Dr).)|(?<=\b(?:Mrs|Sen|Rep|Gov|Gen|Col|Sgt).)|(?<=\bProf.)) $"
)
# Words after a name that are not family names: "Jordan Prime Minister", "Kenya Airways", "Georgia Has".
_NOT_FAMILY: Final = (
    "Academy|Aerospace|Agency|Air|Airport|Ambassador|And|Arab|Army|As|At|Auto|Bank|Basin|Beat|Book|Border|"
    "Bridge|Broadcasting|Business|Capital|Center|Central|Centre|Chamber|Chief|City|Club|Coast|Committee|"
    "Company|Council|Court|Crisis|Cup|Customs|Daily|Day|Deal|Defence|Defense|Dream|East|Eastern|Embassy|Energy|"
    "Envoy|Exchange|Export|Eyes|FC|Fair|Fashion|Festival|Film|Finance|Football|For|Foreign|Forum|From|Fund|"
    "Games|Gas|Gate|Gold|Governor|Grain|Group|Hall|Has|Health|Holding|House|In|Insurance|Interior|"
    "International|Is|Islands|Journal|King|League|Lobby|Machinery|Marathon|May|Mayor|Metal|Metro|Mobile|Motor|"
    "Museum|National|News|North|Northern|Oblast|Of|Oil|Olympic|Olympics|On|Open|Opera|Orchestra|Party|"
    "Petroleum|Phosphate|Plan|Plans|Police|Port|Post|Power|President|Prime|Project|Province|Radio|Railway|Red|"
    "Region|Republic|River|Says|School|Sends|Show|Signs|South|Southern|State|Steel|Stock|Street|Summit|TV|Team|"
    "Telecom|Theatre|Times|To|Today|Tower|Trade|Tribune|United|Valley|Wall|Water|Week|West|Western|Will|With|"
    "Women|Zoo|"
    r"\w+(?:tion|ment|ways|lines|ity|ship|logy|tute|ism)"
)
_FUNCTION_WORDS: Final = (
    "to|of|on|in|for|with|and|at|by|from|as|over|up|off|into|than|against|after|amid|the|an?"
)
_NAME: Final = r"[A-Z][\w-]{1,20}"
# "Georgia Haverford sang", "Georgia Haverford, a cook", "Georgia Mae Haverford sang"; not the headlines "Georgia Set to
# Sign Deal" and "Chad Hosts Talks".
_FAMILY_NAME: Final = (
    r" (?=[A-Z]|(?:van|von|de|di|da|al|bin|ibn) )(?:[A-Z]\. |[a-z]{2,3} ){0,2}"
    rf"(?!(?:{_NOT_FAMILY})\b)[^\W\d_a-z][\w'\u2019-]{{1,20}}(?<!['\u2019]s)"
    rf"(?:(?=[.;:!?)\"\u201d\n]|$| \()|(?: (?!(?:{_NOT_FAMILY})\b){_NAME})?"
    rf"(?=['\u2019,]| and {_NAME} {_NAME} [a-z]| (?!(?:{_FUNCTION_WORDS})\b)[a-z]+\b"
    r"| [a-z]+ (?:[\w'\u2019]+ ){0,2}(?!(?:from|with|over|into|after|against|amid)\b)[a-z]{4}))"
)

_ALL: Final = (
    Rule(
        "person", "{Georgia} Haverford flew", before=_of(_GIVEN_NAME), after=_of(_FAMILY_NAME), is_kind=True
    ),
    Rule(
        "word",
        "{Mary} went to the market",
        near=_of(""),
        unless=_of(
            r"\b(?:Mary|Oral|Arkadag) (?:[Rr]egion|[Pp]rovince|velayat|[Cc]ity|district|oblast)\b"
            r"|\b(?:city|town|FC) (?:of )?(?:Mary|Oral|Arkadag)\b"
        ),
        is_kind=True,
    ),
    Rule(
        "american_state",
        "Congressman Pryce (R-{Georgia})",
        before=_of(r"(?i:\b[RDI][-\u2013]|\bstate of |\bUniversity of |\bAugusta, |\bColumbus, )$"),
        after=_of(
            r"(?:['\u2019]s)? (?:Tech|Bulldogs|State|Senate|Power Company|[Gg]overnor|GOP|Southern|National Guard|"
            r"Secretary of State|Institute of|House of|Supreme|[Cc]ongress\w+|Legislature|[Rr]unoff|peach(?:es)?)\b"
        ),
        near=_of(
            r"(?:Atlanta|Savannah|Macon|Fulton County|Alabama|Arizona|Carolina|Florida|Michigan|Nevada|Ohio|Texas|"
            r"Virginia|Pennsylvania|Tennessee|Wisconsin|U\.S\. state|US state|swing state|Brian Kemp|Raffensperger|"
            r"Congressman|Congresswoman|Senator|senator|Sen\.|Republican|Democrat|Statehouse|statehouse)"
        ),
        unless=_of(r"\b(?:Armenia|Azerbaijan|Caucasus|Black Sea)\b"),
        is_kind=True,
    ),
    Rule(
        "namesake",
        "{Nursultan} Nazarbayev spoke",
        before=_of(r"\b(?:Mikhail|M\.|General|Commander|Alisher|[Ll]ate|[Hh]imself|called) $"),
        after=_of(r" [A-Z][a-z]+(?:[eo]va?|uly)\b"),
    ),
    Rule(
        "turkey_bird",
        "{Turkey} farmers fear the flu",
        before=_of(
            r"\b(?:[Rr]oast(?:ed)?|[Ww]ild|[Tt]hanksgiving|[Cc]hristmas|[Ss]moked|[Bb]aked|[Ss]tuffed|[Ff]ried|"
            r"[Ff]rozen|[Cc]old|[Gg]round|Butterball|[Pp]ardoned) $"
        ),
        after=_of(
            r" (?:[Bb]reasts?|[Mm]eat|[Ff]arms?|[Ff]arm(?:ers?|ing)|[Ll]egs?|[Ss]andwich(?:es)?|[Hh]unt(?:ing|ers?)?|"
            r"[Dd]inners?|[Bb]urgers?|[Bb]acon|[Ee]ggs|[Ff]eathers?|[Vv]ultures?|[Tt]rot|[Ss]tuffing|[Ss]oup|[Pp]oults?)\b"
        ),
        near=_of(r"\b(?:[Tt]hanksgiving|Butterball|cranberr(?:y|ies)|gravy|giblets)\b"),
    ),
    Rule(
        "german_name",
        "{German} Gref spoke of the bank",
        after=_of(
            r" (?:[A-Z]\. )?(?:Gref|Titov|Sterligov|Khan|Galushchenko|[A-Z][a-z]+(?:ov|ev|sky|skiy|enko|uk|yan))\b"
        ),
    ),
    Rule("turkmen_elsewhere", "Syrian {Turkmen} fighters", before=_of(r"\b(?:Syrian|Iraqi|Iranian) $")),
    Rule("us_pronoun", "CONTACT {US} FOR DETAILS", before=_of(r"(?:\b[A-Z]{2,} )$"), unless=_of(r"[a-z]{3}")),
    Rule(
        "manas_epic", "{Manas} is the hero of the epic", near=_of(r"\b(?:epic|hero|manaschi|trilogy|legend)")
    ),
)

RULES: Final[Mapping[str, Rule]] = {rule.name: rule for rule in _ALL}


def verdict(rules: Sequence[str], before: str, after: str, name: str) -> int:
    """Decide whether `name` is a place, by its `rules` and the text `before` and `after` it.

    FIRM: a place. REFUSED: not a place. DOUBTFUL: rules match that make it ambiguous, and the other names in the text
    decide.
    """
    matched = [RULES[rule] for rule in rules if RULES[rule].matches(before, after, name)]
    if not matched:
        return FIRM
    return DOUBTFUL if all(rule.is_kind for rule in matched) else REFUSED
