/*
description: >-
  One row per day, with a group of columns per currency of the ticker, each rate with the interval of fct_rate_daily. For
  spreadsheets and charts; it holds nothing that fct_rate_daily lacks.
grain: [rate_date]
columns:
  rate_date: >-
    Day of the rate, which is the date that the page prints, else the Asia/Almaty day of the capture; a filled day lies
    between two observed days.
  kgs_rate: Price of one som in US dollars, as in fct_rate_daily; null on a day outside the series of KGS.
  kgs_low: Lower bound of kgs_rate, in US dollars per som; null on a day outside the series of KGS.
  kgs_high: Upper bound of kgs_rate, in US dollars per som; null on a day outside the series of KGS.
  kgs_is_filled: True where kgs_rate is of an earlier day; null on a day outside the series of KGS.
  kzt_rate: Price of one tenge in US dollars, as in fct_rate_daily; null on a day outside the series of KZT.
  kzt_low: Lower bound of kzt_rate, in US dollars per tenge; null on a day outside the series of KZT.
  kzt_high: Upper bound of kzt_rate, in US dollars per tenge; null on a day outside the series of KZT.
  kzt_is_filled: True where kzt_rate is of an earlier day; null on a day outside the series of KZT.
  tjs_rate: Price of one somoni in US dollars, as in fct_rate_daily; null on a day outside the series of TJS.
  tjs_low: Lower bound of tjs_rate, in US dollars per somoni; null on a day outside the series of TJS.
  tjs_high: Upper bound of tjs_rate, in US dollars per somoni; null on a day outside the series of TJS.
  tjs_is_filled: True where tjs_rate is of an earlier day; null on a day outside the series of TJS.
  tmt_rate: Price of one manat in US dollars, as in fct_rate_daily; null on a day outside the series of TMT.
  tmt_low: Lower bound of tmt_rate, in US dollars per manat; null on a day outside the series of TMT.
  tmt_high: Upper bound of tmt_rate, in US dollars per manat; null on a day outside the series of TMT.
  tmt_is_filled: True where tmt_rate is of an earlier day; null on a day outside the series of TMT.
  uzs_rate: Price of one sum in US dollars, as in fct_rate_daily; null on a day outside the series of UZS.
  uzs_low: Lower bound of uzs_rate, in US dollars per sum; null on a day outside the series of UZS.
  uzs_high: Upper bound of uzs_rate, in US dollars per sum; null on a day outside the series of UZS.
  uzs_is_filled: True where uzs_rate is of an earlier day; null on a day outside the series of UZS.
sort: [rate_date]
checks:
  - name: every_pair_has_columns
    severity: warning
    alerts: false
    sql: >-
      select distinct base, quote from main.fct_rate_daily
      where quote <> 'USD' or base not in ('KGS', 'KZT', 'TJS', 'TMT', 'UZS')
*/
select *
from (
    select rate_date, lower(base) as base, rate, rate_low, rate_high, is_filled
    from main.fct_rate_daily
    where quote = 'USD'
)
pivot (
    any_value(rate) as rate,
    any_value(rate_low) as low,
    any_value(rate_high) as high,
    any_value(is_filled) as is_filled
    for base in ('kgs', 'kzt', 'tjs', 'tmt', 'uzs')
    group by rate_date
)
