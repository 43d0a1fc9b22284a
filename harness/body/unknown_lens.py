"""A camera for pictures whose lens nobody told of."""

from harness.body.camera import Camera


def camera_of(size: tuple[int, int]) -> Camera:
    """Return a camera for a picture of (width, height) whose lens is not known.

    Its focal length is taken to be the picture's longer side, its centre the picture's.
    """
    width, height = size
    side = float(max(size))
    return Camera(
        name="video",
        width=width,
        height=height,
        focal_length=(side, side),
        center=(width / 2, height / 2),
    )
