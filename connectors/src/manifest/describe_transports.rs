//! The description of the parts for upstreams that are no HTTP servers, and for pages of the upstream's own.

use super::describe::{Kind, Part, key};

/// `exchange`.
pub static EXCHANGE: Part = Part {
    name: "exchange",
    about: "Tables of a front-end database: a request is a row, its answer another. An operation's `call` is its table.",
    keys: &[
        key(
            "key",
            Kind::Text,
            "Column by which the rows of one matter belong together: the submission's number, or a fresh one.",
        ),
        key("flag", Kind::Text, "Column that the reader of a row flips."),
        key(
            "new",
            Kind::Scalar,
            "Its value in rows that nobody has read; default 0.",
        ),
        key("taken", Kind::Scalar, "Its value in rows that were read; default 1."),
        key("dead", Kind::Scalar, "Its value in rows that cannot be read."),
        key(
            "answers",
            Kind::Text,
            "Table of answers; `{call}` is the request's table.",
        ),
        key(
            "lists",
            Kind::ScalarMap,
            "Members that are lists with a table of their own: `CL: \"{call}_CL\"`.",
        ),
        key("order", Kind::Text, "Column of the order inside these tables."),
        key("every", Kind::Text, "Between two looks for an answer; default 200ms."),
    ],
};

/// `batch`.
pub static BATCH: Part = Part {
    name: "batch",
    about: "Files of a drop folder: data file, marker, totals. An operation's `call` is `{call}` in their names.",
    keys: &[
        key(
            "files",
            Kind::Text,
            "Files that answer questions, `out/{call}_*.txt`: the last by name whose totals agree.",
        ),
        key(
            "marker",
            Kind::Text,
            "End of the marker's name behind the file's whole name: `.ok`. Without a marker a file is not looked at.",
        ),
        key(
            "says",
            Kind::Texts,
            "What stands in the marker, cell by cell, as for `trailer`.",
        ),
        key("separator", Kind::Text, "Between two cells: `|`, `,`, \"\\x1b\"."),
        key(
            "quotes",
            Kind::Flag,
            "Whether cells may stand in quotes (RFC 4180); default for a comma.",
        ),
        key("header", Kind::Flag, "Whether the first line names the columns."),
        key("columns", Kind::Texts, "The columns in order."),
        key(
            "contains",
            Kind::Texts,
            "Columns that only have to contain what is asked for; the others must equal it.",
        ),
        key(
            "trailer",
            Kind::Texts,
            "The last line, cell by cell: a text, `{count}` (lines of data), `{sum JE}` (sum of a column).",
        ),
        key(
            "request",
            Kind::Text,
            "File of a request of an operation with an effect: `in/{call}_{key}.txt`. Its marker is written last.",
        ),
        key(
            "reply",
            Kind::Text,
            "File of its answer, awaited: `out/{call}_{key}.txt`. Without it the answer is what `give` says.",
        ),
        key("every", Kind::Text, "Between two looks for that file; default 500ms."),
    ],
};

/// `news`.
pub static NEWS: Part = Part {
    name: "news",
    about: "What an upstream tells of its own accord by rows or files, as others do by `callback`.",
    keys: &[
        key(
            "from",
            Kind::Text,
            "Table, or files with one `*` in their name (`out/ZT_*.txt`).",
        ),
        key(
            "order",
            Kind::Text,
            "Column that counts up; where reading went on last.",
        ),
        key("every", Kind::Text, "Between two looks; default 30s."),
        key(
            "flagged",
            Kind::Flag,
            "false: the hub may not write there, so `order` alone says what was read.",
        ),
        key("case", Kind::Text, "Column of the number by which the matter is found."),
        key("state", Kind::Text, "Column of its new state."),
        key("time", Kind::Text, "Column of the time of the change."),
        key("fields", Kind::Rows, "Rows of the news alone."),
    ],
};

/// `jump`.
pub static JUMP: Part = Part {
    name: "jump",
    about: "A page of the upstream's own, to which the citizen is sent with a ticket.",
    keys: &[
        key(
            "hosts",
            Kind::Texts,
            "Hosts on which the page may stand; `*.example.gov.cn` is every host below.",
        ),
        key(
            "into",
            Kind::Text,
            "Canonical field of the answer that holds the address.",
        ),
        key(
            "to",
            Kind::Text,
            "Address that the hub makes of it; without it a row gives the whole address.",
        ),
        key(
            "with",
            Kind::Values,
            "Parameters of that address: a ticket from `data`, `$submission`, `$epoch`, `$nonce`.",
        ),
        key(
            "signed",
            Kind::Flag,
            "Whether these parameters are signed as `sign` says.",
        ),
    ],
};
