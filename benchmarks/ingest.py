"""History, end to end: `ca-etl ingest` of the corpus from file to published release, beside another checkout of ours.

`python -m benchmarks.ingest CHECKOUT` measures both in turns, each as whole processes with fresh data directories; then
an increment of four pages on top of each. Without CHECKOUT it prints our own figures alone. Memory is the largest sum
over the processes of one run, shared pages counted once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.corpus import ARTICLES, Corpus
from benchmarks.measure import ROOT, Claim, interleaved, print_table, tell
from benchmarks.pages import BASE_URL, write_html, write_text

REPEATS: Final = 3
TIMES: Final = 3.0
MOST_MEGABYTES: Final = 1000
# Of an increment: seconds, and the size of the file in sizes of its texts.
INCREMENT_SECONDS, INCREMENT_MEGABYTES, OF_TEXTS = 4.0, 400, 2.2
CORPORA: Final = {"distinct": Corpus(), "repeated": Corpus(ARTICLES // 10, 10)}


@dataclass(slots=True)
class Checkout:
    """A checkout of the project, and the data directory that its last ingest has made."""

    name: str
    root: Path
    data_dir: Path
    megabytes: float = 0.0

    def ingest(self, path: Path, *, fresh: bool = True) -> float:
        """Seconds from an archive file to a published release; a fresh one replaces the last."""
        if fresh and self.data_dir.exists():
            remove(self.data_dir)
        environment = os.environ | {
            "PYTHONPATH": str(self.root / "src"),
            "CA_ETL_DATA_DIR": str(self.data_dir),
            "CA_ETL_SITE_URL": BASE_URL,
        }
        command = [sys.executable, "-c", "from ca_etl.cli.app import main; main()", "ingest", str(path)]
        started = time.perf_counter()
        with subprocess.Popen(command, env=environment, cwd=self.root, stderr=subprocess.PIPE) as process:
            self.megabytes = 0.0
            while process.poll() is None:
                self.megabytes = max(self.megabytes, megabytes_of(process.pid))
                time.sleep(0.05)
            if process.returncode:
                assert process.stderr is not None
                raise RuntimeError(f"{self.name}: {process.stderr.read()[-2000:]!r}")
        return time.perf_counter() - started

    @property
    def warehouse(self) -> Path:
        """The published file."""
        return self.data_dir / "current" / "warehouse.duckdb"


def claims(other: Path | None = None) -> Iterator[Claim]:
    """Seconds, memory and size, for each corpus and form."""
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as name:
        folder = Path(name)
        checkouts = [Checkout("ours", ROOT, folder / "ours")]
        checkouts += [Checkout("other", other, folder / "other")] if other else []
        for kind, corpus in CORPORA.items():
            (folder / kind).mkdir()
            tell(f"ingest: making {corpus.pages} pages")
            forms = {
                "text": write_text(folder / kind, corpus.text(), corpus.captured_at),
                "HTML": write_html(folder / kind, kind, corpus.html(), corpus.captured_at),
            }
            for form, path in forms.items():
                tell(f"ingest: {kind} {form}")
                yield from _ingests(f"{kind} articles, {form}", checkouts, path, corpus.pages)
                if (kind, form) == ("distinct", "text"):
                    yield from _increments(checkouts, folder)


def _ingests(what: str, checkouts: list[Checkout], path: Path, pages: int) -> Iterator[Claim]:
    took = interleaved({made.name: lambda made=made: made.ingest(path) for made in checkouts}, REPEATS)
    ours = took["ours"]
    theirs = took.get("other")
    yield Claim(
        f"{what}: file to release",
        f"{ours:.1f} s ({pages / ours:.0f} pages/s)",
        f"{theirs:.1f} s ({pages / theirs:.0f} pages/s)" if theirs else "-",
        f"{theirs / ours:.1f} times" if theirs else "-",
        f"at least {TIMES:g} times",
        theirs / ours >= TIMES if theirs else None,
    )
    yield _sizes(f"{what}: memory", checkouts, MOST_MEGABYTES)


def _increments(checkouts: list[Checkout], folder: Path) -> Iterator[Claim]:
    """Four pages more, whose articles are new."""
    more = Corpus(24, seed=2)
    (folder / "more").mkdir()
    path = write_text(folder / "more", more.text(), more.captured_at)
    took = {made.name: made.ingest(path, fresh=False) for made in checkouts}
    yield Claim(
        f"{more.pages} pages more",
        f"{took['ours']:.1f} s",
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


if __name__ == "__main__":
    print_table(claims(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
