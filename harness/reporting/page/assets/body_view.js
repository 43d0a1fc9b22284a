// The 3D view: bodies of one frame as balls and sticks, drawn by WebGL only when something changed.

import {
  AmbientLight, Color, CylinderGeometry, DirectionalLight, DynamicDrawUsage, GridHelper, Group,
  InstancedMesh, Matrix4, MeshLambertMaterial, PerspectiveCamera, Quaternion, Scene, SphereGeometry,
  Spherical, Vector3, WebGLRenderer,
} from "three";
import { OrbitControls } from "orbit-controls";

const UP = new Vector3(0, 1, 0);
const JOINT = 0.021; // metres
const BONE = 0.0105;
const EDGE = 0.006;
const ONE = new Vector3(1, 1, 1);
const HIDDEN = new Matrix4().makeScale(0, 0, 0);

/** Camera space has y down and z away from the camera; WebGL has y up and z towards it. */
function place(positions, index, into) {
  return into.set(positions[3 * index], -positions[3 * index + 1], -positions[3 * index + 2]);
}

export class BodyView {
  /** Draw into a canvas; throws where there is no WebGL. */
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.scene = new Scene();
    const sun = new DirectionalLight(0xffffff, 1.6);
    sun.position.set(1, 2, 3);
    this.scene.add(new AmbientLight(0xffffff, 1.9), sun);
    this.camera = new PerspectiveCamera(35, 1, 0.05, 100);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.addEventListener("change", () => this.draw());
    this.controls.addEventListener("start", () => { this.moved = true; });
    this.bodies = [];
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
  }

  /** Take another motion. */
  setMotion(motion) {
    if (this.group) {
      this.scene.remove(this.group);
      this.group.traverse((item) => item.geometry && (item.geometry.dispose(), item.material.dispose()));
    }
    this.motion = motion;
    this.group = new Group();
    const joints = motion.joints.length;
    this.bones = motion.parents.map((parent, child) => [parent, child]).filter(([parent]) => parent >= 0);
    this.bodies = motion.poses.map((body) => ({
      body,
      joints: this.instances(new SphereGeometry(JOINT, 14, 10), joints),
      bones: this.instances(new CylinderGeometry(BONE, BONE, 1, 8), this.bones.length),
    }));
    this.edges = this.instances(new CylinderGeometry(EDGE, EDGE, 1, 6), joints * joints, 0.75);
    this.edges.count = 0;
    this.findSize();
    this.scene.add(this.group);
    this.reset();
  }

  instances(geometry, count, opacity = 1) {
    const material = new MeshLambertMaterial({ transparent: opacity < 1, opacity });
    const mesh = new InstancedMesh(geometry, material, Math.max(1, count));
    mesh.instanceMatrix.setUsage(DynamicDrawUsage);
    mesh.frustumCulled = false;
    mesh.setColorAt(0, new Color());
    this.group.add(mesh);
    return mesh;
  }

  /** Find the middle and the size of what moves, and lay a grid of half metres below it. */
  findSize() {
    const low = new Vector3(Infinity, Infinity, Infinity);
    const high = new Vector3(-Infinity, -Infinity, -Infinity);
    const point = new Vector3();
    const { positions } = this.motion.truth ?? this.motion.poses[0];
    for (let index = 0; index < positions.length / 3; index += 1) {
      place(positions, index, point);
      if (Number.isFinite(point.x + point.y + point.z)) {
        low.min(point);
        high.max(point);
      }
    }
    if (low.x > high.x) {
      low.set(-1, -1, -1);
      high.set(1, 1, 1);
    }
    this.middle = low.clone().add(high).multiplyScalar(0.5);
    this.size = Math.max(0.5, high.distanceTo(low));
    const cells = 2 * Math.ceil(this.size * 1.2);
    this.grid = new GridHelper(cells / 2, cells);
    this.grid.material.transparent = true;
    this.grid.material.opacity = 0.5;
    this.grid.position.set(this.middle.x, low.y - 0.03, this.middle.z);
    this.group.add(this.grid);
  }

  /** Show a frame: looks(body's place) gives {visible, hue(joint)}, edges are [from, to, weight]. */
  show(frame, looks, edges, edgeBody, edgeColour, gridColour) {
    const joints = this.motion.joints.length;
    const [from, to] = [new Vector3(), new Vector3()];
    const [matrix, turn, middle, scale] = [new Matrix4(), new Quaternion(), new Vector3(), new Vector3()];
    const stick = (mesh, number) => {
      const length = from.distanceTo(to);
      turn.setFromUnitVectors(UP, middle.subVectors(to, from).normalize());
      middle.addVectors(from, to).multiplyScalar(0.5);
      const whole = Number.isFinite(length) && length > 0;
      mesh.setMatrixAt(number, whole ? matrix.compose(middle, turn, scale.set(1, length, 1)) : HIDDEN);
    };
    turn.identity();
    this.bodies.forEach(({ body, joints: balls, bones }, number) => {
      const look = looks(number);
      balls.visible = look.visible;
      bones.visible = look.visible;
      if (!look.visible) return;
      for (let joint = 0; joint < joints; joint += 1) {
        place(body.positions, frame * joints + joint, from);
        const known = Number.isFinite(from.x + from.y + from.z);
        balls.setMatrixAt(joint, known ? matrix.compose(from, turn.identity(), ONE) : HIDDEN);
        balls.setColorAt(joint, look.hue(joint));
      }
      this.bones.forEach(([parent, child], bone) => {
        place(body.positions, frame * joints + parent, from);
        place(body.positions, frame * joints + child, to);
        stick(bones, bone);
        bones.setColorAt(bone, look.hue(child));
      });
      for (const mesh of [balls, bones]) {
        mesh.instanceMatrix.needsUpdate = true;
        mesh.instanceColor.needsUpdate = true;
      }
    });
    this.edges.count = edges.length;
    edges.forEach(([row, other, weight], number) => {
      place(edgeBody.positions, frame * joints + row, from);
      place(edgeBody.positions, frame * joints + other, to);
      stick(this.edges, number);
      this.edges.setColorAt(number, edgeColour.clone().lerp(gridColour, 0.7 * (1 - Math.min(1, 2 * weight))));
    });
    this.edges.instanceMatrix.needsUpdate = true;
    this.edges.instanceColor.needsUpdate = true;
    this.grid.material.color.copy(gridColour);
    this.draw();
  }

  /** Look from a little right of the camera that took the clip, at all that moves. */
  reset() {
    const half = Math.tan((Math.PI * this.camera.fov) / 360) * Math.min(1, this.camera.aspect);
    const away = (0.5 * this.size * Math.hypot(1, half)) / half; // a ball around it all just fits
    this.controls.target.copy(this.middle);
    this.camera.position.copy(this.middle).add(new Vector3(0.5, 0.22, 0.84).multiplyScalar(away));
    this.controls.minDistance = 0.3;
    this.controls.maxDistance = 12 * this.size;
    this.controls.update();
    this.moved = false;
    this.draw();
  }

  /** Turn around the body by radians, as the keyboard does, and come nearer by a factor. */
  orbit(around, over, nearer = 1) {
    this.moved = true;
    const arm = this.camera.position.clone().sub(this.controls.target);
    const spherical = new Spherical().setFromVector3(arm);
    spherical.theta += around;
    spherical.phi = Math.min(Math.PI - 0.05, Math.max(0.05, spherical.phi + over));
    spherical.radius *= nearer;
    this.camera.position.copy(this.controls.target).add(arm.setFromSpherical(spherical));
    this.controls.update();
    this.draw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    this.camera.updateProjectionMatrix();
    if (this.motion && !this.moved) this.reset();
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.renderer.render(this.scene, this.camera);
    });
  }
}
