// Everything that step-ups need is in `client.fetch`: it asks for a passkey or a code, and sends the request again.
import { zerotrust } from "/auth/zerotrust.js";

const client = zerotrust();

for (const form of document.querySelectorAll("form[data-to]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[role=status]");
    const { to, cents } = Object.fromEntries(new FormData(form));
    const response = await client.fetch(form.dataset.to, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ to, cents: Number(cents) }),
    });
    const answer = await response.json();
    said.textContent = response.ok ? `Done: number ${answer.number}.` : `Refused: ${answer.detail}.`;
  });
}
