/** Titled cards with a sentence under the title, where there is one, and the tables in them. */
import { el } from "./dom.js";

export function card(title, sub, ...content) {
  return el(
    "section",
    { class: "card flush", "aria-label": title },
    el("h2", {}, title),
    sub && el("p", { class: "sub" }, sub),
    el("div", { class: "scroll" }, ...content),
  );
}

/** @param {string[]} figures those of the `names` of columns that hold numbers; `rows` have an `element` each. */
export function table(names, figures, rows) {
  const head = names.map((text) =>
    el("th", { scope: "col", class: figures.includes(text) ? "num" : null, "aria-label": text === "" ? "Share" : null }, text),
  );
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...[...rows].map((row) => row.element)));
}
