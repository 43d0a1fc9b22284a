"""Looking over a profile before anything runs: a typing mistake must not cost hours of training."""

from collections.abc import Iterable

from harness.datasets.importers import importer_called
from harness.foundation.settings import Profile, Settings, validated
from harness.foundation.suggest import unknown_name
from harness.lifting.registry import method_module
from harness.scoring.protocols import protocol_called


def checked_profile(
    settings: Settings, name: str | None = None, models: Iterable[str] | None = None
) -> Profile:
    """Return a profile of which every name exists: data set, its options, protocols, models.

    Args:
        settings: params.yaml.
        name: the profile; the default one where none is named.
        models: those that are asked for; all that are listed where none are named.

    Raises:
        HarnessError: the profile or something it names is unknown; the nearest name is told.
    """
    profile = settings.profile_called(name)
    importer = importer_called(profile.dataset.name)
    where = f"params.yaml: profiles.{name or settings.profile}.dataset.options"
    validated(importer.settings, profile.dataset.options, where)
    for protocol in profile.protocols:
        protocol_called(protocol)
    for model in settings.models if models is None else models:
        method_module(model)
        if model not in profile.models:
            raise unknown_name("model of this profile", model, profile.models)
    return profile
