"""The names by which countries are found in text, as a value made of rows; who has the file reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ca_etl.enrich.country_rules import BEARERS, NAMES, RULES

KINDS: Final = NAMES | {"none"} | BEARERS
_SHORTEST_IN_CAPITALS: Final = 4


@dataclass(frozen=True, slots=True)
class Name:
    """One name. `country_codes` are ISO 3166-1 alpha-2, EU for the European Union, XK (user-assigned) for Kosovo.

    A name that states share has several. The kind "none" is a longer name that is no country and hides one inside it
    ("Gulf of Oman"), the kinds of `places_rules.BEARERS` are words that bear names ("Convention"): they have none.
    `rules` are names of `places_rules.RULES`.
    """

    name: str
    kind: str
    country_codes: tuple[str, ...]
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All names, the longest first, each once."""

    names: tuple[Name, ...]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str | None]]) -> Gazetteer:
        """Make one of the rows of `sql/seeds/places.csv`: name, kind, country_code, rule (names, space between).

        A name that states share has a row for each; kind and rules are those of the first. Names of four letters and
        more are also matched in capitals, as old datelines print them: "BISHKEK (TCA)". Raises `ValueError` for a name
        that is listed twice for one country, an unknown kind or rule, or a name without country.
        """
        names: dict[str, Name] = {}
        for entry in map(_entry, rows):
            first = names.setdefault(entry.name, entry)
            if first is not entry:
                if set(first.country_codes) & set(entry.country_codes) or not entry.country_codes:
                    raise ValueError(f"{entry.name!r} stands twice among the places: leave one of its rows")
                codes = first.country_codes + entry.country_codes
                names[entry.name] = Name(entry.name, first.kind, codes, first.rules)
        for entry in tuple(names.values()):
            capitals = entry.name.upper()
            if len(capitals) >= _SHORTEST_IN_CAPITALS and "." not in capitals:
                names.setdefault(capitals, Name(capitals, entry.kind, entry.country_codes, entry.rules))
        return cls(tuple(sorted(names.values(), key=lambda entry: (-len(entry.name), entry.name))))


def _entry(row: Mapping[str, str | None]) -> Name:
    name, kind = row["name"] or "", row["kind"] or ""
    code, rules = row["country_code"] or None, tuple((row["rule"] or "").split())
    if not name or kind not in KINDS:
        raise ValueError(
            f"the place {name!r} has the kind {kind!r}: it must be one of {', '.join(sorted(KINDS))}"
        )
    if (code is None) != (kind not in NAMES):
        raise ValueError(
            f"the place {name!r} of the kind {kind!r} has the country {code!r}: {', '.join(sorted(NAMES))} have one"
        )
    if unknown := [rule for rule in rules if rule not in RULES]:
        raise ValueError(f"the place {name!r} names the unknown rule {unknown[0]!r}: see places_rules.RULES")
    return Name(name, kind, () if code is None else (code,), rules)
