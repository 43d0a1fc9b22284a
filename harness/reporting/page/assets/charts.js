// The charts of the report, drawn by Apache ECharts as SVG, light or dark as the page is.

import { recordOf } from "boards";
import { chooser, colour, data, element, seriesColour, withScheme } from "page";

const { echarts } = window;
const FONT = getComputedStyle(document.body).fontFamily;

const modelColour = (model) => {
  const place = data.records.findIndex((record) => record.model === model);
  return colour(seriesColour(Math.max(0, place)));
};

/** Return a place and a function that draws options into it, again when the page's colours change. */
function chart(label, low = false) {
  const place = element("div", { class: low ? "chart low" : "chart", role: "img", "aria-label": label });
  let drawn, options;
  const redraw = () => {
    if (!options || !place.isConnected) return;
    drawn ??= echarts.init(place, null, { renderer: "svg" });
    drawn.setOption(withLooks(options()), true);
    drawn.off("click");
    drawn.on("click", (event) => {
      const model = event.data?.model ?? event.seriesName;
      if (data.records.some((record) => record.model === model)) location.hash = recordOf(model);
    });
  };
  addEventListener("beforeprint", () => { // paper has another width: the drawing is scaled to it
    const drawing = place.querySelector("svg");
    drawing?.setAttribute("viewBox", `0 0 ${drawing.getAttribute("width")} ${drawing.getAttribute("height")}`);
  });
  new ResizeObserver(() => (drawn ? drawn.resize() : redraw())).observe(place);
  return [place, (given) => { options = given; redraw(); }, redraw];
}

function withLooks(options) {
  const [ink, quiet, line, paper] = ["ink", "quiet", "line", "paper"].map(colour);
  const axis = (given) => given && {
    nameLocation: "middle", axisLabel: { color: quiet, hideOverlap: true }, axisLine: { lineStyle: { color: quiet } },
    splitLine: { lineStyle: { color: line } }, nameTextStyle: { color: quiet }, ...given,
  };
  return {
    animation: false,
    textStyle: { color: ink, fontFamily: FONT },
    aria: { enabled: true },
    grid: { left: 64, right: 24, top: 48, bottom: 56 },
    tooltip: { confine: true, backgroundColor: paper, borderColor: quiet, textStyle: { color: ink } },
    ...options,
    legend: options.legend && { type: "scroll", top: 0, textStyle: { color: ink }, inactiveColor: quiet, pageTextStyle: { color: ink }, pageIconColor: ink, pageIconInactiveColor: line, ...options.legend },
    xAxis: axis({ nameGap: 32, ...options.xAxis }),
    yAxis: axis({ nameGap: 44, ...options.yAxis }),
  };
}

/** Text for tooltips is HTML to the library, so that names are escaped before. */
const safe = (text) => echarts.format.encodeHTML(String(text));
const place = (event) => event.data.value ?? event.data;

/** A line from the lower to the upper limit of each point's interval. */
function limits(points, hue, upright) {
  return {
    silent: true, symbol: "none", animation: false,
    lineStyle: { color: hue, width: 1.5, opacity: 0.8 },
    label: { show: false },
    data: points.filter(([, , low, high]) => low !== null && high !== null).map(([x, y, low, high, type = "solid"]) => {
      const [from, to] = upright ? [[x, low], [x, high]] : [[low, y], [high, y]];
      return [{ coord: from, lineStyle: { type } }, { coord: to }];
    }),
  };
}

/** The points of a number's intervals for `limits`: over takes, and dotted over subjects. */
const both = (x, y, number) => [[x, y, number.low, number.high], [x, y, number.subject_low, number.subject_high, "dotted"]];
const ENDS = ["low", "value", "high", "subject_low", "subject_high"];
const told = (number) => [number.interval, number.over_subjects && `subjects ${number.over_subjects}`].filter(Boolean).join("; ");

