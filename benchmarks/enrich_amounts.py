"""Megabytes of text per second on one core from texts to amounts of money, and how many of the amounts are right.

The texts are the demo's articles, repeated with other numbers in them: as they are, with money in nearly every
paragraph, and with three of four sentences about money taken out, which is nearer to a news site as a whole.
The alternatives do the same job on the same texts: a loop with one plain regular expression and no
knowledge of ranges, units or stated dollars, and price-parser's `Price.fromstring` on what that expression finds,
where it is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import polars as pl

from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from ca_etl.demo.content import articles
from ca_etl.enrich.amounts_rows import amount_rows
from ca_etl.enrich.money_words import CODES, MAGNITUDES, SIGNS, WORDS
from tests.enrich import amounts_corpus

COPIES: Final = 6
THIN: Final = 4
AIM_MB: Final = 20.0
_MONEY_SENTENCE: Final = re.compile(
    rf"{'|'.join(map(re.escape, SIGNS))}|\b(?:{'|'.join((*CODES, *WORDS))})\b", re.IGNORECASE
)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_FIGURE: Final = r"([0-9][0-9, \u00a0\u2009]*(?:\.[0-9]+)?)"
_SCALE: Final = r"(?:[ \u00a0-]?(thousand|million|billion|trillion|mln|bln|bn|m|k))?"
_NAME: Final = "|".join(sorted((*WORDS, *CODES), key=len, reverse=True))
_NAIVE: Final = re.compile(
    rf"(US\$|U\$|[$€£¥]|\b(?:{'|'.join(CODES)}))[ \u00a0]?{_FIGURE}{_SCALE}\b"
    rf"|\b{_FIGURE}{_SCALE}[ \u00a0-](?:\w+[ ])?({_NAME})\b",
    re.IGNORECASE,
)


def claims() -> Iterator[Claim]:
    """The speed on both kinds of text; the aim is for news as it comes."""
    for kind, texts, aim in (("news", thinned(), AIM_MB), ("dense", dense(), None)):
        yield _speed(kind, texts, aim)


def dense() -> list[str]:
    """The demo's articles, `COPIES` times with other digits, so that no text comes twice."""
    turn = str.maketrans("2345678", "3456782")
    texts = [" ".join(article.paragraphs) for article in articles()]
    every = list(texts)
    for _ in range(COPIES - 1):
        texts = [text.translate(turn) for text in texts]
        every += texts
    return every


def thinned() -> list[str]:
    """The same with most sentences about money taken out, and texts put together to articles of some 2 kB."""
    kept = []
    met = 0
    for text in dense():
        for sentence in _SENTENCE.split(text):
            if _MONEY_SENTENCE.search(sentence):
                met += 1
                if met % THIN:
                    continue
            kept.append(sentence)
    return [" ".join(kept[at : at + 24]) for at in range(0, len(kept), 24)]


def naive(texts: Sequence[str], value: Callable[[str], Decimal | None]) -> int:
    """The number of amounts that a plain expression finds; `value` reads the figure of each."""
    found = 0
    for text in texts:
        for match in _NAIVE.finditer(text):
            number = value(match[2] or match[4])
            scale = MAGNITUDES[(match[3] or match[5]).lower()] if match[3] or match[5] else 1
            found += number is not None and number * scale >= 0
    return found


def _plain_value(figure: str) -> Decimal | None:
    return Decimal(re.sub(r"[, \u00a0\u2009]", "", figure))


def _speed(kind: str, texts: list[str], aim: float | None) -> Claim:
    frame = pl.DataFrame({"text_id": range(len(texts)), "text": texts})
    size = sum(len(text.encode()) for text in texts)
    rows = amount_rows(frame).height
    tell(f"amounts, {kind}: {len(texts)} texts, {size / 1e6:.1f} MB, an amount in {size / rows:,.0f} bytes")
    ways = {
        "ours": lambda: processor(lambda: amount_rows(frame)),
        "plain re": lambda: processor(lambda: naive(texts, _plain_value)),
    }
    if find_spec("price_parser") is None:
        tell("price-parser is not installed: its figure is left out")
    else:
        price = import_module("price_parser").Price
        ways["price-parser"] = lambda: processor(
            lambda: naive(texts, lambda figure: price.fromstring(figure).amount)
        )
    speeds = {way: size / 1e6 / seconds for way, seconds in interleaved(ways).items()}
    return Claim(
        f"Amounts of money in texts, {kind}, one in {size / rows:,.0f} bytes",
        f"{speeds['ours']:.1f} MB/s",
        "; ".join(f"{speed:.1f} MB/s ({way})" for way, speed in speeds.items() if way != "ours"),
        f"{speeds['ours'] / speeds['plain re']:.1f}",
        "-" if aim is None else f"at least {aim:g} MB/s",
        None if aim is None else speeds["ours"] >= aim,
    )


def main() -> None:
    """Print the speed, and precision and recall over the labelled sentences."""
    print_table(claims())
    print("\n| sentences | precision | recall | precision, all fields | recall, all fields | amounts |")
    print("| --- | --- | --- | --- | --- | --- |")
    for part in amounts_corpus.PARTS:
        alone = amounts_corpus.measured(part)
        whole = amounts_corpus.measured(part, amounts_corpus.ALL_FIELDS)
        print(
            f"| {part} | {alone.precision:.3f} | {alone.recall:.3f} | {whole.precision:.3f} | {whole.recall:.3f} "
            f"| {alone.told} |"
        )
    print(f"\n{amounts_corpus.LABELLED.name}: SHA-256 {amounts_corpus.corpus_hash()}")


if __name__ == "__main__":
    main()
