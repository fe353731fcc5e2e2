//! Values a manifest sends or gives by itself: constants, `$now` and its like, secrets, session values, expressions.
//!
//! `2.0` is a constant. `$now`, `secret:key`, `session:token`, `$input/x` stand alone or, in braces, inside a text:
//! `Bearer {session:token}`, `Token {base64 secret:token}`. `= …` is an expression.

use super::expr::Expression;
use super::path::Path;
use crate::settings::Origin;
use serde_json::Value;

/// A value to be made when it is needed.
#[derive(Debug)]
pub enum Template {
    /// A constant of any JSON kind.
    Constant(Value),
    /// A text out of pieces; one lone piece keeps its kind.
    Pieces(Vec<Piece>),
    /// An expression.
    Expression(Box<Expression>),
}

/// One piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// As written.
    Literal(String),
    /// Now, in a pattern of its own or as the system writes times.
    Now(Option<String>),
    /// Today, in a pattern of its own or as the system writes dates.
    Date(Option<String>),
    /// Seconds since 1970.
    Epoch,
    /// Milliseconds since 1970.
    EpochMs,
    /// Random letters and digits.
    Nonce(usize),
    /// Random digits.
    Digits(usize),
    /// A random UUID (version 4).
    Uuid,
    /// Id of the stored submission; absent when there is none.
    Submission,
    /// The hub's request id.
    RequestId,
    /// The subject's name towards this agency; absent when there is none.
    Pairwise,
    /// The operation code of the call.
    Call,
    /// A canonical input field.
    Input(Path),
    /// The content of a file that is being uploaded: `content`, `name`, `type`.
    File(String),
    /// A secret.
    Secret(String),
    /// A value of the session.
    Session(String),
    /// A token that the manifest's `jwt` describes.
    Jwt,
    /// A token about the subject that the hub signs for this system, for one call.
    SubjectToken,
    /// Another piece's text in Base64.
    Base64(Box<Piece>),
}

impl Piece {
    /// The piece itself, or what is in Base64.
    fn inner(&self) -> &Piece {
        match self {
            Piece::Base64(inner) => inner.inner(),
            other => other,
        }
    }
}

impl Template {
    /// Reads a value of `send` or `give`.
    ///
    /// # Errors
    /// What is wrong with it and, where there is one, what would have been right.
    pub fn parse(value: &Value, origin: Origin) -> Result<Self, String> {
        let Value::String(text) = value else {
            return Ok(Template::Constant(value.clone()));
        };
        if let Some(source) = text.strip_prefix("= ") {
            return Ok(Template::Expression(Box::new(Expression::compile(
                source.trim(),
                origin,
            )?)));
        }
        if let Some(piece) = special(text)? {
            return Ok(Template::Pieces(vec![piece]));
        }
        let pieces = pieces(text)?;
        match pieces.as_slice() {
            [] => Ok(Template::Constant(Value::String(String::new()))),
            [Piece::Literal(text)] => Ok(Template::Constant(Value::String(text.clone()))),
            _ => Ok(Template::Pieces(pieces)),
        }
    }

