//! The one description of a manifest: every part, every key, its kind and what it is for.
//!
//! The structural check, the JSON Schema for editors and the reader all go by these tables, so that none of them can
//! say something else than the others.

pub use super::describe_calls::{ANSWER, CALLBACK, FILES, OPERATION, PAGING, RESOLVE, SERVE, SESSION, UNSURE};
pub use super::describe_seal::{JWT, SEAL, XML_SIGN};
pub use super::describe_transports::{BATCH, EXCHANGE, JUMP, NEWS};

/// What may stand under a key.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text, number or truth value; read as text.
    Scalar,
    /// A text.
    Text,
    /// A whole number above zero.
    Count,
    /// true or false.
    Flag,
    /// Anything.
    Any,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One scalar or a list of them.
    Scalars,
    /// A list of texts or one text.
    Texts,
    /// Free names to scalars.
    ScalarMap,
    /// Free names to values to send or give.
    Values,
    /// Rows: upstream name to canonical name.
    Rows,
    /// Free names to maps of scalars.
    Tables,
    /// A fixed part.
    Part(&'static Part),
    /// A word standing for a part, or the part itself.
    TextOr(&'static Part),
    /// Free names to a text or a part.
    Map(&'static Part),
    /// A part that another module reads and checks.
    Foreign,
}

/// One part of a manifest.
#[derive(Debug)]
pub struct Part {
    /// Name in the schema's `$defs`.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// One key of a part.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// What it is for.
    pub about: &'static str,
}

pub(super) const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about }
}

/// Body and answer formats.
pub const FORMATS: &[&str] = &[
    "json",
    "form",
    "xml",
    "soap",
    "multipart",
    "text",
    "protobuf",
    "fixed",
    "piped",
    "none",
];
/// Forms in which a tree stands inside a text.
pub const TEXT_FORMS: &[&str] = &["object", "json", "xml", "form", "base64-json", "base64-xml"];
/// Policies for canonical fields without a row.
pub const NAMES: &[&str] = &[
    "rows",
    "same",
    "camel",
    "pascal",
    "kebab",
    "upper",
    "lower",
    "extension",
];

/// `upstream`.
pub static UPSTREAM: Part = Part {
    name: "upstream",
    about: "Where the system is and what it speaks.",
    keys: &[
        key(
            "url",
            Kind::Text,
            "Base address, or ${UPSTREAM_…}. Default: the variable made of the system's name.",
        ),
        key(
            "known_as",
            Kind::Texts,
            "Other names of the same server, host or host:port, that stand in addresses its answers give (next pages, announced feeds): they are called at the base address all the same.",
        ),
        key(
            "dialect",
            Kind::Text,
            "rest-json, rest-envelope, signed-gateway, sm-gateway, form, form-gbk, xml, xml-gbk, soap, soap-cdata, front-db, csv-batch, ticket-h5, open311, gbfs, gtfs-rt, fhir-lite, ocpi-lite, ogc-features.",
        ),
        key(
            "charset",
            Kind::Word(&["utf-8", "gbk", "gb18030"]),
            "Charset of bodies and queries both ways.",
        ),
        key("timeout", Kind::Text, "For one attempt: 5s, 800ms."),
        key("path", Kind::Text, "Path of calls that name none."),
        key(
            "clock",
            Kind::Word(&["ours", "answers"]),
            "Whose clock requests are stamped by: ours (the default), or the upstream's as the Date of its answers tells it.",
        ),
        key(
            "method",
            Kind::Word(&["GET", "POST", "PUT", "PATCH", "DELETE"]),
            "Method of calls that name none.",
        ),
        key(
            "sends",
            Kind::Word(FORMATS),
            "Format of request bodies, if not the dialect's.",
        ),
        key(
            "answers",
            Kind::Word(FORMATS),
            "Format of answers, if not the dialect's.",
        ),
        key(
            "type",
            Kind::Text,
            "Content-Type of request bodies, if not the format's.",
        ),
        key(
            "message",
            Kind::Text,
            "protobuf: the message that bodies are; default FeedMessage in gtfs-rt.",
        ),
        key("tls", Kind::Part(&TLS), TLS.about),
        key("ssh", Kind::Part(&SSH), SSH.about),
    ],
};

/// `upstream.ssh`.
pub static SSH: Part = Part {
    name: "ssh",
    about: "A folder on a file server, `sftp://user@host:port/folder`: by which key it is known and with which the hub logs in.",
    keys: &[
        key(
            "pin",
            Kind::Texts,
            "Fingerprint of its host key, `SHA256:…` as `ssh-keygen -l` prints it, or of two during a change. An address may have its own, `?pin=`.",
        ),
        key(
            "key",
            Kind::Text,
            "Private key, `secret:name`: OpenSSH's form or PKCS #8, Ed25519 or ECDSA. A password is `auth.basic`.",
        ),
    ],
};

