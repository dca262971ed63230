"""`bridge demo` as its user meets it: real processes, what it says, how it ends, and that nothing is left."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


def environment(scratch: Path) -> dict[str, str]:
    """This checkout's bridge, with a temporary folder that can be looked into afterwards."""
    return os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), "COLUMNS": "80"}


@asynccontextmanager
async def demo(scratch: Path, *arguments: str) -> AsyncIterator[Process]:
    """The command in a process; ended when the block is, whatever happened in it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "demo", *arguments,
        cwd=scratch, stdout=PIPE, stderr=PIPE,
        env=environment(scratch),
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(process: Process) -> tuple[str, str]:
    """All it said, on either stream, once it has ended."""
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return out.decode(), err.decode()


async def heard_until(process: Process, words: str) -> str:
    """What it says up to a line that holds these words."""
    assert process.stdout is not None
    lines = []
    async with asyncio.timeout(PATIENCE_S):
        while not lines or words not in lines[-1]:
            line = await process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line.decode())
    return "".join(lines)


def left_in(scratch: Path) -> list[str]:
    """What the demo left in its temporary folder."""
    return [path.name for path in scratch.iterdir()]


def running_in(scratch: Path) -> list[int]:
    """Processes that still have something of the demo's folder in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(f"BRIDGE_CONFIG={scratch}") in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one whole demo says, in plain lines; it ended well and left nothing."""
    scratch = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "demo"],
        cwd=scratch, env=environment(scratch), capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, b"")
    assert (left_in(scratch), running_in(scratch)) == ([], [])
    return done.stdout.decode()


def test_the_demo_says_what_happens_in_plain_lines(told: str) -> None:
    """Where there is no terminal nothing moves and nothing is coloured."""
    for line in (
        "Day 1: Mockford Surgery sends its extract",
        "The service accepts 12 referrals and turns one down",
        "Day 2: Mockford Surgery sends what has changed",
        "closes the cases",
    ):
        assert line in told
    assert "\x1b" not in told


def test_the_day_holds_what_a_day_can_hold(told: str) -> None:
    """New, changed, taken back, said before, not for the service, unreadable, and why in each case."""
    (second_day,) = re.findall(r"Day 2.*?\n(.*?)\nThe service", told, re.DOTALL)
    read = " ".join(second_day.split())
    everything = " ".join(told.split())

    for words in ("new", "changed", "taken back", "said before", "not for the service", "for a person"):
        assert words in read
    for reason in (
        "The person is younger than the scheme's age limit",
        "The referral was recorded before the practice's first live day",
        "Ask the supplier for the row again",
    ):
        assert reason in everything


def test_one_referral_is_told_both_ways(told: str) -> None:
    """What came in, what went out, what the service said, and what was filed; times are London's."""
    story = " ".join(told[told.index("The story of that referral") :].split())

    moments = (
        "A referral was opened",
        "Sent to Example Social Prescribing Service: accepted in",
        "accepts it",
        "has seen the person",
        "the referral was changed",
        "The score, filed in the GP record",
        "has closed the case",
        "The closure, filed in the GP record",
    )
    assert [words for words in moments if words not in story] == []
    assert [story.index(words) for words in moments[:7]] == sorted(story.index(w) for w in moments[:7])
    assert ", London" in story
    assert '"resourceType": "ServiceRequest"' in told
    assert told.count('"resourceType": "Observation"') == 2


def test_a_person_shows_only_in_the_resources(told: str) -> None:
    """Around them the demo keeps the rule of the bridge: places and reasons, no people."""
    around = "\n".join(line for line in told.splitlines() if not re.match(r'\s*["{}\[\]]', line))

    assert re.findall(r"\b9\d{9}\b", told)
    assert re.findall(r"\b\d{10}\b", around) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_that_is_kept_says_where_everything_is_and_cleans_up(
    tmp_path: Path, ending: signal.Signals
) -> None:
    """The lines to paste lead to the running parts; either way of ending leaves nothing."""
    async with demo(tmp_path, "--keep") as process:
        out = await heard_until(process, "a page of what was filed")
        exported = dict(re.findall(r"^export (\w+)=(\S+)$", out, re.MULTILINE))
        async with httpx.AsyncClient(trust_env=False) as http:
            there = [
                (await http.get(f"{exported['BRIDGE_URL']}/ready")).status_code,
                (await http.get(f"{exported['SERVICE_URL']}/ServiceRequest")).status_code,
                (await http.get(exported["RECORD_URL"])).status_code,
            ]
        config = Path(exported["BRIDGE_CONFIG"]).is_file()
        process.send_signal(ending)
        rest, err = await said(process)

    assert (there, config, err) == ([200, 200, 200], True, "")
    assert process.returncode == 0
    assert "nothing is left behind" in rest
    assert (left_in(tmp_path), running_in(tmp_path)) == ([], [])


async def test_a_demo_that_is_broken_off_cleans_up_too(tmp_path: Path) -> None:
    """In the middle of the first day; that is no success."""
    async with demo(tmp_path) as process:
        await heard_until(process, "Day 1")
        process.send_signal(signal.SIGTERM)
        await said(process)

    assert process.returncode == 1
    assert (left_in(tmp_path), running_in(tmp_path)) == ([], [])


async def test_a_bridge_that_dies_is_said_in_plain_words(tmp_path: Path) -> None:
    """And the exit code is 1; the folder goes all the same."""
    async with demo(tmp_path) as process:
        await heard_until(process, "Day 1")
        (bridge,) = [pid for pid in running_in(tmp_path) if pid != process.pid]
        os.kill(bridge, signal.SIGKILL)
        _, err = await said(process)

    assert process.returncode == 1
    assert "The demo did not get to its end: the bridge has stopped by itself." in " ".join(err.split())
    assert left_in(tmp_path) == []
