"""Language, length and bands of many texts as one frame."""

from __future__ import annotations

import polars as pl

from ca_etl.enrich.language import language
from ca_etl.enrich.likeness import bands_of
from ca_etl.enrich.words import words_of


def profile_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """One row per text of `texts` (columns text_id, text), in their order.

    Columns: text_id, language (null for none), words and bands, an empty list where the text is too short; see
    `language.language` and `likeness.bands_of`.
    """
    read = [(text_id, words_of(text)) for text_id, text in texts.select("text_id", "text").rows()]
    return pl.DataFrame(
        [(text_id, language(words), len(words), bands_of(words)) for text_id, words in read],
        schema={
            "text_id": texts.schema["text_id"],
            "language": pl.String,
            "words": pl.Int32,
            "bands": pl.List(pl.UInt64),
        },
        orient="row",
    )