/// `upstream.tls`.
pub static TLS: Part = Part {
    name: "tls",
    about: "How its TLS differs from the hub's rules; every part of it is noted for the audit.",
    keys: &[
        key(
            "pin",
            Kind::Texts,
            "SHA-256 of its certificate, or of two during a change; believed instead of the machine's roots.",
        ),
        key(
            "min",
            Kind::Word(&["1.2", "1.3"]),
            "Lowest version that is spoken; default 1.2.",
        ),
        key(
            "until",
            Kind::Text,
            "The day on which the pin is looked at again, as a rule the certificate's last; needed with `pin`.",
        ),
        key("why", Kind::Text, "Why, in words; needed."),
    ],
};

/// `frame`.
pub static FRAME: Part = Part {
    name: "frame",
    about: "What stands around the fields of a request.",
    keys: &[
        key(
            "code",
            Kind::Text,
            "Where the operation code goes: `method`, `head/code`, `query method`, `header X-Method`.",
        ),
        key(
            "body",
            Kind::Text,
            "Under which name the fields go; without it they stand at the root.",
        ),
        key(
            "as",
            Kind::Word(TEXT_FORMS),
            "How the fields stand under `body`: as an object, or as JSON, XML, … inside a text.",
        ),
        key("root", Kind::Text, "Root element of the XML that holds the fields."),
        key(
            "declaration",
            Kind::Text,
            "XML declaration's encoding inside a text, or `none`.",
        ),
        key(
            "call",
            Kind::Text,
            "SOAP: the element of every call, where the operation code stands elsewhere.",
        ),
        key(
            "output",
            Kind::Text,
            "Where the answer stands: the element below SOAP's response element, or a member of the whole.",
        ),
        key(
            "reads",
            Kind::Word(TEXT_FORMS),
            "How the answer stands in `output`, or in the whole body: as JSON, XML, … inside a text.",
        ),
        key(
            "levels",
            Kind::Count,
            "How many such texts stand inside each other, 1 to 4; default 1. What is deeper is refused.",
        ),
        key("namespace", Kind::Text, "Target namespace of the call element."),
        key("prefix", Kind::Text, "Its prefix; default `tns`."),
        key(
            "namespaces",
            Kind::ScalarMap,
            "Further prefixes for names such as `t:name`.",
        ),
        key(
            "qualified",
            Kind::Flag,
            "Whether names without a prefix are in the target namespace (document/literal: true; rpc: false).",
        ),
        key(
            "style",
            Kind::Word(&["document", "rpc"]),
            "SOAP style; rpc means unqualified names.",
        ),
        key("action", Kind::Text, "SOAPAction; `{call}` is the operation's element."),
        key("soap", Kind::Word(&["1.1", "1.2"]), "SOAP version."),
        key(
            "order",
            Kind::Texts,
            "Order of elements where the upstream insists on one.",
        ),
        key("layout", Kind::Part(&LAYOUT), LAYOUT.about),
    ],
};

/// `frame.layout`, `answer.layout`.
pub static LAYOUT: Part = Part {
    name: "layout",
    about: "fixed and piped: the fields of the text in order.",
    keys: &[
        key(
            "fields",
            Kind::Texts,
            "Names in order; for fixed with a width in bytes: `xm 20`, `je 12 right 0`.",
        ),
        key(
            "separator",
            Kind::Text,
            "piped: what stands between fields; default `|`.",
        ),
        key("trailing", Kind::Flag, "Whether it stands behind the last field too."),
        key(
            "length",
            Kind::Count,
            "Digits of a length in front, counting the bytes behind it.",
        ),
        key("whole", Kind::Flag, "Whether the length counts its own digits too."),
        key(
            "rows",
            Kind::Text,
            "Name of the list that the repeated fields at the end make.",
        ),
        key("of", Kind::Texts, "The fields that are repeated."),
    ],
};

/// `auth`.
pub static AUTH: Part = Part {
    name: "auth",
    about: "Standing credentials; login and tokens are `session`, signatures are `sign`.",
    keys: &[
        key("basic", Kind::Texts, "User and password for HTTP Basic."),
        key(
            "digest",
            Kind::Texts,
            "User and password for HTTP Digest (RFC 7616): the upstream asks with a 401, the call goes again with the proof.",
        ),
        key("bearer", Kind::Text, "A standing bearer token."),
        key("header", Kind::Text, "Header that carries `value`."),
        key("query", Kind::Text, "Query parameter that carries `value`."),
        key("element", Kind::Text, "Name beside the body that carries `value`."),
        key(
            "value",
            Kind::Text,
            "The credential, `secret:name`, `Token {base64 secret:token}`.",
        ),
        key("wsse", Kind::Part(&WSSE), "WS-Security UsernameToken."),
    ],
};

/// `auth.wsse`.
pub static WSSE: Part = Part {
    name: "wsse",
    about: "WS-Security UsernameToken Profile 1.0.",
    keys: &[
        key("user", Kind::Text, "User name, usually `secret:user`."),
        key("password", Kind::Text, "Password, `secret:password`."),
        key(
            "type",
            Kind::Word(&["text", "digest"]),
            "PasswordText or PasswordDigest; default text.",
        ),
    ],
};

