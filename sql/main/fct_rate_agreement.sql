/*
description: >-
  One row per day and currency that the ticker printed and bank with a rate of the currency - whether the two agree. The
  interval of the printed rate, widened by the tolerance of the currency, is compared with the latest three rates of the
  bank, from at most 14 days before, since the ticker may show an earlier fixing.
grain: [rate_date, base, quote, official_source]
columns:
  rate_date: Day of the printed rate, which is the date that the page prints, else the Asia/Almaty day of the capture.
  base: Base currency of the printed rate, of which one unit is priced, ISO 4217 code.
  quote: Quote currency of the printed rate, in which the price is given, ISO 4217 code (always USD).
  official_source: Bank that published the official rate, a key of main.dim_source.
  verdict: >-
    Result of the comparison - agrees (one of the latest three official rates lies in the widened interval), disagrees
    (none does) or uninformative (one does, but the printed rate has a single significant digit).
  cause: >-
    Explanation of a difference - slipped_unit (ticker_rate is a power of ten off), inverted (ticker_rate is official_rate,
    in place of 1 / official_rate), stale_ticker (the whole ticker equals an earlier one), other_fixing (ticker_rate
    agrees with an earlier or a later official rate, or with the latest by the tolerance alone), unexplained; null where
    the latest official rate lies in the interval of ticker_rate.
  official_type: Kind of the official rate - official, peg or cross.
  official_date: >-
    Day in force of the latest official rate up to rate_date, in the zone of the bank; for a peg rate_date.
  official_rate: Latest official rate up to rate_date, in units of base per unit of quote.
  ticker_rate: Printed rate, in units of quote per unit of base.
  ticker_inverse: Inverse of the printed rate, in units of base per unit of quote; null where ticker_rate is zero.
  ticker_inverse_low: Lower bound of ticker_inverse, in units of base per unit of quote.
  ticker_inverse_high: >-
    Upper bound of ticker_inverse, in units of base per unit of quote; null where the interval of ticker_rate begins at
    zero.
  tolerance_pct: Percent by which the interval of the printed rate is widened.
  difference_pct: >-
    Difference of ticker_inverse from official_rate in percent of official_rate, rounded half up to 4 decimals; null
    where ticker_inverse is null.
  matched_date: >-
    Day in force, in the zone of the bank, of the official rate that ticker_rate agrees with, of several the closest and
    then the latest; null where no official rate agrees.
sort: [rate_date, base, quote, official_source]
checks:
  - not_null: [official_type, official_date, official_rate, ticker_rate, ticker_inverse_low, tolerance_pct, verdict]
  - accepted: {verdict: [agrees, disagrees, uninformative]}
  - accepted: {cause: [slipped_unit, inverted, stale_ticker, other_fixing, unexplained]}
  - references: {official_source: main.dim_source.source}
  - name: a_disagreement_has_a_cause
    sql: >-
      select rate_date, base, official_source, verdict, cause from main.fct_rate_agreement
      where verdict = 'disagrees' and cause is null
*/
with fixings as (
    from staging.stg_rate_fixing
),

matches as (
    select
        rate_date,
        base,
        quote,
        official_source,
        coalesce(bool_or(is_within_tolerance) filter (where fixing_number <= 3), false) as is_agreed,
        arg_max(
            fixing_date,
            -- within the interval before within the tolerance, then up to the day before after it, then the latest
            is_within_interval::integer * 100 + (fixing_date <= rate_date)::integer * 50 + (fixing_date - rate_date)
        ) filter (where is_within_tolerance) as matched_date
    from fixings
    group by all
),

explained as (
    select
        latest.*,
        daily.rate as ticker_rate,
        daily.inverse_rate as ticker_inverse,
        daily.inverse_low as ticker_inverse_low,
        daily.inverse_high as ticker_inverse_high,
        currency.ticker_tolerance_pct as tolerance_pct,
        case
            when not matches.is_agreed then 'disagrees'
            when daily.significant_digits <= 1 then 'uninformative'
            else 'agrees'
        end as verdict,
        daily.is_stale_suspect,
        matches.matched_date,
        -- the printed rate is a power of ten off, within a tenth, which is far from the next power
        list_bool_or([
            official_rate * factor::decimal(7, 3) between printed_low * 0.9 and printed_high * 1.1
            for factor in [0.001, 0.010, 0.100, 10.000, 100.000, 1000.000]
        ]) as is_slipped,
        -- the bank's rate and the printed one are both units of base per unit of quote
        official_low <= daily.rate_high * (1 + currency.ticker_tolerance_pct * 0.01)
        and official_high >= daily.rate_low * (1 - currency.ticker_tolerance_pct * 0.01) as is_inverted
    from fixings as latest
    inner join matches using (rate_date, base, quote, official_source)
    inner join main.fct_rate_daily as daily using (rate_date, base, quote)
    inner join main.dim_currency as currency on currency.currency_code = latest.base
    where latest.fixing_number = 1
)

select
    rate_date,
    base,
    quote,
    official_source,
    verdict,
    case
        when verdict = 'disagrees' and is_slipped then 'slipped_unit'
        when verdict = 'disagrees' and is_inverted then 'inverted'
        when is_stale_suspect then 'stale_ticker'
        when verdict = 'disagrees' and matched_date is null then 'unexplained'
        when not is_within_interval then 'other_fixing'
    end as cause,
    official_type,
    fixing_date as official_date,
    official_rate,
    ticker_rate,
    ticker_inverse,
    ticker_inverse_low,
    ticker_inverse_high,
    tolerance_pct,
    change(ticker_inverse, official_rate) as difference_pct,
    matched_date
from explained
