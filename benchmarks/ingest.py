"""History, end to end: `ca-etl ingest` of the corpus from file to published release, beside another checkout of ours.

`python -m benchmarks.ingest CHECKOUT` measures both in turns, each as whole processes with fresh data directories, of
which seconds of wall time and of processor time are counted; then half of the pages, and an increment of four pages on
top of each. Without CHECKOUT it prints our own figures alone. `--repeats 1` takes each once, where time is short.
Memory is the largest sum over the processes of one run, shared pages counted once. The stages by themselves:
`python -m benchmarks.ingest_stages`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.corpus import ARTICLES, Corpus
from benchmarks.measure import ROOT, Claim, interleaved, print_table, tell
from benchmarks.pages import BASE_URL, write_html, write_text

REPEATS: Final = 3
TIMES: Final = 3.0
# Twice the pages may take so many times the processor time.
TWICE: Final = 2.1
MOST_MEGABYTES: Final = 1000
# Of an increment: seconds of processor time, and the size of the file in sizes of its texts.
INCREMENT_SECONDS, INCREMENT_MEGABYTES, OF_TEXTS = 4.0, 400, 2.2
CORPORA: Final = {"distinct": Corpus(), "repeated": Corpus(ARTICLES // 10, 10)}
HALVES: Final = {"distinct": Corpus(ARTICLES // 2), "repeated": Corpus(ARTICLES // 20, 10)}


@dataclass(slots=True)
class Checkout:
    """A checkout of the project, the data directory that its last ingest has made, and what its ingests took.

    `processor` has the seconds of processor time of each ingest since `ingests` began, `megabytes` their most memory.
    """

    name: str
    root: Path
    data_dir: Path
    processor: list[float] = field(default_factory=list)
    megabytes: float = 0.0

    def ingest(self, path: Path, *, fresh: bool = True) -> float:
        """Seconds of wall time from an archive file to a published release; a fresh one replaces the last."""
        if fresh and self.data_dir.exists():
            remove(self.data_dir)
        environment = os.environ | {
            "PYTHONPATH": str(self.root / "src"),
            "CA_ETL_DATA_DIR": str(self.data_dir),
            "CA_ETL_SITE_URL": BASE_URL,
        }
        command = [sys.executable, "-c", "from ca_etl.cli.app import main; main()", "ingest", str(path)]
        before = os.times()
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command, env=environment, cwd=self.root, stdout=log, stderr=log)
            while process.poll() is None:
                self.megabytes = max(self.megabytes, megabytes_of(process.pid))
                time.sleep(0.05)
            if process.returncode:
                log.seek(0)
                raise RuntimeError(f"{self.name}: {log.read()[-2000:]!r}")
        after = os.times()
        self.processor.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
        return after.elapsed - before.elapsed

    @property
    def warehouse(self) -> Path:
        """The published file."""
        return self.data_dir / "current" / "warehouse.duckdb"


def claims(other: Path | None = None, repeats: int = REPEATS) -> Iterator[Claim]:
    """Seconds, memory and size, for each corpus and form."""
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as name:
        folder = Path(name)
        checkouts = [Checkout("ours", ROOT, folder / "ours")]
        checkouts += [Checkout("other", other, folder / "other")] if other else []
        for kind, corpus in CORPORA.items():
            for form in ("text", "HTML"):
                path, half = (
                    _written(folder, f"{kind}-{form}-{made.pages}", form, made)
                    for made in (corpus, HALVES[kind])
                )
                tell(f"ingest: {kind} {form}")
                yield from _ingests(f"{kind} articles, {form}", checkouts, path, corpus.pages, repeats)
                yield _twice(f"{kind} articles, {form}", checkouts[0], half, corpus, repeats)
                if (kind, form) == ("distinct", "text"):
                    yield from _increments(checkouts, folder, path)


def _written(folder: Path, name: str, form: str, corpus: Corpus) -> Path:
    tell(f"ingest: making {corpus.pages} pages, {name}")
    (folder / name).mkdir()
    if form == "text":
        return write_text(folder / name, corpus.text(), corpus.captured_at)
    return write_html(folder / name, "corpus", corpus.html(), corpus.captured_at)


def _ingests(what: str, checkouts: list[Checkout], path: Path, pages: int, repeats: int) -> Iterator[Claim]:
    for made in checkouts:
        made.processor, made.megabytes = [], 0.0
    wall = interleaved({made.name: lambda made=made: made.ingest(path) for made in checkouts}, repeats)
    processor = {made.name: statistics.median(made.processor) for made in checkouts}
    for unit, took, target in ((" of wall time", wall, TIMES), (" of processor time", processor, None)):
        ours, theirs = took["ours"], took.get("other")
        yield Claim(
            f"{what}: file to release",
            f"{ours:.1f} s{unit} ({pages / ours:.0f} pages/s)",
            f"{theirs:.1f} s{unit} ({pages / theirs:.0f} pages/s)" if theirs else "-",
            f"{theirs / ours:.1f} times" if theirs else "-",
            f"at least {target:g} times" if target else "-",
            theirs / ours >= target if theirs and target else None,
        )
    yield _sizes(f"{what}: memory", checkouts, MOST_MEGABYTES)


def _twice(what: str, ours: Checkout, half: Path, corpus: Corpus, repeats: int) -> Claim:
    """Our processor time for all pages, measured before, beside that for half of them."""
    whole = statistics.median(ours.processor)
    ours.processor = []
    for _ in range(repeats):
        ours.ingest(half)
    less = statistics.median(ours.processor)
    return Claim(
        f"{what}: {corpus.pages} pages beside half of them",
        f"{whole:.1f} s of processor time",
        f"{less:.1f} s",
        f"{whole / less:.2f} times",
        f"at most {TWICE:g} times",
        whole / less <= TWICE,
    )


def _increments(checkouts: list[Checkout], folder: Path, path: Path) -> Iterator[Claim]:
    """Four pages more, whose articles are new, on top of `path`."""
    checkouts[0].ingest(path)
    for made in checkouts:
        made.processor, made.megabytes = [], 0.0
    more = Corpus(24, seed=2)
    added = _written(folder, "more", "text", more)
    for made in checkouts:
        made.ingest(added, fresh=False)
    took = {made.name: made.processor[-1] for made in checkouts}
    yield Claim(
        f"{more.pages} pages more",
        f"{took['ours']:.1f} s of processor time",
        f"{took['other']:.1f} s" if "other" in took else "-",
        f"{took['other'] / took['ours']:.1f} times" if "other" in took else "-",
        f"at most {INCREMENT_SECONDS:g} s",
        took["ours"] <= INCREMENT_SECONDS,
    )
    yield _sizes(f"{more.pages} pages more: memory", checkouts, INCREMENT_MEGABYTES)
    with duckdb.connect(str(checkouts[0].warehouse), read_only=True) as con:
        ((texts,),) = con.execute("select sum(strlen(text)) / 1e6 from raw.article_text").fetchall()
    sizes = [f"{made.warehouse.stat().st_size / 1e6:.0f} MB" for made in checkouts]
    ratio = checkouts[0].warehouse.stat().st_size / 1e6 / texts
    yield Claim(
        f"warehouse file, with {texts:.0f} MB of texts",
        sizes[0],
        sizes[-1] if len(sizes) > 1 else "-",
        f"{ratio:.1f} times the texts",
        f"at most {OF_TEXTS:g}",
        ratio <= OF_TEXTS,
    )


def _sizes(what: str, checkouts: list[Checkout], most: int) -> Claim:
    ours, *others = (made.megabytes for made in checkouts)
    return Claim(
        what,
        f"{ours:.0f} MB",
        f"{others[0]:.0f} MB" if others else "-",
        f"{others[0] / ours:.1f} times" if others else "-",
        f"at most {most} MB",
        ours <= most,
    )


def megabytes_of(pid: int) -> float:
    """The memory of a process and its children in MB, pages that they share counted once; 0 where it has ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000
    return own + sum(megabytes_of(int(child)) for child in children)


def remove(data_dir: Path) -> None:
    """Remove a data directory, whose releases are read-only."""
    for folder in data_dir.rglob("*"):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o755)
    shutil.rmtree(data_dir)


def main() -> None:
    """Print the table for the options of the command line."""
    parser = argparse.ArgumentParser(description="Measure ingests of a large corpus, from file to release.")
    parser.add_argument("checkout", nargs="?", type=Path, help="a checkout to measure in turns with this one")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how often each is measured")
    options = parser.parse_args()
    print_table(claims(options.checkout, options.repeats))


if __name__ == "__main__":
    main()
