// Tables that sort by the head that is clicked; a cell is text, or {text, small, sort, href, ...}.

import { element } from "page";

/**
 * Return a table that scrolls by itself where it is too wide.
 *
 * columns: {head, unit, title, words, sorts} each; rows: cells each, the first one names the row.
 * A column of words is wide and left; sorts is false where order means nothing.
 */
export function table(label, columns, rows, { caption, kind, sortedBy } = {}) {
  const lines = rows.map((cells) => ({
    cells,
    line: element("tr", {}, cells.map((cell, place) => written(cell, place, columns[place]))),
  }));
  const body = element("tbody", {}, lines.map(({ line }) => line));
  const heads = columns.map((column, place) => {
    const sorts = column.sorts !== false && rows.length > 1;
    const act = () => order(place, heads[place].getAttribute("aria-sort") !== "ascending");
    return element("th", { scope: "col", title: column.title, class: column.words && "words", "aria-sort": sorts && "none" },
      sorts ? element("button", { type: "button", click: act }, column.head) : column.head,
      column.unit && element("small", {}, column.unit));
  });
  const order = (place, ascending) => {
    const sorted = [...lines].sort((a, b) => compared(a.cells[place], b.cells[place], ascending));
    body.append(...sorted.map(({ line }) => line));
    heads.forEach((head, index) => {
      if (!head.hasAttribute("aria-sort")) return;
      head.setAttribute("aria-sort", index !== place ? "none" : ascending ? "ascending" : "descending");
    });
  };
  if (sortedBy !== undefined) order(sortedBy, true);
  const made = element("table", { class: kind, "aria-label": label }, element("thead", {}, element("tr", {}, heads)), body);
  return element("div", {},
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, made),
    caption && element("p", { class: "quiet" }, caption)); // beside the table, so that it never scrolls with it
}

/** Say which of two cells stands first: numbers as numbers, text as people do, nothing last. */
function compared(one, other, ascending) {
  const [a, b] = [one, other].map((cell) => (typeof cell === "object" && cell ? cell.sort ?? cell.text : cell));
  const [noA, noB] = [a, b].map((value) => value === null || value === undefined || value === "");
  if (noA || noB) return noA - noB;
  const numbers = typeof a === "number" && typeof b === "number";
  const less = numbers ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  return ascending ? less : -less;
}

function written(cell, place, column) {
  const { text, small, href, title, className, share } = typeof cell === "object" && cell ? cell : { text: cell };
  const shown = text ?? "";
  const attributes = {
    title, class: [className, column.words && "words"].filter(Boolean).join(" ") || null,
    style: share === undefined ? null : `--share: ${share.toFixed(3)}`,
    scope: place === 0 && "row",
  };
  return element(place === 0 ? "th" : "td", attributes,
    href ? element("a", { href }, shown) : String(shown), small && element("small", {}, small));
}
