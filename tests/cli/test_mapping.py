"""`bridge map`: what an engineer sees while writing a mapping, and what a script gets."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bridge.cli import main

ROOT = Path(__file__).resolve().parents[2]
EVENT = ROOT / "fixtures/json-event/everything-said/message.json"
REFERRAL = ROOT / "fixtures/hl7v2-ref/referral-in-full/message.hl7"
EXTRACTS = ROOT / "fixtures/emis/referral-record"

HUB = """
version = {version}
format = "json"
[fields]
event.kind = {{ at = "$.what", codes = "what" }}
event.record = {{ at = "$.ref" }}
practice.ods = {{ at = "$.surgery" }}
patient.nhs_number = {{ at = "$.person.nhs", transform = "nhs_number" }}
patient.family = {{ at = "$.person.surname" }}
patient.gender = {{ at = "$.person.sex", codes = "sex" }}
referral.requested.snomed = {{ at = "$.code", required = true }}
[codes.what]
"NEW" = "referred"
[codes.sex]
"F" = "{sex}"
[ignored]
"$.printed" = "how it was printed is not of the referral"
"""
MESSAGE = {
    "what": "NEW",
    "ref": "R-1",
    "surgery": "A99999",
    "person": {"nhs": "999 000 0018", "surname": "Quillfeather", "sex": "F", "shoe": "39"},
    "code": "871731000000106",
    "printed": "yes",
}


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for a script."""
        return json.loads(self.out)


Bridge = Callable[..., Done]


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bridge:
    """The command, in a folder without a bridge.toml, as a person who has just installed it."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["bridge", "map", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A message of a system of one's own, whose mapping stands in mappings/sources here."""
    write_hub(tmp_path / "mappings" / "sources" / "hub.toml")
    message = tmp_path / "fixtures" / "hub" / "new" / "message.json"
    message.parent.mkdir(parents=True)
    message.write_text(json.dumps(MESSAGE), "utf-8")
    return message


