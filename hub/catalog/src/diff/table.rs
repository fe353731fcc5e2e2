//! The kinds of change: place × keyword × effect, each with its direction and severity. Documentation, ids and
//! sentences are made from these rows; nothing else in the differ decides how bad a change is.

use super::change::{Direction, Severity};
use Area::{
    Api, EventAnswer, EventBody, Operation, Parameter, RequestBody, Response, ResponseBody, ResponseHeader, Security,
};
use Effect::{Added, Changed, Narrowed, Removed, Widened};
use Severity::{Breaking, Risky, Safe};

/// The place a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The description as a whole.
    Api,
    /// One operation.
    Operation,
    /// A parameter in path, query, header or cookie.
    Parameter,
    /// What the client sends.
    RequestBody,
    /// An answer by its status.
    Response,
    /// What the client receives.
    ResponseBody,
    /// A header the client receives.
    ResponseHeader,
    /// The ways in.
    Security,
    /// What a webhook or callback brings to the client.
    EventBody,
    /// What the client answers to a webhook or callback.
    EventAnswer,
}

/// What happened to a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It is there now.
    Added,
    /// It is gone.
    Removed,
    /// Fewer values are allowed.
    Narrowed,
    /// More values are allowed.
    Widened,
    /// Other values are allowed: some more, some fewer.
    Changed,
}

/// One kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Where.
    pub area: Area,
    /// What.
    pub row: &'static Row,
    /// How.
    pub effect: Effect,
    /// How bad.
    pub severity: Severity,
}

/// A keyword with the places it stands in and what its effects mean there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Name in ids.
    pub keyword: &'static str,
    /// Chinese word.
    pub zh: &'static str,
    /// English word.
    pub en: &'static str,
    areas: &'static [Area],
    /// Effect, severity where the client sends, severity where it receives.
    effects: &'static [(Effect, Severity, Severity)],
    /// How to avoid it, where the general advice is not enough: Chinese, English.
    pub advice: Option<(&'static str, &'static str)>,
}

const SCHEMA: &[Area] = &[
    Parameter,
    RequestBody,
    ResponseBody,
    ResponseHeader,
    EventBody,
    EventAnswer,
];
const BODIES: &[Area] = &[RequestBody, ResponseBody, EventBody, EventAnswer];
/// A set of allowed values that can shrink, grow, or do both.
const SET: &[(Effect, Severity, Severity)] = &[
    (Narrowed, Breaking, Safe),
    (Widened, Safe, Breaking),
    (Changed, Breaking, Breaking),
];
/// A limit, which moves one way or the other.
const LIMIT: &[(Effect, Severity, Severity)] = &[(Narrowed, Breaking, Safe), (Widened, Safe, Breaking)];
const LIFE: &[(Effect, Severity, Severity)] = &[(Added, Safe, Safe), (Removed, Safe, Safe)];

const fn row(
    keyword: &'static str,
    zh: &'static str,
    en: &'static str,
    areas: &'static [Area],
    effects: &'static [(Effect, Severity, Severity)],
) -> Row {
    Row {
        keyword,
        zh,
        en,
        areas,
        effects,
        advice: None,
    }
}

const fn advised(row: Row, zh: &'static str, en: &'static str) -> Row {
    Row {
        advice: Some((zh, en)),
        ..row
    }
}

