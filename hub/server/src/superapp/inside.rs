//! H5 modules: the container that an app opens one in, and how a module is entered.

use super::at::{At, Here, encoded, go};
use super::visit::Visit;
use crate::portal::{ModulePage, app};
use actix_web::{HttpRequest, HttpResponse, web};

/// The container: the module's own page in a frame, below a bar of the app's.
pub(super) async fn container(here: Here, http: HttpRequest, id: web::Path<String>) -> HttpResponse {
    let at = At::new(&here, &http);
    let visit = at.visit().await;
    let offered = at.app.file.modules.contains(&*id);
    let Some(address) = at.app.others.get(&*id).filter(|_| offered) else {
        return at.told(("本应用没有这个模块。", "This app has no such module."), "/");
    };
    if visit.is_none() {
        return at.to_sign_in(&format!("/h5/{id}"));
    }
    let name = at.app.names.get(&*id).map(|n| at.frame.of(n)).unwrap_or_default();
    let inside = format!("{address}/?in={}{}", at.app.id, at.frame.and());
    at.page(app::container(&at.around(visit.as_ref()), &name, &inside))
}

/// A module's first page: silently signed in, or a word about why not. It never shows a sign-in page inside of another's frame.
pub(super) fn enter(at: &At<'_>, visit: Option<&Visit>) -> HttpResponse {
    match (visit, at.parameter("refused")) {
        (None, None) => at.to_sign_in_silently(),
        (None, Some(why)) => {
            let app = at.parameter("in").unwrap_or_default();
            let back = at.app.others.get(app).map(|base| format!("{base}/h5/{}", at.app.id));
            let page = ModulePage {
                person: None,
                sub: String::new(),
                needs_consent: why == "consent_required",
                outside: format!("/sign-in?back={}", encoded(&format!("/?to={app}"))),
                app: back.unwrap_or_default(),
                services: Vec::new(),
            };
            at.page(app::module(&at.around(None), page))
        }
        (Some(visit), _) => {
            if let Some(to) = at.parameter("to").and_then(|app| at.app.others.get(app)) {
                return at.onwards(&format!("{to}/h5/{}", at.app.id));
            }
            let catalog = at.app.hub.catalog();
            let offered = at.app.file.offers.services.iter().filter_map(|id| catalog.service(id));
            let page = ModulePage {
                person: Some(visit.person.clone()),
                sub: visit.sub.clone(),
                needs_consent: false,
                outside: String::new(),
                app: String::new(),
                services: offered.map(|s| (s.id.clone(), at.frame.of(&s.name))).collect(),
            };
            at.page(app::module(&at.around(Some(visit)), page))
        }
    }
}

impl At<'_> {
    fn to_sign_in_silently(&self) -> HttpResponse {
        let app = self.parameter("in").unwrap_or_default();
        go(&format!(
            "/sign-in?silent=1&back={}{}",
            encoded(&format!("/?in={app}")),
            self.frame.and()
        ))
    }
}
