//! Systems that tell by rows or files what others knock for: looked at now and then, noted as knocks are.
//!
//! News are noted before they are marked as read and before the place is kept where reading went on, so that a crash in
//! between reads them twice, which changes nothing, and never loses one. What cannot be read is a dead letter: kept with
//! its place and reason, never with its values, and not read again.

use crate::callbacks::Scoped;
use crate::gateway::Gateway;
use crate::matters;
use crate::replay::unavailable;
use hub_connectors::{Connector, News, ServerContext};
use hub_core::time::Timestamp;
use hub_core::{Problem, SystemId};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks at one system in a row, where each finds more.
const MOST_LOOKS: usize = 20;

/// When which system was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Hearer(HashMap<SystemId, Instant>);

impl Hearer {
    fn is_due(&mut self, system: &SystemId, every: Duration) -> bool {
        let now = Instant::now();
        let due = self.0.get(system).is_none_or(|last| now.duration_since(*last) >= every);
        if due {
            self.0.insert(system.clone(), now);
        }
        due
    }
}

impl Gateway {
    /// Looks at every system whose news are due.
    pub(crate) async fn hear(&self, hearer: &mut Hearer) {
        let snapshot = self.core.snapshots.get();
        for (system, connector) in &snapshot.connectors {
            let Some(every) = connector.news_every_ms() else {
                continue;
            };
            if !hearer.is_due(system, Duration::from_millis(every)) {
                continue;
            }
            for _ in 0..MOST_LOOKS {
                match self.listen(system, connector).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(problem) => {
                        tracing::debug!(system = %system, code = problem.code.as_str(), inner = ?problem.inner, "no news could be read");
                        break;
                    }
                }
            }
        }
    }

    /// One look; how much it found.
    async fn listen(&self, system: &SystemId, connector: &Arc<Connector>) -> Result<usize, Problem> {
        let core = self.core.as_ref();
        let name = format!("news/{system}");
        let after = core.store.meta().get(&name).await.map_err(unavailable)?;
        let now = core.clock.now();
        let secrets = Scoped {
            source: core.secrets.as_ref(),
            system,
        };
        let context = ServerContext { now, secrets: &secrets };
        let Some(asked) = connector.ask_news(after.as_deref(), &context) else {
            return Ok(0);
        };
        let returned = self.live.look(system, asked).await?;
        let news = connector.read_news(&returned, after.as_deref(), &context);
        let found = news.events.len() + news.dead.len();
        self.note_all(connector, &news, now).await?;
        if let Some(marks) = news.marks {
            self.live.look(system, marks).await?;
        }
        if let Some(reached) = news.after.filter(|reached| after.as_ref() != Some(reached)) {
            core.store.meta().put(&name, &reached).await.map_err(unavailable)?;
        }
        Ok(found)
    }

    async fn note_all(&self, connector: &Connector, news: &News, now: Timestamp) -> Result<(), Problem> {
        let (core, system) = (self.core.as_ref(), connector.system());
        for event in &news.events {
            if matters::note(core, connector, event).await? {
                tracing::info!(system = %system, "an upstream told news");
            }
        }
        for (place, error) in &news.dead {
            tracing::warn!(system = %system, error = %error, "a dead letter: news that cannot be read");
            let name = format!("dead-letter/{system}/{}", crate::fingerprint::of(&[place]));
            let document = json!({"place": place, "why": error.to_string(), "found": now.to_string()});
            let kept = core.store.meta().put(&name, &document.to_string()).await;
            kept.map_err(unavailable)?;
        }
        Ok(())
    }
}
