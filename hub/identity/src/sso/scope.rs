//! What a client can ask a person for, in plain words.

use hub_core::{Subject, Text};
use serde_json::{Map, Value, json};

/// One scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// As it is asked for.
    pub name: &'static str,
    /// What it means for the person, Chinese.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// Whether it needs a yes of its own: sensitive personal data (PIPL, article 29).
    pub separate: bool,
}

/// Every scope.
pub const SCOPES: &[Scope] = &[
    Scope {
        name: "openid",
        zh: "知道是您登录的：一个只在该应用内有效的编号，以及您的身份核验等级",
        en: "know that it is you: a number that only this app can use, and how surely you are known",
        separate: false,
    },
    Scope {
        name: "profile",
        zh: "您的姓名",
        en: "your name",
        separate: false,
    },
    Scope {
        name: "phone",
        zh: "您的手机号码",
        en: "your mobile number",
        separate: false,
    },
    Scope {
        name: "id_number",
        zh: "您的身份证件号码（敏感个人信息，单独同意）",
        en: "your id number (sensitive, agreed to separately)",
        separate: true,
    },
    Scope {
        name: "services",
        zh: "在您使用该应用时，以您的名义查询和办理服务",
        en: "ask and apply for services in your name while you use the app",
        separate: false,
    },
    Scope {
        name: "offline_access",
        zh: "在您离开后继续使用以上许可，直到您撤回",
        en: "keep these permissions after you leave, until you withdraw them",
        separate: false,
    },
];

impl Scope {
    /// What it means.
    #[must_use]
    pub fn text(&self) -> Text {
        Text::new(self.zh, self.en)
    }
}

/// A scope by name.
#[must_use]
pub fn scope(name: &str) -> Option<&'static Scope> {
    SCOPES.iter().find(|s| s.name == name)
}

/// What a client learns of a person by these scopes, `sub` apart (OpenID Connect Core 5.4).
pub(crate) fn claims(subject: &Subject, scopes: &[String]) -> Map<String, Value> {
    let has = |name: &str| scopes.iter().any(|s| s == name);
    let mut claims = Map::new();
    if let Some(name) = subject.name.as_ref().filter(|_| has("profile")) {
        claims.insert("name".into(), json!(name));
    }
    if let Some(mobile) = subject.mobile.as_ref().filter(|_| has("phone")) {
        claims.insert("phone_number".into(), json!(mobile));
        claims.insert("phone_number_verified".into(), json!(true));
    }
    if let Some(number) = subject.id_number.as_ref().filter(|_| has("id_number")) {
        claims.insert("id_number".into(), json!(number));
    }
    claims
}
