"""Schemathesis over the OpenAPI of a running bridge: `make fuzz`. Exits as it does, 1 for a fault."""

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.simulators.loopback import running
from tests.security.test_fuzz import House, open_house

SECONDS = os.environ.get("FUZZ_SECONDS", "120")


async def asked_by(program: str, house: House) -> int:
    """Serve the bridge on 127.0.0.1 and have the program ask it everything its description allows."""
    async with running(house.app) as url:
        command = [program, "run", f"{url}/openapi.json", "--header", "X-API-Key: rbk_all"]
        bounds = ["--max-time", SECONDS, "--checks", "not_a_server_error", "--workers", "2"]
        asking = await asyncio.create_subprocess_exec(*command, *bounds)
        return await asking.wait()


def main() -> int:
    """The exit code of the program that was named."""
    with TemporaryDirectory() as scratch, open_house(Path(scratch)) as house:
        return house.runner.run(asked_by(sys.argv[1], house))


if __name__ == "__main__":
    sys.exit(main())
