// The console's page. It asks the console's API and shows what that tells, always as text.

const byId = (id) => document.getElementById(id);
const MOST_ROWS = 500;
const BIN = 10_000;
const BINS = 60;

// A link may bring the token: `#token=…`. It is in no request, and is taken out of the address at once.
if (location.hash.startsWith("#token=")) {
  const [given, rest = ""] = location.hash.slice("#token=".length).split("&");
  sessionStorage.setItem("token", decodeURIComponent(given));
  history.replaceState(null, "", `#${rest}`);
}
let token = sessionStorage.getItem("token");
let stages = [];
let questions = [];
let filters = new URLSearchParams();
let paused = false;
let asking = new AbortController();
const counts = new Map();

/** An element with attributes and children; a text is never markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
}

/** What stands between backticks is code. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** What the API tells. */
async function ask(target, content, signal) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (content) headers["Content-Type"] = "application/json";
  const answer = await fetch(target, { headers, signal, method: content ? "POST" : "GET", body: content, cache: "no-store" });
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401) askForToken(Boolean(token));
  if (!answer.ok) throw new Refused(answer.status, [told.detail, told.report, told.remedy].filter(Boolean).join(" "));
  return told;
}

function askForToken(wrong) {
  token = null;
  sessionStorage.removeItem("token");
  state(wrong ? "That is not the token" : "The token is needed", wrong);
  byId("token").hidden = false;
  byId("token").querySelector("input").focus();
}

function state(text, wrong = false) {
  byId("state").textContent = text;
  byId("state").className = wrong ? "wrong" : "";
}

const status = (code, phrase) => make("span", { class: `status c${String(code ?? "").charAt(0)}` }, String(code ?? "–"), phrase ? ` ${phrase}` : "");
const place = (key) => (key ? (key.place ? `${key.name}, ${key.place.file}:${key.place.line}` : `default of ${key.name}`) : "");
const took = (us) => (us < 1e3 ? `${us} µs` : us < 1e6 ? `${(us / 1e3).toFixed(1)} ms` : `${(us / 1e6).toFixed(1)} s`);

// The list.

function row(given) {
  const open = make("button", { class: "row-button mono", type: "button" }, `${given.method} ${given.target}`);
  open.addEventListener("click", () => { location.hash = `#answer/${encodeURIComponent(given.id)}`; });
  return make(
    "tr",
    { class: "fresh", "data-id": given.id },
    make("td", { class: "mono faint" }, given.time.slice(11, 23)),
    make("td", {}, status(given.status), " ", given.reason),
    make("td", {}, open),
    make("td", { class: "mono" }, given.route ?? "–"),
    make("td", { class: "mono" }, given.client, given.user ? ` ${given.user}` : ""),
  );
}

function count(given) {
  const bin = Math.floor(Date.parse(given.time) / BIN);
  const known = counts.get(given.reason) ?? { status: given.status, total: 0, bins: new Map() };
  known.total += 1;
  known.bins.set(bin, (known.bins.get(bin) ?? 0) + 1);
  for (const old of known.bins.keys()) if (old < bin - BINS) known.bins.delete(old);
  counts.set(given.reason, known);
}

function showCounts() {
  const now = Math.floor(Date.now() / BIN);
  const sorted = [...counts].sort(([, a], [, b]) => b.total - a.total);
  byId("reason-counts").replaceChildren(...sorted.map(([reason, { status: code, total, bins }]) => {
    const most = Math.max(...bins.values(), 1);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of [["viewBox", `0 0 ${BINS} 20`], ["preserveAspectRatio", "none"], ["class", "over-time"], ["role", "img"], ["aria-label", `at most ${most} in ten seconds`]]) svg.setAttribute(name, value);
    for (const [bin, value] of bins) {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (20 * value) / most;
      for (const [name, at] of [["x", BINS - 1 - (now - bin)], ["y", 20 - height], ["width", 0.9], ["height", height], ["fill", "currentColor"]]) bar.setAttribute(name, at);
      svg.append(bar);
    }
    const link = make("a", { href: `#answers?reason=${encodeURIComponent(reason)}` }, reason);
    return make("tr", {}, make("td", {}, link), make("td", {}, status(code)), make("td", {}, String(total)), make("td", {}, svg));
  }));
}

