// @ts-check
/**
 * Leads a person through what a refusal asks for, and repeats the request that was refused.
 *
 *     import { zerotrust } from "/auth/zerotrust.js";
 *     const api = zerotrust();
 *     const response = await api.fetch("/payments", { method: "POST", body });
 *
 * A refusal is believed only from this page's origin or that of the ceremonies: whoever can make a person type a code
 * into a dialogue gets that code.
 *
 * @module
 *
 * @typedef {{method: string, within?: number, user_verified?: boolean}} Factor  To prove.
 * @typedef {Factor & {approval?: string, document?: string, publicKey?: any}} Step  That, or an operation to approve.
 * @typedef {Step[]} Way  Steps that are enough together.
 * @typedef {{method: string, at: number, user_verified: boolean}} Proven
 * @typedef {typeof TEXT} Text
 *
 * @typedef {object} Question  What a dialogue is asked to do.
 * @property {Way[]} ways  The choices, all of which this browser can do; the preferred one first.
 * @property {(step: Step, code?: string) => Promise<void>} prove  Does one step; rejects if that was refused.
 * @property {(error: unknown) => string} explain  What to tell the person of an error of `prove`.
 * @property {AbortSignal} signal  Aborts when nobody waits for the answer any more.
 * @property {boolean} [unset]  Whether the person has nothing of what is asked for, and has to set it up first.
 * @property {Text} text  What to say.
 * @property {string} at  Where the ceremonies are.
 *
 * @typedef {(question: Question) => Promise<boolean>} Dialogue  Whether all steps of one way were done.
 *
 * @typedef {object} Options
 * @property {string} [at]  Where the ceremonies are; where this module came from unless given.
 * @property {Dialogue} [dialog]  In place of the built-in one.
 * @property {(request: Request) => Promise<Response>} [fetch]  What sends, e.g. something that adds a token or proof.
 * @property {Partial<Text>} [text]  Other words.
 *
 * @typedef {{signal?: AbortSignal, authorization?: string | null, through?: Options["fetch"]}} Sending
 * @typedef {{signal?: AbortSignal, verified?: boolean, mediation?: CredentialMediationRequirement}} Asserting
 */

/** What the dialogue says. In another language, give all of it and its `lang`. */
export const TEXT = {
  lang: "en",
  title: "Confirm that it is you",
  title_approval: "Approve this",
  count: "Step {n} of {of}",
  passkey: "Use your passkey: your fingerprint, face, screen lock or security key.",
  totp: "Enter the code that your authenticator app shows.",
  hotp: "Enter the next code of your token.",
  recovery_code: "Enter one of your recovery codes. Each works once.",
  approval: "Check what you are approving. Your passkey signs exactly this.",
  code: "Code",
  submit: "Confirm",
  submit_passkey: "Use passkey",
  submit_approval: "Approve with passkey",
  cancel: "Cancel",
  others: "Other ways",
  and: " and ",
  name_passkey: "Passkey",
  name_totp: "Authenticator app",
  name_hotp: "Code token",
  name_recovery_code: "Recovery code",
  name_approval: "Approval with a passkey",
  trouble: "Nothing here works?",
  set_up: "Set it up in another tab, then come back",
  not_used: "No passkey was used. Try again, or choose another way.",
  already_enrolled: "This device has a passkey here already.",
  failed: "That did not work. Check your connection and try again.",
  replayed: "That code was used already.",
  throttled: "Too many attempts. Try again in {time}.",
  user_not_verified: "Your device did not check that it is you. Set up its screen lock or PIN, or use another one.",
  wrong_code: "That code is not right. Check it, or wait for the next one.",
  wrong_operation: "What was to be signed is not what is shown. Nothing was approved.",
  not_enrolled: "Nothing of this kind is set up for you yet.",
};

/** A ceremony was refused; `code` is the stable name of the reason, `retryAfter` how many seconds to wait. */
export class Refused extends Error {
  /** @param {{status: number, code?: string, detail?: string, retry_after?: number}} problem */
  constructor({ status, code = "", detail = "", retry_after = 0 }) {
    super(detail);
    this.name = "Refused";
    this.status = status;
    this.code = code;
    this.retryAfter = retry_after;
  }
}

