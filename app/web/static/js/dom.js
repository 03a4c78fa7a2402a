/** Elements from values. Text goes in as text, never as markup; styles go through the CSSOM, which a strict policy allows. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with its attributes and children. `on` holds listeners; true and false set and leave out an attribute;
 * null and false children are skipped, anything that is not a node becomes text.
 */
export const el = (name, attributes = {}, ...children) => dress(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) =>
  dress(document.createElementNS(SVG, name), attributes, children);

function dress(node, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

/** Set attributes that changed; null takes one away. */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

/** The mark and word of a state: `[word, shape, tone]`. */
export function pill([word, shape, tone]) {
  return el("span", { class: `pill ${tone}` }, el("span", { class: "shape", "aria-hidden": "true" }, shape), word);
}

/**
 * Put a figure into `node`: `shown` is what one reads, `value` is what the API said. A figure that was there before
 * and is another now glows.
 */
export function figure(node, shown, value) {
  const before = node.dataset.value;
  const now = value == null ? "" : String(value);
  if (before === now && node.textContent === shown) return;
  node.textContent = shown;
  node.dataset.value = now;
  if (before !== undefined && before !== now) glow(node);
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

function glow(node) {
  if (still.matches) return;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--glow").trim();
  node.animate(
    [
      { backgroundColor: colour, boxShadow: `0 0 0 3px ${colour}` },
      { backgroundColor: "transparent", boxShadow: "0 0 0 3px transparent" },
    ],
    {
      duration: 1600,
      easing: "ease-out",
    },
  );
}

/** An element that says why nothing is here and what would fill it. */
export function empty(title, text, ...more) {
  return el("div", { class: "empty" }, el("strong", {}, title), el("p", {}, text), ...more);
}

/** What went wrong, and a way to try again. */
export function failure(problem, retry = null) {
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("strong", {}, problem.title ?? "This could not be read"),
    el("p", {}, problem.detail ?? problem.message),
    retry && el("button", { type: "button", on: { click: retry } }, "Try again"),
  );
}
