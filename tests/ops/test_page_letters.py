"""Letters that a practice puts into its record itself, at the page: listed, printed, said to be filed."""

import re

from tests.journeys.test_letters import ground, loop, simulated, told
from tests.journeys.test_outcomes import Loop
from tests.ops.people import at_the_page

__all__ = ["ground", "loop", "simulated"]

PRACTICE = {"practice": "A99999"}


async def test_a_practice_prints_its_letters_and_says_what_is_filed(loop: Loop) -> None:
    """The list names nobody; printing them takes a reason and is audited."""
    await told(loop, loop.service.accept(loop.task))
    async with at_the_page(loop.site, "practice") as person:
        before = await person.get("/ops/list")
        letter = re.findall(r'name="letter" value="([^"]+)"', before.text)
        printed = await person.send("/ops/list/print", **PRACTICE, why="for the record")
        filed = await person.send("/ops/list/filed", **PRACTICE, letter=letter[0])
        after = await person.get(filed.headers["location"])
    async with at_the_page(loop.site, "operator") as operator:
        audit = await operator.get("/ops/audit")

    assert ("Letters to put into the record: 1" in before.text, "Testfamily" in before.text) == (True, False)
    assert (printed.headers["content-type"], printed.content[:5]) == ("application/pdf", b"%PDF-")
    assert "Letters to put into the record" not in after.text
    assert "for the record" in audit.text


async def test_letters_are_the_practices_own(loop: Loop) -> None:
    """Neither an operator nor another practice hears of them."""
    await told(loop, loop.service.accept(loop.task))
    for who in ("operator", "practice-other"):
        async with at_the_page(loop.site, who) as person:
            page = await person.get("/ops/list?practice=A99999")
            printed = await person.send("/ops/list/print", **PRACTICE, why="curious")
            assert "Letters to put" not in page.text
            assert printed.status_code == 404
