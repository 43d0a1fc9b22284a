"""Imported public weights give what the public code gives; nothing else gets in."""

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import public_networks as public
import pytest
import torch
from tiny_lifter import write_tiny_set
from torch import Tensor

from harness.exchange.checkpoint_import.into_run import import_checkpoint
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import read_record
from harness.lifting.checkpoint import CHECKPOINT, load_checkpoint, read_contract
from harness.lifting.contract import Lifter, LifterInput
from harness.prediction.predict_run import predict_run


def saved(path: Path, content: Any, old_format: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not old_format)
    return path


def imported(files: list[Path], model: str, folder: Path, **options: Any) -> Lifter:
    import_checkpoint(files, model, folder, **options)
    return load_checkpoint(folder / CHECKPOINT)[0]


def given(frames: int, joints: int) -> LifterInput:
    generator = torch.Generator().manual_seed(1)
    return LifterInput(
        torch.rand(3, frames, joints, 2, generator=generator) * 2 - 1,
        torch.tensor([[2.3, 2.29, 0.02, 0.01, 0, 0, 0, 0, 0]]).expand(3, 9),
        torch.rand(3, frames, generator=generator) + 4,
    )


def same(actual: Tensor, expected: Tensor) -> None:
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("blocks", [2, 4])
def test_videopose3d(tmp_path: Path, blocks: int, causal: bool) -> None:
    weights = public.videopose3d_weights(blocks=blocks)
    # As run.py stores it: with a random state of numpy and an optimiser beside the weights.
    content = {
        "epoch": 80,
        "lr": np.float64(1e-4),
        "random_state": np.random.RandomState(1),
        "optimizer": None,
        "model_pos": weights,
    }
    path = saved(tmp_path / "pretrained_h36m_cpn.bin", content, old_format=True)
    told = {"causal": True} if causal else {}
    lifter = imported([path], "videopose3d", tmp_path / "run", told=told)
    field = 3 ** (blocks + 1)
    assert lifter.frames == field
    inputs = given(field, 17)
    with torch.no_grad():
        same(lifter(inputs), public.videopose3d(weights, inputs.keypoints, causal))
        clip = LifterInput(inputs.keypoints[:1].repeat(1, 2, 1, 1), inputs.intrinsics[:1])
        at_once = lifter.lift_clip(clip)
        pad = field - 1
        whole = public.videopose3d(weights, clip.keypoints, causal)
        offset = pad if causal else pad // 2
        same(at_once[:, offset : offset + whole.shape[1]], whole)


def test_videopose3d_of_humaneva_takes_coco_keypoints(tmp_path: Path) -> None:
    weights = public.videopose3d_weights(joints_out=15)
    path = saved(tmp_path / "pretrained_humaneva15_detectron.bin", {"model_pos": weights})
    lifter = imported([path], "videopose3d", tmp_path / "run")
    inputs = given(27, 17)
    same(lifter(inputs).detach(), public.videopose3d(weights, inputs.keypoints))
    contract = read_contract(tmp_path / "run" / CHECKPOINT)
    assert (contract.dataset, contract.skeleton) == ("humaneva", "humaneva_15")
    assert (contract.layout, contract.input_2d) == ("coco_17", "detectron_pt_coco")


@pytest.mark.parametrize(
    ("seen", "predicted", "told", "layout", "source"),
    [
        (15, 15, None, "humaneva_15", "gt"),
        (16, 17, None, "h36m_16", "sh_ft_h36m"),
        (17, 17, None, "h36m_17", "cpn_ft_h36m_dbb"),
        (17, 17, "coco_17", "coco_17", "cpn_ft_h36m_dbb"),
    ],
)
def test_videopose3d_of_other_joints(
    tmp_path: Path, seen: int, predicted: int, told: str | None, layout: str, source: str
) -> None:
    weights = public.videopose3d_weights(joints_in=seen, joints_out=predicted)
    path = saved(tmp_path / "checkpoint.bin", {"model_pos": weights})
    lifter = imported([path], "videopose3d", tmp_path / "run", layout=told)
    inputs = given(27, seen)
    same(lifter(inputs).detach(), public.videopose3d(weights, inputs.keypoints))
    contract = read_contract(tmp_path / "run" / CHECKPOINT)
    assert (contract.layout, contract.input_2d) == (layout, source)


