"""How the demo's sentence pieces become sentences: persons and numbers follow from the article's number."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib import resources
from typing import Final, TypeVar


@dataclass(frozen=True, slots=True)
class Place:
    """A city with what an article about it needs. `per_100_usd` is in whole units of the currency."""

    city: str
    country: str
    people: str
    currency: str
    code: str
    per_100_usd: int


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of article: its category, two titles, an opening and the sentences that may follow."""

    category: str
    titles: tuple[str, ...]
    opening: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """Everything that articles are made of. Categories map a slug to the name that is shown."""

    authors: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    offices: tuple[str, ...]
    trades: tuple[str, ...]
    captions: tuple[str, ...]
    common: tuple[str, ...]
    categories: Mapping[str, str]
    places: tuple[Place, ...]
    stories: tuple[Story, ...]


@lru_cache(maxsize=1)
def prose() -> Prose:
    """The pieces, read once from the package's own file."""
    data = tomllib.loads(resources.files(__package__).joinpath("stories.toml").read_text(encoding="utf-8"))
    return Prose(
        authors=tuple(data["authors"]),
        first_names=tuple(data["first_names"]),
        last_names=tuple(data["last_names"]),
        offices=tuple(data["offices"]),
        trades=tuple(data["trades"]),
        captions=tuple(data["captions"]),
        common=tuple(data["common"]),
        categories=data["categories"],
        places=tuple(
            Place(city, country, **data["countries"][country]) for city, country in data["cities"].items()
        ),
        stories=tuple(
            Story(s["category"], tuple(s["titles"]), s["opening"], tuple(s["details"]))
            for s in data["stories"]
        ),
    )


_FIELD: Final = re.compile(r"\{(\w+)\}")
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "count": (100, 4_900),
    "small": (2, 19),
    "share": (3, 64),
    "year": (2011, 2023),
}

T = TypeVar("T")


class Dice:
    """Choices that follow from an article's number; `random` promises no equal draws across versions."""

    def __init__(self, number: int) -> None:
        self._number = number

    def roll(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        digest = blake2b(f"{self._number}/{key}".encode(), digest_size=8).digest()
        return low + int.from_bytes(digest, "big") % (high - low + 1)

    def pick(self, key: str, options: tuple[T, ...]) -> T:
        """One of `options`."""
        return options[self.roll(key, 0, len(options) - 1)]

    def order(self, key: str, options: tuple[T, ...]) -> tuple[T, ...]:
        """All of `options` in another order."""
        marked = sorted((self.roll(f"{key}{i}", 0, 1 << 60), i) for i in range(len(options)))
        return tuple(options[i] for _, i in marked)


@dataclass(frozen=True, slots=True)
class Writer:
    """Fills the fields of a piece. Persons stay the same through an article, numbers change by `key`."""

    dice: Dice
    place: Place
    pieces: Prose

    def fill(self, piece: str, key: str) -> str:
        """The piece with its fields filled. Raises `ValueError` on an unknown field."""
        return _FIELD.sub(lambda field: self._value(field[1], key), piece)

    def _value(self, field: str, key: str) -> str:
        match field:
            case "city" | "country" | "people":
                text = str(getattr(self.place, field))
            case "official":
                office = self.dice.pick("office", self.pieces.offices)
                text = f"{self._person('o')}, {office} of {self.place.city},"
            case "witness":
                text = f"{self._person('w')}, {self.dice.pick('trade', self.pieces.trades)}"
            case "usd" | "modest_usd":
                text = f"${_short(self._amount(field, key))}"
            case "money" | "modest":
                text = self._local(self._amount(field, key))
            case "count" | "small" | "share" | "year":
                number = self.dice.roll(f"{field}{key}", *_RANGES[field])
                text = f"{number:,}" if field == "count" else str(number)
            case _:
                raise ValueError(f"stories.toml: unknown field {{{field}}} (see the head of the file)")
        return text

    def _amount(self, field: str, key: str) -> int:
        """Whole dollars: some hundreds, or up to ten millions."""
        if field.startswith("modest"):
            return 20 * self.dice.roll(f"modest{key}", 3, 45)
        return 50_000 * self.dice.roll(f"money{key}", 2, 190)

    def _person(self, key: str) -> str:
        first = self.dice.pick(f"first{key}", self.pieces.first_names)
        return f"{first} {self.dice.pick(f'last{key}', self.pieces.last_names)}"

    def _local(self, dollars: int) -> str:
        number = _short(dollars * self.place.per_100_usd // 100)
        as_code = self.dice.roll("currency", 1, 5) == 1
        return f"{number} {self.place.code if as_code else self.place.currency}"


def _short(number: int) -> str:
    """`1500000` as `1.5 million`, `12300` as `12,300`; cut, not rounded, to one decimal."""
    for size, name in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            tenths = number * 10 // size
            return f"{tenths // 10:,}{f'.{tenths % 10}' if tenths % 10 else ''} {name}"
    return f"{number:,}"
