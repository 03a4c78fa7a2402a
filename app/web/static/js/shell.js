/** What stands around every view: how current the figures are, what is missing, and where they can be read as JSON. */
import { address, onMeta, useToken } from "./api.js";
import { el, figure } from "./dom.js";
import { count, day, instant } from "./format.js";

export class Shell {
  constructor() {
    this.notice = document.getElementById("notice");
    this.connection = el("dd", { class: "connection" }, "Connecting");
    this.asOf = el("dd", { class: "num" });
    this.knownAt = el("dd", { class: "num" });
    const fact = (name, dd, hint) => el("div", { title: hint }, el("dt", {}, name), dd);
    document
      .getElementById("state")
      .append(
        fact("As of", this.asOf, "The business date of every figure"),
        fact("Known at", this.knownAt, "The newest event that counts"),
        fact("Stream", this.connection, "Whether changes arrive by themselves"),
      );
    this.version = el("span", {});
    this.json = el("a", { href: address(["overview"]) });
    document
      .getElementById("foot")
      .append(
        this.version,
        el("span", {}, "This view as JSON: ", this.json),
        el("a", { href: "openapi.json" }, "API description"),
      );
    document.querySelector("[data-skip]").addEventListener("click", (event) => {
      event.preventDefault();
      document.getElementById("main").focus();
    });
    onMeta((meta) => this.showMeta(meta));
    this.missing = [];
  }

  /** @param {string} view @param {string[]} source the path of the answer the view is made of */
  showView(view, source) {
    for (const link of document.querySelectorAll("nav a")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.showSource(source);
  }

  /** @param {string[]} source the path of the answer that is shown */
  showSource(source) {
    this.json.href = address(source);
    this.json.textContent = `GET /${address(source)}`;
  }

  showMeta({
    as_of: asOf,
    watermark,
    stale,
    partitions_answered: answered,
    partitions_total: total,
    engine_version: engine,
    state_version: version,
  }) {
    figure(this.asOf, asOf === null ? "no date yet" : day(asOf), asOf);
    this.knownAt.textContent = watermark === null ? "nothing yet" : instant(watermark);
    this.version.textContent = `headrace ${engine} · state ${count(version)}`;
    this.missing = [
      asOf === null && "No clock.ticked has come: dates that need a today are missing.",
      stale && "Stale: the engine has not read everything that was sent. Figures may still change.",
      answered < total &&
        `Incomplete: ${total - answered} of ${total} partitions did not answer. Their contracts are missing here and in every total.`,
    ].filter(Boolean);
    this.tell();
  }

  /** @param {{state: string, problem?: Error}} connection @param {function} retry */
  showConnection(connection, retry) {
    this.lost = connection.state === "lost" ? { ...connection, retry, since: this.lost?.since ?? new Date() } : null;
    document.body.dataset.connection = connection.state;
    this.connection.textContent = connection.state === "live" ? "Live" : "Lost";
    this.tell();
    if (this.lost?.problem?.status === 401) this.askForToken();
  }

  tell() {
    const lines = this.missing.map((text) => el("p", {}, text));
    if (this.lost) lines.unshift(this.lostLine());
    this.notice.hidden = lines.length === 0;
    this.notice.replaceChildren(...lines);
  }

  lostLine() {
    const { since, retry } = this.lost;
    const clock = since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    return el(
      "p",
      {},
      el("strong", {}, `Connection lost at ${clock}. `),
      "The figures below are as they were then. Trying again by itself. ",
      el("button", { type: "button", on: { click: retry } }, "Try now"),
    );
  }

  /** The server wants a token: ask for one, once. */
  askForToken() {
    if (document.getElementById("token-form")) return;
    const input = el("input", {
      type: "password",
      name: "token",
      autocomplete: "off",
      required: true,
      "aria-label": "Access token",
    });
    const accept = (event) => {
      event.preventDefault();
      useToken(input.value.trim());
      location.reload();
    };
    document
      .getElementById("main")
      .replaceChildren(
        el(
          "form",
          { id: "token-form", class: "card", on: { submit: accept } },
          el("h1", {}, "Access token"),
          el("p", {}, "This server answers only to known callers. The token is kept until this tab closes."),
          input,
          el("button", { type: "submit" }, "Open"),
        ),
      );
    input.focus();
  }
}
