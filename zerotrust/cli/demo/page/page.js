// Everything is sent from here to the guarded app itself; the page's own endpoints only mint the credential.
const $ = (id) => document.getElementById(id);
const form = $("ask");
const button = form.querySelector("button");
const WORDS = { YES: "yes", NO: "no", UNKNOWN: "unknown" };
const STEP_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 220;
const ORDER = JSON.stringify({ to: "bob", cents: 1250 });

let setup;
let turn = 0; // a newer request makes an older one's lights go out

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// --- Choices ---------------------------------------------------------------------------------------------------------

function choice(group, id, checked, ...label) {
  const input = make("input", { type: "radio", name: group, value: id });
  input.checked = checked;
  return make("label", { class: "choice" }, input, make("span", {}, ...label));
}

function showChoices() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const request = setup.requests.find((one) => one.id === wanted.get("request")) ?? setup.requests[0];
  const credential = setup.credentials.find((one) => one.id === wanted.get("credential")) ?? setup.credentials[0];
  for (const one of setup.requests) {
    $("requests").append(
      choice("request", one.id, one === request, make("code", {}, `${one.method} ${one.path}`), make("small", {}, one.policy)),
    );
  }
  for (const name of new Set(setup.credentials.map((one) => one.group))) {
    const group = make("div", { role: "group", "aria-label": name }, make("p", { "aria-hidden": "true" }, name));
    for (const one of setup.credentials.filter((one) => one.group === name)) {
      group.append(choice("credential", one.id, one === credential, one.title, make("small", {}, one.hint)));
    }
    $("credentials").append(group);
  }
}

const chosen = () => {
  const data = new FormData(form);
  return {
    request: setup.requests.find((one) => one.id === data.get("request")),
    credential: setup.credentials.find((one) => one.id === data.get("credential")),
  };
};

// --- The tree --------------------------------------------------------------------------------------------------------

function branch(part) {
  const children = part.children ?? [];
  const text = children.length ? make("span", { class: "text" }, part.text) : make("code", { class: "text" }, part.text);
  const node = make(
    "div",
    { class: children.length ? "node group" : "node" },
    make("span", { class: "light", "aria-hidden": "true" }),
    make("span", {}, make("span", { class: "spoken verdict" }), text),
    make("span", { class: "detail" }),
  );
  const item = make("li", {}, node);
  if (children.length) item.append(make("ul", {}, ...children.map(branch)));
  return item;
}

function showPolicy(request) {
  $("written").textContent = request.written;
  $("tree").replaceChildren(branch(request.tree));
}

// Leaves before the node they hang on, as the engine settles them.
function bottomUp(part, item) {
  const items = item.querySelectorAll(":scope > ul > li");
  return [...(part.children ?? []).flatMap((child, at) => bottomUp(child, items[at])), [part, item.querySelector(".node")]];
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function light(explanation, mine) {
  for (const [part, node] of bottomUp(explanation, $("tree").firstElementChild)) {
    if (STEP_MS) await pause(STEP_MS);
    if (mine !== turn) return;
    const lamp = node.querySelector(".light");
    lamp.dataset.verdict = part.verdict;
    lamp.classList.add("flash");
    setTimeout(() => lamp.classList.remove("flash"), STEP_MS * 2);
    node.classList.add("lit");
    node.querySelector(".verdict").textContent = `${WORDS[part.verdict]}: `;
    node.querySelector(".detail").textContent = part.detail ?? "";
  }
}

// --- The answer ------------------------------------------------------------------------------------------------------

function meaning(status, challenge, code) {
  if (status < 300) return ["yes", "let in"];
  if (status === 503) return ["unknown", "could not be checked"];
  if (challenge.includes("insufficient_user_authentication")) return ["unknown", "asked to sign in again"];
  if (challenge.includes("insufficient_scope")) return ["unknown", "asked for more scope"];
  if (code === "not_presented") return ["unknown", "asked to sign in"];
  return ["no", "refused"];
}

function told(pairs) {
  $("told").replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  $("told").hidden = false;
}

function showAnswer(response, body, request) {
  const challenge = response.headers.get("www-authenticate") ?? "";
  const [tone, words] = meaning(response.status, challenge, body.code);
  $("status").dataset.tone = tone;
  $("status").replaceChildren(
    make("strong", {}, `${response.status} ${response.statusText}`.trim()),
    make("span", { class: "chip" }, words),
  );
  told([
    ["Request", make("code", {}, `${request.method} ${request.path}`)],
    ["Reason", body.code && `${body.code.replaceAll("_", " ")}: ${body.detail}`],
    ["WWW-Authenticate", challenge && make("code", {}, challenge)],
    ["Retry-After", response.headers.get("retry-after")],
  ]);
  const { explanation, ...rest } = body;
  $("body").querySelector("pre").textContent = JSON.stringify(explanation ? { ...rest, explanation } : rest, null, 2);
}

function decoded(part) {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const text = JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 2);
    return text.length > 2000 ? `${text.slice(0, 2000)} ...` : text;
  } catch {
    return part;
  }
}

function showToken(token) {
  const shown = $("sent").querySelector("pre");
  if (token === null) {
    shown.textContent = "No Authorization header was sent.";
    return;
  }
  const [header, claims, signature] = token.split(".");
  shown.textContent = [
    `header ${decoded(header)}`,
    `claims ${decoded(claims)}`,
    `signature ${signature ? `${signature.slice(0, 24)}...` : "(empty)"}`,
    `${token.length.toLocaleString("en")} characters`,
  ].join("\n");
}

// --- Sending ---------------------------------------------------------------------------------------------------------

async function send() {
  const mine = ++turn;
  const { request, credential } = chosen();
  showPolicy(request);
  button.disabled = true;
  try {
    const minted = await fetch(`/demo/tokens/${credential.id}`, { method: "POST" });
    const { token } = await minted.json();
    const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
    const body = request.method === "POST" ? ORDER : undefined;
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(request.path, { method: request.method, headers, body, cache: "no-store" });
    const document = await response.json();
    if (mine !== turn) return;
    showToken(token);
    showAnswer(response, document, request);
    const oneColumn = matchMedia("(max-width: 54rem)").matches;
    $("answer").scrollIntoView({ behavior: STEP_MS ? "smooth" : "auto", block: oneColumn ? "start" : "nearest" });
    await light(document.explanation ?? request.tree, mine);
  } catch (error) {
    if (mine !== turn) return;
    $("status").dataset.tone = "no";
    $("status").textContent = `The demo does not answer; is it still running? (${error.message})`;
  } finally {
    if (mine === turn) button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("change", () => {
  turn += 1;
  button.disabled = false;
  delete $("status").dataset.tone;
  $("status").textContent = "Not sent yet.";
  $("told").hidden = true;
  for (const shown of document.querySelectorAll("details pre")) shown.textContent = "Not sent yet.";
  const { request, credential } = chosen();
  showPolicy(request);
  history.replaceState(null, "", `#request=${request.id}&credential=${credential.id}`);
});

setup = await (await fetch("/demo/setup")).json();
showChoices();
showPolicy(chosen().request);
button.disabled = false;
