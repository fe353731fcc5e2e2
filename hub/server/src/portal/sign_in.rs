//! The pages of a sign-in: who signs in, what an app may know, signing out. Plain forms; nothing here needs script.

use super::{Choice, Frame};
use askama::Template;
use hub_core::Text;
use hub_identity::upstream::Door;

/// What the forms carry: which request they belong to, and the proof that they are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Handle of the request.
    pub handle: String,
    /// Token of the form.
    pub token: String,
}

/// Something an app asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Scope.
    pub name: &'static str,
    /// What it means.
    pub text: String,
    /// Whether it is ticked on its own.
    pub separate: bool,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: &'a Frame,
    app: &'a str,
    slip: &'a Slip,
    doors: &'a [Door],
    personas: Vec<Choice>,
    known: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    frame: &'a Frame,
    app: &'a str,
    place: &'a str,
    person: &'a str,
    slip: &'a Slip,
    wishes: Vec<Wish>,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    frame: &'a Frame,
    slip: &'a Slip,
    carried: &'a [(String, String)],
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    frame: &'a Frame,
    title: &'a str,
    detail: String,
}

/// Who signs in to an app; `known` where somebody is signed in already and has to prove it anew.
///
/// # Errors
/// If the template fails.
pub fn sign_in(
    frame: &Frame,
    app: &str,
    slip: &Slip,
    doors: &[Door],
    personas: Vec<Choice>,
    known: bool,
) -> askama::Result<String> {
    SignInPage {
        frame,
        app,
        slip,
        doors,
        personas,
        known,
    }
    .render()
}

/// What an app at a place may know of a person.
///
/// # Errors
/// If the template fails.
pub fn consent(
    frame: &Frame,
    app: &str,
    place: &str,
    person: &str,
    slip: &Slip,
    wishes: Vec<Wish>,
) -> askama::Result<String> {
    ConsentPage {
        frame,
        app,
        place,
        person,
        slip,
        wishes,
    }
    .render()
}

/// Whether the person means to sign out. The form carries the request along.
///
/// # Errors
/// If the template fails.
pub fn sign_out(frame: &Frame, slip: &Slip, carried: &[(String, String)]) -> askama::Result<String> {
    SignOutPage { frame, slip, carried }.render()
}

/// An app that has a person's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// Its id.
    pub client: String,
    /// Its name.
    pub name: String,
    /// What for.
    pub wishes: Vec<Wish>,
    /// Since when.
    pub since: String,
}

#[derive(Template)]
#[template(path = "apps.html")]
struct AppsPage<'a> {
    frame: &'a Frame,
    slip: &'a Slip,
    apps: Vec<Agreed>,
}

/// The apps that have a person's yes, each with a way to take it back.
///
/// # Errors
/// If the template fails.
pub fn apps(frame: &Frame, slip: &Slip, apps: Vec<Agreed>) -> askama::Result<String> {
    AppsPage { frame, slip, apps }.render()
}

/// Somewhere a person is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is called in a form.
    pub name: String,
    /// Kind of device.
    pub device: String,
    /// Since when.
    pub since: String,
    /// Last used at.
    pub seen: String,
    /// Whether it is this browser.
    pub is_this: bool,
}

#[derive(Template)]
#[template(path = "places.html")]
struct PlacesPage<'a> {
    frame: &'a Frame,
    slip: &'a Slip,
    places: Vec<Place>,
}

/// Where a person is signed in, each with a way to end it.
///
/// # Errors
/// If the template fails.
pub fn places(frame: &Frame, slip: &Slip, places: Vec<Place>) -> askama::Result<String> {
    PlacesPage { frame, slip, places }.render()
}

/// The person is signed out.
///
/// # Errors
/// If the template fails.
pub fn signed_out(frame: &Frame) -> askama::Result<String> {
    RefusedPage {
        frame,
        title: frame.t("您已退出登录", "You are signed out"),
        detail: frame.t("可以关闭此页。", "You can close this page.").to_owned(),
    }
    .render()
}

#[derive(Template)]
#[template(path = "send_on.html")]
struct SendOnPage<'a> {
    frame: &'a Frame,
    action: &'a str,
    fields: &'a [(String, String)],
    place: &'a str,
}

/// A form that the person sends on to an identity provider.
///
/// # Errors
/// If the template fails.
pub fn send_on(frame: &Frame, action: &str, fields: &[(String, String)]) -> askama::Result<String> {
    let place = action.split('/').nth(2).unwrap_or_default();
    SendOnPage {
        frame,
        action,
        fields,
        place,
    }
    .render()
}

#[derive(Template)]
#[template(path = "not_arrived.html")]
struct NotArrivedPage<'a> {
    frame: &'a Frame,
    detail: String,
    ways: Option<(String, String)>,
}

/// Nobody was signed in by an identity provider; the ways on are the same once more, and another.
///
/// # Errors
/// If the template fails.
pub fn not_arrived(frame: &Frame, why: &Text, ways: Option<(String, String)>) -> askama::Result<String> {
    NotArrivedPage {
        frame,
        detail: frame.of(why),
        ways,
    }
    .render()
}

/// A sign-in that cannot go on.
///
/// # Errors
/// If the template fails.
pub fn refused(frame: &Frame, why: &Text) -> askama::Result<String> {
    RefusedPage {
        frame,
        title: frame.t("无法继续登录", "The sign-in cannot go on"),
        detail: frame.of(why),
    }
    .render()
}
