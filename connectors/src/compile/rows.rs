//! From rows to binds: which rows an operation uses in one direction, what stands where, and what is missing.

use crate::codec::{Codec, WireDefaults};
use crate::manifest::model::{Names, Place, RowSpec, Spot, Target};
use crate::mapping::bind::{Bind, Codes, FilePart, Link};
use crate::mapping::path::{Path, Segment};
use hub_catalog::document::{Document, nearest};
use hub_core::{Finding, Shape, ShapeKind, Text};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Which way values go, as the client half sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Canonical input to the upstream.
    Request,
    /// The upstream's answer to canonical output.
    Response,
}

/// Everything the rows of one direction of one operation are resolved with.
pub(super) struct RowCompiler<'a> {
    /// For places in messages.
    pub document: &'a Document,
    /// Which way.
    pub direction: Direction,
    /// Codes tables by name.
    pub codes: &'a BTreeMap<String, Arc<Codes>>,
    /// Codecs by meaning.
    pub wire: &'a WireDefaults,
    /// What becomes of fields without a row.
    pub names: Names,
    /// Where rows without a place go.
    pub place: Place,
    /// Canonical top-level fields that are reached otherwise: by `send`, `give`, paging, expressions.
    pub reached: &'a HashSet<String>,
    /// Names in the path template.
    pub path_names: &'a [String],
    /// Whether fields go to the query, so that names that make trees keep to plain ones.
    pub in_query: bool,
    /// Whether a paper can be uploaded.
    pub has_upload: bool,
    /// What the operation is called in messages.
    pub operation: &'a str,
    /// Where the operation stands in the manifest.
    pub pointer: &'a str,
    /// Findings so far.
    pub findings: &'a mut Vec<Finding>,
    /// Pointers of rows that found a field.
    pub used: &'a mut HashSet<String>,
}

/// Rows of the system with those of the operation laid over them: a row of the operation takes the place of rows with
/// the same upstream name or the same canonical field.
pub(super) fn overlay(layers: &[&[RowSpec]]) -> Vec<RowSpec> {
    let mut rows: Vec<RowSpec> = Vec::new();
    for layer in layers {
        let mut below = std::mem::take(&mut rows);
        for row in *layer {
            below.retain(|r| r.spot != row.spot);
            for lower in &mut below {
                lower
                    .targets
                    .retain(|t| !row.targets.iter().any(|new| new.field == t.field));
            }
        }
        below.retain(|r| !r.targets.is_empty());
        rows = below;
        rows.extend(layer.iter().filter(|r| !r.targets.is_empty()).cloned());
    }
    rows
}

/// One canonical side of one row, with the row it came from.
pub(super) struct Candidate<'r> {
    pub(super) spot: &'r Spot,
    pub(super) target: &'r Target,
    pub(super) pointer: &'r str,
}

