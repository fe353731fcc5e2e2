//! A world in parts, as it is written down.

/// How the keys of parts begin that are happenings.
pub(crate) const TOLD: &str = "t/";

/// One part of a world as it is written down: where it stands, and what it says; nothing for what is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub key: String,
    /// JSON.
    pub body: Option<String>,
}

/// Which part of a world was changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Head,
    Matter(u64),
    Past(String),
    Told(u64),
}

impl Part {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Head => "head".to_owned(),
            Self::Matter(id) => format!("m/{id:020}"),
            Self::Past(word) => format!("p/{word}"),
            Self::Told(number) => format!("{TOLD}{number:020}"),
        }
    }

    pub(crate) fn read(key: &str) -> Option<Self> {
        match key.split_once('/') {
            None => (key == "head").then_some(Self::Head),
            Some(("m", id)) => id.parse().ok().map(Self::Matter),
            Some(("p", word)) => Some(Self::Past(word.to_owned())),
            Some(("t", number)) => number.parse().ok().map(Self::Told),
            Some(_) => None,
        }
    }
}
