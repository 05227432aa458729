"""The open alerts as text for a terminal."""

from __future__ import annotations

from datetime import datetime

from ca_etl.alerts.look import Look
from ca_etl.alerts.wording import lasted


def listed(found: Look, now: datetime, *, dry_run: bool = False) -> str:
    """Some lines for each open alert, then what was told and what waits. `now` is zone-aware."""
    lines: list[str] = []
    for alert in found.open:
        lines += [
            f"{alert.key}: {alert.title} (for {lasted(now - alert.since)})",
            f"    {alert.detail}",
            f"    next: {alert.next_command}",
        ]
    if not found.open:
        lines.append("no alert is open")
    word = "would be told" if dry_run else "told"
    lines += [f"{word}: {message.subject}" for message in found.sent]
    if not dry_run:
        lines += [f"waits for {', '.join(each.to)}: {each.message.subject}" for each in found.waiting]
    return "\n".join(lines)
