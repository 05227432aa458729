"""What `language` looks for: per language its little words, its own letters, its alphabet and how much is enough."""

# ruff: noqa: RUF001  letters of other alphabets are what this is about

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# How a word begins, by its script; what begins otherwise is a number.
SCRIPTS: Final[Mapping[str, str]] = {
    "latin": r"^[a-zß-ɏ]",
    "cyrillic": r"^[\u0400-\u052f]",
    "other": r"^\p{L}",
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language in one script. A text is in it when words for it, less those against it, are `floor` of all.

    Words against it bear a letter that is not in `alphabet`.
    """

    code: str
    script: str
    alphabet: str
    floor: float
    little: frozenset[str]
    own: str | None
    """Found in words that no neighbour writes so; of itself no proof, for some other language may."""


def _language(
    code: str, script: str, alphabet: str, floor: float, little: str, *, own: str | None = None
) -> Language:
    return Language(code, script, alphabet, floor, frozenset(little.split()), own)


_ENGLISH: Final = "abcdefghijklmnopqrstuvwxyz"
# Without ъ, which Russian hardly writes and every other word of Bulgarian has.
_RUSSIAN: Final = "абвгдеёжзийклмнопрстуфхцчшщыьэюя"
_UZBEK_AND_TAJIK: Final = "абвгдеёжзийклмнопрстуфхчшъьэюяқғҳ"

# Little words that several of the languages share stand with all of them. English has most of them, so that a text
# of any other language of Europe, which shares a few, stays below the floor; the Turkic ones have fewest.
LANGUAGES: Final = (
    _language(
        "en",
        "latin",
        _ENGLISH,
        0.15,
        "the and of to in on as that with from which this are is was were said but not they their been its it he "
        "she who when will would there than more after before between under while by have has had for at his her "
        "be an or until we you your no all one",
    ),
    _language(
        "uz",
        "latin",
        _ENGLISH,
        0.12,
        "va bilan uchun bu bir ham deb edi esa bo'lgan bo'lib bo'ladi bo'yicha emas kerak qildi qilish qilingan "
        "berdi etdi hamda haqida o'z ikki ikkita uch to'rt har hech faqat yoki dedi keyin barcha mumkin yangi "
        "ularning uning bitta necha xabar so'ng hali ammo lekin uni agar shu siz yil kuni",
        own="[og]'|q(?:[^u]|$)",
    ),
    _language(
        "tk",
        "latin",
        "abdefghijklmnoprstuwyzäçžňöşüý",
        0.12,
        "we bilen üçin bu bir hem diýip boýunça bolan bolup bolar ýaly barada soň her iki üç dört diňe ýa ýok däl "
        "ýöne onuň olaryň öz ýyl ýylyň etmek edilen boldy aýtdy berdi täze entek hiç birnäçe sebäpli bilmeýär",
        own="[äžňý]",
    ),
    _language(
        "ru",
        "cyrillic",
        _RUSSIAN,
        0.15,
        "и в с на не за что как по из к от это был была было были будет будут для его её их он она они который "
        "которые также после между чтобы или при об со до года году сообщил сообщили говорят только ещё уже под "
        "эту этот этого без если вы ваш можно нет",
        own="[ыэё]",
    ),
    _language(
        "ky",
        "cyrillic",
        _RUSSIAN + "өүң",
        0.15,
        "жана менен үчүн бул бир деп деди болуп болгон эмес эле ошол анын алар бирок же да кийин чейин тууралуу "
        "боюнча жылы жылдан эки үч төрт ар гана бар жок керек эч ким аны билдирди айтты айтымында ал эми менин "
        "жаңы азырынча калды турат бардык сиз сиздин",
        own="[ыэөүң]",
    ),
    _language(
        "kk",
        "cyrillic",
        _RUSSIAN + "әғқңөұүһі",
        0.15,
        "және мен пен бен үшін бұл бір деп деді болып болған емес еді сол оның олар бірақ немесе да де кейін дейін "
        "туралы бойынша жылы жылдан екі үш төрт әр ғана бар жоқ керек ешкім оны хабарлады айтты ал осы жаңа әзірге "
        "барлық сіз сіздің",
        own="[әғқңөұүһ]",
    ),
    _language(
        "uz",
        "cyrillic",
        _UZBEK_AND_TAJIK + "ў",
        0.15,
        "ва билан учун бу бир ҳам деб деди эди эса бўлган бўлиб эмас керак қилди қилиш берди этди ҳамда ҳақида "
        "бўйича ўз икки иккита уч тўрт ҳар ҳеч фақат ёки кейин барча мумкин янги уларнинг унинг битта неча хабар "
        "сўнг аммо лекин йил ҳали",
        own="[ўқғҳ]",
    ),
    _language(
        "tg",
        "cyrillic",
        _UZBEK_AND_TAJIK + "ӣӯҷ",
        0.15,
        "ва дар ба аз ки барои бо то ин он ё як ду ҳам ҳар кард шуд шуда аст буд нест мешавад карда кунад мекунанд "
        "гуфт дод доданд бораи байни танҳо сол соли пас аммо агар чанд бояд шумо ҳамаи",
        own="[ӣӯҷқғҳ]",
    ),
)
