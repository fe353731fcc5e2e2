//! Reading operations, files, pages and callbacks.

use super::*;

impl Reader<'_> {
    pub(super) fn operations(&mut self, map: &Part) -> (Vec<OperationPart>, Option<OperationPart>) {
        let mut operations = Vec::new();
        let mut others = None;
        match map.get("operations") {
            None | Some(Value::String(_)) => {
                others = Some(OperationPart {
                    key: "*".to_owned(),
                    call: CallSpec::parse("same"),
                    pointer: "/operations".to_owned(),
                    ..OperationPart::default()
                });
            }
            Some(Value::Object(entries)) => {
                for (key, value) in entries {
                    let at = format!("/operations/{}", escape(key));
                    let operation = self.operation(key, value, &at);
                    if key == "*" {
                        others = Some(operation);
                    } else {
                        operations.push(operation);
                    }
                }
            }
            Some(_) => {}
        }
        (operations, others)
    }

    pub(super) fn operation(&mut self, key: &str, value: &Value, at: &str) -> OperationPart {
        let empty = Map::new();
        let map = value.as_object().unwrap_or(&empty);
        let call = value.as_str().map(str::to_owned).or_else(|| text(map, "call"));
        let not_yet = call.as_deref() == Some("not-yet");
        let reason = text(map, "not-yet").or_else(|| not_yet.then(|| "not connected yet".to_owned()));
        let serve = part(map, "serve");
        let serve_at = format!("{at}/serve");
        OperationPart {
            key: key.to_owned(),
            call: call
                .filter(|_| !not_yet)
                .map(|c| CallSpec::parse(&c))
                .unwrap_or_default(),
            rows: rows::sections(map, at),
            send: self.sends(map, "send", at),
            give: self.gives(map, "give", at),
            omit: texts(map, "omit"),
            place: text(map, "in").map(|w| if w == "query" { Place::Query } else { Place::Body }),
            answer: part(map, "answer")
                .map(|a| self.answer(a, &format!("{at}/answer")))
                .unwrap_or_default(),
            fails: self.fails(map, at),
            wire: part(map, "wire").map(wire).unwrap_or_default(),
            paging: part(map, "paging").map(|p| self.paging(p, &format!("{at}/paging"))),
            frame: self.framed(map, at),
            names: text(map, "names").and_then(|n| Names::parse(&n)),
            sends: format(map, "sends"),
            answers: format(map, "answers"),
            pick: part(map, "pick").and_then(|p| self.pick(p, &format!("{at}/pick"))),
            also: part(map, "also").and_then(|a| self.also(a, &format!("{at}/also"))),
            key_field: text(map, "key"),
            ask: part(map, "unsure").and_then(|u| text(u, "ask")),
            payment: part(map, "payment").and_then(|p| {
                let order = text(p, "order");
                if order.is_none() {
                    self.missing("`order`", &format!("{at}/payment"));
                }
                Some(crate::settings::Payment {
                    order: order?,
                    amount: text(p, "amount"),
                    state: text(p, "state"),
                })
            }),
            statement: self.time(map, "statement", at),
            internal: flag(map, "internal").unwrap_or(false),
            signed: flag(map, "signed"),
            sealed: flag(map, "sealed"),
            session: flag(map, "session"),
            batch: part(map, "batch")
                .map(|b| self.batch(b, &format!("{at}/batch")))
                .unwrap_or_default(),
            jump: part(map, "jump").map(|j| self.jump(j, &format!("{at}/jump"))),
            not_yet: reason.map(Text::same),
            serve_input: serve.map(|s| self.gives(s, "input", &serve_at)).unwrap_or_default(),
            serve_data: serve.map(|s| self.sends(s, "data", &serve_at)).unwrap_or_default(),
            pointer: at.to_owned(),
        }
    }

    fn time(&mut self, map: &Part, key: &str, at: &str) -> Option<jiff::civil::Time> {
        let value = text(map, key)?;
        let time = jiff::civil::Time::strptime("%H:%M", &value).ok();
        if time.is_none() {
            self.bad_value(&format!("{at}/{key}"), "a time of the next day such as 02:30", &value);
        }
        time
    }

    pub(super) fn callback(&mut self, map: &Part) -> CallbackPart {
        let verify = match text(map, "verify").as_deref() {
            Some("sign") => Verify::Sign,
            None if map.contains_key("sign") => Verify::Sign,
            None | Some("none") => Verify::None,
            Some(words) => match words.split_once(" in ") {
                Some((secret, place)) => self
                    .template(&Value::from(secret.trim()), "/callback/verify")
                    .map_or(Verify::None, |t| Verify::Secret(t, Spot::parse(place))),
                None => {
                    self.bad_value(
                        "/callback/verify",
                        "`sign`, `secret:x in header X-Token` or `none`",
                        words,
                    );
                    Verify::None
                }
            },
        };
        if !matches!(verify, Verify::Sign) && map.contains_key("sign") {
            let got = text(map, "verify").unwrap_or_default();
            self.bad_value(
                "/callback/verify",
                "`sign`, where the callback has a signature of its own",
                &got,
            );
        }
        CallbackPart {
            sign: map.get("sign").cloned(),
            verify,
            sends: format(map, "sends"),
            case: path(map, "case"),
            state: path(map, "state"),
            time: path(map, "time"),
            data: path(map, "data").unwrap_or_default(),
            fields: rows::read(map.get("fields"), "/callback/fields"),
            steps: part(map, "steps")
                .into_iter()
                .flatten()
                .map(|(from, to)| {
                    let to = scalar_text(to).unwrap_or_default();
                    let to = to.split(',').map(str::trim).filter(|s| !s.is_empty());
                    (from.clone(), to.map(str::to_owned).collect())
                })
                .collect(),
            poll: part(map, "poll").and_then(|poll| {
                let every = self.duration(poll, "every", "/callback/poll");
                let ask = text(poll, "ask");
                if ask.is_none() || every.is_none() {
                    self.missing("`ask` / `every`", "/callback/poll");
                }
                Some((ask?, every?))
            }),
            answer: reply(text(map, "answer").as_deref().unwrap_or("text success")),
            refuse: reply(text(map, "refuse").as_deref().unwrap_or("text fail")),
        }
    }

    pub(super) fn files(&mut self, map: &Part) -> Option<FilesPart> {
        let needed = |reader: &mut Self, key: &str| {
            let value = text(map, key);
            if value.is_none() {
                reader.missing(&format!("`{key}`"), "/files");
            }
            value
        };
        let (upload, send, read) = (needed(self, "upload"), needed(self, "send"), needed(self, "read"));
        Some(FilesPart {
            upload: CallSpec::parse(&upload?),
            sends: format(map, "sends"),
            send: Spot::parse(&send?),
            name: spot(map, "name"),
            media_type: spot(map, "type"),
            with: self.sends(map, "with", "/files"),
            read: Path::parse(&read?),
            answer: part(map, "answer").map(|a| self.answer(a, "/files/answer")),
        })
    }

    pub(super) fn paging(&mut self, map: &Part, at: &str) -> Paging {
        let based = |key: &str, base: i64| {
            text(map, key).map(|t| match t.rsplit_once(" from ") {
                Some((name, from)) => (Spot::parse(name), from.trim().parse().unwrap_or(base)),
                None => (Spot::parse(&t), base),
            })
        };
        let names = texts(map, "fields");
        let fields = match names.as_slice() {
            [] => None,
            [page, size, total] => Some([page.clone(), size.clone(), total.clone()]),
            _ => {
                self.bad_value(&format!("{at}/fields"), "[page, size, total]", &names.join(", "));
                None
            }
        };
        Paging {
            page: based("page", 1),
            size: spot(map, "size"),
            offset: spot(map, "offset"),
            start: based("start", 1),
            end: spot(map, "end"),
            total: spot(map, "total"),
            next: spot(map, "next"),
            list: path(map, "list"),
            pages: path(map, "pages"),
            max: map.get("max").and_then(Value::as_i64),
            fields,
        }
    }
}

/// `text success`, `json {"code":0}`, `xml <ok/>`.
fn reply(text: &str) -> (Format, String) {
    match text.split_once(' ') {
        Some((word, rest)) if Format::parse(word).is_some() => {
            (Format::parse(word).unwrap_or(Format::Text), rest.to_owned())
        }
        _ => (Format::Text, text.to_owned()),
    }
}
