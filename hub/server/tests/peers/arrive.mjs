// A browser, played by hand, between an app, the hub and an identity provider that others wrote: forms, cookies and redirects of all
// three. Prints one JSON object; whatever is wrong ends it with an error.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [work, ready_file, kind] = process.argv.slice(2);
const oidc = await import(`${work}/node_modules/openid-client/build/index.js`);
const ready = JSON.parse(readFileSync(ready_file, "utf8"));
const base = ready.base_url;
const redirect_uri = "https://app.example/cb";

const answer = await fetch(`${ready.admin_url}/admin/sso/clients`, {
  method: "POST",
  headers: { authorization: `Bearer ${ready.admin_token}`, "content-type": "application/json" },
  body: JSON.stringify({ client_name: "城市通", redirect_uris: [redirect_uri], scope: "openid profile services" }),
});
assert.equal(answer.status, 201);
const known = await answer.json();
const config = await oidc.discovery(new URL(`${base}/sso`), known.client_id, undefined,
  oidc.ClientSecretBasic(known.client_secret), { execute: [oidc.allowInsecureRequests] });

// Cookies by place and name; enough for three servers on loopback, which browsers too tell apart by port no further than this.
class Browser {
  jar = new Map();
  async ask(address, form, from) {
    const url = new URL(address);
    // A form that another site posts brings no cookie of ours (SameSite=Lax). Ports of loopback are one site to browsers; here they
    // play different ones.
    const strange = form && from && from.host !== url.host;
    const jar = strange ? new Map() : this.jar.get(url.host) ?? new Map();
    if (!strange) this.jar.set(url.host, jar);
    const answer = await fetch(url, {
      redirect: "manual", method: form ? "POST" : "GET", body: form,
      headers: { cookie: [...jar].map(([n, v]) => `${n}=${v}`).join("; "), "accept-language": "en", ...(form ? { origin: url.origin, referer: url.href } : {}) },
    });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
      const gone = /max-age=0/i.test(set) || /expires=Thu, 01 Jan 1970/i.test(set);
      if (gone || value === "") jar.delete(name); else jar.set(name, value);
    }
    return answer;
  }
  // Goes on until the address is the app's.
  async walk(address, fields, steps = 30) {
    let here = new URL(address);
    let answer = await this.ask(here);
    for (; steps > 0; steps -= 1) {
      const location = answer.headers.get("location");
      if (location?.startsWith("https://app.example/")) return new URL(location);
      if (location) { here = new URL(location, here); answer = await this.ask(here); continue; }
      const page = await answer.text();
      assert.ok(answer.status < 400, `${here}: ${answer.status} ${page.slice(0, 2000)}`);
      const via = page.match(/href="(\/sso\/via\/peer\?[^"]+)"/);
      if (via && !page.includes('name="answer"')) {
        here = new URL(via[1].replaceAll("&amp;", "&").replaceAll("&#38;", "&"), base);
        answer = await this.ask(here);
        continue;
      }
      const [tag] = page.match(/<form[^>]*method="post"[^>]*>/i) ?? assert.fail(page);
      const action = tag.match(/action="([^"]*)"/)?.[1].replaceAll("&amp;", "&") || here.href;
      const form = new URLSearchParams();
      for (const [input] of page.matchAll(/<input[^>]*type="hidden"[^>]*>/gi)) {
        form.append(input.match(/name="([^"]*)"/)[1], input.match(/value="([^"]*)"/)?.[1] ?? "");
      }
      for (const [name, value] of Object.entries(fields)) if (page.includes(`name="${name}"`)) form.set(name, value);
      if (page.includes('name="answer"')) form.set("answer", "yes");
      const from = here;
      here = new URL(action, here);
      answer = await this.ask(here, form, from);
    }
    return assert.fail("too many steps");
  }
}

async function signIn(browser, fields, more = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: "openid profile services", state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
  });
  const back = await browser.walk(address, fields);
  return oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true });
}

const told = {};
const browser = new Browser();
const fields = kind === "cas"
  ? { username: "li", password: "peers-only" }
  : { login: "li", password: "x" };
const first = await signIn(browser, fields);
told.signed_in = first.claims().sub.length > 0;
told.assurance = first.claims().acr;
const again = await signIn(new Browser(), fields);
assert.equal(again.claims().sub, first.claims().sub);
told.same_person = true;
if (kind === "oidc") {
  assert.equal(first.claims().name, "人物 li");
  const other = await signIn(new Browser(), { login: "wang", password: "x" });
  assert.notEqual(other.claims().sub, first.claims().sub);
  // Asked anew at the provider although its session is alive.
  await signIn(browser, fields, { prompt: "login", max_age: "60" });
  // The person signs out at the provider: what the apps have dies.
  const last = await signIn(browser, fields);
  assert.equal((await oidc.tokenIntrospection(config, last.access_token)).active, true);
  const issuer = [...browser.jar.keys()].find((host) => `http://${host}` !== base);
  let page = await browser.ask(`http://${issuer}/session/end`);
  const text = await page.text();
  const form = new URLSearchParams({ logout: "yes" });
  for (const [input] of text.matchAll(/<input[^>]*type="hidden"[^>]*>/gi)) form.append(input.match(/name="([^"]*)"/)[1], input.match(/value="([^"]*)"/)[1]);
  page = await browser.ask(text.match(/action="([^"]*)"/)[1], form);
  assert.ok(page.status < 400, `${page.status}`);
  for (let tries = 0; (await oidc.tokenIntrospection(config, last.access_token)).active; tries += 1) {
    assert.ok(tries < 50, "a sign-out at the provider did not arrive");
    await new Promise((later) => setTimeout(later, 100));
  }
  told.signed_out = true;
}
if (kind === "saml") {
  assert.equal(first.claims().name, "人物 li");
  const other = await signIn(new Browser(), { login: "wang", password: "x" });
  assert.notEqual(other.claims().sub, first.claims().sub);
  // Back with the provider's session, then out there: what the apps have dies, and the provider gets an answer it takes.
  const last = await signIn(browser, fields);
  assert.equal((await oidc.tokenIntrospection(config, last.access_token)).active, true);
  const idp = [...browser.jar.keys()].find((host) => `http://${host}` !== base);
  let here = new URL(`http://${idp}/logout`);
  let answer = await browser.ask(here);
  for (let steps = 0; answer.headers.get("location"); steps += 1) {
    assert.ok(steps < 5);
    here = new URL(answer.headers.get("location"), here);
    answer = await browser.ask(here);
  }
  assert.equal(`${here.host} ${answer.status}`, `${idp} 200`, await answer.text());
  assert.equal((await oidc.tokenIntrospection(config, last.access_token)).active, false);
  assert.equal((await oidc.tokenIntrospection(config, other.access_token)).active, true);
  told.signed_out = true;
}
console.log(JSON.stringify(told));
