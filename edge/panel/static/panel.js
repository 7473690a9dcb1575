// Lays each update onto the page and keeps every element that stays, so that a lid's drawing moves rather
// than jumps and the keyboard's focus is kept.
"use strict";

const QUIET_MS = 6000; // three beats missed: the panel itself is gone
const AGAIN_MS = 3000;
const OUT_OF_SERVICE_MS = 300000;

let heard = performance.now();

function lay(fresh, shown) {
  if (fresh.nodeName !== shown.nodeName) {
    shown.replaceWith(fresh.cloneNode(true));
  } else if (fresh.nodeType === Node.ELEMENT_NODE) {
    layAttributes(fresh, shown);
    layChildren(fresh, shown);
  } else if (fresh.nodeValue !== shown.nodeValue) {
    shown.nodeValue = fresh.nodeValue;
  }
}

function layAttributes(fresh, shown) {
  for (const { name } of [...shown.attributes]) {
    if (!fresh.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
}

// Children that stay are kept in place, so that the keyboard's focus and live regions survive when others
// come or go: elements are matched by key in their order.
function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  return `${node.nodeName} ${node.id || node.dataset?.key || node.getAttribute("class") || ""}`;
}

function layChildren(fresh, shown) {
  let at = shown.firstChild;
  for (const child of fresh.childNodes) {
    let match = at;
    const reach = child.nodeType === Node.ELEMENT_NODE; // a text only takes the place of the next text
    while (match && keyOf(match) !== keyOf(child)) match = reach ? match.nextSibling : null;
    if (!match) {
      shown.insertBefore(child.cloneNode(true), at);
      continue;
    }
    while (at !== match) at = remove(at);
    at = match.nextSibling;
    lay(child, match);
  }
  while (at) at = remove(at);
}

function remove(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function hear() {
  heard = performance.now();
  document.body.dataset.silent = "false";
  document.body.dataset.long = "false";
}

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const { build } = page.body.dataset; // a whole page has one, an update has its own beside it
  if (build && build !== document.body.dataset.build) location.reload();
  else lay(page.getElementById("screen"), document.getElementById("screen"));
}

function listen() {
  const language = document.documentElement.lang.slice(0, 2);
  const source = new EventSource(`/events?lang=${language}`);
  source.addEventListener("beat", hear);
  source.addEventListener("screen", (event) => {
    const { build, html } = JSON.parse(event.data);
    if (build !== document.body.dataset.build) {
      location.reload(); // another version answers: its page, script and style belong together
      return;
    }
    hear();
    show(html);
  });
  source.addEventListener("error", () => {
    // A browser tries a broken stream again by itself, but not one that was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(fetchOnce, AGAIN_MS);
  });
}

async function fetchOnce() {
  try {
    const answer = await fetch(location.href);
    if (answer.ok) {
      hear();
      show(await answer.text());
    }
  } catch {
    // Nobody answers: the page says so by itself once it has been quiet for long enough.
  }
  follow();
}

// The installer's page asks now and then; the screen listens to a stream.
function follow() {
  if (document.body.dataset.updates === "poll") setTimeout(fetchOnce, AGAIN_MS);
  else listen();
}

setInterval(() => {
  const quiet = performance.now() - heard;
  if (quiet > QUIET_MS) document.body.dataset.silent = "true";
  if (quiet > OUT_OF_SERVICE_MS) document.body.dataset.long = "true";
}, 1000);
follow();
