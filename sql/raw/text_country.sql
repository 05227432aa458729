create table if not exists raw.text_country (
    item varchar not null,
    country_code varchar not null,
    mentions integer not null,
    primary key (item, country_code)
);

comment on table raw.text_country is 'Countries that texts and titles name. One row per text or title and country.';
comment on column raw.text_country.item is 'Text or title that was searched, as a text_id of raw.article_text or as "title:" and the title.';
comment on column raw.text_country.country_code is 'Country named, ISO 3166-1 alpha-2 code.';
comment on column raw.text_country.mentions is 'Number of mentions of the country by name, demonym, capital or city.';
