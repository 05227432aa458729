"""When a name that is spelled like a country or a city is none: rules as data, each with the case it was made for.

`sql/seeds/places.csv` says which name has which rules. A rule sees up to `WINDOW` bytes on both sides of the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WINDOW: Final = 80
CLOSE: Final = 32


@dataclass(frozen=True, slots=True)
class Rule:
    """A name is no place when `before`, `after` or `near` matches, unless `unless` does, or where `needed` fails.

    `before` is searched in the last `CLOSE` characters of what precedes the name (anchor it with `$`), `after` is
    matched from the name's end, `near`, `unless` and `needed` are searched in the name with both sides. `case` is
    the text the rule was made for, in which the name stands in braces.
    """

    name: str
    case: str
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    near: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    needed: re.Pattern[str] | None = None

    def refuses(self, before: str, after: str, name: str) -> bool:
        """Whether the name between the two sides is no place."""
        if self.needed is not None and self.needed.search(before + name + after) is None:
            return True
        told = (
            (self.before is not None and self.before.search(before[-CLOSE:]) is not None)
            or (self.after is not None and self.after.match(after) is not None)
            or (self.near is not None and self.near.search(before + name + after) is not None)
        )
        return told and (self.unless is None or self.unless.search(before + name + after) is None)


def refused(rules: Sequence[str], before: str, after: str, name: str) -> bool:
    """Whether one of the rules refuses the name that stands between the two sides."""
    return any(RULES[rule].refuses(before, after, name) for rule in rules)


_GIVEN: Final = (
    "Aaron|Adam|Alan|Alex|Alexander|Alfred|Alice|Amanda|Amy|Andrew|Angela|Anna|Anne|Anthony|Arthur|Ashley|Barbara|"
    "Ben|Benjamin|Bill|Bob|Brian|Carl|Carol|Catherine|Charles|Chris|Christine|Christopher|Clare|Clarence|Claire|"
    "Dan|Daniel|David|DeAndre|Deborah|Diana|Donald|Dorothy|Edward|Elizabeth|Ellen|Emily|Emma|Eric|Erica|Eva|Frank|"
    "Francis|Fred|Gary|George|Grace|Grant|Hannah|Harold|Harry|Heather|Helen|Henry|Howard|Irving|Isaac|Isaiah|Jack|"
    "James|Jane|Janet|Jason|Jeff|Jennifer|Jeremy|Jessica|Jim|Jimmy|Joan|Joe|John|Johnny|Jonathan|Joseph|Judith|"
    "Julia|Julie|Justin|Karen|Kate|Kathy|Keith|Kelly|Ken|Kevin|Kim|Larry|Laura|Lauren|Lee|Linda|Lisa|Louis|Louise|"
    "Lucy|Margaret|Maria|Marie|Mark|Martin|Mary|Matt|Matthew|Max|Megan|Melissa|Michael|Michelle|Mike|Nancy|Neil|"
    "Nicholas|Nick|Nicole|Oliver|Pamela|Patricia|Patrick|Paul|Peter|Philip|Rachel|Ralph|Raymond|Rebecca|Richard|"
    "Rick|Robert|Roger|Ron|Ronald|Roy|Ruth|Ryan|Samantha|Sandra|Sarah|Scott|Sean|Simon|Sophie|Stephanie|Stephen|"
    "Steve|Steven|Stuart|Susan|Terry|Theresa|Thomas|Tim|Timothy|Todd|Tom|Tony|Tyler|Vernon|Victor|Victoria|Vincent|"
    "Walter|Wayne|William"
)
_SURNAME: Final = (
    "Adams|Adesanya|Allen|Anderson|Bailey|Baker|Barnes|Barris|Bell|Bennett|Brooks|Brown|Bush|Butler|Campbell|Carter|"
    "Clark|Clarke|Collins|Cook|Cooper|Cox|Davis|Duffy|Edwards|Engel|Evans|Fisher|Foster|Garcia|Goldberg|Gonzalez|"
    "Gray|Green|Griffin|Hall|Harris|Harrison|Henderson|Henry|Hill|Howard|Hughes|Hurley|Jackson|James|Jenkins|"
    "Johnson|Jones|Kelly|Kelley|King|Kroeger|Lee|Lewis|Long|Lopez|Lowe|Martin|Martinez|Mason|May|Miller|Mitchell|"
    "Moore|Morgan|Morris|Murphy|Murray|Myers|Nelson|Nkunku|Parker|Patterson|Peele|Perez|Perry|Peterson|Phillips|"
    "Pickford|Poole|Powell|Price|Ramirez|Reed|Reynolds|Richardson|Rivera|Roberts|Robinson|Rodriguez|Rogers|Ross|"
    "Russell|Sanchez|Sanders|Scott|Simmons|Smith|Spieth|Stewart|Sullivan|Taylor|Thomas|Thompson|Torres|Turner|Walker|"
    "Walton|Ward|Washington|Watson|White|Williams|Wilson|Wood|Wright|Young|O['\u2019][A-Z][a-z]+|Mc[A-Z][a-z]+"
)
_STATES: Final = (
    "Alabama|Alaska|Arizona|Arkansas|Colorado|Connecticut|Delaware|Florida|Idaho|Illinois|Indiana|Iowa|"
    "Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|"
    "Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|North Carolina|Ohio|Oklahoma|Ontario|Oregon|Pennsylvania|"
    "South Carolina|Tennessee|Texas|Utah|Vermont|Virginia|West Virginia|Wisconsin|Wyoming|"
    "(?:AK|AL|AR|AZ|CA|CO|CT|FL|GA|IA|ID|IL|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE|NH|NJ|NM|NV|NY|OH|OK|ON|OR|"
    "PA|SC|SD|TN|TX|UT|VA|VT|WA|WI|WV|WY)"
)

# A capitalised word behind the name and small writing behind that: "Jordan Smith wrote", not "Jordan Signs Deal With".
_FULL_NAME: Final = (
    r" (?!(?:And|As|At|Army|Air|Arab|Customs|Defen[cs]e|Eyes|Finance|For|Foreign|From|Has|In|Interior|Is|King|May|"
    r"National|Of|On|Parliament|Plans|President|Prime|River|Says|Signs|Sends|Times|To|Trade|Valley|Will|With)\b)"
    r"[A-Z][a-z]*(?:[a-rt-z]|ss|us)(?=['\u2019.,]| (?:and |who )?[a-z]+\b)"
)


def _of(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_ALL: Final = (
    Rule(
        "person",
        "Michael {Jordan} visited the school",
        # The look ahead leaves the long list to the last word alone.
        before=_of(
            r"\b(?=[A-Z][A-Za-z]+\.? (?:[A-Z]\. )?$)"
            rf"(?:(?:Mr|Mrs|Ms|Dr|Prof|Sgt)\.? |(?:{_GIVEN}) (?:[A-Z]\. )?)$"
        ),
        after=_of(rf" (?=[A-Z])(?:[A-Z]\. )?(?:{_SURNAME})\b(?! (?:and|of the) [A-Z])"),
        unless=_of(r"\bKing (?:Abdullah|Hussein)\b"),
    ),
    Rule(
        "given_name",
        "Antonio {Sucre} led",
        before=_of(r"\b(?:Mr|Ms|Mrs|Antonio|Antonio José|Antonio Jose)\.? $"),
    ),
    Rule("chad_name", "{Chad} Kroeger sang", before=_of(r"\b[Hh]anging $"), after=_of(_FULL_NAME)),
    Rule("jordan_name", "{Jordan} Peterson spoke", after=_of(_FULL_NAME)),
    Rule(
        "israel_name",
        "{Israel} Kamakawiwo sang",
        after=_of(r" (?:Adesanya|Kamakawiwo|Horovitz|Gelfand|Broussard)"),
    ),
    Rule(
        "nursultan_name",
        "{Nursultan} Nazarbayev spoke",
        after=_of(r" (?:Nazarbayev|[A-Z][a-z]+(?:ev|ov|uly)\b)"),
    ),
    Rule("toktogul_name", "{Toktogul} Satylganov sang", after=_of(r" [A-Z][a-z]+(?:ov|ev)\b")),
    Rule(
        "frunze_name", "Mikhail {Frunze} led the front", before=_of(r"\b(?:Mikhail|M\.|General|Commander) $")
    ),
    Rule(
        "mary_name",
        "{Mary} went to the market",
        needed=_of(
            r"Turkmen|Dashoguz|Lebap|Ahal|Ashgabat|Merv|velayat|\bMary (?:region|province|city|power|district)\b"
        ),
        after=_of(rf" (?:{_SURNAME})\b| [A-Z][a-z]+(?:ova|eva)\b"),
    ),
    Rule(
        "turkmenbashi_name",
        "the late {Turkmenbashi} wrote",
        before=_of(r"\b(?:[Ll]ate|[Hh]imself|called|title of) $"),
    ),
    Rule(
        "arkadag_title",
        "{Arkadag}, the former president",
        needed=_of(r"\b(?:city|town|in|FC) (?:of )?Arkadag\b|Arkadag city"),
    ),
    Rule(
        "georgia_state",
        "shot near Atlanta, {Georgia}",
        before=_of(r"(?i:\bstate of |\bsouth(?:ern)? |\bAugusta, |\bUniversity of )$"),
        after=_of(
            r" (?:Tech|Bulldogs|State|Senate|Power Company|Governor|GOP|Republicans?|Democrats?|peach(?:es)?)\b"
        ),
        near=_of(
            r"\b(?:Atlanta|Savannah|Macon|Fulton County|Alabama|Florida|Tennessee|Carolina|Arizona|Michigan|Texas|"
            r"Pennsylvania|Wisconsin|Nevada|Athens, Georgia|Columbus, Georgia|U\.S\. state|US state|swing states?|"
            r"Brian Kemp|Raffensperger|Peach State)\b"
        ),
        unless=_of(
            r"\b(?:Tbilisi|Batumi|Kutaisi|Abkhazia|Ossetia|Armenia|Azerbaijan|Caucasus|Black Sea|Georgians?)\b"
        ),
    ),
    Rule(
        "athens_georgia",
        "{Athens}, Georgia, is a college town",
        after=_of(r", Georgia\b"),
    ),
    Rule(
        "georgian_style",
        "a fine {Georgian} terrace",
        after=_of(
            r"[ -](?:style|era|terraces?|architecture|townhouses?|mansions?|fa[cç]ades?|houses?|revival|Bay)\b"
        ),
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
        "turk_idiom",
        "the Young {Turks} of the party",
        before=_of(r"\bYoung $"),
        after=_of(r" and Caicos| & Caicos"),
    ),
    Rule(
        "polish_verb",
        "{Polish} the lens before each use",
        before=_of(r"\b(?:[Nn]ail|[Ss]hoe|[Ff]loor|[Ff]urniture|[Bb]oot) $"),
        after=_of(
            r" (?:the|your|it|them|up|off|each|every|with|this|these|all|both|until|again)\b| [Rr]emover"
        ),
    ),
    Rule(
        "german_name",
        "{German} Gref spoke of the bank",
        after=_of(
            r" (?:[A-Z]\. )?(?:Gref|Titov|Sterligov|Khan|Galushchenko|[A-Z][a-z]+(?:ov|ev|sky|skiy|enko|uk|yan))\b"
        ),
    ),
    Rule("turkmen_elsewhere", "Syrian {Turkmen} fighters", before=_of(r"\b(?:Syrian|Iraqi|Iranian) $")),
    Rule(
        "turkestan_region",
        "Russian {Turkestan} had no railway",
        before=_of(
            r"\b(?:[Rr]ussian|East(?:ern)?|West(?:ern)?|[Cc]hinese|[Ss]oviet|[Aa]fghan|[Cc]olonial|[Tt]sarist) $"
        ),
        after=_of(r" (?:ASSR|Governor|Governorate|Krai|Legion|Islamic|Military)\b"),
    ),
    Rule(
        "washington_name",
        "George {Washington} planted no tree",
        before=_of(rf"\b(?:{_GIVEN}|Denzel|Booker T\.|Kerry|Mr\.|Ms\.|Mount|Fort|Lake|Port|[Ss]tate of) $"),
        after=_of(
            r" (?:Post|Times|Examiner|State\b|Irving|Wizards|Capitals|Square|Bridge|Heights)|, (?:Iowa|Utah)\b"
        ),
    ),
    Rule("us_pronoun", "CONTACT {US} FOR DETAILS", before=_of(r"(?:\b[A-Z]{2,} )$"), unless=_of(r"[a-z]{3}")),
    Rule("us_money", "{U.S.}$5 million", after=_of(r" ?\$")),
    Rule("north_american_town", "{Moscow}, Idaho, has a library", after=_of(rf", (?:{_STATES})(?![\w-])")),
    Rule("brest_france", "{Brest} in Brittany", near=_of(r"\b(?:France|French|Brittany|Breton)\b")),
    Rule("near_pakistan", "{Hyderabad} in Sindh", near=_of(r"\b(?:Pakistan|Sindh|Karachi|Lahore)\b")),
    Rule(
        "near_azerbaijan",
        "{Astara} on the side of Azerbaijan",
        near=_of(r"\bAzerbaijani?\b"),
        unless=_of(r"\bIran"),
    ),
    Rule(
        "near_kyrgyz",
        "{Jalalabad} in southern Kyrgyzstan",
        near=_of(r"\b(?:Kyrgyz|Osh|Batken|Bishkek)"),
        unless=_of(r"\b(?:Afghan|Kabul)"),
    ),
    Rule("kamchatka", "{Petropavlovsk}-Kamchatsky shook", after=_of(r"[- ]Kamchats")),
    Rule(
        "manas_epic", "{Manas} is the hero of the epic", near=_of(r"\b(?:epic|hero|manaschi|trilogy|legend)")
    ),
    Rule("uralsk", "{Oral} exams start in May", needed=_of(r"\b(?:Kazakh|Atyrau|Aktobe|Uralsk|Ural River)")),
    Rule("prince_of_wales", "Prince of {Wales} Charles", before=_of(r"\b(?:Prince|Princess) of $")),
    Rule("fergana_valley", "the {Fergana} Valley lies in three countries", after=_of(r" [Vv]alley\b")),
    Rule(
        "navoi_poet",
        "Alisher {Navoi} wrote",
        before=_of(r"\bAlisher $"),
        after=_of(r" (?:Theat|Opera|Library|Prize)"),
    ),
)

RULES: Final[Mapping[str, Rule]] = {rule.name: rule for rule in _ALL}
