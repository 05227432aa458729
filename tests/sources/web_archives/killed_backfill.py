"""A backfill from web archives on loopback that kills itself, as a power cut would. Run as a program by the tests.

Arguments: data directory, root of the web archives, name of one, and the number of the write to an archive file, or of
the fsync of any file, at which it is killed, 0 for never. At its end it prints the number of both.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from ca_etl.archive.sealed_file import Sink
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_backfill
from ca_etl.settings import Settings
from ca_etl.sources import all_sources
from ca_etl.sources.source import DateRange
from ca_etl.sources.web_archives import WEB_ARCHIVES, common_crawl, wayback
from tests.sources.web_archives.fake_archives import NOW


def main() -> None:
    data_dir, root, name, kill_at = sys.argv[1:]
    numbers = count(1)
    write, fsync = Sink.write, os.fsync

    def counted_write(sink: Sink, data: Any) -> int:
        if next(numbers) == int(kill_at):
            # half of what is to be written is on the disk
            write(sink, bytes(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(sink, data)

    def counted_fsync(descriptor: int) -> None:
        if next(numbers) == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(descriptor)

    Sink.write = counted_write  # type: ignore[method-assign]
    os.fsync = counted_fsync  # type: ignore[assignment]
    real = {source.name for source in WEB_ARCHIVES}
    others = (source for source in all_sources() if source.name not in real)
    own = (
        common_crawl.source(f"{root}commoncrawl/", f"{root}commoncrawl/"),
        wayback.source(f"{root}wayback/"),
    )
    environment = Environment(clock=clock_from(NOW), sleep=lambda _seconds: None, sources=(*others, *own))
    settings = Settings(
        data_dir=Path(data_dir), site_url="https://timesca.com/", contact="tests@example.org", _env_file=None
    )
    days = DateRange(date(2025, 1, 1), date(2025, 2, 28))
    status = run_backfill(settings, days, source=name, environment=environment).exit_status
    sys.stdout.write(f"{next(numbers) - 1}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