def test_a_layout_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "checkpoint.bin", {"model_pos": public.videopose3d_weights()})
    message = refusal(path, "videopose3d", tmp_path / "run", layout="h36m_16")
    assert "weight 'expand_conv.weight' has shape" in message
    assert "h36m_17" in refusal(path, "videopose3d", tmp_path / "run", layout="h36m_71")


def test_names_of_a_parallel_network_are_its_own(tmp_path: Path) -> None:
    weights = public.videopose3d_weights()
    parallel = {f"module.{name}": weight for name, weight in weights.items()}
    for name, content in (("plain", weights), ("parallel", parallel)):
        path = saved(tmp_path / f"{name}.bin", {"model_pos": content})
        imported([path], "videopose3d", tmp_path / name)
    states = [load_checkpoint(tmp_path / name / CHECKPOINT)[0] for name in ("plain", "parallel")]
    for ours, theirs in zip(*(lifter.state_dict().values() for lifter in states), strict=True):
        assert torch.equal(ours, theirs)


def test_wsgcn_writes_semgcns_network(tmp_path: Path) -> None:
    weights = public.semgcn_weights(16, non_local="nonlocal")
    path = saved(tmp_path / "ckpt_best.pth.tar", {"state_dict": weights})
    lifter = imported([path], "wsgcn", tmp_path / "run")
    inputs = given(1, 16)
    expected = public.semgcn(weights, inputs.keypoints[:, 0], "nonlocal")
    same(lifter(inputs).detach()[:, 0], expected)


@pytest.mark.parametrize("joints_out", [15, 16])
def test_martinez(tmp_path: Path, joints_out: int) -> None:
    weights = public.martinez_weights(joints_out=joints_out)
    content = {"epoch": 200, "lr": 1e-3, "step": 9, "state_dict": weights, "error": 44.4}
    path = saved(tmp_path / "ckpt_linear.pth.tar", content, old_format=True)
    lifter = imported([path], "martinez", tmp_path / "run")
    inputs = given(1, 16)
    poses = lifter(inputs).detach()[:, 0]
    expected = public.martinez(weights, inputs.keypoints[:, 0])
    if joints_out == 15:
        assert not poses[:, 0].any()
        poses = poses[:, 1:]
    same(poses, expected)


@pytest.mark.parametrize(
    ("joints", "non_local"),
    [
        (16, None),
        (17, None),
        (16, "nonlocal"),
        (16, "non_local"),
        (16, "nonlocal_"),
        (16, "nonlocal1"),
    ],
)
def test_semgcn(tmp_path: Path, joints: int, non_local: str | None) -> None:
    weights = public.semgcn_weights(joints, non_local=non_local)
    path = saved(tmp_path / "ckpt_semgcn.pth.tar", {"state_dict": weights})
    lifter = imported([path], "semgcn", tmp_path / "run")
    inputs = given(1, joints)
    expected = public.semgcn(weights, inputs.keypoints[:, 0], non_local)
    same(lifter(inputs).detach()[:, 0], expected)


@pytest.mark.parametrize(("frames", "refine"), [(1, False), (1, True), (3, False), (7, True)])
def test_stgcn(tmp_path: Path, frames: int, refine: bool) -> None:
    weights, refinement = public.stgcn_weights(frames, refine=refine)
    files = [saved(tmp_path / "model_st_gcn_36_eva_post_5062.pth", weights)]
    if refine:
        files.append(saved(tmp_path / "model_post_refine_36_eva_post_5062.pth", refinement))
    told = {} if frames == 1 else {"frames": frames}
    lifter = imported(files, "stgcn", tmp_path / "run", told=told)
    assert lifter.uses_root_depth == refine
    inputs = given(frames, 17)
    everything = public.stgcn(weights, inputs.keypoints)
    middle = frames // 2
    expected = everything[:, middle]
    if refine:
        depth = inputs.root_depth
        assert depth is not None
        pixels = inputs.keypoints[:, middle]
        expected = public.stgcn_refined(
            refinement, expected, pixels, inputs.intrinsics, depth[:, middle]
        )
    same(lifter(inputs).detach()[:, 0], expected)


