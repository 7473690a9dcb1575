// Lays each update that the panel streams onto the page, keeping every element that stays, so that a
// lid's drawing moves rather than jumps.
"use strict";

const QUIET_MS = 6000; // three beats missed: the panel itself is gone
const AGAIN_MS = 3000;

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

function layChildren(fresh, shown) {
  const wanted = [...fresh.childNodes];
  const present = [...shown.childNodes];
  if (wanted.length === present.length) {
    wanted.forEach((child, at) => lay(child, present[at]));
  } else {
    shown.replaceChildren(...wanted.map((child) => child.cloneNode(true)));
  }
}

function hear() {
  heard = performance.now();
  document.body.dataset.silent = "false";
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("screen");
  lay(fresh, document.getElementById("screen"));
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
  listen();
}

setInterval(() => {
  if (performance.now() - heard > QUIET_MS) document.body.dataset.silent = "true";
}, 1000);
listen();
