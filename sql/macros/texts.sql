-- the beginning of a text as it tells articles apart: 60 letters, figures and blanks, whatever stands between words
create or replace temp macro lead_of(text) as
    left(regexp_replace(lower(left(text, 120)), '[^\p{L}\p{N}]+', ' ', 'g'), 60);
