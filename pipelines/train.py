"""Stage `train`: train one model of a profile with one seed, or go on where it was killed."""

from harness.experiments.preflight import checked_profile
from harness.foundation.settings import load_settings
from harness.training.plan import profile_plan
from harness.training.train_run import train_run
from pipelines.stage import run_stage


def train(profile: str, model: str, seed: int) -> None:
    """Write run.json, history.csv and model.safetensors of the run."""
    settings = checked_profile(load_settings(), profile)
    train_run(profile_plan(profile, settings, model, seed))


if __name__ == "__main__":
    run_stage(train, "profile", "model", "seed")
