"""The name of a clip, as files of other programs call it."""

import pandas as pd


def clip_names(clips: pd.DataFrame) -> list[str]:
    """Return a name a clip: subject, action, subaction and camera with "/" between.

    What is empty is left out, and a camera's own mention of its subject. Names are unique, for
    these four tell clips apart.

    Args:
        clips: rows of a prepared set's clips.
    """
    columns = ("subject", "action", "subaction", "camera")
    return [
        "/".join(filter(None, (subject, action, subaction, _own_name(camera, subject))))
        for subject, action, subaction, camera in clips[list(columns)].itertuples(index=False)
    ]


def _own_name(camera: str, subject: str) -> str:
    return "" if camera == subject else camera.removeprefix(f"{subject}/")
