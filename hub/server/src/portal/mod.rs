//! The pages: what of the catalog a person sees, as HTML made on the server. Reads the catalog and nothing else.
//! Pages need no script, and no cookie but those of a sign-in; the one island of script is "try it".

pub mod app;
pub mod assets;
mod call;
mod desk;
mod form;
mod frame;
mod home;
mod problems;
mod search;
mod service;
mod sign_in;
mod verify;

pub use app::{AppAccount, AppFrame, AppService, Entry, ModulePage, Outcome, Sheet};
pub use call::{CallPage, Stage, call};
pub use desk::desk;
pub use frame::{Frame, language};
pub use home::{home, status};
pub use problems::{missing, problem};
pub use search::{Wanted, search};
pub use service::{ServicePage, curl, segment, service};
pub use sign_in::{
    Agreed, Place, Slip, Wish, apps, consent, not_arrived, places, refused, send_on, sign_in, sign_out, signed_out,
};
pub use verify::{Draft, verification, verify};

use hub_core::{Lang, Service};

/// A coloured word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// Class of its colour.
    pub tone: &'static str,
    /// The word.
    pub text: String,
}

/// A choice in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Value.
    pub value: String,
    /// Words.
    pub name: String,
    /// Services behind it.
    pub count: usize,
    /// Whether it is the present one.
    pub chosen: bool,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// The words beside a service's name: how fast, how surely known, for whom.
fn badges(service: &Service, lang: Lang) -> Vec<Badge> {
    let say = |zh: &str, en: &str| if lang == Lang::Zh { zh.to_owned() } else { en.to_owned() };
    let days = service.card.promised_days;
    let speed = match (days, lang) {
        (0, _) => Badge {
            tone: "good",
            text: say("即时", "At once"),
        },
        (n, Lang::Zh) => Badge {
            tone: "",
            text: format!("{n} 个工作日"),
        },
        (1, Lang::En) => Badge {
            tone: "",
            text: "1 working day".into(),
        },
        (n, Lang::En) => Badge {
            tone: "",
            text: format!("{n} working days"),
        },
    };
    let assurance = match service.assurance {
        hub_core::Assurance::R0 => say("无需登录", "No sign-in"),
        hub_core::Assurance::R1 => say("手机号登录", "Mobile number"),
        hub_core::Assurance::R2 => say("需实名", "Verified name"),
        hub_core::Assurance::R3 => say("需本人核验", "Presence check"),
        hub_core::Assurance::R4 => say("需数字证书", "Certificate"),
    };
    let audience = match service.audience {
        hub_core::Audience::Natural => say("个人", "People"),
        hub_core::Audience::Legal => say("企业", "Companies"),
        hub_core::Audience::Both => say("个人和企业", "People and companies"),
    };
    vec![
        speed,
        Badge {
            tone: "accent",
            text: assurance,
        },
        Badge {
            tone: "",
            text: audience,
        },
    ]
}

/// The words for a domain.
fn domain_name(domain: &str, lang: Lang) -> String {
    let words = match (domain, lang) {
        ("government", Lang::Zh) => "政务服务",
        ("livelihood", Lang::Zh) => "民生服务",
        ("city", Lang::Zh) => "城市服务",
        ("government", Lang::En) => "Government",
        ("livelihood", Lang::En) => "Livelihood",
        ("city", Lang::En) => "City",
        (other, _) => other,
    };
    words.to_owned()
}
