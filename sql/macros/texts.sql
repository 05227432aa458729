-- the start of a text, which distinguishes articles with one title: 60 characters, with one space for whatever is
-- between letters and digits
create or replace temp macro lead_of(text) as
    left(regexp_replace(lower(left(text, 120)), '[^\p{L}\p{N}]+', ' ', 'g'), 60);

-- A title or a cleaned text as compared between revisions: quotes and dashes are straight, line ends and no-break spaces
-- are spaces. A cleaned text has no two spaces in a row, but for line ends. Most texts have nothing to translate, and a
-- search for that is ten times faster.
create or replace temp macro plain_of(text) as
    replace(
        replace(
            if(
                regexp_matches(text, '[‘’‚“”„–—−‑\x{a0}]'),
                translate(text, '‘’‚“”„–—−‑' || chr(160), '''''''"""---- '),
                text
            ),
            chr(10), ' '
        ),
        '  ', ' '
    );