def test_records_the_conditions_of_the_release(tmp_path: Path) -> None:
    path = saved(tmp_path / "ckpt_linear.pth.tar", {"state_dict": public.martinez_weights()})
    record = import_checkpoint([path], "martinez", tmp_path / "run")
    assert record == read_record(tmp_path / "run" / "run.json")
    assert (record.kind, record.status, record.dataset) == ("import", "finished", "h36m")
    contract = read_contract(tmp_path / "run" / CHECKPOINT)
    origin = contract.origin
    assert origin is not None
    assert origin.release == "garyzhao/SemGCN"
    assert list(origin.files) == ["ckpt_linear.pth.tar"]
    assert (origin.unit, origin.root) == ("metres", "not predicted, zero")
    assert (contract.input_2d, contract.skeleton, contract.data_hash) == ("gt", "h36m_16", None)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path / "ckpt_linear.pth.tar", {"state_dict": public.martinez_weights()})
    for name in ("a", "b"):
        import_checkpoint([path], "martinez", tmp_path / name)
    assert (tmp_path / "a" / CHECKPOINT).read_bytes() == (tmp_path / "b" / CHECKPOINT).read_bytes()


def test_predicts_only_what_it_was_trained_for(tmp_path: Path) -> None:
    prepared = write_tiny_set(tmp_path / "tiny")
    weights = public.martinez_weights()
    path = saved(tmp_path / "ckpt_linear.pth.tar", {"state_dict": weights})
    import_checkpoint([path], "martinez", tmp_path / "run")
    with pytest.raises(HarnessError, match="trained on data set h36m"):
        predict_run(tmp_path / "run", prepared.path, flip_test=False)
    with pytest.raises(HarnessError, match="2D source 'gt'"):
        predict_run(tmp_path / "run", prepared.path, flip_test=False, input_2d="noisy")
    written = predict_run(tmp_path / "run", prepared.path, flip_test=False, allow_other_input=True)
    assert (written / "predictions.npy").is_file()


def refusal(path: Path, model: str, folder: Path, **options: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        import_checkpoint([path], model, folder, **options)
    message = str(caught.value)
    assert path.name in message
    assert len(message.splitlines()) == 1
    assert not (folder / CHECKPOINT).exists()
    assert not (folder / "run.json").exists()
    return message


@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_refuses_a_truncated_file(tmp_path: Path, old_format: bool, keep: float) -> None:
    whole = saved(tmp_path / "whole", {"model_pos": public.videopose3d_weights()}, old_format)
    content = whole.read_bytes()
    path = tmp_path / "cut.bin"
    path.write_bytes(content[: int(len(content) * keep)])
    assert "cut.bin" in refusal(path, "videopose3d", tmp_path / "run")


def test_refuses_an_archive_that_says_it_lies_on_two_disks(tmp_path: Path) -> None:
    path = tmp_path / "two.bin"
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 2)
    path.write_bytes(locator + b"PK\x05\x06" + bytes(18))
    assert "two.bin: is not a whole PyTorch file" in refusal(path, "videopose3d", tmp_path / "run")


def test_refuses_a_file_of_another_kind_without_codes(tmp_path: Path) -> None:
    path = tmp_path / "notes.bin"
    path.write_bytes(b"hello, reader")
    message = refusal(path, "videopose3d", tmp_path / "run")
    assert message == f"{path}: is not a whole PyTorch file; get it again"


