/** Reads of the public API. The page knows nothing that a script could not read from the same addresses. */

const listeners = new Set();
let token = sessionStorage.getItem("token");
let latest = null;

/** An RFC 9457 problem, or a connection that failed (status 0). */
export class Problem extends Error {
  constructor({ title, detail, status = 0, code = null }) {
    super(detail ?? title);
    Object.assign(this, { title, detail, status, code });
  }
}

/** The token sent from now on, kept until the tab closes. */
export function useToken(text) {
  token = text;
  sessionStorage.setItem("token", text);
}

export const authorised = (headers) => (token ? { ...headers, Authorization: `Bearer ${token}` } : headers);

/** Call `listener` with the `as_of`, `watermark`, … of each answer that is not older than one seen before. */
export function onMeta(listener) {
  listeners.add(listener);
}

/** The address of an answer, relative to the page. */
export function address(path, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value != null && value !== "");
  const text = new URLSearchParams(kept).toString();
  return `v1/${path.map(encodeURIComponent).join("/")}${text && `?${text}`}`;
}

/** The JSON at `path`. Throws a Problem that says what was wrong; an aborted read throws AbortError. */
export async function read(path, query = {}, signal = undefined) {
  const url = address(path, query);
  let response;
  try {
    response = await fetch(url, { headers: authorised({ Accept: "application/json" }), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({
      title: "No answer from the server",
      detail: `GET /${url} could not be sent. Is headrace running?`,
    });
  }
  if (!response.ok) throw await problemOf(response, url);
  const answer = await response.json();
  if ("as_of" in answer && "state_version" in answer) note(answer);
  return answer;
}

/** The problem an answer carries; a proxy's page becomes one too. */
export async function problemOf(response, url) {
  const said = response.headers.get("content-type")?.includes("json") ? await response.json().catch(() => ({})) : {};
  return new Problem({
    title: said.title ?? `${response.status} ${response.statusText}`,
    detail: said.detail ?? `GET /${url} was refused.`,
    status: response.status,
    code: said.code,
  });
}

function note(meta) {
  if (latest !== null && meta.state_version < latest) return;
  latest = meta.state_version;
  for (const listener of listeners) listener(meta);
}

/** Older versions are news again, because the server started over. */
export function forgetVersions() {
  latest = null;
}
