// What script adds; every essential works without it. Browsers of 2018 read it: no later syntax
// (tests/pages), and what came to browsers later is asked for before it is used.
"use strict";

const language = document.documentElement.lang;
// Whoever reads this page in English may write dates as in Britain or as in America.
const tag = (navigator.languages || []).find((each) => each.split("-")[0] === language) || language;
const locale = `${tag.split(/-.-/)[0]}-u-nu-latn`;
// Esperanto, in most browsers: the server's words stay.
const speaks = tried(() => Intl.DateTimeFormat.supportedLocalesOf(locale).length);
const twoDigits = (number) => String(number).padStart(2, "0");

// What this browser makes of it, or nothing where it cannot.
function tried(act) {
  try {
    return act();
  } catch (error) {
    return undefined;
  }
}

// The name of a conference travels behind the # of its links, where no server gets to see it.
function nameIn(fragment) {
  const text = tried(() => decodeURIComponent(fragment.replace(/^#/, ""))) || "";
  // Control characters, line breaks, and what turns text around.
  // eslint-disable-next-line no-control-regex -- to take them out
  const plain = text.replace(/[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, " ");
  return [...plain.trim()].slice(0, 100).join("");
}

const ourName = nameIn(location.hash);

function showName(heading) {
  if (!ourName) return;
  heading.firstElementChild.textContent = ourName;
  heading.hidden = false;
  document.title = document.title.replace(document.querySelector("h1").textContent, () => ourName);
}

// Our links keep the name behind their #; a room gets it, as Jitsi reads it, where the operator says so.
function carryName(link) {
  const fragment = "fragment" in link.dataset ? link.dataset.fragment : location.hash;
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

function focusOn(selector) {
  const element = document.querySelector(selector);
  if (element) element.focus();
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
    const asked = timer;
    let refused = false, words = "";
    try {
      const fields = new URLSearchParams(new FormData(form));
      fields.delete("name");
      if (fields.get("date") && fields.get("time")) {
        const answer = await fetch(line.dataset.when, { method: "POST", body: fields });
        refused = !answer.ok;
        if (answer.headers.get("Content-Type").startsWith("text/plain")) words = await answer.text();
      }
    } catch (error) {
      // Without a connection there is nothing to say yet.
    }
    if (asked !== timer) return;
    line.textContent = words;
    line.classList.toggle("error", refused);
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
  const form = (options) => new Intl.DateTimeFormat(locale, Object.assign({
    weekday: "long", day: "numeric", month: "long", year: "numeric",
    hour: "2-digit", minute: "2-digit",
  }, options)).format(moment);
  try {
    const { booked } = time.dataset;
    if (booked && form({ timeZone: booked }) !== form()) {
      const asBooked = document.createElement("span");
      asBooked.className = "hint";
      asBooked.textContent = time.textContent;
      time.after(asBooked);
    }
  } catch (error) {
    return; // A zone that this browser does not know: the server's words stay.
  }
  time.textContent = form({ timeZoneName: "short" });
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
        const item = Object.assign(blob(source.value, "text/plain"), blob(rich.innerHTML, "text/html"));
        await navigator.clipboard.write([new window.ClipboardItem(item)]);
      } else {
        await navigator.clipboard.writeText(source.value);
      }
    } catch (error) {
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

// A whole invitation link, pasted: what stands behind its # goes there in our address, too, rather
// than to the server.
function keepName(field) {
  field.form.addEventListener("submit", () => {
    const [number, fragment] = field.value.split("#");
    field.value = number;
    if (fragment) field.form.action = `${field.form.action.split("#")[0]}#${fragment}`;
  });
}

// Each on its own: one that this browser cannot do must not stop the others.
function forEach(selector, act) {
  document.querySelectorAll(selector).forEach((element) => {
    try {
      act(element);
    } catch (error) {
      console.error(error);
    }
  });
}

function prepare() {
  focusOn("[method=post] [aria-invalid]");
  forEach("[data-named]", showName);
  forEach("[data-fragment], .languages a, [data-pass-name]:not([data-follow])", carryName);
  forEach("form[data-presets]", presetStart);
  forEach("[data-with-repeat]", followRhythm);
  forEach(".answer", sayWhen);
  forEach("#id", keepName);
  forEach("time[data-local]", showLocally);
  forEach("[data-copy]", offerCopy);
  forEach("[data-share]", offerShare);
  forEach("[data-print]", offerPrint);
  forEach("[data-follow]", follow);
}

prepare();
