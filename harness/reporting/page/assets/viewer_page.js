// The page of the viewer alone.

import { data, element, writeHeader } from "page";
import { showViewer } from "viewer";

writeHeader(data.title, ...data.notes.map((note) => element("p", {}, note)));
const section = element("section", { "aria-label": "Viewer" });
document.getElementById("main").append(section);
await showViewer(section, data.viewer);
