"""Detection of the countries that texts name, with names from a gazetteer and rules for ambiguous names.

Names are found in all texts at once (Aho-Corasick), with case ("China", not "china"), at word borders; of overlapping
names the leftmost and longest counts. By `country_rules` a name is firm (it counts), refused (it is not the place) or
ambiguous (it counts only where the same text also has a firm name of its country).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Final

import polars as pl

from ca_etl.enrich.country_rules import (
    BEARERS,
    BORROWED,
    DOUBTFUL,
    FIRM,
    NAMES,
    REACH,
    RULES,
    WINDOW,
    verdict,
)

ROWS: Final = {
    "text_id": pl.String,
    "country_code": pl.String,
    "mentions": pl.Int32,
    "first_position": pl.Int32,
}
_NAMED: Final = ("row", "start", "name", "country_code", "kind")
_LONGEST_CHARACTER: Final = 4
_NOT_ASCII: Final = 0x80
# The greatest byte that does not begin a character.
_INSIDE: Final = 0xBF


@dataclass(frozen=True, slots=True)
class PlaceName:
    """A place name in a text and the country (code) that it represents; `start` is its offset in characters, from 0."""

    start: int
    end: int
    name: str
    country_code: str
    kind: str


def places(text: str, gazetteer: Gazetteer) -> tuple[PlaceName, ...]:
    """Find the country names in one text, in order; for many texts `place_rows` is much faster."""
    raw = text.encode()
    named = []
    for start, name, code, kind in _named(pl.DataFrame({"text": [text]}), gazetteer).drop("row").rows():
        first = len(raw[:start].decode())
        named.append(PlaceName(first, first + len(name), name, code, kind))
    return tuple(sorted(named, key=lambda place: place.start))


def place_rows(texts: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """Count how often each text names each country: one row per text and country, sorted by both.

    `texts` has the columns text_id and text, each text once. `mentions` counts names of every kind; `first_position` is
    the offset of the first name in characters, from 0. A text that names no country has no row.
    """
    named = (
        _named(texts.select("text"), gazetteer)
        .group_by("row", "country_code")
        .agg(mentions=pl.len(), start=pl.col("start").min())
        .sort("row", "start")
        .join(texts.select("text_id", "text").with_row_index("row"), on="row", maintain_order="left")
    )
    # Characters are counted from one first name to the next, so that a text of twenty countries is read once.
    last = pl.when(pl.col("row") == pl.col("row").shift(1)).then(pl.col("start").shift(1)).otherwise(0)
    between = pl.col("text").cast(pl.Binary).bin.slice(last, pl.col("start") - last).cast(pl.String)
    # Counted before `over`, which would count text by text: three times as slow.
    return (
        named.with_columns(characters=between.str.len_chars())
        .select(
            "text_id",
            "country_code",
            pl.col("mentions").cast(pl.Int32),
            first_position=pl.col("characters").cum_sum().over("row").cast(pl.Int32),
        )
        .sort("text_id", "country_code")
    )


def _named(texts: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """One row per name that counts for a country: row (of `texts`), start in bytes, name, country_code and kind."""
    hits = _hits(texts, gazetteer)
    names = hits.with_columns(*_near_bearer("ahead", -1), *_near_bearer("back", 1)).filter("is_name")
    is_plain = (pl.col("code_count") == 1) & pl.all_horizontal(pl.col("rules", "ahead", "back").is_null())
    suspects = names.filter(~is_plain)
    is_ruled = suspects["rules"].is_not_null()
    by_rules = [
        verdict(rules.split(), *_decoded(sides), name) if _is_worth(rules, *sides) else FIRM
        for rules, name, *sides in suspects.filter(is_ruled).select("rules", "name", *_sides(WINDOW)).rows()
    ]
    by_kind = pl.when(_is_borrowed() | (pl.col("code_count") > 1)).then(DOUBTFUL).otherwise(FIRM)
    ruled = pl.repeat(FIRM, len(suspects), dtype=pl.Int32, eager=True).scatter(is_ruled.arg_true(), by_rules)
    judged = suspects.with_columns(verdict=pl.min_horizontal(by_kind, ruled))
    firm = pl.concat([names.filter(is_plain).select(_NAMED), judged.filter(verdict=FIRM).select(_NAMED)])
    # A doubtful name counts for the one of its countries that the text names firmly too.
    witnessed = (
        judged.filter(verdict=DOUBTFUL)
        .with_columns(pl.col("country_code").str.split(" "))
        .explode("country_code")
        .join(firm, on=["row", "country_code"], how="semi")
        .filter(pl.len().over("row", "start") == 1)
    )
    return pl.concat([firm, witnessed.select(_NAMED)])


def _hits(texts: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """All entries of the gazetteer found in the texts, in order, with the columns of the entry."""
    entries = _entries(gazetteer)
    names = pl.lit(entries["name"]).implode()
    raw = pl.col("text").cast(pl.Binary).bin
    # A name is found again in the bytes from its start on, up to where a character or the text ends.
    longest = pl.lit(entries["name"]).str.len_bytes().max()
    ends = [pl.col("start") + longest + more for more in range(_LONGEST_CHARACTER)]
    end = pl.coalesce(
        pl.when(~raw.get(end, null_on_oob=True).is_between(_NOT_ASCII, _INSIDE)).then(end) for end in ends
    )
    ahead = raw.slice("start", end - pl.col("start")).cast(pl.String)
    hits = (
        # The patterns are ordered longest first, so that "leftmost" takes the longest of those that begin together.
        texts.with_row_index("row")
        .with_columns(start=pl.col("text").str.find_many(names, leftmost=True))
        .explode("start", keep_nulls=False)
        .with_columns(pl.col("start").cast(pl.Int64))
        .with_columns(name=ahead.str.extract_many(names, leftmost=True).list.first())
        .with_columns(end=pl.col("start") + pl.col("name").str.len_bytes())
    )
    bordered = _bordered(hits)
    # The index in the list instead of a join on strings, which took a quarter of the whole.
    found = bordered["name"].cast(pl.Enum(entries["name"])).to_physical()
    return bordered.hstack(entries.drop("name")[found])


@lru_cache(maxsize=1)
def _entries(gazetteer: Gazetteer) -> pl.DataFrame:
    """The entries of the gazetteer in their order, one a row."""
    names = gazetteer.names
    return pl.DataFrame(
        {
            "name": [entry.name for entry in names],
            "country_code": [" ".join(entry.country_codes) for entry in names],
            "code_count": pl.Series([len(entry.country_codes) for entry in names], dtype=pl.Int8),
            "kind": [entry.kind for entry in names],
            "rules": pl.Series([" ".join(entry.rules) or None for entry in names], dtype=pl.String),
        }
    ).with_columns(is_name=pl.col("kind").is_in(NAMES), is_bearer=pl.col("kind").is_in(BEARERS))


def _near_bearer(side: str, step: int) -> tuple[pl.Expr, pl.Expr]:
    """The kind of a noun such as "Convention" within `REACH` bytes of a name (column `side`), and the distance."""
    start, end = (
        (pl.col("start").shift(-1), pl.col("end")) if step < 0 else (pl.col("start"), pl.col("end").shift(1))
    )
    is_near = (
        pl.col("is_bearer").shift(step)
        & (pl.col("row").shift(step) == pl.col("row"))
        & (start - end <= REACH)
    )
    kind, gap = (
        pl.when(is_near).then(pl.col("kind").shift(step)),
        pl.when(is_near).then(start - end).otherwise(0),
    )
    return kind.alias(side), gap.alias(f"{side}_gap")


def _is_borrowed() -> pl.Expr:
    """Whether a noun beside a name shows that something else has that name: "Istanbul Convention"."""
    raw = pl.col("text").cast(pl.Binary).bin
    after = raw.slice(pl.col("end"), pl.col("ahead_gap")).cast(pl.String)
    before = raw.slice(pl.col("start") - pl.col("back_gap"), pl.col("back_gap")).cast(pl.String)
    pairs = (pl.concat_str("kind", after, "ahead"), pl.concat_str("back", before, "kind"))
    return pl.any_horizontal(pair.is_in(BORROWED).fill_null(value=False) for pair in pairs)


def _is_worth(rules: str, left: bytes, right: bytes) -> bool:
    """Whether `rules` can match a name: `person`, by far the most frequent rule, needs a capital beside the name."""
    return (
        rules != "person"
        or (right[:1] == b" " and not right[1:2].islower())
        or left[:-1].rpartition(b" ")[2][:1].isupper()
    )


def _bordered(hits: pl.DataFrame) -> pl.DataFrame:
    """The hits (names found in texts) that neither begin nor end inside a word, in their order."""
    raw = pl.col("text").cast(pl.Binary).bin
    # A negative index would count from the end.
    before = pl.when(pl.col("start") > 0).then(raw.get(pl.col("start") - 1, null_on_oob=True)).fill_null(0)
    after = raw.get(pl.col("end"), null_on_oob=True).fill_null(0)
    near = hits.with_columns(before=before, after=after).filter(~_is_word("before"), ~_is_word("after"))
    is_bordered = near.select(pl.max_horizontal("before", "after") < _NOT_ASCII).to_series()
    far = near.filter(~is_bordered)
    sides = map(_decoded, far.select(*_sides(_LONGEST_CHARACTER)).rows())
    outside = [not (_in_word(left[-1:]) or _in_word(right[:1])) for left, right in sides]
    return near.filter(is_bordered.scatter((~is_bordered).arg_true(), outside)).drop("before", "after")


def _is_word(byte: str) -> pl.Expr:
    """Whether an ASCII byte belongs to a word."""
    value = pl.col(byte)
    ranges = (("0", "9"), ("A", "Z"), ("a", "z"), ("_", "_"))
    return reduce(or_, (value.is_between(ord(low), ord(high)) for low, high in ranges))


def _sides(width: int) -> tuple[pl.Expr, pl.Expr]:
    """Up to `width` bytes of the text before and after a hit."""
    raw = pl.col("text").cast(pl.Binary).bin
    begin = pl.max_horizontal(pl.col("start") - width, 0)
    return raw.slice(begin, pl.col("start") - begin).alias("left"), raw.slice(pl.col("end"), width).alias(
        "right"
    )


def _decoded(sides: Sequence[bytes]) -> tuple[str, str]:
    # the far ends may cut a character, the near ends never do
    before, after = sides
    return before.decode("utf-8", "ignore"), after.decode("utf-8", "ignore")


def _in_word(character: str) -> bool:
    """Whether `character` is part of a word: a letter, digit, combining mark or underscore of any script."""
    return character == "_" or (character != "" and unicodedata.category(character)[0] in "LNM")


KINDS: Final = NAMES | {"none"} | BEARERS
_SHORTEST_IN_CAPITALS: Final = 4


@dataclass(frozen=True, slots=True)
class Name:
    """An entry of the gazetteer: a place name, or a noun for things that are named after places.

    `country_codes` are ISO 3166-1 alpha-2 codes, EU for the European Union, XK (user-assigned) for Kosovo; several for
    a name that states share. Two kinds of entries have no code: "none" is a longer name that contains a country's name
    and is not a country ("Gulf of Oman"); the kinds in `country_rules.BEARERS` are nouns for things named after a
    place ("Convention" in "Istanbul Convention"), so that the place in them is not counted. `rules` are names of
    `country_rules.RULES`.
    """

    name: str
    kind: str
    country_codes: tuple[str, ...]
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The names and nouns by which countries are found in texts; `names` has each name once, the longest first."""

    names: tuple[Name, ...]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str | None]]) -> Gazetteer:
        """Build a gazetteer from rows of `sql/seeds/places.csv`: name, kind, country_code, rule (space-separated).

        A name that several states share has a row for each state; kind and rules are those of the first row. Names of
        four letters and more are also matched in capitals, as old datelines print them: "BISHKEK (TCA)". Raises
        `ValueError` for a name that is listed twice for one country, an unknown kind or rule, or a place name without
        a country.
        """
        names: dict[str, Name] = {}
        for entry in map(_entry, rows):
            first = names.setdefault(entry.name, entry)
            if first is not entry:
                if set(first.country_codes) & set(entry.country_codes) or not entry.country_codes:
                    raise ValueError(
                        f"places.csv: the name {entry.name!r} has two rows with the same country, or with none: "
                        "delete one of them"
                    )
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
            f"places.csv: the name {name!r} has the unknown kind {kind!r}: use one of {', '.join(sorted(KINDS))}"
        )
    if (code is None) != (kind not in NAMES):
        raise ValueError(
            f"places.csv: the name {name!r} of kind {kind!r} has the country {code!r}: "
            f"the kinds {', '.join(sorted(NAMES))} need one, and no other kind may have one"
        )
    if unknown := [rule for rule in rules if rule not in RULES]:
        raise ValueError(
            f"places.csv: the name {name!r} has the unknown rule {unknown[0]!r}: see country_rules.RULES"
        )
    return Name(name, kind, () if code is None else (code,), rules)
