//! What a provider's file says.

use hub_connectors::charset::Charset;
use hub_connectors::sign::Recipe;
use hub_connectors::sign::template::Template;
use hub_core::{Assurance, Text};
use jsonwebtoken::Algorithm;
use std::collections::BTreeMap;
use url::Url;

/// An identity provider as its file describes it.
#[derive(Debug, Clone)]
pub struct ProviderFile {
    /// The file's name without its ending; a part of the paths of this provider.
    pub id: String,
    /// What people read.
    pub name: Text,
    /// Whether anybody may come from there.
    pub active: bool,
    /// The name under which its people are linked. Two files with the same one speak of the same people.
    pub issuer: String,
    /// Whether it may stand on this machine or in a private network, at the very hosts that the file names.
    pub inner: bool,
    /// Who we are there.
    pub client: Client,
    /// How it speaks.
    pub dialect: Dialect,
    /// Which value names a person wherever this issuer does, and which within one application only.
    pub subject: Linking,
    /// Where the attributes of a person stand.
    pub claims: BTreeMap<Attribute, String>,
    /// How sure it is of a person.
    pub assurance: Levels,
    /// Who must not come in, though the provider says yes.
    pub refuse: Vec<Refusal>,
    /// Hosts and ports that the file names.
    pub(crate) hosts: Vec<(String, u16)>,
}

/// Who the hub is at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// Its id: a text, or `secret:name`.
    pub id: Option<Reference>,
    /// Name of its secret.
    pub secret: Option<String>,
    /// Whether the secret goes into the body rather than a header.
    pub in_body: bool,
}

/// A text, or the name of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The text itself.
    Text(String),
    /// The secret of this name.
    Secret(String),
}

/// How a provider speaks.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// OpenID Connect.
    Oidc(Oidc),
    /// OAuth 2.0 and whatever goes by way of a browser and some calls.
    Calls(Calls),
    /// CAS 3.
    Cas(Cas),
    /// SAML 2.0 Web SSO.
    Saml(Saml),
    /// Headers that a gateway in front of the hub puts in, signed.
    Header(Headers),
}

/// OpenID Connect.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// Where it stands, if it is not to be discovered.
    pub endpoints: Option<Endpoints>,
    /// Scopes asked for; `openid` is always one.
    pub scope: Vec<String>,
    /// Algorithms of its tokens.
    pub algorithms: Vec<Algorithm>,
    /// Whether userinfo is asked too.
    pub userinfo: bool,
    /// Whether requests are pushed where that is offered.
    pub pushed: bool,
}

/// Where an OpenID provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where browsers go.
    pub authorization: Url,
    /// Where codes become tokens.
    pub token: Url,
    /// Its keys.
    pub jwks: Url,
    /// Who a person is.
    pub userinfo: Option<Url>,
    /// Where requests are pushed to.
    pub par: Option<Url>,
    /// Whether it says `iss` on the way back (RFC 9207).
    pub says_iss: bool,
}

/// A browser's way and calls.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Where browsers go.
    pub authorize: Authorize,
    /// What comes back with the browser: name here, name there.
    pub back: BTreeMap<String, String>,
    /// Where a code becomes a token in the plain way of RFC 6749.
    pub token: Option<Url>,
    /// Calls in order.
    pub calls: Vec<Call>,
}

/// Where browsers go, and with what.
#[derive(Debug, Clone)]
pub struct Authorize {
    /// Address.
    pub url: Url,
    /// Parameters.
    pub send: Vec<(String, Template)>,
    /// What stands behind `#`.
    pub fragment: Option<String>,
    /// Name of the parameter with the state on the way back; `None` if the state stands in the address of the way back itself.
    pub state: Option<String>,
    /// Characters of a state.
    pub state_length: usize,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Address.
    pub url: Url,
    /// Whether it is a POST.
    pub post: bool,
    /// Parameters of the query.
    pub query: Vec<(String, Template)>,
    /// Members of the body.
    pub body: Vec<(String, Template)>,
    /// Whether the body is JSON rather than a form.
    pub json: bool,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// How it is signed, and how its answer is.
    pub sign: Option<Recipe>,
    /// Charset of both.
    pub charset: Charset,
    /// Whether the answer is XML.
    pub xml: bool,
    /// What must hold of the answer: place, and the texts it may have; `absent` and `present` say what they say.
    pub ok: Vec<(Place, Vec<String>)>,
    /// What is taken from it.
    pub take: Vec<(String, Place)>,
    /// Where it says why it failed, and what the codes mean.
    pub fails: Option<(Place, BTreeMap<String, Failing>)>,
}

/// What a code of failure means to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// The code or ticket was used or has run out.
    Used,
    /// It is too busy.
    Busy,
    /// It says no.
    Denied,
}

