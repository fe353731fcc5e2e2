// The agencies' desk: drop a description, see what was read, publish it to the sandbox, take it further.
const root = document.documentElement;
root.classList.add("scripted");
const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const KEPT = "hub-desk-token";
let token = sessionStorage.getItem(KEPT) || "";

async function ask(method, path, body, type) {
  const headers = { Authorization: `Bearer ${token}`, "Accept-Language": root.lang };
  if (type) headers["Content-Type"] = type;
  const answer = await fetch(path, { method, headers, body, cache: "no-store", credentials: "omit" });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(value.detail || value.title || String(answer.status)), { problem: value });
  return value;
}

// An element with text and children; nothing that came from a file is ever read as HTML.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

const say = (text) => (text && typeof text === "object" ? text[root.lang.startsWith("zh") ? "zh" : "en"] : text) || "";
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function place(finding) {
  const at = finding.place || finding;
  return at.line ? `${at.file}:${at.line}:${at.column}` : at.file || "";
}

function findingList(findings) {
  return make("ul", { class: "findings" }, ...findings.slice(0, 50).map((f) => make("li", {},
    make("code", {}, place(f)), " ", say(f.text || f.message), make("br"), make("span", { class: "soft" }, say(f.fix)))));
}

function changeList(changes) {
  return make("ul", { class: "findings" }, ...changes.slice(0, 50).map((c) => make("li", {}, say(c.text), make("br"),
    make("span", { class: "soft" }, say(c.advice), " ", ...(c.clients || []).map((k) => make("code", {}, `${k.client} × ${k.count} `))))));
}

// Details whose inside is fetched when somebody looks.
function folded(title, inside) {
  const details = make("details", {}, make("summary", {}, title));
  details.addEventListener("toggle", async () => {
    if (details.open && details.children.length === 1) details.append(await inside().catch((e) => make("p", {}, e.message)));
  });
  return details;
}

function trouble(error) {
  const { problem = {} } = error;
  const list = problem.findings || [];
  show(make("h2", {}, problem.title || words.failed), make("p", {}, error.message), problem.fix && make("p", { class: "soft" }, problem.fix),
    list.length ? findingList(list) : undefined);
}

function show(...parts) {
  $("card").replaceChildren(...parts.filter(Boolean));
  $("card").hidden = false;
}

function copy(button, text) {
  navigator.clipboard.writeText(text).then(() => {
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 2000);
  });
}

async function step(version, name) {
  const body = { step: name };
  if (words.reasons.includes(name)) {
    body.why = prompt(words.why);
    if (!body.why) return;
  }
  if (name === "deprecate") {
    const day = prompt(words.sunset);
    if (!day) return;
    body.sunset = `${day.trim()}T00:00:00+08:00`;
  }
  if (name === "transfer") body.to = prompt(words.to) || "";
  try {
    await card(await ask("POST", `/registry/versions/${version.id}/steps`, JSON.stringify(body), "application/json"));
  } catch (error) { trouble(error); }
  list();
}

// What was read of a version, what stands in its way, and what can be done with it.
async function card(version) {
  const parts = [
    make("h2", {}, `${version.title || version.system} ${version.number}`),
    make("ul", { class: "badges" }, make("li", {}, make("span", { class: "badge accent" }, words.states[version.state])),
      version.format && make("li", {}, make("span", { class: "badge" }, `${version.format} ${version.format_version}`)),
      version.operations !== undefined && make("li", {}, make("span", { class: "badge" }, fill(words.operations, { n: version.operations })))),
  ];
  if (version.verdict) {
    parts.push(make("p", {}, fill(words.verdict, { must: version.verdict.must, others: version.verdict.others })));
    if (version.verdict.blocking.length) parts.push(make("details", {}, make("summary", {}, words.blocking), findingList(version.verdict.blocking)));
    parts.push(folded(words.findings, async () => findingList((await ask("GET", `/registry/versions/${version.id}/findings`)).items)));
    if (version.verdict.breaks) parts.push(folded(words.changes, async () => changeList((await ask("GET", `/registry/versions/${version.id}/changes`)).changes)));
  }
  const example = version.example;
  if (example && version.state !== "draft") {
    const button = make("button", { type: "button", class: "plain", onclick: () => copy(button, example.curl) }, words.copy);
    parts.push(make("h3", {}, words.address), make("p", {}, make("code", { id: "address" }, version.sandbox_url)),
      make("h3", {}, words.example), make("pre", { tabindex: "0" }, example.curl), make("p", {}, button));
    const answer = await fetch(example.url, { method: example.method, headers: example.headers, body: example.body || undefined, credentials: "omit" }).catch(() => undefined);
    if (answer) parts.push(make("h3", {}, `${answer.status}`), make("pre", { tabindex: "0", id: "answer" }, pretty(await answer.text())));
  }
  const steps = (version.steps || []).filter((s) => s !== "connect" && s !== "waive");
  if (steps.length) parts.push(make("div", { class: "steps" }, ...steps.map((name, index) => make("button",
    { type: "button", class: index ? "plain" : undefined, "data-step": name, onclick: () => step(version, name) }, words.steps[name] || name))));
  show(...parts);
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

async function list() {
  const { items } = await ask("GET", "/registry/versions");
  const own = items.filter((v) => v.origin === "registry").reverse();
  $("none").hidden = own.length > 0;
  $("versions").replaceChildren(...own.map((v) => make("tr", {},
    make("td", {}, make("button", { type: "button", class: "plain", onclick: async () => card(await ask("GET", `/registry/versions/${v.id}`)) }, `${v.agency}/${v.system}/v${v.major}`)),
    make("td", {}, v.number), make("td", {}, words.states[v.state]), make("td", {}, v.updated.slice(0, 10)))));
}

async function upload(file) {
  $("busy").textContent = words.reading;
  try {
    const query = new URLSearchParams({ file: file.name, draft: "true" });
    await card(await ask("POST", `/registry/versions?${query}`, file, "application/octet-stream"));
  } catch (error) { trouble(error); }
  $("busy").textContent = "";
  list();
}

async function enter() {
  try {
    await list();
    sessionStorage.setItem(KEPT, token);
    $("sign").hidden = true;
    $("desk").hidden = false;
  } catch (error) {
    sessionStorage.removeItem(KEPT);
    $("sign-error").textContent = error.message;
  }
}

$("sign").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  enter();
});
$("file").addEventListener("change", () => { if ($("file").files[0]) upload($("file").files[0]); });
for (const name of ["dragenter", "dragover"]) $("drop").addEventListener(name, (e) => { e.preventDefault(); $("drop").classList.add("over"); });
for (const name of ["dragleave", "drop"]) $("drop").addEventListener(name, (e) => { e.preventDefault(); $("drop").classList.remove("over"); });
$("drop").addEventListener("drop", (e) => { if (e.dataTransfer.files[0]) upload(e.dataTransfer.files[0]); });
if (token) enter();
