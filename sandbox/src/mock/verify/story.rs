//! Things that are made, asked for, removed and asked for again.

use super::super::resource::Deed;
use super::super::{Listed, Mock, Sample, media};
use super::cases::{Case, Kind};
use super::judge::{Answered, Fault};
use hub_core::Text;
use serde_json::Value;

/// What happens in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Make,
    Read,
    Remove,
    ReadAgain,
    Over,
}

/// One thing's life.
#[derive(Debug)]
pub struct Story {
    number: usize,
    collection: String,
    step: Step,
    /// The item's path, once it is known.
    item: Option<String>,
}

/// What is sent next.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The request.
    pub case: Case,
    step: Step,
}

impl Mock {
    /// A story for every kind of thing that can be made and asked for.
    #[must_use]
    pub fn stories(&self) -> Vec<Story> {
        let all = self.resources.all().iter().enumerate();
        let told = all.filter(|(_, r)| {
            let has = |deed| r.route(deed, &self.routes).is_some();
            // What hangs below another thing needs that one first.
            has(Deed::Create) && has(Deed::Read) && r.item.matches('{').count() == 1
        });
        told.map(|(number, r)| Story {
            number,
            collection: r.collection.clone(),
            step: Step::Make,
            item: None,
        })
        .collect()
    }

    /// What is sent next in a story; `None` at its end.
    #[must_use]
    pub fn turn(&self, story: &Story) -> Option<Turn> {
        let resource = self.resources.all().get(story.number)?;
        let deed = match story.step {
            Step::Make => Deed::Create,
            Step::Read | Step::ReadAgain => Deed::Read,
            Step::Remove => Deed::Remove,
            Step::Over => return None,
        };
        let route = resource.route(deed, &self.routes)?;
        let listed = Listed {
            method: route.method.to_string(),
            path: route.path.clone(),
            pointer: route.pointer.clone(),
        };
        let mut request = self.sample(&listed).ok()?;
        if deed != Deed::Create {
            request.path.clone_from(story.item.as_ref()?);
        }
        let case = Case {
            id: format!("story.{}.{:?}", story.number, story.step).to_ascii_lowercase(),
            kind: Kind::Positive,
            pointer: route.pointer.clone(),
            what: Text::new(
                format!("{} 的一生", story.collection),
                format!("the life of one of {}", story.collection),
            ),
            request,
        };
        Some(Turn { case, step: story.step })
    }

    /// Goes on with an answer; what is wrong with it as part of the story.
    #[must_use]
    pub fn told_turn(&self, story: &mut Story, turn: &Turn, answered: &Answered) -> Option<Fault> {
        let good = (200..300).contains(&answered.status);
        let resource = self.resources.all().get(story.number);
        let has = |deed| resource.is_some_and(|r| r.route(deed, &self.routes).is_some());
        let wrong = |rule, zh: &str, en: &str| {
            Some(Fault {
                rule,
                text: Text::new(
                    format!("{zh}（{}）", answered.status),
                    format!("{en} ({})", answered.status),
                ),
            })
        };
        match turn.step {
            Step::Make => {
                story.item = self
                    .place_of(story.number, &turn.case.request, answered)
                    .filter(|_| good);
                story.step = if story.item.is_some() { Step::Read } else { Step::Over };
                None
            }
            Step::Read if !good => {
                story.step = Step::Over;
                wrong("made-not-found", "刚建立的读不到", "what was just made cannot be read")
            }
            Step::Read => {
                story.step = if has(Deed::Remove) { Step::Remove } else { Step::Over };
                None
            }
            Step::Remove => {
                story.step = if good { Step::ReadAgain } else { Step::Over };
                None
            }
            Step::ReadAgain => {
                story.step = Step::Over;
                good.then(|| {
                    wrong(
                        "removed-still-there",
                        "已删除的仍能读到",
                        "what was removed can still be read",
                    )
                })?
            }
            Step::Over => None,
        }
    }

    /// The path of what was made: where the answer says it is, else by the member that names it.
    fn place_of(&self, number: usize, asked: &Sample, answered: &Answered) -> Option<String> {
        let resource = self.resources.all().get(number)?;
        let location = answered
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case("location"));
        let last = |text: &str| {
            let path = text.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
            path.rsplit('/').next().filter(|l| !l.is_empty()).map(str::to_owned)
        };
        let of_body = || {
            let body: Value = serde_json::from_slice(&answered.body).ok()?;
            let members = [resource.parameter.as_str(), "id"];
            let found = members
                .iter()
                .find_map(|name| body.get(name).or_else(|| body.get("data")?.get(name)))?;
            Some(media::percent_encoded(&media::plain(found)))
        };
        let name = location.and_then(|(_, value)| last(value)).or_else(of_body)?;
        let base = asked.path.trim_end_matches('/');
        Some(format!("{base}/{name}"))
    }
}
