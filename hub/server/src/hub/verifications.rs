//! Developers' back ends held against their descriptions, on their behalf.
//!
//! Invariants: nothing but the file that proves ownership is asked of a back end before that file is there; one run a tenant at
//! a time, paced and bounded; what a run may reach is what a webhook may reach.

use super::events::{Sender, origin};
use super::stored;
use super::turns::Turns;
use crate::backend::{self, Again, Caller, Run, Wanted};
use hub_catalog::description::{Description, read};
use hub_core::ports::{Client, Clock};
use hub_core::{Problem, ProblemCode, Text};
use hub_crypto::{Digest, ct_eq, hex, hmac, random};
use hub_outbound::{EgressPolicy, Outbound};
use hub_registry::{Desk, State};
use hub_sandbox::mock::Mock;
use hub_store::{Store, StoreError, VerificationRow, VerificationState, new_world_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Runs a tenant can ask for in an hour.
const AN_HOUR: u32 = 20;
/// Times a minute a tenant can have its proof looked for, or one request sent again.
const A_MINUTE: u32 = 30;
/// Seconds a run may send requests, unless said otherwise, and at most.
pub const BUDGET: u64 = 60;
/// The most.
pub const LONGEST: u64 = 300;
/// Largest description, in bytes.
const DESCRIPTION: usize = 4 << 20;
/// Headers that can be given.
const HEADERS: usize = 20;
/// Shortest time from one request to the next: fifty a second.
const PACE: Duration = Duration::from_millis(20);
/// Seconds that sending one request again may take.
const AGAIN: u64 = 60;
/// The same requests for the same description every time.
const SEED: u64 = 1;
/// Secret behind proofs of ownership and links.
const SECRET: &str = "developer.ownership";
/// What stands in commands in place of credentials.
const HIDDEN: &str = "***";

/// What is asked for; sealed in the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Address of the back end.
    pub base: String,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Or a version that is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Headers for every request: credentials, for example.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// GET and HEAD alone.
    #[serde(default)]
    pub reads: bool,
    /// Seconds.
    pub budget: u64,
}

/// What proves that a back end is somebody's: a file at an address, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Where.
    pub url: String,
    /// What.
    pub body: String,
}

/// The runs.
pub struct Verifications {
    store: Store,
    clock: Arc<dyn Clock>,
    sender: Sender,
    desk: Arc<Desk>,
    inner: bool,
    key: Vec<u8>,
    turns: Turns,
    running: Mutex<HashMap<String, Value>>,
    stop: Arc<AtomicBool>,
}

fn missing() -> Problem {
    Problem::new(ProblemCode::NotFound).detail("没有这次检验", "There is no such verification")
}

fn wrong(place: &str, expected: Text) -> Problem {
    Problem::new(ProblemCode::ValidationFailed).at(place, expected, "***")
}

