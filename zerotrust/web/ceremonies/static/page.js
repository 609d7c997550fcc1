// @ts-check
/**
 * What the ceremonies' page can do only with a script: passkeys, copying and printing, times as they are kept here.
 *
 * The page is complete without it but for these; it reveals what it makes work.
 *
 * @module
 */
import { canUsePasskeys, zerotrust } from "./zerotrust.js";

const at = new URL(".", import.meta.url).href;
const client = zerotrust();

/** @param {string | undefined} next  Where to go on: within this origin, or to the page itself. */
function go(next) {
  const url = new URL(next || at, location.href);
  location.assign(url.origin === location.origin ? url : at);
}

/** @param {HTMLFormElement} form @param {(form: HTMLFormElement) => Promise<unknown>} act */
function passkeys(form, act) {
  const alert = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"));
  let busy = false;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    form.setAttribute("aria-busy", "true");
    alert.textContent = "";
    try {
      await act(form);
      go(form.dataset.next);
    } catch (error) {
      alert.textContent = client.explain(error);
    }
    busy = false;
    form.removeAttribute("aria-busy");
  });
}

/** @param {HTMLFormElement} form */
const nameIn = (form) => String(new FormData(form).get("name") ?? "");

/** @type {Record<string, (form: HTMLFormElement) => Promise<unknown>>} */
const ACTS = {
  prove: () => client.signIn(),
  enrol: (form) => client.enrolPasskey(nameIn(form)),
};

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-passkey]"))) {
  if (canUsePasskeys()) passkeys(form, ACTS[form.dataset.passkey ?? ""]);
}
for (const note of document.querySelectorAll("[data-without-passkeys]")) {
  /** @type {HTMLElement} */ (note).hidden = canUsePasskeys();
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-copy]"))) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const from = document.querySelectorAll(`#${CSS.escape(button.dataset.copy ?? "")} code`);
    const said = /** @type {HTMLElement} */ (document.getElementById(`${button.dataset.copy}-said`));
    try {
      await navigator.clipboard.writeText([...from].map((one) => one.textContent).join("\n"));
      said.textContent = button.dataset.done ?? "";
    } catch (error) {
      said.textContent = client.explain(error);
    }
  });
}
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-print]"))) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time")) time.textContent = moment.format(new Date(time.dateTime));

// A page that the browser kept shows what may not be true any more: factors, sessions, a request that went on.
addEventListener("pageshow", (event) => event.persisted && location.reload());
