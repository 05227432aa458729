create table if not exists raw.enriched (
    item varchar not null,
    version varchar not null,
    primary key (item)
);

comment on table raw.enriched is 'A text or a title that was searched. One row per item, with or without a result.';
comment on column raw.enriched.item is 'text_id of a text, or the words of a title after "title:".';
comment on column raw.enriched.version is 'Version of the search.';
