// What every module of the page shares: its data, making elements, numbers as text, colours.

export const data = JSON.parse(document.getElementById("data").textContent);

/** Return a new element; text is text, whatever it looks like. A function is listened with. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) made.append(child);
  }
  return made;
}

/** Return a labelled <select>; chosen is called with the value of an option of [value, text]. */
export function chooser(label, options, chosen, selected) {
  const select = element(
    "select",
    { "aria-label": label, change: () => chosen(select.value) },
    options.map(([value, text]) => element("option", { value, selected: value === selected }, text)),
  );
  return element("label", { class: "chooser" }, label, select);
}

/** Return the value of a colour of the style sheet as it is now, light or dark. */
export function colour(name) {
  const probe = element("span", { style: `color: var(--${name})`, hidden: true });
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const PALETTE = 13; // --series-0 to --series-12 in the style sheet

/** Return the name of the colour of the method at a place of the list of methods. */
export const seriesColour = (place) => `series-${place % PALETTE}`;

/** Call a function now and whenever the page turns light or dark; paper is light. */
export function withScheme(draw) {
  const drawOn = (scheme) => () => {
    document.documentElement.style.colorScheme = scheme;
    draw();
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", drawOn("light"));
  addEventListener("afterprint", drawOn(""));
}

/** Fill the head of the page. */
export function writeHeader(title, ...below) {
  document.getElementById("header").append(element("h1", {}, title), ...below);
}
