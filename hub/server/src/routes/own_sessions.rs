//! The page on which a person sees where they are signed in, and ends it.

use super::sign_in::{browser, frame_of, go, html, nobody, ours, refused};
use super::sso::{form, provider};
use super::{Answered, Ask};
use crate::portal::{self, Place, Slip};
use actix_web::http::StatusCode;
use hub_core::time::rfc3339;
use hub_identity::sso::{Viewer, form_token};

/// Where the forms of this page belong to.
const SESSIONS: &str = "sessions";

pub async fn list(ask: Ask) -> Answered {
    let frame = frame_of(&ask);
    let found = async {
        let (name, session) = browser(&ask).await?;
        let (Some(name), Some(session)) = (name, session) else {
            return Err(nobody());
        };
        let own = provider(&ask)
            .sessions(&Viewer::at_page(&session), ask.worker.hub.clock.now())
            .await?;
        Ok((name, own))
    };
    match found.await {
        Ok((name, own)) => {
            let slip = Slip {
                handle: String::new(),
                token: form_token(&name, SESSIONS),
            };
            let unknown = frame.t("未知设备", "Unknown device");
            let places = own.into_iter().map(|one| Place {
                device: if one.device.is_empty() {
                    unknown.to_owned()
                } else {
                    one.device
                },
                name: one.name,
                since: rfc3339(one.since),
                seen: rfc3339(one.seen),
                is_this: one.is_this,
            });
            html(
                StatusCode::OK,
                &frame,
                portal::places(&frame, &slip, places.collect()),
                None,
            )
        }
        Err(error) => refused(&ask, &error),
    }
}

pub async fn end(ask: Ask) -> Answered {
    let done = async {
        let params = form(&ask)?;
        ours(&ask, &params, Some(SESSIONS))?;
        let (_, session) = browser(&ask).await?;
        let session = session.ok_or_else(nobody)?;
        let (viewer, now) = (Viewer::at_page(&session), ask.worker.hub.clock.now());
        match params.get("others") {
            Some(_) => provider(&ask).end_others(&viewer, now).await,
            None => provider(&ask).end_named(&viewer, params.need("session")?, now).await,
        }
    };
    match done.await {
        Ok(ended) => {
            ask.worker.hub.back_channel.tell(ended.notices);
            Ok(go(&format!("/sso/sessions{}", frame_of(&ask).suffix())))
        }
        Err(error) => refused(&ask, &error),
    }
}
