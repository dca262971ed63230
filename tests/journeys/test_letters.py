"""Two messages of an episode: ten sessions in, two letters out; corrected, never rewritten; on a list."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.domain.letter import LetterKind, LetterState
from bridge.ops.story import moments
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import PrescribingService
from bridge.store import letters
from bridge.store.letters import Kept
from tests.journeys.conftest import OPERATOR_KEY, SCHEME, Ground, Site
from tests.journeys.test_outcomes import Loop, a_patient, looped
from tests.journeys.test_replay import a_run, carry_out, outcomes_of

PRACTICE_KEY, OTHER_KEY = "rbk_practice", "rbk_other"
pytest.importorskip("weasyprint", reason="needs WeasyPrint and Pango", exc_type=OSError)
LIST = "/practices/A99999/worklist"
BY_WORKLIST = SCHEME.replace(
    '[[records]]\nname = "record"\nendpoint = "{record}/fhir"',
    '[[records]]\nname = "list"\nkind = "worklist"',
).replace('record = "record"', 'record = "list"')
HELD = 'history_days = 365\nletter_hold_minutes = {minutes}\n[service]\ntelephone = "01632 960123"'


def a_scheme(minutes: int = 0) -> str:
    """The journey's scheme with a worklist in the place of the record."""
    return BY_WORKLIST.replace("history_days = 365\n[service]", HELD.replace("{minutes}", str(minutes)))


class ListGround(Ground):
    """The same ground, under a scheme of letters, with two practices that may look."""

    of_letters = a_scheme()

    def __init__(self, folder: Path, **parts: Any) -> None:
        super().__init__(folder, scheme=self.of_letters, **parts)

    def settings(self, mode: str = "live", **changes: Any) -> Any:
        """Settings and scheme of this site."""
        made = super().settings(mode, **changes)
        ours = self._caller("practice", PRACTICE_KEY, roles=("practice",), practices=("A99999",))
        other = self._caller("other", OTHER_KEY, roles=("practice",), practices=("B99999",))
        return made.model_copy(update={"callers": (*made.callers, ours, other)})


@pytest.fixture
def simulated() -> PrescribingService:
    """A service that says nothing by itself."""
    return PrescribingService()


@pytest.fixture
async def ground(tmp_path: Path, simulated: PrescribingService) -> AsyncIterator[Ground]:
    """A service that can be driven, and a practice with a list."""
    standing = ListGround(tmp_path, service=simulated.server)
    standing.record.store.put(a_patient())
    async with running(simulated.app) as service, running(standing.record.app) as record:
        standing.urls = {"service": service, "record": record}
        yield standing


@pytest.fixture
async def loop(site: Site, simulated: PrescribingService) -> Loop:
    """A referral at its service."""
    return await looped(site, simulated)


async def told(loop: Loop, *happened: Any) -> None:
    """What happened, one after the other, each told to the bridge; then everything due is sent."""
    for each in happened:
        await each
        if "score" in each.__qualname__ or "correct" in each.__qualname__:
            await loop.push_scores()
        else:
            await loop.push_task()
    await loop.settled()


async def kept(loop: Loop) -> list[Kept]:
    """Every letter of the referral."""
    return await loop.site.bridge.store.read(lambda tx: letters.of_referral(tx, loop.referral))


async def ask(loop: Loop, path: str = "", key: str = PRACTICE_KEY) -> httpx.Response:
    """Ask for the practice's list."""
    return await loop.site.get(f"{LIST}{path}", key)


async def test_ten_sessions_in_and_two_letters_out(loop: Loop) -> None:
    """One when it starts and one when it ends, whatever happens between."""
    service, task = loop.service, loop.task
    sessions = [service.attend(task) for _ in range(10)]
    await told(loop, service.accept(task), service.score(task, 19), *sessions)
    await told(loop, service.score(task, 24), service.complete(task))
    start, closure = await kept(loop)

    assert (start.kind, closure.kind) == (LetterKind.START, LetterKind.CLOSURE)
    assert (start.state, closure.state) == (LetterState.LISTED, LetterState.LISTED)
    assert closure.letter is not None
    assert closure.letter.actions == ("No actions.",)
    assert [(s.first, s.latest) for s in closure.letter.scores] == [("19", "24")]


async def test_a_practice_with_a_record_server_gets_codes_there_and_letters_beside(
    ground: Ground, open_site: Callable[..., Any], simulated: PrescribingService
) -> None:
    """The score and the closure as codes, and the same two letters in words."""
    at_once = SCHEME.replace("history_days = 365\n[service]", HELD.replace("{minutes}", "0"))
    beside = at_once.replace("[[records]]", '[[records]]\nname = "list"\nkind = "worklist"\n[[records]]', 1)
    ground.scheme = beside.replace('record = "record"', 'record = "record"\nletters = "list"')
    loop = await looped(await open_site(), simulated)
    await told(loop, loop.service.accept(loop.task), loop.service.score(loop.task, 24))
    await told(loop, loop.service.complete(loop.task))

    assert [each.kind for each in await kept(loop)] == [LetterKind.START, LetterKind.CLOSURE]
    assert len(loop.filed("718466001")) == 1


