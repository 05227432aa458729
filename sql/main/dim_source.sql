/*
description: One row per source of captures, with name, address and cadence.
grain: [source]
columns:
  source: Short name of the source, as in the facts.
  name: Name of the source for people.
  url: URL of the source; null for ingested files.
  cadence: Cadence of the captures, such as daily; null for ingested files and web archives.
  zone: Time zone of the calendar days of the source, such as Asia/Almaty.
  prints_ticker: True where the slots of the source request the ticker, so that a slot without rates has failed.
  rate_precedence: >-
    Rank of the rates of the source, from 1; where sources of several ranks give the rate of a day, the lowest rank
    counts in main.fct_rate_daily, and a text that a web archive made of a page (WET) after all. Null for a source
    without rates of the ticker.
sort: [source]
checks:
  - not_null: [name, zone, prints_ticker]
  - between: {rate_precedence: [1, null]}
*/
select source, name, url, cadence, zone, prints_ticker::boolean as prints_ticker, rate_precedence::integer as rate_precedence
from seeds.sources