def write_hub(file: Path, *, version: int = 1, sex: str = "female") -> Path:
    """The mapping of that system."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HUB.format(version=version, sex=sex), "utf-8")
    return file


# try


def test_trying_a_message_shows_what_it_means_and_what_would_go_out(bridge: Bridge) -> None:
    """Without a server and without a setting."""
    done = bridge("try", EVENT)

    assert done.code == 0
    assert '"kind": "referred"' in done.out
    assert '"resourceType": "ServiceRequest"' in done.out


def test_a_script_gets_the_same_as_json(bridge: Bridge) -> None:
    """Event, gate and bundle, with the mapping that made them."""
    said = bridge("try", REFERRAL, "--json").json

    assert said["mapping"].startswith("hl7v2-ref@")
    assert said["events"][0]["event"]["key"]["record"] == "SPR-1001^A99999"
    assert said["events"][0]["bundle"]["type"] == "transaction"


def test_what_is_refused_is_told_with_its_place_and_the_next_step(bridge: Bridge) -> None:
    """And the exit code says that somebody has to look."""
    message = ROOT / "fixtures/json-event/wrong-types-everywhere/message.json"
    done = bridge("try", message)

    assert done.code == 1
    assert "refused $." in done.out


def test_a_file_that_is_no_message_is_refused(bridge: Bridge, tmp_path: Path) -> None:
    """It says why."""
    (tmp_path / "x.json").write_text("{", "utf-8")
    done = bridge("try", "x.json", "--source", "json-event")

    assert (done.code, "The text is not JSON" in done.out) == (1, True)


def test_extracts_are_tried_by_their_folder(bridge: Bridge) -> None:
    """One day after the other, in a store that is thrown away."""
    done = bridge("try", EXTRACTS, "--json")

    assert {event["event"]["kind"] for event in done.json["events"]} >= {"referred"}


def test_a_folder_with_one_message_is_tried_as_that_message(bridge: Bridge, tmp_path: Path) -> None:
    """As every golden folder is; of two messages nobody says which is meant."""
    done = bridge("try", REFERRAL.parent, "--json")
    (tmp_path / "two").mkdir()
    for name in ("a.hl7", "b.hl7"):
        shutil.copy(REFERRAL, tmp_path / "two" / name)
    two, none = bridge("explain", "two", "Patient"), bridge("try", REFERRAL.parents[1])

    assert (done.code, done.json["source"]) == (0, "hl7v2-ref")
    assert [(each.code, "Name the file of a message" in each.err) for each in (two, none)] == [(2, True)] * 2


def test_a_terminal_without_a_letter_gets_an_escape(hub: Path) -> None:
    """A name with an accent is no reason to fail."""
    hub.write_text(json.dumps(MESSAGE | {"person": {"surname": "Żółć"}}, ensure_ascii=False), "utf-8")
    command = [sys.executable, "-m", "bridge", "map", "try", str(hub)]
    env = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=hub.parents[3], env=env, capture_output=True, check=False)

    assert (done.returncode, b"\\u017b\xf3\\u0142\\u0107" in done.stdout, done.stderr) == (0, True, b"")


def test_the_gate_is_asked_where_a_scheme_is_given(bridge: Bridge) -> None:
    """Exit 1 when it would not go out."""
    scheme = ROOT / "mappings/schemes/example.toml"
    done = bridge("try", REFERRAL, "--scheme", scheme, "--json")

    assert done.code == 1
    assert done.json["events"][0]["gate"]["verdict"] == "not-sent"


def test_a_system_nobody_named_and_nothing_tells_is_a_usage_error(bridge: Bridge, tmp_path: Path) -> None:
    """The systems that could be named are listed."""
    (tmp_path / "x.txt").write_text("hello", "utf-8")
    (tmp_path / "own.json").write_text('{"what": "NEW"}', "utf-8")
    done = [bridge("try", name) for name in ("x.txt", "own.json")]

    assert [(each.code, "--source" in each.err, "hl7v2-ref" in each.err) for each in done] == [
        (2, True, True),
        (2, True, True),
    ]


def test_a_wrong_mapping_is_named_with_its_line(bridge: Bridge, hub: Path, tmp_path: Path) -> None:
    """Every problem of it; the other systems' files need not be right to try this one."""
    write_hub(tmp_path / "mappings" / "sources" / "hub.toml", sex="lady")
    (tmp_path / "mappings" / "sources" / "other.toml").write_text("version =", "utf-8")
    done = bridge("try", hub)

    assert (done.code, "hub.toml:15" in done.err, "other.toml" in done.err) == (2, True, False)


def test_a_mapping_that_is_no_toml_is_told_when_it_is_tried(bridge: Bridge, hub: Path) -> None:
    """At its line and column; not that there were no such system."""
    Path("mappings/sources/hub.toml").write_text('version = 1\nformat = "json', "utf-8")

    for done in (bridge("try", hub), bridge("try", hub, "--source", "hub"), bridge("test", "hub")):
        assert (done.code, "hub.toml:2, column 15" in done.err) == (2, True)


def test_a_script_gets_the_problems_of_a_mapping_as_json(bridge: Bridge, hub: Path) -> None:
    """Each with its code and its place, as it gets everything else."""
    Path("mappings/sources/hub.toml").write_text("version =", "utf-8")
    done = bridge("try", hub, "--json")

    assert [(each["code"], each["at"].rpartition("hub.toml:")[2]) for each in done.json["problems"]] == [
        ("toml-syntax", "1, column 10")
    ]


def test_a_source_that_is_not_there_is_named(bridge: Bridge, hub: Path) -> None:
    """With those that are."""
    done = bridge("try", hub, "--source", "[red]hubb")

    assert (done.code, "[red]hubb There is no mapping" in done.err, "hl7v2-ref, hub" in done.err) == (
        2,
        True,
        True,
    )


