"""A changed mapping on the messages that came: what it would have done, before it is put into force."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from bridge.app.running import shadow_watch
from bridge.store.tables import message
from tests.journeys.conftest import Ground, Site
from tests.journeys.test_reload import HUB, OVERLAY, PATH, hub, post, write  # noqa: F401 - a fixture

NUMBERS = ("9990000018", "9990000026", "9990000034")


@pytest.fixture
async def traffic(hub: Site, ground: Ground) -> Path:  # noqa: F811 - the fixture
    """Three messages that came, one without its bytes; and the mapping with a change, in a file apart."""
    answers = [await post(hub, f"R-{n}", number=number) for n, number in enumerate(NUMBERS)]
    last = answers[-1].headers["Location"].rpartition("/")[2]
    gone = update(message).where(message.c.id == last).values(body_id=None)
    await hub.bridge.store.run(lambda tx: tx.run(gone))
    settings = ground.settings()
    (ground.folder / "bridge.toml").write_text(
        f'base = "https://bridge.test"\ndata = "{settings.data}"\nmappings = "mappings"\n', "utf-8"
    )
    changed = ground.folder / "changed" / "hub.toml"
    changed.parent.mkdir()
    changed.write_text(HUB.format(version=2, routine="urgent"), "utf-8")
    return changed


def shadow(ground: Ground, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """The command at that site."""
    command = [sys.executable, "-m", "bridge", "map", "shadow", *words]
    env = os.environ | {"BRIDGE_CONFIG": str(ground.folder / "bridge.toml"), "PYTHONPATH": PATH}
    return subprocess.run(command, cwd=ground.folder, env=env, capture_output=True, check=False)


def test_a_change_is_told_by_its_elements_and_messages(traffic: Path, ground: Ground) -> None:
    """How many messages, which elements, and no value of any of them."""
    done = shadow(ground, str(traffic), "--since", "1d", "--json")
    told = orjson.loads(done.stdout)

    assert (done.returncode, told["in_force"], told["tried"]) == (1, "hub@1", "hub@2")
    assert (told["messages"], told["not_held"], len(told["changed"])) == (3, 1, 2)
    assert told["elements"] == {
        "event.referral.priority": 2,
        "ServiceRequest.priority": 2,
        "Task.priority": 2,
    }
    assert not any(number.encode() in done.stdout for number in NUMBERS)


def test_no_change_is_told_as_such(traffic: Path, ground: Ground) -> None:
    """A higher version alone changes nothing; the overlays of the site count with both."""
    write(ground.folder, overlay="asap")
    traffic.write_text(HUB.format(version=9, routine="routine"), "utf-8")
    done = shadow(ground, str(traffic))

    assert done.returncode == 0
    assert b"3 messages, 0 would change from hub@1 to hub@9; of 1 the bytes are not held" in done.stdout


def test_a_mapping_that_is_wrong_is_named_with_its_line(traffic: Path, ground: Ground) -> None:
    """Before anything is looked at."""
    traffic.write_text(HUB.format(version=2, routine="whenever"), "utf-8")
    done = shadow(ground, str(traffic))

    assert (done.returncode, b"hub.toml:" in done.stderr) == (2, True)


def test_a_system_that_is_not_in_force_is_refused(traffic: Path, ground: Ground) -> None:
    """Nothing of it came yet: `bridge map try` is for that."""
    new = traffic.rename(traffic.with_name("newcomer.toml"))
    done = shadow(ground, str(new))

    assert (done.returncode, b"one of" in done.stderr) == (2, True)


def test_the_mappings_of_the_setting_are_tried_all_at_once(traffic: Path, ground: Ground) -> None:
    """Without a name, those of the folder; an overlay there is tried as well as a mapping."""
    with (ground.folder / "bridge.toml").open("a", encoding="utf-8") as file:
        file.write('shadow = "changed"\n')
    told = shadow(ground, "--json")
    traffic.unlink()
    (traffic.parent / "leeds.toml").write_text(OVERLAY.format(version=4, meaning="asap"), "utf-8")
    overlaid = shadow(ground)

    (each,) = orjson.loads(told.stdout)
    assert (told.returncode, each["in_force"], each["tried"], len(each["changed"])) == (
        1,
        "hub@1",
        "hub@2",
        2,
    )
    assert (overlaid.returncode, b"3 messages, 0 would change" in overlaid.stdout) == (0, True)


def test_without_a_mapping_there_is_nothing_to_try(traffic: Path, ground: Ground) -> None:
    """Said so, instead of that nothing would change."""
    done = shadow(ground)

    assert (traffic.exists(), done.returncode) == (True, 2)
    assert b"bridge map shadow FILE" in done.stderr


async def test_what_comes_is_read_by_the_mapping_that_is_tried_too(
    open_site: Callable[..., Any], ground: Ground
) -> None:
    """Counted by its system; what goes out is what the mapping in force says."""
    write(ground.folder)
    tried = ground.folder / "tried"
    tried.mkdir()
    (tried / "hub.toml").write_text(HUB.format(version=2, routine="urgent"), "utf-8")
    gp = ground.settings().callers[0].model_copy(update={"sources": ("hub",)})
    site = await open_site(shadow=tried, callers=(gp, *ground.settings().callers[1:]))
    watch = replace(shadow_watch(site.bridge), settled_ms=0)
    await watch.turn()
    await post(site, "R-1")
    await post(site, "R-2", number="9990000026")
    found = await watch.turn()
    await site.drain()
    metrics = (await site.get("/metrics")).text.splitlines()

    assert (found["hub"].messages, len(found["hub"].changed)) == (2, 2)
    assert 'bridge_shadow_looked_total{source="hub"} 2.0' in metrics
    assert 'bridge_shadow_changed_total{source="hub"} 2.0' in metrics
    assert [r["priority"] for r in site.service.resources("ServiceRequest")] == ["routine", "routine"]


def test_an_overlay_of_the_site_is_held_against_the_change(traffic: Path, ground: Ground) -> None:
    """A table that the change takes away is missed by the practice's own file."""
    write(ground.folder, overlay="asap")
    text = HUB.format(version=2, routine="routine").replace(', codes = "urgency"', "")
    traffic.write_text(text.partition("[codes.urgency]")[0], "utf-8")
    done = shadow(ground, str(traffic))

    assert (done.returncode, b"leeds.toml" in done.stderr) == (2, True)
