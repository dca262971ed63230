"""What the mapping bench works with: mappings and schemes from their files, and nothing else of a site."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.config import config_file, read_settings, shipped
from bridge.errors import ConfigError, Problem
from bridge.fhir.naming import Naming
from bridge.pipeline.rehearsal import NOWHERE, Rehearsing
from bridge.schemes import Rulebook, scheme_file
from bridge.sources import Source, load, load_one, systems_in
from bridge.sources.guessing import extract_folders, guess

File = Annotated[
    Path, typer.Argument(exists=True, help="A message, a folder that holds one, or one of EMIS extracts.")
]
SourceName = Annotated[str, typer.Option("--source", help="Read it as this system; else it is guessed.")]
SchemeFile = Annotated[
    Path | None,
    typer.Option("--scheme", exists=True, dir_okay=False, help="Scheme file; else those of the site."),
]
MappingFolder = Annotated[
    Path | None,
    typer.Option(
        "--mappings", exists=True, file_okay=False, help="Folder of mapping files; else the site's."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the mappings are, and what is taken to be so."""

    folders: list[Path]
    assumed: Rehearsing

    def sources(self, *names: str) -> dict[str, Source]:
        """These systems by name, or all; only their files are looked at closely."""
        return load(*self.folders, only=names or None)

    def file_of(self, name: str) -> Path:
        """The mapping file of a system; ConfigError when there is none."""
        systems = systems_in(*self.folders)
        if name not in systems:
            raise _no_source(Path(), name, systems)
        return next(file for folder in self.folders if (file := folder / f"{name}.toml").exists())

    def sources_named(self, name: str) -> dict[str, Source]:
        """The system of that name, or all for none; ConfigError when there is no such system."""
        if not name:
            return self.sources()
        systems = systems_in(*self.folders)
        if name not in systems:
            raise _no_source(Path(), name, systems)
        return self.sources(name)

    def source_of(self, path: Path, name: str = "") -> Source:
        """The system of that name, or the one the file probably comes from; ConfigError for none."""
        if name:
            return self.sources_named(name)[name]
        systems = systems_in(*self.folders)
        found = guess(path, systems)
        if found not in systems:
            raise _no_source(path, "", systems)
        return self.sources(found)[found]


def open_bench(mappings: Path | None = None, scheme: Path | None = None) -> Bench:
    """The site's files where there is a bridge.toml, else those of this folder; and those that ship."""
    site = read_settings(config_file()) if config_file().exists() else None
    own = site.mappings if site else Path("mappings")
    folders = [f for f in (mappings, own / "sources", shipped("mappings") / "sources") if f and f.is_dir()]
    schemes = (scheme_file.load_one(scheme),) if scheme else scheme_file.load(own / "schemes")
    assumed = Rehearsing(
        arrived=datetime.now(UTC),
        rulebook=Rulebook(schemes),
        environment=site.environment if site else "test",
        naming=Naming(base=site.base) if site else NOWHERE,
    )
    return Bench(folders=folders, assumed=assumed)


def one_source(path: Path, name: str) -> Source:
    """The system of a mapping file, or of that name in a folder of mapping files."""
    if path.is_file():
        return load_one(path)
    sources = load(path)
    if name not in sources:
        raise _no_source(path, name, sorted(sources))
    return sources[name]


def _no_source(path: Path, name: str, systems: Collection[str]) -> ConfigError:
    code = "mapping-unknown-source" if name else "mapping-no-source"
    rule = f"one of {', '.join(systems)}" if systems else "there is none"
    return ConfigError(problems=(Problem(code=code, at=name or str(path), rule=rule),))


def message_at(path: Path) -> Path:
    """A message, the folder of extracts, or the only message of another folder; ConfigError for none."""
    if path.is_file() or extract_folders(path):
        return path
    held = [inner for inner in sorted(path.iterdir()) if inner.is_file() and is_message(inner)]
    if len(held) != 1:
        rule = f"{len(held)} files that could be one"
        raise ConfigError(problems=(Problem(code="mapping-no-message", at=str(path), rule=rule),))
    return held[0]


def messages_in(path: Path) -> Iterator[Path]:
    """A message, or every message below a folder; the files that say what one means are none.

    EMIS extracts that lie in one folder are one message: each says what changed since the one before.
    """
    if path.is_file() or extract_folders(path):
        yield path
        return
    for inner in sorted(path.iterdir()):
        if inner.is_dir() or (inner.is_file() and is_message(inner)):
            yield from messages_in(inner)


def is_message(file: Path) -> bool:
    """Whether a file of a corpus is one by its name, in any case of its ending."""
    return file.suffix.lower() in _MESSAGES and file.name not in _SAYINGS


_MESSAGES = frozenset({".json", ".xml", ".hl7", ".txt", ".er7", ".bin"})
_SAYINGS = frozenset({"expected.json", "servicerequest.json"})


def golden_folders(own: Path | None) -> list[Path]:
    """Folders of golden folders: the one given, else `fixtures` here, and those that ship."""
    folders = (own or Path("fixtures"), shipped("fixtures"))
    return list(dict.fromkeys(folder.absolute() for folder in folders if folder.is_dir()))
