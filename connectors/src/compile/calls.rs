//! Plans: one for each operation, and for the login, the upload and the questions whether a call arrived.

use super::rows::{Direction, RowCompiler, overlay};
use super::{Compiler, below, merge};
use crate::manifest::model::{
    AlsoPart, AnswerPart, CallSpec, Empty, Format, Frame, Names, OperationPart, Paging, Place, SendItem, SessionPart,
};
use crate::mapping::encode::Absent;
use crate::mapping::template::{Piece, Template};
use crate::plan::{Also, Pattern, Plan, Transport};
use crate::wiring::UploadRules;
use hub_core::{Effect, Finding, Operation, Shape, ShapeKind, Text};
use std::collections::HashSet;
use std::sync::Arc;

impl<'a> Compiler<'a> {
    /// The plan of one operation of the contract.
    pub(super) fn plan(&mut self, part: &'a OperationPart, operation: &Arc<Operation>) -> Plan {
        let at = part.pointer.clone();
        let mut plan = self.outline(&part.call, Some(operation), &at);
        plan.key = operation.key().to_owned();
        plan.frame = merge::frame(&self.frame, &part.frame);
        plan.sends = part.sends.unwrap_or(plan.sends);
        plan.answers = part.answers.unwrap_or(plan.answers);
        self.reading(&mut plan, &part.frame);
        if let Some(place) = part.place {
            plan.in_query = place == Place::Query;
        }
        plan.answer = merge::answer(&self.answer, &part.answer);
        plan.fails = part.fails.iter().chain(&self.manifest.fails).cloned().collect();
        plan.wire = merge::wire(self.document, &at, &part.wire, &self.wire, &mut self.findings);
        plan.absent = merge::absent(&self.manifest.wire, &part.wire);
        plan.send = laid_over(&self.manifest.send, &part.send);
        plan.give = part.give.clone();
        plan.give.extend(
            self.manifest
                .give
                .iter()
                .filter(|g| !part.give.iter().any(|p| p.field == g.field))
                .filter(|g| super::rows::find(&operation.output, &g.field).is_some())
                .cloned(),
        );
        plan.signed = self.recipe.is_some() && part.signed.unwrap_or(true);
        plan.sealed = self.manifest.seal.is_some() && part.sealed.unwrap_or(true);
        plan.session = self.manifest.session.is_some() && part.session.unwrap_or(true);
        if !plan.session {
            plan.send.retain(|i| i.value.session_values().next().is_none());
        }
        plan.pick = part.pick.clone();
        let own = part.paging.as_ref().or(self.manifest.paging.as_ref());
        plan.paging = paging(
            merge::paging(self.preset.paging.as_ref(), own).as_ref(),
            operation,
            plan.pick.is_some(),
        );
        plan.effect = operation.effect;
        plan.status = operation.status;
        plan.has_output = operation.response.is_some();
        // What a header tells of pages is there without any rows.
        let told = plan
            .paging
            .as_ref()
            .filter(|p| p.total.as_ref().is_some_and(|s| s.place == Some(Place::Header)));
        let pages = told.map_or(["page", "page_size", "total"], Paging::names);
        plan.needs_data = operation.effect == Effect::None && needs_data(&operation.output, pages);
        plan.key_field = part.key_field.clone();
        plan.ask = part.ask.clone();
        plan.serve_input = part.serve_input.clone();
        plan.serve_data = part.serve_data.clone();
        plan.transport = self.transport(part, &mut plan.key_field, operation.effect);
        plan.jump = self.jump(part, operation);
        self.request_rows(&mut plan, part, &operation.input, true);
        self.response_rows(&mut plan, part, &operation.output, true);
        self.check_call(&plan, &at);
        plan.also = part.also.as_ref().map(|also| self.also(also, part));
        plan
    }

    /// A further call: the operation's envelope, credentials and session, nothing of its fields.
    fn also(&mut self, also: &AlsoPart, part: &OperationPart) -> Also {
        let mut plan = self.outline(&also.call, None, &also.pointer);
        plan.answers = part.answers.unwrap_or(plan.answers);
        self.reading(&mut plan, &part.frame);
        plan.answer = merge::answer(&self.answer, &part.answer);
        plan.answer.empty = Some(Empty::Never);
        plan.fails = part.fails.iter().chain(&self.manifest.fails).cloned().collect();
        plan.signed = self.recipe.is_some() && part.signed.unwrap_or(true);
        plan.session = self.manifest.session.is_some() && part.session.unwrap_or(true);
        plan.send.clone_from(&self.manifest.send);
        if !plan.session {
            plan.send.retain(|i| i.value.session_values().next().is_none());
        }
        Also {
            plan: Box::new(plan),
            part: also.clone(),
        }
    }

