// Reads calendar entries with ical.js, the reader of Thunderbird: a JSON list of streams on standard
// input, on standard output what each says.
import ICAL from "ical.js";
import { readFileSync } from "node:fs";

const read = (stream) => {
  const calendar = new ICAL.Component(ICAL.parse(stream));
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(new ICAL.Timezone(zone));
  }
  const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent"));
  const starts = [];
  if (event.isRecurring()) {
    const dates = event.iterator();
    for (let date = dates.next(); date; date = dates.next()) starts.push(date.toUnixTime());
  } else {
    starts.push(event.startDate.toUnixTime());
  }
  const seconds = event.endDate.toUnixTime() - event.startDate.toUnixTime();
  return { name: event.summary, starts, seconds };
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(read)));
