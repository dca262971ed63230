"""Bridges that kill themselves at one named step. Run as a program it forks one for each line it reads.

A line is JSON: the settings, and the step as [owner, function, before or after, of]. Nothing of the bridge is
replaced: the function does what it does, and then, or before that, the process is gone.
"""

import asyncio
import importlib
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from bridge.app import open_bridge
from bridge.app.running import run
from bridge.config import Settings


def arm(owner: str, name: str, when: str, of: str) -> None:
    """Die `when` this function of a module, or of a class in one, is called for `of` (leg, door, partner)."""
    place = _place(owner)
    original: Callable[..., Any] = getattr(place, name)

    def watched(*args: Any, **named: Any) -> Any:
        meant = not of or of in {_of(each) for each in (*args, *named.values())}
        if meant and when == "before":
            _die()
        result = original(*args, **named)
        if not meant:
            return result
        if inspect.isawaitable(result):
            return _then_die(result)
        if result not in ([], 0):  # nothing was claimed: not yet
            _die()
        return result

    setattr(place, name, watched)


def _place(owner: str) -> Any:
    try:
        return importlib.import_module(owner)
    except ModuleNotFoundError:
        module, _, inside = owner.rpartition(".")
        return getattr(importlib.import_module(module), inside)


def _of(value: Any) -> str:
    """What a function is called for."""
    if isinstance(value, str):
        return value
    about = getattr(value, "delivery", value)
    return str(getattr(about, "leg", "") or getattr(about, "door", ""))


async def _then_die(waited: Any) -> None:
    await waited
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _serve(settings: Settings) -> None:
    async with open_bridge(settings) as bridge:
        await run(bridge, asyncio.Event())


def main() -> None:
    """Fork for each line; say the child's process id."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            if told["step"]:
                arm(*told["step"])
            asyncio.run(_serve(Settings.model_validate(told["settings"])))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
