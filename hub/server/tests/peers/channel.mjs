// A channel by a certified client that others wrote (openid-client): signs in, refreshes, steps up, pushes its request, proves
// itself by a key, revokes, signs out. The browser between is played by hand: forms and one cookie.
// Prints one JSON object; whatever is wrong ends it with an error.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

const [work] = process.argv.slice(2);
const oidc = await import(`${work}/node_modules/openid-client/build/index.js`);
const ready = JSON.parse(readFileSync(`${work}/ready.json`, "utf8"));
const base = ready.base_url;
const redirect_uri = "https://app.example/cb";
const open = { execute: [oidc.allowInsecureRequests] };

async function register(more) {
  const answer = await fetch(`${ready.admin_url}/admin/sso/clients`, {
    method: "POST",
    headers: { authorization: `Bearer ${ready.admin_token}`, "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "城市通", redirect_uris: [redirect_uri], post_logout_redirect_uris: ["https://app.example/bye"],
      scope: "openid profile phone services offline_access", ...more,
    }),
  });
  assert.equal(answer.status, 201);
  return answer.json();
}

class Browser {
  cookie = "";
  async ask(address, form) {
    const answer = await fetch(new URL(address, base), {
      redirect: "manual",
      method: form ? "POST" : "GET",
      headers: { cookie: this.cookie },
      body: form,
    });
    for (const set of answer.headers.getSetCookie()) this.cookie = set.includes("Max-Age=0") ? "" : set.split(";")[0];
    return answer;
  }
  // Goes on until the address is the client's; fills in whatever form comes.
  async walk(address, persona) {
    let answer = await this.ask(address);
    for (let steps = 0; steps < 12; steps += 1) {
      const location = answer.headers.get("location");
      if (location?.startsWith("https://app.example/")) return new URL(location);
      if (location) { answer = await this.ask(location); continue; }
      const page = await answer.text();
      const [, action] = page.match(/method="post" action="([^"]+)"/) ?? assert.fail(page);
      const form = new URLSearchParams();
      for (const [, name, value] of page.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)) form.append(name, value);
      if (page.includes('name="persona"')) form.append("persona", persona);
      else form.append("answer", "yes");
      answer = await this.ask(action, form);
    }
    return assert.fail("too many steps");
  }
}

async function signIn(config, browser, persona, more = {}, pushed = false, DPoP = undefined) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const asked = {
    redirect_uri, scope: "openid profile services", state, nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
  };
  const address = pushed
    ? await oidc.buildAuthorizationUrlWithPAR(config, asked, { DPoP })
    : oidc.buildAuthorizationUrl(config, asked);
  const back = await browser.walk(address, persona);
  return oidc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
    ...(more.max_age === undefined ? {} : { maxAge: Number(more.max_age) }),
  }, undefined, { DPoP });
}

const told = {};
const known = await register({});
const config = await oidc.discovery(new URL(`${base}/sso`), known.client_id, undefined,
  oidc.ClientSecretBasic(known.client_secret), open);
const browser = new Browser();
const first = await signIn(config, browser, "wang-zihan");
assert.equal(first.claims().acr, "R2");
const person = await oidc.fetchUserInfo(config, first.access_token, first.claims().sub);
assert.ok(person.name);
told.signed_in = first.scope;

const second = await oidc.refreshTokenGrant(config, first.refresh_token);
assert.equal(second.claims().sub, first.claims().sub);
assert.equal((await oidc.tokenIntrospection(config, second.access_token)).active, true);
told.refreshed = true;

const up = await signIn(config, browser, "wang-jianguo", { acr_values: "R3", max_age: "300" });
assert.equal(up.claims().acr, "R4");
assert.ok(up.claims().auth_time);
told.stepped_up = up.claims().acr;

const pushed = await signIn(config, browser, "wang-jianguo", {}, true);
told.pushed = pushed.scope;
await oidc.tokenRevocation(config, pushed.refresh_token);
assert.equal((await oidc.tokenIntrospection(config, pushed.access_token)).active, false);
told.revoked = true;

