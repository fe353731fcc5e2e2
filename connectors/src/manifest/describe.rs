//! The one description of a manifest: every part, every key, its kind and what it is for.
//!
//! The structural check, the JSON Schema for editors and the reader all go by these tables, so that none of them can
//! say something else than the others.

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

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about }
}

/// Body and answer formats.
pub const FORMATS: &[&str] = &["json", "form", "xml", "soap", "multipart", "text", "none"];
/// Forms in which a tree stands inside a text.
pub const TEXT_FORMS: &[&str] = &["object", "json", "xml", "form", "base64-json", "base64-xml"];
/// Policies for canonical fields without a row.
pub const NAMES: &[&str] = &["rows", "same", "camel", "pascal", "kebab", "upper", "lower"];

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
            "dialect",
            Kind::Text,
            "rest-json, rest-envelope, signed-gateway, form, form-gbk, xml, xml-gbk, soap, soap-cdata, or a style of a later release.",
        ),
        key(
            "charset",
            Kind::Word(&["utf-8", "gbk", "gb18030"]),
            "Charset of bodies and queries both ways.",
        ),
        key("timeout", Kind::Text, "For one attempt: 5s, 800ms."),
        key("path", Kind::Text, "Path of calls that name none."),
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
            "SOAP: the element below the response element that holds the answer.",
        ),
        key("reads", Kind::Word(TEXT_FORMS), "How the answer stands in `output`."),
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
    ],
};

