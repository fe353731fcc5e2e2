// The demo super-app in a real browser, on a phone and on a desktop: a citizen signs in once, uses a service, agrees, sees who
// used what and takes the yes back; the H5 module inside knows the same person by another number. Script is off: plain forms.
// Prints one JSON object; whatever is wrong ends it with an error.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { open } from "./browser.mjs";

const [work, pictures] = process.argv.slice(2);
const { apps } = JSON.parse(readFileSync(`${work}/ready.json`, "utf8"));
const browser = await open(work);
const told = {};
// In both apps, and on the person's own yes.
const consenting = "health.vaccination-appointment";

async function journey(width, app, persona) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, locale: "zh-CN", javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const look = async (name) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth).catch(() => 0);
    if (wide > width && pictures) await page.screenshot({ path: `${pictures}/wide.png` });
    assert.ok(wide <= width, `${name} at ${width}: ${wide} pixels wide`);
    if (pictures) await page.screenshot({ path: `${pictures}/${app}-${width}-${name}.png`, fullPage: true });
  };
  await page.goto(apps[app]);
  const offered = Number((await page.locator("p.soft").first().textContent()).replace(/\D/g, ""));
  await look("home");

  // Three taps to an answer that wants a person: the service, the sign-in, the form.
  await page.goto(`${apps[app]}/s/hrss.pension-payment-query`);
  await look("service");
  await page.locator("details[open] button[type=submit]").click();
  assert.match(page.url(), /\/sso\/|sign-in|continue/, `a sign-in page, not ${page.url()}`);
  await page.locator(`input[name=persona][value="${persona}"]`).check();
  await page.locator("form[action^='/sso/sign-in'] button").click();
  await look("asked");
  await page.locator("button[value=yes]").click();
  assert.equal(new URL(page.url()).origin, apps[app]);
  await page.locator("details[open] button[type=submit]").click();
  await look("answer");
  const answer = await page.locator("section[role=status]").textContent();

  // The module inside: silent once the person said yes to it.
  await page.goto(`${apps[app]}/h5/loans`);
  const inside = page.frameLocator("iframe");
  await inside.locator("main h1").waitFor();
  const more = inside.locator("a.button");
  if (await more.count()) {
    await more.click();
    await page.locator("button[value=yes]").click();
    await page.waitForURL(`${apps[app]}/h5/loans`);
    await inside.locator("main h1").waitFor();
  }
  if (pictures) await page.screenshot({ path: `${pictures}/${app}-${width}-inside.png` });
  const number = await inside.locator(".id").first().textContent();
  await look("module");

  // A service that stands on consent asks for it where it is called; what was agreed to is taken back in the account.
  await page.goto(`${apps[app]}/s/${consenting}`);
  await page.locator("details[open] button[type=submit]").click();
  await look("sheet");
  for (const box of await page.locator("form[action^='/agree'] input[type=checkbox]").all()) await box.check();
  await page.locator("form[action^='/agree'] button").click();
  await page.locator("details[open] button[type=submit]").first().click();
  assert.equal(await page.locator("form[action^='/agree']").count(), 0, "asked once");
  await page.goto(`${apps[app]}/my`);
  await look("account");
  await page.locator("form[action^='/my/withdraw'] button").first().click();
  assert.equal(await page.locator("form[action^='/my/withdraw'] button").count(), 0, "nothing is left to take back");
  const account = await page.locator("main").textContent();
  await page.locator("header form button").click();
  const sure = page.locator("form button[type=submit]").first();
  if (new URL(page.url()).origin !== apps[app]) await sure.click();
  await page.goto(`${apps[app]}/my`);
  assert.ok(new URL(page.url()).origin !== apps[app], "whoever signed out is asked again");
  await context.close();
  return { offered, answer, number, account };
}

try {
  const city = await journey(390, "city", "wang-jianguo");
  const county = await journey(1280, "county", "wang-jianguo");
  assert.ok(county.offered > 0 && county.offered < city.offered, `${county.offered} of ${city.offered}`);
  assert.equal(city.number, county.number, "a module knows a person by one number, in whichever app it stands");
  assert.match(city.answer, /办理成功/, city.answer);
  assert.match(city.account, /养老金/, "the account names the service");
  Object.assign(told, { city: city.offered, county: county.offered });
} finally {
  await browser.close();
}
console.log(JSON.stringify(told));