const APPROVAL = "Zerotrust-Approval";
/** Where the codes of a method are verified. @type {Map<string, string>} */
const CODES = new Map([["totp", "totp"], ["hotp", "hotp"], ["recovery_code", "recovery"]]);

/** Whether this browser can use passkeys here. */
export const canUsePasskeys = () => isSecureContext && "PublicKeyCredential" in window && "credentials" in navigator;

// --- Passkeys as JSON (WebAuthn Level 3 sections 5.1.8 to 5.1.10), also where the browser cannot do that yet ---------

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function fromBase64url(text) {
  const octets = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(octets, (octet) => octet.charCodeAt(0));
}

/** @param {ArrayBuffer | Uint8Array | null | undefined} octets @returns {string | undefined} */
function toBase64url(octets) {
  if (!octets) return undefined;
  const text = btoa(Array.from(new Uint8Array(octets), (octet) => String.fromCharCode(octet)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {any} options @param {"parseCreationOptionsFromJSON" | "parseRequestOptionsFromJSON"} parse @returns {any} */
function parsed(options, parse) {
  const native = /** @type {any} */ (PublicKeyCredential);
  if (typeof native[parse] === "function") return native[parse](options);
  const { challenge, user, excludeCredentials, allowCredentials } = options;
  /** @param {any[]} list */
  const withIds = (list) => list.map((one) => ({ ...one, id: fromBase64url(one.id) }));
  return {
    ...options,
    challenge: fromBase64url(challenge),
    ...(user && { user: { ...user, id: fromBase64url(user.id) } }),
    ...(excludeCredentials && { excludeCredentials: withIds(excludeCredentials) }),
    ...(allowCredentials && { allowCredentials: withIds(allowCredentials) }),
  };
}

/** @param {any} credential @returns {unknown} */
function asJson(credential) {
  if (typeof credential.toJSON === "function") return credential.toJSON();
  const { id, rawId, type, authenticatorAttachment, response } = credential;
  return {
    id, type,
    rawId: toBase64url(rawId),
    ...(authenticatorAttachment && { authenticatorAttachment }),
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toBase64url(response.clientDataJSON),
      attestationObject: toBase64url(response.attestationObject),
      transports: response.getTransports?.(),
      authenticatorData: toBase64url(response.authenticatorData ?? response.getAuthenticatorData?.()),
      signature: toBase64url(response.signature),
      userHandle: toBase64url(response.userHandle),
    },
  };
}

/** @param {any} options @param {Asserting} how */
async function getAssertion(options, { signal, verified, mediation }) {
  const publicKey = parsed(options, "parseRequestOptionsFromJSON");
  if (verified) publicKey.userVerification = "required"; // the server looks at what was done, whatever is asked here
  return asJson(await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) }));
}

/** The header's value that approves `step`. @param {Step} step @param {AbortSignal} signal */
async function approved({ approval, document = "", publicKey }, signal) {
  // What the person was shown is the document: it has to be what is signed.
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(document)));
  if (toBase64url(digest) !== publicKey?.challenge) throw new Refused({ status: 400, code: "wrong_operation" });
  const credential = await getAssertion(publicKey, { signal });
  return `${approval}.${toBase64url(new TextEncoder().encode(JSON.stringify(credential)))}`;
}

// --- The built-in dialogue -------------------------------------------------------------------------------------------

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, string | EventListener>} attributes @param {(Node | string)[]} children
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children); // strings become text, never markup
  return element;
}

/** What a document says is approved, as names and values. @param {string} document */
function described(document) {
  const { method, host, path, fields = {}, query = {} } = JSON.parse(document).operation;
  const list = make("dl", {}, make("dt", {}, method), make("dd", {}, `${host}${path}`));
  /** @param {string} name @param {unknown} value */
  const add = (name, value) => {
    if (value !== null && typeof value === "object" && Object.keys(value).length > 0) {
      for (const [inner, its] of Object.entries(value)) add(`${name} › ${inner}`, its);
    } else {
      list.append(make("dt", {}, name), make("dd", {}, typeof value === "string" ? value : JSON.stringify(value)));
    }
  };
  for (const [name, value] of [...Object.entries(fields), ...Object.entries(query)]) add(name, value);
  return list;
}

