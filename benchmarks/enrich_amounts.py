"""Megabytes of text per second on one core from texts to amounts of money, and how many of the amounts are right.

The texts are the demo's articles, repeated with other numbers in them: as they are, with money in every third
sentence, and with three of four sentences about money taken out, which is nearer to a news site as a whole.

Two alternatives read the same texts. A loop with one plain regular expression knows nothing of ranges, units or
stated dollars. price-parser is made for the price of a shop: of a short string it gives one figure and the sign of
its currency, no place in the text, and no scale ("$1.5 million" is 1.5). So it cannot search an article; it is given
what it needs, in two ways. "By phrase" it reads what the plain expression finds, whose search is counted too.
"By sentence" it reads every sentence with a digit in it, cut beforehand and not counted: it then says the first figure
of each, be it a price, a year or a share, and leaves out the others.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

# One core: Polars would use all of them.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from benchmarks.alternatives import alternative, alternative_version
from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from ca_etl.demo.content import articles
from ca_etl.enrich.amounts import amount_rows
from ca_etl.enrich.money_vocabulary import CODES, MAGNITUDES, SIGNS, WORDS
from tests.enrich import amounts_corpus

WORKER: Final = Path(__file__).with_name("read_prices.py")
COPIES: Final = 6
THIN: Final = 4
AIM_MB: Final = 20.0
_MONEY_SENTENCE: Final = re.compile(
    rf"{'|'.join(map(re.escape, SIGNS))}|\b(?:{'|'.join((*CODES, *WORDS))})\b", re.IGNORECASE
)
_DIGIT: Final = re.compile(r"[0-9]")
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
    """The speed on both kinds of text, against each alternative; the aim is for news as it comes."""
    for kind, texts, aim in (("news", thinned(), AIM_MB), ("dense", dense(), None)):
        yield from _compare(kind, texts, aim)


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


def phrases(texts: Sequence[str]) -> list[str]:
    """What the plain expression takes for an amount, as it stands in the texts."""
    return [match[0] for text in texts for match in _NAIVE.finditer(text)]


def sentences(texts: Sequence[str]) -> list[str]:
    """The sentences that hold a digit."""
    return [each for text in texts for each in _SENTENCE.split(text) if _DIGIT.search(each)]


def naive(texts: Sequence[str]) -> int:
    """The number of amounts that the plain expression finds, each read as a decimal with its scale."""
    found = 0
    for text in texts:
        for match in _NAIVE.finditer(text):
            figure = Decimal(re.sub(r"[, \u00a0\u2009]", "", match[2] or match[4]))
            scale = MAGNITUDES[(match[3] or match[5]).lower()] if match[3] or match[5] else 1
            found += figure * scale >= 0
    return found


def _compare(kind: str, texts: list[str], aim: float | None) -> Iterator[Claim]:
    frame = pl.DataFrame({"text_id": range(len(texts)), "text": texts})
    size = sum(len(text.encode()) for text in texts)
    rows = amount_rows(frame).height
    tell(f"amounts, {kind}: {len(texts)} texts, {size / 1e6:.1f} MB, an amount in {size / rows:,.0f} bytes")
    given = {"phrase": phrases(texts), "sentence": sentences(texts)}
    with _price_parser(given) as prices:
        took = interleaved(
            {
                "ours": lambda: processor(lambda: amount_rows(frame)),
                "plain": lambda: processor(lambda: naive(texts)),
                "phrase": lambda: processor(lambda: phrases(texts)) + prices.seconds("phrase"),
                "sentence": lambda: prices.seconds("sentence"),
            }
        )
    speed = {way: size / 1e6 / seconds for way, seconds in took.items()}
    name = f"price-parser {alternative_version('price-parser')}"
    for way, what in (
        ("plain", f"a loop with one plain expression, {naive(texts):,} found"),
        ("phrase", f"{name} by phrase, {prices.found['phrase']:,} found"),
        ("sentence", f"{name} by sentence, {prices.found['sentence']:,} figures, one a sentence"),
    ):
        yield Claim(
            f"Amounts of money in texts, {kind}, one in {size / rows:,.0f} bytes, {rows:,} found",
            f"{speed['ours']:.1f} MB/s",
            f"{speed[way]:.1f} MB/s ({what})",
            f"{speed['ours'] / speed[way]:.1f}",
            "-" if aim is None else f"at least {aim:g} MB/s",
            None if aim is None else speed["ours"] >= aim,
        )


class _Prices:
    """The worker process: one line asks, one line answers. `found` counts the amounts of each list."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.found: dict[str, int] = {}

    def seconds(self, name: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        seconds, found = self._process.stdout.readline().split()
        self.found[name] = int(found)
        return float(seconds)


@contextmanager
def _price_parser(given: Mapping[str, Sequence[str]]) -> Iterator[_Prices]:
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as folder:
        file = Path(folder) / "given.json"
        file.write_text(json.dumps(given), encoding="utf-8")
        command = [str(alternative("python")), "-I", str(WORKER), str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield _Prices(process)


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
            f"| {alone.labelled} |"
        )
    print(f"\n{amounts_corpus.LABELLED.name}: SHA-256 {amounts_corpus.corpus_hash()}")


if __name__ == "__main__":
    main()
