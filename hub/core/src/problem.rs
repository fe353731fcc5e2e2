//! Problems: every public error of the hub, in one list.
//!
//! The table below is the only place that names a code, its status, whose fault it is and its texts; the pages under
//! `/problems/{code}` and `docs/problems` are generated from it. Shape: RFC 9457 with the members of the portal's
//! error object (`where`, `expected`, `got`, `fix`, `near`, `at_fault`, `kept`, `retry_after`, `request_id`).

use crate::{Lang, Text};
use serde_json::{Map, Value, json};

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The caller.
    You,
    /// The agency behind the operation.
    Agency,
    /// This hub.
    Hub,
}

impl Fault {
    /// The word in the problem document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Fault::You => "you",
            Fault::Agency => "agency",
            Fault::Hub => "hub",
        }
    }
}

/// Whether anything of the call is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kept {
    /// Nothing was kept and nothing has happened.
    #[default]
    Nothing,
    /// The submission is stored and will be delivered.
    Saved,
    /// The call left for the agency; whether it arrived is being found out.
    Unknown,
}

impl Kept {
    /// The word in the problem document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kept::Nothing => "nothing",
            Kept::Saved => "saved",
            Kept::Unknown => "unknown",
        }
    }
}

macro_rules! problems {
    ($($variant:ident $code:literal $status:literal $fault:ident { $zh:literal $en:literal; $fix_zh:literal $fix_en:literal })+) => {
        /// The code of a problem, the last segment of its `type`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode { $(#[doc = $en] $variant),+ }
        impl ProblemCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$variant),+];
            /// Kebab-case code.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(ProblemCode::$variant => $code),+ } }
            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(ProblemCode::$variant => $status),+ } }
            /// Who has to act.
            #[must_use]
            pub const fn fault(self) -> Fault { match self { $(ProblemCode::$variant => Fault::$fault),+ } }
            /// Title.
            #[must_use]
            pub fn title(self) -> Text { match self { $(ProblemCode::$variant => Text::new($zh, $en)),+ } }
            /// What to do.
            #[must_use]
            pub fn fix(self) -> Text { match self { $(ProblemCode::$variant => Text::new($fix_zh, $fix_en)),+ } }
        }
    };
}

