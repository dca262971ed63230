"""A mapping file is understood, or everything wrong with it is told with file and line."""

from pathlib import Path

import pytest

from bridge.errors import ConfigError, Problem
from bridge.errors.catalogue import CATALOGUE
from bridge.sources import Source, load

GOOD = """version = 3
format = "json"
[fields]
event.kind = { at = "$.type", codes = "kind" }
event.record = { at = ["$.id", "$.ref"] }
"practice.ods" = { at = "$.practice" }
referral.priority = { at = "$.urgency", transform = "lower", codes = "urgency" }
[fields.patient]
family = { at = "$.name" }
[codes.kind]
"N" = "referred"
[codes.urgency]
"u" = "urgent"
"-" = ""
[ignored]
"$.audit" = "who looked is not part of the referral"
"""

BAD = """version = "3"
fromat = "json"
[fields]
event.kind = { at = "$.type", codes = "kinds" }
[codes.kind]
N = "referred"
"""

WRONG_INSIDE = """version = 1
format = "json"
[fields]
event.kind = { at = "$.type", codes = "kinds" }
event.record = { at = ["$.id", "id"] }
patient.surname = { at = "$.name" }
patient.family = { at = "$.name", transform = "shout" }
referral.priority = { at = "$.urgency", codes = "urgency" }
[codes.urgency]
"R" = "routine"
"S" = "soon"
[ignored]
"audit" = "no path"
"""


def problems_of(folder: Path, **files: str) -> list[Problem]:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        load(folder)
    assert {p.code for p in refusal.value.problems} <= CATALOGUE.keys()
    return list(refusal.value.problems)


def told(problems: list[Problem]) -> set[tuple[str, str, str]]:
    return {(p.code, p.at.rpartition("/")[2], p.target) for p in problems}


def loaded(folder: Path, **files: str) -> dict[str, Source]:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    return load(folder)


def test_a_good_mapping_is_ready_for_use(tmp_path: Path) -> None:
    """Paths are parsed, tables found, and the version is what each message will remember."""
    mapping = loaded(tmp_path, greenfield=GOOD)["greenfield"].mapping

    assert mapping.label == "greenfield@3"
    assert [rule.target.name for rule in mapping.rules] == [
        "event.kind",
        "event.record",
        "practice.ods",
        "patient.family",
        "referral.priority",
    ]
    assert [place.text for place in mapping.rules[1].places] == ["$.id", "$.ref"]
    assert [place.text for place in mapping.ignored] == ["$.audit"]


def test_what_identifies_an_event_is_required_whether_said_or_not(tmp_path: Path) -> None:
    """Without kind, key and owner there is no event."""
    rules = loaded(tmp_path, greenfield=GOOD)["greenfield"].mapping.rules

    assert [rule.target.name for rule in rules if rule.required] == [
        "event.kind",
        "event.record",
        "practice.ods",
    ]


def test_every_slip_of_form_is_told_at_once(tmp_path: Path) -> None:
    """One run of the check shows all there is to mend."""
    assert told(problems_of(tmp_path, greenfield=BAD)) == {
        ("mapping-wrong-value", "greenfield.toml:1", "version"),
        ("mapping-unknown-key", "greenfield.toml:2", "fromat"),
        ("mapping-missing-key", "greenfield.toml:1", "format"),
    }


def test_every_slip_of_meaning_is_told_at_once(tmp_path: Path) -> None:
    """Names, paths, tables and the words in them are checked before the first message arrives."""
    problems = problems_of(tmp_path, greenfield=WRONG_INSIDE)

    assert "referral.priority: The value is none" in next(
        p.rule for p in problems if p.code == "mapping-code"
    )
    assert told(problems) == {
        ("mapping-unknown-table", "greenfield.toml:4", "fields.event.kind.codes"),
        ("mapping-path", "greenfield.toml:5", "fields.event.record.at"),
        ("mapping-unknown-target", "greenfield.toml:6", "fields.patient.surname"),
        ("mapping-unknown-transform", "greenfield.toml:7", "fields.patient.family.transform"),
        ("mapping-code", "greenfield.toml:11", "codes.urgency.S"),
        ("mapping-path", "greenfield.toml:13", "ignored.audit"),
        ("mapping-needs-target", "greenfield.toml:3", "fields"),
    }


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ('{ at = "$.a", when = "x" }', "mapping-unknown-key"),
        ("{ required = true }", "mapping-missing-key"),
        ("{ at = [] }", "mapping-wrong-value"),
        ('{ at = "$.a", required = "yes" }', "mapping-wrong-value"),
        ('"$.a"', "mapping-wrong-value"),
        ("{}", "mapping-missing-key"),
    ],
)
def test_the_grammar_has_no_other_words(tmp_path: Path, field: str, code: str) -> None:
    """No conditions, no expressions, no silent typing errors."""
    text = GOOD.replace('family = { at = "$.name" }', f"family = {field}")

    problems = problems_of(tmp_path, greenfield=text)

    assert {(p.code, p.at.rpartition(":")[2]) for p in problems} == {(code, "9")}


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    """The other files are still read and their problems told."""
    problems = problems_of(tmp_path, broken='version = 1\nformat = "json\n', greenfield=BAD)

    assert ("toml-syntax", "broken.toml:2, column 15", "") in told(problems)
    assert len(problems) == 4


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / "greenfield.toml").write_bytes("version = 1 # é".encode("latin-1"))

    with pytest.raises(ConfigError, match="toml-not-utf-8"):
        load(tmp_path)


