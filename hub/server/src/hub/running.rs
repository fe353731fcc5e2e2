//! The running hub, as handlers see it.

use super::Showcase;
use super::back_channel::BackChannel;
use super::call_log::CallLog;
use super::cast::Cast;
use super::edition::not_connected;
use super::events::{Events, Webhooks};
use super::printed::{Press, Printed};
use super::verifications::Verifications;
use super::worlds::Worlds;
use crate::config::Config;
use crate::http::address::Block;
use crate::http::metrics::Metrics;
use crate::portal::Choice;
use hub_catalog::{Catalog, OpenApiVersion, Selection};
use hub_core::ports::Clock;
use hub_core::{Lang, Service, Text};
use hub_crypto::ct_eq;
use hub_gateway::{Gateway, Snapshots};
use hub_identity::Staff;
use hub_identity::sso::Provider;
use hub_identity::upstream::Upstreams;
use hub_outbound::Outbound;
use hub_registry::{Desk, Registry};
use hub_sandbox::{Company, Person, Word};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What all threads share.
pub struct Hub {
    /// Public address without a trailing slash.
    pub base: String,
    /// Operators' address without a trailing slash.
    pub admin_base: String,
    /// Config.
    pub config: Config,
    /// Counters of the edge.
    pub metrics: Metrics,
    /// Proxies that are believed.
    pub trusted: Vec<Block>,
    /// Clients and keys.
    pub registry: Arc<Registry>,
    /// Where agencies register.
    pub desk: Arc<Desk>,
    /// What they registered, in the sandbox.
    pub showcase: Arc<Showcase>,
    /// Worlds of the sandbox.
    pub worlds: Arc<Worlds>,
    /// What happens in worlds.
    pub events: Arc<Events>,
    /// Addresses that are told of it.
    pub webhooks: Arc<Webhooks>,
    /// Back ends held against their descriptions.
    pub verifications: Arc<Verifications>,
    /// The log of the sandbox's calls.
    pub calls: Arc<CallLog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The way out, for its health.
    pub outbound: Outbound,
    /// The way to apps that are told of a sign-out.
    pub back_channel: BackChannel,
    /// The edition in force.
    pub snapshots: Snapshots,
    /// Personas.
    pub cast: Arc<Cast>,
    /// The OpenID provider.
    pub sso: Provider,
    /// People who operate the hub.
    pub staff: Staff,
    /// Where people come from.
    pub upstreams: Upstreams,
    /// Operators' token.
    pub admin_token: String,
    /// Documents as text.
    pub press: Press,
    /// Whether it is on its way out.
    pub stopping: AtomicBool,
    /// Editions so far.
    pub editions: AtomicU64,
    /// One reload at a time.
    pub reloading: tokio::sync::Mutex<()>,
}

/// What one thread has: the shared hub, and its own connections.
#[derive(Clone)]
pub struct Worker {
    /// Shared.
    pub hub: Arc<Hub>,
    /// The pipeline over this thread's connections.
    pub gateway: Gateway,
}

impl Worker {
    /// Everything counted, in the Prometheus text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        let counts = self.hub.catalog().counts();
        #[allow(clippy::cast_precision_loss)]
        let gauges = [
            (
                "hub_catalog_services",
                "Services in the catalog.",
                counts.services as f64,
            ),
            (
                "hub_catalog_operations",
                "Operations in the catalog.",
                counts.operations as f64,
            ),
            (
                "hub_edition",
                "Number of the edition in force.",
                self.gateway.snapshot().version as f64,
            ),
            (
                "hub_sandbox_log_lost",
                "Lines of the log of calls that were let go.",
                self.hub.calls.lost() as f64,
            ),
        ];
        self.hub.metrics.text(&gauges) + &self.gateway.metrics().render() + &self.gateway.state_metrics()
    }
}

