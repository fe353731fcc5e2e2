// A developer who has never been here, in a real browser: from the first page to a valid answer by one click, and by one
// pasted line, without an account. Prints one JSON object; whatever is wrong ends it with an error.
import assert from "node:assert/strict";
import { execSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { open } from "./browser.mjs";

const [work, pictures] = process.argv.slice(2);
const ready = JSON.parse(readFileSync(`${work}/ready.json`, "utf8"));

const browser = await open(work);
const told = {};
try {
  for (const [name, width, locale] of [["phone", 390, "zh-CN"], ["desktop", 1280, "en"]]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, locale });
    const page = await context.newPage();
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(String(error)));
    const began = Date.now();
    await page.goto(`${ready.base_url}/`);
    const state = page.locator("#answer-taste .state");
    const run = page.locator("form.try button[type=submit]");
    const answered = async (status) => {
      await page.waitForFunction((wanted) => document.querySelector("#answer-taste .state").textContent.startsWith(wanted), String(status), { timeout: 10_000 });
    };
    await run.click();
    await answered(200);
    told[name] = { milliseconds: Date.now() - began };
    assert.ok(told[name].milliseconds < 30_000, `${told[name].milliseconds} ms from the first page to an answer`);
    assert.equal(typeof JSON.parse(await page.locator("#answer-taste .out").textContent()), "object");
    assert.match(await state.textContent(), /200 · \d+ ms/);

    // Only one header changes, and only once.
    await page.locator('button[data-scenario="not-found"]').click();
    await answered(404);
    await page.locator('button[data-scenario="slow; ms=2000"]').click();
    await answered(200);
    assert.ok(Number((await state.textContent()).match(/· (\d+) ms/)[1]) >= 2000, await state.textContent());
    await run.click();
    await page.waitForFunction(() => { const t = document.querySelector("#answer-taste .state").textContent; return /^200/.test(t) && Number(t.match(/· (\d+) ms/)?.[1]) < 2000; }, undefined, { timeout: 10_000 });

    // No wider than the screen, on either.
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `the page is wider than ${width}`);
    if (pictures) await page.screenshot({ path: `${pictures}/first-${name}.png`, fullPage: true });

    // The line beside it works as it is pasted.
    const line = await page.locator("#answer-taste .line").textContent();
    const pasted = JSON.parse(execSync(`${line} --silent --fail`, { encoding: "utf8", timeout: 10_000 }));
    assert.equal(typeof pasted, "object");

    // The number of the request leads to what is known of it.
    await page.locator("#answer-taste .request-id a").click();
    await page.waitForURL(/\/r\//);
    assert.ok((await page.locator("h1").count()) === 1);
    if (pictures) await page.screenshot({ path: `${pictures}/first-call-${name}.png`, fullPage: true });
    assert.deepEqual(wrong, []);
    await context.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(told));
