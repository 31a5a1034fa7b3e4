// Drives a browser for the tests beside it: a line of JSON in, [method, ...arguments]; one out,
// {"result": ...} or {"error": ...}. Arguments: chromium or firefox, its program, light or dark.
import { createInterface } from "node:readline";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const [name, executablePath, scheme] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: name === "firefox" ? "firefox" : "chrome",
  executablePath,
  args: name === "firefox" ? [] : [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
  ],
  extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1 },
});
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
let page = await freshPage();

async function freshPage() {
  const opened = await browser.newPage();
  opened.setDefaultTimeout(20000);
  if (name === "chromium") {
    await opened.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  }
  return opened;
}

const methods = {
  goto: (url) => page.goto(url).then(() => null),
  url: () => page.url(),
  // A page that has just led on has no words for a moment.
  wait: (expression) => page.waitForFunction(expression).then(() => null),
  evaluate: (expression) => page.evaluate(expression),
  click: (selector) => page.click(selector),
  fill: (selector, value) => page.$eval(selector, (field, filled) => {
    field.value = filled;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }, value),
  media: (type) => page.emulateMediaType(type),
  async fresh() {
    await page.close();
    page = await freshPage();
  },
  async axe(...left_out) {
    await page.evaluate(axe);
    const rules = Object.fromEntries(left_out.map((rule) => [rule, { enabled: false }]));
    const options = { resultTypes: ["violations"], rules };
    const { violations } = await page.evaluate((given) => window.axe.run(given), options);
    return violations.map(({ id, nodes }) => [id, ...nodes.map((node) => `${node.html} ${node.failureSummary}`)]);
  },
  async lighthouse(url, categories) {
    const { lhr } = await lighthouse(url, {
      onlyCategories: categories, formFactor: "desktop", screenEmulation: { disabled: true },
      throttlingMethod: "provided", disableFullPageScreenshot: true,
    }, undefined, page);
    return {
      scores: Object.fromEntries(Object.values(lhr.categories).map(({ id, score }) => [id, score])),
      failed: Object.values(lhr.audits).filter(({ score }) => score !== null && score < 1)
        .map(({ id, title, displayValue }) => [id, title, displayValue ?? ""]),
      error: lhr.runtimeError?.message ?? "",
    };
  },
};

console.log(JSON.stringify({ result: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...given] = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await methods[method](...given)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