const bye = oidc.buildEndSessionUrl(config, { id_token_hint: up.id_token, post_logout_redirect_uri: "https://app.example/bye", state: "x" });
assert.equal((await browser.walk(bye)).href, "https://app.example/bye?state=x");
await assert.rejects(oidc.refreshTokenGrant(config, up.refresh_token), { error: "invalid_grant" });
told.signed_out = true;

const pair = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const { kty, crv, x, y } = await webcrypto.subtle.exportKey("jwk", pair.publicKey);
const signing = await register({
  token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty, crv, x, y, kid: "k1" }] },
  require_pushed_authorization_requests: true, grant_types: ["authorization_code", "refresh_token", "client_credentials"],
});
const keyed = await oidc.discovery(new URL(`${base}/sso`), signing.client_id, undefined,
  oidc.PrivateKeyJwt({ key: pair.privateKey, kid: "k1" }), open);
await signIn(keyed, new Browser(), "wang-jianguo", {}, true);
assert.ok((await oidc.clientCredentialsGrant(keyed, { scope: "services" })).access_token);
told.by_key = true;

const bare = await register({ token_endpoint_auth_method: "none" });
const open_client = await oidc.discovery(new URL(`${base}/sso`), bare.client_id, undefined, oidc.None(), open);
await signIn(open_client, new Browser(), "wang-jianguo");
told.public = true;

// Bound to a key, with an ID token in another algorithm.
const bound = await register({
  token_endpoint_auth_method: "none", dpop_bound_access_tokens: true, id_token_signed_response_alg: "EdDSA",
});
const holding = await oidc.discovery(new URL(`${base}/sso`), bound.client_id,
  { dpop_bound_access_tokens: true, id_token_signed_response_alg: "EdDSA" }, oidc.None(), open);
oidc.enableNonRepudiationChecks(holding);
const DPoP = oidc.getDPoPHandle(holding, await oidc.randomDPoPKeyPair("ES256"));
const held = await signIn(holding, new Browser(), "wang-jianguo", {}, true, DPoP);
assert.equal(held.token_type, "dpop");
assert.ok((await oidc.fetchUserInfo(holding, held.access_token, held.claims().sub, { DPoP })).name);
const again = await oidc.refreshTokenGrant(holding, held.refresh_token, undefined, { DPoP });
const other = oidc.getDPoPHandle(holding, await oidc.randomDPoPKeyPair("ES256"));
await assert.rejects(oidc.refreshTokenGrant(holding, again.refresh_token, undefined, { DPoP: other }), { error: "invalid_grant" });
await assert.rejects(oidc.fetchUserInfo(holding, again.access_token, held.claims().sub));
told.bound = true;

// A token for a module, which knows the person by another name and learns who acts.
const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const module = await register({ client_id: "module-p", sector: "module-p", scope: "openid profile" });
const acting = await register({
  grant_types: ["authorization_code", "refresh_token", exchange], token_exchange_audiences: ["module-p"],
});
const actor = await oidc.discovery(new URL(`${base}/sso`), acting.client_id, undefined,
  oidc.ClientSecretBasic(acting.client_secret), open);
const own = await signIn(actor, new Browser(), "wang-jianguo");
const handed = await oidc.genericGrantRequest(actor, exchange, {
  subject_token: own.access_token, subject_token_type: "urn:ietf:params:oauth:token-type:access_token", audience: "module-p",
});
const asked = await oidc.discovery(new URL(`${base}/sso`), module.client_id, undefined,
  oidc.ClientSecretBasic(module.client_secret), open);
const worth = await oidc.tokenIntrospection(asked, handed.access_token);
assert.equal(worth.active, true);
assert.equal(worth.act.sub, acting.client_id);
assert.notEqual(worth.sub, own.claims().sub);
told.exchanged = worth.scope;
console.log(JSON.stringify(told));
