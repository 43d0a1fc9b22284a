// A motion as the page holds it, unpacked: see plain_motion in motion.py.

const MISSING = -32768;

function bytes(base64) {
  const text = atob(base64);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function unpacked({ step, values }) {
  const view = new DataView(bytes(values).buffer);
  const result = new Float32Array(view.byteLength / 2);
  for (let index = 0; index < result.length; index += 1) {
    const whole = view.getInt16(2 * index, true);
    result[index] = whole === MISSING ? NaN : whole * step;
  }
  return result;
}

/** Return (frames, joints) distances in mm between two bodies' positions, as one flat array. */
function distances(positions, truth) {
  const result = new Float32Array(positions.length / 3);
  for (let index = 0; index < result.length; index += 1) {
    const at = 3 * index;
    result[index] = 1000 * Math.hypot(
      positions[at] - truth[at],
      positions[at + 1] - truth[at + 1],
      positions[at + 2] - truth[at + 2],
    );
  }
  return result;
}

function meansOfFrames(values, joints) {
  const result = new Float32Array(values.length / joints);
  for (let frame = 0; frame < result.length; frame += 1) {
    let sum = 0;
    for (let joint = 0; joint < joints; joint += 1) sum += values[frame * joints + joint];
    result[frame] = sum / joints;
  }
  return result;
}

/** Return a motion with its arrays, and the errors of each body against the truth if there is one. */
export function unpackedMotion(plain) {
  const joints = plain.joints.length;
  const bodies = plain.poses.map((poses) => ({ ...poses, positions: unpacked(poses) }));
  const truth = bodies.find((body) => body.truth);
  for (const body of bodies) {
    if (!truth || body.truth) continue;
    body.errors = distances(body.positions, truth.positions);
    body.frameErrors = meansOfFrames(body.errors, joints);
  }
  const picture = plain.picture && {
    ...plain.picture,
    keypoints: unpacked(plain.picture),
    filled: plain.picture.filled && bytes(plain.picture.filled),
  };
  const affinities = plain.affinities && {
    label: plain.affinities.label,
    weights: bytes(plain.affinities.weights),
  };
  const filled = plain.filled ? bytes(plain.filled) : null;
  return { ...plain, poses: bodies, truth, picture, affinities, filled };
}

/** Return the error in mm that the colour scale ends at: 19 of 20 errors of these bodies lie below. */
export function errorLimit(bodies) {
  const all = bodies.flatMap((body) => (body.errors ? Array.from(body.errors) : []));
  if (!all.length) return 100;
  all.sort((a, b) => a - b);
  return Math.max(50, 50 * Math.ceil(all[Math.floor(0.95 * (all.length - 1))] / 50));
}

/** Return the strongest edges of a frame as [from, to, weight]: of every joint, or of one alone. */
export function strongestEdges(motion, frame, joint, most = 3) {
  const joints = motion.joints.length;
  const edges = [];
  for (let row = 0; row < joints; row += 1) {
    if (joint >= 0 && row !== joint) continue;
    const start = (frame * joints + row) * joints;
    const taken = Array.from(motion.affinities.weights.subarray(start, start + joints))
      .map((weight, other) => [row, other, weight / 255])
      .filter(([, other, weight]) => other !== row && weight > 0)
      .sort((a, b) => b[2] - a[2]);
    edges.push(...taken.slice(0, joint >= 0 ? joints : most));
  }
  return edges;
}
