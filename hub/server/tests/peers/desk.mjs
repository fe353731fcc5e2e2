// The agencies' desk in a real browser, on a phone and on a desktop: from a file to an answered call in three clicks.
// Prints one JSON object; whatever is wrong ends it with an error.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { open } from "./browser.mjs";

const [work] = process.argv.slice(2);
const ready = JSON.parse(readFileSync(`${work}/ready.json`, "utf8"));
const file = (width, broken) => {
  const path = `${work}/desk-${width}${broken ? "-broken" : ""}.yaml`;
  writeFileSync(path, `openapi: 3.0.3
info: {title: 权籍查询 ${width}, version: 0.1.0}
servers: [{url: 'https://title.example/api'}]
paths:
  /titles/{no}:
    get:
      parameters: [{name: no, in: path, required: true, schema: {type: string}}]
      responses:
        '200': {description: 权籍, content: {application/json: {schema: ${broken ? "{$ref: '#/components/schemas/Gone'}" : "{type: object, required: [area], properties: {area: {type: number}}}"}}}}
`);
  return path;
};

const browser = await open(work);
const told = {};
try {
  for (const [name, width, locale] of [["phone", 390, "zh-CN"], ["desktop", 1280, "en"]]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, locale });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("console", (line) => { if (line.type() === "error") wrong.push(line.text()); });
    await page.goto(`${ready.base_url}/agency`);
    await page.fill("#token", ready.desk_tokens.clerk);
    await page.click("#sign button");
    await page.waitForSelector("#drop", { state: "visible" });
    const started = Date.now();
    let clicks = 0;
    await page.setInputFiles("#file", file(width)); // drop
    clicks += 1;
    await page.click("[data-step=publish]"); // confirm
    clicks += 1;
    await page.waitForSelector("#answer");
    await page.click("#card button.plain"); // copy
    clicks += 1;
    const took = Date.now() - started;
    assert.equal(clicks, 3);
    assert.ok(took < 20_000, `${name}: ${took} ms`);
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^curl -X GET '.*\/sandbox\/first\/quan-ji-cha-xun-/);
    assert.equal(typeof JSON.parse(await page.textContent("#answer")).area, "number");
    assert.equal(await page.textContent("#address"), `${ready.base_url}/sandbox/first/quan-ji-cha-xun-${width}/v0`);
    await page.setInputFiles("#file", file(width, true));
    await page.waitForSelector("#card .findings code");
    assert.match(await page.textContent("#card .findings code"), /desk-.*-broken\.yaml:9:\d+/);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${name}: the page is ${overflow} px too wide`);
    // The refusal of the broken file is an answer the browser notes; nothing else may be.
    assert.deepEqual(wrong.filter((text) => !text.includes("422")), []);
    told[name] = { clicks, machine_ms: took };
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(told));
