"""Stage `prepare`: import a profile's raw files into the prepared form."""

from harness.datasets.importers import importer_called, prepare_set
from harness.experiments.preflight import checked_profile
from harness.foundation.settings import load_settings
from pipelines.stage import PREPARED, RAW, run_stage


def prepare(profile: str) -> None:
    """Write data/prepared/PROFILE from data/raw/PROFILE."""
    dataset = checked_profile(load_settings(), profile).dataset
    raw = RAW / profile if importer_called(dataset.name).needs_raw else None
    manifest = prepare_set(dataset.name, raw, PREPARED / profile, dataset.options)
    print(f"prepared {manifest.title}: {PREPARED / profile}, data hash {manifest.data_hash[:12]}")


if __name__ == "__main__":
    run_stage(prepare, "profile")
