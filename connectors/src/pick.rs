//! Rows of a feed: upstreams that answer everything to everybody leave it to the caller to find the rows that were asked
//! for. Here they are found, measured and put in order; the server half puts rows back where a feed has them.

use crate::mapping::path::{Path, Segment};
use crate::mapping::template::scalar_text;
use crate::tell::Tell;
use serde_json::{Map, Value};

/// Under this name a row sees the members of what holds its list: `../trip/route_id`.
pub const UP: &str = "..";
/// Metres where nobody says how far to look.
const DEFAULT_RADIUS: f64 = 1_000.0;
/// Mean radius of the earth in metres (IUGG).
const EARTH: f64 = 6_371_008.8;

/// `pick`: which rows of an answer are meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pick {
    /// Where the rows are: `entity[]/trip_update/stop_time_update[]`.
    pub list: Path,
    /// What must hold of a row, by its path in the row.
    pub tests: Vec<(Path, Test)>,
    /// Rows near a place.
    pub near: Option<Near>,
    /// Differences of two numbers of a row.
    pub reckon: Vec<Reckon>,
    /// What rows tell in other words.
    pub tell: Vec<Tell>,
    /// Whether the first row alone is the data.
    pub one: bool,
    /// The member that numbers the items of the outermost list, for the simulated city.
    pub key: Option<String>,
}

/// What must hold of a value in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is the input field's value; holds where the field is not given.
    Field(String),
    /// It is the input field's value, or is not there: the upstream does not know this of its rows.
    Maybe(String),
    /// Its text holds the input field's text.
    Has(String),
    /// It is the input field's value or more.
    From(String),
    /// It is the input field's value or less.
    Until(String),
    /// It is this text.
    Is(String),
    /// It is this number or more.
    Min(i64),
}

impl Test {
    /// Reads `field`, `maybe field`, `has field`, `from field`, `until field`, `is text`, `min 0`.
    ///
    /// # Errors
    /// What it must look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (word, rest) = text.split_once(' ').map_or(("", text), |(w, r)| (w, r.trim()));
        let rest = rest.to_owned();
        match word {
            "" if !rest.is_empty() => Ok(Test::Field(rest)),
            "maybe" => Ok(Test::Maybe(rest)),
            "has" => Ok(Test::Has(rest)),
            "from" => Ok(Test::From(rest)),
            "until" => Ok(Test::Until(rest)),
            "is" => Ok(Test::Is(rest)),
            "min" => rest
                .parse()
                .map(Test::Min)
                .map_err(|_| "`min` and a whole number".to_owned()),
            _ => Err(
                "an input field, `maybe field`, `has field`, `from field`, `until field`, `is text` or `min 0`"
                    .to_owned(),
            ),
        }
    }

    /// The input field it compares with.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Test::Field(f) | Test::Maybe(f) | Test::Has(f) | Test::From(f) | Test::Until(f) => Some(f),
            Test::Is(_) | Test::Min(_) => None,
        }
    }

    fn holds(&self, found: Option<&Value>, input: &Value) -> bool {
        let wanted = self.field().map(|f| input.get(f).filter(|v| !v.is_null()));
        if wanted == Some(None) {
            return true;
        }
        if matches!((self, found), (Test::Maybe(_), None | Some(Value::Null))) {
            return true;
        }
        let wanted = wanted.flatten().and_then(scalar_text).unwrap_or_default();
        let texts: Vec<String> = match found {
            Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
            other => other.and_then(scalar_text).into_iter().collect(),
        };
        texts.iter().any(|text| match self {
            Test::Field(_) | Test::Maybe(_) => {
                *text == wanted || numbers(text, &wanted).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
            }
            Test::Has(_) => text.to_lowercase().contains(&wanted.to_lowercase()),
            Test::From(_) => numbers(text, &wanted).map_or_else(|| *text >= wanted, |(a, b)| a >= b),
            Test::Until(_) => numbers(text, &wanted).map_or_else(|| *text <= wanted, |(a, b)| a <= b),
            Test::Is(constant) => text == constant,
            Test::Min(least) => text.trim().parse::<f64>().is_ok_and(|n| n >= *least as f64),
        })
    }
}

