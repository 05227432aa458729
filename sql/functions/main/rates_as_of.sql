/*
description: >-
  One row per bank, currency and day in force, with the official rate as it was known at an instant. Rates that were
  fetched later are left out, and of a corrected rate the row has the revision that was known then.
parameters:
  instant: Time at which the rates were known, a timestamp with time zone.
columns:
  source: Bank that published the rate, a key of main.dim_source; never null.
  base: Base currency, of which one unit is priced, ISO 4217 code (always USD); never null.
  quote: Quote currency, in which the price is given, ISO 4217 code; never null.
  rate_date: >-
    Day in force that the bank states, in the zone of the bank; of a peg the first day in force; never null.
  revision: Number of the revision of the rate of the day that was known, from 1; never null.
  rate: Units of quote per unit of base; never null.
  rate_low: Lower bound of rate, in units of quote per unit of base; never null.
  rate_high: Upper bound of rate, in units of quote per unit of base; never null.
  rate_type: Kind of the rate - official, peg or cross; never null.
  known_from: Time at which the revision was first fetched, UTC; null where unknown, and of a peg.
*/
select
    official.source,
    official.base,
    official.quote,
    official.rate_date,
    official.revision,
    official.rate,
    official.rate_low,
    official.rate_high,
    official.rate_type,
    official.known_from
-- a name that no table has, since an argument may be a column of the caller
from (select instant::timestamptz as instant_argument) as arguments
inner join main.fct_official_rate as official
    on coalesce(official.known_from <= arguments.instant_argument, true)
    and coalesce(official.known_until > arguments.instant_argument, true)
