"""One data directory holds one site, so that the demo's figures never stand among real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ca_etl.errors import UsageError

MARKER: Final = "site.txt"
LOOPBACK: Final = "loopback"


def site_name(url: str) -> str:
    """The name under which a site's captures are kept: its host without `www.`.

    Every loopback address is one site, whatever its port: the demo's port may change.

    >>> site_name("https://www.timesca.com/latest/")
    'timesca.com'
    >>> site_name("http://127.0.0.1:8808/")
    'loopback'
    """
    host = (urlsplit(url).hostname or "").lower()
    if host in {"localhost", "::1"} or host.startswith("127."):
        return LOOPBACK
    return host.removeprefix("www.")


def claim_data_dir(data_dir: Path, url: str) -> None:
    """Write the site's name into an unclaimed `data_dir`.

    Raises `UsageError` when the directory already holds another site's captures.
    """
    marker = data_dir / MARKER
    name = site_name(url)
    try:
        found = marker.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
        marker.write_text(f"{name}\n", encoding="utf-8")
        return
    if found != name:
        raise UsageError(
            f"{data_dir} holds captures of {found}, not of {name}",
            f"CA_ETL_DATA_DIR={data_dir}-{name} ca-etl ... (one directory for each site)",
        )