fn numbers(a: &str, b: &str) -> Option<(f64, f64)> {
    Some((a.trim().parse().ok()?, b.trim().parse().ok()?))
}

/// Rows within a radius, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Longitude in a row.
    pub longitude: Path,
    /// Latitude in a row.
    pub latitude: Path,
    /// Input fields: longitude, latitude, radius in metres.
    pub fields: [String; 3],
    /// Where the distance in whole metres is put in the row.
    pub distance: Option<Path>,
}

/// `to = left - right`, whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reckon {
    /// Where the difference is put.
    pub to: Path,
    /// In the row.
    pub left: Path,
    /// In the row, or in the whole answer.
    pub right: Path,
}

impl Pick {
    /// Input fields that choose rows.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let near = self.near.iter().flat_map(|n| n.fields.iter().map(String::as_str));
        self.tests.iter().filter_map(|(_, t)| t.field()).chain(near).collect()
    }

    /// The rows of an answer that are meant.
    #[must_use]
    pub fn choose(&self, data: &Value, document: &Value, input: &Value) -> Vec<Value> {
        let mut rows = Vec::new();
        let tree = if self.list.absolute { document } else { data };
        collect(tree, &self.list.segments, None, &mut rows);
        for row in &mut rows {
            for reckon in &self.reckon {
                reckon.put_difference(row, document);
            }
            for tell in &self.tell {
                tell.put(row);
            }
        }
        rows.retain(|row| self.tests.iter().all(|(path, test)| test.holds(path.get(row), input)));
        match &self.near {
            Some(near) => near.within(rows, input),
            None => rows,
        }
    }

    /// Rows as a feed has them (server half). The document may hold what rows are reckoned against.
    /// What a row does not tell of itself is what was asked for.
    pub fn put(&self, rows: Vec<Value>, input: &Value, document: &mut Value, data: &mut Value) {
        *data = Value::Null;
        let mut lists: Vec<Value> = Vec::new();
        for (index, mut row) in rows.into_iter().enumerate() {
            for (path, test) in &self.tests {
                let told = match test {
                    Test::Is(constant) => Some(Value::from(constant.as_str())),
                    _ => test.field().and_then(|f| input.get(f)).cloned(),
                };
                if let (Some(told), None) = (told, path.get(&row)) {
                    path.set(&mut row, told);
                }
            }
            for reckon in &self.reckon {
                reckon.put_sum(&mut row, document);
            }
            for tell in &self.tell {
                tell.take(&mut row);
            }
            lists.push(self.item(row, index));
        }
        let outermost = Path {
            absolute: self.list.absolute,
            segments: self.list.segments.iter().take(self.depth() + 1).cloned().collect(),
        };
        outermost.set_each(if self.list.absolute { document } else { data }, lists);
    }

    /// Names before the outermost list.
    fn depth(&self) -> usize {
        let at = self.list.segments.iter().position(|s| *s == Segment::Each);
        at.unwrap_or(self.list.segments.len())
    }

    /// The item of the outermost list that holds one row.
    fn item(&self, row: Value, index: usize) -> Value {
        let inner = self.list.segments.get(self.depth() + 1..).unwrap_or_default();
        let mut item = wrap(row, inner);
        if let (Some(key), Value::Object(map)) = (&self.key, &mut item) {
            map.entry(key.clone())
                .or_insert_with(|| Value::from((index + 1).to_string()));
        }
        item
    }
}

