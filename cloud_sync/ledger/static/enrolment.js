// Counts down how long an enrolment code is good, and says when the station has used it.
"use strict";

const EVERY_MS = 2000;
const shown = document.getElementById("enrolment-code");
const until = Date.parse(shown.dataset.until);

function countDown() {
  const left = Math.max(0, Math.round((until - Date.now()) / 1000));
  const seconds = String(left % 60).padStart(2, "0");
  document.getElementById("left").textContent = `${Math.floor(left / 60)}:${seconds}`;
}

// A code that is over is taken off the page: nobody shall try it.
function end(said) {
  document.getElementById("standing").textContent = said;
  document.getElementById("left").textContent = "";
  document.getElementById("secret").remove();
}

async function ask() {
  try {
    const response = await fetch(shown.dataset.standingUrl, { cache: "no-store" });
    if (response.ok) {
      const { standing, said } = await response.json();
      if (standing !== "open") {
        clearInterval(counting);
        end(said);
        return;
      }
    }
  } catch {
    // No network: the next round tries again.
  }
  setTimeout(ask, EVERY_MS);
}

// The spoken status changes once, when the code is over; the seconds are for the eye.
document.getElementById("left").setAttribute("aria-hidden", "true");
countDown();
const counting = setInterval(countDown, 1000);
setTimeout(ask, EVERY_MS);
