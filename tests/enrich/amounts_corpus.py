"""The labelled sentences of `amounts_labelled.txt`, and precision and recall of the grammar over them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ca_etl.enrich.amounts import Amount, amounts

LABELLED = Path(__file__).with_name("amounts_labelled.txt")
PARTS = ("build", "held out")
_MARKED = re.compile(r"\{([^|{}]+)\|([^{}]+)\}")

# Offset, text, amount, high end, currency; then the unit, whether approximate, the stated dollars and their high end.
Label = tuple[int, str, Decimal, Decimal | None, str, str | None, bool, Decimal | None, Decimal | None]
AMOUNT_ALONE = 5
ALL_FIELDS = 9


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of amounts: right, recognized, labelled."""

    right: int
    recognized: int
    labelled: int

    @property
    def precision(self) -> float:
        return self.right / self.recognized

    @property
    def recall(self) -> float:
        return self.right / self.labelled


def sentences(part: str) -> list[tuple[str, list[Label]]]:
    """Each sentence of one part without its marks, with its labels."""
    read: list[tuple[str, list[Label]]] = []
    inside = ""
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            inside = line.strip("[]")
        elif inside == part:
            read.append(_sentence(line))
    return read


def corpus_hash() -> str:
    """SHA-256 of the whole file."""
    return hashlib.sha256(LABELLED.read_bytes()).hexdigest()


def label_of(amount: Amount) -> Label:
    """What was read, in the shape of a label."""
    return (
        amount.start,
        amount.amount_text,
        amount.amount,
        amount.amount_high,
        amount.currency,
        amount.per,
        amount.approx,
        amount.stated_usd,
        amount.stated_usd_high,
    )


def measured(part: str, fields: int = AMOUNT_ALONE) -> Score:
    """Precision and recall of one part; an amount is right when its first `fields` fields are."""
    right = recognized = labelled = 0
    for text, labels in sentences(part):
        read = Counter(label_of(amount)[:fields] for amount in amounts(text))
        wanted = Counter(label[:fields] for label in labels)
        right += (read & wanted).total()
        recognized += read.total()
        labelled += wanted.total()
    return Score(right, recognized, labelled)


def mistakes(part: str) -> list[str]:
    """Every sentence that is not read as labelled, with what was read."""
    return [
        f"{text}\n  labelled {labels}\n  read {read}"
        for text, labels in sentences(part)
        if (read := [label_of(amount) for amount in amounts(text)]) != labels
    ]


def _sentence(line: str) -> tuple[str, list[Label]]:
    text, labels, at = "", [], 0
    for mark in _MARKED.finditer(line):
        text += line[at : mark.start()]
        labels.append(_label(len(text), mark[1], mark[2]))
        text += mark[1]
        at = mark.end()
    return text + line[at:], labels


def _label(start: int, amount_text: str, marks: str) -> Label:
    # Units have spaces of their own: "285 USD ~ /1,000 cubic meters".
    numbers, currency, *others = re.split(r" (?=[~=/]|[A-Z]{3}(?: |$))", marks)
    amount, high = _numbers(numbers)
    unit = next((other[1:] for other in others if other.startswith("/")), None)
    stated, stated_high = next(
        (_numbers(other[1:]) for other in others if other.startswith("=")), (None, None)
    )
    return start, amount_text, amount, high, currency, unit, "~" in others, stated, stated_high  # type: ignore[return-value]


def _numbers(written: str) -> tuple[Decimal, Decimal | None]:
    low, _, high = written.partition("-")
    return Decimal(low), Decimal(high) if high else None
