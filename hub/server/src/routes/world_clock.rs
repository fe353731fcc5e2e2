//! The clock of a world.

use super::describe::{Description, Who};
use super::worlds::{choose, moment, said, told};
use super::{Answered, Ask};
use actix_web::HttpResponse;
use hub_core::time::rfc3339;
use hub_core::{Problem, ProblemCode, Text};
use hub_sandbox::{Distance, Moved, Turn, holiday, is_working_day, known_years};
use hub_store::Rights;
use serde_json::{Value, json};

pub async fn look(ask: Ask) -> Answered {
    let chosen = choose(&ask, ask.header("hub-world")).await?;
    let Some(standing) = ask.worker.hub.worlds.engine().standing(&chosen.world) else {
        return Err(Problem::new(ProblemCode::Internal).inner("the world is not in memory"));
    };
    let day = hub_core::time::civil(standing.now).date();
    let years: Vec<Value> = known_years()
        .iter()
        .map(|y| json!({"year": y.year, "published": y.published, "source": y.source}))
        .collect();
    let told = json!({
        "world": chosen.world, "now": rfc3339(standing.now), "frozen": standing.frozen,
        "working_day": is_working_day(day), "holiday": holiday(day), "calendar": years,
    });
    Ok(answered(&chosen.world, told, &rfc3339(standing.now)))
}

fn answered(world: &str, told: Value, now: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("hub-sandbox", world))
        .insert_header(("hub-clock", now))
        .insert_header(("cache-control", "no-store"))
        .json(told)
}

/// What is asked of the clock: exactly one thing.
fn turn(said: &Value) -> Result<Turn, Problem> {
    let expected = Text::new("advance、set、freeze、run 之一", "one of advance, set, freeze, run");
    let refused = |got: String| Problem::new(ProblemCode::ValidationFailed).at("", expected.clone(), got);
    let members = said.as_object().into_iter().flatten();
    let named: Vec<(&str, &Value)> = members.map(|(name, value)| (name.as_str(), value)).collect();
    match named.as_slice() {
        [("advance", Value::String(text))] => Distance::read(text).map(Turn::Advance),
        [("set", _)] => moment(said, "set")?
            .map(Turn::Set)
            .ok_or_else(|| refused("set".to_owned())),
        [("freeze", Value::Bool(true))] => Ok(Turn::Freeze),
        [("run", Value::Bool(true))] => Ok(Turn::Run),
        other => Err(refused(format!("{} members", other.len()))),
    }
}

pub async fn move_on(ask: Ask) -> Answered {
    ask.worker.gateway.knock_at(ask.peer)?;
    let Some(name) = ask.header("hub-world") else {
        return Err(Problem::new(ProblemCode::NotAuthorized).detail(
            "默认世界的时钟属于所有人；请用 POST /sandbox/_worlds 新建自己的世界，并在 Hub-World 中指明",
            "The clock of the default world is everybody's; make a world of your own with POST /sandbox/_worlds and name it in Hub-World",
        ));
    };
    let chosen = choose(&ask, Some(name)).await?;
    if chosen.rights < Rights::Write || !chosen.is_own() {
        return Err(Problem::new(ProblemCode::NotAuthorized)
            .detail("不能拨动这个世界的时钟", "The clock of this world is not yours to turn"));
    }
    let worlds = &ask.worker.hub.worlds;
    let turned = worlds.engine().turn(&chosen.world, &turn(&said(&ask)?)?);
    let Some(moved) = turned else {
        return Err(Problem::new(ProblemCode::Internal).inner("the world is not in memory"));
    };
    let Moved {
        from,
        to,
        frozen,
        happened,
    } = moved?;
    worlds.write(&chosen.world).await?;
    let happened: Vec<Value> = happened.iter().map(|h| told(h)).collect();
    let told = json!({
        "world": chosen.world, "from": rfc3339(from), "now": rfc3339(to), "frozen": frozen, "happened": happened,
    });
    Ok(answered(&chosen.world, told, &rfc3339(to)))
}

pub fn says_look() -> Description {
    let time = json!({"type": "string", "format": "date-time"});
    let told = json!({"type": "object", "required": ["world", "now", "frozen", "working_day"], "properties": {
        "world": {"type": "string"}, "now": time, "frozen": {"type": "boolean"}, "working_day": {"type": "boolean"},
        "holiday": {"anyOf": [{"$ref": "#/components/schemas/Text"}, {"type": "null"}]},
        "calendar": {"type": "array", "items": {"type": "object"}},
    }});
    Description::new("sandbox.clock.get", "沙箱世界的时钟", "The clock of a world")
        .header("Hub-World", "World; the default one without it.")
        .good(200, "application/json", told)
}

pub fn says_move_on() -> Description {
    let text = json!({"type": "string"});
    let yes = json!({"const": true});
    let body = json!({"type": "object", "maxProperties": 1, "minProperties": 1, "properties": {
        "advance": {"type": "string", "description": "`16wd` (working days of the city), `3d`, `2h`, `90m`, `30s`, or ISO 8601."},
        "set": {"type": "string", "format": "date-time"}, "freeze": yes, "run": yes,
    }});
    let told = json!({"type": "object", "required": ["world", "from", "now", "frozen", "happened"], "properties": {
        "world": text, "from": text, "now": text, "frozen": {"type": "boolean"},
        "happened": {"type": "array", "items": {"$ref": "#/components/schemas/Happening"}},
    }});
    Description::new("sandbox.clock.turn", "拨动沙箱世界的时钟", "Turn the clock of a world")
        .who(Who::World)
        .header("Hub-World", "World, or a token of it.")
        .body("application/json", body)
        .good(200, "application/json", told)
        .problems(&[401, 403, 422, 429])
}
