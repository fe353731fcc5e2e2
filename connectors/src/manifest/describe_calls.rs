//! The description of the parts that calls are made of: operations, sessions, answers, pages, files, callbacks.

use super::describe::{FORMATS, FRAME, Kind, LAYOUT, NAMES, Part, TEXT_FORMS, WIRE, key};
use super::describe_transports::{BATCH, JUMP};

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
        key("page", Kind::Part(&PAGE), PAGE.about),
        key("send", Kind::Values, "What it sends."),
        key(
            "basic",
            Kind::Texts,
            "User and password for HTTP Basic on the login call.",
        ),
        key(
            "basic-as",
            Kind::Word(&["plain", "form"]),
            "`form`: escaped as in a form before Base64 (RFC 6749, 2.3.1), the default where `grant_type` is sent; `plain`: as they are.",
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
            "sealed",
            Kind::Flag,
            "Whether it is sealed as other calls; default: as framed.",
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
        key("refresh", Kind::Part(&REFRESH), REFRESH.about),
        key(
            "daily",
            Kind::Count,
            "Logins and refreshes a day, if the upstream counts them.",
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

/// `session.page`.
pub static PAGE: Part = Part {
    name: "page",
    about: "A page fetched before the login: its cookies named in `keep` go along with the login, and so do values that it hides.",
    keys: &[
        key("call", Kind::Text, "The call: `GET /login`."),
        key(
            "read",
            Kind::ScalarMap,
            "Names for values in it: `csrf: input csrf_token` (an input's value), `meta csrf-token` (a meta element's content), `cookie X`, `header X`, or a path in JSON.",
        ),
    ],
};

/// `session.refresh`.
pub static REFRESH: Part = Part {
    name: "refresh",
    about: "How a session that is about to end or was lost is renewed without a login; values of its answer are read as after a login, those it leaves out stay.",
    keys: &[
        key(
            "call",
            Kind::Text,
            "The call that renews: `POST /token`, or an operation code.",
        ),
        key("send", Kind::Values, "What it sends: `refresh_token: session:refresh`."),
    ],
};

/// `callback.poll`.
pub static POLL: Part = Part {
    name: "poll",
    about: "Asking about matters that no news came of.",
    keys: &[
        key(
            "ask",
            Kind::Text,
            "The operation of the contract, without effect, that tells how a matter stands.",
        ),
        key("every", Kind::Text, "How often: `1h`."),
    ],
};

/// `payment` of an operation.
pub static PAYMENT: Part = Part {
    name: "payment",
    about: "Canonical fields of an order to be paid, so that it is compared with the daily statement.",
    keys: &[
        key("order", Kind::Text, "Its number, in the input or the answer."),
        key("amount", Kind::Text, "Its amount in fen."),
        key("state", Kind::Text, "Its state, if the answer or a callback tells it."),
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
            "Codes that mean success; numbers and texts are compared as text. `http 302`, `http 302 /home` (a part of the address), `http 3xx`: statuses.",
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
            "levels",
            Kind::Count,
            "How many such texts stand inside each other, 1 to 4; default 1. What is deeper is refused.",
        ),
        key(
            "jsonp",
            Kind::Flag,
            "Whether answers are scripts that hand JSON to a function: `callback({…});`.",
        ),
        key(
            "empty",
            Kind::Scalars,
            "Data that means `nothing found`: JSON texts such as `null`, `[]`, `[{}]`; or `auto`, or `never`.",
        ),
        key("type", Kind::Text, "Content-Type of answers in the simulated city."),
        key("layout", Kind::Part(&LAYOUT), LAYOUT.about),
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
            "Where the number of all rows is, from the data, from the root with a leading `/`, or `header X-Total-Count`.",
        ),
        key(
            "next",
            Kind::Text,
            "Where the address of the next page is: `/links[rel=next]/href`, `header Link`.",
        ),
        key(
            "list",
            Kind::Text,
            "Where the rows of a page are, from the data; default the first list that has rows.",
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

/// `pick`.
pub static PICK: Part = Part {
    name: "pick",
    about: "Which rows of an answer are meant, where the upstream does not choose.",
    keys: &[
        key(
            "list",
            Kind::Text,
            "Where the rows are: `stations[]`, `entity[]/trip_update/stop_time_update[]`. A row sees its holder as `..`.",
        ),
        key(
            "where",
            Kind::ScalarMap,
            "Path in a row to what must hold: an input field, `maybe field`, `has field`, `from field`, `until field`, `is text`, `min 0`.",
        ),
        key(
            "near",
            Kind::Texts,
            "Longitude and latitude in a row: only rows within the radius asked for, nearest first.",
        ),
        key(
            "around",
            Kind::Texts,
            "Input fields of the place and the radius; default longitude, latitude, radius_m.",
        ),
        key("distance", Kind::Text, "Where the distance in metres is put in a row."),
        key(
            "reckon",
            Kind::ScalarMap,
            "Differences: `{wait: arrival/time - /header/timestamp}`.",
        ),
        key(
            "tell",
            Kind::ScalarMap,
            "What rows tell in other words: `{slot: span start end}` is `09:00-09:30`, `{free: when status free}` 1 or 0.",
        ),
        key(
            "one",
            Kind::Flag,
            "The first row alone is the data; without one, nothing was found.",
        ),
        key(
            "key",
            Kind::Text,
            "The member that numbers the outermost items, for the simulated city.",
        ),
    ],
};

/// One further call of an operation.
pub static ALSO: Part = Part {
    name: "also",
    about: "A further call whose answer is laid into the first's.",
    keys: &[
        key(
            "call",
            Kind::Text,
            "`GET /station_status.json`; `{name}` is a member of the first answer's data.",
        ),
        key("list", Kind::Text, "The list, in both answers, whose items are joined."),
        key("by", Kind::Text, "The member by which items belong together."),
        key(
            "without",
            Kind::Text,
            "Make the call only if this is not in the first answer's data.",
        ),
        key(
            "holds",
            Kind::Texts,
            "Members of the items that stand in this answer, for the simulated city.",
        ),
    ],
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
        key(
            "omit",
            Kind::Texts,
            "Required input fields that this upstream operation does not take.",
        ),
        key(
            "pick",
            Kind::Part(&PICK),
            "Which rows of the answer are meant, where the upstream does not choose.",
        ),
        key(
            "also",
            Kind::Part(&ALSO),
            "A further call whose answer is laid into the first's.",
        ),
        key("sends", Kind::Word(FORMATS), "Its body format."),
        key("answers", Kind::Word(FORMATS), "Its answer format."),
        key(
            "key",
            Kind::Text,
            "The field that makes a repeated call harmless for the upstream.",
        ),
        key("unsure", Kind::Part(&UNSURE), "How to find out whether a call arrived."),
        key("payment", Kind::Part(&PAYMENT), PAYMENT.about),
        key(
            "statement",
            Kind::Text,
            "The operation is the daily statement, there after this time of the next day (`02:30`): `day` in, `order_list` of `order_no`, `amount_fen`, `state` out.",
        ),
        key(
            "internal",
            Kind::Flag,
            "An operation of the upstream only, not of the contract.",
        ),
        key("signed", Kind::Flag, "false: without the system's signature."),
        key("sealed", Kind::Flag, "false: not enciphered, nor its answer."),
        key("session", Kind::Flag, "false: without the system's session."),
        key("batch", Kind::Part(&BATCH), "What differs in its files."),
        key(
            "jump",
            Kind::Part(&JUMP),
            "The page of the upstream's own that its answer leads to.",
        ),
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

/// `resolve`.
pub static RESOLVE: Part = Part {
    name: "resolve",
    about: "How a token that stands in for a number is exchanged for it before a call that names it.",
    keys: &[
        key("field", Kind::Text, "The input field that holds a number or a token."),
        key(
            "mark",
            Kind::Text,
            "What tokens begin with here; their row has the codec `mark` with the same text.",
        ),
        key("call", Kind::Text, "The call: `GET /tokens/{token}.json`."),
        key("read", Kind::Text, "Where the number is in its answer."),
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
            "`sign`: as `sign` here says, or else as our requests are signed; `secret:x in header X-Token`; `none`.",
        ),
        key(
            "sign",
            Kind::Foreign,
            "Its signature, if it is not signed as our requests are: a recipe like the system's.",
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
            "steps",
            Kind::ScalarMap,
            "Which state may follow which, in canonical values: `in_review: approved, rejected`. One that nothing follows is final.",
        ),
        key("poll", Kind::Part(&POLL), POLL.about),
        key(
            "answer",
            Kind::Text,
            "What to answer: `text success`, `json {\"code\":0}`, `xml <ok/>`.",
        ),
        key("refuse", Kind::Text, "What to answer when it is refused."),
    ],
};