def test_a_folder_or_a_broken_link_among_the_files_is_told(tmp_path: Path) -> None:
    """Somebody put it there by mistake; the files beside it are still read."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "link.toml").symlink_to(tmp_path / "nowhere")
    problems = problems_of(tmp_path, greenfield=BAD)

    assert [p.code for p in problems].count("toml-unreadable") == 2
    assert len(problems) == 5


def test_a_place_that_is_no_path_is_told_with_what_may_stand_there(tmp_path: Path) -> None:
    """A path, or a list of them; the words are about mappings, not about types."""
    said = {
        "7": "a path, or a list of paths",
        '""': "a text that is not empty",
        "[]": "at least one of them",
        '["$.a", 7]': "a text",
    }
    for at, rule in said.items():
        problems = problems_of(tmp_path, greenfield=GOOD.replace('"$.name"', at))
        assert [p.rule for p in problems] == [rule]


def test_an_unknown_format_and_an_odd_file_name_are_told(tmp_path: Path) -> None:
    """A module of this package that is no reader is no format either."""
    assert told(problems_of(tmp_path, greenfield=GOOD.replace('"json"', '"targets"'))) == {
        ("mapping-unknown-format", "greenfield.toml:2", "format")
    }
    (tmp_path / "greenfield.toml").rename(tmp_path / "Green Field.toml")
    with pytest.raises(ConfigError, match="mapping-file-name"):
        load(tmp_path)


def test_an_overlay_of_a_broken_mapping_is_not_blamed(tmp_path: Path) -> None:
    """The system is there; its file is what has to be mended."""
    problems = problems_of(tmp_path, greenfield="version =", leeds=OVERLAY)

    assert [p.code for p in problems] == ["toml-syntax"]


@pytest.mark.parametrize("extends", ["5", '["greenfield"]', "{ a = 1 }"])
def test_an_overlay_of_no_name_hides_nothing(tmp_path: Path, extends: str) -> None:
    """Whatever stands where the system's name should, it is told; and another system can still be tried."""
    text = OVERLAY.replace('"greenfield"', extends)
    problems = problems_of(tmp_path, greenfield=GOOD, leeds=text)

    assert told(problems) == {("mapping-extends-unknown", "leeds.toml:2", "extends")}
    assert list(load(tmp_path, only=["greenfield"])) == ["greenfield"]


OVERLAY = """version = 2
extends = "greenfield"
practices = ["a99999", "B99999"]
[codes.urgency]
"soon" = "asap"
"u" = "stat"
"""


def test_a_practice_may_use_codes_of_its_own(tmp_path: Path) -> None:
    """What it does not change stays as the system has it, and messages remember both versions."""
    mapping = loaded(tmp_path, greenfield=GOOD, leeds_south=OVERLAY)["greenfield"].mapping

    assert mapping.codes["urgency"] == {"u": "urgent", "-": ""}
    assert mapping.overlays.keys() == {"A99999", "B99999"}
    assert mapping.overlays["A99999"].codes["urgency"] == {"u": "stat", "-": "", "soon": "asap"}
    assert mapping.overlays["A99999"].label == "greenfield@3+leeds-south@2"


def test_everything_wrong_with_an_overlay_is_told(tmp_path: Path) -> None:
    """An overlay knows codes only, of tables that its system has."""
    text = """version = 1
extends = "greenfield"
practices = ["A99999", "A 9"]
[codes.urgency]
"x" = "soon"
[codes.urgencies]
"x" = "urgent"
"""
    other = 'version = 1\nextends = "greenfeld"\npractices = ["C99999"]\n'
    fields = OVERLAY + '[fields]\npatient.family = { at = "$.x" }\n'

    assert told(problems_of(tmp_path, greenfield=GOOD, leeds=text, other=other, more=fields)) == {
        ("mapping-code", "leeds.toml:5", "codes.urgency.x"),
        ("mapping-unknown-table", "leeds.toml:6", "codes.urgencies"),
        ("ods-code-shape", "leeds.toml:3", "practices"),
        ("mapping-extends-unknown", "other.toml:2", "extends"),
        ("mapping-unknown-key", "more.toml:7", "fields"),
    }


def test_a_practice_has_one_overlay_of_a_system(tmp_path: Path) -> None:
    """Else the order of two files would decide what a code means."""
    problems = problems_of(tmp_path, greenfield=GOOD, leeds=OVERLAY, york=OVERLAY)

    assert told(problems) == {("mapping-two-overlays", "york.toml:3", "practices")}
