"""The file of MediaPipe's pose landmarker: its bundle, or a wheel of MediaPipe 0.10 that holds it.

Bundles (.task) are published by MediaPipe ("Pose landmark detection", models lite, full and heavy;
Apache-2.0). Wheels up to 0.10.21 hold the networks of the model full, for the solutions of then;
what a bundle says besides is that pixels, 0 to 255, become 0 to 1.
"""

import io
import zipfile
from pathlib import Path

from harness.foundation.errors import HarnessError

FOLDER = Path("data/detector")
"""Where the model is looked for unless it is named."""

_DETECTOR, _LANDMARKS = "pose_detector.tflite", "pose_landmarks_detector.tflite"
_IN_WHEEL = {
    _DETECTOR: "mediapipe/modules/pose_detection/pose_detection.tflite",
    _LANDMARKS: "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
}
_HOW = (
    "get one with: pip download mediapipe==0.10.14 --no-deps --python-version 3.11 --dest "
    f"{FOLDER} (others: 'From a video' in docs/lift.md)"
)
_MOST_BYTES = 64 * 2**20
_METADATA = b"TFLITE_METADATA"


def landmark_model(named: Path | None) -> bytes:
    """Return the bundle of a pose landmarker.

    Args:
        named: a .task file or a wheel; the only one of FOLDER unless given.

    Raises:
        HarnessError: there is none, several, or it is damaged or holds no such model.
    """
    path = named or _only_one()
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; {_HOW}")
    try:
        with zipfile.ZipFile(path) as held:
            names = set(held.namelist())
            if {_DETECTOR, _LANDMARKS} <= names:
                return path.read_bytes()
            if set(_IN_WHEEL.values()) <= names:
                return _bundle({name: _read(held, inner) for name, inner in _IN_WHEEL.items()})
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise HarnessError(f"{path}: is damaged ({error}); download it again") from error
    raise HarnessError(f"{path}: holds no pose landmarker of MediaPipe; {_HOW}")


def _only_one() -> Path:
    there = sorted(path for kind in ("*.task", "*.whl") for path in FOLDER.glob(kind))
    if len(there) == 1:
        return there[0]
    if there:
        raise HarnessError(
            f"{FOLDER}: holds {', '.join(path.name for path in there)}; name one with --detector"
        )
    raise HarnessError(f"{FOLDER}: holds no model to find people in a video with; {_HOW}")


def _read(held: zipfile.ZipFile, name: str) -> bytes:
    if held.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"{name} is larger than {_MOST_BYTES:,} bytes")
    return held.read(name)


def _bundle(models: dict[str, bytes]) -> bytes:
    """Return a .task file: the models uncompressed in a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
        for name, model in models.items():
            bundle.writestr(name, model if _METADATA in model else _with_pixels_to_one(model))
    return file.getvalue()


def _with_pixels_to_one(model: bytes) -> bytes:
    """Return a TFLite model with metadata by which its input are pixels divided by 255."""
    import flatbuffers
    from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata
    from mediapipe.tasks.metadata import schema_py_generated as schema

    scale = metadata.NormalizationOptionsT()
    scale.mean, scale.std = [0.0], [255.0]
    unit = metadata.ProcessUnitT()
    unit.optionsType, unit.options = metadata.ProcessUnitOptions.NormalizationOptions, scale
    picture = metadata.TensorMetadataT()
    picture.processUnits = [unit]
    graph = metadata.SubGraphMetadataT()
    graph.inputTensorMetadata = [picture]
    told = metadata.ModelMetadataT()
    told.subgraphMetadata = [graph]
    builder = flatbuffers.Builder()
    builder.Finish(told.Pack(builder), b"M001")

    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    content, entry = schema.BufferT(), schema.MetadataT()
    content.data = builder.Output()
    entry.name, entry.buffer = _METADATA, len(whole.buffers)
    whole.buffers.append(content)
    whole.metadata = [*(whole.metadata or ()), entry]
    builder = flatbuffers.Builder()
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())
