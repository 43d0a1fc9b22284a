#!/usr/bin/env bash
# A BVH file may give position channels to any joint, not to the root alone; the motions of Bandai-Namco do.
# Whether they replace the joint's OFFSET or count for nothing depends on the reader: of one valid file, bvhio
# 1.5.4 puts the joint where its channels say, bvhTools 1.6.0 (with a warning) where its OFFSET says, in every
# frame. Seen, OFFSET 10 and channels 10 and 12: bvhio 10 and 12, bvhTools 10 and 10. At the root both take
# the channels. So lengths of bones, and every error in millimetres, differ by who read the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bvhio==1.5.4 bvhTools==1.6.0
cd "$folder"
cat > two_joints.bvh <<'BVH'
HIERARCHY
ROOT Hips
{
  OFFSET 1.0 2.0 3.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0.0 10.0 0.0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0.0 5.0 0.0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.01
100.0 0.0 0.0 0.0 0.0 0.0 0.0 10.0 0.0 0.0 0.0 0.0
100.0 0.0 0.0 0.0 0.0 0.0 0.0 12.0 0.0 0.0 0.0 0.0
BVH
"$folder/venv/bin/python" - <<'PYTHON'
import bvhio
from bvhTools.bvhIO import readBvh

hierarchy = bvhio.readAsHierarchy("two_joints.bvh")
data = readBvh("two_joints.bvh")
seen = {"bvhio": [], "bvhTools": []}
for frame in (0, 1):
    hierarchy.loadPose(frame)
    hips, spine = (tuple(joint.PositionWorld) for joint, _, _ in hierarchy.layout())
    seen["bvhio"].append((hips, spine))
    placed = data.getFKAtFrame(frame)
    seen["bvhTools"].append(tuple(tuple(float(x) for x in placed[j][1]) for j in ("Hips", "Spine")))
for reader, frames in seen.items():
    print(reader, frames)
root = (100.0, 0.0, 0.0)
expected = {
    "bvhio": [(root, (100.0, 10.0, 0.0)), (root, (100.0, 12.0, 0.0))],
    "bvhTools": [(root, (100.0, 10.0, 0.0)), (root, (100.0, 10.0, 0.0))],
}
assert seen == expected, f"behaviour changed: {seen}"
PYTHON