/** Asks again and again for what follows, by the filters as they are. */
async function follow() {
  asking.abort();
  const own = (asking = new AbortController());
  const rows = byId("rows");
  rows.replaceChildren();
  byId("none").hidden = false;
  let after = null;
  while (!own.signal.aborted) {
    if (paused) return;
    const query = new URLSearchParams(filters);
    query.set("limit", after === null ? "100" : "500");
    if (after !== null) { query.set("after", after); query.set("wait", "20"); }
    try {
      const told = await ask(`/answers?${query}`.replaceAll("+", "%20"), null, own.signal);
      if (own.signal.aborted) return;
      after = told.next;
      state(paused ? "Paused" : "Live");
      for (const given of told.answers) { count(given); rows.prepend(row(given)); }
      while (rows.children.length > MOST_ROWS) rows.lastChild.remove();
      byId("none").hidden = rows.children.length > 0;
      if (told.answers.length > 0) showCounts();
    } catch (error) {
      if (own.signal.aborted) return;
      if (error.status === 401) return;
      state(error.status ? error.message : "The server does not answer; asking again", true);
      if (error.status === 400) return;
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
}

// One answer, or a dry run.

/** The eight stages, the way that was taken lit. */
function way(explanation) {
  const asked = new Map(explanation.steps.map((step) => [step.question, step]));
  const came = stages.indexOf(explanation.stage);
  return make("ol", { class: "way", "aria-label": "The way through the eight stages" }, ...stages.map((name) => {
    const own = questions.filter((question) => question.stage === name);
    // What must go with an answer is no question, and is asked of each.
    const lit = own.some((question) => asked.has(question.words)) || name === stages.at(-1) || (own.length === 0 && stages.indexOf(name) < came);
    const ends = explanation.stage === name;
    const dots = own.map((question) => {
      const holds = asked.get(question.words)?.holds;
      const word = holds === true ? "yes" : holds === false ? (ends ? "no" : "turn") : "";
      const said = holds === true ? "yes" : holds === false ? "no" : "not asked";
      return make("li", { class: word, title: `${question.words} ${said}`, "aria-label": `${question.words} ${said}` });
    });
    const stage = make("li", { class: `${lit ? "lit" : ""} ${ends ? "end" : ""}`, "data-stage": name }, make("strong", {}, name), make("ol", {}, ...dots));
    if (ends) stage.append(status(explanation.status), ` ${explanation.reason ?? ""}`);
    return stage;
  }));
}

function show(explanation, phrase) {
  const parts = [];
  if (explanation.sentence) parts.push(make("p", {}, ...prose(explanation.sentence)));
  if (explanation.remedy) parts.push(make("p", { class: "remedy" }, make("strong", {}, "What to do: "), ...prose(explanation.remedy)));
  if (explanation.told && explanation.told !== explanation.reason) parts.push(make("p", {}, "The client is told ", make("code", {}, explanation.told), "."));
  parts.push(way(explanation));
  const facts = make("dl");
  const fact = (name, ...value) => facts.append(make("dt", {}, name), make("dd", {}, ...value));
  if (explanation.section) fact("Rule", explanation.section);
  if (explanation.route) fact("Route", make("code", {}, explanation.route.pattern), ` ${explanation.route.kind}${explanation.route.place ? `, ${explanation.route.place.file}:${explanation.route.place.line}` : ""}`);
  if (explanation.interim) fact("Before it", status(explanation.interim.status, phrase?.(explanation.interim.status)), ` ${explanation.interim.reason}`);
  if (explanation.outcomes.length > 0) fact("Can come of it", explanation.outcomes.map((outcome) => `${outcome.statuses.length === 1 ? outcome.statuses[0] : "any"} ${outcome.reason}${outcome.expected ? " (expected)" : ""}`).join(", "));
  parts.push(facts);
  // Of arrival the usual is not said.
  const quiet = (step) => step.holds === true && (!step.evidence || (step.stage === stages[0] && !step.key?.place));
  const body = explanation.steps.map((step) => make(
    "tr",
    { class: step.holds === false ? "no" : quiet(step) ? "quiet" : "", hidden: quiet(step) },
    make("td", { class: "faint" }, step.stage),
    make("td", {}, step.holds === null ? "–" : step.holds ? "yes" : "no"),
    make("td", {}, step.question),
    make("td", { class: "mono" }, step.evidence),
    make("td", { class: "mono faint" }, step.key && (step.key.place || step.holds === false) ? place(step.key) : ""),
  ));
  const all = make("button", { type: "button", "aria-pressed": "false" }, "Every question");
  all.addEventListener("click", () => {
    const every = all.getAttribute("aria-pressed") !== "true";
    all.setAttribute("aria-pressed", String(every));
    explanation.steps.forEach((step, at) => { body[at].hidden = !every && quiet(step); });
  });
  const head = ["Stage", "Answer", "Question", "Held against", "Config"].map((text) => make("th", { scope: "col" }, text));
  parts.push(make("h3", {}, "The questions ", all));
  parts.push(make("div", { class: "list" }, make("table", { class: "steps" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body))));
  if (explanation.lost.length > 0) {
    const rows = explanation.lost.slice(0, 20).map((lost) => make("tr", {}, make("td", { class: "mono" }, lost.route.pattern), make("td", {}, lost.why)));
    parts.push(make("h3", {}, "Routes that do not answer"), make("div", { class: "list" }, make("table", {}, make("tbody", {}, ...rows))));
  }
  if (explanation.fields.length > 0) {
    const rows = explanation.fields.map(([name, value]) => make("tr", {}, make("td", { class: "mono" }, name), make("td", { class: "mono" }, value)));
    parts.push(make("h3", {}, "The answer's fields"), make("div", { class: "list" }, make("table", {}, make("tbody", {}, ...rows))));
  }
  return parts;
}

async function openAnswer(id) {
  const title = byId("answer-title");
  const told = byId("told");
  title.replaceChildren("…");
  told.replaceChildren();
  try {
    const [why, known] = await Promise.all([ask(`/answers/${encodeURIComponent(id)}`), reference()]);
    const { answer, explanation } = why;
    const phrase = (code) => known.statuses.find((line) => line.code === code)?.name;
    title.replaceChildren(status(answer.status, phrase(answer.status)), ` ${answer.reason}`);
    const facts = make("dl");
    const fact = (name, ...value) => facts.append(make("dt", {}, name), make("dd", {}, ...value));
    fact("Request", make("code", {}, `${answer.method} ${answer.target}`), ` HTTP/${answer.version}${answer.cut ? ", of whose head only a part was kept" : ""}`);
    fact("From", make("code", {}, answer.client), answer.user ? `, ${answer.user}` : "");
    fact("At", answer.time);
    fact("Id", make("code", {}, answer.id));
    fact("Content", `${answer.bytes} bytes`);
    if (answer.decision_us != null) fact("Time", `head ${took(answer.head_us)}, decision ${took(answer.decision_us)}, sending ${took(answer.sending_us)}`);
    if (answer.member) fact("Upstream", make("code", {}, answer.member), answer.cause ? ` ${answer.cause}` : "");
    if (answer.close) fact("Connection", `ended: ${answer.close}`);
    const parts = show(explanation, phrase);
    if (why.reloaded) parts.unshift(make("p", { class: "faint" }, "The server goes by another config by now, so that less can be said."));
    told.replaceChildren(facts, ...parts);
  } catch (error) {
    title.replaceChildren("This answer is not kept");
    told.replaceChildren(make("p", { class: "wrong" }, error.message));
  }
  title.focus();
}

// The dry run.

function base64(text) {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes);
}

byId("dry-run").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const content = form.get("content");
  const lines = form.get("fields").split(/\r?\n/).filter(Boolean);
  if (content && !lines.some((line) => /^(content-length|transfer-encoding)\s*:/i.test(line))) lines.push(`Content-Length: ${new TextEncoder().encode(content).length}`);
  const message = `${form.get("method")} ${form.get("target")} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n${content}`;
  try {
    const told = await ask("/explain", JSON.stringify({ message: base64(message), from: form.get("from") }));
    const known = await reference();
    const { explanation } = told;
    const name = known.statuses.find((line) => line.code === explanation.status)?.name;
    const title = explanation.status ? make("h3", {}, status(explanation.status, name), ` ${explanation.reason}`) : make("h3", {}, "Nothing stands in its way");
    byId("dry").replaceChildren(title, ...show(explanation));
  } catch (error) {
    byId("dry").replaceChildren(make("p", { class: "wrong" }, error.message));
  }
});