def test_a_next_step_with_brackets_is_printed_whole(bridge: Bridge, hub: Path) -> None:
    """What looks like a style to the terminal's library is part of what to write."""
    file = Path("mappings/sources/hub.toml")
    file.write_text(file.read_text("utf-8").replace('codes = "sex"', 'codes = "sexes"'), "utf-8")

    assert "Add [codes.<name>]" in bridge("try", hub).err


def test_a_problem_is_told_with_the_rule_that_was_broken(bridge: Bridge, tmp_path: Path) -> None:
    """Else nobody could follow "the rule named"; what has no place of its own is of the message."""
    message = tmp_path / "x.json"
    message.write_text(
        '{"resourceType": "Bundle", "type": "transaction", "entry": [{"fullUrl": "x"}]}', "utf-8"
    )
    done = bridge("try", message)
    message.write_text("[]", "utf-8")
    other = bridge("try", message, "--source", "fhir-r4")

    assert re.search(r"warning Bundle.entry\[0\]: The elements do not fit together.\n +\S", done.out)
    assert "refused the message: What stands here" in other.out


def test_options_that_name_the_wrong_kind_of_thing_are_refused(bridge: Bridge, hub: Path) -> None:
    """A file where a folder of mappings should be is not passed over."""
    assert bridge("try", hub, "--mappings", hub).code == 2
    assert bridge("try", hub, "--scheme", hub.parent).code == 2


# show


def test_a_mapping_that_ships_is_printed_to_begin_with(bridge: Bridge, hub: Path) -> None:
    """Letter by letter: whoever installed the package has no checkout to copy from."""
    shipped = bridge("show", "hl7v2-ref")

    assert shipped.out == (ROOT / "mappings/sources/hl7v2-ref.toml").read_text("utf-8")
    assert bridge("show", "hub").out == Path("mappings/sources/hub.toml").read_text("utf-8")
    assert bridge("show", "../hub").code == 2


# explain


def test_an_element_is_explained_by_its_place_and_rule(bridge: Bridge) -> None:
    """Who asks where a value comes from gets one line."""
    done = bridge("explain", REFERRAL, "Patient.birthDate")

    assert done.out.startswith("Patient.birthDate = 1951-04-09  <- PID")
    assert done.out.endswith("[patient.birth_date = PID-7]\n")


def test_a_value_that_is_no_plain_line_is_explained_as_json_has_it(bridge: Bridge) -> None:
    """A text of two lines stays one line of output."""
    told = bridge("explain", EVENT).out.splitlines()

    assert any(
        line.startswith("Patient.extension[patient-interpreterRequired].valueBoolean = true ")
        for line in told
    )
    assert any(
        line.startswith('ServiceRequest.note[0].text = "First line\\nSecond line"  <-') for line in told
    )


@pytest.mark.parametrize(
    "asked", ["Patient.address.city", "patient.address.town", "$.patient.address.town"], ids=str
)
def test_an_element_is_found_by_either_end(bridge: Bridge, asked: str) -> None:
    """By the element, by the target of the mapping, by the place in the message."""
    rows = bridge("explain", EVENT, asked, "--json").json

    assert [(row["element"], row["from"], row["targets"]) for row in rows] == [
        ("Patient.address[home].city", ["$.patient.address.town"], ["patient.address.town"])
    ]


def test_without_a_path_the_whole_bundle_is_annotated(bridge: Bridge) -> None:
    """What no place of the message made is the bridge's own."""
    rows = bridge("explain", EVENT, "--json").json
    by_element = {row["element"]: row["from"] for row in rows}

    assert by_element["Bundle.type"] == []
    assert by_element["ServiceRequest.code.coding[sct].code"] == ["$.referral.requested.snomed"]


def test_what_is_not_there_is_told_with_what_could_make_it(bridge: Bridge) -> None:
    """The target, and where this mapping would look for it."""
    done = bridge("explain", ROOT / "fixtures/json-event/only-what-is-needed/message.json", "Patient.gender")

    assert done.code == 1
    assert "it would come from patient.gender, looked for at $.patient.gender" in done.out


