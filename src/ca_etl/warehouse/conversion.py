"""Convert amounts between currencies at the rates of a release, with the macro `convert_amount` of its file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import duckdb

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.warehouse.export import quoted
from ca_etl.warehouse.reading import readable
from ca_etl.warehouse.release import Release

if TYPE_CHECKING:
    import polars as pl

BATCH: Final = 100_000
# Amounts have up to 30 digits, more than the 28 of Python's default context.
EXACT: Final = Context(prec=60)
DECIMALS: Final = 8
ONE: Final = """
    select amount, base, quote, rate_date, quote_amount, quote_amount_low, quote_amount_high, is_filled,
        base_observed_date, quote_observed_date, base_source, quote_source, no_amount_reason
    from main.convert_amount($amount, $base, $quote, $day)
"""
# an argument that is named as a column of the frame is that column, in the order of the frame
FRAME: Final = """
    select frame.*, converted.quote_amount, converted.quote_amount_low, converted.quote_amount_high,
        converted.is_filled, converted.base_source, converted.quote_source, converted.no_amount_reason
    from (select *, row_number() over () as frame_row from frame) as frame,
        main.convert_amount(frame.{amount}, frame.{base}, $quote, frame.{day}) as converted
    order by frame_row
"""
CONVERT: Final = "ca-etl convert 5000 KGS USD"
SERIES: Final = 'ca-etl sql "select currency_code, first_rate_date, last_rate_date from dim_currency"'
# The currencies among $1 that have no rate on the day $2 for the reason code $3.
UNPRICED: Final = """
    select given.code from (select distinct unnest($1) as code) as given, main.cross_rate(given.code, 'USD', $2) as rate
    where rate.no_rate_reason = $3 order by given.code
"""
# The reason codes of the macro `convert_amount` that a command line can bring about, in words.
NO_AMOUNT: Final = MappingProxyType(
    {
        "currency_without_rates": "there are no rates of {currency}",
        "before_first_rate": "the day is before the first rate of {currency}",
        "after_last_rate": "the day is after the last rate of {currency}",
        "older_than_14_days": "the latest rate of {currency} before the day is more than 14 days old",
    }
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount of `base` as an amount of `quote` on a day, with its bounds and the sources of the two rates.

    `rate_date` is the requested day; `base_observed_date` and `quote_observed_date` are the days of the two rates,
    None for a currency that needs no rate. Without a rate the amounts are None, and `no_amount_reason` is a reason
    code of the macro.
    """

    amount: Decimal | None
    base: str
    quote: str
    rate_date: date
    quote_amount: Decimal | None
    quote_amount_low: Decimal | None
    quote_amount_high: Decimal | None
    is_filled: bool | None
    base_observed_date: date | None
    quote_observed_date: date | None
    base_source: str | None
    quote_source: str | None
    no_amount_reason: str | None


def convert(con: duckdb.DuckDBPyConnection, amount: Decimal, base: str, quote: str, day: date) -> Conversion:
    """Convert an amount in units of `base` to units of `quote` (ISO 4217 codes) at the rates of `day`.

    `con` is a connection to the warehouse of a release.
    """
    given = {"amount": str(amount), "base": base, "quote": quote, "day": day}
    (row,) = con.execute(ONE, given).fetchall()
    return Conversion(*row)


def shown_amount(amount: Decimal, low: Decimal, high: Decimal, currency: str) -> str:
    """An amount of a currency and its bounds with the digits that the interval justifies: two of its width.

    The bounds are rounded outwards; units are never rounded away, and an exact amount keeps all of its digits. An
    amount that would equal one of its shown bounds has its greatest distance from them instead.

    >>> shown_amount(Decimal("57.20000000"), Decimal("57.17500000"), Decimal("57.22500000"), "USD")
    '57.200 USD (from 57.175 to 57.225)'
    >>> shown_amount(Decimal("57.17552888"), Decimal("57.17552887"), Decimal("57.17552888"), "USD")
    '57.17552888 USD (give or take 0.00000001)'
    """
    width = EXACT.subtract(high, low)
    if not width:
        return f"{EXACT.normalize(amount):f} {currency} (exact)"
    unit = Decimal(1).scaleb(-min(DECIMALS, max(0, 1 - width.adjusted())))
    shown = amount.quantize(unit, ROUND_HALF_UP, EXACT)
    least, most = low.quantize(unit, ROUND_FLOOR, EXACT), high.quantize(unit, ROUND_CEILING, EXACT)
    if least < shown < most:
        return f"{shown:f} {currency} (from {least:f} to {most:f})"
    distance = max(EXACT.subtract(shown, least), EXACT.subtract(most, shown))
    return f"{shown:f} {currency} (give or take {distance:f})"


def convert_amount(release: Release, amount: str, base: str, quote: str, day: date | None) -> Conversion:
    """Convert an amount of `base` to `quote` at the rates of a release on `day`; None is the last day with rates.

    Raises `UsageError` for an amount that is not a number or out of range, and where there is no rate; `CaEtlError` for
    a release of an earlier version, which cannot convert.
    """
    try:
        number = Decimal(amount)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise UsageError(f"{amount!r} is not an amount", CONVERT)
    try:
        with readable(release.warehouse, locked_down=True) as con:
            if day is None:
                (day,) = con.execute("select max(rate_date) from main.fct_rate_best").fetchone() or (None,)
            if day is None:
                raise UsageError("the release has no rates", "ca-etl status")
            conversion = convert(con, number, base, quote, day)
            reason = conversion.no_amount_reason
            unpriced = con.execute(UNPRICED, [[base, quote], day, reason]).fetchall()
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise CaEtlError(
            f"{release.warehouse} is of an earlier version, which cannot convert", "ca-etl rebuild"
        ) from error
    if reason == "amount_too_long":
        limit = "at most 16 digits before and 8 after the decimal point"
        raise UsageError(f"the amount {amount} is out of range: {limit}", CONVERT)
    if reason is not None:
        why = NO_AMOUNT.get(reason, reason).format(currency=" and ".join(code for (code,) in unpriced))
        raise UsageError(f"{amount} {base} cannot be converted to {quote} on {day}: {why}", SERIES)
    return conversion


def convert_frame(
    con: duckdb.DuckDBPyConnection,
    frame: pl.DataFrame,
    *,
    quote: str = "USD",
    amount: str = "amount",
    base: str = "currency",
    day: str = "day",
) -> pl.DataFrame:
    """The rows of a frame in their order, with each amount converted to units of `quote` (ISO 4217 code).

    `amount`, `base` and `day` name the columns of the frame: a number, an ISO 4217 code and a date. Seven columns are
    added: `quote_amount` with `quote_amount_low` and `quote_amount_high` (decimals), `is_filled`, `base_source`,
    `quote_source`, and `no_amount_reason`, which is null where the amount is converted. `con` is a connection to the
    warehouse of a release. Raises `duckdb.Error` for a column that is missing or of another type.
    """
    query = FRAME.format(amount=quoted(amount), base=quoted(base), day=quoted(day))
    con.register("frame", frame.to_arrow())
    try:
        table = con.sql(query, params={"quote": quote}).to_arrow_reader(BATCH).read_all()
        # the class of the frame: a command that converts one amount need not import Polars
        return type(frame)(table).drop("frame_row")
    finally:
        con.unregister("frame")
