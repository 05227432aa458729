"""Whether the archive still holds what the current release was made of."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.resolve import published_warehouse

SHOWN = 5


class ArchiveDamagedError(CaEtlError):
    """A rebuild would lose what the current release holds."""


def assert_archive_is_whole(ctx: Context) -> None:
    """Raise `ArchiveDamagedError` when an archive file that the current release knows is missing or has changed.

    A rebuild from what is left would publish a poorer release, with nothing on it to show that.
    """
    with published_warehouse(ctx.settings.data_dir) as con:
        known = con.execute("select archive_file, sha256 from raw.archive_file").fetchall() if con else []
    root = ctx.settings.archive_dir
    odd = [f"{name} {how}" for name, sha256 in known if (how := _oddity(root / name, sha256))]
    if odd:
        more = f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""
        raise ArchiveDamagedError(
            f"the archive is not what the current release was made of: {'; '.join(odd[:SHOWN])}{more}",
            f"restore {root} from a backup; to give the rest up: rm {ctx.settings.data_dir / 'current'}, "
            "then ca-etl rebuild",
        )


def _oddity(path: Path, sha256: str) -> str:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "is missing"
    return "" if found == sha256 else "has changed"
