// What script adds; every essential works without it.
"use strict";

const language = document.documentElement.lang;
// Whoever reads this page in English may write dates as in Britain or as in America.
const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

// Booking form: the next full hour and the zone of this browser, where nobody has chosen anything yet.
function presetStart(form) {
  const { name, date, time, timezone } = form.elements;
  const untouched = [name, date, time].every((field) => field.value === field.defaultValue);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offered = [...timezone.options].some((option) => option.value === here);
  if (!untouched || !timezone.selectedOptions[0].defaultSelected || !offered) return;
  const start = new Date();
  start.setHours(start.getHours() + 1, 0, 0, 0);
  const twoDigits = (number) => String(number).padStart(2, "0");
  date.value = [start.getFullYear(), twoDigits(start.getMonth() + 1), twoDigits(start.getDate())].join("-");
  time.value = `${twoDigits(start.getHours())}:00`;
  timezone.value = here;
}

// Repetitions are asked for only where there is a rhythm.
function followRhythm(field) {
  const { repeat, count } = field.closest("form").elements;
  const show = () => {
    field.hidden = !repeat.value && !count.matches("[aria-invalid]");
    if (!repeat.value) count.value = "";
  };
  repeat.addEventListener("change", show);
  if (repeat.value || !count.value) show();
}

function showLocally(time) {
  const form = new Intl.DateTimeFormat(locale, {
    weekday: "long", day: "numeric", month: "long", year: "numeric",
    hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  time.textContent = form.format(new Date(time.dateTime));
}

// Waiting screen: counts down, and looks again when the server says so.
function wait(screen) {
  const loaded = Date.now();
  const reloadAt = loaded + Number(screen.dataset.reloadIn);
  let timer;
  const lookAgain = () => {
    clearTimeout(timer);
    // Keeps the #fragment of the address, which a refresh by the page would not.
    if (Date.now() >= reloadAt) location.reload();
    else timer = setTimeout(lookAgain, reloadAt - Date.now());
  };
  lookAgain();
  // A computer that wakes up again, or a tab shown from the browser's memory, is late.
  addEventListener("pageshow", lookAgain);
  document.addEventListener("visibilitychange", lookAgain);
  if (screen.dataset.opensIn) countDown(screen, loaded + Number(screen.dataset.opensIn));
}

function countDown(screen, opensAt) {
  const countdown = screen.querySelector(".countdown");
  const { day, days } = countdown.dataset;
  const twoDigits = (number) => String(number).padStart(2, "0");
  const show = () => {
    const left = Math.max(0, Math.ceil((opensAt - Date.now()) / 1000));
    const wholeDays = Math.floor(left / 86400);
    const clock = [Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60, left % 60];
    const prefix = wholeDays ? `${wholeDays} ${wholeDays === 1 ? day : days} ` : "";
    countdown.textContent = prefix + clock.map(twoDigits).join(":");
  };
  show();
  countdown.hidden = false;
  setInterval(show, 1000);
}

function offerCopy(button) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value);
    } catch {
      // Without https there is no clipboard for us: the text is shown and selected instead.
      source.closest("details").open = true;
      source.select();
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

const forEach = (selector, act) => document.querySelectorAll(selector).forEach(act);

forEach("form[data-presets]", presetStart);
forEach("[data-with-repeat]", followRhythm);
forEach("time[data-local]", showLocally);
forEach("[data-reload-in]", wait);
forEach("[data-copy]", offerCopy);
forEach("[data-follow]", (link) => location.replace(link.href));
