"""The README's conformance table is that of the cases, and there are enough of them."""

from __future__ import annotations

from e2e.localshift.casefile import read_cases
from e2e.localshift.conformance import FOLDER, TRANSFERS, readme


def test_the_readme_shows_the_conformance_cases_as_they_are() -> None:
    as_it_stands, as_it_should = readme()

    assert as_it_stands == as_it_should, "run: PYTHONPATH=lib:tests python -m e2e.localshift.conformance"


def test_at_least_150_cases_each_with_the_page_it_follows() -> None:
    cases = [case for folder in (FOLDER, TRANSFERS) for _, case in read_cases(folder)]

    assert len(cases) >= 150
    assert all(case.page.startswith("https://docs.aws.amazon.com/") for case in cases)
