/*
description: What is captured, on which cadence.
grain: [source]
columns:
  source: Short name, as in the facts.
  name: Name for people.
  url: Where it is.
  cadence: How often it is captured.
  zone: The time zone of its days.
sort: [source]
checks:
  - not_null: [name, cadence, zone]
*/
select source, name, url, cadence, zone
from seeds.sources
