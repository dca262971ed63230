"""Letters as people get them: one page, tagged, whole in itself, and safe against what stands in them."""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from bridge import letters
from bridge.domain.letter import Letter, LetterKind
from tests.domain.test_letter_writing import a_letter


@pytest.fixture(scope="module")
def pdf() -> bytes:
    """One letter as a PDF; skips where Pango is not on the machine."""
    pytest.importorskip("weasyprint", reason="needs WeasyPrint and Pango", exc_type=OSError)
    return letters.pdf([a_letter()])


def test_a_letter_is_one_accessible_page(pdf: bytes) -> None:
    """PDF/UA-1: tagged, with title and language (ISO 14289-1), and no second sheet."""
    inside = pdf + b"".join(unpacked(pdf))

    assert b"pdfuaid:part" in inside
    assert b"/MarkInfo" in inside
    assert re.search(rb"/Lang\s*\(en-GB\)", inside)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", inside)) == 1


def unpacked(pdf: bytes) -> Iterator[bytes]:
    """What the compressed streams of a PDF hold."""
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with suppress(zlib.error):
            yield zlib.decompress(found[1])


def test_what_stands_in_a_letter_is_never_markup() -> None:
    """A name is a name."""
    letter = a_letter()
    odd = replace(letter, person=replace(letter.person, family="<script>alert(1)</script>"))

    assert "<script>" not in letters.html([odd])


def test_a_letter_reaches_for_nothing() -> None:
    """No font, picture or style comes from anywhere else."""
    page = letters.html([a_letter()])

    assert "http" not in page
    assert "src=" not in page


def test_actions_come_first() -> None:
    """Before the summary, the scores and everything else."""
    page = letters.html([a_letter()])
    headings = [page.index(f"<h2>{name}</h2>") for name in ("Plan and requested actions", "Clinical summary")]

    assert headings == sorted(headings)
    assert page.index("<h2>") == headings[0]


def test_several_letters_are_one_document_with_a_page_each() -> None:
    """A practice prints its list in one go."""
    start: Letter = replace(a_letter(), kind=LetterKind.START)

    assert letters.html([a_letter(), start], title="Two").count("<article>") == 2
