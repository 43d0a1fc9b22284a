"""AlphaPose's alphapose-results.json (MVIG-SJTU/AlphaPose, docs/output.md).

    [{"image_id": "12.jpg", "category_id": 1, "keypoints": [x, y, score, ...], "score": 2.9,
      "box": [x, y, width, height], "idx": 1}, ...]

As COCO's results, but images go by name, which holds the number of the frame. `idx` is there where
people were tracked. Scores of joints reach beyond 1 with some models; more is as sure as 1.
"""

from harness.datasets.keypoints.content import Content, frame_number
from harness.datasets.keypoints.detections import Detections, DetectionsBuilder, triples
from harness.foundation.errors import HarnessError

_JOINTS = (17, 26, 136, 133)


def fits(content: Content) -> bool:
    """Return whether this is a list of results whose images go by name."""
    value = content.value
    if content.kind != "json" or not isinstance(value, list) or not value:
        return False
    first = value[0]
    return (
        isinstance(first, dict)
        and {"image_id", "keypoints"} <= first.keys()
        and isinstance(first["image_id"], str)
    )


def read(content: Content) -> Detections:
    """Read AlphaPose's results; raises HarnessError for what is none."""
    builder = DetectionsBuilder(str(content.path), _JOINTS)
    for number, item in enumerate(content.value):
        where = f"{content.path}: entry {number}"
        if not isinstance(item, dict) or not {"image_id", "keypoints"} <= item.keys():
            raise HarnessError(f"{where}: has no 'image_id' and 'keypoints', as AlphaPose writes")
        frame = frame_number(str(item["image_id"]))
        if frame is None:
            raise HarnessError(
                f"{where}: image '{item['image_id']}' has no number in its name, which says the "
                "frame; number the images of a video"
            )
        builder.add(frame, triples(item["keypoints"], where), item.get("idx"))
    return builder.finish()
