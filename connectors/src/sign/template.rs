//! Texts with names in braces, the small language of recipes: `{timestamp}{session:token}`, `{body | sha256}`,
//! `{value | url}`. A name is followed by any number of functions, each after a bar. `{{` and `}}` are braces.

use super::SignError;
use super::algorithm;
use super::stamp::TimeForm;
use crate::charset::Charset;
use crate::form::{Escape, escape_bytes};
use hub_catalog::document::nearest;

/// Bytes, some of which must not be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans(Vec<(Vec<u8>, bool)>);

impl Spans {
    /// Bytes that may be shown.
    #[must_use]
    pub fn open(bytes: Vec<u8>) -> Self {
        Self(vec![(bytes, false)])
    }

    /// Bytes of a secret.
    #[must_use]
    pub fn hidden(bytes: Vec<u8>) -> Self {
        Self(vec![(bytes, true)])
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(bytes, _)| bytes).copied().collect()
    }

    /// As a text with `***` for what must not be shown.
    #[must_use]
    pub fn blanked(&self, charset: Charset) -> String {
        let shown = |bytes: &[u8]| {
            charset
                .decode(bytes)
                .unwrap_or_else(|_| format!("(hex {})", hub_crypto::hex(bytes)))
        };
        self.0
            .iter()
            .map(|(bytes, hidden)| if *hidden { "***".to_owned() } else { shown(bytes) })
            .collect()
    }

    /// The texts in it that must not be shown.
    #[must_use]
    pub fn secret_texts(&self, charset: Charset) -> Vec<String> {
        let hidden = self.0.iter().filter(|(_, hidden)| *hidden);
        hidden.filter_map(|(bytes, _)| charset.decode(bytes).ok()).collect()
    }

    pub(super) fn push(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// A function of a secret is as secret.
    fn map(&self, change: impl Fn(&[u8]) -> Result<Vec<u8>, SignError>) -> Result<Self, SignError> {
        let hidden = self.0.iter().any(|(_, hidden)| *hidden);
        Ok(Self(vec![(change(&self.bytes())?, hidden)]))
    }
}

/// A function in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Function {
    Digest {
        of: hub_crypto::Digest,
        raw: bool,
    },
    Hex,
    Unhex,
    Base64,
    Unbase64,
    Upper,
    Lower,
    Url(Escape),
    SortPairs,
    First(usize),
    Last(usize),
    Base64Url,
    /// ECB with PKCS#7 padding under the first 16 bytes of a secret: how some vendors make one key of another.
    Enciphered(hub_crypto::Cipher, String),
}

/// Words of functions, beside the digests.
const FUNCTIONS: [&str; 22] = [
    "md5",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "sm3",
    "hex",
    "unhex",
    "base64",
    "base64url",
    "unbase64",
    "sm4",
    "aes",
    "upper",
    "lower",
    "url",
    "form-url",
    "form-url-lower",
    "sort",
    "first",
    "last",
    "raw",
];

/// Words before a colon.
const PLACES: [&str; 8] = ["secret", "session", "time", "header", "query", "head", "body", "field"];

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(String),
    Name { name: String, functions: Vec<Function> },
}

