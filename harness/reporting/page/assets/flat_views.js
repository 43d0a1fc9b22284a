// What is drawn flat: the 2D input of a frame, and the errors over time below the slider.

import { colour } from "page";

/** Give a canvas as many pixels as it shows and return its context, scaled to CSS pixels. */
function context(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = Math.min(devicePixelRatio, 2);
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const drawn = canvas.getContext("2d");
  drawn.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [drawn, width, height];
}

/** Return the part of the picture that the person is in over the whole clip, with a margin. */
export function bounds(picture) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let index = 0; index < picture.keypoints.length; index += 2) {
    const [x, y] = [picture.keypoints[index], picture.keypoints[index + 1]];
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  }
  if (left > right) return [0, 0, picture.width, picture.height];
  const margin = 0.08 * Math.max(right - left, bottom - top, 1);
  return [left - margin, top - margin, right + margin, bottom + margin];
}

/** Draw the 2D input of a frame; filled keypoints are rings. */
export function drawPicture(canvas, picture, frame, [left, top, right, bottom]) {
  const [drawn, width, height] = context(canvas);
  const joints = picture.parents.length;
  const scale = Math.min(width / (right - left), height / (bottom - top));
  const shift = [(width - scale * (right - left)) / 2, (height - scale * (bottom - top)) / 2];
  const at = (joint) => {
    const index = 2 * (frame * joints + joint);
    return [
      shift[0] + scale * (picture.keypoints[index] - left),
      shift[1] + scale * (picture.keypoints[index + 1] - top),
    ];
  };
  drawn.clearRect(0, 0, width, height);
  drawn.strokeStyle = colour("edge");
  drawn.strokeRect(shift[0] - scale * left, shift[1] - scale * top, scale * picture.width, scale * picture.height);
  drawn.lineWidth = 2.5;
  drawn.strokeStyle = colour("quiet");
  picture.parents.forEach((parent, child) => {
    if (parent < 0) return;
    drawn.beginPath();
    drawn.moveTo(...at(parent));
    drawn.lineTo(...at(child));
    drawn.stroke();
  });
  drawn.fillStyle = colour("ink");
  drawn.strokeStyle = colour("accent");
  for (let joint = 0; joint < joints; joint += 1) {
    const [x, y] = at(joint);
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    const filled = picture.filled?.[frame * joints + joint];
    drawn.beginPath();
    drawn.arc(x, y, filled ? 4.5 : 3.5, 0, 2 * Math.PI);
    if (filled) drawn.stroke();
    else drawn.fill();
  }
}

/** Draw the mean error of each visible body by frame, where filled frames are, and the frame shown. */
export function drawErrors(canvas, motion, frame, bodies) {
  const [drawn, width, height] = context(canvas);
  const x = (number) => (width * (number + 0.5)) / motion.frames;
  const highest = Math.max(1, ...bodies.map(({ errors }) => errors.reduce((a, b) => Math.max(a, b), 0)));
  drawn.clearRect(0, 0, width, height);
  drawn.fillStyle = colour("filled");
  motion.filled?.forEach((filled, number) => {
    if (filled) drawn.fillRect(x(number - 0.5), 0, width / motion.frames + 0.5, height);
  });
  drawn.lineWidth = 1.5;
  for (const { errors, hue } of bodies) {
    drawn.strokeStyle = hue;
    drawn.beginPath();
    errors.forEach((value, number) => drawn.lineTo(x(number), height - 2 - ((height - 4) * value) / highest));
    drawn.stroke();
  }
  drawn.fillStyle = colour("accent");
  drawn.fillRect(x(frame) - 1, 0, 2, height);
}
