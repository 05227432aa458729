"""Seconds and memory of the worst page of each kind of damage: `python -m benchmarks.worst_pages`. Linux only.

Each family runs in a process of its own. Seconds are processor time of the slowest page; MB are what the process held
at most while it read a page, above what it held before. The status is 1 where a page takes more than a second or
200 MB.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.damage import LOOK_ALIKES, STREWN, cuts, damaged, html_pages, layouts, with_bytes_flipped
from benchmarks.fuzz_pages import AT, ZONE
from benchmarks.measure import ROOT, tell
from ca_etl.parse.decode import MAX_HTML_BYTES, MAX_TEXT_BYTES
from ca_etl.parse.rows import rows_of
from ca_etl.records import Capture

SECONDS: Final = 1.0
MEGABYTES: Final = 200
HOME: Final = "https://timesca.com/page/3/"
CYCLE: Final = "".join(
    f"  \u2022 {base}/USD = 0.0{number}144 0%\n"
    for number, base in enumerate(("KGS", "KZT", "TJS", "UZS", "TMT"))
)
HTML_START: Final = b"<html><body>"

Pages = Iterator[tuple[bytes, str | None]]


def _texts() -> Iterator[str]:
    yield from layouts().values()


def _bytes() -> Iterator[bytes]:
    yield from (text.encode() for text in _texts())


def _long(pieces: str, size: int = MAX_TEXT_BYTES - 100) -> bytes:
    """As many of `pieces` as a page may have."""
    encoded = pieces.encode()
    return encoded * (size // len(encoded))


def _cut() -> Pages:
    for number, text in enumerate(_bytes()):
        yield from (
            (cut, HOME if number % 2 else None) for cut in list(cuts(text))[:: 1 if number < 4 else 7]
        )
    for page in html_pages()[:2]:
        yield from ((cut, None) for cut in list(cuts(page.encode()))[::11])


def _flipped() -> Pages:
    chance = random.Random(1)  # noqa: S311
    for page in [*_bytes(), *(html.encode() for html in html_pages())]:
        yield from ((with_bytes_flipped(page, chance), None) for _ in range(40))


def _injured() -> Pages:
    chance = random.Random(2)  # noqa: S311
    for page in [*_texts(), *html_pages()]:
        yield from ((damaged(page, chance).encode("utf-8", "replace"), HOME) for _ in range(40))


def _doubled() -> Pages:
    for text in _texts():
        lines = text.split("\n")
        yield "\n".join(line for line in lines for _ in range(2)).encode(), None
        yield "\n".join(line for line in lines for _ in range(500)).encode(), HOME
        yield (text * 300).encode(), HOME


def _strewn() -> Pages:
    for text in _texts():
        for sign in ("\u00a0", "\u200b", "\ufeff", "\u00ad"):
            yield sign.join(text).encode(), HOME
            yield text.replace(" ", sign).encode(), None
            yield text.replace("\n", f"\n{sign}\n").encode(), HOME
    for sign in STREWN:
        yield _long(f"{sign} ", 2_000_000), HOME
        yield _long(f"A Title of Ours {sign} About the Border\n\nA text of ours{sign}.\n\n", 1_500_000), HOME


def _look_alikes() -> Pages:
    for text in _texts():
        yield text.translate(LOOK_ALIKES).encode(), None
    yield _long(CYCLE.translate(LOOK_ALIKES), 2_000_000), None
    yield b"".join(f"\u2022 KG\u0405/USD = 0.{n:05} 0%\n".encode() for n in range(59_000)), None


def _huge_lines() -> Pages:
    whole = (
        "x",
        "word ",
        "A Title ",
        "\u2019s ",
        "\u00a0",
        "[caption ",
        "[caption id=x]",
        "[a b=",
        "(TCA) \u2014 ",
        "\u2022 KGS/USD = ",
    )
    for piece in (
        *whole,
        "0",
        "A.",
        ". A",
        "Written by ",
        "Photo: ",
        "...",
        "'",
        "\u202f",
        "Continue reading ",
        "KGS/USD ",
    ):
        yield _long(piece), HOME
        yield b"A Title of Ours About the Border\n\n" + _long(piece, MAX_TEXT_BYTES - 200), None
    yield b" " * 7_000_000 + b"x", None


def _many_lines() -> Pages:
    said = "A text of ours tells what nobody had asked about"
    for line in (
        "A Title\n",
        f"A Title of Ours About the Border\n\n{said}.\n\n",
        f"{said}:\n",
        "Continue reading\n",
        "x\n",
    ):
        for head in ("", "Our People > A. Writer\n", "Viewing results 1 - 6 of 8\n"):
            yield head.encode() + line.encode() * (59_000 // line.count("\n")), HOME
    yield b"".join(f"Title Number {n} of the Border\n\n{said} {n}.\n\n".encode() for n in range(14_000)), HOME
    yield b"A. Writer\nView more articles fromA. Writer\n" * 29_000, HOME
    yield b"\n" * 7_000_000, HOME


def _cycles() -> Pages:
    yield CYCLE.encode() * 10_000, None
    yield b"".join(CYCLE.replace("144", f"{n:05}").encode() for n in range(10_000)), None
    yield b"".join(CYCLE.replace("KGS", "AFN").encode() + b"\n" for _ in range(10_000)), None
    yield b"".join("".join(reversed(CYCLE.splitlines(keepends=True))).encode() for _ in range(10_000)), None
    yield HTML_START + b"".join(b"<li>KGS/USD = 0.%05d 0%%</li>" % n for n in range(30_000)), None
    yield HTML_START + b"<span>KGS/USD = 0.01144 0%</span>" * 50_000, None
    yield HTML_START + b"KGS/USD = 1 0% " * 200_000, None


def _nesting() -> Pages:
    for tag in (
        b"<div>",
        b"<b>",
        b"<div><h2><a href=/x>",
        b"<article><h2><a href='/s/'>T</a></h2><p>x",
        b"<ul><li>",
        b"<table><tr><td>",
    ):
        for times in (1_000, 7_900, 20_000, 149_000):
            nested = tag * min(times // tag.count(b"<"), MAX_HTML_BYTES // len(tag) - 10)
            yield HTML_START + nested, None
            yield HTML_START + nested + b"<p>KGS/USD = 0.01144 0%" * 100, None
    yield HTML_START + b"<h2><a href='/s/'>T</a></h2><p>x</p>" * 10_000, None
    yield HTML_START + b"<!--" * 900_000, None
    yield HTML_START + b"&#" * 1_900_000, None
    yield HTML_START + b"".join(b"<b a=%d>" % n for n in range(3_000)) + b"<p>x" * 30_000, None


FAMILIES: Final[Mapping[str, Callable[[], Pages]]] = {
    "cut at every offset": _cut,
    "bytes flipped": _flipped,
    "injured at random": _injured,
    "lines doubled": _doubled,
    "NBSP and zero-width strewn in": _strewn,
    "Cyrillic look-alikes": _look_alikes,
    "huge lines": _huge_lines,
    "many lines": _many_lines,
    "10,000 cycles": _cycles,
    "HTML nested deep": _nesting,
}


def measure(name: str) -> dict[str, float | str]:
    """The slowest and the largest page of a family."""
    worst, largest, pages, slowest = 0.0, 0.0, 0, b""
    _parse(next(_bytes()), None)
    for payload, url in FAMILIES[name]():
        before = _start_of_peak()
        started = time.process_time()
        _parse(payload, url)
        took = time.process_time() - started
        largest = max(largest, _megabytes("VmHWM") - before)
        pages += 1
        if took > worst:
            worst, slowest = took, payload
    shown = f"{slowest[:50]!r} ({len(slowest):,} bytes)".replace("|", "/")
    return {"seconds": worst, "megabytes": largest, "pages": pages, "slowest": shown}


def _parse(payload: bytes, url: str | None) -> None:
    content_type = "text/html" if payload.startswith((HTML_START, b"<!DOCTYPE")) else "text/plain"
    capture = Capture("urn:uuid:1", "worst", payload, "a.warc.gz", 0, url, AT, 200, content_type)
    rows_of(capture, zone=ZONE, run_id="worst")


def _start_of_peak() -> float:
    """Forget the process's peak; what it holds now, in MB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _megabytes("VmRSS")


def _megabytes(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1000


def main() -> int:
    """Print the table; the exit status."""
    print("| damage | pages | slowest page, s | largest page, MB | slowest |")
    print("| --- | --- | --- | --- | --- |")
    is_bad = False
    for name in FAMILIES:
        tell(name)
        command = [sys.executable, "-m", "benchmarks.worst_pages", name]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        is_bad |= found["seconds"] > SECONDS or found["megabytes"] > MEGABYTES
        print(
            f"| {name} | {found['pages']:,} | {found['seconds']:.2f} | {found['megabytes']:.0f} "
            f"| `{found['slowest']}` |",
            flush=True,
        )
    return int(is_bad)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1])))
    else:
        sys.exit(main())
