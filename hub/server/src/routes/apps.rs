//! The page on which a person sees which apps have their yes, and takes it back.

use super::sign_in::{browser, frame_of, go, html, nobody, ours, refused};
use super::sso::{form, provider};
use super::{Answered, Ask};
use crate::portal::{self, Agreed, Slip, Wish};
use actix_web::http::StatusCode;
use hub_core::time::rfc3339;
use hub_identity::sso::{form_token, scope};

/// Where the forms of this page belong to.
const APPS: &str = "apps";

pub async fn list(ask: Ask) -> Answered {
    let frame = frame_of(&ask);
    let found = async {
        let (name, session) = browser(&ask).await?;
        let (Some(name), Some(session)) = (name, session) else {
            return Err(nobody());
        };
        let agreed = provider(&ask)
            .agreed(&session.subject, ask.worker.hub.clock.now())
            .await?;
        let clients = provider(&ask).clients().await?;
        let shown = agreed.into_iter().map(|consent| {
            let client = clients.iter().find(|c| c.id == consent.client);
            let wishes = consent.scopes.iter().filter_map(|s| scope(s)).map(|s| Wish {
                name: s.name,
                text: frame.of(&s.text()),
                separate: s.separate,
            });
            Agreed {
                name: client.map_or_else(|| consent.client.clone(), |c| frame.t(&c.name, &c.en).to_owned()),
                wishes: wishes.collect(),
                since: rfc3339(consent.since),
                client: consent.client,
            }
        });
        Ok((name, shown.collect()))
    };
    match found.await {
        Ok((name, apps)) => {
            let slip = Slip {
                handle: String::new(),
                token: form_token(&name, APPS),
            };
            html(StatusCode::OK, &frame, portal::apps(&frame, &slip, apps), None)
        }
        Err(error) => refused(&ask, &error),
    }
}

pub async fn withdraw(ask: Ask) -> Answered {
    let done = async {
        let params = form(&ask)?;
        ours(&ask, &params, Some(APPS))?;
        let (_, session) = browser(&ask).await?;
        let session = session.ok_or_else(nobody)?;
        let client = params.need("client")?;
        provider(&ask)
            .withdraw(&session.subject, client, ask.worker.hub.clock.now())
            .await
    };
    match done.await {
        Ok(_) => Ok(go("/sso/apps")),
        Err(error) => refused(&ask, &error),
    }
}
