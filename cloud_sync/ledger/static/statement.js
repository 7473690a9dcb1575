// Keeps the statement up to date while it is shown. Without scripts the page reloads itself instead.
"use strict";

const EVERY_MS = 4000;
const PARTS = ["balance", "days", "older"];

// Parts stay in the document and only their content changes: a screen reader announces the balance, and the
// keyboard's focus stays on a link.
function update(shown, now) {
  if (shown.isEqualNode(now)) return;
  const link = shown.querySelector("a");
  const fresh = now.querySelector("a");
  if (link && fresh) link.href = fresh.href;
  else shown.replaceChildren(...now.childNodes);
}

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href, { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of PARTS) {
    const now = page.getElementById(id);
    if (now) update(document.getElementById(id), now);
  }
}

async function keepFresh() {
  try {
    await refresh();
  } catch {
    // No network: what is shown stays, and the next round tries again.
  }
  setTimeout(keepFresh, EVERY_MS);
}

setTimeout(keepFresh, EVERY_MS);
