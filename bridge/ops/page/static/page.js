// Keeps what is shown fresh. Without this file every page is whole; it is then renewed by loading it again.
(() => {
  "use strict";
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const every = Number(main.dataset.live) * 1000;
  let paused = false;

  const bar = document.createElement("p");
  bar.className = "live";
  const told = document.createElement("span");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  bar.append(told, " ", button);
  main.prepend(bar);

  const alarm = document.createElement("p");
  alarm.setAttribute("role", "status");
  alarm.className = "unseen";
  main.prepend(alarm);

  function tell(words, wrong) {
    told.textContent = words;
    bar.classList.toggle("wrong", wrong);
    if (wrong && alarm.textContent !== words) alarm.textContent = words;
    if (!wrong) alarm.textContent = "";
  }

  function label() {
    button.textContent = paused ? "Go on updating" : "Pause updates";
  }

  // A part that somebody is in is left alone: nothing is taken from under a finger or a reading voice.
  function renew(fresh) {
    for (const part of document.querySelectorAll("[data-live-part]")) {
      const next = fresh.getElementById(part.id);
      if (!next || part.contains(document.activeElement) || part.innerHTML === next.innerHTML) continue;
      const open = part.querySelector("details[open]") !== null;
      part.replaceChildren(...next.childNodes);
      if (open) part.querySelector("details")?.setAttribute("open", "");
    }
  }

  async function look() {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") {
        tell("You are signed out. Load the page again to sign in.", true);
        paused = true;
        return label();
      }
      if (!answer.ok) throw new Error(String(answer.status));
      renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tell(`Updated ${new Date().toLocaleTimeString("en-GB", { timeZone: "Europe/London" })}`, false);
    } catch {
      tell("The bridge does not answer; what is shown may be old.", true);
    }
  }

  button.addEventListener("click", () => {
    paused = !paused;
    label();
    tell(paused ? "Updates are paused" : "Updating", false);
    if (!paused) look();
  });
  document.addEventListener("visibilitychange", look);
  label();
  tell("Updates by itself", false);
  setInterval(look, every);
})();
