// The viewer: a clip to choose, to play and to turn around; 2D input beside, errors as colour.

import { Color } from "three";
import { BodyView } from "body_view";
import { bounds, drawErrors, drawPicture } from "flat_views";
import { errorLimit, strongestEdges, unpackedMotion } from "motion";
import { chooser, colour, element, seriesColour, withScheme } from "page";

const TURN = Math.PI / 24; // of one key press
const HINT =
  "Drag, or use the arrow keys, to turn; wheel, pinch, + and - to zoom; space plays; , and . step; 0 looks from the start.";

/**
 * Show clips in a section: each has a name, perhaps an error in words, and a motion or its url.
 * Bodies that are not among `shown` are hidden at first, if any are named.
 */
export async function showViewer(section, { clips, shown }) {
  const viewer = new Viewer(clips, shown);
  section.append(viewer.root);
  await viewer.choose(0);
  withScheme(() => viewer.show());
}

class Viewer {
  constructor(clips, shown) {
    this.clips = clips;
    this.shownFirst = shown;
    this.hidden = null; // names of bodies, which stay hidden from clip to clip
    this.by = "error";
    this.speed = 1;
    this.frame = 0;
    this.canvas = element("canvas", {
      class: "body", tabindex: 0, role: "application", "aria-label": `3D view. ${HINT}`,
      keydown: (event) => this.key(event),
    });
    this.picture = element("canvas", { class: "picture", role: "img", "aria-label": "2D input of the frame" });
    this.pictureLabel = element("figcaption");
    this.slider = element("input", {
      type: "range", min: 0, step: 1, value: 0, "aria-label": "Frame",
      input: () => this.go(Number(this.slider.value)),
    });
    this.strip = element("canvas", {
      class: "strip", role: "img", "aria-label": "Mean error by frame; shaded frames were filled in",
      pointerdown: (event) => this.scrub(event),
      pointermove: (event) => event.buttons && this.scrub(event),
    });
    this.playing = element("button", { type: "button", "aria-pressed": "false", click: () => this.play(!this.timer) }, "Play");
    this.told = element("output", { class: "told", "aria-live": "off" }); // each frame would be read out
    this.toggles = element("fieldset", { class: "toggles" });
    this.legend = element("div", { class: "legend" });
    this.links = element("div", { class: "controls" });
    this.colouring = chooser("Colour", [["error", "error by joint"], ["method", "method"]], (by) => { this.by = by; this.show(); }, this.by);
    this.body = element("div", { class: "stage3d" }, this.canvas);
    this.root = element(
      "div", { class: "viewer" },
      element(
        "div", { class: "controls" },
        chooser("Clip", clips.map((clip, index) => [String(index), clip.error ? `${clip.name}: ${clip.error}` : clip.name]),
          (index) => this.choose(Number(index))),
        this.colouring,
        chooser("Speed", [["0.25", "1/4"], ["0.5", "1/2"], ["1", "1"], ["2", "2"]], (speed) => { this.speed = Number(speed); }, "1"),
      ),
      this.toggles,
      this.links,
      element("div", { class: "stages" }, this.body, element("figure", {}, this.picture, this.pictureLabel)),
      this.legend,
      element(
        "div", { class: "time" },
        this.playing,
        element("button", { type: "button", "aria-label": "Frame before", click: () => this.step(-1) }, "\u2039"),
        element("button", { type: "button", "aria-label": "Frame after", click: () => this.step(1) }, "\u203a"),
        this.slider,
        element("button", { type: "button", click: () => this.view?.reset() }, "Reset view"),
      ),
      this.strip,
      this.told,
      element("p", { class: "hint" }, HINT),
    );
    try {
      this.view = new BodyView(this.canvas);
    } catch {
      this.canvas.remove();
      this.body.append(element("p", { class: "missing" }, "This browser offers no WebGL, which the 3D view needs; the 2D input plays."));
    }
    new ResizeObserver(() => this.show()).observe(this.root);
  }

  /** Open a clip; motions that are not in the page are asked for. */
  async choose(index) {
    this.play(false);
    const clip = this.clips[index];
    const asked = (this.asked = index);
    try {
      if (!clip.motion) {
        this.told.value = `loading ${clip.name}`;
        const answer = await fetch(clip.url);
        if (!answer.ok) throw new Error(`the server answered ${answer.status}: ${await answer.text()}`);
        clip.motion = await answer.json();
      }
    } catch (error) {
      this.told.value = `${clip.name} cannot be shown: ${error.message}`;
      return;
    }
    if (asked !== this.asked) return; // another clip was chosen meanwhile
    this.motion = unpackedMotion(clip.motion);
    this.hidden ??= new Set(this.motion.poses
      .filter((body) => !body.truth && this.shownFirst && !this.shownFirst.includes(body.label))
      .map((body) => body.label));
    this.findLimit();
    this.frame = 0;
    this.joint = -1;
    this.linked = false;
    this.slider.max = this.motion.frames - 1;
    this.bounds = this.motion.picture && bounds(this.motion.picture);
    this.colouring.hidden = !this.motion.truth;
    this.picture.parentElement.hidden = !this.motion.picture;
    this.pictureLabel.textContent = this.motion.picture ? `2D input: ${this.motion.picture.label}` : "";
    this.view?.setMotion(this.motion);
    this.writeToggles();
    this.writeLinks();
    this.show();
  }

  /** Return the name of the colour of a body: methods are numbered without the truth. */
  hueOf(number) {
    const { poses } = this.motion;
    if (poses[number].truth) return "ink";
    return seriesColour(poses.slice(0, number).filter((body) => !body.truth).length);
  }