/// Walks down to the rows. `up` is what holds the list a row stands in.
fn collect(tree: &Value, segments: &[Segment], up: Option<&Value>, rows: &mut Vec<Value>) {
    let Some((first, rest)) = segments.split_first() else {
        let mut row = tree.clone();
        if let (Value::Object(map), Some(up)) = (&mut row, up) {
            map.insert(UP.to_owned(), up.clone());
        }
        if !row.is_null() {
            rows.push(row);
        }
        return;
    };
    match first {
        Segment::Each => {
            let items: &[Value] = match tree {
                Value::Array(items) => items,
                Value::Null => &[],
                one => std::slice::from_ref(one),
            };
            for item in items {
                collect(item, rest, up, rows);
            }
        }
        Segment::Name(name) => {
            if let Some(below) = tree.get(name) {
                let held = holder(tree, name, up);
                collect(below, rest, held.as_ref(), rows);
            }
        }
        _ => {}
    }
}

/// The members of a holder without the lists and the way down, so that a row does not carry the whole feed.
fn holder(tree: &Value, below: &str, up: Option<&Value>) -> Option<Value> {
    let mut map: Map<String, Value> = tree
        .as_object()?
        .iter()
        .filter(|(name, value)| *name != below && !value.is_array())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(up) = up {
        map.insert(UP.to_owned(), up.clone());
    }
    Some(Value::Object(map))
}

/// Backwards: from a row with `..` to the item that holds it.
fn wrap(mut row: Value, segments: &[Segment]) -> Value {
    let up = row.as_object_mut().and_then(|map| map.shift_remove(UP));
    let Some(at) = segments.iter().rposition(|s| matches!(s, Segment::Name(_))) else {
        return row;
    };
    let (before, after) = segments.split_at(at);
    let mut held = up.unwrap_or_else(|| Value::Object(Map::new()));
    let value = if after.contains(&Segment::Each) {
        Value::Array(vec![row])
    } else {
        row
    };
    if let (Some(Segment::Name(name)), Value::Object(map)) = (after.first(), &mut held) {
        map.insert(name.clone(), value);
    }
    wrap(held, before)
}

impl Reckon {
    fn right(&self, row: &Value, document: &Value) -> Option<i64> {
        whole(self.right.get(if self.right.absolute { document } else { row }))
    }

    fn put_difference(&self, row: &mut Value, document: &Value) {
        if let (Some(left), Some(right)) = (whole(self.left.get(row)), self.right(row, document)) {
            self.to.set(row, Value::from(left.saturating_sub(right)));
        }
    }

    fn put_sum(&self, row: &mut Value, document: &Value) {
        if let (Some(difference), Some(right)) = (whole(self.to.get(row)), self.right(row, document)) {
            self.left.set(row, Value::from(right.saturating_add(difference)));
        }
    }
}

fn whole(value: Option<&Value>) -> Option<i64> {
    scalar_text(value?)?.trim().parse().ok()
}

impl Near {
    fn within(&self, rows: Vec<Value>, input: &Value) -> Vec<Value> {
        let [longitude, latitude, radius] = &self.fields;
        let (Some(x), Some(y)) = (degrees(input.get(longitude)), degrees(input.get(latitude))) else {
            return rows;
        };
        let radius = degrees(input.get(radius)).unwrap_or(DEFAULT_RADIUS);
        let mut near: Vec<(f64, Value)> = rows
            .into_iter()
            .filter_map(|row| {
                let (a, b) = (degrees(self.longitude.get(&row))?, degrees(self.latitude.get(&row))?);
                let metres = distance((x, y), (a, b));
                (metres <= radius).then_some((metres, row))
            })
            .collect();
        near.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        near.into_iter()
            .map(|(metres, mut row)| {
                if let (Some(path), Ok(whole)) = (&self.distance, format!("{metres:.0}").parse::<i64>()) {
                    path.set(&mut row, Value::from(whole));
                }
                row
            })
            .collect()
    }
}

fn degrees(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|d: &f64| d.is_finite())
}

