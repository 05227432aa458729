"""Central banks: one module a bank, with the address of its table and the reader of its format."""

from __future__ import annotations

from typing import Final

from ca_etl.sources.banks import cbr, cbu, nbk, nbkr, nbt

BANK_SOURCES: Final = (nbk.SOURCE, nbkr.SOURCE, cbu.SOURCE, nbt.SOURCE, cbr.SOURCE)