def test_an_entry_of_an_extract_is_explained_by_its_columns(bridge: Bridge) -> None:
    """Also what several columns say together."""
    done = bridge("explain", EXTRACTS, "ServiceRequest.authoredOn", "--json")

    assert done.json[0]["from"] == ["Observation.EffectiveDate", "Observation.EffectiveDatePrecision"]
    assert done.json[0]["mapping"] == ["Joined.AuthoredOn"]


def test_what_cannot_be_used_is_not_explained_but_sent_on_to_try(bridge: Bridge) -> None:
    """Neither command pretends that an empty answer is one."""
    message = ROOT / "fixtures/json-event/wrong-types-everywhere/message.json"

    for command in ("explain", "ledger"):
        done = bridge(command, message)
        assert (done.code, "`bridge map try` says why" in done.out + done.err) == (1, True)


def test_the_ledger_names_the_messages_that_show_nothing(bridge: Bridge, hub: Path, tmp_path: Path) -> None:
    """One message that cannot be used does not pass for one whose every field is accounted for."""
    (tmp_path / "corpus").mkdir()
    shutil.copy(hub, tmp_path / "corpus" / "a.json")
    (tmp_path / "corpus" / "b.json").write_text("{", "utf-8")
    done = bridge("ledger", "corpus", "--source", "hub", "--json")

    assert len(done.json) > 5
    assert done.err.startswith("1 of 2 messages cannot be used and show nothing")
    assert done.err.endswith(": corpus/b.json\n")


# test


def test_the_golden_folders_that_ship_hold(bridge: Bridge) -> None:
    """Of one system; all of them are a test of their own."""
    done = bridge("test", "json-event")

    assert (done.code, "0 differ" in done.out) == (0, True)


def test_a_golden_is_accepted_then_holds_then_differs(bridge: Bridge, hub: Path, tmp_path: Path) -> None:
    """Write, review, keep: and a later change of the mapping is seen, by its element."""
    first = bridge("test", "hub")
    accepted = bridge("test", "hub", "--accept")
    second = bridge("test", "hub")
    write_hub(tmp_path / "mappings" / "sources" / "hub.toml", version=2, sex="other")
    third = bridge("test", "hub", "--json")

    assert [done.code for done in (first, accepted, second, third)] == [1, 0, 0, 1]
    assert hub.with_name("servicerequest.json").exists()
    assert [(row["at"], row["expected"], row["is"]) for row in third.json["differences"]] == [
        ("expected.json readings[0].event.content", *_contents(third.json)),
        ("expected.json readings[0].event.referral.patient.gender", "female", "other"),
        ("servicerequest.json Patient.gender", "female", "other"),
    ]


def _contents(said: Any) -> tuple[str, str]:
    row = said["differences"][0]
    return row["expected"], row["is"]


def test_the_order_of_extensions_and_entries_is_no_difference(bridge: Bridge, hub: Path) -> None:
    """FHIR gives it no meaning; the order of given names it does."""
    golden = hub.parents[1] / "all"
    shutil.copytree(ROOT / "fixtures/json-event/everything-said", golden)
    (golden / "message.json").rename(golden / "kept.json")
    shutil.copytree(golden, hub.parents[2] / "json-event" / "turned")
    turned = hub.parents[2] / "json-event" / "turned"
    (turned / "kept.json").rename(turned / "message.json")
    bundle = json.loads((turned / "servicerequest.json").read_text("utf-8"))
    bundle["entry"].reverse()
    (turned / "servicerequest.json").write_text(json.dumps(bundle), "utf-8")
    same = bridge("test", "json-event")
    bundle["entry"][-1]["resource"]["name"][0]["given"].reverse()
    (turned / "servicerequest.json").write_text(json.dumps(bundle), "utf-8")
    other = bridge("test", "json-event", "--json")

    assert same.code == 0
    assert {row["at"].split(" ")[1] for row in other.json["differences"]} == {
        "Patient.name[official].given[0]",
        "Patient.name[official].given[1]",
    }