/// `auth`.
pub static AUTH: Part = Part {
    name: "auth",
    about: "Standing credentials; login and tokens are `session`, signatures are `sign`.",
    keys: &[
        key("basic", Kind::Texts, "User and password for HTTP Basic."),
        key("bearer", Kind::Text, "A standing bearer token."),
        key("header", Kind::Text, "Header that carries `value`."),
        key("query", Kind::Text, "Query parameter that carries `value`."),
        key("element", Kind::Text, "Name beside the body that carries `value`."),
        key("value", Kind::Text, "The credential, `secret:name`."),
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

/// `session`.
pub static SESSION: Part = Part {
    name: "session",
    about: "A login or token call whose result the other calls carry.",
    keys: &[
        key(
            "login",
            Kind::Text,
            "The call that logs in: `POST /login`, or an operation code.",
        ),
        key("send", Kind::Values, "What it sends."),
        key(
            "basic",
            Kind::Texts,
            "User and password for HTTP Basic on the login call.",
        ),
        key("sends", Kind::Word(FORMATS), "Its body format, if not the system's."),
        key(
            "answers",
            Kind::Word(FORMATS),
            "Its answer format, if not the system's.",
        ),
        key(
            "framed",
            Kind::Flag,
            "Whether it goes in the system's frame; default: only if it is an operation code.",
        ),
        key(
            "signed",
            Kind::Flag,
            "Whether it is signed as other calls; default: as framed.",
        ),
        key(
            "read",
            Kind::ScalarMap,
            "Names for values of its answer: `token: /access_token`, `token: header X-Token`.",
        ),
        key("keep", Kind::Texts, "Cookies to keep: `cookie JSESSIONID`."),
        key(
            "lives",
            Kind::Text,
            "How long: `2h`, or where the answer says it in seconds: `/expires_in`. `once`: log in before every call.",
        ),
        key(
            "lost",
            Kind::Texts,
            "Signs that it is gone: `401`, `302 /login.jsp`, `html`, `code 40001`.",
        ),
        key(
            "answer",
            Kind::Part(&ANSWER),
            "Envelope of its answer, if not the system's.",
        ),
    ],
};

/// `answer`.
pub static ANSWER: Part = Part {
    name: "answer",
    about: "How an answer says whether it went well, and where its data is.",
    keys: &[
        key(
            "code",
            Kind::Text,
            "Where the result code is: `/code`, `header X-Code`.",
        ),
        key(
            "ok",
            Kind::Scalars,
            "Codes that mean success; numbers and texts are compared as text.",
        ),
        key("when", Kind::Text, "Success as an expression over `answer`, `status`."),
        key(
            "message",
            Kind::Text,
            "Where the upstream's words are; shown to the caller as the reason.",
        ),
        key("data", Kind::Text, "Where the data is; rows start there."),
        key(
            "as",
            Kind::Word(TEXT_FORMS),
            "How the data stands there: as an object, or as JSON, XML, … inside a text.",
        ),
        key(
            "empty",
            Kind::Scalars,
            "Data that means `nothing found`: JSON texts such as `null`, `[]`, `[{}]`; or `auto`, or `never`.",
        ),
        key("type", Kind::Text, "Content-Type of answers in the simulated city."),
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

/// `paging`.
pub static PAGING: Part = Part {
    name: "paging",
    about: "Names and bases of pages.",
    keys: &[
        key("page", Kind::Text, "The page's name: `pageNum`, `CurPage from 0`."),
        key("size", Kind::Text, "The page size's name."),
        key("offset", Kind::Text, "Rows to skip, for offset/limit upstreams."),
        key(
            "start",
            Kind::Text,
            "First row: `startRow`, `startIndex from 0`; default from 1.",
        ),
        key("end", Kind::Text, "Last row, both ends counted."),
        key(
            "total",
            Kind::Text,
            "Where the number of all rows is, from the data, or from the root with a leading `/`.",
        ),
        key(
            "pages",
            Kind::Text,
            "Where the number of all pages is, for upstreams that give only that.",
        ),
        key("max", Kind::Count, "Largest page size the upstream takes."),
        key(
            "fields",
            Kind::Texts,
            "Canonical names of page, size and total; default page, page_size, total.",
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

/// `files`.
pub static FILES: Part = Part {
    name: "files",
    about: "How papers travel that must be uploaded first.",
    keys: &[
        key(
            "upload",
            Kind::Text,
            "The upload call: `POST /upload`, or an operation code.",
        ),
        key(
            "sends",
            Kind::Word(FORMATS),
            "Its body format, `multipart` for instance, if not the system's.",
        ),
        key(
            "send",
            Kind::Text,
            "Name of the content: base64 in a text, or the multipart file part.",
        ),
        key("name", Kind::Text, "Name of the file name."),
        key("type", Kind::Text, "Name of the media type."),
        key("with", Kind::Values, "What it sends besides."),
        key("read", Kind::Text, "Where the upstream's file id is, from the data."),
        key(
            "answer",
            Kind::Part(&ANSWER),
            "Envelope of its answer, if not the system's.",
        ),
    ],
};

/// `unsure`.
pub static UNSURE: Part = Part {
    name: "unsure",
    about: "What to do when it is not known whether a call arrived.",
    keys: &[key(
        "ask",
        Kind::Text,
        "The operation that tells; its answer stands for the call's own.",
    )],
};

/// One operation.
pub static OPERATION: Part = Part {
    name: "operation",
    about: "How one operation is called; what it does not say the system says.",
    keys: &[
        key(
            "call",
            Kind::Text,
            "`GET /path/{name}`, an operation code, both (`POST /gw T001`), or `same` for the contract's method and path.",
        ),
        key("fields", Kind::Rows, "Rows of this operation alone."),
        key("request", Kind::Rows, "Rows of its request alone."),
        key("response", Kind::Rows, "Rows of its answer alone."),
        key("send", Kind::Values, "What it sends besides its fields."),
        key(
            "give",
            Kind::Values,
            "Canonical fields of the answer that the upstream does not have.",
        ),
        key(
            "in",
            Kind::Word(&["query", "body"]),
            "Where its fields go; default by method.",
        ),
        key("answer", Kind::Part(&ANSWER), "What differs in its answer."),
        key("fails", Kind::ScalarMap, "Its own failure codes."),
        key("wire", Kind::Part(&WIRE), "What differs on the wire."),
        key("paging", Kind::Part(&PAGING), "What differs in paging."),
        key("frame", Kind::Part(&FRAME), "What differs in the frame."),
        key("names", Kind::Word(NAMES), "Names of fields without a row."),
        key("sends", Kind::Word(FORMATS), "Its body format."),
        key("answers", Kind::Word(FORMATS), "Its answer format."),
        key(
            "key",
            Kind::Text,
            "The field that makes a repeated call harmless for the upstream.",
        ),
        key("unsure", Kind::Part(&UNSURE), "How to find out whether a call arrived."),
        key(
            "internal",
            Kind::Flag,
            "An operation of the upstream only, not of the contract.",
        ),
        key("signed", Kind::Flag, "false: without the system's signature."),
        key("session", Kind::Flag, "false: without the system's session."),
        key("not-yet", Kind::Text, "The operation is not connected, and why."),
        key(
            "serve",
            Kind::Part(&SERVE),
            "Expressions for the simulated city where rows cannot run backwards.",
        ),
    ],
};

/// `serve`.
pub static SERVE: Part = Part {
    name: "serve",
    about: "The simulated city's side of computed values.",
    keys: &[
        key(
            "input",
            Kind::Values,
            "Canonical input from `request` (the upstream's parameters).",
        ),
        key(
            "data",
            Kind::Values,
            "Upstream data from `out` (the canonical answer) and `input`.",
        ),
    ],
};

/// `callback`.
pub static CALLBACK: Part = Part {
    name: "callback",
    about: "How the upstream knocks when something has happened.",
    keys: &[
        key(
            "verify",
            Kind::Text,
            "`sign`: as our requests are signed; `secret:x in header X-Token`; `none`.",
        ),
        key(
            "sends",
            Kind::Word(FORMATS),
            "Format of its body; default the system's.",
        ),
        key("case", Kind::Text, "Where the number is by which the matter is found."),
        key("state", Kind::Text, "Where the new state is."),
        key("time", Kind::Text, "Where the time of the change is."),
        key("data", Kind::Text, "Where its fields are; default the root."),
        key("fields", Kind::Rows, "Rows of the callback alone."),
        key(
            "answer",
            Kind::Text,
            "What to answer: `text success`, `json {\"code\":0}`, `xml <ok/>`.",
        ),
        key("refuse", Kind::Text, "What to answer when it is refused."),
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
        key("callback", Kind::Part(&CALLBACK), CALLBACK.about),
    ],
};
