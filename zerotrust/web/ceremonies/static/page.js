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

/** On to `next` if that is within this origin, else to the page itself. @param {string} [next] @param {string} [done] */
function go(next = "", done = "") {
  const home = new URL(`?done=${done}`, at);
  const url = next ? new URL(next, location.href) : home;
  location.assign(url.origin === location.origin ? url : home);
}

/** @param {HTMLFormElement} form @param {() => Promise<unknown>} act @param {string} done */
function passkeys(form, act, done) {
  const alert = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"));
  let busy = false;
  form.hidden = false;
  const first = /** @type {HTMLElement | null} */ (form.querySelector("[autofocus]"));
  if (document.activeElement === document.body) first?.focus(); // it could not be while it was hidden
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    form.setAttribute("aria-busy", "true");
    alert.textContent = "";
    try {
      await act();
      go(form.dataset.next, done);
    } catch (error) {
      alert.textContent = client.explain(error);
    }
    busy = false;
    form.removeAttribute("aria-busy");
  });
}

/** @param {string} selector @returns {NodeListOf<any>} */
const all = (selector) => document.querySelectorAll(selector);

if (canUsePasskeys()) {
  for (const form of all("form[data-passkey=prove]")) {
    passkeys(form, () => client.signIn({ verified: "verified" in form.dataset }), "proven");
  }
  for (const form of all("form[data-passkey=enrol]")) {
    passkeys(form, () => client.enrolPasskey(String(new FormData(form).get("name"))), "enrolled");
  }
}
for (const note of all("[data-without-passkeys]")) note.hidden = canUsePasskeys();

for (const button of all("button[data-copy]")) {
  const { copy, done } = button.dataset;
  const [said] = all(`#${copy}-said`);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText([...all(`#${copy} code`)].map((one) => one.textContent).join("\n"));
      said.textContent = done;
    } catch (error) {
      said.textContent = client.explain(error);
    }
  });
}
for (const button of all("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of all("time")) time.textContent = moment.format(new Date(time.dateTime));

// A page that the browser kept shows what may not be true any more: factors, sessions, a request that went on.
addEventListener("pageshow", (event) => event.persisted && location.reload());
