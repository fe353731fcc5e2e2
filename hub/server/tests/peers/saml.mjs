// A SAML identity provider that others wrote (samlp, of Auth0): signed assertions, metadata, sign-outs. Prints its address; people sign
// in by a form with any name. Its key and certificate are those of the hub's own tests and guard nothing.
import { readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const [work, root, hub] = process.argv.slice(2);
const require = createRequire(`${work}/node_modules/`);
const samlp = require("samlp");
const { create, bodyParser } = require("json-server");
const pem = (kind, file) => {
  const text = readFileSync(`${root}/${file}`, "utf8").replace(/\s/g, "");
  return `-----BEGIN ${kind}-----\n${text.match(/.{1,64}/g).join("\n")}\n-----END ${kind}-----\n`;
};
const cert = pem("CERTIFICATE", "connectors/src/xmlsig/certificate.b64");
const key = pem("PRIVATE KEY", "hub/crypto/tests/rsa/pkcs8.b64");
const issuer = "urn:peers:campus";
const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

class Person {
  constructor(person) { this.person = person; }
  getClaims() { return { displayName: `人物 ${this.person.id}` }; }
  getNameIdentifier() { return { nameIdentifier: this.person.id }; }
}
Person.prototype.metadata = [];

const app = create();
app.use(bodyParser);
const people = new Map(); // who is signed in, by cookie
const participants = [];
const states = new Map();
const store = {
  save: (_, state, done) => { const id = randomUUID(); states.set(id, state); done(null, id); },
  update: (_, id, state, done) => { states.set(id, state); done(null, id); },
  load: (_, id, options, done) => {
    const found = states.get(id);
    if (options?.destroy) states.delete(id);
    (done ?? options)(null, found);
  },
};
const mine = (req) => people.get(req.headers.cookie?.match(/campus=([^;]+)/)?.[1]);
const common = { issuer, cert, key, deflate: true, protocolBinding: REDIRECT };

app.get("/metadata", samlp.metadata({
  issuer, cert, profileMapper: Person, redirectEndpointPath: "/sso", postEndpointPath: "/sso", logoutEndpointPaths: { redirect: "/logout" },
}));
app.all("/sso", (req, res, next) => {
  if (req.body.login) {
    const session = randomUUID();
    people.set(session, { id: req.body.login, session });
    res.cookie("campus", session, { httpOnly: true });
    req.headers.cookie = `campus=${session}`;
  } else if (!mine(req) || req.query.again) {
    res.send('<form method="post" action=""><input name="login"><input name="password" type="password"></form>');
    return;
  }
  const person = mine(req);
  const sign = samlp.auth({
    ...common, signingCert: cert, profileMapper: (p) => new Person(p), getUserFromRequest: () => person,
    getPostURL: (_, dom, __, done) => done(null, dom.documentElement.getAttribute("AssertionConsumerServiceURL")),
    destination: `${hub}/sso/via/peer/callback`, recipient: `${hub}/sso/via/peer/callback`,
    nameIdentifierFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", sessionIndex: person.session,
    authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", lifetimeInSeconds: 300,
  });
  if (!participants.some((p) => p.sessionIndex === person.session)) {
    participants.push({
      serviceProviderId: `${hub}/sso/via/peer/metadata`, nameId: person.id, sessionIndex: person.session, cert,
      nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
      serviceProviderLogoutURL: `${hub}/sso/via/peer/logout`, binding: REDIRECT,
    });
  }
  sign(req, res, next);
});
app.get("/logout", (req, res, next) => {
  const session = mine(req)?.session;
  const own = participants.filter((p) => p.sessionIndex === session);
  const Participants = require("samlp/lib/sessionParticipants");
  samlp.logout({ ...common, store, sessionParticipants: new Participants(own) })(req, res, next);
});
app.use((error, _, res, __) => { console.error(error); res.status(500).send(String(error.message)); });
const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