def test_a_system_without_a_golden_is_not_well(bridge: Bridge) -> None:
    """A mapping without examples is a claim, not a fact; a name of no mapping is a slip of the command."""
    write_hub(Path("mappings/sources/hub.toml"))

    assert bridge("test", "hub").code == 1
    assert bridge("test", "no-such-system").code == 2


def test_examples_of_a_system_without_a_mapping_are_told(bridge: Bridge, hub: Path) -> None:
    """A folder whose name is misspelt would else be tested by nothing, and nobody would see it."""
    hub.parents[1].rename(hub.parents[1].with_name("hubb"))
    done = bridge("test", "--json")
    read = bridge("test")

    assert (done.code, done.json["untested"]) == (1, ["hubb"])
    assert "hubb: no mapping has this name" in read.out


@pytest.mark.parametrize("held", [b"{", b"", b"3", b"[3]", b'{"a": "\xe9"}', b'{"entry": [5]}'], ids=repr)
@pytest.mark.parametrize("name", ["expected.json", "servicerequest.json"])
def test_an_example_that_was_spoilt_differs(bridge: Bridge, hub: Path, name: str, held: bytes) -> None:
    """Whatever an editor or a merge left in the file."""
    bridge("test", "hub", "--accept")
    hub.with_name(name).write_bytes(held)
    done = bridge("test", "hub", "--json")

    assert done.code == 1
    assert all(row["at"].startswith(name) for row in done.json["differences"])


def test_an_example_has_one_message(bridge: Bridge, hub: Path) -> None:
    """Of two nobody knows which is meant; one that got lost is missed."""
    bridge("test", "hub", "--accept")
    shutil.copy(hub, hub.with_suffix(".txt"))
    two = bridge("test", "hub")
    for file in hub.parent.glob("message.*"):
        file.unlink()
    none = bridge("test", "hub")

    assert [(done.code, "one message.*" in done.out) for done in (two, none)] == [(1, True), (1, True)]


# diff


def test_a_change_of_a_mapping_shows_what_it_changes(bridge: Bridge, hub: Path, tmp_path: Path) -> None:
    """In the event and in what would go out, message by message."""
    old = write_hub(tmp_path / "old" / "hub.toml")
    new = write_hub(tmp_path / "new" / "hub.toml", version=2, sex="other")
    done = bridge("diff", old, new, hub.parents[1], "--json")

    assert done.code == 1
    assert [(row["at"], row["before"], row["after"]) for row in done.json["changes"]] == [
        ("event.referral.patient.gender", "female", "other"),
        ("Patient.gender", "female", "other"),
    ]


def test_a_change_that_refuses_messages_shows_their_problems(
    bridge: Bridge, hub: Path, tmp_path: Path
) -> None:
    """A required field that practices do not fill is found before they call."""
    old = write_hub(tmp_path / "old" / "hub.toml")
    new = write_hub(tmp_path / "new" / "hub.toml", version=2)
    new.write_text(new.read_text().replace('"F" =', '"FEMALE" ='), "utf-8")
    done = bridge("diff", old.parent, new.parent, hub, "--source", "hub")

    assert (done.code, "1 messages, 1 change" in done.out) == (1, True)
    assert 'warnings: nothing -> "code-not-in-table at $.person.sex"' in done.out


def test_a_mapping_that_means_the_same_changes_nothing(bridge: Bridge, tmp_path: Path, hub: Path) -> None:
    """A new version number alone is no difference; extracts are compared too."""
    old = write_hub(tmp_path / "old" / "hub.toml")
    new = write_hub(tmp_path / "new" / "hub.toml", version=7)
    emis = ROOT / "mappings/sources/emis.toml"

    assert bridge("diff", old, new, hub.parents[1]).code == 0
    assert bridge("diff", emis, emis, EXTRACTS).code == 0