    /// The call that exchanges a token for a number: the system's envelope, credentials and session, nothing of its rows.
    pub(super) fn exchange_call(&self, call: &CallSpec) -> Plan {
        let mut plan = self.outline(call, None, "/resolve");
        plan.key = "resolve".to_owned();
        plan.answer.empty = Some(Empty::Never);
        plan.signed = self.recipe.is_some();
        plan.session = self.manifest.session.is_some();
        plan.send.clone_from(&self.manifest.send);
        plan
    }

    /// What all plans have in common.
    fn outline(&self, call: &CallSpec, operation: Option<&Arc<Operation>>, _at: &str) -> Plan {
        let upstream = &self.manifest.upstream;
        let same = call.same.then_some(operation).flatten();
        let method = same
            .map(|o| o.method.clone())
            .or_else(|| call.method.clone())
            .or_else(|| upstream.method.clone())
            .unwrap_or_else(|| self.preset.method.to_owned());
        let path = same
            .map(|o| o.path.to_string())
            .or_else(|| call.path.clone())
            .or_else(|| upstream.path.clone())
            .unwrap_or_else(|| "/".to_owned());
        let query = call
            .query
            .as_deref()
            .and_then(|q| crate::form::decode(q, crate::charset::Charset::Utf8).ok())
            .unwrap_or_default();
        Plan {
            key: String::new(),
            operation: operation.cloned(),
            contract: operation.cloned(),
            in_query: matches!(method.as_str(), "GET" | "HEAD" | "DELETE"),
            method,
            path: Pattern::parse(&path),
            at: call.at.clone(),
            query,
            code: call.code.clone(),
            sends: upstream.sends.unwrap_or(self.preset.sends),
            answers: upstream.answers.unwrap_or(self.preset.answers),
            content_type: upstream.content_type.clone(),
            accept: self.preset.media,
            messages: self.messages.clone(),
            pick: None,
            also: None,
            frame: self.frame.clone(),
            request: Vec::new(),
            response: Vec::new(),
            send: Vec::new(),
            give: Vec::new(),
            answer: self.answer.clone(),
            fails: self.manifest.fails.clone(),
            paging: None,
            absent: Absent::Drop,
            wire: self.wire.clone(),
            signed: false,
            sealed: false,
            basic: self.manifest.auth.basic.clone(),
            basic_form: false,
            wsse: self.manifest.auth.wsse.clone(),
            session: false,
            login: false,
            effect: Effect::None,
            status: 200,
            has_output: false,
            needs_data: false,
            key_field: None,
            ask: None,
            serve_input: Vec::new(),
            serve_data: Vec::new(),
            transport: Transport::Http,
            jump: None,
            untouched: false,
        }
    }

    fn request_rows(&mut self, plan: &mut Plan, part: &OperationPart, shape: &Shape, strict: bool) {
        let system = &self.manifest.rows;
        let own = &part.rows;
        let layered = if part.internal {
            overlay(&[&own.fields, &own.request])
        } else {
            overlay(&[&system.fields, &system.request, &own.fields, &own.request])
        };
        let mut reached: HashSet<String> = self.manifest.omit.iter().chain(&part.omit).cloned().collect();
        reached.extend(plan.send.iter().flat_map(|i| inputs_of(&i.value, shape)));
        reached.extend(
            plan.send
                .iter()
                .filter(|i| i.spot.place == Some(Place::Path))
                .filter_map(|i| i.spot.path.only_name().map(str::to_owned)),
        );
        if let Some(paging) = &plan.paging {
            let [page, size, _] = paging.names();
            reached.extend([page.to_owned(), size.to_owned()]);
        }
        reached.extend(plan.pick.iter().flat_map(|p| p.fields()).map(str::to_owned));
        let names = if part.internal {
            Names::Rows
        } else {
            part.names.unwrap_or(self.names)
        };
        plan.request = self.rows(
            plan,
            &layered,
            shape,
            Direction::Request,
            names,
            &reached,
            part,
            strict && !part.internal,
        );
    }

