"""The language of a text: its little words and the letters of its alphabet, for seven languages and no others.

News of Central Asia comes in English and Russian and in the five languages of its states. These are told apart by
what a reader looks at first: `the` and `of`, `и` and `что`, the letters ң, ғ, ҷ, ý. A word counts for a language
when it is one of its little words or bears a letter of its own, and against it when it bears a letter that its
alphabet lacks. Words of the rarer script are quotations and are not counted. `language_words` is the list.

Of the libraries that know all seven, py3langid takes half a second before its first text and brings numpy, and CLD2
has to be compiled for Python 3.14 and for ARM: much for a site whose articles are in English.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ca_etl.enrich.language_words import LANGUAGES, Language, script_of

# "Ош — Баткен", a photographer's name or a dateline says nothing of a language; a sentence has more letters than this.
MIN_LETTERS: Final = 40


def language(words: Sequence[str]) -> str | None:
    """ISO 639-1 code of the language of a text, given its words in lower case, as `words.words_of` makes them.

    One of en, ru, ky, kk, uz (in either script), tg and tk; None where the text is too short to tell, or in none of
    these.
    """
    by_script: dict[str, dict[str, int]] = {}
    for word, count in Counter(words).items():
        by_script.setdefault(script_of(word), {})[word] = count
    letters = {name: sum(len(word) * count for word, count in of.items()) for name, of in by_script.items()}
    letters.pop("", None)
    script = max(letters, key=letters.__getitem__, default="")
    if letters.get(script, 0) < MIN_LETTERS or 2 * letters[script] <= sum(letters.values()):
        return None
    scores = {each.code: _score(each, by_script[script]) for each in LANGUAGES.get(script, ())}
    best = max(scores, key=scores.__getitem__, default="")
    return best if scores.get(best, 0) > 0 else None


def _score(one: Language, counts: Mapping[str, int]) -> float:
    """Words for a language less those against it, as a share of all; 0 where that is not enough."""
    little = sum(counts.get(word, 0) for word in one.little)
    total = sum(counts.values())
    own = sum(counts[word] for word in _bearing(one.own, counts) if word not in one.little) if little else 0
    if not little or little + own < one.floor * total:
        return 0
    # A letter that does not exist weighs more than one that may: Belarusian has as many ы as Russian, and ў besides.
    foreign = sum(counts[word] for word in _bearing(one.foreign, counts))
    score = (little + own - 2 * foreign) / total
    return score if score >= one.floor else 0


def _bearing(letter: re.Pattern[str], words: Mapping[str, int]) -> list[str]:
    # most texts have none of the letters: one search tells
    return [word for word in words if letter.search(word)] if letter.search(" ".join(words)) else []
