"""Language, length and bands of many texts as one frame."""

from __future__ import annotations

from typing import Final

import polars as pl

from ca_etl.enrich.language import languages
from ca_etl.enrich.likeness import bands
from ca_etl.enrich.words import words_in

# The words of so many texts are in memory at once, some 100 MB.
PART: Final = 5000


def profile_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """One row per text of `texts` (columns text_id, text), in their order.

    Columns: text_id, language (null for none), words and bands, an empty list where the text is too short; see
    `language.languages` and `likeness.bands`.
    """
    return pl.concat(map(_profiles, texts.iter_slices(PART))) if len(texts) else _profiles(texts)


def _profiles(texts: pl.DataFrame) -> pl.DataFrame:
    words = words_in(texts["text"])
    count = words.found["text"].value_counts()
    return (
        texts.select("text_id")
        .with_row_index("text")
        .with_columns(languages(words).alias("language"), bands(words).alias("bands"))
        .join(count, on="text", how="left", maintain_order="left")
        .select("text_id", "language", pl.col("count").fill_null(0).cast(pl.Int32).alias("words"), "bands")
    )