def test_a_corpus_without_a_message_proves_nothing(bridge: Bridge, hub: Path, tmp_path: Path) -> None:
    """The exit code is not that of a change that changes nothing."""
    mapping = Path("mappings/sources/hub.toml")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.md").write_text("none", "utf-8")
    done = bridge("diff", mapping, mapping, "corpus")
    ledger = bridge("ledger", "corpus", "--json")

    assert (done.code, "There is no message" in done.out) == (1, True)
    assert (ledger.code, ledger.json, "There is no message" in ledger.err) == (1, [], True)


def test_a_corpus_is_read_whatever_the_case_of_its_endings(bridge: Bridge, hub: Path, tmp_path: Path) -> None:
    """As another operating system wrote them; a link that leads nowhere is none of it."""
    mapping = Path("mappings/sources/hub.toml")
    (tmp_path / "corpus").mkdir()
    shutil.copy(hub, tmp_path / "corpus" / "A.JSON")
    (tmp_path / "corpus" / "b.json").symlink_to(tmp_path / "nowhere")

    assert "1 messages, 0 change" in bridge("diff", mapping, mapping, "corpus").out


# ledger


def test_the_ledger_tells_each_field_of_a_message(bridge: Bridge, hub: Path) -> None:
    """Mapped, ignored with the mapping's reason, or unaccounted; and no value."""
    done = bridge("ledger", hub, "--json")
    told = {entry["field"]: (entry["status"], entry["reason"]) for entry in done.json}

    assert done.code == 1
    assert told["$.person.surname"] == ("mapped", "")
    assert told["$.printed"] == ("ignored", "how it was printed is not of the referral")
    assert told["$.person.shoe"] == ("unaccounted", "")
    assert "Quillfeather" not in done.out


def test_the_ledger_tells_all_that_the_values_of_one_field_become(bridge: Bridge) -> None:
    """PID-3 repeats: one is the NHS number, another the system's own key."""
    done = bridge("ledger", REFERRAL)

    assert "hl7v2-ref mapped PID-3.1 (1): referral.patient.nhs_number, referral.patient.local_key" in done.out


def test_what_a_rule_asks_for_is_mapped_though_all_around_it_is_ignored(bridge: Bridge, hub: Path) -> None:
    """It decides whether there is an event, so a reason to leave it out would be untrue."""
    file = Path("mappings/sources/hub.toml")
    text = file.read_text("utf-8").replace('"$.what"', '"$.head.what"').replace('"$.printed" =', '"$.head" =')
    file.write_text(text, "utf-8")
    hub.write_text(json.dumps(MESSAGE | {"head": {"what": "NEW", "sent": "today"}}), "utf-8")
    told = {entry["field"]: entry["status"] for entry in bridge("ledger", hub, "--json").json}

    assert (told["$.head.what"], told["$.head.sent"]) == ("mapped", "ignored")


def test_the_header_decides_where_a_rule_asks_it_for_the_practice(bridge: Bridge, tmp_path: Path) -> None:
    """Though the rest of the header is ignored as a whole."""
    mapping = (ROOT / "mappings/sources/hl7v2-ref.toml").read_text("utf-8")
    told = 'practice.ods = { at = "MSH-4.1", codes = "practices", required = true }\n'
    mapping = re.sub(r"practice\.ods = .*\n", told, mapping) + '[codes.practices]\n"A99999" = "A99999"\n'
    (tmp_path / "pas").mkdir()
    (tmp_path / "pas" / "pas.toml").write_text(mapping, "utf-8")
    rows = bridge("ledger", REFERRAL, "--source", "pas", "--mappings", tmp_path / "pas", "--json").json

    assert {row["field"]: row["status"] for row in rows if row["field"] in ("MSH-4", "MSH-3")} == {
        "MSH-4": "mapped",
        "MSH-3": "ignored",
    }


def test_the_ledger_of_extracts_tells_their_columns(bridge: Bridge) -> None:
    """Every column of a row that is joined to an entry."""
    done = bridge("ledger", EXTRACTS)

    assert done.code == 0
    assert "emis mapped Patient.Surname (1): referral.patient.family" in done.out
    assert "emis ignored Observation.CodeId (1): leads to Code" in done.out
