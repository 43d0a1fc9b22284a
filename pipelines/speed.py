"""Stage `speed`: how long DG-Net and VideoPose3D take for a frame, timed by turns."""

from harness.foundation.files import write_json
from harness.foundation.settings import load_settings
from harness.reporting.paper.speed_measurement import measure_speed
from harness.reporting.paper.speed_table import SPEED_FILE, SPEED_FOLDER
from pipelines.stage import RESULTS, run_stage


def speed(profile: str) -> None:
    """Write results/PROFILE/speed/speed.json."""
    report = measure_speed(load_settings().profile_called(profile).models)
    write_json(RESULTS / profile / SPEED_FOLDER / SPEED_FILE, report.model_dump(mode="json"))


if __name__ == "__main__":
    run_stage(speed, "profile")
