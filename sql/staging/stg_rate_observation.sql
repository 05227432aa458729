/*
description: >-
  Rates as printed, with the interval and the sign that the print implies. The true rate lies within half a unit
  of the last printed digit on either side; what the page prints as 0.00008 is anything from 0.000075 to 0.000085.
grain: [capture_id, base, quote]
columns:
  capture_id: The capture that printed it.
  base: Currency of which one unit is priced.
  quote: Currency of the price.
  rate: Units of quote for one unit of base, as printed.
  rate_low: Lower end of the interval, half a unit of the last printed digit below rate; not below zero.
  rate_high: Upper end of the interval, half a unit of the last printed digit above rate.
  significant_digits: Printed digits from the first that is not zero on; a trailing zero counts.
  rate_text: The rate as printed.
  change_pct: The change in percent as printed.
  change_text: The change as printed; it keeps the sign of -0%.
  change_sign: -1, 0 or 1. A printed -0% is a fall that rounds to nothing, so its sign is -1.
  position: Position of the pair in the ticker.
*/
with printed as (
    select
        *,
        regexp_replace(rate_text, '[^0-9.]', '', 'g') as digits,
        -- half a unit of the last of 0, 1, ... 8 decimals
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
