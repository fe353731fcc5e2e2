//! Plain REST whose answers already are what the contract says: nothing to rename, recode, unwrap or verify. Where such
//! an answer also fits the contract to the letter, its bytes may pass as they came.

use crate::charset::Charset;
use crate::manifest::model::{AnswerPart, Format, Place, TextForm};
use crate::mapping::bind::Bind;
use crate::plan::{Plan, Transport};
use crate::wiring::Wiring;
use hub_core::{Effect, RawResponse, Shape, ShapeKind};

/// Whether a plan leaves answers as they are. Only reads: what a call with an effect leaves behind is looked at.
pub(crate) fn leaves_answers(plan: &Plan, wiring: &Wiring) -> bool {
    let Some(operation) = plan.operation.as_ref().filter(|_| plan.has_output) else {
        return false;
    };
    let carried = matches!(plan.transport, Transport::Http) && plan.answers == Format::Json;
    let open = !plan.session && !plan.sealed && wiring.charset == Charset::Utf8;
    let unsigned = wiring.sign.as_ref().is_none_or(|sign| sign.answer().is_none());
    let alone = plan.paging.is_none()
        && plan.pick.is_none()
        && plan.also.is_none()
        && plan.jump.is_none()
        && plan.give.is_empty();
    let kept = plan.wire.coordinates.is_none() && plan.effect == Effect::None;
    let bare = plan.frame.output.is_none() && plan.frame.reads.unwrap_or_default() == TextForm::Object;
    carried
        && bare
        && open
        && unsigned
        && alone
        && kept
        && is_bare(&plan.answer)
        && covers(&plan.response, &operation.output)
}

/// Whether this very response is a success by its status alone, in a form that may pass.
pub(crate) fn may_pass(plan: &Plan, response: &RawResponse) -> bool {
    let media = response.header("content-type").unwrap_or_default();
    let (kind, parameters) = media.split_once(';').unwrap_or((media, ""));
    let parameter = parameters.trim().to_ascii_lowercase();
    response.status == plan.status
        && crate::answer::means_nothing(plan, response.status)
        && kind.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameter.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

/// No envelope, no code, no rule of what is empty.
fn is_bare(answer: &AnswerPart) -> bool {
    answer.code.is_none()
        && answer.when.is_none()
        && answer.data.is_none()
        && answer.form.unwrap_or_default() == TextForm::Object
        && answer.empty.is_none()
        && answer.layout.is_none()
        && answer.jsonp != Some(true)
        && crate::answer::named_statuses(answer).next().is_none()
}

/// Whether the rows are the contract's own fields, all of them, each by its name and as it is.
fn covers(rows: &[Bind], shape: &Shape) -> bool {
    shape.kind == ShapeKind::Object
        && rows.len() == shape.children.len()
        && shape.children.iter().all(|child| {
            let own = |row: &&Bind| row.field.only_name() == Some(child.name.as_ref());
            rows.iter().find(own).is_some_and(|row| keeps(row, child))
        })
}

fn keeps(row: &Bind, shape: &Shape) -> bool {
    let named = row.place == Place::Body && !row.path.absolute && row.path.only_name() == row.field.only_name();
    let inner = shape.item.as_deref().unwrap_or(shape);
    let members = match &row.rows {
        Some(rows) => covers(rows, inner),
        // Whatever stands there passes whole; the exact check refuses trees that it does not look into.
        None => true,
    };
    named && !row.whole && row.is_plain() && members
}
