"""Letters for people: HTML that prints well, and the same as a tagged PDF (PDF/UA-1) on one page.

Jinja2 fills one template, WeasyPrint sets it; neither reaches for the network. WeasyPrint needs Pango and is
loaded with the first PDF, so that a site without letters needs neither.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge.domain.letter import Letter
from bridge.domain.letter_writing import words_of_day
from bridge.errors import ConfigError

FORM = "pdf/ua-1"
WORKLIST = "Social prescribing: letters to put into the record"  # several as one document
# A letter's page needs its own style and nothing else, from nowhere.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@cache
def _pages() -> Environment:
    environment = Environment(
        loader=PackageLoader("bridge.letters", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": words_of_day, "grouped": grouped}
    return environment


def grouped(number: str) -> str:
    """An NHS number as people read it: three, three and four digits."""
    return f"{number[:3]} {number[3:6]} {number[6:]}" if len(number) == 10 else number


def html(letters: Sequence[Letter], *, title: str = "") -> str:
    """One printable page for each letter, as one document; `title` names the whole, else the first does."""
    page = _pages().get_template("letters.html")
    return page.render(letters=letters, title=title or (letters[0].title if letters else ""))


def pdf(letters: Sequence[Letter], *, title: str = "") -> bytes:
    """The same as PDF/UA-1: tagged, titled, with its language and fonts."""
    from weasyprint import HTML  # noqa: PLC0415 - a site without letters need not have it

    document = HTML(string=html(letters, title=title), url_fetcher=_nothing)
    return bytes(document.write_pdf(pdf_variant=FORM))


async def pdf_aside(letters: Sequence[Letter], *, title: str = "") -> bytes:
    """The same in a thread: setting a page takes a good part of a second of the processor."""
    return await asyncio.to_thread(pdf, letters, title=title)


def _nothing(url: str) -> dict[str, object]:  # noqa: ARG001 - the signature is WeasyPrint's
    """A letter is whole in itself."""
    raise ValueError("a letter reaches for nothing")


def check() -> None:
    """ConfigError when PDFs cannot be set on this machine."""
    if find_spec("weasyprint") is None:
        raise ConfigError("letters need the extra [letters]: pip install 'referral-bridge[letters]'")
    try:
        import weasyprint  # noqa: F401, PLC0415
    except OSError:
        raise ConfigError(
            "letters need the Pango library (Debian: libpango-1.0-0 libpangoft2-1.0-0)"
        ) from None
