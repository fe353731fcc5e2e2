//! What will happen to a matter if nobody does anything, and when: the timers of a world. Nothing here is stored; it
//! follows from the matter, so that one step of the clock and many small ones come to the same.

use crate::calendar::{start_of, working_days_after};
use crate::lifecycle::decided_at;
use crate::links::Flow;
use crate::state::{Event, Matter};
use hub_core::time::Timestamp;
use hub_core::{SystemId, Text};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Days before its end at which a certificate says that it will end.
const NOTICE: i64 = 30;
/// Of ten parts of the time the law allows, how many pass before somebody is warned.
const WARNED_AT: u32 = 8;

/// What can happen to a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It was made.
    Submitted,
    /// The agency took it in.
    Accepted,
    /// The agency looks at it.
    Examined,
    /// The agency asked for papers.
    NeedDocs,
    /// Papers were handed in.
    Supplemented,
    /// Four fifths of the time the law allows are over.
    Warning,
    /// The time the law allows is over.
    Overdue,
    /// Decided in its favour.
    Approved,
    /// Decided against it.
    Rejected,
    /// Withdrawn or cancelled.
    Ended,
    /// The hour of an appointment has come.
    Due,
    /// Nobody came.
    Missed,
    /// Whoever booked has come.
    Arrived,
    /// An order was paid.
    Paid,
    /// Money went back.
    Refunded,
    /// A certificate ends soon.
    Expiring,
    /// A certificate has ended.
    Expired,
}

impl Kind {
    /// The same in words.
    #[must_use]
    pub fn text(self) -> Text {
        let (zh, en) = match self {
            Self::Submitted => ("已提交", "Submitted"),
            Self::Accepted => ("已受理", "Accepted"),
            Self::Examined => ("审查中", "Being examined"),
            Self::NeedDocs => ("要求补正材料", "Papers are asked for"),
            Self::Supplemented => ("已补交材料", "Papers were handed in"),
            Self::Warning => ("法定期限将满", "The time by law is nearly over"),
            Self::Overdue => ("已超过法定期限", "The time by law is over"),
            Self::Approved => ("已办结，准予", "Decided: approved"),
            Self::Rejected => ("已办结，不予", "Decided: rejected"),
            Self::Ended => ("已撤回或取消", "Withdrawn or cancelled"),
            Self::Due => ("预约时间已到", "The hour of the appointment has come"),
            Self::Missed => ("爽约", "Nobody came"),
            Self::Arrived => ("已到场", "Whoever booked has come"),
            Self::Paid => ("已缴费", "Paid"),
            Self::Refunded => ("已退款", "Refunded"),
            Self::Expiring => ("证照即将到期", "The certificate ends soon"),
            Self::Expired => ("证照已到期", "The certificate has ended"),
        };
        Text::new(zh, en)
    }
}

impl From<Event> for Kind {
    fn from(event: Event) -> Self {
        match event {
            Event::NeedDocs => Self::NeedDocs,
            Event::Supplemented => Self::Supplemented,
            Event::Ended => Self::Ended,
            Event::Arrived => Self::Arrived,
            Event::Refunded => Self::Refunded,
            Event::Approved => Self::Approved,
            Event::Rejected => Self::Rejected,
        }
    }
}

/// Something that happened in a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Counted from 1 in its world, without gaps.
    pub number: u64,
    /// When, by the world's clock.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
    /// System of the matter.
    pub system: SystemId,
    /// Service of the matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Arc<str>>,
    /// Operation that made it.
    pub operation: Arc<str>,
    /// The number it is found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The life its matter leads; missing in what was written down before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<Flow>,
    /// Numbers of the persona or company the matter belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

impl Happening {
    /// What others call it: what the matter is, and what happened to it.
    #[must_use]
    pub fn event(&self) -> &'static str {
        event(self.flow.unwrap_or(Flow::Case), self.kind)
    }
}

/// Every word of [`Happening::event`].
pub const EVENTS: [&str; 25] = [
    "case.submitted",
    "case.accepted",
    "case.examined",
    "case.papers-asked",
    "case.papers-handed-in",
    "case.overdue-warning",
    "case.overdue",
    "case.approved",
    "case.rejected",
    "case.withdrawn",
    "appointment.booked",
    "appointment.due",
    "appointment.missed",
    "appointment.arrived",
    "appointment.cancelled",
    "payment.created",
    "payment.paid",
    "payment.refunded",
    "payment.cancelled",
    "certificate.issued",
    "certificate.expiring",
    "certificate.expired",
    "certificate.ended",
    "subscription.started",
    "subscription.ended",
];

