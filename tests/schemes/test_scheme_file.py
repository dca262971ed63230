"""Scheme files: read strictly, every problem at once, with its line."""

from pathlib import Path

import pytest

from bridge.config import shipped
from bridge.errors import ConfigError
from bridge.schemes import Rulebook, scheme_file

GOOD = (shipped("mappings") / "schemes" / "example.toml").read_text("utf-8")


def load(folder: Path, **files: str) -> Rulebook:
    """Write the files and read them."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return Rulebook(scheme_file.load(folder))


def problems(folder: Path, **files: str) -> list[str]:
    """Each problem as its place and rule."""
    with pytest.raises(ConfigError) as caught:
        load(folder, **files)
    return [f"{p.at.rsplit('/', 1)[-1]} {p.target} {p.rule}" for p in caught.value.problems]


@pytest.mark.parametrize("name", ["example", "demo"])
def test_what_ships_can_be_read(tmp_path: Path, name: str) -> None:
    """A pattern that does not load teaches nothing."""
    text = (shipped("mappings") / "schemes" / f"{name}.toml").read_text("utf-8")

    assert load(tmp_path, one=text).by_name(name) is not None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("minimum_age = 18", "minimum_age = 18\nminimum_agee = 18", "minimum_agee"),
        ('mode = "off"', 'mode = "on"', "practices.0.mode"),
        ('ods = "A99999"', 'ods = "A9"', "practices.0.ods"),
        ('telephone = "01632 960000"', "", "risk_contact"),
        ('"871731000000106"', '"871731000000100"', "snomed-"),
        ('record = "record"', 'record = "elsewhere"', "record route"),
        ('record = "record"', 'record = "record"\nletters = "record"', "a route of letters that is none"),
        ('record = "record"', 'record = "record"\nletters = "list"', "a route of letters that is none"),
        ('  "name", "preferred-name"', '  "surname"', "no such field group: surname"),
        ('kind = "direct-care"', 'kind = "broad"', "service.kind"),
        ('ods = "Z9999"', "", "a service needs"),
    ],
)
def test_each_mistake_is_named_where_it_stands(tmp_path: Path, old: str, new: str, told: str) -> None:
    """The file, the line, the field and the rule."""
    assert old in GOOD
    found = problems(tmp_path, site=GOOD.replace(old, new, 1))

    assert any(told in each for each in found), found
    assert all(each.startswith("site.toml:") for each in found)


def test_two_schemes_may_not_share_a_practice(tmp_path: Path) -> None:
    """Nobody could say which rules hold."""
    other = GOOD.replace('name = "example"', 'name = "other"', 1)

    assert any("A99999" in each for each in problems(tmp_path, one=GOOD, two=other))


def test_the_referral_code_is_never_written_back(tmp_path: Path) -> None:
    """It is the GP's own (design: the trigger is never filed for a referral the GP coded)."""
    code = '[[write_back]]\non = "accepted"\ncode = "871731000000106"\ndisplay = "x"\n'
    signed = 'signed_off_by = "Dr A"\nsigned_off_on = 2026-01-01\n'

    assert any("never written back" in each for each in problems(tmp_path, one=GOOD + code + signed))


def test_a_code_that_one_source_alone_confirms_is_not_written(tmp_path: Path) -> None:
    """Mark B or less stays out of a record."""
    code = '[[write_back]]\non = "attended"\ncode = "1362931000000106"\ndisplay = "x"\n'
    signed = 'signed_off_by = "Dr A"\nsigned_off_on = 2026-01-01\n'

    assert any("two public sources" in each for each in problems(tmp_path, one=GOOD + code + signed))


def test_every_problem_of_every_file_comes_at_once(tmp_path: Path) -> None:
    """Nobody mends them one by one."""
    found = problems(tmp_path, one=GOOD.replace('mode = "off"', 'mode = "on"'), two="name = [")

    assert {each.split(":")[0].split(" ")[0] for each in found} >= {"one.toml", "two.toml"}


def test_a_live_practice_needs_the_day_it_went_live(tmp_path: Path) -> None:
    """Without it, old referrals would go out with the first extract."""
    text = GOOD.replace('mode = "off"', 'mode = "live"', 1).replace("live_from = 2026-01-01", "", 1)

    assert any("live_from" in each for each in problems(tmp_path, site=text))
