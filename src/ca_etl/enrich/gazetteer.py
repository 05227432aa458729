"""The names by which countries are found in text, as a value made of rows; who has the file reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ca_etl.enrich.places_rules import RULES

KINDS: Final = frozenset({"country", "alias", "demonym", "capital", "city", "none"})
_SHORTEST_IN_CAPITALS: Final = 4


@dataclass(frozen=True, slots=True)
class Name:
    """One name. `country_code` is ISO 3166-1 alpha-2, EU for the European Union, XK (user-assigned) for Kosovo.

    The kind "none" is a longer name that is no country and hides one inside it ("Gulf of Oman"): its code is None.
    `rules` are names of `places_rules.RULES`.
    """

    name: str
    kind: str
    country_code: str | None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All names, the longest first, each once."""

    names: tuple[Name, ...]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str | None]]) -> Gazetteer:
        """Make one of the rows of `sql/seeds/places.csv`: name, kind, country_code, rule (names, blank between).

        Names of four letters and more are also found in capitals, as old datelines print them: "BISHKEK (TCA)".
        Raises `ValueError` for a name that stands twice, an unknown kind or rule, or a name without country.
        """
        named: dict[str, Name] = {}
        for row in rows:
            entry = _entry(row)
            if entry.name in named:
                raise ValueError(f"{entry.name!r} stands twice among the places: leave one of its rows")
            named[entry.name] = entry
        for entry in tuple(named.values()):
            capitals = entry.name.upper()
            if len(capitals) >= _SHORTEST_IN_CAPITALS and "." not in capitals:
                named.setdefault(capitals, Name(capitals, entry.kind, entry.country_code, entry.rules))
        return cls(tuple(sorted(named.values(), key=lambda entry: (-len(entry.name), entry.name))))


def _entry(row: Mapping[str, str | None]) -> Name:
    name, kind = row["name"] or "", row["kind"] or ""
    code, rules = row["country_code"] or None, tuple((row["rule"] or "").split())
    if not name or kind not in KINDS:
        raise ValueError(
            f"the place {name!r} has the kind {kind!r}: it must be one of {', '.join(sorted(KINDS))}"
        )
    if (code is None) != (kind == "none"):
        raise ValueError(
            f"the place {name!r} of the kind {kind!r} has the country {code!r}: only 'none' has none"
        )
    if unknown := [rule for rule in rules if rule not in RULES]:
        raise ValueError(f"the place {name!r} names the unknown rule {unknown[0]!r}: see places_rules.RULES")
    return Name(name, kind, code, rules)
