create table if not exists raw.enriched (
    item varchar not null,
    version varchar not null,
    is_compared boolean not null,
    primary key (item)
);

comment on table raw.enriched is 'Texts and titles that were searched for countries and amounts. One row per text or title, with or without a result.';
comment on column raw.enriched.item is 'Text or title that was searched, as a text_id of raw.article_text or as "title:" and the title.';
comment on column raw.enriched.version is 'Version of the rules by which the text or title was searched for countries and amounts.';
comment on column raw.enriched.is_compared is 'True once the comparison of texts for near-duplicates is done, of titles too; false only within a run.';
