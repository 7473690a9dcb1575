// Lays what the demo says of itself into the strip, once a second, and passes on what is pressed.
"use strict";

const EVERY_MS = 1000;
const byId = (id) => document.getElementById(id);

function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function button(id, state, words, isDown) {
  const [, shown, action] = byId(id).children;
  text(shown, state);
  text(action, words);
  byId(id).dataset.down = isDown;
}

function show(view) {
  text(byId("who"), view.who);
  const [name, balance] = byId("statement").children;
  byId("statement").hidden = !view.statement;
  text(name, view.statement);
  text(balance, view.balance);
  button("network", view.network, view.network_button, view.is_cut);
  button("ledger", view.ledger, view.ledger_button, view.is_down);
  for (const id of ["waiting", "arrived", "lost", "twice"]) text(byId(id), view[id]);
  byId("day").hidden = !view.day;
  text(byId("things"), view.day);
  for (const item of byId("day").querySelectorAll("li")) {
    text(item, view.by_category[item.dataset.category] ?? "");
  }
  byId("counts").dataset.whole = view.is_whole;
  byId("counts").title = view.counted;
}

async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    if (answer.ok) show(await answer.json());
    document.body.dataset.gone = !answer.ok;
  } catch {
    document.body.dataset.gone = true;
  }
}

for (const id of ["network", "ledger"]) {
  byId(id).addEventListener("click", () =>
    ask(`/${id}`, { method: "POST", headers: { "X-Tongzhan-Demo": "1" } }));
}
setInterval(() => ask("/strip.json"), EVERY_MS);