impl Verifications {
    /// Over a store. What this hub was at when it died is over.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        sender: Sender,
        desk: Arc<Desk>,
        inner: bool,
    ) -> Result<Self, StoreError> {
        let fresh = random::<32>().map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let key = store.secrets().get_or_keep(SECRET, &fresh).await?;
        store.verifications().take_over(clock.now()).await?;
        Ok(Self {
            store,
            clock,
            sender,
            desk,
            inner,
            key,
            turns: Turns::new(A_MINUTE),
            running: Mutex::default(),
            stop: Arc::default(),
        })
    }

    /// No request is sent any more.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn mark(&self, what: &str, length: usize) -> String {
        let mut mark = hex(&hmac(Digest::Sha256, &self.key, what.as_bytes()));
        mark.truncate(length);
        mark
    }

    /// What proves that a back end is a tenant's; the same for every run, so that a file can stay.
    ///
    /// # Errors
    /// If it has no address.
    pub fn challenge(&self, tenant: &str, base: &str) -> Result<Challenge, Problem> {
        let base = Url::parse(base).ok().and_then(|url| origin(&url));
        let base = base.ok_or_else(|| wrong("/base_url", Text::new("一个地址", "an address")))?;
        let name = self.mark(&format!("file {tenant} {base}"), 16);
        Ok(Challenge {
            url: format!("{base}.well-known/hub-challenge-{name}"),
            body: self.mark(&format!("proof {tenant} {base}"), 48),
        })
    }

    /// What in a link proves that its run may be seen.
    #[must_use]
    pub fn proof(&self, id: &str) -> String {
        self.mark(&format!("link {id}"), 32)
    }

    /// Keeps what a client asks for.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub async fn make(&self, client: &Client, mut asked: Asked) -> Result<VerificationRow, Problem> {
        let base = self.sender.address(&asked.base, "/base_url")?;
        if base.query().is_some() {
            return Err(wrong(
                "/base_url",
                Text::new("不带查询参数的地址", "an address without a query"),
            ));
        }
        asked.base = base.to_string();
        asked.budget = asked.budget.clamp(1, LONGEST);
        let fits = |(name, value): &(String, String)| {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !name.is_empty() && name.chars().all(good) && !value.chars().any(char::is_control) && value.len() <= 4_096
        };
        if asked.headers.len() > HEADERS || !asked.headers.iter().all(fits) {
            return Err(wrong(
                "/headers",
                Text::new("请求头的名称和值", "names and values of headers"),
            ));
        }
        self.mock(&asked).await?;
        let now = self.clock.now();
        let row = VerificationRow {
            id: new_world_id("vrf_").map_err(stored)?,
            client: client.id.clone(),
            tenant: client.tenant.clone(),
            state: VerificationState::Unproven,
            asked: serde_json::to_string(&asked).unwrap_or_default(),
            report: None,
            created: now,
            updated: now,
        };
        let since = now.checked_sub(jiff::SignedDuration::from_hours(1)).unwrap_or(now);
        match self
            .store
            .verifications()
            .add(&row, since, AN_HOUR)
            .await
            .map_err(stored)?
        {
            true => Ok(row),
            false => Err(Problem::new(ProblemCode::QuotaExceeded)
                .detail(format!("每小时最多 {AN_HOUR} 次"), format!("At most {AN_HOUR} an hour"))
                .retry_after(600)),
        }
    }

    /// The description that is asked for, ready to make requests.
    async fn mock(&self, asked: &Asked) -> Result<Arc<Mock>, Problem> {
        let description: Arc<Description> = match (&asked.description, &asked.version) {
            (Some(text), None) if text.len() <= DESCRIPTION => {
                let text = text.clone();
                let read = tokio::task::spawn_blocking(move || read("description", text.as_bytes())).await;
                let read = read.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
                Arc::new(read.map_err(|findings| {
                    Problem::new(ProblemCode::DescriptionUnreadable).with("findings", json!(findings))
                })?)
            }
            (None, Some(id)) => {
                let shelf = self.desk.shelf();
                // What its agency has not shown is nobody else's to see.
                let shown = shelf.get(id).filter(|shown| shown.state() != State::Draft);
                let expected = Text::new("一个已登记版本的编号", "the id of a version that is registered");
                let shown = shown.ok_or_else(|| wrong("/version", expected))?;
                Arc::clone(&shown.reading.description)
            }
            _ => {
                let expected = Text::new(
                    "description（不超过 4 MiB）和 version 二者之一",
                    "either `description`, 4 MiB at most, or `version`",
                );
                return Err(wrong("/description", expected));
            }
        };
        let mock =
            Mock::new(description, SEED).map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
        Ok(Arc::new(mock.guarded()))
    }

    /// A run of a client's.
    ///
    /// # Errors
    /// If there is none.
    pub async fn get(&self, client: &str, id: &str) -> Result<VerificationRow, Problem> {
        let found = self.store.verifications().get(id).await.map_err(stored)?;
        found.filter(|row| row.client == client).ok_or_else(missing)
    }

    /// A run by its link.
    ///
    /// # Errors
    /// If there is none.
    pub async fn linked(&self, id: &str, proof: &str) -> Result<VerificationRow, Problem> {
        if !ct_eq(self.proof(id).as_bytes(), proof.as_bytes()) {
            return Err(missing());
        }
        self.store
            .verifications()
            .get(id)
            .await
            .map_err(stored)?
            .ok_or_else(missing)
    }

    /// The runs of a client, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_client(&self, client: &str) -> Result<Vec<VerificationRow>, Problem> {
        self.store.verifications().of_client(client, 50).await.map_err(stored)
    }

    /// What was asked for.
    #[must_use]
    pub fn asked(row: &VerificationRow) -> Asked {
        serde_json::from_str(&row.asked).unwrap_or_default()
    }

    /// How far a run is, or what came of it.
    #[must_use]
    pub fn report(&self, row: &VerificationRow) -> Value {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = || row.report.as_ref().and_then(|text| serde_json::from_str(text).ok());
        running.get(&row.id).cloned().or_else(kept).unwrap_or(Value::Null)
    }

    /// Looks for the file that proves ownership; the word for what was wrong, if it is not there.
    async fn prove(&self, row: &VerificationRow, asked: &Asked) -> Result<Option<String>, Problem> {
        self.turns.take(&row.tenant, self.clock.now())?;
        let challenge = self.challenge(&row.tenant, &asked.base)?;
        let url = self.sender.address(&challenge.url, "/base_url")?;
        let sent = self.sender.send(&row.tenant, &url, "GET", Vec::new(), Vec::new()).await;
        let proves = ct_eq(sent.body.trim_ascii(), challenge.body.as_bytes());
        Ok(match (sent.status, proves) {
            (Some(200), true) => None,
            (Some(200), false) => Some("wrong-answer".to_owned()),
            _ => Some(sent.word()),
        })
    }

    /// Begins a run, if the back end is proven; the word for what was wrong, if it is not.
    ///
    /// # Errors
    /// If another one of its tenant runs.
    pub async fn start(self: &Arc<Self>, row: &VerificationRow) -> Result<Option<String>, Problem> {
        let asked = Self::asked(row);
        if row.state != VerificationState::Unproven {
            return Err(Problem::new(ProblemCode::ValidationFailed).at(
                "/state",
                Text::new("尚未开始的检验", "a verification that was not begun yet"),
                row.state.as_str(),
            ));
        }
        if let Some(word) = self.prove(row, &asked).await? {
            return Ok(Some(word));
        }
        let mock = self.mock(&asked).await?;
        let caller = self.caller(&asked, asked.budget)?;
        if !self
            .store
            .verifications()
            .begin(&row.id, self.clock.now())
            .await
            .map_err(stored)?
        {
            return Err(Problem::new(ProblemCode::RateLimited)
                .detail(
                    "已有一次检验在进行，请待其结束",
                    "Another verification of yours is under way; wait for its end",
                )
                .retry_after(10));
        }
        self.note(&row.id, progress(&Run::default()));
        let (own, id, reads) = (Arc::clone(self), row.id.clone(), asked.reads);
        tokio::spawn(async move { own.run(&id, &mock, &caller, reads).await });
        Ok(None)
    }

    fn note(&self, id: &str, report: Value) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id.to_owned(), report);
    }

    async fn run(&self, id: &str, mock: &Mock, caller: &Caller, reads: bool) {
        let wanted = Wanted {
            only: None,
            reads,
            hidden: Some(HIDDEN),
        };
        let run = backend::run(mock, caller, &wanted, &|run| self.note(id, progress(run))).await;
        let state = match self.stop.load(Ordering::Relaxed) {
            true => VerificationState::Interrupted,
            false => VerificationState::Done,
        };
        let report = progress(&run).to_string();
        let ended = self
            .store
            .verifications()
            .end(id, state, &report, self.clock.now())
            .await;
        if let Err(error) = ended {
            tracing::warn!(%error, verification = id, "what came of a verification could not be kept");
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(id);
    }

    fn caller(&self, asked: &Asked, seconds: u64) -> Result<Caller, Problem> {
        let base = self.sender.address(&asked.base, "/base_url")?;
        let outbound = Outbound::new(EgressPolicy::public());
        Ok(Caller {
            outbound: outbound.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?,
            base,
            headers: asked.headers.clone(),
            until: Instant::now() + Duration::from_secs(seconds),
            inner: self.inner,
            pace: PACE,
            stop: Arc::clone(&self.stop),
        })
    }

    /// Sends the request of a finding again.
    ///
    /// # Errors
    /// If the run is not over, the back end is not proven any more, or there is no such request.
    pub async fn again(&self, row: &VerificationRow, finding: &str) -> Result<Again, Problem> {
        if !matches!(row.state, VerificationState::Done | VerificationState::Interrupted) {
            return Err(Problem::new(ProblemCode::ValidationFailed).at(
                "/state",
                Text::new("已结束的检验", "a verification that is over"),
                row.state.as_str(),
            ));
        }
        let asked = Self::asked(row);
        if let Some(word) = self.prove(row, &asked).await? {
            let why = super::events::why(&word);
            return Err(Problem::new(ProblemCode::NotAuthorized).detail(
                format!("后端不再能证明归属：{}", why.zh),
                format!("The back end does not prove any more that it is yours: {}", why.en),
            ));
        }
        let mock = self.mock(&asked).await?;
        let caller = self.caller(&asked, AGAIN)?;
        let again = backend::again(&mock, &caller, finding, Some(HIDDEN));
        let again = tokio::time::timeout(Duration::from_secs(AGAIN), again).await;
        again.unwrap_or(None).ok_or_else(missing)
    }
}

/// How far a run is.
fn progress(run: &Run) -> Value {
    let mut report = run.report();
    if let Some(members) = report.as_object_mut() {
        members.insert("all_operations".into(), json!(run.all));
    }
    report
}