/// The rows.
pub static ROWS: &[Row] = &[
    // Schemas, wherever they stand.
    row("type", "类型", "type", SCHEMA, SET),
    row("nullable", "可否为 null", "whether null is allowed", SCHEMA, LIMIT),
    row("schema", "可否取值", "whether any value is allowed", SCHEMA, LIMIT),
    advised(
        row("enum", "枚举值", "enumerated values", SCHEMA, LIMIT),
        "请保留旧的枚举值；答复中要出现新值时，先通知使用方按“未知值”处理，或发布新的主版本。",
        "Keep the old values; before answers carry new ones, have clients treat unknown values as such, or publish a new major version.",
    ),
    row("minimum", "最小值", "minimum", SCHEMA, LIMIT),
    row("maximum", "最大值", "maximum", SCHEMA, LIMIT),
    row("multiple-of", "倍数", "multiple", SCHEMA, SET),
    row("min-length", "最短长度", "minimum length", SCHEMA, LIMIT),
    row("max-length", "最大长度", "maximum length", SCHEMA, LIMIT),
    row("pattern", "格式规则（pattern）", "pattern", SCHEMA, SET),
    row("format", "格式（format）", "format", SCHEMA, SET),
    row(
        "content-type",
        "内容的媒体类型或编码",
        "media type or encoding of the content",
        SCHEMA,
        SET,
    ),
    row("content-schema", "内容的结构", "schema of the content", SCHEMA, LIMIT),
    row("min-items", "最少项数", "minimum number of items", SCHEMA, LIMIT),
    row("max-items", "最多项数", "maximum number of items", SCHEMA, LIMIT),
    row("unique-items", "是否不得重复", "uniqueness of items", SCHEMA, LIMIT),
    row(
        "items",
        "可否有更多的项",
        "whether further items are allowed",
        SCHEMA,
        LIMIT,
    ),
    row("unevaluated-items", "其余的项", "unevaluated items", SCHEMA, LIMIT),
    row("contains", "必须包含的项", "items it must contain", SCHEMA, LIMIT),
    row(
        "min-contains",
        "至少包含的项数",
        "minimum number of contained items",
        SCHEMA,
        LIMIT,
    ),
    row(
        "max-contains",
        "至多包含的项数",
        "maximum number of contained items",
        SCHEMA,
        LIMIT,
    ),
    row("list", "单个值还是列表", "whether a list is allowed", SCHEMA, LIMIT),
    advised(
        row(
            "property",
            "字段",
            "property",
            SCHEMA,
            &[
                (Added, Safe, Safe),
                (Removed, Risky, Risky),
                (Narrowed, Breaking, Risky),
                (Widened, Safe, Breaking),
            ],
        ),
        "请保留字段并标记 deprecated，写明 x-sunset 日期，到期后再删除；封闭的对象（additionalProperties: false）要在新的主版本中增减字段。",
        "Keep the property, mark it deprecated with an x-sunset date and remove it after that; change the properties of a closed object (additionalProperties: false) in a new major version.",
    ),
    advised(
        row(
            "required-property",
            "必填字段",
            "required property",
            SCHEMA,
            &[(Added, Breaking, Safe), (Removed, Risky, Breaking)],
        ),
        "新增的入参请设为选填；答复中的必填字段请继续返回。",
        "Make new input optional; keep returning the required fields of answers.",
    ),
    advised(
        row("required", "是否必填", "whether it is required", SCHEMA, LIMIT),
        "入参请保持选填；答复中的字段请继续总是返回。",
        "Keep input optional; keep returning the field always.",
    ),
    advised(
        row(
            "read-only",
            "只读",
            "read-only",
            SCHEMA,
            &[(Added, Breaking, Safe), (Removed, Safe, Safe)],
        ),
        "请继续接受调用方送来的值，或另设只读字段。",
        "Keep accepting the value that clients send, or add another, read-only property.",
    ),
    advised(
        row(
            "write-only",
            "只写",
            "write-only",
            SCHEMA,
            &[(Added, Safe, Risky), (Removed, Safe, Breaking)],
        ),
        "从不返回的值现在会出现在答复里：请确认没有泄露密码或个人信息。",
        "A value that was never returned now appears in answers: make sure that no secret or personal data leaks.",
    ),
    row(
        "additional-properties",
        "可否有其他字段",
        "whether other properties are allowed",
        SCHEMA,
        LIMIT,
    ),
    row(
        "unevaluated-properties",
        "其余的字段",
        "unevaluated properties",
        SCHEMA,
        LIMIT,
    ),
    row(
        "pattern-properties",
        "按名称规则约束的字段",
        "properties by pattern",
        SCHEMA,
        LIMIT,
    ),
    row(
        "property-names",
        "字段名称的规则",
        "rule for property names",
        SCHEMA,
        LIMIT,
    ),
    row(
        "min-properties",
        "最少字段数",
        "minimum number of properties",
        SCHEMA,
        LIMIT,
    ),
    row(
        "max-properties",
        "最多字段数",
        "maximum number of properties",
        SCHEMA,
        LIMIT,
    ),
    row(
        "dependent-required",
        "连带必填",
        "dependent required properties",
        SCHEMA,
        LIMIT,
    ),
    row("dependent-schemas", "连带规则", "dependent schemas", SCHEMA, LIMIT),
    row("any-of", "可选结构（anyOf）", "alternatives (anyOf)", SCHEMA, LIMIT),
    row("one-of", "可选结构（oneOf）", "alternatives (oneOf)", SCHEMA, LIMIT),
    row("not", "排除规则（not）", "exclusion (not)", SCHEMA, SET),
    row("if", "条件规则（if）", "condition (if)", SCHEMA, SET),
    row(
        "discriminator",
        "区分字段（discriminator）",
        "discriminator",
        SCHEMA,
        &[
            (Added, Risky, Risky),
            (Removed, Risky, Risky),
            (Changed, Breaking, Breaking),
        ],
    ),
    row(
        "mapping",
        "区分值的对应",
        "mapping of the discriminator",
        SCHEMA,
        &[(Added, Safe, Risky), (Removed, Risky, Risky), (Changed, Risky, Risky)],
    ),
    advised(
        row(
            "default",
            "缺省值",
            "default",
            SCHEMA,
            &[(Added, Risky, Safe), (Removed, Risky, Safe), (Changed, Breaking, Safe)],
        ),
        "没有送这个值的调用会得到另一种结果：请保留原来的缺省值。",
        "Calls that leave it out get another result: keep the default.",
    ),
    row(
        "reference",
        "不能解读的引用",
        "reference that can't be followed",
        SCHEMA,
        &[(Changed, Risky, Risky)],
    ),
    row(
        "extensible-enum",
        "可扩展的枚举值",
        "values of an extensible enumeration",
        SCHEMA,
        &[(Narrowed, Breaking, Safe), (Widened, Safe, Safe)],
    ),
    row("deprecated", "弃用标记", "deprecation", SCHEMA, LIFE),
    // Parameters and bodies.
    advised(
        row(
            "parameter",
            "参数",
            "parameter",
            &[Parameter, EventBody],
            &[(Added, Safe, Safe), (Removed, Breaking, Risky)],
        ),
        "请保留参数并标记 deprecated，写明 x-sunset 日期，到期后再删除。",
        "Keep the parameter, mark it deprecated with an x-sunset date and remove it after that.",
    ),
    advised(
        row(
            "required-parameter",
            "必填参数",
            "required parameter",
            &[Parameter, EventBody],
            &[(Added, Breaking, Safe), (Removed, Breaking, Breaking)],
        ),
        "新增的参数请设为选填，并给出缺省行为。",
        "Make new parameters optional, with a default behaviour.",
    ),
    row(
        "retired-parameter",
        "已到停用日期的参数",
        "parameter past its end",
        &[Parameter],
        &[(Removed, Safe, Safe)],
    ),
    row(
        "style",
        "写法（style、explode）",
        "serialisation (style, explode)",
        &[Parameter, ResponseHeader, EventBody],
        &[(Changed, Breaking, Breaking)],
    ),
    row(
        "empty-value",
        "可否为空值",
        "whether an empty value is allowed",
        &[Parameter, EventBody],
        LIMIT,
    ),
    row(
        "reserved",
        "可否含保留字符",
        "whether reserved characters are allowed",
        &[Parameter, EventBody],
        LIMIT,
    ),
    row(
        "content",
        "描述方式（schema 或 content）",
        "form of description (schema or content)",
        &[Parameter, ResponseHeader, EventBody],
        &[(Changed, Breaking, Breaking)],
    ),
    row(
        "media-type",
        "媒体类型",
        "media type",
        BODIES,
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    row(
        "encoding",
        "分段编码",
        "encoding of parts",
        BODIES,
        &[(Changed, Risky, Risky)],
    ),
    row(
        "body",
        "正文",
        "body",
        BODIES,
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    row(
        "required-body",
        "必填的正文",
        "required body",
        &[RequestBody, EventBody],
        &[(Added, Breaking, Safe)],
    ),
    // Answers.
    row(
        "status",
        "成功状态码",
        "success status",
        &[Response, EventAnswer],
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    row(
        "error-status",
        "失败状态码",
        "error status",
        &[Response, EventAnswer],
        &[(Added, Safe, Safe), (Removed, Safe, Safe)],
    ),
    row(
        "header",
        "答复头",
        "response header",
        &[ResponseHeader],
        &[(Added, Safe, Safe), (Removed, Risky, Risky)],
    ),
    row(
        "required-header",
        "必有的答复头",
        "required response header",
        &[ResponseHeader],
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    // Operations and their life.
    advised(
        row(
            "operation",
            "操作",
            "operation",
            &[Operation],
            &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
        ),
        "请先标记 deprecated 并写明 x-sunset 日期，到期后再删除；或者发布新的主版本，两版并行。",
        "Mark it deprecated with an x-sunset date first and remove it after that; or publish a new major version beside the old one.",
    ),
    row(
        "retired-operation",
        "已到停用日期的操作",
        "operation past its end",
        &[Operation],
        &[(Removed, Safe, Safe)],
    ),
    row(
        "early-removal",
        "停用日期之前的删除",
        "removal before the promised end",
        &[Operation, Parameter],
        &[(Removed, Breaking, Breaking)],
    ),
    row(
        "deprecation",
        "弃用标记",
        "deprecation",
        &[Operation, Parameter, ResponseHeader],
        LIFE,
    ),
    row(
        "sunset",
        "停用日期",
        "end date",
        &[Operation, Parameter, ResponseHeader],
        &[
            (Added, Safe, Safe),
            (Removed, Breaking, Breaking),
            (Narrowed, Breaking, Breaking),
            (Widened, Safe, Safe),
        ],
    ),
    row(
        "unreadable-sunset",
        "不能读作日期的停用日期",
        "end date that can't be read",
        &[Operation, Parameter, ResponseHeader],
        &[(Changed, Breaking, Breaking)],
    ),
    row(
        "operation-id",
        "操作编号（operationId）",
        "operationId",
        &[Operation],
        &[(Added, Safe, Safe), (Removed, Risky, Risky), (Changed, Risky, Risky)],
    ),
    row(
        "tag",
        "标签",
        "tag",
        &[Operation],
        &[(Added, Safe, Safe), (Removed, Safe, Safe)],
    ),
    row(
        "callback",
        "回调",
        "callback",
        &[EventBody],
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    row(
        "webhook",
        "事件通知（webhook）",
        "webhook",
        &[EventBody],
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    // Ways in.
    row(
        "alternative",
        "认证方式",
        "way to authenticate",
        &[Security],
        &[(Added, Safe, Safe), (Removed, Breaking, Breaking)],
    ),
    row(
        "scope",
        "所需权限（scope）",
        "required scope",
        &[Security],
        &[(Narrowed, Breaking, Breaking), (Widened, Safe, Safe)],
    ),
    row(
        "scheme",
        "认证方案的写法",
        "definition of the security scheme",
        &[Security],
        &[(Changed, Breaking, Breaking)],
    ),
    row(
        "declared-scheme",
        "声明的认证方案",
        "declared security scheme",
        &[Security],
        LIFE,
    ),
    // The whole.
    row(
        "server",
        "服务地址",
        "server",
        &[Api],
        &[(Added, Safe, Safe), (Removed, Risky, Risky)],
    ),
    row(
        "limit",
        "比较的深度",
        "extent of the comparison",
        &[Api],
        &[(Changed, Risky, Risky)],
    ),
];

impl Area {
    /// All places.
    pub const ALL: &'static [Area] = &[
        Api,
        Operation,
        Parameter,
        RequestBody,
        Response,
        ResponseBody,
        ResponseHeader,
        Security,
        EventBody,
        EventAnswer,
    ];

    /// Name in ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Api => "api",
            Operation => "operation",
            Parameter => "parameter",
            RequestBody => "request-body",
            Response => "response",
            ResponseBody => "response-body",
            ResponseHeader => "response-header",
            Security => "security",
            EventBody => "event",
            EventAnswer => "event-answer",
        }
    }

    /// Which way the data flows here.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Parameter | RequestBody | EventAnswer => Direction::Request,
            Response | ResponseBody | ResponseHeader | EventBody => Direction::Response,
            Api | Operation | Security => Direction::Both,
        }
    }
}

impl Effect {
    /// Name in ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Added => "added",
            Removed => "removed",
            Narrowed => "narrowed",
            Widened => "widened",
            Changed => "changed",
        }
    }
}

impl Kind {
    /// Its id: place, keyword, effect.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.area.name(), self.row.keyword, self.effect.name())
    }
}

/// The whole product: every kind of change there is, in the order of the documentation.
pub fn kinds() -> impl Iterator<Item = Kind> {
    ROWS.iter().flat_map(|row| {
        row.areas.iter().flat_map(move |area| {
            row.effects.iter().map(move |(effect, sent, received)| Kind {
                area: *area,
                row,
                effect: *effect,
                severity: if area.direction() == Direction::Response {
                    *received
                } else {
                    *sent
                },
            })
        })
    })
}

/// One kind of the product.
#[must_use]
pub fn kind(area: Area, keyword: &str, effect: Effect) -> Option<Kind> {
    kinds().find(|k| k.area == area && k.effect == effect && k.row.keyword == keyword)
}

/// What a fact about a schema means where the client sends and where it receives.
#[must_use]
pub fn both(keyword: &str, effect: Effect) -> (Severity, Severity) {
    ROWS.iter()
        .filter(|row| row.keyword == keyword)
        .flat_map(|row| row.effects)
        .find(|(e, ..)| *e == effect)
        .map_or((Risky, Risky), |(_, sent, received)| (*sent, *received))
}