problems! {
    NotFound "not-found" 404 You { "没有这个地址" "There is nothing at this address"; "请在目录 /catalog/services 中查找正确的路径" "Look the path up in the catalog at /catalog/services" }
    MethodNotAllowed "method-not-allowed" 405 You { "此地址不支持该方法" "This address does not take that method"; "请使用 Allow 头列出的方法" "Use a method listed in the Allow header" }
    BadRequest "bad-request" 400 You { "请求无法读取" "The request cannot be read"; "请按说明修改请求后再试" "Correct the request as described and send it again" }
    BodyTooLarge "body-too-large" 413 You { "请求内容过大" "The body is too large"; "请减小请求体，文件请先上传到 /me/files" "Send a smaller body; upload files to /me/files first" }
    UnsupportedMediaType "unsupported-media-type" 415 You { "不支持的内容类型" "This media type is not taken"; "请使用 application/json" "Send application/json" }
    NotAcceptable "not-acceptable" 406 You { "无法按所要求的类型回答" "No answer of the wanted media type exists"; "请接受 application/json" "Accept application/json" }
    KeyMissing "key-missing" 401 You { "缺少应用密钥" "No client key was sent"; "请在 X-Api-Key 头中提供应用密钥" "Send the client key in the X-Api-Key header" }
    KeyInvalid "key-invalid" 401 You { "应用密钥无效" "The client key is not valid"; "请检查密钥是否完整、是否已撤销，或换发新密钥" "Check that the key is whole and not revoked, or rotate it" }
    KeyEnvironment "key-environment" 403 You { "密钥不能用于此环境" "The key is for the other environment"; "沙箱密钥用于 /sandbox，正式密钥用于 /gateway" "Use a sandbox key on /sandbox and a live key on /gateway" }
    TokenMissing "token-missing" 401 You { "需要办事人登录" "A signed-in subject is needed"; "请在 Authorization: Bearer 中提供办事人令牌" "Send the subject's token as Authorization: Bearer" }
    TokenInvalid "token-invalid" 401 You { "登录令牌无效" "The subject token is not valid"; "请重新登录取得令牌" "Sign in again to get a token" }
    TokenExpired "token-expired" 401 You { "登录已过期" "The subject token has expired"; "请重新登录或刷新令牌" "Sign in again or refresh the token" }
    AssuranceTooLow "assurance-too-low" 401 You { "实名等级不足" "The subject is not known surely enough"; "请完成所要求等级的身份核验后再试" "Complete the identity check of the level named, then try again" }
    AudienceMismatch "audience-mismatch" 403 You { "办理主体不符" "The service is for another kind of subject"; "企业事项请以法人授权身份办理，个人事项请以本人身份办理" "Act under a company mandate for services of legal persons, as yourself for services of natural persons" }
    AccessDenied "access-denied" 403 You { "没有调用权限" "No grant allows this call"; "请向枢纽管理员申请所需的授权" "Ask the hub's operator for the grant named" }
    ConsentMissing "consent-missing" 403 You { "缺少办事人同意" "The subject has not consented"; "请先取得办事人对所列字段的同意" "Get the subject's consent for the fields listed" }
    ConsentExpired "consent-expired" 403 You { "办事人的同意已失效" "The subject's consent has ended"; "请重新取得同意" "Get consent again" }
    MandateInvalid "mandate-invalid" 403 You { "授权不可用" "The mandate cannot be used"; "请在 GET /me/mandates 查看授权的状态和范围" "Look the mandate's state and scope up at GET /me/mandates" }
    SubjectMismatch "subject-mismatch" 403 You { "不能代他人办理" "The call names somebody else"; "请去掉该字段或填写本人信息；代办须有授权" "Leave the field out or give the subject's own value; acting for others needs a mandate" }
    SubjectIncomplete "subject-incomplete" 403 You { "身份信息不完整" "The subject lacks a needed attribute"; "请以含有该信息的方式登录" "Sign in with a source that proves this attribute" }
    RateLimited "rate-limited" 429 You { "调用过于频繁" "Too many calls"; "请在 Retry-After 所示秒数后再试" "Try again after the seconds given in Retry-After" }
    QuotaExceeded "quota-exceeded" 429 You { "配额已用完" "The quota is used up"; "请等配额恢复，或申请更高的方案" "Wait for the quota to renew, or ask for a larger plan" }
    ValidationFailed "validation-failed" 422 You { "请求内容不符合合同" "The request does not fit the contract"; "请按 where、expected 改正该字段" "Correct the field at `where` as `expected` says" }
    IdempotencyConflict "idempotency-conflict" 422 You { "幂等键已用于不同的请求" "The idempotency key was used for another request"; "请为新请求换一个 Idempotency-Key" "Use a new Idempotency-Key for a new request" }
    IdempotencyBusy "idempotency-busy" 409 You { "同一请求正在处理" "The same request is being handled"; "请稍后用同一 Idempotency-Key 再试" "Try again shortly with the same Idempotency-Key" }
    ControlNotAllowed "control-not-allowed" 400 You { "正式环境不接受沙箱控制头" "Sandbox controls are not taken here"; "请去掉 Hub-Scenario 等头，或改用 /sandbox" "Remove the Hub-… headers, or call /sandbox" }
    ScenarioUnknown "scenario-unknown" 400 You { "此服务无法表达该场景" "This operation cannot show that scenario"; "请从所列场景中选择" "Choose one of the scenarios listed" }
    WorldFrozen "world-frozen" 409 You { "这个沙箱世界已冻结" "This world of the sandbox is frozen"; "请用 POST /sandbox/_worlds/{id}/thaw 解冻后再试，其中内容都还在" "Thaw it with POST /sandbox/_worlds/{id}/thaw and try again; all that is in it is still there" }
    RecordNotFound "record-not-found" 404 Agency { "没有查到" "Nothing was found"; "请核对所填编号；如确有记录，请向该部门更正" "Check the number given; if a record should exist, ask the agency to correct it" }
    BusinessRejected "business-rejected" 409 Agency { "部门未予受理" "The agency refused"; "请按部门说明的原因处理" "Act on the reason the agency gave" }
    Conflict "conflict" 409 Agency { "与已有办理冲突" "It conflicts with an existing matter"; "请先查看已有的办件" "Look at the existing case first" }
    NotConnected "not-connected" 503 Hub { "该系统尚未接入" "The connector is not available yet"; "可先在沙箱 /sandbox 中调用" "Call it in /sandbox for now" }
    UpstreamUnavailable "upstream-unavailable" 503 Agency { "部门系统无法访问" "The agency's system cannot be reached"; "请稍后再试" "Try again later" }
    UpstreamTimeout "upstream-timeout" 504 Agency { "部门系统没有及时回答" "The agency's system did not answer in time"; "请稍后再试；如 kept 为 unknown，请先查询结果" "Try again later; where `kept` is unknown, look the result up first" }
    UpstreamMaintenance "upstream-maintenance" 503 Agency { "部门系统正在维护" "The agency's system is closed for maintenance"; "请在所示时间后再试" "Try again after the time given" }
    UpstreamBusy "upstream-busy" 503 Agency { "部门系统繁忙" "The agency's system has no capacity left"; "请在 Retry-After 所示秒数后再试" "Try again after the seconds given in Retry-After" }
    UpstreamRefused "upstream-refused" 502 Agency { "部门系统拒绝了枢纽" "The agency's system refused the hub"; "枢纽管理员已收到通知，请稍后再试" "The hub's operator has been told; try again later" }
    UpstreamUnexpected "upstream-unexpected" 502 Agency { "部门系统的回答无法理解" "The agency's system gave an answer that cannot be understood"; "请向该部门报告请求编号" "Report the request id to the agency" }
    UpstreamContract "upstream-contract" 502 Agency { "部门系统的回答不符合合同" "The agency's answer does not fit the contract"; "请向该部门报告请求编号" "Report the request id to the agency" }
    UpstreamBlocked "upstream-blocked" 502 Agency { "部门网络拦截了请求" "The agency's network blocked the call"; "请联系枢纽管理员核对网络白名单" "Ask the hub's operator to check the allow-list" }
    UpstreamAddress "upstream-address" 503 Hub { "出口策略不允许该地址" "The egress policy forbids the upstream's address"; "请联系枢纽管理员" "Ask the hub's operator" }
    FileNotFound "file-not-found" 422 You { "找不到所引用的文件" "The file named does not exist"; "请先上传文件，再引用返回的 file_id" "Upload the file first and use the file_id returned" }
    FileRejected "file-rejected" 415 You { "文件类型不被接受" "The file is not of an accepted type"; "请上传 PDF、OFD、JPEG 或 PNG" "Upload a PDF, OFD, JPEG or PNG" }
    CallbackRejected "callback-rejected" 401 Agency { "回调未通过校验" "The callback did not pass verification"; "请核对签名密钥与时间" "Check the signing key and the clock" }
    StoreUnavailable "store-unavailable" 503 Hub { "枢纽暂时不能保存" "The hub cannot store anything at the moment"; "请稍后再试" "Try again later" }
    ReloadFailed "reload-failed" 422 You { "新的目录无法使用，仍用上一份" "The new catalog cannot be used; the last good one stays"; "请逐条改正 findings 后再试" "Correct each of the findings and reload again" }
    DescriptionUnreadable "description-unreadable" 422 You { "接口描述无法读取" "The description cannot be read"; "请按 findings 逐条改正后重新上传" "Correct each of the findings and upload it again" }
    VersionNotReady "version-not-ready" 409 You { "该版本还不能正式发布" "The version cannot go live yet"; "请按 findings 或 changes 改正，上传新版本" "Correct what findings or changes list and upload another version" }
    VersionState "version-state" 409 You { "该版本当前状态不允许此操作" "The version is not in a state that allows this"; "请先查看它的状态和 steps 所列的操作" "Look at its state and take one of the steps listed" }
    SecondPersonNeeded "second-person-needed" 403 You { "须由另一人办理" "Another person has to do this"; "请由未参与上传和申请的人员办理" "Have it done by somebody who neither uploaded nor asked" }
    NotAuthorized "not-authorized" 403 You { "没有操作权限" "This act is not allowed to you"; "请使用有权限的账号" "Use an account that has the right" }
    ShuttingDown "shutting-down" 503 Hub { "枢纽正在重启" "The hub is restarting"; "请几秒后再试" "Try again in a few seconds" }
    Overloaded "overloaded" 503 Hub { "枢纽繁忙" "The hub has no capacity left"; "请在 Retry-After 所示秒数后再试" "Try again after the seconds given in Retry-After" }
    Internal "internal" 500 Hub { "枢纽内部错误" "The hub failed"; "请向枢纽管理员报告请求编号" "Report the request id to the hub's operator" }
}

