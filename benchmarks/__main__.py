"""All claims in one table, and the precision of titles in another: `python -m benchmarks`.

The status is 0 also where a target is missed: the tables say so. A measurement that fails is an error.
"""

from __future__ import annotations

from itertools import chain

from benchmarks import (
    daily,
    enrich_amounts,
    enrich_both,
    enrich_places,
    enrich_profiles,
    html_to_rows,
    models,
    official_rates,
    orchestration,
    report,
    text_to_rows,
    titles,
)
from benchmarks.measure import print_table


def main() -> None:
    """Measure and print, claim by claim."""
    print_table(
        chain(
            daily.claims(),
            html_to_rows.claims(),
            text_to_rows.claims(),
            models.claims(),
            official_rates.claims(),
            enrich_places.claims(),
            enrich_amounts.claims(),
            enrich_both.claims(),
            enrich_profiles.claims(),
            orchestration.claims(),
            report.claims(),
        )
    )
    print()
    titles.main()


if __name__ == "__main__":
    main()
