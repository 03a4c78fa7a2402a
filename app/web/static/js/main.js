/** Where the page starts: one book of contracts, one stream, one view at a time. */
import { follow } from "./address.js";
import { forgetVersions } from "./api.js";
import { Book } from "./book.js";
import { Contract } from "./contract.js";
import { el, empty } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Gate } from "./gate.js";
import { Live } from "./live.js";
import { Overview } from "./overview.js";
import { People } from "./people.js";
import { Promises } from "./promises.js";
import { Shell } from "./shell.js";
import { Streams } from "./streams.js";

/** Views with a place of their own in the navigation, and what they are made of where their address is not it. */
const VIEWS = ["people", "gate", "promises", "streams"];
const SOURCES = { undefined: ["overview"], people: ["resources"], promises: ["slas"] };
const main = document.getElementById("main");
const shell = new Shell();
const drawer = new Drawer(document.getElementById("drawer"));
let view = null;
let name = null;
const book = new Book(() => view === overview && overview.update());
const overview = new Overview(book);

/** The view of a path; the overview is kept, so coming back finds it where it was. */
function viewOf(path) {
  if (path.length === 0) return overview;
  if (path[0] === "contracts" && path.length === 2) return new Contract(path[1]);
  if (path[0] === "people" && path.length === 1) return new People((source) => shell.showSource(source));
  if (path[0] === "gate" && path.length === 1) return new Gate();
  if (path[0] === "promises" && path.length === 1) return new Promises();
  if (path[0] === "streams" && path.length === 1) return new Streams();
  return {
    title: "Not found",
    open() {},
    close() {},
    element: el(
      "div",
      {},
      empty(
        "There is no such view",
        "The address names none of the views.",
        el("a", { href: "#/" }, "Go to the overview"),
      ),
    ),
  };
}

function goTo(address) {
  const { path } = address;
  const wanted = JSON.stringify(path);
  if (wanted !== name) {
    if (view === overview) overview.scrolledTo = scrollY;
    view?.close();
    const first = name === null;
    name = wanted;
    view = viewOf(path);
    main.replaceChildren(view.element);
    document.title = `${view.title} · headrace`;
    scrollTo({ top: view.scrolledTo ?? 0, behavior: "instant" });
    if (!first) (view.heading ?? main).focus({ preventScroll: true });
    shell.showView(VIEWS.includes(path[0]) ? path[0] : "overview", SOURCES[path[0]] ?? path);
  }
  view.open(address);
  drawer.follow(address);
}

function readAgain() {
  forgetVersions();
  book.startOver();
  view.load?.();
}

const live = new Live("burn,readiness", {
  statements(statements) {
    const touched = book.apply(statements);
    if (view === overview && touched.size > 0) {
      overview.update();
      overview.followUp(touched);
    }
    view.statements?.(statements);
  },
  connection: (connection) => shell.showConnection(connection, () => live.retryNow()),
  reset: readAgain,
});

addEventListener("keydown", (event) => view?.key?.(event));
follow(goTo);
live.run();
book.load();