// The reference.

let asked = null;
const reference = () => (asked ??= ask("/reference").catch((error) => { asked = null; throw error; }));

async function showReference() {
  const known = await reference();
  const codes = known.statuses.map((line) => {
    const facts = make("dl");
    const fact = (name, value) => { if (value) facts.append(make("dt", {}, name), make("dd", {}, ...prose(value))); };
    fact("Means", line.meaning);
    fact("When", line.when);
    fact("When not", line.when_not);
    fact("A client then", line.next);
    fact("Carries", line.required.join(", "));
    fact("Rule", line.section);
    const reasons = line.reasons.map((reason) => make("tr", {}, make("td", {}, make("a", { href: `#answers?reason=${encodeURIComponent(reason.id)}` }, reason.id)), make("td", {}, reason.stage), make("td", {}, ...prose(reason.sentence)), make("td", {}, ...prose(reason.remedy ?? ""))));
    const table = reasons.length > 0 ? make("div", { class: "list" }, make("table", {}, make("tbody", {}, ...reasons))) : "";
    const text = [line.code, line.name, line.meaning, ...line.reasons.map((reason) => `${reason.id} ${reason.sentence}`)].join(" ").toLowerCase();
    return make("details", { "data-text": text }, make("summary", {}, status(line.code, line.name)), facts, table);
  });
  const comparisons = known.comparisons.map((compared) => {
    const head = make("tr", {}, make("th", {}), ...compared.codes.map((code) => make("th", { scope: "col" }, status(code))));
    const rows = compared.rows.map((line) => make("tr", {}, make("th", { scope: "row" }, line.question), ...line.answers.map((answer) => make("td", {}, answer))));
    const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
    const text = `${compared.codes.join(" ")} ${compared.advice}`.toLowerCase();
    return make("details", { "data-text": text }, make("summary", {}, compared.codes.join(" · ")), make("div", { class: "list" }, table), make("p", {}, ...prose(compared.advice)));
  });
  byId("codes").replaceChildren(make("h3", {}, "What tells them apart"), make("div", { class: "reference" }, ...comparisons), make("h3", {}, "Every code"), make("div", { class: "reference" }, ...codes));
  byId("reasons").replaceChildren(...known.statuses.flatMap((line) => line.reasons).map((reason) => make("option", { value: reason.id })));
}

