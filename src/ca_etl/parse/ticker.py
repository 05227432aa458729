"""Parser of the exchange-rate ticker: lines such as "• KZT/USD = 0.00198 -0%" in a cycle of pairs that repeats.

A page gives one rate for each pair, however often the cycle repeats (eight times as a rule, twice in early 2024):

- the rates are those of the cycle that more than half of all cycles agree with; a cycle with other values is a
  `cycle_differs` reject. Without a majority the page gives no rate. Cycles are never mixed;
- a pair that is not in `CYCLES` is an `unknown_pair` reject; the known pairs still count;
- a cycle in another order is a `pair_order` reject; its values count, because every line names its pair;
- a pair missing from the cycle that was printed on that day is an `incomplete_cycle` reject; the other pairs count;
- a malformed ticker line is a `bad_rate_line` reject and gives no rate. It keeps its position in the cycle, so that
  the lines after it do not count as a new cycle.

In HTML the lines are not separated by line breaks (`find_ticker`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from ca_etl.parse.page import EXCERPT_CHARS, GAP, RateLine, Reject
from ca_etl.records import RejectReason

QUOTE: Final = "USD"


@dataclass(frozen=True, slots=True)
class Cycle:
    """The pairs of the ticker in printed order, on the days from `since` to `until`, both included.

    `bases` are the base currencies, `times` is how often a text page repeats them.
    """

    bases: tuple[str, ...]
    times: int
    since: date
    until: date


# The cycle came twice in captures of February and March 2024, eight times in all since about April.
# No capture shows the day TMT joined: four pairs until the end of July 2024 at least, five on 7 September.
CYCLES: Final = (
    Cycle(("KGS", "KZT", "TJS", "UZS"), 2, date.min, date(2024, 4, 30)),
    Cycle(("KGS", "KZT", "TJS", "UZS"), 8, date(2024, 3, 1), date(2024, 9, 6)),
    Cycle(("KGS", "KZT", "TJS", "UZS", "TMT"), 8, date(2024, 8, 1), date.max),
)
# The last layout has the pairs of all.
ORDER: Final = {base: position for position, base in enumerate(CYCLES[-1].bases)}


def is_known(pair: tuple[str, str]) -> bool:
    """Whether the ticker has ever had `pair` (base, quote), by its layouts in `CYCLES`."""
    return pair[0] in ORDER and pair[1] == QUOTE


def _cycles_of(on: date | None) -> list[Cycle]:
    return [cycle for cycle in CYCLES if on is None or cycle.since <= on <= cycle.until]


def missing_cycles_reject(cycles: int, on: date | None) -> Reject | None:
    """The reject of a page text that ends within its ticker, after `cycles` repetitions of the pairs.

    None where the ticker is complete. `on` is the day of the ticker, None where it is unknown, and then the result is
    None.
    """
    times = 0 if on is None else min(cycle.times for cycle in _cycles_of(on))
    if not 0 < cycles < times:
        return None
    why = f"the text ends within the ticker: {cycles} of {times} cycles on {on}"
    return Reject(RejectReason.TRUNCATED, why, "")


BULLETS: Final = "•·∙●▪‣*"
# The longest real line has 27 characters; a paragraph that begins like one is cut here before any pattern is applied.
LINE_CHARS: Final = 120
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")

_SPACE: Final = rf"[\s{GAP}]"
# Any letters, not only Latin capitals: a similar Cyrillic letter must be reported, not ignored.
_PAIR: Final = rf"([^\W\d_]{{3}}){_SPACE}{{0,9}}/{_SPACE}{{0,9}}([^\W\d_]{{3}})(?!\w)"
_LIKE: Final = re.compile(rf"\s{{0,99}}([{BULLETS}]\s{{0,99}})?{_PAIR}(?(1)|\s{{0,99}}=)")
# Lengths are bounded so that every number that matches fits decimal(18,8) and decimal(9,4).
_STRICT: Final = re.compile(
    rf"\s*[{BULLETS}]?\s*([A-Z]{{3}})/([A-Z]{{3}})\s*=\s*([0-9]{{1,9}}(?:\.[0-9]{{1,8}})?)"
    r"\s+(-?[0-9]{1,5}(?:\.[0-9]{1,4})?%)\s*"
)


class TickerLine(NamedTuple):
    """A parsed line of the ticker: pair (base, quote), rate, change and the line as printed.

    `rate` is None for a malformed line.
    """

    pair: tuple[str, str]
    rate: str | None
    change: str
    text: str


def is_ticker_line(line: str) -> bool:
    """Whether `line` is a ticker line, well-formed or malformed.

    A ticker line begins with a bullet and a pair, or with a pair and an equals sign, unlike codes and amounts in prose.
    """
    return read_line(line) is not None


def read_line(line: str) -> TickerLine | None:
    """Parse `line` as a ticker line; None for a line of another form."""
    return _read_line(line[:EXCERPT_CHARS]) if "/" in line[:LINE_CHARS] else None


# A line is read twice, to know it from others and for its rate, and the pages of a day print the same ones.
@lru_cache(maxsize=64)
def _read_line(line: str) -> TickerLine | None:
    head = _ZERO_WIDTH.sub("", line[:LINE_CHARS])
    strict = _STRICT.fullmatch(head) if len(line) <= LINE_CHARS else None
    if strict is not None:
        base, quote, rate, change = strict.groups()
        # A rate of zero is no price, and its inverse would not exist.
        return TickerLine((base, quote), rate if rate.strip("0.") else None, change, line.strip())
    like = _LIKE.match(head)
    return None if like is None else TickerLine((like[2], like[3]), None, "", line.strip())


MAX_REJECTS: Final = 50
# Ten thousand cycles, each different, must not all be compared with one another.
_CANDIDATES: Final = 16

_Pair: TypeAlias = tuple[str, str]
_Lines: TypeAlias = Mapping[_Pair, TickerLine]
_Values: TypeAlias = frozenset[tuple[_Pair, str | None, str]]


class Ticker(NamedTuple):
    """The rates in a page's ticker, how often the page repeats the pairs, and the rejects of unreadable lines."""

    rates: tuple[RateLine, ...] = ()
    cycles: int = 0
    rejects: tuple[Reject, ...] = ()


