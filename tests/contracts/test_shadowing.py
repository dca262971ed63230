"""Another mapping on the messages that are kept, on both databases."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bridge.domain.referral import EventKind
from bridge.errors import ConfigError, Problem
from bridge.pipeline.rehearsal import Rehearsing
from bridge.pipeline.shadow_watch import ShadowWatch
from bridge.pipeline.shadowing import BATCH, Shadow, shadow
from bridge.security.sealing import Sealer
from bridge.sources import Source, Sources, load
from bridge.sources.record import Record
from bridge.store import Store, messages, reading_store
from bridge.store.unit import Tx
from tests.conftest import NOW, Clock
from tests.contracts.keeping import a_message
from tests.pipeline.desk import a_context

HUB = """version = {version}
format = "json"
[fields]
event.kind = {{ at = "$.kind" }}
event.record = {{ at = "$.id" }}
practice.ods = {{ at = "$.practice" }}
referral.priority = {{ at = "$.urgency", codes = "urgency" }}
[codes.urgency]
"R" = "{routine}"
"U" = "urgent"
"""


def mapped(folder: Path, version: int, routine: str) -> Sources:
    """The system under a version of its mapping."""
    folder.mkdir()
    (folder / "hub.toml").write_text(HUB.format(version=version, routine=routine), encoding="utf-8")
    return Sources(load(folder))


@pytest.fixture
def old(tmp_path: Path) -> Sources:
    """What is in force."""
    return mapped(tmp_path / "old", 1, "routine")


@pytest.fixture
def new(tmp_path: Path) -> Sources:
    """What is tried."""
    return mapped(tmp_path / "new", 2, "asap")


async def keep(store: Store, *numbers: int, urgency: str = "R", bytes_held: bool = True) -> None:
    """Messages that came at the same moment."""

    def work(tx: Tx) -> None:
        for n in numbers:
            said = {"kind": EventKind.REFERRED, "id": f"R{n}", "practice": "A99999", "urgency": urgency}
            content = orjson.dumps(said) if bytes_held else None
            messages.keep(tx, a_message(n, source="hub", content=content))

    await store.run(work)


def of(sources: Sources) -> Callable[[str], Source]:
    """The system as each caller uses it."""
    return lambda caller: sources.sent_by(caller, "hub")


async def looked(store: Store, old: Sources, new: Sources, since: int = 0) -> Shadow:
    """All that came since then."""
    return await shadow(store, "hub", since, of(old), of(new), Rehearsing(arrived=NOW))


async def test_every_message_is_compared_once(store: Store, old: Sources, new: Sources) -> None:
    """More than one batch of the same moment, in which the ids alone give an order."""
    await keep(store, *range(BATCH + 7))
    await keep(store, 1_000, 1_001, urgency="U")
    await keep(store, 2_000, bytes_held=False)
    await store.run(lambda tx: messages.keep(tx, a_message(3_000)))  # of another system
    found = await looked(store, old, new)

    assert (found.messages, found.gone, len(found.changed)) == (BATCH + 10, 1, BATCH + 7)
    assert found.elements["event.referral.priority"] == BATCH + 7
    assert "message-1000" not in found.changed


async def test_only_what_came_since_then_is_compared(
    store: Store, clock: Clock, old: Sources, new: Sources
) -> None:
    """The clock is the database's, as it was when the message was kept."""
    await keep(store, 1)
    clock.forward(60)
    await keep(store, 2)

    assert (await looked(store, old, new, since=clock.ms - 1)).messages == 1
    assert (await looked(store, old, new)).messages == 2


@pytest.mark.postgres
async def test_the_command_looks_at_postgres_beside_the_bridge(
    postgres_store: Store, postgres_url: str, sealer: Sealer, old: Sources, new: Sources
) -> None:
    """As it opens the database itself: to read, and nothing else."""
    await keep(postgres_store, 1, 2)
    reader = reading_store(postgres_url, sealer)
    try:
        found = await looked(reader, old, new)
    finally:
        await reader.close()

    assert (found.messages, len(found.changed)) == (2, 2)


@pytest.fixture
def watch(store: Store, old: Sources, new: Sources) -> ShadowWatch:
    """Beside live traffic."""
    return ShadowWatch(store=store, context=a_context(), sources=old, read=lambda: new)


async def test_live_traffic_is_compared_as_it_comes(store: Store, clock: Clock, watch: ShadowWatch) -> None:
    """From the start of the watch on, each message once, when nothing can overtake it any more."""
    await keep(store, 1)
    clock.forward(1)
    first = await watch.turn()
    await keep(store, 2, 3)
    await keep(store, 4, urgency="U")
    fresh = await watch.turn()
    clock.forward(watch.settled_ms / 1000)
    settled = await watch.turn()
    again = await watch.turn()

    assert [turn["hub"].messages for turn in (first, fresh, settled, again)] == [0, 0, 3, 0]
    assert settled["hub"].changed.keys() == {"message-2", "message-3"}


async def test_a_mapping_that_is_wrong_is_told_once_and_stops_nothing(
    store: Store, clock: Clock, watch: ShadowWatch, new: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    """Once it can be used, what came meanwhile is compared too."""
    await watch.turn()

    def wrong() -> Sources:
        raise ConfigError(problems=(Problem(code="mapping-not-toml", at="hub.toml:3"),))

    broken = replace(watch, read=wrong)
    clock.forward(1)
    await keep(store, 1)
    clock.forward(60)
    caplog.set_level("INFO")
    for _ in range(2):
        assert await broken.turn() == {}
    told = [record.__dict__["event"] for record in caplog.records]
    broken.read = lambda: new
    found = await broken.turn()

    assert told == ["shadow_refused"]
    assert found["hub"].messages == 1


async def test_a_reader_that_fails_is_told_and_passed_over(
    store: Store, clock: Clock, watch: ShadowWatch, new: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    """A site may try a reader module of its own; the next message is looked at all the same."""

    def fails(_body: bytes) -> Iterator[Record]:
        raise RuntimeError("not yet written")

    source = new["hub"]
    broken = Sources({"hub": replace(source, format=source.format.reading(fails))})
    await watch.turn()
    clock.forward(1)
    await keep(store, 1, 2)
    clock.forward(60)
    found = await replace(watch, read=lambda: broken).turn()
    told = [r.__dict__["fields"] for r in caplog.records if r.__dict__["event"] == "worker_failed"]

    assert found["hub"].messages == 2
    assert [fields["worker"] for fields in told] == ["shadow", "shadow"]