fn event(flow: Flow, kind: Kind) -> &'static str {
    match (flow, kind) {
        (Flow::Visit, Kind::Submitted) => "appointment.booked",
        (Flow::Order, Kind::Submitted) => "payment.created",
        (Flow::Certificate, Kind::Submitted) => "certificate.issued",
        (Flow::Subscription, Kind::Submitted) => "subscription.started",
        (_, Kind::Submitted) => "case.submitted",
        (Flow::Visit, Kind::Ended) => "appointment.cancelled",
        (Flow::Order, Kind::Ended) => "payment.cancelled",
        (Flow::Certificate, Kind::Ended) => "certificate.ended",
        (Flow::Subscription, Kind::Ended) => "subscription.ended",
        (_, Kind::Ended) => "case.withdrawn",
        (_, Kind::Accepted) => "case.accepted",
        (_, Kind::Examined) => "case.examined",
        (_, Kind::NeedDocs) => "case.papers-asked",
        (_, Kind::Supplemented) => "case.papers-handed-in",
        (_, Kind::Warning) => "case.overdue-warning",
        (_, Kind::Overdue) => "case.overdue",
        (_, Kind::Approved) => "case.approved",
        (_, Kind::Rejected) => "case.rejected",
        (_, Kind::Due) => "appointment.due",
        (_, Kind::Missed) => "appointment.missed",
        (_, Kind::Arrived) => "appointment.arrived",
        (_, Kind::Paid) => "payment.paid",
        (_, Kind::Refunded) => "payment.refunded",
        (_, Kind::Expiring) => "certificate.expiring",
        (_, Kind::Expired) => "certificate.expired",
    }
}

/// What comes of a matter by itself from here on, in order.
pub(crate) fn coming(matter: &Matter) -> Vec<(Timestamp, Kind)> {
    let last = matter.events.last().map(|(_, event)| *event);
    let mut all = match (matter.flow, last) {
        (_, Some(Event::Ended | Event::Refunded | Event::NeedDocs | Event::Approved | Event::Rejected)) => Vec::new(),
        (Flow::Case, _) => of_case(matter),
        (Flow::Visit, Some(Event::Arrived)) => Vec::new(),
        (Flow::Visit, _) => of_visit(matter),
        (Flow::Order, _) if matter.held => vec![(decided_at(matter), Kind::Paid)],
        (Flow::Certificate, _) => of_certificate(matter),
        _ => Vec::new(),
    };
    all.sort_by_key(|(at, _)| *at);
    all
}

/// The first thing that comes after a moment.
pub(crate) fn next_after(matter: &Matter, after: Timestamp) -> Option<(Timestamp, Kind)> {
    coming(matter).into_iter().find(|(at, _)| *at > after)
}

fn of_case(matter: &Matter) -> Vec<(Timestamp, Kind)> {
    let decided = decided_at(matter);
    let later = |hours| matter.created.checked_add(SignedDuration::from_hours(hours)).ok();
    let supplemented = matter.events.iter().rev().find(|(_, e)| *e == Event::Supplemented);
    let from = supplemented.map_or(matter.created, |(at, _)| *at);
    let legal = |days| start_of(working_days_after(from, days));
    let mut all = vec![(decided, Kind::Approved)];
    let mut add = |at: Option<Timestamp>, kind| all.extend(at.filter(|at| *at < decided).map(|at| (at, kind)));
    if supplemented.is_none() {
        add(later(24), Kind::Accepted);
        add(later(48), Kind::Examined);
    }
    if matter.legal_days > 0 {
        add(legal((matter.legal_days * WARNED_AT).div_ceil(10)), Kind::Warning);
        add(legal(matter.legal_days.saturating_add(1)), Kind::Overdue);
    }
    all
}

fn of_visit(matter: &Matter) -> Vec<(Timestamp, Kind)> {
    let Some(meets) = matter.meets else { return Vec::new() };
    let over = hub_core::time::civil(meets).date().tomorrow().ok().and_then(start_of);
    let missed = over.map(|over| (over, Kind::Missed));
    std::iter::once((meets, Kind::Due)).chain(missed).collect()
}

fn of_certificate(matter: &Matter) -> Vec<(Timestamp, Kind)> {
    let Some(ends) = matter.ends else { return Vec::new() };
    let notice = ends.checked_sub(jiff::Span::new().days(NOTICE)).ok().and_then(start_of);
    let over = ends.tomorrow().ok().and_then(start_of);
    let notice = notice.map(|at| (at, Kind::Expiring));
    notice.into_iter().chain(over.map(|at| (at, Kind::Expired))).collect()
}
