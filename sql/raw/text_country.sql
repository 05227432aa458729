create table if not exists raw.text_country (
    item varchar not null,
    country_code varchar not null,
    mentions integer not null,
    primary key (item, country_code)
);

comment on table raw.text_country is 'A country that a text or a title names. One row per item and country.';
comment on column raw.text_country.item is 'text_id of a text, or the words of a title after "title:".';
comment on column raw.text_country.country_code is 'ISO 3166-1 alpha-2 code.';
comment on column raw.text_country.mentions is 'How often it is named: by name, demonym, capital or city.';
