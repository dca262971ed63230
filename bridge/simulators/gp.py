"""A simulated EMIS practice: drops an extract a day into a folder, whole files only, or on request not whole.

Files are written in a hidden folder beside their place and renamed into it, so a watcher never reads one that
is still being written. There is no manifest: a batch is complete when every table of it is there.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.simulators.emis import Plan, Truth, day

_UNFINISHED = ".part"


def drop(
    folder: Path, plan: Plan, number: int = 1, *, held_back: Collection[str] = (), cut: str = ""
) -> Truth:
    """Put the batch of day `number` into `folder` and say what it holds.

    Tables in `held_back` stay under a temporary name (`.part`) until `finish`; the file of table `cut` loses
    its second half, as after a broken transfer.
    """
    with TemporaryDirectory(dir=folder, prefix=".") as workshop:
        truth = day(Path(workshop), plan, number)
        if cut:
            _halve(truth.files[cut])
        files = {table: folder / file.name for table, file in truth.files.items()}
        for table, file in truth.files.items():
            target = files[table]
            file.rename(target.with_name(target.name + _UNFINISHED) if table in held_back else target)
    return replace(truth, files=files)


def finish(folder: Path) -> None:
    """Give every file that was held back its real name."""
    for file in folder.glob(f"*{_UNFINISHED}"):
        file.rename(file.with_name(file.name.removesuffix(_UNFINISHED)))


def _halve(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)