/** @type {Dialogue} */
async function builtIn({ ways, prove, explain, signal, unset, text, at }) {
  /** @param {string} key @returns {string} */
  const say = (key) => /** @type {any} */ (text)[key];
  const id = `zerotrust-${crypto.randomUUID()}`;
  const title = make("h2", { id: `${id}-title` });
  const body = make("div", { id: `${id}-body` });
  const alert = make("p", { id: `${id}-alert`, class: "error", role: "alert" });
  const submit = make("button", { type: "submit" });
  const cancel = make("button", { type: "button", class: "quiet", click: () => dialog.close() }, text.cancel);
  const others = make("div", { class: "others", role: "group", "aria-label": text.others });
  const buttons = make("div", { class: "buttons" }, submit, cancel);
  const form = make("form", { submit: attempt }, title, body, alert, buttons, others);
  const labels = { "aria-labelledby": title.id, "aria-describedby": body.id };
  const dialog = make("dialog", { class: "zerotrust", lang: text.lang, ...labels }, form);

  let way = ways[0];
  let done = 0; // steps of the way
  let busy = false;
  /** @type {HTMLInputElement | undefined} */
  let input;

  function show() {
    const { method, document = "" } = way[done];
    title.textContent = method === "approval" ? text.title_approval : text.title;
    submit.textContent = say(`submit_${method}`) ?? text.submit;
    alert.textContent = unset ? text.not_enrolled : "";
    body.replaceChildren(make("p", {}, say(method)));
    if (way.length > 1) {
      const count = text.count.replace("{n}", String(done + 1)).replace("{of}", String(way.length));
      body.prepend(make("p", { class: "count" }, count));
    }
    if (method === "approval") body.append(described(document));
    input = undefined;
    if (CODES.has(method)) {
      const plain = { required: "", autocapitalize: "none", spellcheck: "false", "aria-describedby": alert.id };
      input = make("input", { id: `${id}-code`, name: "code", autocomplete: "off", ...plain });
      if (method !== "recovery_code") input.autocomplete = "one-time-code";
      if (method !== "recovery_code") input.inputMode = "numeric";
      body.append(make("label", { for: input.id }, text.code), input);
    }
    others.replaceChildren(...ways.filter((other) => other !== way).map(choice));
    // In another tab: the request waits in this one.
    others.append(make("a", { href: `${at}/`, target: "_blank", rel: "noopener" }, unset ? text.set_up : text.trouble));
    (input ?? submit).focus();
  }

  /** @param {Way} other */
  function choice(other) {
    const choose = () => {
      if (busy) return;
      [way, done] = [other, 0];
      show();
    };
    const name = other.map((step) => say(`name_${step.method}`)).join(text.and);
    return make("button", { type: "button", class: "link", click: choose }, name);
  }

  /** @param {Event} event */
  async function attempt(event) {
    event.preventDefault();
    if (busy) return; // the button stays enabled: one that is disabled loses the focus
    busy = true;
    dialog.setAttribute("aria-busy", "true");
    alert.textContent = "";
    try {
      await prove(way[done], input?.value.trim());
      done += 1;
      if (done === way.length) dialog.close("done");
      else show();
    } catch (error) {
      alert.textContent = explain(error);
      input?.setAttribute("aria-invalid", "true");
      input?.select();
    }
    busy = false;
    dialog.removeAttribute("aria-busy");
  }

  document.body.append(dialog);
  try {
    const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    signal.addEventListener("abort", () => dialog.close(), { once: true });
    dialog.showModal();
    show();
    await closed;
    return dialog.returnValue === "done";
  } finally {
    dialog.remove();
  }
}

// --- The client ------------------------------------------------------------------------------------------------------

