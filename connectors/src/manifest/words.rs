//! The words and short notations of manifests: formats, places, calls.

use crate::mapping::path::Path;

/// Format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// XML.
    Xml,
    /// A SOAP envelope.
    Soap,
    /// `multipart/form-data`.
    Multipart,
    /// Plain text.
    Text,
    /// Protocol buffers, by the manifest's message tables.
    Protobuf,
    /// A text of fields of fixed widths, counted in bytes.
    Fixed,
    /// A text of fields between separators.
    Piped,
    /// No body.
    None,
}

impl Format {
    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "json" => Format::Json,
            "form" => Format::Form,
            "xml" => Format::Xml,
            "soap" => Format::Soap,
            "multipart" => Format::Multipart,
            "text" => Format::Text,
            "protobuf" => Format::Protobuf,
            "fixed" => Format::Fixed,
            "piped" => Format::Piped,
            "none" => Format::None,
            _ => return None,
        })
    }
}

/// How a tree stands in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextForm {
    /// As it is.
    #[default]
    Object,
    /// JSON in a text.
    Json,
    /// XML in a text.
    Xml,
    /// A form in a text.
    Form,
    /// JSON in Base64.
    Base64Json,
    /// XML in Base64.
    Base64Xml,
}

impl TextForm {
    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "object" => TextForm::Object,
            "json" => TextForm::Json,
            "xml" => TextForm::Xml,
            "form" => TextForm::Form,
            "base64-json" => TextForm::Base64Json,
            "base64-xml" => TextForm::Base64Xml,
            _ => return None,
        })
    }
}

/// What becomes of canonical fields without a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// They are refused when the manifest is loaded.
    Rows,
    /// They keep their name.
    Same,
    /// `fullName`.
    Camel,
    /// `FullName`.
    Pascal,
    /// `full-name`.
    Kebab,
    /// `FULL_NAME`.
    Upper,
    /// `fullname`.
    Lower,
    /// `extension[url=urn:hub:full-name]/valueString` in bodies, `full-name` in queries.
    Extension,
}

impl Names {
    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "rows" => Names::Rows,
            "same" => Names::Same,
            "camel" => Names::Camel,
            "pascal" => Names::Pascal,
            "kebab" => Names::Kebab,
            "upper" => Names::Upper,
            "lower" => Names::Lower,
            "extension" => Names::Extension,
            _ => return None,
        })
    }

    /// The upstream's name of a canonical field.
    #[must_use]
    pub fn upstream_name(self, canonical: &str) -> String {
        let capital = |word: &str| {
            let mut chars = word.chars();
            chars
                .next()
                .map(|c| c.to_ascii_uppercase().to_string() + chars.as_str())
                .unwrap_or_default()
        };
        match self {
            Names::Rows | Names::Same => canonical.to_owned(),
            Names::Kebab | Names::Extension => canonical.replace('_', "-"),
            Names::Upper => canonical.to_ascii_uppercase(),
            Names::Lower => canonical.replace('_', ""),
            Names::Pascal => canonical.split('_').map(capital).collect(),
            Names::Camel => {
                let mut words = canonical.split('_');
                let first = words.next().unwrap_or_default().to_owned();
                first + &words.map(capital).collect::<String>()
            }
        }
    }
}

/// Where in a message something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Among the fields.
    Body,
    /// Beside the fields, in the frame.
    Frame,
    /// In the query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A segment of the path.
    Path,
    /// In the SOAP header.
    Head,
}

impl Place {
    /// The word before a name: `query page`.
    pub const WORDS: [(&'static str, Place); 7] = [
        ("body", Place::Body),
        ("frame", Place::Frame),
        ("query", Place::Query),
        ("header", Place::Header),
        ("cookie", Place::Cookie),
        ("path", Place::Path),
        ("head", Place::Head),
    ];
}

/// A place and a path in it. Without a word before it the place is decided where it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// The place, if one was named.
    pub place: Option<Place>,
    /// The path.
    pub path: Path,
}

impl Spot {
    /// Reads `name`, `a/b` or `query name`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Some((word, rest)) = text.split_once(' ')
            && let Some((_, place)) = Place::WORDS.iter().find(|(w, _)| *w == word)
        {
            return Self {
                place: Some(*place),
                path: Path::parse(rest),
            };
        }
        Self {
            place: None,
            path: Path::parse(text),
        }
    }
}

/// Where a value of the page stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Hidden {
    /// `value` of the input with this name.
    Input(String),
    /// `content` of the meta element with this name.
    Meta(String),
    /// A header, a cookie, or a place in a JSON body.
    At(Spot),
}

impl Hidden {
    /// `input csrf_token`, `meta csrf-token`, `header X-Csrf`, `cookie XSRF-TOKEN`, `/token`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.trim().split_once(' ') {
            Some(("input", name)) => Self::Input(name.trim().to_owned()),
            Some(("meta", name)) => Self::Meta(name.trim().to_owned()),
            _ => Self::At(Spot::parse(text)),
        }
    }
}

/// How an upstream is called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallSpec {
    /// Method, if named.
    pub method: Option<String>,
    /// Path template, if named.
    pub path: Option<String>,
    /// Constant query.
    pub query: Option<String>,
    /// Operation code, if named.
    pub code: Option<String>,
    /// As in the contract.
    pub same: bool,
    /// Session value that holds the address, for upstreams that announce where their calls are.
    pub at: Option<String>,
}

impl CallSpec {
    /// Reads `GET /path/{x}`, `code`, `POST /path code`, `same`, `GET session:name`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut call = CallSpec::default();
        let mut rest = text.trim();
        if rest == "same" {
            call.same = true;
            return call;
        }
        let (first, after) = rest.split_once(' ').map_or((rest, ""), |(f, a)| (f, a.trim()));
        if ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].contains(&first) {
            call.method = Some(first.to_owned());
            rest = after;
        }
        if let Some(name) = rest.strip_prefix("session:") {
            call.at = Some(name.trim().to_owned());
            call.path = Some(format!("/{}", name.trim()));
            return call;
        }
        if rest.starts_with('/') {
            let (target, code) = rest.split_once(' ').map_or((rest, ""), |(p, c)| (p, c.trim()));
            let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
            call.path = Some(path.to_owned());
            call.query = query.map(str::to_owned);
            rest = code;
        }
        if !rest.is_empty() {
            call.code = Some(rest.to_owned());
        }
        call
    }
}