export function learningCurves() {
  const { curves } = data;
  if (!curves.length) return [element("p", {}, "No run kept its learning curve.")];
  const validated = curves.some((curve) => curve.validation.some((value) => value !== null));
  const heights = curves.flatMap((curve) => (validated ? curve.validation : curve.loss)).filter((value) => value > 0);
  const steep = Math.max(...heights) > 10 * Math.min(...heights);
  const [made, draw, again] = chart("Learning curves: validation error by training step");
  withScheme(() => {
    draw(() => ({
      legend: {},
      tooltip: { confine: true, trigger: "item", formatter: (event) => `${safe(event.seriesName)}<br>step ${event.data.value[0]}: ${event.data.value[1].toFixed(2)}` },
      grid: { left: 64, right: 24, top: 48, bottom: 96 },
      xAxis: { type: "value", name: "training steps" },
      yAxis: { type: steep ? "log" : "value", scale: true, name: validated ? "MPJPE on validation clips, mm" : "training loss, nothing being held out" },
      dataZoom: [
        { type: "inside", xAxisIndex: 0, zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
        { type: "slider", xAxisIndex: 0, bottom: 16, height: 24, textStyle: { color: colour("quiet") }, borderColor: colour("line") },
      ],
      series: curves.map((curve) => ({
        type: "line", name: curve.model, color: modelColour(curve.model), symbol: "circle", lineStyle: { width: 2 }, showAllSymbol: true,
        data: curve.steps.map((step, index) => ({
          value: [step, (validated ? curve.validation : curve.loss)[index]],
          symbolSize: index + 1 === curve.kept ? 11 : 4,
        })).filter((point) => point.value[1] !== null),
      })),
    }));
    again();
  });
  return [made, element("p", { class: "quiet" }, "The large dot is the epoch whose weights were kept. Zoom: the slider below, two fingers, or Ctrl and the wheel; a name of the legend hides its curve.")];
}

const COSTS = [["parameters", "trainable parameters"], ["macs_per_frame", "multiply-accumulates a predicted frame"]];

export function costs() {
  const metric = data.boards.metrics[0];
  const known = COSTS.filter(([kind]) => data.boards.leaderboard.some((row) => row[kind]));
  if (!known.length) return [element("p", {}, "No record tells what a model costs.")];
  let [[kind]] = known;
  const [made, draw] = chart(`${metric.name} against what a model costs`);
  const options = () => {
    const rows = data.boards.leaderboard.filter((row) => row[kind]);
    const ends = rows.flatMap((row) => ENDS.map((end) => row.values[metric.name][end])).filter((end) => end !== null);
    const step = 10 ** Math.floor(Math.log10(Math.max(...ends) - Math.min(...ends) || 1));
    const [, name] = COSTS.find(([one]) => one === kind);
    return {
      legend: {},
      tooltip: {
        confine: true,
        formatter: ({ data: point }) => `${safe(point.model)}<br>${Math.round(point.value[0]).toLocaleString("en")} ${name}<br>${safe(point.text)} ${safe(metric.unit)} (${safe(point.interval)})`,
      },
      xAxis: { type: "log", name, axisLabel: { color: colour("quiet"), formatter: (value) => value.toLocaleString("en", { notation: "compact" }) }, min: (range) => range.min / 2, max: (range) => range.max * 2 },
      // Ends of intervals count, too: the library would leave out one beyond the axis.
      yAxis: {
        type: "value", name: `${metric.name}, ${metric.unit}`,
        min: step * Math.floor(Math.min(...ends) / step), max: step * Math.ceil(Math.max(...ends) / step),
      },
      series: rows.map((row) => {
        const value = row.values[metric.name];
        const hue = modelColour(row.model);
        return {
          type: "scatter", name: row.model, color: hue, symbolSize: 12,
          data: [{ value: [row[kind], value.value], model: row.model, text: value.text, interval: told(value) }],
          markLine: limits(both(row[kind], value.value, value), hue, true),
        };
      }),
    };
  };
  withScheme(() => draw(options));
  return [
    element("div", { class: "controls" }, chooser("Cost", known, (chosen) => { kind = chosen; draw(options); })),
    made,
    element("p", { class: "quiet" }, "Bars: 95 % interval over takes; dotted: over subjects, where there are three or more. A point leads to the record of its runs; a model is left out whose record does not tell."),
  ];
}

export function differenceChart() {
  const [made, draw] = chart("Differences of the averages to the chosen method, with intervals", true);
  let found;
  const options = () => {
    const average = found.rows[0];
    const metric = data.boards.metrics.find((one) => one.name === found.metric);
    const points = average.cells.map((cell, index) => ({ ...cell, model: found.models[index] }));
    const ends = points.flatMap((point) => ENDS.map((end) => point[end] ?? point.value));
    const step = 10 ** Math.floor(Math.log10(Math.max(1e-3, ...ends.map(Math.abs))));
    return {
      grid: { left: 24 + 7 * Math.max(...found.models.map((model) => model.length)), right: 24, top: 16, bottom: 48 },
      tooltip: { confine: true, formatter: ({ data: point }) => `${safe(point.model)}<br>${safe(point.text)} ${safe(metric.unit)} (${safe(point.interval)})` },
      xAxis: {
        type: "value", name: `${metric.name} \u2212 ${found.reference}, ${metric.unit}`,
        min: step * Math.floor(Math.min(0, ...ends) / step), max: step * Math.ceil(Math.max(0, ...ends) / step),
      },
      yAxis: { type: "category", data: found.models, inverse: true, nameGap: 0 },
      series: points.map((point, index) => {
        const hue = modelColour(point.model);
        return {
          type: "scatter", name: point.model, color: hue, symbolSize: 10,
          data: [{ value: [point.value, index], model: point.model, text: point.text, interval: told(point) }],
          markLine: limits(both(point.value, index, point), hue, false),
        };
      }),
    };
  };
  withScheme(() => found && draw(options));
  return [made, (chosen) => { found = chosen; draw(options); }];
}

export function robustness() {
  if (!data.robustness.length) return [element("p", {}, "No experiment with disturbed input is stored; 'harness grid run noise' makes one.")];
  const charts = data.robustness.map((found) => {
    const [made, draw] = chart(`${found.metric} by ${found.corruption}`);
    const models = found.curves.map((curve) => curve.model);
    withScheme(() => draw(() => ({
      title: { text: found.corruption, left: 0, top: 0, textStyle: { color: colour("ink"), fontSize: 14 } },
      legend: { top: 24 },
      grid: { left: 64, right: 16, top: 64, bottom: 56 },
      tooltip: { confine: true, formatter: (event) => `${safe(event.seriesName)}<br>${place(event)[0]} ${safe(found.unit)}: ${place(event)[1].toFixed(1)} mm` },
      xAxis: { type: "value", name: found.unit === "px" ? "sigma, px" : `share, ${found.unit}` },
      yAxis: { type: "value", name: `${found.metric}, mm`, min: 0, max: ({ max }) => Math.ceil(Math.max(max, ...found.curves.flatMap((curve) => curve.points.map((point) => point[3] ?? 0))) / 50) * 50 },
      series: found.curves.map((curve) => {
        const hue = data.records.some((record) => record.model === curve.model) ? modelColour(curve.model) : colour(seriesColour(models.indexOf(curve.model)));
        return {
          type: "line", name: curve.model, color: hue, symbol: "circle", symbolSize: 6, data: curve.points.map(([x, y]) => [x, y]),
          markLine: limits(curve.points, hue, true),
        };
      }),
    })));
    return made;
  });
  return [
    element("div", { class: "charts" }, charts),
    element("p", { class: "quiet" }, `Measured on ${data.robustness[0].dataset} with the short training of the experiment. `,
      element("a", { href: data.robustness_page }, "The table names each run.")),
  ];
}
