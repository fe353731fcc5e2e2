//! An upstream knocks: `/callback/{agency}/{system}/{name}`.
//!
//! The connector verifies and reads the knock and says what to answer. `matters` makes it idempotent and
//! monotone: what is no news changes nothing but is answered all the same, or the upstream would repeat it for a day.

use crate::gateway::Gateway;
use crate::journey::Journey;
use crate::matters;
use crate::ports::SecretSource;
use hub_connectors::{Secrets, ServerContext};
use hub_core::wire::ReplyBody;
use hub_core::{Inbound, Problem, ProblemCode, RawRequest, RawResponse, Reply, SystemId};

pub(crate) struct Scoped<'a> {
    pub(crate) source: &'a dyn SecretSource,
    pub(crate) system: &'a SystemId,
}

impl Secrets for Scoped<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.source.get(self.system, name)
    }
}

impl Gateway {
    /// Answers one knock.
    pub(crate) async fn knock(&self, inbound: &Inbound, journey: &mut Journey) -> Result<Reply, Problem> {
        let core = self.core.as_ref();
        let now = core.clock.now();
        let snapshot = core.snapshots.get();
        core.limiters.address(&snapshot.policies.plans, inbound.peer, now)?;
        let (system, request) = addressed(inbound)?;
        let connector = snapshot
            .connectors
            .get(&system)
            .ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
        journey.record.operation = Some(format!("callback.{}.{}", system.agency, system.system));
        let secrets = Scoped {
            source: core.secrets.as_ref(),
            system: &system,
        };
        let context = ServerContext { now, secrets: &secrets };
        let (read, response) = connector.callback(&request, &context);
        match read {
            Ok(event) => {
                journey.authenticated = true;
                if matters::note(core, connector, &event).await? {
                    tracing::info!(system = %system, "an upstream told news");
                }
            }
            Err(error) => {
                let problem = error.problem();
                if response.status == 0 {
                    return Err(problem);
                }
                tracing::warn!(system = %system, error = %error, "a knock was refused");
                journey.record.problem = Some(problem.code.as_str().to_owned());
            }
        }
        Ok(reply(response))
    }
}

/// Which system is meant, and the request as its connector reads it: path and query behind the system.
fn addressed(inbound: &Inbound) -> Result<(SystemId, RawRequest), Problem> {
    let mut parts = inbound.path.trim_start_matches('/').splitn(3, '/');
    let (Some(agency), Some(system), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Problem::new(ProblemCode::NotFound));
    };
    let system = SystemId::try_from(format!("{agency}/{system}")).map_err(|_| Problem::new(ProblemCode::NotFound))?;
    let query = if inbound.query.is_empty() {
        String::new()
    } else {
        format!("?{}", inbound.query)
    };
    let request = RawRequest {
        method: inbound.method.clone(),
        target: format!("/{name}{query}"),
        headers: inbound.headers.clone(),
        body: inbound.body.to_vec(),
    };
    Ok((system, request))
}

/// The vendor's own answer, as it is.
fn reply(response: RawResponse) -> Reply {
    let content_type = response
        .header("content-type")
        .unwrap_or("text/plain; charset=utf-8")
        .to_owned();
    Reply {
        status: response.status,
        headers: response
            .headers
            .into_iter()
            .filter(|(n, _)| !n.eq_ignore_ascii_case("content-type") && !n.eq_ignore_ascii_case("content-length"))
            .collect(),
        body: if response.body.is_empty() {
            ReplyBody::Empty
        } else {
            ReplyBody::Bytes {
                content_type,
                bytes: response.body.into(),
            }
        },
    }
}