impl Hub {
    /// The catalog in force.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.snapshots.get().catalog)
    }

    /// The number of the next edition.
    pub fn next_edition(&self) -> u64 {
        self.editions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A unified document as text.
    #[must_use]
    pub fn printed(&self, selection: &Selection, version: OpenApiVersion, yaml: bool) -> Printed {
        let snapshot = self.snapshots.get();
        self.press.print(
            snapshot.version,
            &snapshot.catalog,
            &self.base,
            selection,
            version,
            yaml,
        )
    }

    /// Why a service cannot be called live, if it cannot.
    #[must_use]
    pub fn not_connected(&self, service: &Service) -> Option<Text> {
        let snapshot = self.snapshots.get();
        not_connected(&snapshot.catalog, &snapshot.connectors, service)
    }

    /// Whether this is the operators' token.
    #[must_use]
    pub fn is_operator(&self, token: &str) -> bool {
        ct_eq(token.as_bytes(), self.admin_token.as_bytes())
    }

    /// Whether any client calls from pages of this origin.
    #[must_use]
    pub fn knows_origin(&self, origin: &str) -> bool {
        self.registry.knows_origin(origin)
    }

    /// Whether the client of this key calls from pages of this origin.
    #[must_use]
    pub fn origin_of(&self, key: Option<&str>, origin: &str) -> bool {
        let client = key.and_then(|k| self.registry.client(k, self.clock.now()));
        client.is_some_and(|c| c.origins.iter().any(|o| o == origin))
    }

    /// Whether the hub is on its way out.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Personas, as the sandbox lists them.
    #[must_use]
    pub fn personas(&self) -> Value {
        let all = self.cast.personas();
        let people = all.people().iter().map(|p| {
            json!({"id": p.id, "name": Text::new(&p.name, &p.en), "assurance": p.assurance, "story": p.story,
                   "traits": p.traits, "company": null})
        });
        let acting = all.mandates().iter().filter_map(|m| {
            let (person, company) = (all.person(&m.person)?, all.company(&m.company)?);
            Some(json!({
                "id": format!("{}@{}", m.person, m.company),
                "name": acting_name(person, company),
                "assurance": person.assurance, "story": company.story, "traits": company.traits,
                "company": company.org_name,
            }))
        });
        let items: Vec<Value> = people.chain(acting).collect();
        json!({"items": items, "default": all.default_id()})
    }

    /// Personas, as a page offers them.
    #[must_use]
    pub fn persona_choices(&self, lang: Lang) -> Vec<Choice> {
        let all = self.cast.personas();
        let people = all.people().iter().map(|p| {
            let name = if lang == Lang::Zh { &p.name } else { &p.en };
            choice(&p.id, format!("{name} · {}", p.story.get(lang)))
        });
        let acting = all.mandates().iter().filter_map(|m| {
            let (person, company) = (all.person(&m.person)?, all.company(&m.company)?);
            let name = acting_name(person, company);
            let id = format!("{}@{}", m.person, m.company);
            Some(choice(&id, format!("{} · {}", name.get(lang), company.story.get(lang))))
        });
        people.chain(acting).collect()
    }

    /// Scenarios, as the sandbox lists them.
    #[must_use]
    pub fn scenarios(&self) -> Value {
        let items: Vec<Value> = Word::ALL
            .iter()
            .map(|(word, name)| {
                let (surname, digits) = self.worlds.engine().magic().of(*word);
                json!({"word": name, "effect": effect(*word), "parameter": parameter(*word), "surname": surname,
                       "amount_ends_in": digits})
            })
            .collect();
        let magic = Text::new(
            "不便设置请求头时，可用数据选择场景：非本人姓名字段中的姓氏，或以分为单位金额的末两位；仅在该操作能表达该场景时有效",
            "Where no header can be set, data choose: the surname in a name that is not the subject's own, or the last two digits of \
             an amount in fen; only where the operation can show it",
        );
        json!({"items": items, "default": "ok", "header": "Hub-Scenario", "query": "_scenario", "magic": magic})
    }

    /// Scenarios, as a page offers them.
    #[must_use]
    pub fn scenario_choices(&self, lang: Lang) -> Vec<Choice> {
        Word::ALL
            .iter()
            .map(|(word, name)| choice(name, effect(*word).get(lang).to_owned()))
            .collect()
    }

    /// How the hub is, in words.
    #[must_use]
    pub fn facts(&self, lang: Lang) -> Vec<(String, String)> {
        let snapshot = self.snapshots.get();
        let counts = snapshot.catalog.counts();
        let say = |zh: &str, en: &str| if lang == Lang::Zh { zh.to_owned() } else { en.to_owned() };
        vec![
            (say("版本", "Version"), env!("CARGO_PKG_VERSION").to_owned()),
            (say("目录版次", "Edition"), snapshot.version.to_string()),
            (say("部门", "Agencies"), counts.agencies.to_string()),
            (say("系统", "Systems"), counts.systems.to_string()),
            (
                say("已接入系统", "Connected systems"),
                snapshot.connectors.len().to_string(),
            ),
            (say("服务", "Services"), counts.services.to_string()),
            (say("操作", "Operations"), counts.operations.to_string()),
        ]
    }
}

fn acting_name(person: &Person, company: &Company) -> Text {
    Text::new(
        format!("{}（{}）", person.name, company.org_name),
        format!("{} for {}", person.en, company.en),
    )
}

fn choice(value: &str, name: String) -> Choice {
    Choice {
        value: value.to_owned(),
        name,
        count: 0,
        chosen: false,
    }
}

/// What can be said beside a word.
fn parameter(word: Word) -> Option<&'static str> {
    Some(match word {
        Word::Invalid => "at=/path",
        Word::NeedDocs => "n=2",
        Word::Pending => "days=5",
        Word::Limited => "retry=3",
        Word::Slow => "ms=2000",
        Word::Cut => "after=512",
        _ => return None,
    })
}

/// What a scenario shows.
fn effect(word: Word) -> Text {
    let (zh, en) = match word {
        Word::Ok => ("正常结果", "A normal answer"),
        Word::Minimal => ("只有必填内容", "Only what is required"),
        Word::Maximal => ("所有内容都填满", "Everything that is possible"),
        Word::Empty => ("没有记录", "No records"),
        Word::NotFound => ("查无此项", "Not found"),
        Word::Invalid => ("某个字段不合格", "A field is wrong"),
        Word::Rejected => ("部门不予受理", "Refused by the agency"),
        Word::NeedDocs => ("受理后要求补正材料", "Accepted, papers are asked for"),
        Word::Pending => ("受理后等待审批", "Accepted, decided later"),
        Word::Duplicate => ("与在办事项重复", "Conflicts with an open case"),
        Word::ConsentMissing => ("缺少本人同意", "Consent is missing"),
        Word::ConsentExpired => ("本人同意已过期", "Consent has expired"),
        Word::Limited => ("调用过于频繁", "Too many calls"),
        Word::Down => ("部门系统不可用", "The agency's system is down"),
        Word::Slow => ("部门系统很慢", "The agency's system is slow"),
        Word::Cut => ("部门系统中途断开", "The agency's system breaks off"),
        Word::Garbled => ("部门系统答非所问", "The agency's system answers nonsense"),
    };
    Text::new(zh, en)
}
