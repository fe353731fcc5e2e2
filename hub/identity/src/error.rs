//! Why a token is not taken.

use hub_core::{Problem, ProblemCode, Text};
use hub_store::StoreError;

/// A token that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// It is no JWT in compact form, or too long.
    #[error("it is not a signed token in compact form")]
    Form,
    /// Another algorithm or type, or a header that brings or points to keys.
    #[error("its header asks for something that is not allowed")]
    Header,
    /// No trusted issuer has this key.
    #[error("its key is not known")]
    Key,
    /// The signature does not fit.
    #[error("its signature does not fit")]
    Signature,
    /// Issued by somebody else than the owner of the key.
    #[error("its issuer is not the owner of the key")]
    Issuer,
    /// Meant for somebody else.
    #[error("it is meant for another audience")]
    Audience,
    /// Run out.
    #[error("it has expired")]
    Expired,
    /// Its family was revoked: signed out, withdrawn, or used twice.
    #[error("it has been revoked")]
    Revoked,
    /// Bound to a key, and shown without a good proof of it, or the other way round (RFC 9449); which claim did not fit.
    #[error("its DPoP proof is missing or does not fit: `{0}`")]
    Proof(&'static str),
    /// From the future, without an end, or valid for longer than is allowed.
    #[error("its times are not plausible")]
    Times,
    /// A claim that is missing or not what it must be.
    #[error("its claim `{0}` is missing or malformed")]
    Claim(&'static str),
}

impl TokenError {
    /// As the client sees it.
    #[must_use]
    pub fn problem(self) -> Problem {
        let code = match self {
            Self::Expired => ProblemCode::TokenExpired,
            _ => ProblemCode::TokenInvalid,
        };
        let zh = match self {
            Self::Form => "不是紧凑格式的签名令牌".to_owned(),
            Self::Header => "令牌头要求了不允许的内容".to_owned(),
            Self::Key => "不认识令牌的密钥".to_owned(),
            Self::Signature => "令牌签名不符".to_owned(),
            Self::Issuer => "令牌签发者与密钥不符".to_owned(),
            Self::Audience => "令牌不是签发给本枢纽的".to_owned(),
            Self::Expired => "令牌已过期".to_owned(),
            Self::Revoked => "令牌已撤销".to_owned(),
            Self::Proof(name) => format!("令牌的 DPoP 证明缺失或不符：{name}"),
            Self::Times => "令牌的时间不合理".to_owned(),
            Self::Claim(name) => format!("令牌的声明 {name} 缺失或格式不对"),
        };
        let Text { zh, en } = Text::new(zh, self.to_string());
        Problem::new(code).detail(zh, en)
    }
}

/// Identity could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The keys could not be read or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made or used.
    #[error("{0}")]
    Key(String),
}