def read_ticker(lines: Iterable[str], on: date | None = None) -> Ticker:
    """Parse the ticker lines among `lines` to rates and rejects; other lines are ignored.

    `on` is the day of the ticker, if known: it decides which pairs a complete cycle has.
    """
    return _read_ticker(tuple(lines), on)


# The pages of one day print one ticker.
@lru_cache(maxsize=8)
def _read_ticker(lines: tuple[str, ...], on: date | None) -> Ticker:
    block, times = _block_of(lines)
    printed = [line for line in map(read_line, block) if line is not None]
    if not printed:
        return Ticker()
    cycles = _split(printed)
    count = times
    if len(cycles) > 1:
        cycles = _split(printed * times)
        count = len(cycles)
    rejects: list[Reject] = []
    if not all(line.rate and is_known(pair) for cycle in cycles for pair, line in cycle.items()):
        rejects = _without_rate(printed * times)
        cycles = [{pair: line for pair, line in cycle.items() if is_known(pair)} for cycle in cycles]
    chosen = _majority(cycles)
    rejects += _differing(cycles, chosen)
    rates: list[RateLine] = []
    if chosen is not None:
        rejects += [*_out_of_order(cycles), *_missing(chosen, on)]
        rates = [
            RateLine(*pair, line.rate, line.change, position)
            for position, (pair, line) in enumerate(chosen.items(), start=1)
            if line.rate is not None
        ]
    if len(rejects) > MAX_REJECTS:
        last = rejects[MAX_REJECTS - 1]
        more = f"{last.detail} (and {len(rejects) - MAX_REJECTS} more)"
        rejects[MAX_REJECTS - 1 :] = [last._replace(detail=more)]
    return Ticker(tuple(rates), count, tuple(rejects))


