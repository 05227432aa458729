/*
description: Countries - all that articles are searched for, and the issuers of the currencies in main.dim_currency.
grain: [country_code]
columns:
  country_code: >-
    ISO 3166-1 alpha-2 code; EU, reserved there, is the European Union, and XK, left to its users,
    is Kosovo.
  alpha3_code: ISO 3166-1 alpha-3 code, null for the European Union.
  name: English short name.
  region: central_asia, neighbour or other.
  subregion: Sub-region of the United Nations (M49), null for the European Union.
  currency_code: ISO 4217 code of its currency.
sort: [country_code]
checks:
  - unique: [alpha3_code]
  - not_null: [name, region, currency_code]
  - accepted: {region: [central_asia, neighbour, other]}
*/
select
    alpha2 as country_code,
    alpha3 as alpha3_code,
    name,
    region,
    subregion,
    currency_code
from seeds.countries
