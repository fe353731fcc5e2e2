//! Why nobody arrived.

use crate::IdentityError;
use crate::sso::OauthError;
use hub_core::Text;
use hub_store::StoreError;

/// What went wrong, as far as it matters to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// There is no such provider, or it is off.
    NoProvider,
    /// The way back does not belong to a way out of this browser: unknown, used, too old, somebody else's.
    Strange,
    /// The person went back, or the provider said no.
    Cancelled,
    /// The code or ticket was used or has run out.
    Used,
    /// The provider does not answer, or not now.
    Silent,
    /// What it answered cannot be trusted or understood.
    Untrusted,
    /// It cannot check a person as surely as was asked for.
    Weak,
    /// It does not take what the hub sends, or sends what the hub does not take: somebody has to set it up anew.
    Unsuited,
    /// It is not the right kind of person, in the words of its file.
    Unwelcome(Text),
    /// Not us, not them: the store.
    Ours,
}

/// A sign-in at a provider that came to nothing. Its words never repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why:?}: {inner}")]
pub struct Trouble {
    /// What the person is told.
    pub why: Why,
    /// For the operator's log: which check failed.
    pub inner: String,
}

impl Trouble {
    /// With words for the log.
    pub fn new(why: Why, inner: impl Into<String>) -> Self {
        Self {
            why,
            inner: inner.into(),
        }
    }

    /// What came cannot be trusted or understood.
    pub fn untrusted(inner: impl Into<String>) -> Self {
        Self::new(Why::Untrusted, inner)
    }

    /// What the person is told.
    #[must_use]
    pub fn text(&self) -> Text {
        let (zh, en) = match &self.why {
            Why::NoProvider => (
                "没有这种登录方式，或它已停用",
                "There is no such way to sign in, or it is switched off",
            ),
            Why::Strange => (
                "这次登录不是从本浏览器开始的，或已完成、已超时，请回到应用重新登录",
                "This sign-in did not begin in this browser, has ended, or took too long: go back to the app and begin again",
            ),
            Why::Cancelled => (
                "您取消了登录，或登录方没有同意",
                "You cancelled, or the other side said no",
            ),
            Why::Used => (
                "登录凭证已用过或已过期，请再试一次",
                "The proof of this sign-in was used or has run out: please try again",
            ),
            Why::Silent => (
                "登录方暂时没有应答，请稍后再试，或换一种方式",
                "The other side does not answer now: try again later, or another way",
            ),
            Why::Untrusted => (
                "登录方的应答未通过核验，为安全起见没有登录",
                "What the other side answered did not stand up to our checks, so nobody was signed in",
            ),
            Why::Weak => (
                "登录方无法按所要求的可靠程度核实您的身份，请换一种方式",
                "The other side cannot check who you are as surely as this needs: please choose another way",
            ),
            Why::Unsuited => (
                "登录方与枢纽的设置不一致，请换一种方式登录，并告知运营方",
                "The other side and the hub are not set up alike: please choose another way, and tell whoever runs this",
            ),
            Why::Unwelcome(text) => return text.clone(),
            Why::Ours => (
                "枢纽暂时无法处理，请稍后再试",
                "The hub cannot do this now, please try again",
            ),
        };
        Text::new(zh, en)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::new(Why::Ours, error.to_string())
    }
}

impl From<IdentityError> for Trouble {
    fn from(error: IdentityError) -> Self {
        Self::new(Why::Ours, error.to_string())
    }
}

impl From<OauthError> for Trouble {
    fn from(error: OauthError) -> Self {
        let inner = error.inner.clone().unwrap_or_else(|| error.text.en.clone());
        Self::new(Why::Ours, inner)
    }
}
