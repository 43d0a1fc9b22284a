// The tables of the report: leaderboard, heat map, differences, reproduction, conventions, records.

import { chooser, data, element } from "page";
import { table } from "table";

/** Return where the page tells what a model's numbers were made from. */
export const recordOf = (model) => `#record-${encodeURIComponent(model)}`;
const conventionsOf = (model) => `#conventions-${encodeURIComponent(model)}`;

const list = (lines) => element("ul", { class: "quiet" }, lines.map((line) => element("li", {}, line)));

/** Both intervals of a number, over takes and over subjects where there are enough of these. */
const intervals = (value) => [value.interval, value.over_subjects && `subjects ${value.over_subjects}`].filter(Boolean).join("\n");
const number = (value, model) => value && { text: value.text, small: intervals(value), sort: value.value, href: recordOf(model) };

export function leaderboard() {
  const { metrics, leaderboard: rows, conditions, missing } = data.boards;
  const counted = rows.some((row) => row.macs_per_frame); // older records do not tell
  const columns = [
    { head: "model" },
    ...metrics.map((metric) => ({
      head: metric.name,
      unit: metric.unit,
      title: `${metric.description}; ${metric.better} is better, ${metric.joints} joints`,
    })),
    { head: "2D" }, { head: "frames", title: "length of the window" }, { head: "parameters" },
    ...(counted ? [{ head: "MACs", unit: "M a frame", title: "multiply-accumulates of a predicted frame, as 'harness cost' counts them" }] : []),
    { head: "flip", title: "averaged with the mirrored input" }, { head: "seeds" },
    { head: "departures", words: true, title: "privileges, and departures from the protocol's source" },
  ];
  const lines = rows.map((row) => [
    {
      text: row.model, href: recordOf(row.model),
      small: data.conventions[row.model] && element("a", { href: conventionsOf(row.model) }, "conventions"),
    },
    ...metrics.map((metric) => number(row.values[metric.name], row.model)),
    row.input_2d, row.frames,
    { text: row.parameters?.toLocaleString("en") ?? "not recorded", sort: row.parameters ?? "" },
    ...(counted ? [{ text: row.macs_per_frame ? (row.macs_per_frame / 1e6).toFixed(2) : "not recorded", sort: row.macs_per_frame ?? "" }] : []),
    row.flip_test ? "on" : "off", row.seeds,
    row.told,
  ]);
  const caption = "Small: 95 % interval, bootstrap over takes, and over subjects where there are three or more. A number leads to the record of its runs" +
    (rows.some((row) => data.conventions[row.model]) ? "; conventions: what the same poses score under other protocols." : ".");
  return [
    table("Leaderboard", columns, lines, { sortedBy: 1, caption }),
    element("details", {}, element("summary", {}, "Conditions of these numbers"), list(conditions)),
    missing.length ? element("details", {}, element("summary", {}, `Not measured: ${missing.length}`), list(missing)) : null,
  ];
}

export function heatMaps() {
  const place = element("div");
  const choice = { metric: data.boards.heat[0]?.metric, by: "action" };
  const draw = () => {
    const map = data.boards.heat.find((one) => one.metric === choice.metric && one.by === choice.by);
    const metric = data.boards.metrics.find((one) => one.name === map.metric);
    const all = map.rows.flatMap((row) => row.cells).filter(Boolean).map((cell) => cell.value);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const worse = (value) => (metric.better === "lower" ? value - low : high - value) / (high - low || 1);
    const rows = map.rows.map((row) => [
      { text: row.model, href: recordOf(row.model) },
      ...row.cells.map((cell) => cell && { text: cell.text, sort: cell.value, share: worse(cell.value), title: intervals(cell), href: recordOf(row.model) }),
    ]);
    place.replaceChildren(table(`Heat map of ${map.metric} by ${map.by}`,
      [{ head: "model" }, ...map.columns.map((head) => ({ head }))], rows,
      { kind: "heat", caption: `${map.metric} in ${metric.unit}; the stronger the colour, the worse.` }));
  };
  const names = [...new Set(data.boards.heat.map((one) => one.metric))];
  draw();
  return [
    element("div", { class: "controls" },
      chooser("Metric", names.map((name) => [name, name]), (name) => { choice.metric = name; draw(); }),
      chooser("By", [["action", "action"], ["subject", "subject"]], (by) => { choice.by = by; draw(); })),
    place,
  ];
}

