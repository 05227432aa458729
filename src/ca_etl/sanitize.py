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
    r"""Replace each character in `text` that controls a terminal by an escape, such as `\x1b` or `\u202e`."""
    # a JSON log line may contain DEL, and in JSON only \u007f is an escape
    return STEERING.sub(lambda match: f"\\x{ord(match[0]):02x}" if match[0] < " " else _escape(match), text)


def json_escaped(text: str) -> str:
    """Replace each character in a JSON text that controls a terminal by a JSON escape; the values stay the same."""
    return STEERING.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def hide(secrets: Iterable[str]) -> None:
    """Register `secrets`, so that `redacted` removes them from texts; of a URL also its password and its path.

    A path without digits, such as /webhook, is not removed on its own, since ordinary sentences may contain it.
    """
    for secret in secrets:
        parts = re.fullmatch(r"\w+://(?:[^/@]*:(?P<password>[^/]*)@)?[^/]*(?P<path>/.*\d.*)?", secret)
        values = (secret, *(parts.groups("") if parts else ()))
        _secrets.update(value for value in values if len(value) >= LEAST_SECRET)


def redacted(text: str) -> str:
    """The text with `***` in place of the user and password of any address, and of secrets registered by `hide`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return USERINFO.sub("***@", text) if "@" in text else text


def published(text: str, data_dir: Path) -> str:
    """Make a text fit for journal and tables: control characters escaped, no secrets, no folders of this machine.

    A path within the data directory becomes relative to it; of any other path only the last part remains.
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
    """A text stream that writes `clean(text)` to `stream` for each text, such as one without control characters.

    All other attributes are those of `stream`.
    """

    def __init__(self, stream: TextIO, clean: Callable[[str], str]) -> None:
        # Rich writes to this attribute: its styles are escapes that must stay. `screen` cleans the texts it renders.
        self.rich_proxied_file = stream
        self._clean = clean

    def write(self, text: str) -> int:
        """Write the result of `clean` for `text`; returns the length of `text`."""
        self.rich_proxied_file.write(self._clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the result of `clean` for each of `lines`."""
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
    """The stream for the data of a command: a file or pipe gets every character unchanged, a terminal gets escapes."""
    return cast("TextIO", SafeStream(stream, visible)) if stream.isatty() else unguarded(stream)


def unguarded(stream: TextIO) -> TextIO:
    """The stream that `guard_streams` replaced, or `stream` itself where it replaced none.

    Only texts whose control characters are escaped already may be written to it.
    """
    return cast("TextIO", getattr(stream, "rich_proxied_file", stream))


def write_bytes(stream: TextIO, data: bytes) -> None:
    """Write bytes to a text stream: unchanged into a pipe or file, on a terminal with control characters escaped.

    On a terminal, bytes that are not UTF-8 become U+FFFD.
    """
    plain = unguarded(stream)
    if stream.isatty():
        plain.write(visible(data.decode("utf-8", "replace").replace("\r\n", "\n")) + "\n")
        return
    plain.flush()
    plain.buffer.write(data)
    plain.buffer.flush()
