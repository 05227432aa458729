/*
description: Where captures come from, and how often they are made.
grain: [source]
columns:
  source: Short name, as in the facts.
  name: Name for people.
  url: Where it is, null for what comes by hand.
  cadence: How often it is captured; null for what comes by hand.
  zone: The time zone of its days.
sort: [source]
checks:
  - not_null: [name, zone]
*/
select source, name, url, cadence, zone
from seeds.sources