/// `wire`.
pub static WIRE: Part = Part {
    name: "wire",
    about: "How kinds of values stand on the wire, unless a row says otherwise.",
    keys: &[
        key("date", Kind::Scalar, "Dates: yyyyMMdd, yyyy/MM/dd, epoch_ms, …"),
        key(
            "datetime",
            Kind::Scalar,
            "Times: yyyy-MM-dd HH:mm:ss, epoch, rfc3339, …",
        ),
        key("month", Kind::Scalar, "Months: yyyyMM, …"),
        key("money", Kind::Scalar, "Money: fen, yuan (text), yuan-number, …"),
        key("bool", Kind::Scalar, "Truth: 1/0, Y/N, 是/否, …"),
        key(
            "number",
            Kind::Scalar,
            "Other numbers: `text` for numbers written as texts.",
        ),
        key(
            "coordinates",
            Kind::Scalar,
            "Datum of longitudes and latitudes: cgcs2000, gcj02, bd09.",
        ),
        key(
            "null",
            Kind::Word(&["drop", "null", "empty"]),
            "What an absent field becomes; default drop.",
        ),
    ],
};

/// `limits`.
pub static LIMITS: Part = Part {
    name: "limits",
    about: "What the upstream bears.",
    keys: &[
        key("rps", Kind::Count, "Calls a second."),
        key("daily", Kind::Count, "Calls a day."),
        key("concurrency", Kind::Count, "Calls at the same time."),
    ],
};

/// The manifest itself.
pub static MANIFEST: Part = Part {
    name: "manifest",
    about: "One upstream system: how it is reached, what it speaks, what its names mean.",
    keys: &[
        key("system", Kind::Text, "`agency/system`."),
        key("upstream", Kind::Part(&UPSTREAM), UPSTREAM.about),
        key("frame", Kind::Part(&FRAME), FRAME.about),
        key(
            "sign",
            Kind::Foreign,
            "The signature of requests: see the sign recipes.",
        ),
        key("seal", Kind::Part(&SEAL), SEAL.about),
        key("jwt", Kind::Part(&JWT), JWT.about),
        key("xml-sign", Kind::Part(&XML_SIGN), XML_SIGN.about),
        key("auth", Kind::Part(&AUTH), AUTH.about),
        key("session", Kind::Part(&SESSION), SESSION.about),
        key("answer", Kind::Part(&ANSWER), ANSWER.about),
        key(
            "fails",
            Kind::ScalarMap,
            "Upstream failure codes to words: not-found, rejected, conflict, invalid, maintenance, busy, refused, session, unavailable, timeout, ok.",
        ),
        key("wire", Kind::Part(&WIRE), WIRE.about),
        key("paging", Kind::Part(&PAGING), PAGING.about),
        key("limits", Kind::Part(&LIMITS), LIMITS.about),
        key(
            "closed",
            Kind::Texts,
            "When it is closed: `22:00-06:00`, `Sunday 01:00-05:00`, `last day of month 18:00-24:00`, `06-30 18:00-24:00`.",
        ),
        key(
            "expires",
            Kind::ScalarMap,
            "When secrets end that do not say so themselves: `key: 2027-03-01`. The hub warns 30, 7 and 1 days ahead.",
        ),
        key("send", Kind::Values, "What every call sends besides its fields."),
        key(
            "give",
            Kind::Values,
            "Canonical fields of answers that the upstream does not have.",
        ),
        key(
            "codes",
            Kind::Tables,
            "Tables of codes: upstream code to canonical value; the first of several is sent back.",
        ),
        key("files", Kind::Part(&FILES), FILES.about),
        key(
            "names",
            Kind::Word(NAMES),
            "Names of fields without a row; default `same` for rest-json, `rows` (refuse) elsewhere.",
        ),
        key(
            "fields",
            Kind::Rows,
            "Upstream name to canonical name, both directions, all operations.",
        ),
        key("request", Kind::Rows, "Rows of requests alone."),
        key("response", Kind::Rows, "Rows of answers alone."),
        key(
            "operations",
            Kind::Map(&OPERATION),
            "Operation to call; `\"*\"` for those not listed. `operations: same`: all as in the contract.",
        ),
        key("resolve", Kind::Part(&RESOLVE), RESOLVE.about),
        key("callback", Kind::Part(&CALLBACK), CALLBACK.about),
        key("exchange", Kind::Part(&EXCHANGE), EXCHANGE.about),
        key("batch", Kind::Part(&BATCH), BATCH.about),
        key("news", Kind::Part(&NEWS), NEWS.about),
        key("jump", Kind::Part(&JUMP), JUMP.about),
        key(
            "omit",
            Kind::Texts,
            "Required input fields that no operation of the upstream takes.",
        ),
        key(
            "messages",
            Kind::Tables,
            "protobuf: messages and enums, `{Stop: {9001: string lines}}`, over those the dialect knows.",
        ),
    ],
};
