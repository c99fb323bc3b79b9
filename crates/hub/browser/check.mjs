// Looks at every page of a hub in a real headless Chromium: accessibility by axe-core, nothing loaded from elsewhere, no error
// in the console, no page wider than its window, keys, decisions, and reading without JavaScript.
//
// node check.mjs ADDRESS LINK [FOLDER-FOR-PICTURES]; prints one JSON object, exit 1 where something is wrong.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [address, link, pictures] = process.argv.slice(2);
const modules = process.env.TESTUDO_BROWSER_MODULES;
const require = createRequire(path.join(path.resolve(modules), "check.cjs"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
const say = (what) => wrong.push(what);

const browser = await puppeteer.launch({
  executablePath: process.env.TESTUDO_CHROMIUM,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--force-prefers-reduced-motion"],
});
const page = await browser.newPage();
page.on("console", (message) => { if (message.type() === "error" && !/favicon/.test(message.location().url ?? "")) say(`console: ${message.text()}`); });
page.on("pageerror", (error) => say(`script: ${error.message}`));
// Pictures of the fields for days are Chromium's own.
page.on("request", (request) => { if (!request.url().startsWith(address) && !request.url().startsWith("data:image/svg+xml")) say(`asked elsewhere: ${request.url()}`); });
let checked = 0;
let violations = 0;

// axe-core runs in a world of its own, so the policy of the page stays as strict as it is.
const client = await page.createCDPSession();
const run = async () => {
  const { frameTree } = await client.send("Page.getFrameTree");
  const { executionContextId } = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await client.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
  const { result } = await client.send("Runtime.evaluate", {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 160)) }))))",
    contextId: executionContextId, awaitPromise: true, returnByValue: true,
  });
  return JSON.parse(result.value);
};
const look = async (where, name) => {
  for (const width of [360, 1280]) {
    for (const scheme of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.setViewport({ width, height: 800 });
      const response = await page.goto(address + where, { waitUntil: "load" });
      if (response.status() >= 500) say(`${where}: status ${response.status()}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) say(`${where} at ${width}: ${wide} px wider than the window`);
      for (const found of await run()) {
        violations += found.nodes.length;
        say(`${where} at ${width} ${scheme}: ${found.id}: ${found.help}: ${found.nodes[0]}`);
      }
      checked += 1;
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: path.join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
      }
    }
  }
};

await look("/sign-in", "sign-in");
await look(link, "welcome");
await page.goto(address + link);
await Promise.all([page.waitForNavigation(), page.click("main button")]);
if (page.url() !== `${address}/`) say(`signing in led to ${page.url()}`);

const pages = [
  ["/", "board"], ["/products/clinic-portal", "product"], ["/products/clinic-portal/timeline", "timeline"],
  ["/products/clinic-portal/ledgers/prod/1", "entry"], ["/work", "work"], ["/findings", "findings"],
  ["/findings?text=nothing+is+like+this", "findings-none"], ["/findings/1", "finding"], ["/alerts", "alerts"], ["/admin", "admin"],
  ["/sessions", "sessions"], ["/products/clinic-portal/manage", "manage"],
  ["/products/clinic-portal/branch?name=work%2Fx", "branch"], ["/concerns?state=open", "concerns-open"],
];
for (const [where, name] of pages) await look(where, name);

// Keys.
await page.setViewport({ width: 1280, height: 800 });
await page.goto(`${address}/findings`);
await page.keyboard.press("j");
await page.keyboard.press("j");
await page.keyboard.press("x");
const state = await page.evaluate(() => {
  const rows = [...document.querySelectorAll("[data-row]")];
  return { here: rows.findIndex((row) => row.classList.contains("here")), chosen: rows.findIndex((row) => row.querySelector("input")?.checked) };
});
if (state.here !== 1 || state.chosen !== 1) say(`keys: ${JSON.stringify(state)}`);
await page.keyboard.press("k");
await page.keyboard.press("/");
if (await page.evaluate(() => document.activeElement.id) !== "text") say("the key / does not lead to the search");
await page.keyboard.press("Escape");
await page.keyboard.press("j");
await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
if (!/\/findings\/\d+$/.test(page.url())) say(`Enter led to ${page.url()}`);

// A decision, a question and its answer, by the forms.
const day = new Date(Date.now() + 30 * 86400000).toISOString().slice(0, 10);
const set = (selector, value) => page.$eval(selector, (field, text) => { field.value = text; }, value);
const send = (selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
await page.select("#decision", "accepted");
await set("#reason", "known since the audit");
await set("#until", day);
await send("fieldset .row button");
if (!(await page.content()).includes("known since the audit")) say("the decision is not on the page of the finding");
await look("/decisions/3", "decision");
await page.goto(`${address}/concerns?about=clinic-portal`);
await set("#title", "May support see records?");
await set("#body", "They ask every week.\nWhat do we tell them?");
await set("#owner", "admin");
await set("#due", day);
await send("form[action='/concerns'] button");
await look("/concerns", "concerns");
await look("/concerns/1", "concern");
await page.goto(`${address}/concerns/1`);
await set("#answer", "No. The log shows who did.");
await send("form[action$='/answer'] button");
if (!(await page.content()).includes("No. The log shows who did.")) say("the answer is not on the page");
await look("/concerns/1", "concern-answered");
await look("/audit", "audit");
await page.goto(`${address}/admin`);
await set("#subject", "another");
await send("form[action='/admin/tokens'] button");
if (!(await page.content()).includes("testudo_hub_")) say("the token is not shown");

// Reading without JavaScript.
await page.setJavaScriptEnabled(false);
for (const [where] of pages) {
  const response = await page.goto(address + where);
  const text = await response.text();
  if (response.status() !== 200 || !/<h1>/.test(text)) say(`${where} without JavaScript: status ${response.status()}`);
}
await page.goto(`${address}/findings`);
await Promise.all([page.waitForNavigation(), page.click("[data-row] th a")]);
if (!/\/findings\/\d+$/.test(page.url())) say("a finding cannot be opened without JavaScript");

await browser.close();
console.log(JSON.stringify({ checked, violations, wrong }, null, 1));
process.exit(wrong.length === 0 ? 0 : 1);