def test_refuses_a_file_in_which_a_weight_was_changed(tmp_path: Path) -> None:
    weights = public.martinez_weights()
    path = saved(tmp_path / "ckpt_linear.pth.tar", {"state_dict": weights})
    content = path.read_bytes()
    stored = weights["w1.weight"].numpy().tobytes()
    assert content.count(stored) == 1
    path.write_bytes(content.replace(stored, stored[:-1] + bytes([stored[-1] ^ 1])))
    assert "was changed after it was written" in refusal(path, "martinez", tmp_path / "run")


class RunsCode:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.witness,))


@pytest.mark.parametrize("old_format", [False, True])
def test_refuses_a_file_that_would_run_code(tmp_path: Path, old_format: bool) -> None:
    witness = tmp_path / "it-ran"
    content = {"model_pos": public.videopose3d_weights(), "extra": RunsCode(witness)}
    path = saved(tmp_path / "evil.bin", content, old_format)
    assert "nothing in it was run" in refusal(path, "videopose3d", tmp_path / "run")
    plain = tmp_path / "plain.bin"
    plain.write_bytes(pickle.dumps(RunsCode(witness)))
    refusal(plain, "videopose3d", tmp_path / "run")
    assert not witness.exists()


def test_refuses_missing_extra_misshapen_and_broken_weights(tmp_path: Path) -> None:
    whole = public.martinez_weights()

    def refused(changed: dict[str, Any]) -> str:
        path = saved(tmp_path / "ckpt_linear.pth.tar", {"state_dict": changed})
        return refusal(path, "martinez", tmp_path / "run")

    missing = {name: weight for name, weight in whole.items() if name != "w1.bias"}
    assert "lacks weight 'w1.bias'" in refused(missing)
    assert "'added.weight' (1 in all) has no place" in refused(
        whole | {"added.weight": torch.zeros(3)}
    )
    assert "'w1.bias' has shape (5,)" in refused(whole | {"w1.bias": torch.zeros(5)})
    broken = whole["w1.bias"].clone()
    broken[0] = torch.nan
    assert "NaN or infinity" in refused(whole | {"w1.bias": broken})
    assert "expected weights by name" in refused(whole | {"w1.bias": 3})


def test_refuses_the_weights_of_another_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    linear = saved(tmp_path / "linear", {"state_dict": public.martinez_weights()})
    temporal = saved(tmp_path / "temporal", {"model_pos": public.videopose3d_weights()})
    graph = saved(tmp_path / "graph", public.stgcn_weights(1)[0])
    assert "not a checkpoint of semgcn" in refusal(linear, "semgcn", run)
    assert "no entry 'model_pos' (but state_dict)" in refusal(linear, "videopose3d", run)
    assert "no entry 'state_dict' (but model_pos)" in refusal(temporal, "martinez", run)
    assert "no entry" in refusal(graph, "semgcn", run)
    assert "'model_pos' is dict, expected weights by name" in refusal(temporal, "stgcn", run)
    plain = saved(tmp_path / "plain", public.martinez_weights())
    assert "not a checkpoint of stgcn" in refusal(plain, "stgcn", run)


def test_refuses_what_contradicts_or_is_left_open(tmp_path: Path) -> None:
    run = tmp_path / "run"
    temporal = saved(tmp_path / "t.bin", {"model_pos": public.videopose3d_weights()})
    assert "frames 27, not 81" in refusal(temporal, "videopose3d", run, told={"frames": 81})
    graph = saved(tmp_path / "g.pth", public.stgcn_weights(3)[0])
    assert "do not tell frames (1, 3, 5 or 7); add --frames" in refusal(graph, "stgcn", run)
    twice = public.semgcn_weights(non_local="nonlocal")
    twice |= public.semgcn_weights(non_local="non_local")
    path = saved(tmp_path / "s.tar", {"state_dict": twice})
    assert "different spellings" in refusal(path, "semgcn", run)
    with pytest.raises(HarnessError, match="no such file"):
        import_checkpoint([tmp_path / "nowhere"], "semgcn", run)
    with pytest.raises(HarnessError, match="semgcn"):
        import_checkpoint([path], "semgnc", run)
