"""The `bridge` command. Exit 0 fine, 1 needs attention, 2 wrong usage or configuration."""

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from io import TextIOWrapper

from bridge.errors import BridgeError, ConfigError

# These start without the other commands: what is used in a loop while a mapping is written, after a crash, by
# a monitor, and to look at one referral after the other.
ALONE = {
    "health": "bridge.cli.health",
    "map": "bridge.cli.mapping",
    "referrals": "bridge.cli.referrals",
    "serve": "bridge.cli.running",
}


def main() -> None:
    """Run a command; our own errors become a sentence and an exit code."""
    from bridge.cli.output import problems  # noqa: PLC0415 - importing this package starts nothing

    # A terminal or a file that is not UTF-8 gets an escape for a letter it does not have, not a failure.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if name in ALONE:
            _app_of(ALONE[name])(sys.argv[2:], prog_name=f"bridge {name}")
        else:
            _app_of("bridge.cli.commands")(prog_name="bridge")
    except ConfigError as error:
        problems(error)
        sys.exit(2)
    except BridgeError as error:
        problems(error)
        sys.exit(1)


def _app_of(module: str) -> Callable[..., None]:
    """The command of a module. What is imported is no garbage: the collector would look for it in vain."""
    gc.disable()
    app: Callable[..., None] = import_module(module).app
    gc.enable()
    return app