    fn response_rows(&mut self, plan: &mut Plan, part: &OperationPart, shape: &Shape, strict: bool) {
        if !plan.has_output {
            return;
        }
        let system = &self.manifest.rows;
        let own = &part.rows;
        let layered = overlay(&[&system.fields, &system.response, &own.fields, &own.response]);
        let mut reached: HashSet<String> = plan
            .give
            .iter()
            .filter_map(|g| g.field.only_name().map(str::to_owned))
            .collect();
        reached.extend(
            plan.jump
                .iter()
                .filter(|j| j.to.is_some())
                .filter_map(|j| j.into.only_name().map(str::to_owned)),
        );
        let counted = plan.gathers();
        if let Some(paging) = plan
            .paging
            .as_ref()
            .filter(|p| p.total.is_some() || p.pages.is_some() || counted)
        {
            reached.insert(paging.names()[2].to_owned());
        }
        let names = part.names.unwrap_or(self.names);
        plan.response = self.rows(
            plan,
            &layered,
            shape,
            Direction::Response,
            names,
            &reached,
            part,
            strict,
        );
    }

    #[allow(clippy::too_many_arguments)]
    fn rows(
        &mut self,
        plan: &Plan,
        rows: &[crate::manifest::model::RowSpec],
        shape: &Shape,
        direction: Direction,
        names: Names,
        reached: &HashSet<String>,
        part: &OperationPart,
        strict: bool,
    ) -> Vec<crate::mapping::bind::Bind> {
        let mut ignored: Vec<Finding> = Vec::new();
        let path_names = match direction {
            Direction::Request => plan.path.names(),
            Direction::Response => Vec::new(),
        };
        RowCompiler {
            document: self.document,
            direction,
            codes: &self.codes,
            wire: &plan.wire,
            names,
            place: Place::Body,
            reached,
            path_names: &path_names,
            in_query: direction == Direction::Request && (plan.in_query || plan.sends == Format::Form),
            has_upload: self.manifest.files.is_some(),
            operation: &plan.key,
            pointer: &part.pointer,
            findings: if strict { &mut self.findings } else { &mut ignored },
            used: &mut self.used,
        }
        .resolve(rows, shape)
    }

    /// What must hold of a call as a whole.
    fn check_call(&mut self, plan: &Plan, at: &str) {
        if !matches!(plan.transport, Transport::Http) {
            self.check_exchange(plan, at);
            return;
        }
        self.check_formats(plan, at);
        let document = self.document;
        let mut add = |code: &str, pointer: &str, zh: &str, en: &str, expected: &str| {
            let finding = document
                .finding(code, pointer, Text::new(zh, en))
                .expected(expected, "nothing");
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        };
        let soap = plan.sends == Format::Soap && plan.has_body();
        if plan.code.is_some() && plan.frame.code.is_none() && !(soap && plan.frame.call.is_none()) {
            add(
                "no-place-for-code",
                at,
                "没有说明功能码放在哪里",
                "Nothing says where the operation code goes",
                "frame: {code: <name>}, or a call `METHOD /path`",
            );
        }
        if plan.code.is_none() && plan.frame.code.is_some() {
            add(
                "no-code",
                at,
                "此操作没有功能码",
                "This operation has no code for `frame.code`",
                "call: <code>",
            );
        }
        if soap && plan.element().is_empty() {
            add(
                "no-element",
                at,
                "SOAP 调用没有元素名",
                "The SOAP call has no element",
                "call: <element>, or frame: {call: <element>}",
            );
        }
        if plan.answer.code.is_some() && plan.answer.ok.is_none() && plan.answer.when.is_none() {
            add(
                "no-success",
                "/answer",
                "没有说明哪个结果码表示成功",
                "Nothing says which code means success",
                "answer: {ok: <code>}",
            );
        }
        if plan.frame.body.is_none() && self.manifest.upstream.dialect == "soap-cdata" {
            add(
                "no-body",
                "/frame",
                "没有说明 XML 文本放在哪个参数",
                "Nothing says which argument holds the XML",
                "frame: {body: <argument>}",
            );
        }
    }