/// CAS 3.
#[derive(Debug, Clone)]
pub struct Cas {
    /// Address of the server, up to `/login`.
    pub server: Url,
}

/// SAML 2.0 Web SSO.
#[derive(Debug, Clone)]
pub struct Saml {
    /// Where browsers go.
    pub sso: Url,
    /// Whether they bring the request in a form rather than in the address.
    pub post: bool,
    /// Where it takes answers to its word of a sign-out.
    pub logout: Option<Url>,
    /// Its keys, SubjectPublicKeyInfo in base64. No other is believed.
    pub keys: Vec<String>,
    /// What it has to sign.
    pub signed: Signed,
    /// Whether it may use SHA-1.
    pub sha1: bool,
    /// What our requests are signed with.
    pub signing: Option<Signing>,
    /// What kind of name a person has there.
    pub name_id: NameId,
    /// How far clocks may be off, in seconds.
    pub skew: i64,
}

/// What a provider has to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The response or the assertion.
    Either,
    /// The response.
    Response,
    /// The assertion.
    Assertion,
}

/// What our requests are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// Name of the private key.
    pub key: String,
    /// The certificate that goes with it, as base64, for our metadata.
    pub certificate: Option<String>,
}

/// What kind of name a person has (SAML Core 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameId {
    /// For us, and for ever.
    Persistent,
    /// An address, which may pass to somebody else.
    Email,
    /// For this time only.
    Transient,
    /// Whatever the provider likes.
    Unspecified,
}

impl NameId {
    /// As SAML writes it.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Email => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        }
    }

    /// Whether a name of this format is one of this kind.
    #[must_use]
    pub fn fits(self, format: Option<&str>) -> bool {
        match self {
            // A name that is another each time names nobody.
            Self::Unspecified => format != Some(Self::Transient.uri()),
            kind => format == Some(kind.uri()),
        }
    }
}

/// Signed headers.
#[derive(Debug, Clone)]
pub struct Headers {
    /// How they are signed; its age is always checked.
    pub sign: Recipe,
    /// What is taken from which header.
    pub take: Vec<(String, Place)>,
    /// The headers that the recipe names, in lower case.
    pub names: Vec<String>,
    /// Those of them that the signature covers: what makes one request another.
    pub covered: Vec<String>,
}

/// Which values name a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Linking {
    /// Throughout the issuer.
    pub everywhere: Option<String>,
    /// Within our application there.
    pub here: Option<String>,
}

/// An attribute of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// Name.
    Name,
    /// Id number.
    IdNumber,
    /// Mobile number.
    Mobile,
    /// Credit code of the company acted for.
    Uscc,
    /// Its name.
    OrgName,
    /// The role in it.
    Role,
}

/// Attributes by the words of a file.
pub(crate) const ATTRIBUTES: [(&str, Attribute); 6] = [
    ("name", Attribute::Name),
    ("id_number", Attribute::IdNumber),
    ("mobile", Attribute::Mobile),
    ("uscc", Attribute::Uscc),
    ("org_name", Attribute::OrgName),
    ("role", Attribute::Role),
];

/// From what a provider says to how surely a person is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// Where it says so.
    pub from: Option<String>,
    /// What its words mean.
    pub table: BTreeMap<String, Assurance>,
    /// Whatever else it says, or if it says nothing.
    pub otherwise: Assurance,
    /// What its word is worth at most.
    pub most: Assurance,
}

impl Levels {
    /// What a word is worth.
    #[must_use]
    pub fn of(&self, said: Option<&str>) -> Assurance {
        let meant = said.and_then(|s| self.table.get(s)).copied();
        meant.unwrap_or(self.otherwise).min(self.most)
    }

    /// The provider's words for at least this, the weakest of them first.
    pub(crate) fn words(&self, least: Assurance) -> Vec<&str> {
        let mut fit: Vec<_> = self.table.iter().filter(|(_, level)| **level >= least).collect();
        fit.sort_by_key(|(_, level)| **level);
        fit.into_iter().map(|(word, _)| word.as_str()).collect()
    }
}

/// Who must not come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A value.
    pub name: String,
    /// What it may not be.
    pub is: Vec<String>,
    /// What the person is told.
    pub why: Text,
}

/// A place in an answer: JSON pointers, with texts in between that are JSON or Base64 themselves (`/data#/user/id`,
/// `x-info#base64#/uid`); a plain word is a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(pub(crate) Vec<Hop>);

impl Place {
    /// The member it begins at.
    pub(crate) fn member(&self) -> Option<&str> {
        match self.0.first()? {
            Hop::Pointer(pointer) => pointer.strip_prefix('/'),
            _ => None,
        }
    }
}

/// A part of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hop {
    /// A JSON pointer.
    Pointer(String),
    /// The text is Base64 of another.
    Base64,
    /// The text is percent-encoded.
    Url,
}
