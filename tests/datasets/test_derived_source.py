"""A prepared set gets a 2D source of derived joints, on which lifters can be trained."""

from pathlib import Path

import numpy as np
import pytest

from harness.body.skeleton import COCO_17, H36M_17
from harness.cli.main import main
from harness.datasets.importers import prepare_set
from harness.datasets.keypoints.derived_source import (
    found_in_source,
    found_on_3d,
    write_with_derived,
)
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError

OPTIONS = {"seconds": 0.2, "takes": 1, "test": ["S9"], "actions": ["Walking"]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    folder = tmp_path_factory.mktemp("sets") / "plain"
    prepare_set("synthetic", None, folder, OPTIONS)
    return PreparedSet(folder)


def test_joints_that_a_detector_would_find_become_a_source(
    prepared: PreparedSet, tmp_path: Path
) -> None:
    write_with_derived(prepared, found_on_3d(prepared, "body_25"), tmp_path / "out")
    derived = PreparedSet(tmp_path / "out")
    assert set(derived.manifest.sources_2d) == {"gt", "detected", "gt_body_25"}
    assert derived.manifest.sources_2d["gt_body_25"] == Source2D(
        layout="h36m_17", exact=False, confidence=False
    )
    assert derived.data_hash != prepared.data_hash
    np.testing.assert_array_equal(derived.positions_3d, prepared.positions_3d)
    confidence = prepared.confidence("detected")
    assert confidence is not None
    np.testing.assert_array_equal(derived.confidence("detected"), confidence)
    exact, new = prepared.keypoints_2d("gt"), derived.keypoints_2d("gt_body_25")
    thorax, shoulders = H36M_17.index("Thorax"), [11, 14]
    np.testing.assert_allclose(new[:, thorax], exact[:, shoulders].mean(axis=1), atol=1e-3)
    off = np.linalg.norm(new - exact, axis=-1).mean(axis=0)
    assert off[[1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]].max() < 1e-3, "found as they are"
    assert 0.5 < off[thorax] < 15


def test_a_detectors_source_becomes_one_in_the_joints_of_the_3d(
    prepared: PreparedSet, tmp_path: Path
) -> None:
    clip = prepared.clips.iloc[0]
    rows = slice(0, int(clip["frames"]))
    points = prepared.keypoints_2d("gt")[rows]
    found = np.resize(points, (len(points), 17, 2))
    sure = np.full((len(points), 17), 0.9)
    sure[:, COCO_17.index("LHip")] = 0.4
    with write_prepared_set(tmp_path / "in", H36M_17) as writer:
        writer.add_clip(
            origin="made",
            subject="S1",
            action="Walking",
            subaction="",
            split="train",
            fps=50,
            camera=prepared.camera(clip["camera"]),
            camera_key="c",
            positions_3d=prepared.positions_3d[rows],
            keypoints_2d={"det": found},
            layouts={"det": Source2D(layout="coco_17", exact=False, confidence=True)},
            confidence={"det": sure},
        )
        writer.finish(
            name="made",
            title="Made",
            licence="free",
            citation="nobody",
            importer_version=1,
            settings={},
        )
    given = PreparedSet(tmp_path / "in")
    write_with_derived(given, found_in_source(given, "det"), tmp_path / "out")
    derived = PreparedSet(tmp_path / "out")
    new, certain = derived.keypoints_2d("det_h36m_17"), derived.confidence("det_h36m_17")
    assert certain is not None
    hips = [COCO_17.index("LHip"), COCO_17.index("RHip")]
    np.testing.assert_allclose(new[:, 0], found[:, hips].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(certain[:, 0], 0.4)
    np.testing.assert_allclose(certain[:, H36M_17.index("Thorax")], 0.9)
    with pytest.raises(HarnessError, match="has a 2D source det_h36m_17 already"):
        write_with_derived(derived, found_in_source(derived, "det"), tmp_path / "again")


def test_what_cannot_be_derived_is_one_plain_line(
    prepared: PreparedSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HarnessError, match="unknown joints of a detector 'coco17'; did you mean"):
        found_on_3d(prepared, "coco17")
    for words, said in (
        ([], "either --joints or --source"),
        (["--joints", "coco_17", "--source", "gt"], "either --joints or --source"),
        (["--source", "cpn"], "unknown 2D source"),
    ):
        with pytest.raises(SystemExit):
            main(["data", "derive", str(prepared.path), *words, "--out", str(tmp_path / "out")])
        assert said in capsys.readouterr().err


def test_a_lifter_trains_on_a_derived_source(
    prepared: PreparedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    Path("params.yaml").write_text(
        "profile: mine\nseeds: [0]\nmodels: [martinez]\nprofiles:\n  mine:\n"
        "    dataset: {name: synthetic}\n    input_2d: gt_coco_17\n    flip_test: true\n"
        "    protocols: [h36m17-actionwise]\n    models:\n      martinez:\n"
        "        network: {width: 8}\n        training: {epochs: 1, steps_per_epoch: 2}\n"
    )
    out = Path("data/prepared/mine")
    for words in (
        ["data", "derive", str(prepared.path), "--joints", "coco_17", "--out", str(out)],
        ["train", "martinez"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert not ended.value.code
    assert Path("results/mine/runs/martinez-seed0/model.safetensors").is_file()