/// A text with names in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Reads a template; `allowed` are the names without colon it may have.
    ///
    /// # Errors
    /// What is wrong with it, with the nearest right word.
    pub fn parse(text: &str, allowed: &[&str]) -> Result<Self, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            push_literal(&mut pieces, before);
            if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
                push_literal(&mut pieces, brace.get(..1).unwrap_or_default());
                rest = after;
                continue;
            }
            let inside = brace.strip_prefix('{').and_then(|b| b.split_once('}'));
            let Some((inside, after)) = inside else {
                return Err(format!(
                    "a brace in `{text}` has no partner; write {{{{ or }}}} for the character itself"
                ));
            };
            pieces.push(piece(inside, allowed)?);
            rest = after;
        }
        push_literal(&mut pieces, rest);
        Ok(Self(pieces))
    }

    /// Whether this name stands in it; a time in another form is the timestamp too.
    #[must_use]
    pub fn names(&self, wanted: &str) -> bool {
        let same = |name: &str| name == wanted || wanted == "timestamp" && name.starts_with("time:");
        self.0
            .iter()
            .any(|p| matches!(p, Piece::Name { name, .. } if same(name)))
    }

    /// Whether it is this name and nothing else.
    #[must_use]
    pub fn is_just(&self, wanted: &str) -> bool {
        matches!(self.0.as_slice(), [Piece::Name { name, functions }] if name == wanted && functions.is_empty())
    }

    /// Whether it is the same text always.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        let constant = |piece: &Piece| match piece {
            Piece::Literal(_) => true,
            Piece::Name { name, .. } => name.starts_with("secret:"),
        };
        self.0.iter().all(constant)
    }

    /// Whether this name stands in it as it is, so that it can be read back.
    #[must_use]
    pub fn shows(&self, wanted: &str) -> bool {
        let same = |p: &Piece| matches!(p, Piece::Name { name, functions } if name == wanted && functions.is_empty());
        self.0.iter().any(same)
    }

    /// What stands at a name in a text that was made of this template: `1` at `t` in `t=1,v=2` for `t={t},v={v}`.
    #[must_use]
    pub fn captured(&self, text: &str, wanted: &str) -> Option<String> {
        let mut rest = text;
        let mut pieces = self.0.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Piece::Name { name, functions } => {
                    let end = match pieces.peek() {
                        Some(Piece::Literal(literal)) => rest.find(literal.as_str())?,
                        _ => rest.len(),
                    };
                    let (found, after) = rest.split_at(end);
                    if name == wanted && functions.is_empty() {
                        return Some(found.to_owned());
                    }
                    rest = after;
                }
            }
        }
        None
    }

    /// Names of the secrets in it, apart from the recipe's own.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let keys = |functions: &[Function]| -> Vec<String> {
            let key = |function: &Function| match function {
                Function::Enciphered(_, secret) => Some(secret.clone()),
                _ => None,
            };
            functions.iter().filter_map(key).collect()
        };
        let secrets = |piece: &Piece| match piece {
            Piece::Name { name, functions } => {
                let own = name.strip_prefix("secret:").map(str::to_owned);
                own.into_iter().chain(keys(functions)).collect()
            }
            Piece::Literal(_) => Vec::new(),
        };
        self.0.iter().flat_map(secrets).collect()
    }

    /// What stands before and behind a name.
    #[must_use]
    pub fn around(&self, wanted: &str) -> (Self, Self) {
        let at = self
            .0
            .iter()
            .position(|p| matches!(p, Piece::Name { name, .. } if name == wanted));
        let (before, after) = self.0.split_at(at.unwrap_or(self.0.len()).min(self.0.len()));
        (Self(before.to_vec()), Self(after.get(1..).unwrap_or_default().to_vec()))
    }

    /// The text with everything filled in, in bytes of the charset.
    ///
    /// # Errors
    /// Those of `lookup`, and texts that a function or the charset cannot take.
    pub fn fill(
        &self,
        charset: Charset,
        lookup: &dyn Fn(&str) -> Result<Spans, SignError>,
    ) -> Result<Spans, SignError> {
        let mut out = Spans::default();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => {
                    let bytes = charset.encode(text).map_err(|e| SignError::Text(e.to_string()))?;
                    out.push(Spans::open(bytes.into_owned()));
                }
                Piece::Name { name, functions } => {
                    let mut spans = lookup(name)?;
                    for function in functions {
                        spans = match function {
                            Function::Enciphered(cipher, secret) => {
                                let key = lookup(&format!("secret:{secret}"))?.bytes();
                                Spans::hidden(enciphered(*cipher, &key, &spans.bytes(), secret)?)
                            }
                            function => spans.map(|bytes| function.apply(bytes))?,
                        };
                    }
                    out.push(spans);
                }
            }
        }
        Ok(out)
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Literal(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

fn piece(inside: &str, allowed: &[&str]) -> Result<Piece, String> {
    let mut parts = inside.split('|').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let known = match name.split_once(':') {
        Some(("time", form)) => return timed(name, form, parts),
        Some((place, key)) => PLACES.contains(&place) && !key.is_empty(),
        None => allowed.contains(&name),
    };
    if !known {
        let words = allowed.iter().copied().chain(PLACES.iter().copied());
        let near = nearest(name.split(':').next().unwrap_or(name), words);
        let hint = near.first().cloned().unwrap_or_else(|| {
            format!(
                "{}, or {} followed by a colon and a name",
                allowed.join(", "),
                PLACES.join(", ")
            )
        });
        return Err(format!("`{{{name}}}` is not known here; expected {hint}"));
    }
    finished(name, parts)
}

/// `time:yyyyMMdd utc`: the timestamp in another form.
fn timed<'t>(name: &str, form: &str, functions: impl Iterator<Item = &'t str>) -> Result<Piece, String> {
    TimeForm::parse(form)?;
    finished(name, functions)
}

