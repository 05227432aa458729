/*
description: One row per country that articles are searched for, or that issues a currency of main.dim_currency.
grain: [country_code]
columns:
  country_code: Country, ISO 3166-1 alpha-2 code; EU (reserved) is the European Union, XK (user-assigned) is Kosovo.
  alpha3_code: ISO 3166-1 alpha-3 code of the country; null for the European Union.
  name: English short name of the country.
  region: Region of the country - central_asia, neighbour (of Central Asia) or other.
  subregion: Sub-region of the country by the United Nations (M49); null for the European Union.
  currency_code: Currency of the country, ISO 4217 code.
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
