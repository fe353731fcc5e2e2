//! Where in a text its values stand, so that single places can be edited and all else stays as it was written.

use saphyr_parser::{Event, Marker, Parser};
use std::collections::HashMap;

/// How a mapping or list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `{…}` or `[…]`.
    Flow,
    /// By indentation.
    Block,
    Scalar,
}

/// A value in a text, with offsets in bytes.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) parent: Option<usize>,
    pub(super) key: Option<String>,
    pub(super) form: Form,
    pub(super) is_map: bool,
    pub(super) start: usize,
    /// Behind its last character; of block forms only roughly.
    pub(super) end: usize,
    /// Where its key stands, or itself where it has none.
    pub(super) from: usize,
    /// Where what is in it begins, and the values in it.
    pub(super) items: Vec<usize>,
    /// Whether it is said once and meant in several places.
    pub(super) shared: bool,
}

/// All values of a text.
pub(super) struct Layout {
    pub(super) spots: Vec<Spot>,
    /// Values by the line and column that findings name.
    by_place: HashMap<(usize, usize), Vec<usize>>,
}

/// A text walked along with the events of it, so that one long line costs no more than many short ones.
struct Walk<'t> {
    text: &'t str,
    /// Where it stands, in characters and in bytes.
    chars: usize,
    at: usize,
}

impl Walk<'_> {
    fn offset(&mut self, mark: &Marker) -> usize {
        let wanted = mark.index();
        let (before, behind) = self.text.split_at_checked(self.at).unwrap_or((self.text, ""));
        self.at = match wanted.checked_sub(self.chars) {
            Some(forward) => self.at + behind.char_indices().nth(forward).map_or(behind.len(), |(at, _)| at),
            None => {
                let back = self.chars - wanted;
                before.char_indices().rev().nth(back - 1).map_or(0, |(at, _)| at)
            }
        };
        self.chars = wanted;
        self.at
    }
}

struct Maker<'t> {
    walk: Walk<'t>,
    layout: Layout,
    open: Vec<Open>,
}

struct Open {
    spot: usize,
    key: Option<(String, usize, (usize, usize))>,
}

impl Layout {
    /// The layout of JSON or YAML; none where it is neither.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut maker = Maker {
            walk: Walk { text, chars: 0, at: 0 },
            layout: Self {
                spots: Vec::new(),
                by_place: HashMap::new(),
            },
            open: Vec::new(),
        };
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.ok()?;
            maker.event(&event, &span.start, &span.end);
        }
        Some(maker.layout)
    }

    /// The value a finding names by line and column; `key` decides where several begin there.
    pub(super) fn find(&self, place: (usize, usize), key: &str) -> Option<usize> {
        let all = self.by_place.get(&place)?;
        let named = all
            .iter()
            .find(|at| self.spot(**at).is_some_and(|s| s.key.as_deref() == Some(key)));
        named.or_else(|| all.first()).copied()
    }

    pub(super) fn spot(&self, at: usize) -> Option<&Spot> {
        self.spots.get(at)
    }

    /// Whether a value, or one that holds it, is meant in several places.
    pub(super) fn is_shared(&self, at: usize) -> bool {
        let mut next = Some(at);
        while let Some(spot) = next.and_then(|at| self.spot(at)) {
            if spot.shared {
                return true;
            }
            next = spot.parent;
        }
        false
    }
}

impl Maker<'_> {
    fn event(&mut self, event: &Event<'_>, start: &Marker, end: &Marker) {
        match event {
            Event::MappingStart(anchor, _) => self.open(true, *anchor != 0, start),
            Event::SequenceStart(anchor, _) => self.open(false, *anchor != 0, start),
            Event::MappingEnd | Event::SequenceEnd => {
                let end = self.walk.offset(end);
                if let Some(open) = self.open.pop()
                    && let Some(spot) = self.layout.spots.get_mut(open.spot)
                {
                    spot.end = end;
                }
            }
            Event::Scalar(text, _, anchor, _) => {
                let (from, to) = (self.walk.offset(start), self.walk.offset(end));
                match self.open.last_mut() {
                    Some(open) if open.key.is_none() && self.layout.spots.get(open.spot).is_some_and(|s| s.is_map) => {
                        open.key = Some((text.to_string(), from, place(start)));
                    }
                    _ => drop(self.put(Form::Scalar, false, *anchor != 0, (from, to), place(start))),
                }
            }
            Event::Alias(_) => {
                let (from, to) = (self.walk.offset(start), self.walk.offset(end));
                self.put(Form::Scalar, false, true, (from, to), place(start));
            }
            _ => {}
        }
    }

    fn open(&mut self, is_map: bool, shared: bool, start: &Marker) {
        let at = self.walk.offset(start);
        let flow = self.walk.text.as_bytes().get(at) == Some(if is_map { &b'{' } else { &b'[' });
        let form = if flow { Form::Flow } else { Form::Block };
        // A collection is named by its key.
        let named = self
            .open
            .last()
            .and_then(|o| o.key.as_ref())
            .map(|(_, _, place)| *place);
        let spot = self.put(form, is_map, shared, (at, at), named.unwrap_or_else(|| place(start)));
        self.open.push(Open { spot, key: None });
    }

    fn put(
        &mut self,
        form: Form,
        is_map: bool,
        shared: bool,
        (start, end): (usize, usize),
        place: (usize, usize),
    ) -> usize {
        let at = self.layout.spots.len();
        let key = self.open.last_mut().and_then(|open| open.key.take());
        let parent = self.open.last().map(|open| open.spot);
        if let Some(parent) = parent.and_then(|p| self.layout.spots.get_mut(p)) {
            parent.items.push(at);
        }
        self.layout.by_place.entry(place).or_default().push(at);
        self.layout.spots.push(Spot {
            parent,
            from: key.as_ref().map_or(start, |(_, from, _)| *from),
            key: key.map(|(name, ..)| name),
            form,
            is_map,
            start,
            end,
            items: Vec::new(),
            shared,
        });
        at
    }
}

fn place(mark: &Marker) -> (usize, usize) {
    (mark.line().max(1), mark.col() + 1)
}
