"""The examples of the pages on calculations run as they stand: one page is one session, from top to bottom."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, fences

PAGES = [page for page in sorted(DOCS.glob("*.md")) if any(fence.language == "python" for fence in fences(page))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_example_gives_what_the_page_shows(page: Path) -> None:
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    told: dict[str, object] = {}
    for fence in fences(page):
        if fence.language == "python":
            example = parser.get_doctest(fence.text, told, page.name, str(page), fence.line - 1)
            runner.run(example, clear_globs=False)
            told.update(example.globs)
    assert runner.summarize(verbose=False).failed == 0


def test_there_are_pages_with_examples() -> None:
    assert {"fees", "forecast", "fx"} <= {page.stem for page in PAGES}
