"""Splits as data, frame rates as data, and folders that are not the database's own."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from acclaim_files import amc_text, asf_text, walking, write_cmu
from click.testing import CliRunner
from test_fetch import Site

from harness.cli.main import harness
from harness.datasets.cmu import importer
from harness.datasets.cmu.frame_rates import known_frame_rates
from harness.datasets.cmu.splits import split_called
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import sha256_of_file

HEAD = "subject,trial,action,split\n"
OWN = HEAD + "01,01_01,Hop,train\n02,02_01,Stroll,test\n03,03_03,Walk,validation\n"


def own_split(folder: Path, text: str = OWN) -> str:
    path = folder / "mine.csv"
    path.write_text(text)
    return str(path)


def test_the_shipped_split_is_the_one_that_its_version_names() -> None:
    split = split_called("cmu26")
    assert split.title == "CMU-26, version 1"
    assert split.sha256.startswith("7116b11c7b48")
    assert len(split.trials) == 60
    by_split = {
        name: {line.subject for line in split.trials.values() if line.split == name}
        for name in ("train", "validation", "test")
    }
    assert {name: len(subjects) for name, subjects in by_split.items()} == {
        "train": 13,
        "validation": 4,
        "test": 9,
    }
    actions = {
        name: {line.action for line in split.trials.values() if line.split == name}
        for name in ("train", "test")
    }
    assert len(actions["train"] & actions["test"]) == 10
    assert actions["test"] <= actions["train"]
    assert all(known_frame_rates()[trial] == 120 for trial in split.trials)


def test_a_split_of_one_s_own_says_splits_and_actions(tiny_cmu: Path, tmp_path: Path) -> None:
    manifest = prepare_set("cmu", tiny_cmu, tmp_path / "set", {"split": own_split(tmp_path)})
    clips = PreparedSet(tmp_path / "set").clips.drop_duplicates("subaction").set_index("subaction")
    assert dict(zip(clips.index, clips["split"], strict=True)) == {
        "01_01": "train",
        "02_01": "test",
        "03_03": "validation",
    }
    assert clips.loc["02_01", "action"] == "Stroll"
    assert manifest.title == "mine.csv"
    assert manifest.notes[0].startswith("split mine.csv (SHA-256 ")
    assert manifest.notes[0].endswith("3 trials of 3 subjects")
    assert not {"train", "validation", "test"} & manifest.settings.keys(), "the lists say nothing"


def test_a_split_whose_test_clips_are_all_left_out_is_refused(tmp_path: Path) -> None:
    raw = write_cmu(tmp_path / "raw", {"01_01": walking(200), "02_01": walking(90)})
    listed = own_split(tmp_path, HEAD + "01,01_01,Walk,train\n02,02_01,Walk,test\n")
    with pytest.raises(HarnessError, match=r"left of the 1 test trials \(02_01\): 02_01:"):
        prepare_set("cmu", raw, tmp_path / "set", {"split": listed})
    assert not (tmp_path / "set").exists()


def test_files_other_than_those_of_a_shipped_split_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = write_cmu(tmp_path / "raw", {"01_01": walking(200), "02_01": walking(200)})
    text = HEAD + "01,01_01,Walk,train\n02,02_01,Walk,test\n"
    listed = replace(split_called(own_split(tmp_path, text)), name="cmu26", is_shipped=True)
    monkeypatch.setattr(importer, "split_called", lambda name: listed)
    assert "changed" in prepare_set("cmu", raw, tmp_path / "a", {"split": "cmu26"}).title
    sums = {
        path.relative_to(raw / "subjects").as_posix(): sha256_of_file(path)
        for path in raw.rglob("*.a[sm][fc]")
    }
    monkeypatch.setattr(importer, "shipped_sums", lambda: sums)
    assert prepare_set("cmu", raw, tmp_path / "b", {"split": "cmu26"}).title == listed.title
    sums["02/02_01.amc"] = "0" * 64
    manifest = prepare_set("cmu", raw, tmp_path / "c", {"split": "cmu26"})
    assert manifest.title == f"{listed.title}, of changed files"
    assert any("02/02_01.amc; numbers compare only where" in note for note in manifest.notes)


BAD_SPLITS = {
    "a trial that is not there": (OWN + "02,02_09,Walk,test\n", "lacks 02_09 of the 4 trials"),
    "a trial in another folder": (
        HEAD + "02,01_01,Walk,test\n",
        "says that 01_01 is of subject 02, but it is of 01",
    ),
    "a subject in two splits": (
        OWN + "01,01_14,Climb,test\n",
        r"subject 01 is in train \(01_01\) and in test \(01_14\)",
    ),
    "a trial twice": (OWN + "01,01_01,Hop,train\n", "line 5: trial 01_01 is listed twice"),
    "an unknown split": (OWN + "01,01_14,Hop,dev\n", "line 5: split 'dev' of 01_14 is none of"),
    "no name": (OWN + "01,01_14,=cmd(),train\n", r"line 5: action '=cmd\(\)' is no plain name"),
    "a missing value": (OWN + "01,01_14,Hop\n", "line 5: has 3 values"),
    "an empty value": (OWN + "01,01_14,,train\n", "line 5: has 4 values, some perhaps empty"),
    "other columns": ("trial,split\n01_01,train\n", "begins with 'trial,split', expected"),
    "nothing": ("", "begins with 'nothing', expected the line subject,trial,action,split"),
    "only a head": (HEAD, "lists no trial; add a line"),
    "quotes": (HEAD + '01,"01_01,Hop,train\n', "is no CSV file"),
}


@pytest.mark.parametrize("fault", BAD_SPLITS)
def test_a_bad_split_is_one_plain_line_and_nothing_is_made(
    fault: str, tiny_cmu: Path, tmp_path: Path
) -> None:
    text, message = BAD_SPLITS[fault]
    with pytest.raises(HarnessError, match=message) as caught:
        prepare_set("cmu", tiny_cmu, tmp_path / "set", {"split": own_split(tmp_path, text)})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


def test_splits_that_are_no_file_or_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"unknown split .*'cmu27'; did you mean 'cmu26'"):
        split_called("cmu27")
    with pytest.raises(HarnessError, match=r"gone\.csv: no such file"):
        split_called(str(tmp_path / "gone.csv"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(HarnessError, match="cannot be read"):
        split_called(str(tmp_path / "folder.csv"))
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HarnessError, match="is no text file"):
        split_called(str(tmp_path / "binary.csv"))
    (tmp_path / "huge.csv").write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(HarnessError, match="has 1,048,577 bytes"):
        split_called(str(tmp_path / "huge.csv"))


def test_a_shipped_split_that_was_altered_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.datasets.cmu import splits

    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/cmu26.csv").write_text(OWN)
    monkeypatch.setattr(splits.resources, "files", lambda package: tmp_path)
    with pytest.raises(HarnessError, match="is not CMU-26, version 1"):
        split_called("cmu26")


def test_a_split_and_lists_of_one_s_own_exclude_each_other(tiny_cmu: Path, tmp_path: Path) -> None:
    options = {"split": "cmu26", "train": ["01"]}
    with pytest.raises(HarnessError, match=r"split cmu26 already says .*leave train out"):
        prepare_set("cmu", tiny_cmu, tmp_path / "set", options)


def test_a_split_is_fetched_checked_and_prepared_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    trials = {name: walking(130, seed=n) for n, name in enumerate(("04_01", "06_03", "10_01"))}
    site = Site(write_cmu(tmp_path / "site", trials))
    split = own_split(tmp_path, HEAD + "04,04_01,A,train\n06,06_03,A,test\n")
    try:
        command = ["data", "fetch", "cmu", "--split", split, "--base-url", site.url]
        done = CliRunner().invoke(harness, command)
        assert done.exit_code == 0, done.output
        assert "4 files downloaded" in done.output
        assert not [name for name in site.requests if name.startswith("10")]
        site.requests.clear()
        assert "4 were there and right" in CliRunner().invoke(harness, command).output
        assert site.requests == []
    finally:
        site.close()
    done = CliRunner().invoke(harness, ["data", "prepare", "cmu", "--split", split])
    assert done.exit_code == 0, done.output
    assert "split mine.csv" in done.output
    done = CliRunner().invoke(
        harness, ["data", "prepare", "cmu", "--split", split, "--profile", "x"]
    )
    assert isinstance(done.exception, HarnessError)
    assert "--split and --profile exclude each other" in str(done.exception)


def test_a_file_of_the_split_that_is_not_the_known_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.datasets.cmu.fetch import fetch_cmu

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = Site(write_cmu(tmp_path / "site", {"01_01": walking(130)}))
    try:
        with pytest.raises(HarnessError, match=r"01\.asf: the file's SHA-256 is not the known"):
            fetch_cmu(tmp_path / "raw", split="cmu26", base_url=site.url, say=lambda line: None)
    finally:
        site.close()
    assert not list((tmp_path / "raw").rglob("*.as*"))


def test_the_whole_shipped_split_is_prepared_from_the_real_files(tmp_path: Path) -> None:
    raw = Path(__file__).parents[2].parent / "shared/data/cmu_large"
    if not raw.is_dir():
        pytest.skip(f"no CMU files at {raw}")
    from harness.datasets.cmu.importer import CmuSettings, find_trials
    from harness.datasets.cmu.sums import shipped_sums

    split = split_called("cmu26")
    trials = find_trials(raw, CmuSettings(split="cmu26"), split)
    assert {trial.name for trial in trials} == set(split.trials)
    sums = shipped_sums()
    for trial in trials:
        folder = raw / "subjects" / trial.subject
        for name in (f"{trial.name}.amc", f"{trial.subject}.asf"):
            assert sha256_of_file(folder / name) == sums[f"{trial.subject}/{name}"]


def test_trials_of_the_list_are_read_at_their_own_rate(tmp_path: Path) -> None:
    raw = write_cmu(tmp_path / "raw", {"01_01": walking(480), "05_01": walking(480)})
    (raw / "subjects/05").rename(raw / "subjects/60")
    for old, new in (("05.asf", "60.asf"), ("05_01.amc", "60_01.amc")):
        (raw / "subjects/60" / old).rename(raw / "subjects/60" / new)
    options = {"train": ["01"], "validation": [], "test": ["60"]}
    manifest = prepare_set("cmu", raw, tmp_path / "set", options)
    clips = PreparedSet(tmp_path / "set").clips.drop_duplicates("subaction").set_index("subaction")
    # 480 frames are 4 s at 120 a second and 8 s at 60, the rate of the salsa trials.
    assert clips.loc["01_01", "frames"] == 479 * 50 // 120 + 1
    assert clips.loc["60_01", "frames"] == 479 * 50 // 60 + 1
    assert "recorded at another rate than 120: 60_01" in manifest.notes


def test_the_list_of_rates_has_the_known_ones() -> None:
    rates = known_frame_rates()
    assert set(rates.values()) == {60.0, 120.0}
    for trial in ("33_01", "60_15", "61_01", "79_96", "80_73", "136_19"):
        assert rates[trial] == 60, trial
    for trial in ("01_01", "35_01", "69_75", "86_15", "136_18", "144_34"):
        assert rates[trial] == 120, trial
    assert "60_16" not in rates


@pytest.mark.parametrize("subject", ["alice", "S02", "1"])
def test_folders_with_any_name_and_ending_are_imported_and_told_of(
    subject: str, tmp_path: Path
) -> None:
    place = tmp_path / "raw/subjects" / subject
    place.mkdir(parents=True)
    (place / f"{subject.lower()}.ASF").write_text(asf_text())
    (place / f"{subject}-walk.AMC").write_text(amc_text(walking(200)))
    options = {"train": [subject], "validation": [], "test": []}
    manifest = prepare_set("cmu", tmp_path / "raw", tmp_path / "set", options)
    assert len(PreparedSet(tmp_path / "set").clips) == 4
    assert manifest.notes == [
        f"the frame rate of {subject}-walk is in no list and is taken to be 120 (option "
        "frame_rates)"
    ]
    again = prepare_set("cmu", tmp_path / "raw", tmp_path / "again", options)
    assert again.data_hash == manifest.data_hash


def test_ambiguous_folders_are_refused(tmp_path: Path) -> None:
    raw = write_cmu(tmp_path / "raw", {"01_01": walking(130), "02_01": walking(130)})
    options = {"train": ["01"], "validation": [], "test": ["02"]}
    (raw / "subjects/02/02.asf").rename(raw / "subjects/02/a.asf")
    prepare_set("cmu", raw, tmp_path / "set", options)  # the only skeleton is whose it must be
    (raw / "subjects/02/b.asf").write_text(asf_text())
    with pytest.raises(HarnessError, match=r"holds 2 skeletons, none called 02\.asf"):
        prepare_set("cmu", raw, tmp_path / "set", options)
    (raw / "subjects/02/02_01.amc").rename(raw / "subjects/02/01_01.amc")
    with pytest.raises(HarnessError, match=r"trial 01_01 is also .*rename one"):
        prepare_set("cmu", raw, tmp_path / "set", options)


def test_a_trial_under_a_second_is_said_to_be_too_short(tmp_path: Path) -> None:
    raw = write_cmu(tmp_path / "raw", {"02_01": walking(90)})
    options = {"train": ["02"], "validation": [], "test": []}
    message = r"the 1 train trials \(02_01\): 02_01: left out 38 frames \(shorter than a second\)"
    with pytest.raises(HarnessError, match=message):
        prepare_set("cmu", raw, tmp_path / "set", options)


def test_the_length_of_the_unit_can_be_told(tmp_path: Path) -> None:
    from harness.datasets.cmu.acclaim import read_asf

    path = tmp_path / "09.asf"
    path.write_text(asf_text())
    inches, told = read_asf(path), read_asf(path, metres_per_unit=0.01)
    rest = np.zeros((1, inches.channels))
    np.testing.assert_allclose(
        told.joint_ends(rest), inches.joint_ends(rest) * 0.01 / inches.metres, atol=1e-12
    )
    assert re.fullmatch(r"0\.0564\d*", str(inches.metres))
