from pathlib import Path

from matplotlib import image

from harness.reporting.curve_figure import draw_learning_curves

HEAD = "epoch,step,learning_rate,train_loss,validation_MPJPE\n"


def write_history(results: Path, run: str, values: list[str]) -> None:
    folder = results / "quick" / "runs" / run
    folder.mkdir(parents=True)
    lines = [f"{epoch},{epoch * 10},0.001,1.0,{value}\n" for epoch, value in enumerate(values, 1)]
    (folder / "history.csv").write_text(HEAD + "".join(lines))


def test_curves_are_drawn_and_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    write_history(tmp_path, "dgnet-seed0", ["200", "150", "160"])
    write_history(tmp_path, "dgnet-seed1", ["210", "155", "150"])
    write_history(tmp_path, "semgcn-seed0", [])  # in its first epoch
    path, _ = draw_learning_curves(["semgcn", "dgnet"], "quick", tmp_path, [0, 1])
    picture = image.imread(path)
    assert picture[..., :3].std() > 0.02, "something other than white paper is drawn"
    before = path.read_bytes()
    draw_learning_curves(["semgcn", "dgnet"], "quick", tmp_path, [0, 1])
    assert path.read_bytes() == before
    draw_learning_curves(["semgcn", "dgnet"], "quick", tmp_path, [0])
    assert path.read_bytes() != before, "another choice of seeds is another figure"


def test_without_validation_the_training_loss_is_drawn(tmp_path: Path) -> None:
    write_history(tmp_path, "dgnet-seed0", ["", ""])
    path, _ = draw_learning_curves(["dgnet"], "quick", tmp_path, [0])
    assert image.imread(path)[..., :3].std() > 0.02


def test_without_runs_the_figure_is_there_all_the_same(tmp_path: Path) -> None:
    path, _ = draw_learning_curves(["dgnet"], "quick", tmp_path, [0])
    assert image.imread(path).shape[0] > 100, "the pipeline's output must exist"