    /// How to find out whether a call arrived: the asking operation's call, the asked operation's answer.
    pub(super) fn ask(
        &mut self,
        key: &str,
        part: &OperationPart,
        operation: &Arc<Operation>,
        operations: &[Arc<Operation>],
    ) -> Option<Plan> {
        let pointer = below(&below(&part.pointer, "unsure"), "ask");
        let manifest = self.manifest;
        let asked = manifest.operations.iter().find(|o| o.key == key);
        let Some(asking) = asked else {
            let keys: Vec<&str> = manifest.operations.iter().map(|o| o.key.as_str()).collect();
            self.findings.push(
                self.document
                    .finding(
                        "unknown-operation",
                        &pointer,
                        Text::new(
                            format!("没有操作 `{key}`"),
                            format!("There is no operation `{key}` to ask"),
                        ),
                    )
                    .expected("an operation of this manifest", key)
                    .near(hub_catalog::document::nearest(key, keys)),
            );
            return None;
        };
        let contract = operations.iter().find(|o| o.key() == key && !asking.internal);
        let mut plan = self.outline(&asking.call, contract, &asking.pointer);
        plan.operation = None;
        plan.contract = Some(Arc::clone(operation));
        plan.key = key.to_owned();
        plan.frame = merge::frame(&self.frame, &asking.frame);
        plan.sends = asking.sends.unwrap_or(plan.sends);
        plan.answers = asking.answers.unwrap_or(plan.answers);
        self.reading(&mut plan, &asking.frame);
        if let Some(place) = asking.place {
            plan.in_query = place == Place::Query;
        }
        plan.answer = merge::answer(&self.answer, &asking.answer);
        plan.fails = asking.fails.iter().chain(&manifest.fails).cloned().collect();
        plan.send = laid_over(&manifest.send, &asking.send);
        plan.give = part.give.iter().chain(&asking.give).cloned().collect();
        plan.signed = self.recipe.is_some() && asking.signed.unwrap_or(true);
        plan.sealed = self.manifest.seal.is_some() && asking.sealed.unwrap_or(true);
        plan.session = manifest.session.is_some() && asking.session.unwrap_or(true);
        plan.status = operation.status;
        plan.has_output = operation.response.is_some();
        plan.needs_data = true;
        let input = contract.map_or(&operation.input, |c| &c.input);
        self.request_rows(&mut plan, asking, input, false);
        self.response_rows(&mut plan, asking, &operation.output, false);
        Some(plan)
    }

    /// The login call.
    pub(super) fn login(&mut self) -> Option<Plan> {
        let session = self.manifest.session.as_ref()?;
        let mut plan = self.outline(&session.login, None, "/session");
        plan.key = "login".to_owned();
        let framed = session.framed.unwrap_or(session.login.code.is_some());
        self.side_call(
            &mut plan,
            framed,
            session.sends,
            session.answers,
            session.answer.as_ref(),
        );
        plan.send.retain(|i| i.value.session_values().next().is_none());
        plan.send.extend(in_body(&session.send, framed));
        plan.signed = self.recipe.is_some() && session.signed.unwrap_or(framed);
        plan.sealed = self.manifest.seal.is_some() && session.sealed.unwrap_or(framed);
        plan.login = true;
        own_basic(session, &mut plan);
        self.check_call(&plan, "/session/login");
        Some(plan)
    }

    /// The page before the login: nothing of the system's envelope, and nothing that a session would carry.
    pub(super) fn page(&self) -> Option<Plan> {
        let (call, _) = self.manifest.session.as_ref()?.page.as_ref()?;
        let get = CallSpec {
            method: Some(call.method.clone().unwrap_or_else(|| "GET".to_owned())),
            ..call.clone()
        };
        let mut plan = self.outline(&get, None, "/session/page");
        plan.key = "page".to_owned();
        self.side_call(
            &mut plan,
            false,
            Some(Format::None),
            Some(Format::Text),
            Some(&AnswerPart::default()),
        );
        plan.send.retain(|i| i.value.session_values().next().is_none());
        Some(plan)
    }

    /// The call that renews a session: like the login, but it may carry what the session holds.
    pub(super) fn refresh(&mut self) -> Option<Plan> {
        let session = self.manifest.session.as_ref()?;
        let (call, send) = session.refresh.as_ref()?;
        let mut plan = self.outline(call, None, "/session/refresh");
        plan.key = "refresh".to_owned();
        let framed = session.framed.unwrap_or(call.code.is_some());
        self.side_call(
            &mut plan,
            framed,
            session.sends,
            session.answers,
            session.answer.as_ref(),
        );
        plan.send.retain(|i| i.value.session_values().next().is_none());
        plan.send.extend(in_body(send, framed));
        plan.signed = self.recipe.is_some() && session.signed.unwrap_or(framed);
        own_basic(session, &mut plan);
        self.check_call(&plan, "/session/refresh/call");
        Some(plan)
    }

    /// The upload call.
    pub(super) fn upload(&mut self) -> Option<(Plan, UploadRules)> {
        let files = self.manifest.files.as_ref()?;
        let mut plan = self.outline(&files.upload, None, "/files");
        plan.key = "upload".to_owned();
        let framed = files.upload.code.is_some();
        self.side_call(&mut plan, framed, files.sends, None, files.answer.as_ref());
        let piece = |spot: &crate::manifest::model::Spot, word: &str| SendItem {
            spot: spot.clone(),
            value: Arc::new(Template::Pieces(vec![Piece::File(word.to_owned())])),
            pointer: "/files".to_owned(),
        };
        let mut items = files.with.clone();
        items.push(piece(&files.send, "content"));
        items.extend(files.name.iter().map(|s| piece(s, "name")));
        items.extend(files.media_type.iter().map(|s| piece(s, "type")));
        plan.send.extend(in_body(&items, framed));
        plan.signed = self.recipe.is_some();
        plan.sealed = self.manifest.seal.is_some() && framed;
        plan.session = self.manifest.session.is_some();
        self.check_call(&plan, "/files/upload");
        let rules = UploadRules {
            read: files.read.clone(),
            content: files.send.clone(),
        };
        Some((plan, rules))
    }