impl RowCompiler<'_> {
    /// Resolves rows against the canonical fields of one direction.
    pub fn resolve(&mut self, rows: &[RowSpec], shape: &Shape) -> Vec<Bind> {
        let mut binds = self.level(rows, shape, self.names, true);
        self.check_names(&binds, rows);
        self.path_fields(&mut binds, shape);
        binds
    }

    fn level(&mut self, rows: &[RowSpec], shape: &Shape, names: Names, top: bool) -> Vec<Bind> {
        let candidates: Vec<Candidate<'_>> = rows
            .iter()
            .flat_map(|row| {
                row.targets.iter().map(|target| Candidate {
                    spot: &row.spot,
                    target,
                    pointer: &row.pointer,
                })
            })
            .collect();
        let mut binds = Vec::new();
        let mut covered: Vec<(Path, &str)> = Vec::new();
        for candidate in &candidates {
            let Some(found) = find(shape, &candidate.target.field) else {
                if !top {
                    self.unknown_member(candidate, shape);
                }
                continue;
            };
            self.used.insert(candidate.pointer.to_owned());
            // In `request` and `response` a field may stand under several names: sent twice, found in one of them.
            let aspect = candidate.target.chain.iter().any(|c| c.starts_with("file"))
                || candidate.pointer.contains("/request/")
                || candidate.pointer.contains("/response/");
            match covered.iter().find(|(f, _)| *f == candidate.target.field) {
                Some((_, first)) if !aspect && *first != candidate.pointer => self.twice(candidate, first),
                _ => covered.push((candidate.target.field.clone(), candidate.pointer)),
            }
            let path = self.place_of(candidate.spot, top);
            binds.extend(self.bind(candidate, path, found, names));
        }
        self.rest(shape, &Path::default(), &covered, names, top, &mut binds);
        binds
    }

    /// Fields of the contract without a row: by their own name, or reported.
    fn rest(
        &mut self,
        shape: &Shape,
        prefix: &Path,
        covered: &[(Path, &str)],
        names: Names,
        top: bool,
        binds: &mut Vec<Bind>,
    ) {
        // A row for the value itself covers all of it.
        if covered.iter().any(|(f, _)| f == prefix) {
            return;
        }
        for child in &shape.children {
            let mut field = prefix.clone();
            field.segments.push(Segment::Name(child.name.to_string()));
            if covered.iter().any(|(f, _)| *f == field) {
                continue;
            }
            let partly = covered.iter().any(|(f, _)| f.segments.starts_with(&field.segments));
            let root = prefix.is_self() && top;
            if root && self.reached.contains(child.name.as_ref()) {
                continue;
            }
            if partly {
                if child.kind == ShapeKind::Object {
                    self.rest(child, &field, covered, names, top, binds);
                }
                continue;
            }
            if root && self.path_names.iter().any(|n| n == child.name.as_ref()) {
                continue;
            }
            if names == Names::Rows {
                self.missing(child, &field);
            } else {
                binds.push(self.by_name(child, &field, names, top));
            }
        }
    }

    /// A field that keeps its own name, members and items included.
    fn by_name(&mut self, shape: &Shape, field: &Path, names: Names, top: bool) -> Bind {
        let plain = Path {
            absolute: false,
            segments: field
                .segments
                .iter()
                .map(|s| match s {
                    Segment::Name(name) => Segment::Name(names.upstream_name(name)),
                    other => other.clone(),
                })
                .collect(),
        };
        let path = match field.segments.last() {
            Some(Segment::Name(name)) if names == Names::Extension && !self.in_query => extension(name, shape),
            _ => plain,
        };
        let codec = Codec::for_shape(shape.item.as_deref().unwrap_or(shape), self.wire);
        let scalar =
            !matches!(shape.kind, ShapeKind::Object | ShapeKind::Any) && inner(shape).kind != ShapeKind::Object;
        Bind {
            place: if top { self.place } else { Place::Body },
            path,
            field: field.clone(),
            chain: if scalar {
                vec![Link::Codec(Box::new(codec))]
            } else {
                Vec::new()
            },
            whole: false,
            kind: shape.kind,
            item: shape.item.as_ref().map(|i| i.kind),
            nullable: shape.nullable,
            required: shape.required,
            level: shape.level,
            rows: self.own_rows(shape, names),
        }
    }

    /// Rows of members that have none written: each by its name. `None` where values pass whole.
    fn own_rows(&mut self, shape: &Shape, names: Names) -> Option<Vec<Bind>> {
        let inner = inner(shape);
        if inner.kind != ShapeKind::Object || inner.children.is_empty() {
            return None;
        }
        let names = if names == Names::Rows { Names::Same } else { names };
        let mut binds = Vec::new();
        for child in &inner.children {
            let field = Path {
                absolute: false,
                segments: vec![Segment::Name(child.name.to_string())],
            };
            binds.push(self.by_name(child, &field, names, false));
        }
        Some(binds)
    }

    fn place_of(&self, spot: &Spot, top: bool) -> Place {
        if !top {
            return Place::Body;
        }
        let in_path = spot
            .path
            .only_name()
            .is_some_and(|n| self.path_names.iter().any(|p| p == n));
        match spot.place {
            Some(place) => place,
            None if in_path && self.direction == Direction::Request => Place::Path,
            None => self.place,
        }
    }

    fn bind(&mut self, candidate: &Candidate<'_>, place: Place, shape: &Shape, names: Names) -> Option<Bind> {
        let target = candidate.target;
        let list = shape.kind == ShapeKind::Array;
        let whole = list
            && target
                .chain
                .iter()
                .any(|c| ["join", "split", "first", "json"].iter().any(|w| c.starts_with(w)));
        let rows = match &target.rows {
            Some(rows) => Some(self.level(rows, inner(shape), names, false)),
            None if whole && inner(shape).kind != ShapeKind::Object => None,
            None => self.own_rows(shape, names),
        };
        let chain = self.chain(candidate, shape, whole, rows.is_some())?;
        Some(Bind {
            place,
            path: candidate.spot.path.clone(),
            field: target.field.clone(),
            chain,
            whole,
            kind: shape.kind,
            item: shape.item.as_ref().map(|i| i.kind),
            nullable: shape.nullable,
            required: shape.required,
            level: shape.level,
            rows,
        })
    }

    /// What stands behind the bars, upstream first, with the system's codec for values of this meaning.
    fn chain(&mut self, candidate: &Candidate<'_>, shape: &Shape, whole: bool, has_rows: bool) -> Option<Vec<Link>> {
        let value = if shape.kind == ShapeKind::Array && !whole {
            inner(shape)
        } else {
            shape
        };
        let words = &candidate.target.chain;
        if words.is_empty() {
            if has_rows || matches!(value.kind, ShapeKind::Object | ShapeKind::Any) {
                return Some(Vec::new());
            }
            return Some(vec![Link::Codec(Box::new(Codec::for_shape(value, self.wire)))]);
        }
        let mut links = Vec::new();
        let mut codecs: Vec<&str> = Vec::new();
        let mut tables = false;
        for word in words {
            let special = self.special(candidate, word, value)?;
            match special {
                None => codecs.push(word),
                Some(link) => {
                    tables |= matches!(link, Link::Codes(_));
                    self.codecs(candidate, &mut codecs, &mut links, None)?;
                    links.push(link);
                }
            }
        }
        let last = (!tables && links.is_empty() && !whole && !has_rows).then_some(value);
        self.codecs(candidate, &mut codecs, &mut links, last)?;
        if tables {
            links.push(Link::Codec(Box::new(Codec::plain().of_kind(value.kind))));
        }
        Some(links)
    }

    fn codecs(
        &mut self,
        candidate: &Candidate<'_>,
        words: &mut Vec<&str>,
        links: &mut Vec<Link>,
        shape: Option<&Shape>,
    ) -> Option<()> {
        if words.is_empty() {
            return Some(());
        }
        let text = std::mem::take(words).join(" | ");
        match Codec::parse(&text) {
            Ok(codec) => {
                if let Some(reason) = codec.loss().filter(|_| self.direction == Direction::Response) {
                    let note = super::row_checks::lossy(self.document, candidate.pointer, reason, &text);
                    self.add_once(note);
                }
                let codec = match shape {
                    Some(shape) => codec.over_default(shape, self.wire),
                    None => codec,
                };
                links.push(Link::Codec(Box::new(codec)));
                Some(())
            }
            Err(error) => {
                let tables: Vec<&str> = self.codes.keys().map(String::as_str).collect();
                self.findings.push(
                    self.document
                        .finding(
                            "unknown-codec",
                            candidate.pointer,
                            Text::new(format!("`|` 之后的 `{text}` 无法理解"), error),
                        )
                        .expected("a codec or a table of `codes`", text.clone())
                        .near(nearest(&text, tables)),
                );
                None
            }
        }
    }

    fn special(&mut self, candidate: &Candidate<'_>, word: &str, shape: &Shape) -> Option<Option<Link>> {
        if let Some(codes) = self.codes.get(word) {
            self.check_codes(candidate, word, codes, shape);
            return Some(Some(Link::Codes(Arc::clone(codes))));
        }
        if word == "uploaded" {
            if !self.has_upload {
                self.findings.push(
                    self.document
                        .finding(
                            "no-upload",
                            candidate.pointer,
                            Text::new("`uploaded` 需要 `files` 部分", "`uploaded` needs the part `files`"),
                        )
                        .expected("files: {upload: …, send: …, read: …}", "none"),
                );
                return None;
            }
            return Some(Some(Link::Upload));
        }
        if let Some(part) = word.strip_prefix("file") {
            return Some(FilePart::parse(part.trim()).map(Link::File));
        }
        Some(None)
    }

    /// `{name}` in a path that no row fills: the canonical field of that name does.
    fn path_fields(&mut self, binds: &mut Vec<Bind>, shape: &Shape) {
        if self.direction == Direction::Response {
            return;
        }
        for name in self.path_names {
            if binds
                .iter()
                .any(|b| b.place == Place::Path && b.path.only_name() == Some(name))
            {
                continue;
            }
            // A field that stands elsewhere by its row also fills the path of the same upstream name.
            let field = match shape.child(name) {
                Some(child) => child,
                None if self.reached.contains(name) => continue,
                None => {
                    let names: Vec<&str> = shape.children.iter().map(|c| c.name.as_ref()).collect();
                    let finding = self
                        .document
                        .finding(
                            "unknown-path-name",
                            self.pointer,
                            Text::new(
                                format!("路径中的 `{{{name}}}` 没有对应的行或字段"),
                                format!("`{{{name}}}` in the path is neither a row's upstream name nor an input field"),
                            ),
                        )
                        .expected(format!("one of {}", names.join(", ")), name.as_str())
                        .near(nearest(name, names));
                    self.add_once(finding);
                    continue;
                }
            };
            let path = Path::parse(name);
            let mut bind = self.by_name(field, &path, Names::Same, true);
            bind.place = Place::Path;
            binds.retain(|b| b.field != bind.field);
            binds.push(bind);
        }
    }
}