fn finished<'t>(name: &str, functions: impl Iterator<Item = &'t str>) -> Result<Piece, String> {
    Ok(Piece::Name {
        name: name.to_owned(),
        functions: functions.map(Function::parse).collect::<Result<_, _>>()?,
    })
}

impl Function {
    fn parse(text: &str) -> Result<Self, String> {
        let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
        if let Some(of) = algorithm::digest(word) {
            return match argument {
                "" => Ok(Self::Digest { of, raw: false }),
                "raw" => Ok(Self::Digest { of, raw: true }),
                _ => Err(format!("`{word}` takes nothing or raw, got `{argument}`")),
            };
        }
        let count = || {
            argument
                .parse()
                .map_err(|_| format!("`{word}` needs a number, got `{argument}`"))
        };
        let secret = |cipher| match argument {
            "" => Err(format!("`{word}` needs the name of the secret that is its key")),
            name => Ok(Self::Enciphered(cipher, name.to_owned())),
        };
        let function = match word {
            "sm4" => return secret(hub_crypto::Cipher::Sm4),
            "aes" => return secret(hub_crypto::Cipher::Aes),
            "base64url" => Self::Base64Url,
            "first" => return count().map(Self::First),
            "last" => return count().map(Self::Last),
            "hex" => Self::Hex,
            "unhex" => Self::Unhex,
            "base64" => Self::Base64,
            "unbase64" => Self::Unbase64,
            "upper" => Self::Upper,
            "lower" => Self::Lower,
            "url" => Self::Url(Escape::Percent),
            "form-url" => Self::Url(Escape::Form),
            "form-url-lower" => Self::Url(Escape::FormLower),
            "sort" => Self::SortPairs,
            _ => {
                let near = nearest(word, FUNCTIONS);
                let hint = near.first().map_or_else(|| FUNCTIONS.join(", "), Clone::clone);
                return Err(format!("`{word}` is not a function; did you mean {hint}?"));
            }
        };
        if argument.is_empty() {
            Ok(function)
        } else {
            Err(format!("`{word}` takes nothing, got `{argument}`"))
        }
    }

    fn apply(&self, bytes: &[u8]) -> Result<Vec<u8>, SignError> {
        let text = || std::str::from_utf8(bytes).unwrap_or_default();
        let wrong = |what: &str| SignError::Text(format!("a value to be signed is not {what}"));
        Ok(match *self {
            Self::Digest { of, raw: true } => hub_crypto::digest(of, bytes),
            Self::Digest { of, raw: false } => hub_crypto::hex(&hub_crypto::digest(of, bytes)).into_bytes(),
            Self::Hex => hub_crypto::hex(bytes).into_bytes(),
            Self::Base64 => hub_crypto::base64(bytes).into_bytes(),
            Self::Base64Url => hub_crypto::base64_url(bytes).into_bytes(),
            // Needs a key, which the template looks up.
            Self::Enciphered(..) => bytes.to_vec(),
            Self::Unhex => hub_crypto::from_hex(text()).map_err(|_| wrong("hex"))?,
            Self::Unbase64 => hub_crypto::from_base64(text()).map_err(|_| wrong("base64"))?,
            Self::Upper => bytes.to_ascii_uppercase(),
            Self::Lower => bytes.to_ascii_lowercase(),
            Self::Url(style) => escape_bytes(bytes, style).into_bytes(),
            Self::SortPairs => {
                let mut pairs: Vec<&[u8]> = bytes.split(|b| *b == b'&').filter(|p| !p.is_empty()).collect();
                pairs.sort_unstable();
                pairs.join(&b'&')
            }
            Self::First(count) => bytes.get(..count).unwrap_or(bytes).to_vec(),
            Self::Last(count) => bytes.get(bytes.len().saturating_sub(count)..).unwrap_or(bytes).to_vec(),
        })
    }
}

fn enciphered(cipher: hub_crypto::Cipher, key: &[u8], bytes: &[u8], name: &str) -> Result<Vec<u8>, SignError> {
    use hub_crypto::{Mode, Padding, Provider as _, Software};
    let unusable = |reason: String| SignError::Key {
        name: name.to_owned(),
        reason,
    };
    let key = key
        .get(..16)
        .ok_or_else(|| unusable("shorter than 16 bytes".to_owned()))?;
    Software
        .encipher(cipher, &Mode::Ecb, Padding::Pkcs7, key, bytes)
        .map_err(|e| unusable(e.to_string()))
}
