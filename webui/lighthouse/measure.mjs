/** Lighthouse on one page of a running stack: `node measure.mjs URL CHROMIUM` with the key in NOON_KEY. */

import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const CATEGORIES = ["performance", "accessibility", "best-practices"];
const RUNS = 3;

const [url, executablePath] = process.argv.slice(2);
if (!url || !executablePath) throw new Error("usage: node measure.mjs URL CHROMIUM");

const browser = await puppeteer.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await measured());
  const scores = Object.fromEntries(
    CATEGORIES.map((name) => [name, median(runs.map((each) => each[name]))]),
  );
  console.log(JSON.stringify({ url, scores, runs }));
} finally {
  await browser.close();
}

/** The scores of one run, of 100, with the measures behind the first. */
async function measured() {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument((key) => {
    sessionStorage.setItem("noon.function-key", key);
  }, process.env.NOON_KEY ?? "");
  const flags = { onlyCategories: CATEGORIES, disableStorageReset: true, logLevel: "error" };
  const { lhr } = await lighthouse(url, flags, undefined, page);
  await page.close();
  const scores = CATEGORIES.map((name) => [name, Math.round(lhr.categories[name].score * 100)]);
  const failed = Object.values(lhr.audits)
    .filter(
      (audit) => audit.score !== null && audit.score < 0.9 && audit.scoreDisplayMode === "binary",
    )
    .map((audit) => audit.id);
  const measures = [
    "first-contentful-paint",
    "largest-contentful-paint",
    "total-blocking-time",
    "cumulative-layout-shift",
  ];
  const told = measures.map((name) => [name, lhr.audits[name].displayValue]);
  return Object.fromEntries([...scores, ...told, ["failed", failed]]);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