/// Metres between two places given as longitude and latitude in degrees (haversine).
fn distance((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> f64 {
    let (lat1, lat2) = (y1.to_radians(), y2.to_radians());
    let half = |d: f64| (d / 2.0).sin().powi(2);
    let h = half(lat2 - lat1) + lat1.cos() * lat2.cos() * half((x2 - x1).to_radians());
    2.0 * EARTH * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_below_rows_see_what_holds_them() {
        let pick = Pick {
            list: Path::parse("entity[]/trip_update/stop_time_update[]"),
            tests: vec![
                (Path::parse("stop_id"), Test::parse("station_code").unwrap()),
                (Path::parse("../trip/route_id"), Test::parse("line_no").unwrap()),
                (Path::parse("wait"), Test::parse("min 0").unwrap()),
            ],
            reckon: vec![Reckon {
                to: Path::parse("wait"),
                left: Path::parse("arrival/time"),
                right: Path::parse("/header/timestamp"),
            }],
            key: Some("id".to_owned()),
            ..Pick::default()
        };
        let feed = json!({"header": {"timestamp": 1000}, "entity": [
            {"id": "a", "trip_update": {"trip": {"route_id": "10"}, "stop_time_update": [
                {"stop_id": "S1", "arrival": {"time": 1060}}, {"stop_id": "S2", "arrival": {"time": 1100}}]}},
            {"id": "b", "trip_update": {"trip": {"route_id": "10"}, "stop_time_update": [{"stop_id": "S1", "arrival": {"time": 900}}]}},
            {"id": "c", "trip_update": {"trip": {"route_id": "11"}, "stop_time_update": [{"stop_id": "S1", "arrival": {"time": 1090}}]}},
            {"id": "d", "vehicle": {}},
        ]});
        let rows = pick.choose(&feed, &feed, &json!({"station_code": "S1", "line_no": "10"}));
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0]["wait"], 60);
        assert_eq!(Path::parse("../trip/route_id").get(&rows[0]), Some(&json!("10")));
        assert_eq!(Path::parse("../../id").get(&rows[0]), Some(&json!("a")));
        let (mut document, mut data) = (json!({"header": {"timestamp": 1000}}), Value::Null);
        let row = json!({"stop_id": "S1", "wait": 60, "..": {"trip": {"route_id": "10"}}});
        pick.put(vec![row], &json!({"line_no": "10"}), &mut document, &mut data);
        let item = &data["entity"][0];
        assert_eq!(item["id"], "1");
        assert_eq!(item["trip_update"]["trip"]["route_id"], "10");
        assert_eq!(item["trip_update"]["stop_time_update"][0]["arrival"]["time"], 1060);
    }

    #[test]
    fn near_places_nearest_first() {
        let pick = Pick {
            list: Path::parse("stations[]"),
            near: Some(Near {
                longitude: Path::parse("lon"),
                latitude: Path::parse("lat"),
                fields: ["longitude".into(), "latitude".into(), "radius_m".into()],
                distance: Some(Path::parse("metres")),
            }),
            ..Pick::default()
        };
        let feed = json!({"stations": [{"id": 1, "lon": 100.02, "lat": 30.0}, {"id": 2, "lon": "100.01", "lat": 30.0}, {"id": 3, "lon": 101, "lat": 30}]});
        let rows = pick.choose(
            &feed,
            &feed,
            &json!({"longitude": 100.0, "latitude": 30.0, "radius_m": 5000}),
        );
        let ids: Vec<_> = rows.iter().map(|r| r["id"].clone()).collect();
        assert_eq!(ids, [json!(2), json!(1)]);
        // 0.01 degrees of a circle of 6 371 008.8 m times cos 30 degrees.
        assert_eq!(rows[0]["metres"], 963);
    }

    #[test]
    fn a_published_distance() {
        // Nashville to Los Angeles airport, the worked example of the haversine formula: 2 887.26 km with R = 6 372.8 km.
        let metres = distance((-86.67, 36.12), (-118.40, 33.94)) * 6_372_800.0 / EARTH;
        assert!((metres - 2_887_259.95).abs() < 1_000.0, "{metres}");
    }
}
