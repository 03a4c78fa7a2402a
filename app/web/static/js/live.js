/**
 * The statement stream. Statements are kept per key, the newest wins, and are handed on at most once a second, so a
 * burst costs one paint and a hidden tab does not grow.
 */
import { Problem, address, authorised, problemOf } from "./api.js";

const PAINT_MS = 1_000;
/** The server sends a heartbeat every 15 s; three missed ones are a lost connection. */
const SILENCE_MS = 45_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

export class Live {
  /**
   * @param {string} topics with commas between
   * @param {{statements: Function, connection: Function, reset: Function}} on `statements` gets an array, at most once a
   *   second; `connection` gets `{state: "live" | "lost", problem}`; `reset` means: read everything again.
   */
  constructor(topics, on) {
    this.topics = topics;
    this.on = on;
    this.stopped = false;
    this.lastId = null;
    this.pending = new Map();
    this.paintedAt = 0;
    this.timer = null;
    this.retryMs = FIRST_RETRY_MS;
    this.wasLive = false;
    this.leaving = new AbortController();
    const { signal } = this.leaving;
    addEventListener("offline", () => this.controller?.abort(), { signal });
    addEventListener("online", () => this.retryNow(), { signal });
  }

  /** Read until the page is left, or `stop` is called. */
  async run() {
    for (;;) {
      const problem = await this.connect();
      if (this.stopped) return;
      this.on.connection({ state: "lost", problem });
      await new Promise((resolve) => {
        this.retryNow = resolve;
        setTimeout(resolve, this.retryMs);
      });
      if (this.stopped) return;
      this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
    }
  }

  /** Hang up, for good. */
  stop() {
    this.stopped = true;
    this.leaving.abort();
    this.controller?.abort();
    this.retryNow();
  }

  retryNow() {}

  /** One connection, from opening to its end; returns why it ended. */
  async connect() {
    this.controller = new AbortController();
    const url = address(["stream"], { topics: this.topics });
    const headers = authorised({
      Accept: "text/event-stream",
      ...(this.lastId === null ? {} : { "Last-Event-ID": this.lastId }),
    });
    let alarm = setTimeout(() => this.controller.abort(), SILENCE_MS);
    try {
      const response = await fetch(url, { headers, cache: "no-store", signal: this.controller.signal });
      if (!response.ok) return await problemOf(response, url);
      this.retryMs = FIRST_RETRY_MS;
      this.on.connection({ state: "live" });
      if (this.wasLive && this.lastId === null) this.on.reset();
      this.wasLive = true;
      const heard = () => {
        clearTimeout(alarm);
        alarm = setTimeout(() => this.controller.abort(), SILENCE_MS);
      };
      for await (const event of eventsOf(response.body, heard)) this.take(event);
      return new Problem({ title: "The server closed the stream" });
    } catch (error) {
      return new Problem({ title: "No connection to the server", detail: error.message });
    } finally {
      clearTimeout(alarm);
    }
  }

  take({ id, type, data }) {
    if (id !== null) this.lastId = id === "" ? null : id;
    if (type === "reset") {
      this.pending.clear();
      this.on.reset();
      return;
    }
    const statement = JSON.parse(data);
    const { contract_id: contractId, line_id: lineId, subject, week } = statement.data;
    const key = JSON.stringify([type, contractId, lineId, subject?.kind, subject?.id, week]);
    this.pending.set(key, { type, data: statement.data });
    this.timer ??= setTimeout(() => this.paint(), Math.max(0, this.paintedAt + PAINT_MS - Date.now()));
  }

  paint() {
    requestAnimationFrame(() => {
      this.timer = null;
      if (this.stopped) return;
      this.paintedAt = Date.now();
      const statements = [...this.pending.values()];
      this.pending.clear();
      this.on.statements(statements);
    });
  }
}

/** The events of a `text/event-stream` body; `heard` is called for every chunk, comments included. */
export async function* eventsOf(body, heard = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { id: null, type: "message", data: [] };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line !== "") {
        field(event, line);
        continue;
      }
      if (event.data.length > 0 || event.type === "reset") yield { ...event, data: event.data.join("\n") };
      event = { id: null, type: "message", data: [] };
    }
  }
}

function field(event, line) {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "data") event.data.push(value);
  else if (name === "event") event.type = value;
  else if (name === "id") event.id = value;
}