/** @param {Options} [options] */
export function zerotrust({ dialog = builtIn, text: words, ...options } = {}) {
  const at = (options.at ?? new URL(".", import.meta.url).href).replace(/\/+$/, "");
  const text = { ...TEXT, ...words };
  const send = options.fetch ?? ((/** @type {Request} */ request) => window.fetch(request));
  const trusted = new Set([location.origin, new URL(at, location.href).origin]);
  /** @type {Map<string, {answer: Promise<boolean>, waiting: number, nobody: AbortController}>} */
  const open = new Map();
  let queue = Promise.resolve(); // one dialogue at a time
  let proofs = 0; // how many were made so far

  /** One request of a ceremony. @param {string} path @param {unknown} body @param {Sending} [how] */
  async function post(path, body, { signal, authorization, through = send } = {}) {
    const headers = new Headers({ "Content-Type": "application/json", Accept: "application/json" });
    if (authorization) headers.set("Authorization", authorization);
    const url = `${at}/${path}`;
    const sent = { method: "POST", headers, body: JSON.stringify(body), signal };
    const response = await through(new Request(url, { ...sent, credentials: "include" }));
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Refused({ ...answer, status: response.status });
    return answer;
  }

  /** @param {unknown} error @returns {string} */
  function explain(error) {
    if (error instanceof Refused) {
      const said = /** @type {any} */ (text)[error.code] || error.message || text.failed;
      const [unit, count] = error.retryAfter < 100 ? ["second", error.retryAfter] : ["minute", error.retryAfter / 60];
      const format = new Intl.NumberFormat(text.lang, { style: "unit", unit, unitDisplay: "long" });
      return said.replace("{time}", format.format(Math.ceil(count)));
    }
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError" || name === "AbortError") return text.not_used;
    return name === "InvalidStateError" ? text.already_enrolled : text.failed;
  }

  /** @param {Sending & Asserting} how @returns {Promise<Proven>} */
  async function provePasskey(how) {
    const { publicKey } = await post("passkey/options", {}, how);
    const { proven } = await post("passkey/verify", { credential: await getAssertion(publicKey, how) }, how);
    proofs += 1;
    if (how.verified && !proven.user_verified) throw new Refused({ status: 401, code: "user_not_verified" });
    return proven;
  }

  /**
   * Ask the person, when it is their turn.
   * @param {Way[]} ways @param {AbortSignal} waited @param {string | null} authorization
   * @param {Headers} approvals  What to send along with the request in the end.
   * @param {boolean} [unset]
   */
  function ask(ways, waited, authorization, approvals, unset = false) {
    const over = new AbortController(); // a prompt of the browser does not outlive the dialogue
    const how = { signal: AbortSignal.any([waited, over.signal]), authorization };
    /** @param {Step} step @param {string} [code] */
    async function prove(step, code = "") {
      if (step.method === "approval") {
        approvals.set(APPROVAL, await approved(step, how.signal));
      } else if (step.method === "passkey") {
        await provePasskey({ ...how, verified: step.user_verified });
      } else {
        const typed = step.method === "recovery_code" ? code : code.replace(/\s/g, ""); // apps show them in groups
        await post(`${CODES.get(step.method)}/verify`, { code: typed }, how);
        proofs += 1;
      }
    }
    const answer = queue
      .then(() => !waited.aborted && dialog({ ways, prove, explain, signal: waited, unset, text, at }))
      .finally(() => over.abort());
    queue = answer.then(() => {}, () => {});
    return answer;
  }

  /**
   * `ask`, once for all that wait for the same.
   * @param {Way[]} ways @param {AbortSignal} signal @param {string | null} authorization @param {boolean} unset
   */
  async function askOnce(ways, signal, authorization, unset) {
    const key = keyOf(ways, authorization);
    let one = open.get(key);
    if (!one) {
      const nobody = new AbortController();
      const answer = ask(ways, nobody.signal, authorization, new Headers(), unset).finally(() => nobody.abort());
      one = { answer, waiting: 0, nobody };
      nobody.signal.addEventListener("abort", () => open.delete(key)); // who comes now begins another
      open.set(key, one);
    }
    one.waiting += 1;
    try {
      return await unless(signal, one.answer);
    } finally {
      one.waiting -= 1;
      if (one.waiting === 0) one.nobody.abort();
    }
  }

  /**
   * What of an answer would let the request in, if anything; `unset` if the person has to set that up first.
   * @param {Request} request @param {Response} response @returns {Promise<{ways: Way[], unset: boolean}>}
   */
  async function wanted(request, response) {
    const json = /^application\/problem\+json\b/i.test(response.headers.get("Content-Type") ?? "");
    if (response.status !== 401 || !json || !trusted.has(new URL(response.url || request.url).origin)) {
      return { ways: [], unset: false };
    }
    const problem = await response.clone().json().catch(() => null);
    return { ways: doable(problem?.step_up?.ways), unset: Boolean(problem?.step_up?.enrol?.length) };
  }

  /**
   * `fetch`, which leads the person through a step-up when the answer asks for one, and then repeats the request.
   *
   * The refusal itself is returned if the person gives up, if nothing that it asks for can be done here, or if it comes
   * again after what it asked for was proven.
   *
   * @param {RequestInfo | URL} input @param {RequestInit} [init] @returns {Promise<Response>}
   */
  async function fetch(input, init) {
    const request = new Request(input, init);
    const authorization = request.headers.get("Authorization");
    const before = proofs;
    let response = await send(request.clone());
    let { ways, unset } = await wanted(request, response);
    if (ways.length > 0 && !open.has(keyOf(ways, authorization))) {
      await unless(request.signal, queue);
      if (proofs > before) { // what another request's dialogue proved meanwhile may be enough
        response = await send(request.clone());
        ({ ways, unset } = await wanted(request, response));
      }
    }
    if (ways.length === 0) return response;
    const approvals = new Headers();
    const alone = ways.some((way) => way.some((step) => step.method === "approval"));
    const { signal } = request;
    const agreed = await (alone
      ? ask(ways, signal, authorization, approvals)
      : askOnce(ways, signal, authorization, unset));
    signal.throwIfAborted();
    if (!agreed) return response;
    approvals.forEach((value, name) => request.headers.set(name, value));
    return send(request);
  }

  return {
    fetch,
    explain,

    /** Ask for one of `ways`; false if the person gave up. @param {Way[]} ways @param {{signal?: AbortSignal}} [how] */
    async stepUp(ways, { signal = new AbortController().signal } = {}) {
      const can = doable(ways);
      return can.length > 0 && askOnce(can, signal, null);
    },

    /**
     * Have the person approve what a refusal's step says; the header to send with the request, null if they gave up.
     * @param {Step} step @param {{signal?: AbortSignal}} [how] @returns {Promise<[string, string] | null>}
     */
    async approve(step, { signal = new AbortController().signal } = {}) {
      const headers = new Headers();
      const ways = doable([[step]]);
      const agreed = ways.length > 0 && (await ask(ways, signal, null, headers));
      return agreed ? [APPROVAL, headers.get(APPROVAL) ?? ""] : null;
    },

    /**
     * Sign in with a passkey that knows whose it is (a discoverable credential). The `conditional` mediation offers it
     * among what the browser fills in, for an input with `autocomplete="username webauthn"`.
     * @param {Asserting} [how]
     */
    signIn: (how = {}) => provePasskey(how),

    /** Make a passkey for whoever is signed in; it proves nothing until it is used. @param {string} name @param {{signal?: AbortSignal}} [how] */
    async enrolPasskey(name, { signal } = {}) {
      const how = { signal, through: fetch };
      const { publicKey } = await post("passkey/enrol/options", {}, how);
      const options = parsed(publicKey, "parseCreationOptionsFromJSON");
      const made = await navigator.credentials.create({ publicKey: options, signal });
      return (await post("passkey/enrol", { credential: asJson(made), name }, how)).factor;
    },

    /** End the session. */
    signOut: () => post("sign-out", {}),
  };
}

/** @param {Way[]} ways @param {string | null} authorization */
const keyOf = (ways, authorization) => JSON.stringify([ways, authorization]);

/** What of `ways` this browser can do, the least to type first. @param {unknown} ways @returns {Way[]} */
function doable(ways) {
  /** @param {Step} step */
  const can = (step) => {
    if (CODES.has(step?.method)) return true;
    const signed = step?.method === "passkey" || (step?.method === "approval" && typeof step.document === "string");
    return signed && canUsePasskeys();
  };
  const good = Array.isArray(ways) ? ways.filter((way) => Array.isArray(way) && way.length > 0 && way.every(can)) : [];
  /** @param {Way} way */
  const typing = (way) => way.filter((step) => CODES.has(step.method)).length;
  return good.sort((one, other) => typing(one) - typing(other)); // a stable sort
}

/**
 * `promise`, or a rejection as soon as `signal` aborts.
 * @template T
 * @param {AbortSignal} signal @param {Promise<T>} promise @returns {Promise<T>}
 */
function unless(signal, promise) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