  /** Let the colour scale reach the errors of what is shown. */
  findLimit() {
    this.limit = errorLimit(this.motion.poses.filter((body) => !this.hidden.has(body.label)));
  }

  writeToggles() {
    const switches = this.motion.poses.map((body, number) =>
      element("label", {},
        element("input", {
          type: "checkbox", checked: !this.hidden.has(body.label),
          change: (event) => {
            if (event.target.checked) this.hidden.delete(body.label);
            else this.hidden.add(body.label);
            this.findLimit();
            this.show();
          },
        }),
        element("span", { class: "swatch", style: `background: var(--${this.hueOf(number)})` }),
        body.label));
    this.toggles.replaceChildren(element("legend", {}, "Shown"), ...switches);
  }

  writeLinks() {
    const { affinities, joints } = this.motion;
    this.links.hidden = !affinities;
    if (!affinities) return;
    this.links.replaceChildren(
      element("label", {},
        element("input", { type: "checkbox", change: (event) => { this.linked = event.target.checked; this.show(); } }),
        `affinities of ${affinities.label}`),
      chooser("of", [["-1", "every joint (3 strongest)"], ...joints.map((name, index) => [String(index), name])],
        (joint) => { this.joint = Number(joint); this.show(); }),
    );
  }

  go(frame) {
    this.frame = Math.min(this.motion.frames - 1, Math.max(0, frame));
    this.show();
  }

  step(by) {
    this.play(false);
    this.go((this.frame + by + this.motion.frames) % this.motion.frames);
  }

  scrub(event) {
    const { left, width } = this.strip.getBoundingClientRect();
    this.go(Math.floor(((event.clientX - left) / width) * this.motion.frames));
  }

  play(on) {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.playing.textContent = on ? "Pause" : "Play";
    this.playing.setAttribute("aria-pressed", String(on));
    if (!on || !this.motion) return;
    let [last, owed] = [performance.now(), 0];
    const tick = (now) => {
      owed += ((now - last) / 1000) * this.motion.fps * this.speed;
      last = now;
      const frames = Math.floor(owed);
      owed -= frames;
      if (frames) this.go((this.frame + frames) % this.motion.frames);
      this.timer = requestAnimationFrame(tick);
    };
    this.timer = requestAnimationFrame(tick);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => this.view.orbit(-TURN, 0),
      ArrowRight: () => this.view.orbit(TURN, 0),
      ArrowUp: () => this.view.orbit(0, -TURN),
      ArrowDown: () => this.view.orbit(0, TURN),
      "+": () => this.view.orbit(0, 0, 0.9),
      "=": () => this.view.orbit(0, 0, 0.9),
      "-": () => this.view.orbit(0, 0, 1 / 0.9),
      " ": () => this.play(!this.timer),
      ",": () => this.step(-1),
      ".": () => this.step(1),
      0: () => this.view.reset(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** Draw the frame as it is chosen, coloured and filtered now. */
  show() {
    if (!this.motion) return;
    const { motion, frame } = this;
    this.slider.value = frame;
    this.slider.setAttribute("aria-valuetext", `frame ${motion.first_frame + frame}`);
    const visible = motion.poses.map((body) => !this.hidden.has(body.label));
    const hues = motion.poses.map((_, number) => new Color(colour(this.hueOf(number))));
    const ramp = ["error-low", "error-middle", "error-high"].map((name) => new Color(colour(name)));
    const shade = (error) => {
      const share = Math.min(2, (2 * error) / this.limit);
      const [from, to] = share < 1 ? [ramp[0], ramp[1]] : [ramp[1], ramp[2]];
      return from.clone().lerp(to, share < 1 ? share : share - 1);
    };
    const joints = motion.joints.length;
    const looks = (number) => {
      const { errors } = motion.poses[number];
      const shaded = errors && this.by === "error";
      const hue = (joint) => (shaded ? shade(errors[frame * joints + joint]) : hues[number]);
      return { visible: visible[number], hue };
    };
    const holder = motion.affinities && motion.poses.find((body) => body.label === motion.affinities.label);
    const edges = holder && this.linked ? strongestEdges(motion, frame, this.joint) : [];
    this.view?.show(frame, looks, edges, holder, new Color(colour("accent")), new Color(colour("edge")));
    if (motion.picture) drawPicture(this.picture, motion.picture, frame, this.bounds);
    const measured = motion.poses
      .map((body, number) => ({ label: body.label, errors: body.frameErrors, hue: colour(this.hueOf(number)), shown: visible[number] }))
      .filter((body) => body.errors && body.shown);
    this.strip.hidden = !measured.length && !motion.filled;
    if (!this.strip.hidden) drawErrors(this.strip, motion, frame, measured);
    this.tell(measured);
  }

  tell(measured) {
    const { motion, frame } = this;
    const filled = motion.filled?.[frame] ? ", filled in" : "";
    const errors = measured.map(({ label, errors: of }) => `${label} ${of[frame].toFixed(1)} mm`).join(", ");
    this.told.value = `frame ${motion.first_frame + frame} of ${motion.first_frame + motion.frames - 1}, ` +
      `${((motion.first_frame + frame) / motion.fps).toFixed(2)} s${filled}${errors ? `; mean error: ${errors}` : ""}`;
    this.legend.hidden = this.by !== "error" || !motion.truth;
    this.legend.replaceChildren("0 mm", element("span", { class: "ramp" }), `${this.limit} mm and more`);
  }
}
