/*
description: One row per source of captures, with name, address and cadence.
grain: [source]
columns:
  source: Short name of the source, as in the facts.
  name: Name of the source for people.
  url: URL of the source; null for ingested files.
  cadence: Cadence of the captures, such as daily; null for ingested files.
  zone: Time zone of the calendar days of the source, such as Asia/Almaty.
sort: [source]
checks:
  - not_null: [name, zone]
*/
select source, name, url, cadence, zone
from seeds.sources
