"""The words of a text as language and likeness see them: lower case, one kind of apostrophe, figures whole."""

from __future__ import annotations

import re
from typing import Final

_APOSTROPHES: Final = re.compile("[\u2018\u2019\u02bb\u02bc`\u00b4]")
_WORD: Final = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """Words and figures of a text in order. `it's` and `1,000.5` are one each, `$5m` is `5` and `m`."""
    return _WORD.findall(_APOSTROPHES.sub("'", text.lower()))
