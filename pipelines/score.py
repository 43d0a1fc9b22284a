"""Stage `score`: score a run's stored predictions under every protocol of its profile."""

from harness.foundation.settings import load_settings
from harness.scoring.all_protocols import score_run
from pipelines.stage import PREPARED, RESULTS, run_stage


def score(profile: str, model: str, seed: int) -> None:
    """Write scores/PROTOCOL/ for every protocol, and metrics.json with all averages."""
    name = f"{model}-seed{seed}"
    protocols = load_settings().profile_called(profile).protocols
    run = RESULTS / profile / "runs" / name
    for protocol, metrics in score_run(
        f"{profile}/{name}", run, PREPARED / profile, protocols
    ).items():
        print(f"{name}: MPJPE {metrics['MPJPE']:.1f} mm, P-MPJPE {metrics['P-MPJPE']:.1f} mm")
        print(f"  under {protocol}; all metrics in {run / 'metrics.json'}")


if __name__ == "__main__":
    run_stage(score, "profile", "model", "seed")
