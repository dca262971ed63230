"""The tutorial is run as it is read: the first terminal, the pasted lines, then each command in its turn."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorials" / "first-referral.md"
LAST_LINE = "a page of what was filed"
# A slow machine may need longer than the page says; only this wait is ours.
SHOWN = 'bridge referrals show $REFERRAL | grep -q "closure, filed"'
PATIENCE = f"for n in $(seq 60); do {SHOWN} && break; sleep 1; done"


def commands(mark: str) -> list[str]:
    """The commands of the blocks marked so, in order."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(rf"^```bash {mark}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


@dataclass(frozen=True)
class Told:
    """A command of the page, what it said and how it ended."""

    command: str
    said: str
    code: int


@pytest.fixture(scope="module")
def second_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Told]]:
    """All commands of the page, run beside a demo that stays up; then Ctrl-C in its terminal."""
    scratch = tmp_path_factory.mktemp("tutorial")
    env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), "COLUMNS": "120"}
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "demo", "--keep"],
        cwd=scratch, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        try:
            said: list[str] = []
            while not said or LAST_LINE not in said[-1]:
                said.append(demo.stdout.readline())
                assert said[-1], "".join(said)
            yield in_bash([line for line in said if line.startswith("export ")], scratch, env)
        finally:
            demo.send_signal(signal.SIGINT)
            ended = demo.wait(60)
    assert ended == 0
    assert sorted(path.name for path in scratch.iterdir()) == ["answer.json", "wrong.json"]


def in_bash(exports: list[str], folder: Path, env: dict[str, str]) -> list[Told]:
    """What each command of the page says, in one shell."""
    page = commands("run")
    script = "".join(exports)
    for command in page:
        wait = f"{PATIENCE}\n" if command.startswith("sleep") else ""
        script += f"{command}\ncode=$?; echo; echo @@$code\n{wait}"
    done = subprocess.run(
        ["bash"], input=script, cwd=folder, env=env, capture_output=True, text=True, timeout=170, check=True
    )
    parts = re.findall(r"(.*?)\n@@(\d+)\n", done.stdout, re.DOTALL)
    return [Told(command, said, int(code)) for command, (said, code) in zip(page, parts, strict=True)]


def of(told: list[Told], start: str) -> list[Told]:
    """What the commands that begin so came to."""
    return [one for one in told if one.command.startswith(start)]


def test_the_first_terminal_is_the_demo() -> None:
    """`make` runs the very command that the rest of this file runs; it is only asked what it would do."""
    (command,) = commands("start")
    made = subprocess.run(
        [*command.split(), "--dry-run", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert made.stdout.strip().endswith("bridge demo --keep")


def test_every_command_of_the_page_does_what_it_should(second_terminal: list[Told]) -> None:
    """Only the list of what waits for a person asks for attention by its exit code."""
    assert [one.command for one in second_terminal if one.code] == ["bridge parked list"]


def test_the_event_is_taken_and_found_at_the_service(second_terminal: list[Told]) -> None:
    """One answer, one ServiceRequest with our id."""
    (answer,) = of(second_terminal, "cat answer.json")
    (found,) = of(second_terminal, "curl --silent --get")

    assert '"state":"applied"' in answer.said
    assert '"total": 1' in found.said or '"total":1' in found.said
    assert "MY-FIRST-REFERRAL" in found.said


def test_the_way_back_is_told(second_terminal: list[Told]) -> None:
    """Sent, seen, scored, closed and filed; the record's page shows one more closure."""
    told = " ".join(of(second_terminal, "bridge referrals show")[-1].said.split())
    (counted,) = of(second_terminal, "curl --silent $RECORD_URL")

    for words in (
        "Sent to",
        "has seen the person",
        "The score, filed",
        "has closed the case",
        "The closure, filed",
    ):
        assert words in told
    assert int(counted.said) > 1


def test_a_difficult_sender_is_answered_as_the_page_says(second_terminal: list[Told]) -> None:
    """A repeat is a duplicate; a wrong number is refused without being repeated."""
    again, wrong = (
        one for one in of(second_terminal, "curl --silent --header") if "--output" not in one.command
    )

    assert '"state":"duplicate"' in again.said
    assert "OperationOutcome" in wrong.said
    (event,) = of(second_terminal, "cat $DEMO/event.json")
    number = json.loads(event.said)["patient"]["nhs_number"]
    assert f"998{number[3:]}" not in wrong.said
