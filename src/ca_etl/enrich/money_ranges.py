"""What two figures of one currency are together: the ends of a range, and the magnitude that they share."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from ca_etl.enrich.money_numbers import Numeral

# A first figure that is greater than this many times the second shares no magnitude with it.
_FALL: Final = 10
_MILLION: Final = Decimal(10**6)
_BILLION: Final = Decimal(10**9)
_STEP: Final = 1000


class Found(NamedTuple):
    """One figure with its currency. `scale` is its own magnitude, 1 without; `high` the upper end of a range."""

    start: int
    end: int
    value: Decimal
    scale: Decimal
    currency: str
    high: Decimal | None = None


def shared(first: Decimal, second: Decimal, scale: Decimal, *, dashed: bool = False) -> Decimal | None:
    """The first of two figures of which the second alone has a magnitude, None where it is not certain.

    "2 to 3 billion" share it; "900 to 1.2 billion" is 900 million, and so is "900-1 million" 900,000 (`dashed`);
    "from $500 to $1 million" may mean five hundred dollars.
    """
    whole = first * scale
    if whole < second:
        return whole
    if first >= _STEP:
        return first
    if whole <= second * _FALL:
        return whole
    lower = whole / _STEP
    omitted = first >= _STEP // 10 and scale >= (_MILLION if dashed else _BILLION)
    return lower if omitted and lower < second < lower * _FALL else None


def in_units_of(first: Found, second: Found | Numeral, *, dashed: bool = False) -> Found | None:
    """The first end of "from $2 to $3 billion", whose magnitude stands behind the second alone."""
    if first.scale > 1 or second.scale == 1:
        return first
    value = shared(first.value, second.value, second.scale, dashed=dashed)
    if value is None or value == first.value:
        return None if value is None else first
    return first._replace(value=value, scale=second.scale)


def high_end(low: Found, high: Found | Numeral, *, dashed: bool = False) -> Decimal | None:
    """The low end of a range as it is meant ("1.2-1.4 million"), None where the two are no range."""
    first = in_units_of(low, high, dashed=dashed)
    return first.value if first is not None and first.value < high.value else None


def both_ends(
    low: Found, high: Numeral, *, may_fall: bool, dashed: bool = False
) -> tuple[Decimal, Decimal] | None:
    """The ends of a range, the lower first; `may_fall` lets the higher be written first ("5-3 million")."""
    first = in_units_of(low, high, dashed=dashed)
    if first is None:
        return None
    if first.value < high.value:
        return first.value, high.value
    falls = may_fall and high.scale > 1 and high.value < first.value <= high.value * _FALL
    return (high.value, first.value) if falls else None