byId("find").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const part of byId("codes").querySelectorAll("details")) part.hidden = !part.dataset.text.includes(wanted);
});

// The tour, where the server is one.

let toured = false;

async function findTour() {
  const told = await ask("/tour");
  if (told.stops.length === 0) return;
  const known = await reference();
  toured = true;
  byId("to-tour").hidden = byId("back-to-tour").hidden = false;
  byId("stops").replaceChildren(...told.stops.map((stop) => {
    const phrase = known.statuses.find((line) => line.code === stop.code)?.name;
    const button = make("button", { type: "button", "data-code": String(stop.code) }, status(stop.code, phrase));
    button.addEventListener("click", () => visit(stop.code, button));
    const shell = make("details", {}, make("summary", {}, "In a shell"), make("code", {}, stop.line));
    return make("li", {}, button, make("p", {}, ...prose(stop.circumstance)), shell);
  }));
}

/** Makes a status happen and opens its answer. */
async function visit(code, button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  byId("visiting").className = "";
  byId("visiting").textContent = `${code} is made to happen …`;
  try {
    const told = await ask(`/tour/${code}`, "{}");
    byId("visiting").textContent = told.misses.length > 0 ? `${code} did not come as it has to: ${told.misses.join("; ")}` : "";
    if (told.id && told.misses.length === 0) location.hash = `#answer/${encodeURIComponent(told.id)}`;
    else byId("visiting").className = "wrong";
  } catch (error) {
    byId("visiting").textContent = error.message || "The server does not answer";
    byId("visiting").className = "wrong";
  }
  button.removeAttribute("aria-busy");
}

// Ways through the page.

function go() {
  const [path, query] = location.hash.slice(1).split("?");
  const [part, id] = path.split("/");
  const shown = ["answers", "answer", "counts", "dry-run", "reference", ...(toured ? ["tour"] : [])].includes(part) ? part : "answers";
  for (const section of document.querySelectorAll("main > section:not(#token)")) section.hidden = section.id !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown}` || (shown === "answer" && link.hash === "#answers")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown === "answer" && id) openAnswer(decodeURIComponent(id));
  if (shown === "reference") showReference().catch((error) => state(error.message, true));
  if (shown === "counts") showCounts();
  if (shown === "answers" && query !== undefined) {
    const wanted = new URLSearchParams(query);
    for (const field of document.querySelectorAll(".filters input")) field.value = wanted.get(field.name) ?? "";
    filter();
  }
}

function filter() {
  const form = new FormData(document.querySelector(".filters"));
  filters = new URLSearchParams([...form].filter(([, value]) => value));
  follow();
}

document.querySelector(".filters").addEventListener("submit", (event) => { event.preventDefault(); filter(); });
document.querySelector(".filters").addEventListener("reset", () => setTimeout(filter));
byId("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", String(paused));
  state(paused ? "Paused" : "Live");
  if (paused) asking.abort();
  else follow();
});
byId("token").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = new FormData(event.target).get("token");
  sessionStorage.setItem("token", token);
  byId("token").hidden = true;
  start();
});
window.addEventListener("hashchange", go);

async function start() {
  try {
    ({ stages, questions } = await ask("/questions"));
    await findTour();
    go();
    if (!location.hash.includes("?")) follow();
    showReference().catch(() => {});
  } catch (error) {
    if (error.status !== 401) state(error.message || "The server does not answer", true);
  }
}

start();
