// What script adds to a page that waits, after planado.js.
"use strict";

// The page behind the door, in the place of the waiting screen.
function stepIn(page, address) {
  history.replaceState(null, "", address + location.hash);
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  prepare();
  focusOn(".entry .button");
}

// Looks again in place when the server says so. A reload would end in the browser's own error page
// during an outage, and would silence a chime that somebody has switched on.
function wait(screen) {
  const says = screen.querySelector(".says");
  const chime = offerChime(screen.querySelector("[data-chime]"));
  const countDown = offerCountdown(screen, () => say("soon"));
  let timer, dueAt, opensAt, looking, asking, refreshes = true;

  const say = (what, silent) => {
    if (!says) return;
    let line = says.querySelector(`.${what}`);
    if (silent && line) line.remove();
    if (silent || line) return;
    line = document.createElement("p");
    line.className = `notice ${what}`;
    line.textContent = screen.dataset[what];
    says.append(line);
  };
  // The page brings a refresh for browsers in which no script of ours runs; it would lose the name.
  // It ends like the loading of the page, so only when that is over, and while nothing is asked.
  const stopRefresh = () => {
    if (!refreshes || asking || document.readyState !== "complete") return;
    refreshes = false;
    window.stop();
    // For who has the page read out; without the stop it would come all the same.
    forEach("meta[http-equiv=refresh]", (refresh) => refresh.remove());
  };
  const lookWhenDue = () => {
    clearTimeout(timer);
    if (looking) return;
    if (Date.now() < dueAt) timer = setTimeout(lookWhenDue, dueAt - Date.now());
    else look().catch(() => location.reload()); // Whatever it was, the page itself still leads in.
  };
  const lookAfter = (milliseconds) => {
    looking = false;
    dueAt = Date.now() + milliseconds;
    lookWhenDue();
  };
  const planFrom = ({ dataset }) => {
    opensAt = dataset.opensIn ? Date.now() + Number(dataset.opensIn) : Infinity;
    // All who wait for one start do not come at the same moment.
    lookAfter(Number(dataset.reloadIn) + Math.random() * 1000);
    countDown(dataset.opensIn && opensAt);
  };
  const look = async () => {
    looking = true;
    // Once the time has come, the way in is asked for at once: one request less of each guest.
    const enter = "enter" in screen.dataset && Date.now() >= opensAt ? "/enter" : "";
    const address = location.pathname + enter + location.search;
    asking = true;
    const page = await fetchPage(address);
    asking = false;
    stopRefresh();
    say("lost", page);
    if (!page) return lookAfter(5000);
    const door = page.querySelector("[data-follow]");
    const waiting = page.querySelector(".waiting");
    if (door || page.querySelector(".entry")) {
      say("now");
      await chime();
      countDown();
      if (door) follow(door);
      else stepIn(page, address);
    } else if (waiting && says) {
      takeOver(waiting);
      planFrom(waiting);
    } else {
      location.reload(); // Cancelled, or a page that says what is the matter.
    }
  };
  const takeOver = (waiting) => {
    const [before, after] = [screen, waiting].map((from) => from.querySelector("time"));
    if (!before || !after || before.dateTime === after.dateTime) return;
    say("soon", true);
    say("changed", true);
    say("changed");
    before.parentElement.replaceWith(after.parentElement);
    showLocally(after);
  };

  planFrom(screen);
  // A computer that wakes up again, or a tab shown from the browser's memory, is late.
  addEventListener("pageshow", () => {
    refreshes = true; // Once more, where the page comes from the memory of Firefox.
    stopRefresh();
    lookWhenDue();
  });
  document.addEventListener("visibilitychange", lookWhenDue);
}

// A page of ours as it is now, or nothing while the server cannot say.
async function fetchPage(address) {
  const abort = window.AbortController && new window.AbortController();
  const ask = async () => {
    const answer = await fetch(address, { cache: "no-store", signal: abort && abort.signal });
    if (!answer.ok && answer.status !== 404) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const giveUp = new Promise((resolve) => { setTimeout(resolve, 20000); });
  const page = await Promise.race([ask().catch(() => null), giveUp]);
  if (abort) abort.abort();
  return page;
}

// Returns what sets the moment to count down to, none where the operator hides it.
function offerCountdown(screen, lastMinute) {
  const countdown = screen.querySelector(".countdown");
  const { title } = document;
  const days = tried(() => new Intl.NumberFormat(
    locale, { style: "unit", unit: "day", unitDisplay: speaks ? "long" : "narrow" }));
  let opensAt;
  const show = () => {
    if (!opensAt) return;
    const left = Math.max(0, Math.ceil((opensAt - Date.now()) / 1000));
    const wholeDays = days && left >= 86400 ? `${days.format(Math.floor(left / 86400))} ` : "";
    const seconds = wholeDays ? left % 86400 : left;
    const clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(Math.floor).map(twoDigits).join(":");
    countdown.textContent = wholeDays + clock;
    document.title = `${wholeDays || clock} · ${title}`;
    if (left && left <= 60) lastMinute();
  };
  setInterval(show, 1000);
  return (instant) => {
    opensAt = instant;
    if (countdown) countdown.hidden = !opensAt;
    show();
  };
}

// Returns what sounds at the start, if somebody has asked for it. Made of two tones, no file.
function offerChime(button) {
  const Audio = window.AudioContext || window.webkitAudioContext;
  let audio, on = false;
  const ring = () => [659, 880].forEach((frequency, number) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + number * 0.25;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.2, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 1);
    tone.connect(volume);
    volume.connect(audio.destination);
    tone.start(at);
    tone.stop(at + 1);
  });
  if (button && Audio) {
    button.hidden = false;
    button.onclick = () => {
      // Browsers let a page sound only after somebody has touched it, and this also lets one hear it.
      audio = audio || new Audio();
      on = !on;
      button.setAttribute("aria-pressed", on);
      if (on) ring();
    };
  }
  return async () => {
    if (!on) return;
    tried(ring); // Whoever cannot be rung for gets in all the same.
    await new Promise((resolve) => { setTimeout(resolve, 1300); });
  };
}

forEach("[data-reload-in]", wait);
