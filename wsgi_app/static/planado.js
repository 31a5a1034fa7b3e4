// What script adds; every essential works without it.
"use strict";

const language = document.documentElement.lang;
// Whoever reads this page in English may write dates as in Britain or as in America.
const locale = new Intl.Locale(
  navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language,
  { numberingSystem: "latn" });
// Esperanto, in most browsers: the server's words stay.
const speaks = Intl.DateTimeFormat.supportedLocalesOf(locale).length;
const twoDigits = (number) => String(number).padStart(2, "0");

// The name of a conference travels behind the # of its links, where no server gets to see it.
function nameIn(fragment) {
  try {
    const text = decodeURIComponent(fragment.replace(/^#/, ""))
      .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, " ");
    return [...text.trim()].slice(0, 100).join("");
  } catch {
    return "";
  }
}

const name = nameIn(location.hash);

function showName(heading) {
  if (!name) return;
  heading.firstElementChild.textContent = name;
  heading.hidden = false;
  document.title = document.title.replace(document.querySelector("h1").textContent, () => name);
}

// Our links keep the name behind their #; a room gets it, as Jitsi reads it, where the operator says so.
function carryName(link) {
  const fragment = link.dataset.fragment ?? location.hash;
  const showsItself = link.textContent === link.getAttribute("href");
  if (!("passName" in link.dataset)) {
    link.hash = fragment;
  } else if (nameIn(fragment)) {
    const json = JSON.stringify(nameIn(fragment)).replace(/[^ -~]|&/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    link.href += `${link.hash ? "&" : "#"}config.localSubject=${encodeURIComponent(json)}`;
  }
  if (showsItself) link.textContent = link.href;
}

// The page behind the door, in the place of the waiting screen.
function stepIn(page, address) {
  history.replaceState(null, "", address + location.hash);
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  prepare();
  document.querySelector(".entry .button")?.focus();
}

function follow(link) {
  carryName(link);
  location.replace(link.href);
}

// Booking form: the next full hour and the zone of this browser, where nobody has chosen anything yet.
function presetStart(form) {
  const { name, date, time, timezone } = form.elements;
  const untouched = [name, date, time].every((field) => field.value === field.defaultValue);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!untouched || !timezone.selectedOptions[0].defaultSelected) return;
  const start = new Date();
  start.setHours(start.getHours() + 1, 0, 0, 0);
  date.value = [start.getFullYear(), twoDigits(start.getMonth() + 1), twoDigits(start.getDate())].join("-");
  time.value = `${twoDigits(start.getHours())}:00`;
  timezone.value = here;
  // Some browsers still use a zone's old name, which is not in the list but valid.
  if (!timezone.value) timezone.add(new Option(here, here, false, true));
}

// Repetitions are asked for only where there is a rhythm.
function followRhythm(field) {
  const { repeat, count } = field.closest("form").elements;
  const show = () => {
    field.hidden = !repeat.value && !count.matches("[aria-invalid]");
    if (!repeat.value) count.value = "";
  };
  repeat.addEventListener("change", () => {
    show();
    if (repeat.value && !count.value) count.value = Math.min(4, count.max);
  });
  if (repeat.value || !count.value) show();
}

// While somebody fills in the form, the server says in its words what that means. It gets no name.
function sayWhen(line) {
  const form = line.closest("form");
  let timer;
  const ask = async () => {
    const fields = new URLSearchParams(new FormData(form));
    fields.delete("name");
    const asked = timer;
    let answer, words = "";
    try {
      if (fields.get("date") && fields.get("time")) {
        answer = await fetch(line.dataset.when, { method: "POST", body: fields });
        if (answer.headers.get("Content-Type").startsWith("text/plain")) words = await answer.text();
      }
    } catch {
      // Without a connection there is nothing to say yet.
    }
    if (asked !== timer) return;
    line.textContent = words;
    line.classList.toggle("error", answer?.ok === false);
  };
  form.addEventListener("input", ({ target }) => {
    if (target.name === "name") return;
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  });
}

// A start in the visitor's own zone, and as it was booked where the two differ.
function showLocally(time) {
  if (!speaks) return;
  const moment = new Date(time.dateTime);
  const form = (options) => new Intl.DateTimeFormat(locale, {
    weekday: "long", day: "numeric", month: "long", year: "numeric",
    hour: "2-digit", minute: "2-digit", ...options,
  }).format(moment);
  try {
    const { booked } = time.dataset;
    if (booked && form({ timeZone: booked }) !== form()) {
      const asBooked = document.createElement("span");
      asBooked.className = "hint";
      asBooked.textContent = time.textContent;
      time.after(asBooked);
    }
  } catch {
    return; // A zone that this browser does not know: the server's words stay.
  }
  time.textContent = form({ timeZoneName: "short" });
}

// Waiting: looks again in place when the server says so. A reload would end in the browser's own
// error page during an outage, and would silence a chime that somebody has switched on.
function wait(screen) {
  const says = screen.querySelector(".says");
  const chime = offerChime(screen.querySelector("[data-chime]"));
  const countDown = offerCountdown(screen, () => say("soon"));
  let timer, dueAt, opensAt, looking;

  const say = (what, silent) => {
    if (!says) return;
    let line = says.querySelector(`.${what}`);
    if (silent || line) return silent && line?.remove();
    line = document.createElement("p");
    line.className = `notice ${what}`;
    line.textContent = screen.dataset[what];
    says.append(line);
  };
  const lookWhenDue = () => {
    clearTimeout(timer);
    if (looking) return;
    if (Date.now() < dueAt) timer = setTimeout(lookWhenDue, dueAt - Date.now());
    else look();
  };
  const lookAfter = (milliseconds) => {
    looking = false;
    dueAt = Date.now() + milliseconds;
    lookWhenDue();
  };
  const planFrom = ({ dataset }) => {
    opensAt = dataset.opensIn ? Date.now() + Number(dataset.opensIn) : Infinity;
    countDown(dataset.opensIn && opensAt);
    // All who wait for one start do not come at the same moment.
    lookAfter(Number(dataset.reloadIn) + Math.random() * 1000);
  };
  const look = async () => {
    looking = true;
    // Once the time has come, the way in is asked for at once: one request less of each guest.
    const enter = "enter" in screen.dataset && Date.now() >= opensAt ? "/enter" : "";
    const address = location.pathname + enter + location.search;
    const page = await fetchPage(address);
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
  addEventListener("pageshow", lookWhenDue);
  document.addEventListener("visibilitychange", lookWhenDue);
}

// A page of ours as it is now, or null while the server cannot say.
async function fetchPage(address) {
  try {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(20000) });
    if (!answer.ok && answer.status !== 404) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

// Returns what sets the moment to count down to, none where the operator hides it.
function offerCountdown(screen, lastMinute) {
  const countdown = screen.querySelector(".countdown");
  const { title } = document;
  const days = new Intl.NumberFormat(locale, { style: "unit", unit: "day", unitDisplay: speaks ? "long" : "narrow" });
  let opensAt;
  const show = () => {
    if (!opensAt) return;
    const left = Math.max(0, Math.ceil((opensAt - Date.now()) / 1000));
    const clock = [Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60, left % 60].map(twoDigits).join(":");
    const wholeDays = left >= 86400 ? `${days.format(Math.floor(left / 86400))} ` : "";
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
  let audio, on = false;
  const ring = () => [659, 880].forEach((frequency, number) => {
    const tone = new OscillatorNode(audio, { frequency });
    const volume = new GainNode(audio, { gain: 0 });
    const at = audio.currentTime + number * 0.25;
    volume.gain.setValueAtTime(0, at).linearRampToValueAtTime(0.2, at + 0.02).exponentialRampToValueAtTime(0.001, at + 1);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 1);
  });
  if (button && window.AudioContext) button.hidden = false;
  button?.addEventListener("click", () => {
    // Browsers let a page sound only after somebody has touched it, and this also lets one hear it.
    audio ??= new AudioContext();
    on = !on;
    button.setAttribute("aria-pressed", on);
    if (on) ring();
  });
  return async () => {
    if (!on) return;
    ring();
    await new Promise((resolve) => { setTimeout(resolve, 1300); });
  };
}

function offerCopy(button) {
  const label = button.textContent;
  button.hidden = false;
  button.onclick = async () => {
    const source = document.getElementById(button.dataset.copy);
    const rich = document.getElementById(button.dataset.rich);
    const blob = (text, type) => ({ [type]: new Blob([text], { type }) });
    try {
      if (rich && window.ClipboardItem) {
        const item = { ...blob(source.value, "text/plain"), ...blob(rich.innerHTML, "text/html") };
        await navigator.clipboard.write([new ClipboardItem(item)]);
      } else {
        await navigator.clipboard.writeText(source.value);
      }
    } catch {
      // Without https there is no clipboard for us: the text is shown and selected instead.
      source.closest("details").open = true;
      source.select();
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  };
}

function offerShare(button) {
  const { share: url, name: title, when } = button.dataset;
  button.hidden = !navigator.share;
  button.onclick = () => {
    navigator.share({ title, text: `${title}\n${when}`.trim(), url }).catch(() => {}); // Closed again.
  };
}

function offerPrint(button) {
  button.hidden = false;
  button.onclick = () => print();
}

const forEach = (selector, act) => document.querySelectorAll(selector).forEach(act);

function prepare() {
  document.querySelector("[method=post] [aria-invalid]")?.focus();
  forEach("[data-named]", showName);
  forEach("[data-fragment], .languages a, [data-pass-name]:not([data-follow])", carryName);
  forEach("form[data-presets]", presetStart);
  forEach("[data-with-repeat]", followRhythm);
  forEach(".answer", sayWhen);
  forEach("time[data-local]", showLocally);
  forEach("[data-reload-in]", wait);
  forEach("[data-copy]", offerCopy);
  forEach("[data-share]", offerShare);
  forEach("[data-print]", offerPrint);
  forEach("[data-follow]", follow);
}

prepare();