/// One public error. Build with [`Problem::new`] and the `with`-like functions; only the server writes it to HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Code.
    pub code: ProblemCode,
    /// One sentence for this occurrence; the title if empty.
    pub detail: Option<Text>,
    /// JSON pointer into the flat request body, or `parameter/name`.
    pub place: Option<String>,
    /// What would have been right.
    pub expected: Option<Text>,
    /// What was found, already masked.
    pub got: Option<String>,
    /// Nearest existing names.
    pub near: Vec<String>,
    /// Whether anything is kept.
    pub kept: Kept,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// All places, when there is more than one.
    pub errors: Vec<Violation>,
    /// Id of a stored submission.
    pub submission: Option<String>,
    /// For logs and operators only; never written to a client.
    pub inner: Option<String>,
    /// Further members by name (`required_assurance`, `resume_at`, `upstream_code`, …).
    pub more: Map<String, Value>,
}

/// One place where a value does not fit its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// JSON pointer, or `parameter/name`.
    pub place: String,
    /// JSON Schema keyword, or `format`.
    pub keyword: String,
    /// What would have been right.
    pub expected: Text,
    /// What was found, already masked.
    pub got: String,
}

impl Problem {
    /// A problem without particulars.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        Self {
            code,
            detail: None,
            place: None,
            expected: None,
            got: None,
            near: Vec::new(),
            kept: Kept::Nothing,
            retry_after: None,
            errors: Vec::new(),
            submission: None,
            inner: None,
            more: Map::new(),
        }
    }

    /// From violations: the first one leads, all are listed.
    #[must_use]
    pub fn violations(code: ProblemCode, violations: Vec<Violation>) -> Self {
        let mut problem = Problem::new(code);
        if let Some(first) = violations.first() {
            problem.place = Some(first.place.clone());
            problem.expected = Some(first.expected.clone());
            problem.got = Some(first.got.clone());
        }
        problem.errors = violations;
        problem
    }

    /// Sets the sentence of this occurrence.
    #[must_use]
    pub fn detail(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.detail = Some(Text::new(zh, en));
        self
    }

    /// Sets place, expected and got.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>, expected: Text, got: impl Into<String>) -> Self {
        (self.place, self.expected, self.got) = (Some(place.into()), Some(expected), Some(got.into()));
        self
    }

    /// Sets nearest names.
    #[must_use]
    pub fn near(mut self, near: Vec<String>) -> Self {
        self.near = near;
        self
    }

    /// Sets what is kept.
    #[must_use]
    pub fn kept(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// Sets the seconds to wait.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Sets the words for operators.
    #[must_use]
    pub fn inner(mut self, words: impl Into<String>) -> Self {
        self.inner = Some(words.into());
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The document of RFC 9457 in one language. `base` is the hub's public address without a trailing slash.
    #[must_use]
    pub fn document(&self, base: &str, lang: Lang, request_id: &str) -> Value {
        let title = self.code.title();
        let mut doc = Map::new();
        doc.insert("type".into(), json!(format!("{base}/problems/{}", self.code.as_str())));
        doc.insert("title".into(), json!(title.get(lang)));
        doc.insert("status".into(), json!(self.code.status()));
        doc.insert("detail".into(), json!(self.detail.as_ref().unwrap_or(&title).get(lang)));
        doc.insert("code".into(), json!(self.code.as_str()));
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                doc.insert(name.to_owned(), value);
            }
        };
        put("where", self.place.as_ref().map(|v| json!(v)));
        put("expected", self.expected.as_ref().map(|v| json!(v.get(lang))));
        put("got", self.got.as_ref().map(|v| json!(v)));
        put("near", (!self.near.is_empty()).then(|| json!(self.near)));
        put(
            "errors",
            (self.errors.len() > 1).then(|| self.errors.iter().map(|v| v.document(lang)).collect()),
        );
        put("group", (self.errors.len() > 1).then(|| json!(self.errors.len())));
        put("submission", self.submission.as_ref().map(|v| json!(v)));
        put("retry_after", self.retry_after.map(|v| json!(v)));
        doc.insert("fix".into(), json!(self.code.fix().get(lang)));
        doc.insert("at_fault".into(), json!(self.code.fault().as_str()));
        doc.insert("kept".into(), json!(self.kept.as_str()));
        doc.insert("request_id".into(), json!(request_id));
        for (name, value) in &self.more {
            doc.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(doc)
    }
}

impl Violation {
    fn document(&self, lang: Lang) -> Value {
        json!({"where": self.place, "keyword": self.keyword, "expected": self.expected.get(lang), "got": self.got})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_and_both_languages_are_there() {
        let codes: HashSet<_> = ProblemCode::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(codes.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            for text in [code.title(), code.fix()] {
                assert!(text.zh.chars().any(|c| c > '\u{3000}'), "{code:?}");
                assert!(text.en.is_ascii() || text.en.contains('…'), "{code:?}");
            }
            assert!((400..600).contains(&code.status()));
        }
    }

    #[test]
    fn inner_words_never_reach_the_document() {
        let doc = Problem::new(ProblemCode::Internal)
            .inner("password=1")
            .document("http://h", Lang::En, "r1");
        assert!(!doc.to_string().contains("password"));
        assert_eq!(doc["type"], "http://h/problems/internal");
        assert_eq!(doc["kept"], "nothing");
    }
}
