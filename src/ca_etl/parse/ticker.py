"""The ticker: lines such as "• KZT/USD = 0.00198 -0%", the same cycle of pairs printed over and over.

Which rates stand:

- one observation a pair, however often the cycle repeats (eight times as a rule, twice in early 2024);
- a cycle that prints other values than the rest is a `cycle_differs`. The cycle that more than half of all
  cycles agree with stands; with no such majority no rate of the page stands. Cycles are never mixed;
- a pair that is not in `CYCLES` is an `unknown_pair`; the known pairs still stand;
- a cycle in another order is a `pair_order`; its values stand, because every line names its pair;
- a pair missing from the cycle that was printed on that day is an `incomplete_cycle`; the others stand;
- a line that looks like a ticker line but is not one to the letter is a `bad_rate_line` and gives no rate.
  It keeps its place in the cycle, so that the lines after it are not taken for a new one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from ca_etl.parse.page import EXCERPT_CHARS, RateLine, Reject
from ca_etl.records import RejectReason

QUOTE: Final = "USD"


@dataclass(frozen=True, slots=True)
class Cycle:
    """A layout of the ticker, and the days on which it may be seen, both included.

    `bases` are the pairs of a cycle in printed order, `times` how often the text form of a page repeats it.
    """

    bases: tuple[str, ...]
    times: int
    since: date
    until: date


# The cycle came twice in captures of February and March 2024, eight times in all since about April.
# No capture tells the day TMT joined: four pairs until the end of July 2024 at least, five on 7 September.
CYCLES: Final = (
    Cycle(("KGS", "KZT", "TJS", "UZS"), 2, date.min, date(2024, 4, 30)),
    Cycle(("KGS", "KZT", "TJS", "UZS"), 8, date(2024, 3, 1), date(2024, 9, 6)),
    Cycle(("KGS", "KZT", "TJS", "UZS", "TMT"), 8, date(2024, 8, 1), date.max),
)
KNOWN_BASES: Final = frozenset(base for cycle in CYCLES for base in cycle.bases)
ORDER: Final = {base: place for place, base in enumerate(CYCLES[-1].bases)}


def is_known(pair: tuple[str, str]) -> bool:
    """Whether the pair was in some layout of the ticker."""
    return pair[0] in KNOWN_BASES and pair[1] == QUOTE


def cut_short(cycles: int, on: date | None) -> Reject | None:
    """What is lacking in a text that ends with its ticker; None where the day is unknown or nothing is."""
    if on is None or not cycles:
        return None
    times = min(known.times for known in CYCLES if known.since <= on <= known.until)
    if cycles >= times:
        return None
    return Reject(
        RejectReason.TRUNCATED, f"the text ends within the ticker: {cycles} of {times} cycles on {on}", ""
    )


BULLETS: Final = "•·∙●▪‣*"
# The longest real line has 27 characters; a paragraph that begins like one is cut here before any pattern runs.
LINE_CHARS: Final = 120
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")

# Lengths are bounded so that every number that matches fits decimal(18,8) and decimal(9,4).
_RATE: Final = r"[0-9]{1,9}(?:\.[0-9]{1,8})?"
_CHANGE: Final = r"-?[0-9]{1,5}(?:\.[0-9]{1,4})?%"
_STRICT: Final = re.compile(
    rf"\s*[{re.escape(BULLETS)}]?\s*([A-Z]{{3}})/([A-Z]{{3}})\s*=\s*({_RATE})\s+({_CHANGE})\s*"
)
PRINTED: Final = re.compile(rf"^  • ([A-Z]{{3}})/{QUOTE} = ({_RATE}) ({_CHANGE})\n", re.MULTILINE)
_PRINTED_CYCLE: Final = re.compile(rf"(?:  • [A-Z]{{3}}/{QUOTE} = {_RATE} {_CHANGE}\n)+")
# Any letters, not only Latin capitals: a Cyrillic look-alike must be reported, not overlooked.
_BULLET_PAIR: Final = re.compile(rf"\s*[{re.escape(BULLETS)}]\s*([^\W\d_]{{3}})\s*/\s*([^\W\d_]{{3}})(?!\w)")
_BARE_PAIR: Final = re.compile(r"\s*([^\W\d_]{3})\s*/\s*([^\W\d_]{3})\s*=")


class TickerLine(NamedTuple):
    """One ticker line: `rate` is None where the line was malformed."""

    pair: tuple[str, str]
    rate: str | None
    change: str
    text: str


def is_ticker_line(line: str) -> bool:
    """Whether `line` belongs to a ticker, well-formed or not.

    It does when it begins with a bullet and a pair, or with a pair and an equals sign. Codes and amounts in
    running text do neither.
    """
    head = line[:LINE_CHARS]
    return "/" in head and _like(_ZERO_WIDTH.sub("", head)) is not None


def is_printed(cycle: str) -> bool:
    """Whether each line of `cycle` is a ticker line to the letter, blanks included."""
    return _PRINTED_CYCLE.fullmatch(cycle) is not None


def _like(head: str) -> re.Match[str] | None:
    return _BULLET_PAIR.match(head) or _BARE_PAIR.match(head)


def read_line(line: str) -> TickerLine | None:
    """What a ticker line says; None for any other line."""
    if "/" not in line[:LINE_CHARS]:
        return None
    whole = len(line) <= LINE_CHARS
    head = _ZERO_WIDTH.sub("", line[:LINE_CHARS])
    strict = _STRICT.fullmatch(head) if whole else None
    if strict is not None:
        base, quote, rate, change = strict.groups()
        # A rate of nought is no price, and its inverse would not exist.
        return TickerLine((base, quote), rate if rate.strip("0.") else None, change, line.strip())
    like = _like(head)
    if like is None:
        return None
    return TickerLine((like[1], like[2]), None, "", line[:EXCERPT_CHARS].strip())


MAX_REJECTS: Final = 50
# Ten thousand cycles, each different, must not be compared each with each.
_CANDIDATES: Final = 16

_Values: TypeAlias = frozenset[tuple[tuple[str, str], str | None, str]]


class Ticker(NamedTuple):
    """The rates of one page, the number of cycles they were printed in, and what could not be read."""

    rates: tuple[RateLine, ...] = ()
    cycles: int = 0
    rejects: tuple[Reject, ...] = ()


def read_ticker(lines: Iterable[str], on: date | None = None) -> Ticker:
    """Rates and rejects of the ticker lines among `lines`; other lines are passed over.

    `on` is the day the page was printed, if known: it decides whether a cycle of four pairs is complete.
    """
    known: dict[str, TickerLine | None] = {}
    printed: list[TickerLine] = []
    for line in lines:
        if line not in known:
            known[line] = read_line(line)
        parsed = known[line]
        if parsed is not None:
            printed.append(parsed)
    if not printed:
        return Ticker()
    rejects: list[Reject] = []
    if not all(line is None or (line.rate and is_known(line.pair)) for line in known.values()):
        rejects = _bad_lines(printed) + _unknown_pairs(printed)
    cycles = _split(printed)
    count = len(cycles)
    if all(cycle == cycles[0] for cycle in cycles):
        cycles = cycles[:1]
    cycles = [[line for line in cycle if is_known(line.pair)] for cycle in cycles]
    standing = _majority(cycles)
    rejects += _differing(cycles, standing)
    rates: tuple[RateLine, ...] = ()
    if standing is not None:
        rejects += _out_of_order(cycles)
        rejects += _missing(standing, on)
        rates = tuple(
            RateLine(line.pair[0], line.pair[1], line.rate, line.change, position)
            for position, line in enumerate(standing, start=1)
            if line.rate is not None
        )
    return Ticker(rates, count, _bounded(rejects))


def read_cycle(cycle: str, on: date | None) -> tuple[RateLine, ...] | None:
    """The rates of one cycle printed to the letter as on nearly all pages; None where `read_ticker` must look at it.

    `cycle` are its lines, each with the line feed behind it. What is returned is what `read_ticker` gives for them.
    """
    found = PRINTED.findall(cycle)
    if len(found) != cycle.count("\n"):
        return None
    bases = tuple(base for base, _, _ in found)
    if not any(bases == known.bases and (on is None or known.since <= on <= known.until) for known in CYCLES):
        return None
    if not all(rate.strip("0.") for _, rate, _ in found):
        return None
    return tuple(
        RateLine(base, QUOTE, rate, change, position)
        for position, (base, rate, change) in enumerate(found, start=1)
    )


def _split(printed: Sequence[TickerLine]) -> list[list[TickerLine]]:
    cycles: list[list[TickerLine]] = [[]]
    seen: set[tuple[str, str]] = set()
    for line in printed:
        if line.pair in seen:
            cycles.append([])
            seen.clear()
        seen.add(line.pair)
        cycles[-1].append(line)
    return cycles


def _values(cycle: Iterable[TickerLine]) -> _Values:
    return frozenset((line.pair, line.rate, line.change) for line in cycle)


def _agree(cycle: Sequence[TickerLine], other: Sequence[TickerLine]) -> bool:
    """Whether the cycles print the same pairs with the same values, malformed lines fitting anything."""
    mine = {line.pair: line for line in cycle}
    theirs = {line.pair: line for line in other}
    if mine.keys() != theirs.keys():
        return False
    for pair, line in mine.items():
        fellow = theirs[pair]
        holed = line.rate is None or fellow.rate is None
        if not holed and (line.rate, line.change) != (fellow.rate, fellow.change):
            return False
    return True


def _majority(cycles: Sequence[list[TickerLine]]) -> list[TickerLine] | None:
    """The cycle that more than half agree with, a whole one before one with a malformed line."""
    if len(cycles) == 1:
        return cycles[0]
    counted = Counter(map(_values, cycles))
    first_of = {_values(cycle): cycle for cycle in reversed(cycles)}
    winners = []
    holed_cycles = sum(times for key, times in counted.items() if any(rate is None for _, rate, _ in key))
    for key, own in counted.most_common(_CANDIDATES):
        if 2 * (own + holed_cycles) <= len(cycles) and all(rate for _, rate, _ in key):
            continue
        votes = sum(times for other, times in counted.items() if _agree(first_of[other], first_of[key]))
        if 2 * votes > len(cycles):
            winners.append(first_of[key])
    whole = [cycle for cycle in winners if all(line.rate for line in cycle)]
    if len(whole) == 1:
        return whole[0]
    # Two whole winners contradict each other; both lean on cycles that lack the line they differ in.
    holed = [cycle for cycle in winners if not all(line.rate for line in cycle)]
    return holed[0] if holed else None


def _bad_lines(printed: Iterable[TickerLine]) -> list[Reject]:
    bad = Counter(line.text for line in printed if line.rate is None)
    return [
        Reject.of(
            RejectReason.BAD_RATE_LINE,
            f"a ticker line that is not 'BASE/QUOTE = rate change%', printed {_times(times)}",
            text,
        )
        for text, times in bad.items()
    ]


def _unknown_pairs(printed: Iterable[TickerLine]) -> list[Reject]:
    unknown = Counter(line.text for line in printed if line.rate and not is_known(line.pair))
    return [
        Reject.of(
            RejectReason.UNKNOWN_PAIR,
            f"a pair outside {', '.join(ORDER)} against {QUOTE}, printed {_times(times)}",
            text,
        )
        for text, times in unknown.items()
    ]


def _differing(cycles: Sequence[list[TickerLine]], standing: list[TickerLine] | None) -> list[Reject]:
    """One reject for each set of values that is not the standing one."""
    groups: dict[_Values, list[int]] = {}
    for number, cycle in enumerate(cycles, start=1):
        if standing is None or not _agree(cycle, standing):
            groups.setdefault(_values(cycle), []).append(number)
    rejects = []
    for numbers in islice(groups.values(), MAX_REJECTS):
        cycle = cycles[numbers[0] - 1]
        where = f"cycle {_listed(numbers)} of {len(cycles)}"
        how = "no majority, no rate stands" if standing is None else _difference(cycle, standing)
        rejects.append(
            Reject.of(RejectReason.CYCLE_DIFFERS, f"{where}: {how}", "\n".join(line.text for line in cycle))
        )
    if len(groups) > MAX_REJECTS:
        more = f"{len(groups) - MAX_REJECTS} more sets of values differ"
        rejects.append(Reject(RejectReason.CYCLE_DIFFERS, more, ""))
    return rejects


def _difference(cycle: Sequence[TickerLine], standing: Sequence[TickerLine]) -> str:
    mine = {line.pair: line for line in cycle}
    theirs = {line.pair: line for line in standing}
    said = [f"{'/'.join(pair)} missing" for pair in theirs if pair not in mine]
    said += [f"{'/'.join(pair)} too many" for pair in mine if pair not in theirs]
    said += [
        f"{'/'.join(pair)} {line.rate} {line.change} instead of {theirs[pair].rate} {theirs[pair].change}"
        for pair, line in mine.items()
        if pair in theirs and line.rate and theirs[pair].rate and line[1:3] != theirs[pair][1:3]
    ]
    return "; ".join(said) or "empty"


def _out_of_order(cycles: Sequence[Sequence[TickerLine]]) -> list[Reject]:
    orders: dict[tuple[str, ...], list[int]] = {}
    for number, cycle in enumerate(cycles, start=1):
        bases = tuple(line.pair[0] for line in cycle)
        if list(bases) != sorted(bases, key=ORDER.__getitem__):
            orders.setdefault(bases, []).append(number)
    return [
        Reject.of(
            RejectReason.PAIR_ORDER,
            f"cycle {_listed(numbers)} of {len(cycles)} prints {' '.join(bases)}",
            "\n".join(line.text for line in cycles[numbers[0] - 1]),
        )
        for bases, numbers in orders.items()
    ]


def _missing(standing: Sequence[TickerLine], on: date | None) -> list[Reject]:
    bases = {line.pair[0] for line in standing}
    expected = [cycle for cycle in CYCLES if on is None or cycle.since <= on <= cycle.until]
    if any(bases == set(cycle.bases) for cycle in expected):
        return []
    wanted = min(expected, key=lambda cycle: len(bases.symmetric_difference(cycle.bases)))
    said = [f"{base} missing" for base in wanted.bases if base not in bases]
    said += [f"{base} before its time" for base in sorted(bases.difference(wanted.bases))]
    return [
        Reject.of(
            RejectReason.INCOMPLETE_CYCLE,
            f"{', '.join(said)}{'' if on is None else f' on {on}'}",
            "\n".join(line.text for line in standing),
        )
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    return shown if len(numbers) <= 8 else f"{shown} and {len(numbers) - 8} more"


def _bounded(rejects: Sequence[Reject]) -> tuple[Reject, ...]:
    if len(rejects) <= MAX_REJECTS:
        return tuple(rejects)
    left = rejects[MAX_REJECTS - 1]
    more = len(rejects) - MAX_REJECTS
    return (
        *rejects[: MAX_REJECTS - 1],
        Reject(left.reason, f"{left.detail} (and {more} more)", left.excerpt),
    )