def _block_of(lines: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """The lines before the first is repeated, and how often these are printed; all lines and 1 if repeats differ."""
    if not lines or lines.count(lines[0]) == 1:
        return lines, 1
    length = lines.index(lines[0], 1)
    times = len(lines) // length
    return (lines[:length], times) if lines[:length] * times == lines else (lines, 1)


def _split(printed: Iterable[TickerLine]) -> list[dict[_Pair, TickerLine]]:
    """Divide ticker lines into cycles, each a map from pair to line: a repeated pair begins the next cycle."""
    cycles: list[dict[_Pair, TickerLine]] = [{}]
    for line in printed:
        if line.pair in cycles[-1]:
            cycles.append({})
        cycles[-1][line.pair] = line
    return cycles


def _values(cycle: _Lines) -> _Values:
    return frozenset(line[:3] for line in cycle.values())


def _agree(cycle: _Lines, other: _Lines) -> bool:
    """Whether two cycles print the same pairs with the same values; a malformed line agrees with any value."""
    return cycle.keys() == other.keys() and not any(
        line.rate and other[pair].rate and line[:3] != other[pair][:3] for pair, line in cycle.items()
    )


def _is_whole(values: Iterable[tuple[object, str | None, str]]) -> bool:
    return all(rate for _, rate, _ in values)


def _majority(cycles: Sequence[_Lines]) -> _Lines | None:
    """The cycle, preferably without malformed lines, that more than half of all cycles agree with; None if none is."""
    counted = Counter(map(_values, cycles))
    first_of = {_values(cycle): cycle for cycle in reversed(cycles)}
    holed_cycles = sum(times for values, times in counted.items() if not _is_whole(values))
    whole: list[_Lines] = []
    holed: list[_Lines] = []
    for values, times in counted.most_common(_CANDIDATES):
        if 2 * (times + holed_cycles) <= len(cycles) and _is_whole(values):
            continue
        votes = sum(times for other, times in counted.items() if _agree(first_of[other], first_of[values]))
        if 2 * votes > len(cycles):
            (whole if _is_whole(values) else holed).append(first_of[values])
    # Two whole winners contradict each other; both count cycles that lack the line in which they differ.
    winners = whole if len(whole) == 1 else holed
    return winners[0] if winners else None


def _without_rate(printed: Sequence[TickerLine]) -> list[Reject]:
    """The rejects of malformed ticker lines and of unknown pairs, with how often each line was printed."""
    bad = Counter(line.text for line in printed if line.rate is None)
    unknown = Counter(line.text for line in printed if line.rate and not is_known(line.pair))
    outside = f"a pair outside {', '.join(ORDER)} against {QUOTE}"
    kinds = (
        (RejectReason.BAD_RATE_LINE, "a ticker line that is not 'BASE/QUOTE = rate change%'", bad),
        (RejectReason.UNKNOWN_PAIR, outside, unknown),
    )
    return [
        Reject.of(reason, f"{what}, printed {'once' if times == 1 else f'{times} times'}", text)
        for reason, what, counted in kinds
        for text, times in counted.items()
    ]


def _differing(cycles: Sequence[_Lines], chosen: _Lines | None) -> list[Reject]:
    """The rejects of cycles that differ from the chosen one: one for each different set of values."""
    groups: dict[_Values, list[int]] = {}
    for number, cycle in enumerate(cycles, start=1):
        if cycle is not chosen and (chosen is None or not _agree(cycle, chosen)):
            groups.setdefault(_values(cycle), []).append(number)
    rejects = []
    for numbers in groups.values():
        cycle = cycles[numbers[0] - 1]
        how = "no majority, no rate is taken" if chosen is None else _difference(cycle, chosen)
        rejects.append(_reject(RejectReason.CYCLE_DIFFERS, f"{_which(numbers, cycles)}: {how}", cycle))
    return rejects


def _difference(cycle: _Lines, chosen: _Lines) -> str:
    parts = [f"{'/'.join(pair)} missing" for pair in chosen if pair not in cycle]
    parts += [f"{'/'.join(pair)} too many" for pair in cycle if pair not in chosen]
    parts += [
        f"{'/'.join(pair)} {line.rate} {line.change} instead of {other.rate} {other.change}"
        for pair, line in cycle.items()
        if (other := chosen.get(pair)) and line.rate and other.rate and line[:3] != other[:3]
    ]
    return "; ".join(parts) or "empty"


def _out_of_order(cycles: Sequence[_Lines]) -> list[Reject]:
    orders: dict[tuple[str, ...], list[int]] = {}
    for number, cycle in enumerate(cycles, start=1):
        bases = tuple(base for base, _ in cycle)
        if list(bases) != sorted(bases, key=ORDER.__getitem__):
            orders.setdefault(bases, []).append(number)
    return [
        _reject(
            RejectReason.PAIR_ORDER,
            f"{_which(numbers, cycles)} prints {' '.join(bases)}",
            cycles[numbers[0] - 1],
        )
        for bases, numbers in orders.items()
    ]


def _missing(chosen: _Lines, on: date | None) -> list[Reject]:
    bases = {base for base, _ in chosen}
    wanted = min(_cycles_of(on), key=lambda cycle: len(bases.symmetric_difference(cycle.bases)))
    parts = [f"{base} missing" for base in wanted.bases if base not in bases]
    parts += [f"{base} before its time" for base in sorted(bases.difference(wanted.bases))]
    if not parts:
        return []
    when = "" if on is None else f" on {on}"
    return [_reject(RejectReason.INCOMPLETE_CYCLE, f"{', '.join(parts)}{when}", chosen)]


def _reject(reason: RejectReason, detail: str, cycle: _Lines) -> Reject:
    return Reject.of(reason, detail, "\n".join(line.text for line in cycle.values()))


def _which(numbers: Sequence[int], cycles: Sequence[object]) -> str:
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return f"cycle {', '.join(map(str, numbers[:8]))}{more} of {len(cycles)}"


_BORDERS: Final = frozenset(BULLETS + GAP + "|»;")
_START: Final = re.compile(rf"{_PAIR}{_SPACE}{{0,6}}(?:=|-?[0-9])")
_ITEM: Final = re.compile(
    rf"{_PAIR}{_SPACE}{{0,6}}={_SPACE}{{0,6}}([0-9.]{{1,20}}){_SPACE}{{1,6}}(-?[0-9.]{{1,12}}%)(?={_SPACE}*(.|$))"
)
# Characters before a slash that hold the base, and after it the quote and a sign of its number.
_BASE_CHARS: Final = 6
_QUOTE_CHARS: Final = 15
# Of the shortest pair; of a whole cycle with room.
_PAIR_CHARS: Final = 7
_CYCLE_CHARS: Final = 1000


class TickerText(NamedTuple):
    """The ticker lines of an HTML page, in the form of a text page, and the offset in the flat text where they end."""

    lines: tuple[str, ...]
    end: int


def find_ticker(flat: str) -> TickerText:
    """Find the ticker lines in `flat`, the text of an HTML page with `GAP` between its nodes.

    A theme can print the pairs as list items, as spans, in one text node, or each number in its own element. A ticker
    item begins a text node, or follows a bullet or another item, unlike an amount in prose. Malformed lines stay as
    printed.
    """
    start = _next_start(flat, 0)
    lines: list[str] = []
    end = 0
    while start >= 0:
        if flat[start - 1 : start] not in _BORDERS and not _is_border(flat, start, end):
            start = _next_start(flat, start + _PAIR_CHARS)
            continue
        block, times = _repeated(flat, start) if not lines else ("", 0)
        if times > 1:
            inner = find_ticker(block)
            lines = list(inner.lines) * times
            # From here on as if the last repetition had just been read item by item.
            end = start + (times - 1) * len(block) + inner.end
            start = _next_start(flat, start + times * len(block))
            continue
        line, end, following = _item_at(flat, start)
        lines.append(line)
        start = following
    return TickerText(tuple(lines), end)


def find_line(flat: str, pair: tuple[str, str], rate: str, change: str) -> tuple[int, int] | None:
    """Find the first ticker line in `flat` that prints `pair` with `rate` and `change`; returns its start and end.

    None where there is no such line. `flat` is the text of `find_ticker`, or a text page with `GAP` for each line end.
    """
    start = _next_start(flat, 0)
    end = 0
    while start >= 0:
        if flat[start - 1 : start] in _BORDERS or _is_border(flat, start, end):
            line, end, following = _item_at(flat, start)
            read = read_line(line)
            if read is not None and read[:3] == (pair, rate, change):
                return start, end
        else:
            following = _next_start(flat, start + _PAIR_CHARS)
        start = following
    return None


def _item_at(flat: str, start: int) -> tuple[str, int, int]:
    """The ticker line of the item at `start`, the offset where the line ends, and the start of the next pair."""
    following = _next_start(flat, start + _PAIR_CHARS)
    limit = start + LINE_CHARS if following < 0 else min(following, start + LINE_CHARS)
    line, length = _read_item(flat[start:limit])
    return line, start + length, following


def _repeated(flat: str, start: int) -> tuple[str, int]:
    """The text from `start` to the repetition of its first pair, and how often that text is printed in a row.

    A ticker prints its cycle eight times, so that parsing one of them is enough.
    """
    again = flat.find(flat[start : start + _PAIR_CHARS], start + _PAIR_CHARS, start + _CYCLE_CHARS)
    if again < 0:
        return "", 0
    block = flat[start:again]
    times = 1
    while flat.startswith(block, start + times * len(block)):
        times += 1
    return block, times


def _read_item(item: str) -> tuple[str, int]:
    """The ticker line at the start of `item`, and its length in `item`; a malformed line is returned as printed."""
    match = _ITEM.match(item)
    # Prose after the percent sign makes it no ticker line.
    if match is not None and (
        not match[5] or match[5] in _BORDERS or GAP in item[match.end(4) : match.start(5)]
    ):
        return f"{match[1]}/{match[2]} = {match[3]} {match[4]}", match.end(4)
    line = item.rstrip(f"\n {BULLETS}{GAP}").partition(GAP)[0]
    return f"• {line}", len(line)


def _next_start(flat: str, at: int) -> int:
    """The index of the next pair in capitals with a rate after it, from `at` on; -1 without one."""
    slash = flat.find("/", at)
    while slash >= 0:
        # Three capitals end before the slash, white space and node borders aside; most slashes fail here.
        begin = max(at, slash - _BASE_CHARS)
        if flat[begin:slash].rstrip(" \t\r\n\xa0" + GAP)[-3:].isupper():
            match = _START.search(flat, begin, slash + _QUOTE_CHARS)
            if match is not None and match.start() < slash:
                return match.start()
        slash = flat.find("/", slash + 1)
    return -1


def _is_border(flat: str, start: int, previous_end: int) -> bool:
    """Whether a ticker item can begin at `start`: after a node border, a bullet, or the end of another item."""
    lead = flat[max(0, start - LINE_CHARS) : start].rstrip(" \t\r\n\f\xa0")
    at = start - LINE_CHARS + len(lead) if start > LINE_CHARS else len(lead)
    return not lead or lead[-1] in _BORDERS or at == previous_end
