"""A practice's letters, as an operator or the practice's own person types it."""

import asyncio
import stat
from pathlib import Path

import pytest

pytest.importorskip("weasyprint", reason="needs WeasyPrint and Pango", exc_type=OSError)

from bridge.config import read_settings
from bridge.domain.letter import LetterKind, LetterState
from bridge.security.keyring import load_key_ring
from bridge.security.sealing import Sealer
from bridge.store import letters, open_store
from bridge.store.letters import Kept
from tests.cli.site import Premises, set_up
from tests.contracts.keeping import refer
from tests.domain.test_letter_writing import a_letter

LETTER = "2b1f0c1e-7a55-4d6e-8a51-0d6e8f0a1b2c"


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    """A stopped site with one letter on the list."""
    premises = set_up(tmp_path)
    asyncio.run(_listed(premises))
    return premises


async def _listed(premises: Premises) -> None:
    settings = read_settings(premises.folder / "bridge.toml")
    store = open_store(settings.database_url, Sealer(load_key_ring(settings.key_ring)))
    referral = await refer(store)
    kept = Kept(
        id=LETTER,
        referral_id=referral,
        practice="A99999",
        route="list",
        kind=LetterKind.CLOSURE,
        round=0,
        version=1,
        state=LetterState.LISTED,
    )
    await store.run(lambda tx: letters.add(tx, kept, a_letter()))
    await store.close()


def test_letters_are_listed_downloaded_once_and_filed(site: Premises, tmp_path: Path) -> None:
    """The list has no patient on it; the file has, so only its owner can read it, and none is overwritten."""
    listed = site.command("worklist", "list", "a99999")
    page, pdf = tmp_path / "letters.html", tmp_path / "letters.pdf"
    written = [site.command("worklist", "download", "A99999", str(file)) for file in (page, pdf)]
    again = site.command("worklist", "download", "A99999", str(pdf))
    wrong = site.command("worklist", "download", "A99999", str(tmp_path / "letters.docx"))
    other = site.command("worklist", "filed", "B99999", LETTER)
    filed = site.command("worklist", "filed", "A99999", LETTER)

    assert (LETTER in listed.output, "Testfamily" in listed.output) == (True, False)
    assert [done.exit_code for done in written] == [0, 0]
    assert "Testfamily1" in page.read_text("utf-8")
    assert (pdf.read_bytes()[:5], stat.S_IMODE(pdf.stat().st_mode)) == (b"%PDF-", 0o600)
    assert (again.exit_code, wrong.exit_code, other.exit_code) == (1, 2, 1)
    assert (filed.exit_code, "filed" in filed.output) == (0, True)
    assert site.json("worklist", "list", "A99999") == []
    assert "no file was written" in site.command("worklist", "download", "A99999", "x.pdf").output
