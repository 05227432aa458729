/*
description: >-
  One row per whole text of an article that showed several, with the version of the text, where texts that differ in
  quotes, dashes and spaces alone are one version. Most articles showed only one whole text, which is not here.
grain: [text_id]
# a stored view cannot use the macro, and most texts need not be read
materialized: table
columns:
  text_id: SHA-256 of the text in hex, a key of raw.article_text.
  version_id: MD5 of the text with straight quotes and dashes and single spaces, in hex.
  words: Distinct words of the text with straight quotes and dashes, separated by spaces, as a list; never null.
*/
select text_id, md5(plain_of(text)) as version_id, list_distinct(string_split(plain_of(text), ' ')) as words
from raw.article_text
where text_id in (
    select unnest(list(distinct text_id))
    from main.fct_article_sighting
    where not is_truncated
    group by article_id
    having min(text_id) <> max(text_id)
)
