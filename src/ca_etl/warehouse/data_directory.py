"""One data directory holds one site, so that the demo's figures never stand among real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.records import site_name

MARKER: Final = "site.txt"


def claimed_site(data_dir: Path) -> str | None:
    """The site whose captures `data_dir` holds, None while no run has claimed it. Raises `CaEtlError`."""
    marker = data_dir / MARKER
    try:
        return marker.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise CaEtlError(
            f"{marker} is not the name of a site", f"cat {marker} (repair or remove it)"
        ) from error


def claim_data_dir(data_dir: Path, url: str) -> None:
    """Write the site's name into an unclaimed `data_dir`.

    Raises `UsageError` when the directory already holds another site's captures.
    """
    name = site_name(url)
    found = claimed_site(data_dir)
    if found is None:
        data_dir.mkdir(parents=True, exist_ok=True)
        part = data_dir / f"{MARKER}.tmp"
        part.write_text(f"{name}\n", encoding="utf-8")
        part.replace(data_dir / MARKER)
    elif found != name:
        raise UsageError(
            f"{data_dir} holds captures of {found}, not of {name}",
            f"CA_ETL_DATA_DIR={data_dir}-{name} ca-etl ... (one directory for each site)",
        )