async def test_a_practice_prints_its_list_and_says_what_is_filed(loop: Loop) -> None:
    """The list, the page and the file; a letter that is filed leaves it; each look is audited."""
    await told(loop, loop.service.accept(loop.task))
    listed = (await ask(loop)).json()["letters"]
    page, pdf = await ask(loop, "/letters.html"), await ask(loop, "/letters.pdf")
    filed = await loop.site.post(f"{LIST}/{listed[0]['id']}/filed", {}, PRACTICE_KEY)

    assert [each["kind"] for each in listed] == ["start"]
    assert "Testfamily" not in str(listed)
    assert "999 000 0018" in page.text
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert (filed.status_code, (await ask(loop)).json()["letters"]) == (200, [])
    assert (await ask(loop, "/letters.pdf")).status_code == 204


async def test_another_practice_and_an_operator_do_not_see_the_list(loop: Loop) -> None:
    """Letters are the practice's own; nobody else is told that there is such a list."""
    asked = [await ask(loop, path, key) for path in ("", "/letters.pdf") for key in (OTHER_KEY, OPERATOR_KEY)]

    assert {answer.status_code for answer in asked} == {404}


async def test_a_letter_that_was_sent_is_corrected_and_not_rewritten(loop: Loop) -> None:
    """A score was wrong: the closure letter stays as it was, and a further one names it."""
    await told(loop, loop.service.score(loop.task, 19), loop.service.complete(loop.task))
    [first] = await kept(loop)
    score = loop.service.server.resources("Observation")[0]
    await told(loop, loop.service.correct(score["id"], 23))
    was, now = await kept(loop)

    assert (was.id, was.state, was.letter) == (first.id, LetterState.REPLACED, first.letter)
    assert (now.version, now.replaces, now.state) == (2, was.id, LetterState.LISTED)
    assert now.letter is not None
    assert now.letter.actions[0].startswith("Put this letter in the place of the one of ")
    assert [s.first for s in now.letter.scores] == ["23"]


async def test_what_is_told_again_writes_no_further_letter(loop: Loop) -> None:
    """Repeats are normal."""
    await told(loop, loop.service.score(loop.task, 19), loop.service.complete(loop.task))
    for _ in range(5):
        await loop.push_scores()
        await loop.push_task()
    await loop.settled()

    assert len(await kept(loop)) == 1


async def test_a_rejection_is_one_letter_with_something_to_do(loop: Loop) -> None:
    """The practice has to think of something else; why the service said no is its own note."""
    await told(loop, loop.service.reject(loop.task, "Mr Somebody of the team is on leave"))
    [letter] = await kept(loop)
    page = await ask(loop, "/letters.html")

    assert (letter.kind, letter.letter and letter.letter.title) == (
        LetterKind.CLOSURE,
        "Social prescribing: referral not accepted",
    )
    assert "Decide with the person what else could help" in page.text
    assert "Somebody" not in page.text


async def test_a_letter_waits_for_what_belongs_into_it(
    open_site: Callable[..., Any],
    ground: ListGround,
    simulated: PrescribingService,
) -> None:
    """A closure that comes before its last score: while the letter waits it is replaced, so there is one."""
    ground.scheme = a_scheme(minutes=60)
    loop = await looped(await open_site(), simulated)
    await loop.service.complete(loop.task)
    await loop.push_task()
    await loop.site.drain()
    await loop.service.score(loop.task, 24)
    await loop.push_scores()
    await loop.site.drain()
    was, now = await kept(loop)

    assert (was.state, now.state) == (LetterState.REPLACED, LetterState.QUEUED)
    assert (now.version, now.replaces) == (1, "")
    assert now.letter is not None
    assert [s.first for s in now.letter.scores] == ["24"]
    assert (await ask(loop)).json()["letters"] == []


async def test_the_story_of_a_referral_tells_where_its_letters_are(loop: Loop) -> None:
    """Sent, on the list, filed; without a word of what they say."""
    await told(loop, loop.service.accept(loop.task))
    [listed] = (await ask(loop)).json()["letters"]
    before = [moment.words for moment in moments(await loop.story(), {})]
    await loop.site.post(f"{LIST}/{listed['id']}/filed", {}, PRACTICE_KEY)
    after = [moment.words for moment in moments(await loop.story(), {})]

    assert "The start letter: it stands on the practice's worklist" in before
    assert any(words.startswith("The start letter to list: accepted in ") for words in before)
    assert "The start letter: the practice has put it into the record" in after


async def test_a_letter_is_not_replayed(loop: Loop) -> None:
    """Its id is what acknowledgements name: a copy under another would be a letter that nobody knows of."""
    await told(loop, loop.service.accept(loop.task))
    [start] = await kept(loop)
    steps = await carry_out(loop.site, a_run(kinds=("settled",), only=start.id))

    assert outcomes_of(steps) == [("skipped", "letter-not-replayed")]
    assert [each.id for each in await kept(loop)] == [start.id]
