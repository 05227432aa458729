"""Make text from a site or a machine safe for a terminal, a log or a published table.

Characters that steer a terminal become escapes; secrets and the folders of this machine are removed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Final, TextIO, cast

# C0 (except tab and newline), DEL, C1, marks of writing direction, line separators; and lone surrogates, as in a file
# name that is not UTF-8, which no stream can encode.
STEERING: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]"
)
# The last @ of an address ends its user and password: a password may contain an @ that was not quoted.
USERINFO: Final = re.compile(r"(?<=://)[^\s/?#\"'<>]{0,500}@")
LEAST_SECRET: Final = 4

_secrets: set[str] = set()


def visible(text: str) -> str:
    r"""The text with each character that steers a terminal replaced by an escape, such as `\x1b` or `\u202e`."""
    # a JSON log line may contain DEL, and in JSON only \u007f is an escape
    return STEERING.sub(lambda match: f"\\x{ord(match[0]):02x}" if match[0] < " " else _escape(match), text)


def json_escaped(text: str) -> str:
    """JSON with each character that steers a terminal replaced by a JSON escape; it parses to the same values."""
    return STEERING.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def hide(secrets: Iterable[str]) -> None:
    """Register secrets, which `redacted` removes from then on, and of a URL its password and its path, too.

    A path without digits, such as /webhook, is not a secret of its own: ordinary sentences contain it.
    """
    for secret in secrets:
        parts = re.fullmatch(r"\w+://(?:[^/@]*:(?P<password>[^/]*)@)?[^/]*(?P<path>/.*\d.*)?", secret)
        values = (secret, *(parts.groups("") if parts else ()))
        _secrets.update(value for value in values if len(value) >= LEAST_SECRET)


def redacted(text: str) -> str:
    """The text with `***` in place of the user and password of any address, and of the secrets given to `hide`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return USERINFO.sub("***@", text) if "@" in text else text


def published(text: str, data_dir: Path) -> str:
    """The text as journal and tables may contain it: control characters escaped, without secrets or machine folders.

    A path within the data directory becomes relative to that; of any other path only the last part remains.
    """
    text = visible(redacted(text))
    if "/" not in text:
        return text
    within, elsewhere = _machine_paths(data_dir)
    text = within.sub(lambda path: "" if path[1] else ".", text)
    return elsewhere.sub(lambda path: PurePath(path[0]).name, text)


@cache
def _machine_paths(data_dir: Path) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of paths in the data directory and of other absolute paths, which begin with a folder of `/`."""
    roots = "|".join(re.escape(str(path)) for path in (data_dir.absolute(), data_dir.resolve()))
    names = "|".join(re.escape(entry.name) for entry in Path("/").iterdir())
    return (
        re.compile(rf"(?<![\w.~-])(?:{roots})(/|(?![\w.-]))"),
        re.compile(rf"(?:file://|(?<![\w./%~-]))/(?:{names})/[^\s'\"<>|:;,()\[\]]{{1,4096}}"),
    )


class SafeStream:
    """A text stream that applies `clean` to each text and writes the result to `stream`, whose attributes it has."""

    def __init__(self, stream: TextIO, clean: Callable[[str], str]) -> None:
        # Rich writes to this attribute: its styles are escapes that must stay. `screen` cleans the texts it renders.
        self.rich_proxied_file = stream
        self._clean = clean

    def write(self, text: str) -> int:
        """Write `text` as `clean` returns it."""
        self.rich_proxied_file.write(self._clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines` as `clean` returns it."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the stream has
        if name == "buffer":
            raise AttributeError(name)  # bytes would pass uncleaned
        return getattr(self.rich_proxied_file, name)


def guard_streams() -> None:
    """Replace stdout and stderr by streams that escape control characters; stderr also leaves out secrets."""
    sys.stdout = cast("TextIO", SafeStream(sys.stdout, visible))
    sys.stderr = cast("TextIO", SafeStream(sys.stderr, lambda text: visible(redacted(text))))


def exact(stream: TextIO) -> TextIO:
    """The stream for the data of a command: a pipe or file gets every character unchanged, a terminal gets escapes."""
    return cast("TextIO", SafeStream(stream, visible)) if stream.isatty() else unguarded(stream)


def unguarded(stream: TextIO) -> TextIO:
    """The stream that `guard_streams` replaced, or `stream` itself: for texts that were made safe before."""
    return cast("TextIO", getattr(stream, "rich_proxied_file", stream))


def write_bytes(stream: TextIO, data: bytes) -> None:
    """Write bytes to a text stream: into a pipe or file unchanged, on a terminal as UTF-8 with visible controls.

    On a terminal bytes that are not UTF-8 become U+FFFD.
    """
    plain = unguarded(stream)
    if stream.isatty():
        plain.write(visible(data.decode("utf-8", "replace").replace("\r\n", "\n")) + "\n")
        return
    plain.flush()
    plain.buffer.write(data)
    plain.buffer.flush()
