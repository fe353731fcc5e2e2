// "Try it": sends the form of an operation to the sandbox and shows the answer. Without this script the page shows
// the same call as a curl line and the contract's example.
const root = document.documentElement;
root.classList.add("scripted");
const words = JSON.parse(document.getElementById("words").textContent);

// A field's text as the JSON value that its type wants; undefined leaves the field out.
function read(input) {
  const text = input.value.trim();
  if (text === "") return undefined;
  switch (input.dataset.kind) {
    case "integer":
    case "number": return /^-?\d+(\.\d+)?$/.test(text) && text.length < 16 ? Number(text) : text;
    case "boolean": return text === "true";
    case "object":
    case "array":
    case "any":
      try { return JSON.parse(text); } catch { return text; }
    default: return text;
  }
}

function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = { Accept: "application/json, application/problem+json", "Accept-Language": root.lang };
  const body = {};
  for (const input of form.querySelectorAll("[data-place]")) {
    const value = read(input);
    if (value === undefined) continue;
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    switch (input.dataset.place) {
      case "path": path = path.replace(`{${input.name}}`, encodeURIComponent(text)); break;
      case "query": query.set(input.name, text); break;
      case "header": headers[input.name] = text; break;
      default: body[input.name] = value;
    }
  }
  for (const control of form.querySelectorAll("[data-control]")) {
    if (control.value) headers[control.dataset.control] = control.value;
  }
  const init = { method: form.dataset.method, headers, credentials: "omit", cache: "no-store" };
  if (form.dataset.body) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  if (form.dataset.once) headers["Idempotency-Key"] = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
  const tail = query.toString();
  return [path + (tail ? `?${tail}` : ""), init];
}

function clear(form) {
  for (const row of form.querySelectorAll(".row.wrong")) {
    row.classList.remove("wrong");
    row.querySelector(".error").textContent = "";
    row.querySelector("[name]").removeAttribute("aria-invalid");
  }
}

// Shows a violation beside its field.
function mark(form, problem) {
  const places = problem.errors ?? [{ where: problem.where, expected: problem.expected, got: problem.got }];
  let first;
  for (const place of places) {
    const name = (place.where ?? "").replace(/^parameter\//, "").replace(/^\//, "").split("/")[0];
    const input = name && form.elements.namedItem(name);
    const row = input && input.closest && input.closest(".row");
    if (!row) continue;
    row.classList.add("wrong");
    row.querySelector(".error").textContent = `${words.expected} ${place.expected ?? ""}`;
    input.setAttribute("aria-invalid", "true");
    first ??= input;
  }
  first?.focus();
}

// The number of a request leads to all that is known of it.
function said(place, id) {
  place.textContent = "";
  if (!id) return;
  const link = document.createElement("a");
  [link.href, link.textContent] = [`/r/${encodeURIComponent(id)}`, id];
  place.append(link);
}

async function send(form) {
  const panel = document.getElementById(form.dataset.answer);
  const [state, out] = [panel.querySelector(".state"), panel.querySelector(".out")];
  const button = form.querySelector("button[type=submit]");
  clear(form);
  button.disabled = true;
  state.textContent = words.waiting;
  state.className = "state badge";
  const began = performance.now();
  try {
    const [path, init] = request(form);
    const answer = await fetch(path, init);
    const text = await answer.text();
    const took = Math.round(performance.now() - began);
    let shown = text, problem;
    try { problem = JSON.parse(text); shown = JSON.stringify(problem, null, 2); } catch { /* shown as it came */ }
    state.textContent = `${answer.status} · ${took} ms`;
    state.className = `state badge ${answer.ok ? "good" : answer.status < 500 ? "warn" : "bad"}`;
    said(panel.querySelector(".request-id"), answer.headers.get("x-request-id"));
    out.textContent = shown;
    if (!answer.ok && problem) mark(form, problem);
  } catch {
    state.textContent = words.unreachable;
    state.className = "state badge bad";
  } finally {
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await send(form);
    // What was asked for by a button is asked for once.
    const once = form.querySelector("input[type=hidden][data-control]");
    if (once) once.value = "";
  });
}
// The same call as something else would have it: only one header changes.
for (const button of document.querySelectorAll("form.try button[data-scenario]")) {
  button.addEventListener("click", () => {
    const { form } = button;
    form.querySelector("[data-control=Hub-Scenario]").value = button.dataset.scenario;
    form.requestSubmit();
  });
}
// A link to an operation opens it.
const open = () => { const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))); if (target?.tagName === "DETAILS") target.open = true; };
addEventListener("hashchange", open);
open();
