"""The `bridge` command. Exit 0 fine, 1 needs attention, 2 wrong usage or configuration."""

import sys
from importlib import import_module
from io import TextIOWrapper

from bridge.errors import BridgeError, ConfigError

# These start without the other commands: one is used in a loop while a mapping is written, one after a crash.
ALONE = {"map": "bridge.cli.mapping", "serve": "bridge.cli.running"}


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
            import_module(ALONE[name]).app(sys.argv[2:], prog_name=f"bridge {name}")
        else:
            import_module("bridge.cli.commands").app(prog_name="bridge")
    except ConfigError as error:
        problems(error)
        sys.exit(2)
    except BridgeError as error:
        problems(error)
        sys.exit(1)
