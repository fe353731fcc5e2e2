//! What the doors of worlds say of themselves.

use super::describe::{Description, Who};
use serde_json::{Value, json};

const JSON: &str = "application/json";

fn of_world(description: Description) -> Description {
    description
        .who(Who::World)
        .path("id", "Id of the world, or a token of it.")
        .header("Hub-World", "A token of the world, in place of its owner's key.")
        .problems(&[401, 403, 429])
}

fn world() -> Value {
    json!({"$ref": "#/components/schemas/World"})
}

/// The schema of a world.
pub fn world_schema() -> Value {
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    json!({"type": "object", "required": ["id", "name", "state", "rights", "created", "used", "use", "links"], "properties": {
        "id": text, "name": text, "client": {"type": ["string", "null"]}, "state": {"enum": ["live", "frozen"]},
        "rights": {"enum": ["read", "write", "own"]}, "created": time, "used": time,
        "clock": {"type": "object", "properties": {"now": time, "frozen": {"type": "boolean"}}},
        "matters": {"type": "integer"}, "things": {"type": "integer"},
        "use": {"type": "object", "properties": {"header": text, "value": text}},
        "links": {"type": "object", "additionalProperties": text},
        "token": {"type": "string", "description": "The owner's token; shown once."},
    }})
}

/// The schema of what happened in a world.
pub fn happening_schema() -> Value {
    let text = json!({"type": "string"});
    let maybe = json!({"type": ["string", "null"]});
    json!({"type": "object", "required": ["number", "at", "kind", "text"], "properties": {
        "number": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "kind": text,
        "text": {"$ref": "#/components/schemas/Text"}, "system": text, "service": maybe, "operation": text, "case": maybe,
    }})
}

fn happenings(name: &'static str) -> Value {
    json!({"type": "object", "required": [name], "properties": {
        (name): {"type": "array", "items": {"$ref": "#/components/schemas/Happening"}}}})
}

fn list_of(item: &Value) -> Value {
    json!({"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": item}}})
}

fn snapshot_schema() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "required": ["id", "name", "clock"], "properties": {
        "id": text, "world": text, "name": text, "clock": text, "created": text}})
}

fn says(members: &Value) -> Value {
    json!({"type": "object", "properties": members})
}

pub fn says_make() -> Description {
    let body = says(
        &json!({"name": {"type": "string"}, "clock": {"type": "string", "format": "date-time",
        "description": "The moment at which its clock stands; without it the clock runs with the machine's."}}),
    );
    Description::new("sandbox.worlds.make", "新建一个沙箱世界", "Make a world of the sandbox")
        .who(Who::MaybeClient)
        .body(JSON, body)
        .good(201, JSON, world())
        .problems(&[401, 403, 429])
}

pub fn says_list() -> Description {
    Description::new(
        "sandbox.worlds.list",
        "本应用的沙箱世界",
        "The client's worlds of the sandbox",
    )
    .who(Who::SandboxClient)
    .good(200, JSON, list_of(&world()))
    .problems(&[401, 403])
}

pub fn says_one() -> Description {
    of_world(Description::new(
        "sandbox.worlds.get",
        "一个沙箱世界",
        "A world of the sandbox",
    ))
    .good(200, JSON, world())
}

pub fn says_remove() -> Description {
    of_world(Description::new(
        "sandbox.worlds.remove",
        "删除沙箱世界",
        "Remove a world",
    ))
    .good(204, "", Value::Null)
}

pub fn says_reset() -> Description {
    of_world(Description::new(
        "sandbox.worlds.reset",
        "清空沙箱世界，或回到快照",
        "Empty a world, or put it back to a snapshot",
    ))
    .body(JSON, says(&json!({"snapshot": {"type": "string"}})))
    .good(200, JSON, world())
}

pub fn says_keep() -> Description {
    of_world(Description::new(
        "sandbox.worlds.snapshots.make",
        "为沙箱世界留快照",
        "Keep the state of a world",
    ))
    .body(JSON, says(&json!({"name": {"type": "string"}})))
    .good(201, JSON, snapshot_schema())
}

pub fn says_snapshots() -> Description {
    of_world(Description::new(
        "sandbox.worlds.snapshots.list",
        "沙箱世界的快照",
        "The snapshots of a world",
    ))
    .good(200, JSON, list_of(&snapshot_schema()))
}

pub fn says_fork() -> Description {
    of_world(Description::new(
        "sandbox.worlds.fork",
        "复制沙箱世界，或它的快照",
        "Make a world that is the same as this one, or as a snapshot of it",
    ))
    .body(
        JSON,
        says(&json!({"name": {"type": "string"}, "snapshot": {"type": "string"}})),
    )
    .good(201, JSON, world())
}

pub fn says_share() -> Description {
    let text = json!({"type": "string"});
    let told = json!({"type": "object", "required": ["token", "link", "rights"], "properties": {
        "world": text, "rights": {"enum": ["read", "write"]}, "token": text, "link": text, "use": {"type": "object"}}});
    of_world(Description::new(
        "sandbox.worlds.share",
        "分享沙箱世界",
        "Let others use a world",
    ))
    .body(JSON, says(&json!({"rights": {"enum": ["read", "write"]}})))
    .good(201, JSON, told)
}

pub fn says_thaw() -> Description {
    of_world(Description::new("sandbox.worlds.thaw", "解冻沙箱世界", "Thaw a world")).good(200, JSON, world())
}

pub fn says_freeze() -> Description {
    of_world(Description::new(
        "sandbox.worlds.freeze",
        "冻结沙箱世界",
        "Freeze a world",
    ))
    .good(200, JSON, world())
}

pub fn says_events() -> Description {
    let page = json!({"type": "object", "required": ["items", "next", "more"], "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Happening"}},
        "next": {"type": "integer"}, "more": {"type": "boolean"}}});
    of_world(Description::new(
        "sandbox.worlds.events",
        "沙箱世界里发生的事",
        "What happened in a world",
    ))
    .query(
        "after",
        "Only what was counted after this number.",
        json!({"type": "integer"}),
    )
    .good(200, JSON, page)
}

pub fn says_decide() -> Description {
    let body = says(
        &json!({"case": {"type": "string"}, "decision": {"enum": ["approved", "rejected", "need-docs"]},
        "papers": {"type": "integer", "minimum": 1}}),
    );
    of_world(Description::new(
        "sandbox.worlds.decide",
        "代部门决定一个办件",
        "Decide a case in place of the agency",
    ))
    .body(JSON, body)
    .good(200, JSON, happenings("happened"))
}