    /// Names of the secrets it uses.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.pieces().iter().filter_map(|p| match p.inner() {
            Piece::Secret(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Names of the session values it uses.
    pub fn session_values(&self) -> impl Iterator<Item = &str> {
        self.pieces().iter().filter_map(|p| match p.inner() {
            Piece::Session(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it proves who calls: only such values are compared in the server half.
    #[must_use]
    pub fn is_credential(&self) -> bool {
        self.secrets().next().is_some() || self.session_values().next().is_some() || self.pieces().contains(&Piece::Jwt)
    }

    /// Its text where it is a constant scalar.
    #[must_use]
    pub fn constant_text(&self) -> Option<String> {
        match self {
            Template::Constant(value) => scalar_text(value),
            _ => None,
        }
    }

    fn pieces(&self) -> &[Piece] {
        match self {
            Template::Pieces(pieces) => pieces,
            _ => &[],
        }
    }
}

/// A scalar as text; `None` for lists, objects and null.
#[must_use]
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        literal.push_str(before);
        let inner = from.strip_prefix('{').unwrap_or(from);
        let found = inner.split_once('}').map(|(word, after)| (special(word), after));
        match found {
            Some((Ok(Some(piece)), after)) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(piece);
                rest = after;
            }
            Some((Err(error), _)) => return Err(error),
            // Braces that hold no special word are just braces (JSON in a constant, for instance).
            _ => {
                literal.push('{');
                rest = inner;
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// `$` words, `secret:` and `session:`. `$$` at the start is a plain `$`.
fn special(text: &str) -> Result<Option<Piece>, String> {
    if let Some(name) = text.strip_prefix("secret:") {
        return secret_name(name).map(|n| Some(Piece::Secret(n)));
    }
    if let Some(name) = text.strip_prefix("session:") {
        return Ok(Some(Piece::Session(name.trim().to_owned())));
    }
    if let Some(inner) = text.strip_prefix("base64 ") {
        return Ok(special(inner.trim())?.map(|piece| Piece::Base64(Box::new(piece))));
    }
    let Some(word) = text.strip_prefix('$') else {
        return Ok(None);
    };
    if let Some(plain) = word.strip_prefix('$') {
        return Ok(Some(Piece::Literal(format!("${plain}"))));
    }
    let (name, argument) = word.split_once(' ').map_or((word, None), |(n, a)| (n, Some(a.trim())));
    let length = |default: usize| match argument.map(str::parse::<usize>) {
        None => Ok(default),
        Some(Ok(length)) if (1..=64).contains(&length) => Ok(length),
        Some(_) => Err(format!("`{text}`: expected a length from 1 to 64")),
    };
    let pattern = argument.map(str::to_owned);
    Ok(Some(match name {
        "now" => Piece::Now(pattern),
        "date" => Piece::Date(pattern),
        "epoch" => Piece::Epoch,
        "epoch_ms" => Piece::EpochMs,
        "nonce" => Piece::Nonce(length(16)?),
        "digits" => Piece::Digits(length(6)?),
        "uuid" => Piece::Uuid,
        "jwt" => Piece::Jwt,
        "submission" => Piece::Submission,
        "request_id" => Piece::RequestId,
        "pairwise" => Piece::Pairwise,
        "subject_token" => Piece::SubjectToken,
        "call" => Piece::Call,
        "file" => Piece::File(argument.unwrap_or("content").to_owned()),
        _ => match name.strip_prefix("input/").or_else(|| name.strip_prefix("input.")) {
            Some(path) => Piece::Input(Path::parse(path)),
            None => return Err(format!("`${name}` is none of {}", WORDS.join(", "))),
        },
    }))
}

/// Words after `$`, for messages and the manual.
pub const WORDS: [&str; 13] = [
    "$now",
    "$date",
    "$epoch",
    "$epoch_ms",
    "$nonce",
    "$digits",
    "$uuid",
    "$submission",
    "$request_id",
    "$pairwise",
    "$subject_token",
    "$call",
    "$input/…",
];

/// A secret is named by a plain word: it can never point outside the system's own.
///
/// # Errors
/// When it is not.
pub fn secret_name(name: &str) -> Result<String, String> {
    let good =
        !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if good {
        Ok(name.to_owned())
    } else {
        Err(format!("`secret:{name}`: expected a name of letters, digits, - and _"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Template {
        Template::parse(&json!(text), Origin::Operator).unwrap()
    }

    #[test]
    fn alone_and_in_braces() {
        assert!(matches!(read("secret:key"), Template::Pieces(p) if p == [Piece::Secret("key".into())]));
        assert!(matches!(read("Bearer {session:token}"), Template::Pieces(p)
            if p == [Piece::Literal("Bearer ".into()), Piece::Session("token".into())]));
        assert!(matches!(read("$now yyyy-MM-dd HH:mm:ss"), Template::Pieces(p)
            if p == [Piece::Now(Some("yyyy-MM-dd HH:mm:ss".into()))]));
        assert!(matches!(read("{\"a\":1}"), Template::Constant(v) if v == json!("{\"a\":1}")));
        assert!(matches!(read("$$now"), Template::Pieces(p) if p == [Piece::Literal("$now".into())]));
    }

    #[test]
    fn a_secret_cannot_point_elsewhere() {
        assert!(Template::parse(&json!("secret:../other/key"), Origin::Operator).is_err());
        assert!(Template::parse(&json!("{secret:a/b}"), Origin::Operator).is_err());
        assert!(Template::parse(&json!("$nov"), Origin::Operator).is_err());
    }
}