/** Show differences to a chosen method; drawn(found) also draws them. */
export function differences(drawn) {
  const found = data.boards.differences;
  if (!found.length) return [element("p", {}, "Fewer than two models can be compared.")];
  const place = element("div");
  const choice = { metric: found[0].metric, reference: found[0].reference };
  const write = () => {
    const one = found.find((item) => item.metric === choice.metric && item.reference === choice.reference);
    if (!one) return;
    const better = data.boards.metrics.find((metric) => metric.name === one.metric).better === "lower" ? -1 : 1;
    const rows = one.rows.map((row) => [
      row.label,
      { text: row.reference, sort: Number(row.reference), href: recordOf(one.reference) },
      ...row.cells.map((cell, index) => ({
        text: cell.text + (cell.significant ? " *" : ""), sort: cell.value, small: intervals(cell),
        title: cell.p && `p ${cell.p}`, href: recordOf(one.models[index]),
        className: cell.significant ? (cell.value * better > 0 ? "better" : "worse") : null,
      })),
    ]);
    place.replaceChildren(
      table(`Differences to ${one.reference}`,
        [{ head: "action" }, { head: one.reference }, ...one.models.map((head) => ({ head }))], rows,
        { caption: `Each column: the model minus ${one.reference}, ${one.metric}. * p < 0.05: green is better than the chosen method, red is worse. Small: 95 % interval, paired.` }),
      element("details", {}, element("summary", {}, "Conditions of these differences"), list(data.boards.difference_conditions[one.metric])),
    );
    drawn(one);
  };
  const metrics = [...new Set(found.map((one) => one.metric))];
  const references = [...new Set(found.map((one) => one.reference))];
  write();
  return {
    controls: element("div", { class: "controls" },
      chooser("Against", references.map((name) => [name, name]), (name) => { choice.reference = name; write(); }),
      chooser("Metric", metrics.map((name) => [name, name]), (name) => { choice.metric = name; write(); })),
    place,
  };
}

export function reproduction() {
  const columns = [
    { head: "table" }, { head: "shows", words: true }, { head: "measured", title: "of the numbers printed for models that the harness has" }, { head: "data set" },
    { head: "difference", unit: "mm", title: "measured minus printed" }, { head: "same order" }, { head: "Kendall's tau" },
  ];
  const rows = data.reproduction.map((one) => [
    { text: one.table, href: one.page && `../${one.page}` },
    one.about,
    { text: `${one.measured} of ${one.printed}`, sort: one.printed ? one.measured / one.printed : 0 },
    one.dataset, one.difference,
    { text: one.pairs, sort: one.share ?? "", className: one.share === null ? null : one.share >= 0.75 ? "better" : one.share < 0.5 ? "worse" : null },
    one.tau,
  ]);
  const notes = data.reproduction.filter((one) => one.notes.length);
  return [
    table("What was reproduced of the paper", columns, rows,
      { caption: "Same order: pairs of numbers that stand as in print; green from three in four, red below one in two. On another data set than the paper's only order can be compared." }),
    element("details", {}, element("summary", {}, "What the order is of"),
      list(notes.map((one) => `${one.table}: ${one.notes.join("; ")}`))),
  ];
}

export function conventions() {
  const models = Object.entries(data.conventions);
  if (!models.length) return [element("p", {}, `Not shown: ${data.viewer.lacking}.`)];
  return models.map(([model, found]) =>
    element("details", { id: conventionsOf(model).slice(1) },
      element("summary", {}, `${model} (${found.run})`),
      table(`Conventions, ${model}`, found.heads.map((head, place) => ({ head, words: place === found.heads.length - 1 })),
        found.rows.map((row) => row.map((cell) => cell.replaceAll("**", ""))))));
}

export function records() {
  return data.records.map(({ model, runs }) =>
    element("details", { id: recordOf(model).slice(1) },
      element("summary", {}, `${model}: ${runs.map((run) => run.run_id).join(", ")}`),
      runs.map((run) => [
        element("h3", {}, run.name),
        run.file && element("p", {}, element("a", { href: run.file }, "run.json")),
        element("pre", { tabindex: 0, "aria-label": `Record of ${run.name}` }, run.text),
      ])));
}

/** Open what a link of the page leads to. */
export function openLinked() {
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target?.tagName !== "DETAILS") return;
    target.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(`a[href="${CSS.escape(location.hash)}"]`)) open(); // the same link again
  });
  open();
}
