// What the panel does beyond plain pages: parts of a page are kept up to date. Without this file everything works, too.
"use strict";

// Parts marked `data-live="NAME"` are replaced by those of the same page, fetched anew, soon after something happened.
(function live() {
  const parts = () => document.querySelectorAll("[data-live]");
  // The answer to a form has an address that only takes forms.
  if (parts().length === 0 || document.body.hasAttribute("data-answer") || !("EventSource" in window)) return;
  const subject = document.querySelector("[data-live-message]")?.dataset.liveMessage;
  let timer = null, last = null, busy = false, again = false;

  async function refresh() {
    timer = null;
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 401) { location.reload(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const next = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
        // What somebody is working in, or is about to click in, is left alone.
        if (!next || part.contains(document.activeElement)) continue;
        if (part.matches(":hover") && part.querySelector("button")) {
          part.addEventListener("pointerleave", soon, { once: true });
          continue;
        }
        if (part.innerHTML !== next.innerHTML) part.innerHTML = next.innerHTML;
      }
    } catch { /* Away for a moment; the next event or the timer below tries again. */ } finally {
      busy = false;
      if (again) { again = false; soon(); }
    }
  }
  function soon() { if (timer === null && !document.hidden) timer = setTimeout(refresh, 900); }
  // What is read may come later than what is told: when it gets quiet, it is looked at once more.
  function happened() { soon(); clearTimeout(last); last = setTimeout(soon, 3000); }

  const source = new EventSource("/api/events" + (subject ? "?message_id=" + encodeURIComponent(subject) : ""));
  const happenings = ["message.accepted", "message.queued", "message.cancelled", "message.paused", "message.resumed",
    "message.expired", "message.finished", "units", "queue", "provider", "letter"];
  for (const name of happenings) source.addEventListener(name, happened);
  source.onmessage = happened;
  // What happened between the page and this was not told.
  source.onopen = happened;
  // The server may have ended it because the login is over.
  source.onerror = soon;
  document.addEventListener("visibilitychange", soon);
  addEventListener("pagehide", () => source.close());
  setInterval(soon, 15000);
})();

// A form is sent once, however often its button is clicked.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method !== "post") return;
  form.dataset.sent = "true";
  setTimeout(() => { delete form.dataset.sent; }, 5000);
});

// Questions before what cannot be taken back.
addEventListener("click", (event) => {
  const button = event.target.closest("button[data-ask]");
  if (button && !confirm(button.dataset.ask)) event.preventDefault();
});

// The compose page is checked while somebody writes, by the same form.
(function compose() {
  const form = document.querySelector("form[data-compose]");
  const check = document.getElementById("check");
  if (!form || !check) return;
  let timer = null, running = null;

  async function ask() {
    running?.abort();
    running = new AbortController();
    const fields = new FormData(form);
    const hasFile = form.file.files.length > 0;
    if (!hasFile) fields.delete("file");
    fields.delete("confirmed");
    fields.set("action", "check");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields, signal: running.signal });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fresh.getElementById("check");
      if (!next) { stop(fresh); return; }
      const focused = document.activeElement?.id;
      if (check.innerHTML !== next.innerHTML) check.innerHTML = next.innerHTML;
      if (focused) document.getElementById(focused)?.focus();
      // What a file holds is shown, to be looked at and mended.
      if (hasFile) { form.recipients.value = fresh.getElementById("recipients").value; form.file.value = ""; }
      // What is wrong is said in the check now, and each field is marked as on the page that a click would lead to.
      if (check.querySelector("#problem")) document.querySelector("main > #problem")?.remove();
      for (const field of form.querySelectorAll("textarea, input[id], select[id]")) {
        const other = fresh.getElementById(field.id);
        if (!other || check.contains(field)) continue;
        field.setAttribute("aria-invalid", other.getAttribute("aria-invalid") ?? "false");
        const described = other.getAttribute("aria-describedby");
        if (described) field.setAttribute("aria-describedby", described); else field.removeAttribute("aria-describedby");
      }
      const options = form.querySelector("details");
      if (fresh.querySelector("form details[open] [aria-invalid=true]")) options.open = true;
    } catch (problem) { if (problem.name !== "AbortError") throw problem; }
  }
  // The check cannot be made, because the login is over or a file cannot be read: what was found before is not true any more.
  function stop(page) {
    const why = page.getElementById("problem")?.cloneNode(true);
    check.replaceChildren(...(why ? [document.importNode(why, true)] : []));
    if (!why) check.textContent = form.dataset.loggedOut;
  }
  function soon(delay) { clearTimeout(timer); timer = setTimeout(ask, delay); }
  form.addEventListener("input", (event) => { if (event.target.type !== "file") soon(400); });
  form.addEventListener("change", (event) => soon(event.target.type === "file" ? 0 : 200));
  if (form.recipients.value || form.content.value) soon(0);
})();
