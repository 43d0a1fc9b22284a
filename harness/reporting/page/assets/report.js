// The report of a profile: its sections in order.

import { conventions, differences, heatMaps, leaderboard, openLinked, records, reproduction } from "boards";
import { costs, differenceChart, learningCurves, robustness } from "charts";
import { data, element, writeHeader } from "page";
import { showViewer } from "viewer";

const { about } = data;
const [chart, drawDifferences] = differenceChart();

function differenceParts() {
  const parts = differences(drawDifferences);
  return Array.isArray(parts) ? parts : [parts.controls, chart, parts.place];
}

const sections = [
  ["leaderboard", "Leaderboard", leaderboard],
  ["viewer", "Clips in 3D", () => [element("p", { class: "quiet" }, "A few test clips, worst first; 'harness view RUN' shows them all.")]],
  ["differences", "Differences to a method", differenceParts],
  ["heat", "By action and subject", heatMaps],
  ["curves", "Learning curves", learningCurves],
  ["costs", "Error against cost", costs],
  ["robustness", "Robustness", robustness],
  ["reproduction", "The paper's tables", reproduction],
  ["conventions", "The same poses under other conventions", conventions],
  ["records", "Records of the runs", records],
].map(([id, title, content]) => element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), content()));

writeHeader(
  `Lifting 2D poses to 3D: profile ${about.profile}`,
  element("p", {}, `Data set ${about.dataset} (data hash ${about.data_hash}), split ${about.split}: ${about.frames.toLocaleString("en")} frames of ${about.clips} clips. Protocol ${about.protocol} (definition ${about.definition}): ${about.description}`),
  element("nav", { "aria-label": "Sections" },
    element("ul", {}, sections.map((section) => element("li", {}, element("a", { href: `#${section.id}` }, section.querySelector("h2").textContent))))),
);
document.getElementById("main").append(...sections);
const viewer = document.getElementById("viewer");
if (data.viewer.clips.length) await showViewer(viewer, data.viewer);
else viewer.append(element("p", {}, `No clip is shown: ${data.viewer.lacking}.`));
openLinked();
