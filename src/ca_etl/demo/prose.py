"""The sentence pieces of the demo site's articles, from `stories.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


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
