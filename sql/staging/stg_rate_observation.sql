/*
description: >-
  One row per capture and currency pair, with the interval and the sign that the printed rate implies. The true rate
  lies within half a unit of the last printed digit on either side; a printed 0.00008 is anything from 0.000075 to
  0.000085.
grain: [capture_id, base, quote]
columns:
  capture_id: WARC record id of the capture that printed the rate.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate: Units of quote per unit of base, as printed.
  rate_low: >-
    Lower bound of the printed rate, half a unit of the last digit below rate, not below 0, in units of quote per unit
    of base.
  rate_high: >-
    Upper bound of the printed rate, half a unit of the last digit above rate, in units of quote per unit of base.
  significant_digits: Number of significant digits of the printed rate, counted from the first that is not zero.
  rate_text: Text of the rate as printed; the last digit bounds the accuracy.
  change_pct: Printed change of the rate in percent; the page does not state the day compared with.
  change_text: Text of the change as printed; -0% is a fall rounded to zero.
  change_sign: Sign of the printed change, -1, 0 or 1; -1 also for -0%, a fall rounded to zero.
  position: Position of the currency pair in the ticker, from 1.
*/
with printed as (
    select
        *,
        regexp_replace(rate_text, '[^0-9.]', '', 'g') as digits,
        -- half a unit of the last digit of a rate with 0, 1, ... 8 decimals
        [0.5, 0.05, 0.005, 0.0005, 0.00005, 0.000005, 0.0000005, 0.00000005, 0.000000005]::decimal(10, 9)[]
            as half_units
    from raw.rate_observation
),

measured as (
    select
        *,
        rate::decimal(19, 9) as exact_rate,
        half_units[1 + case when contains(digits, '.') then length(digits) - position('.' in digits) else 0 end]
            as half_unit
    from printed
)

select
    capture_id,
    base,
    quote,
    rate,
    greatest(exact_rate - half_unit, 0)::decimal(19, 9) as rate_low,
    (exact_rate + half_unit)::decimal(19, 9) as rate_high,
    length(ltrim(replace(digits, '.', ''), '0'))::integer as significant_digits,
    rate_text,
    change_pct,
    change_text,
    case
        when change_pct < 0 or starts_with(ltrim(change_text), '-') then -1
        when change_pct > 0 then 1
        else 0
    end::tinyint as change_sign,
    position
from measured