    /// What login and upload share: in the frame or outside of it, with the system's constants where they belong.
    fn side_call(
        &self,
        plan: &mut Plan,
        framed: bool,
        sends: Option<Format>,
        answers: Option<Format>,
        answer: Option<&AnswerPart>,
    ) {
        plan.sends = sends.unwrap_or(plan.sends);
        plan.answers = answers.unwrap_or(plan.answers);
        if !framed {
            plan.frame = Frame {
                code: None,
                body: None,
                ..self.frame.clone()
            };
        }
        self.reading(plan, &Frame::default());
        if !framed && plan.answers != Format::Soap {
            (plan.frame.output, plan.frame.reads) = (None, None);
        }
        if let Some(answer) = answer {
            plan.answer = answer.clone();
        }
        plan.answer.empty = Some(Empty::Never);
        plan.send = self
            .manifest
            .send
            .iter()
            .filter(|i| framed || !matches!(i.spot.place, None | Some(Place::Frame | Place::Body)))
            .cloned()
            .collect();
    }
}

/// The token endpoint's own user and password. One of OAuth decodes them as in a form (RFC 6749, section 2.3.1).
fn own_basic(session: &SessionPart, plan: &mut Plan) {
    if session.basic.is_some() {
        plan.basic.clone_from(&session.basic);
        let oauth = plan.send.iter().any(|i| i.spot.path.only_name() == Some("grant_type"));
        plan.basic_form = session.basic_form.unwrap_or(oauth);
    }
}

/// Values of login and upload are their fields: in a frame they stand where fields stand.
fn in_body(items: &[SendItem], framed: bool) -> Vec<SendItem> {
    items
        .iter()
        .cloned()
        .map(|mut item| {
            if framed && item.spot.place.is_none() {
                item.spot.place = Some(Place::Body);
            }
            item
        })
        .collect()
}

/// What an operation sends over what the system sends.
fn laid_over(system: &[SendItem], own: &[SendItem]) -> Vec<SendItem> {
    let mut items: Vec<SendItem> = system
        .iter()
        .filter(|s| !own.iter().any(|o| o.spot == s.spot))
        .cloned()
        .collect();
    items.extend(own.iter().cloned());
    items
}

/// Input fields that a value is made of.
fn inputs_of(template: &Template, shape: &Shape) -> Vec<String> {
    match template {
        Template::Pieces(pieces) => pieces
            .iter()
            .filter_map(|p| match p {
                Piece::Input(path) => path.first_name().map(str::to_owned),
                _ => None,
            })
            .collect(),
        Template::Expression(expression) => {
            let source = format!("{expression:?}");
            shape
                .children
                .iter()
                .map(|c| c.name.to_string())
                .filter(|n| {
                    source.contains(&format!("input.{n}"))
                        || source.contains(&format!("[\"{n}\"]"))
                        || source.contains(&format!("['{n}']"))
                })
                .collect()
        }
        Template::Constant(_) => Vec::new(),
    }
}

/// Paging as far as the operation has it.
fn paging(part: Option<&Paging>, operation: &Operation, picks: bool) -> Option<Paging> {
    let mut paging = part?.clone();
    let [page, size, total] = paging.names().map(str::to_owned);
    let asks = operation.input.child(&page).is_some() || operation.input.child(&size).is_some();
    let tells = operation.output.child(&total).is_some();
    if !asks {
        (paging.page, paging.size, paging.offset, paging.start, paging.end) = (None, None, None, None, None);
    }
    if !tells {
        (paging.total, paging.pages) = (None, None);
    }
    if picks && paging.next.is_some() {
        return Some(paging);
    }
    (asks || tells).then_some(paging)
}

/// Whether an answer needs more than an empty list, so that no data means that nothing was found.
fn needs_data(output: &Shape, pages: [&str; 3]) -> bool {
    if output.kind != ShapeKind::Object {
        return output.kind != ShapeKind::Array;
    }
    output
        .children
        .iter()
        .any(|c| c.required && c.kind != ShapeKind::Array && !pages.contains(&c.name.as_ref()))
}