/// FHIR R4, 2.4 (Extensibility): a value of its type in an extension, members as extensions in it, lists as repetitions.
fn extension(name: &str, shape: &Shape) -> Path {
    let value = inner(shape);
    let format = value.schema.get("format").and_then(serde_json::Value::as_str);
    let kind = match (value.kind, format) {
        (ShapeKind::Object, _) if !value.children.is_empty() => None,
        (ShapeKind::Boolean, _) => Some("valueBoolean"),
        (ShapeKind::Integer, _) => Some("valueInteger"),
        (ShapeKind::Number, _) => Some("valueDecimal"),
        (_, Some("date")) => Some("valueDate"),
        (_, Some("date-time")) => Some("valueDateTime"),
        _ => Some("valueString"),
    };
    let mut segments = vec![
        Segment::Name("extension".to_owned()),
        Segment::Where("url".to_owned(), format!("urn:hub:{}", name.replace('_', "-"))),
    ];
    if shape.kind == ShapeKind::Array {
        segments.push(Segment::Each);
    }
    segments.extend(kind.map(|k| Segment::Name(k.to_owned())));
    Path {
        absolute: false,
        segments,
    }
}

/// What is inside a list, or the value itself.
fn inner(shape: &Shape) -> &Shape {
    match (shape.kind, shape.item.as_deref()) {
        (ShapeKind::Array, Some(item)) => item,
        _ => shape,
    }
}

/// The shape at a canonical path.
pub(super) fn find<'s>(shape: &'s Shape, path: &Path) -> Option<&'s Shape> {
    path.segments.iter().try_fold(shape, |shape, segment| match segment {
        Segment::Name(name) => shape.child(name),
        Segment::Index(_) | Segment::Each => shape.item.as_deref(),
        Segment::Any | Segment::Like(_) | Segment::Where(..) => None,
    })
}

pub(super) fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
