/*
description: >-
  The official rates as they were known at an instant, one row per bank, currency and day in force. Rates that were
  fetched later are left out, and of a corrected rate the row has the revision that was known then.
parameters:
  instant: Time at which the rates were known, a timestamp with time zone.
columns:
  source: Bank that published the rate, a key of main.dim_source.
  base: Base currency, of which one unit is priced, ISO 4217 code (always USD).
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_date: Day in force that the bank states, in the zone of the bank; of a peg the first day in force.
  revision: Number of the revision of the rate of the day that was known, from 1.
  rate: Units of quote per unit of base.
  rate_low: Lower bound of rate, in units of quote per unit of base.
  rate_high: Upper bound of rate, in units of quote per unit of base.
  rate_type: Kind of the rate - official, peg or cross.
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
