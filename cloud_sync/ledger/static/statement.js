// Keeps the statement up to date while it is looked at. Without this the page reloads itself.
"use strict";

const EVERY_MS = 4000;

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href, { cache: "no-store" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = page.getElementById("statement");
  const shown = document.getElementById("statement");
  if (now && !now.isEqualNode(shown)) shown.replaceWith(now);
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
