/** Where the page is: `#/contracts/C-1?line=L-1`. Every view and filter has an address, so each can be sent to somebody. */

const listeners = new Set();
let shown = null;

/** `{path: ["contracts", "C-1"], query: URLSearchParams}` of the current hash. */
export function here() {
  const hash = location.hash.startsWith("#/") ? location.hash.slice(2) : "";
  const cut = hash.indexOf("?");
  const path = (cut < 0 ? hash : hash.slice(0, cut)).split("/").filter(Boolean).map(decodeURIComponent);
  return { path, query: new URLSearchParams(cut < 0 ? "" : hash.slice(cut + 1)) };
}

/** The hash of a path with its query; empty and null values are left out. */
export function link(path, query = {}) {
  const kept = [...(query instanceof URLSearchParams ? query : Object.entries(query))].filter(
    ([, value]) => value != null && value !== "",
  );
  const text = new URLSearchParams(kept).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text && `?${text}`}`;
}

export const contractLink = (contractId) => link(["contracts", contractId]);

/** The current address with some of its query changed. */
export function changed(changes) {
  const { path, query } = here();
  for (const [name, value] of Object.entries(changes)) {
    if (value == null || value === "") query.delete(name);
    else query.set(name, value);
  }
  return link(path, query);
}

/** Go to `hash`. `replace` leaves no step to go back to; `layer` marks a step that closing takes back. */
export function go(hash, { replace = false, layer = false } = {}) {
  history[replace ? "replaceState" : "pushState"](layer ? { layer: true } : null, "", hash);
  announce();
}

/** Leave a layer: step back if it was opened from here, else take `changes` out of the address. */
export function leave(changes) {
  if (history.state?.layer) history.back();
  else go(changed(changes), { replace: true });
}

/** Call `listener` with `here()` now and whenever the address changes. */
export function follow(listener) {
  listeners.add(listener);
  listener(here());
}

function announce() {
  if (location.hash === shown) return;
  shown = location.hash;
  for (const listener of listeners) listener(here());
}

addEventListener("popstate", announce);
addEventListener("hashchange", announce);
