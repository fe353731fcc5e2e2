// An identity provider that others wrote (oidc-provider, certified): PKCE, pushed requests, rotating keys, back-channel logout.
// Prints its address; people sign in by its own development pages. Its clock, keys and storage are its own.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

const [work, hub, secret] = process.argv.slice(2);
const { Provider } = await import(`${work}/node_modules/oidc-provider/lib/index.js`);
const key = () => ({ ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" });
const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: "city-hub", client_secret: secret, id_token_signed_response_alg: "ES256",
    redirect_uris: [`${hub}/sso/via/peer/callback`], backchannel_logout_uri: `${hub}/sso/via/peer/logout`,
    backchannel_logout_session_required: true,
  }],
  jwks: { keys: [key()] },
  pkce: { required: () => true },
  claims: { openid: ["sub", "acr"], profile: ["name"] },
  acrValues: ["urn:example:loa:2"],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `人物 ${id}` }) }),
  features: { pushedAuthorizationRequests: { enabled: true }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  // It guards itself against addresses of this machine, where the hub of this test stands.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  cookies: { keys: ["peers"] },
});
server.on("request", provider.callback());
provider.on("backchannel.error", (_, error) => console.error(error));
console.log(issuer);
