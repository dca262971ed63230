"""The simulated practice drops whole batches, and half ones when a test needs them."""

from pathlib import Path

from bridge.simulators.emis import Plan
from bridge.simulators.gp import drop, finish


def test_a_batch_arrives_whole(tmp_path: Path) -> None:
    """Every table under its real name, and nothing else is left behind."""
    truth = drop(tmp_path, Plan(seed=1))

    assert sorted(tmp_path.iterdir()) == sorted(truth.files.values())


def test_a_table_can_come_late(tmp_path: Path) -> None:
    """Until `finish` it has a temporary name."""
    truth = drop(tmp_path, Plan(seed=1), held_back={"Admin_Patient"})
    late = truth.files["Admin_Patient"]
    assert not late.exists()
    assert late.with_name(late.name + ".part").exists()

    finish(tmp_path)
    assert late.exists()


def test_a_file_can_be_cut_short(tmp_path: Path) -> None:
    """It ends in the middle."""
    whole = drop(tmp_path, Plan(seed=1)).files["CareRecord_Observation"].read_bytes()
    cut = drop(tmp_path, Plan(seed=1), cut="CareRecord_Observation").files["CareRecord_Observation"]

    assert whole.startswith(cut.read_bytes())
    assert cut.stat().st_size == len(whole) // 2


def test_each_day_brings_a_later_batch(tmp_path: Path) -> None:
    """Numbers and extract dates rise."""
    days = [drop(tmp_path, Plan(seed=1, noise_rows=10), number) for number in (1, 2, 3)]

    assert [d.number for d in days] == [1, 2, 3]
    assert days[0].extracted < days[1].extracted < days[2].extracted
