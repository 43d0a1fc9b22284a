"""Stage `affinity`: what a model predicts and looks at over time on chosen clips (figure 6)."""

from harness.datasets.prepared import PreparedSet
from harness.reporting.paper.frame_inspection import make_scene, spread_frames, usual_clips
from harness.reporting.paper.scene_figure import AFFINITY_FOLDER, draw_animation, draw_still
from pipelines.stage import PREPARED, RESULTS, publish, run_stage

STILL_FRAMES = 3
ANIMATED_FRAMES = 12


def affinity(profile: str, model: str, seed: int) -> None:
    """Write results/PROFILE/affinity/RUN/: a still and an animation of each of the clips."""
    name = f"{model}-seed{seed}"
    run, out = RESULTS / profile / "runs" / name, RESULTS / profile / AFFINITY_FOLDER / name
    prepared = PreparedSet(PREPARED / profile)
    written = [
        path
        for clip in usual_clips(prepared)
        for count, draw in ((STILL_FRAMES, draw_still), (ANIMATED_FRAMES, draw_animation))
        for path in draw(
            make_scene(run, prepared, clip, spread_frames(int(clip["frames"].item()), count)), out
        )
    ]
    publish(written, profile, f"{profile}/{name} affinities")


if __name__ == "__main__":
    run_stage(affinity, "profile", "model", "seed")
