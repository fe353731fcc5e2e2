//! The three coordinate systems in use: CGCS2000 inside (equal to WGS 84 within centimetres), GCJ-02 on maps made in
//! China, BD-09 on one map vendor's. Unconverted they put people some 500 m off.
//!
//! The offset of GCJ-02 was never published by its owner; the polynomial here is the one in general use since 2013,
//! good to a few metres of the real thing. BD-09 adds a rotation that its owner's converter can be checked against.

use super::CodecError;
use hub_core::{Semantic, Shape};
use serde_json::{Map, Number, Value};
use std::f64::consts::PI;

/// Datum of an upstream's coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datum {
    /// National geodetic coordinates, as in the contract.
    Cgcs2000,
    /// The offset system of maps made in China.
    Gcj02,
    /// GCJ-02 with a further offset.
    Bd09,
}

/// Semi-major axis and squared eccentricity of the Krasovsky 1940 ellipsoid, on which the offset is computed.
const AXIS: f64 = 6_378_245.0;
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;

impl Datum {
    /// `cgcs2000` (or `wgs84`), `gcj02`, `bd09`; `None` if nothing is to be converted.
    ///
    /// # Errors
    /// A sentence that names the choices.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        match text.to_ascii_lowercase().replace('-', "").as_str() {
            "cgcs2000" | "wgs84" => Ok(None),
            "gcj02" => Ok(Some(Self::Gcj02)),
            "bd09" => Ok(Some(Self::Bd09)),
            _ => Err(format!("expected cgcs2000, wgs84, gcj02 or bd09, got `{text}`")),
        }
    }

    /// Longitude and latitude of this datum to CGCS2000, in degrees.
    #[must_use]
    pub fn to_cgcs2000(self, longitude: f64, latitude: f64) -> (f64, f64) {
        match self {
            Self::Cgcs2000 => (longitude, latitude),
            Self::Gcj02 => inverse((longitude, latitude), gcj_from_wgs),
            Self::Bd09 => inverse(inverse((longitude, latitude), bd_from_gcj), gcj_from_wgs),
        }
    }

    /// Longitude and latitude of CGCS2000 to this datum, in degrees.
    #[must_use]
    pub fn from_cgcs2000(self, longitude: f64, latitude: f64) -> (f64, f64) {
        match self {
            Self::Cgcs2000 => (longitude, latitude),
            Self::Gcj02 => gcj_from_wgs((longitude, latitude)),
            Self::Bd09 => bd_from_gcj(gcj_from_wgs((longitude, latitude))),
        }
    }

    /// Converts every longitude with its latitude in a decoded value to CGCS2000.
    ///
    /// # Errors
    /// [`CodecError`] if one is not in degrees.
    pub fn decode_tree(self, value: &mut Value, shape: &Shape) -> Result<(), CodecError> {
        each_pair(value, shape, &|object, x, y| self.decode_pair(object, x, y))
    }

    /// Converts every longitude with its latitude in a canonical value from CGCS2000, before it is encoded.
    ///
    /// # Errors
    /// [`CodecError`] if one is not in degrees.
    pub fn encode_tree(self, value: &mut Value, shape: &Shape) -> Result<(), CodecError> {
        each_pair(value, shape, &|object, x, y| self.encode_pair(object, x, y))
    }

    /// Converts a pair of properties of one object to CGCS2000, rounded to six decimals (a decimetre). Nothing happens
    /// where one of them is missing or null.
    ///
    /// # Errors
    /// [`CodecError`] if they are not degrees.
    pub fn decode_pair(
        self,
        object: &mut Map<String, Value>,
        longitude: &str,
        latitude: &str,
    ) -> Result<(), CodecError> {
        shift(object, longitude, latitude, |x, y| self.to_cgcs2000(x, y))
    }

    /// Converts a pair of properties of one object from CGCS2000, as [`Self::decode_pair`] does.
    ///
    /// # Errors
    /// [`CodecError`] if they are not degrees.
    pub fn encode_pair(
        self,
        object: &mut Map<String, Value>,
        longitude: &str,
        latitude: &str,
    ) -> Result<(), CodecError> {
        shift(object, longitude, latitude, |x, y| self.from_cgcs2000(x, y))
    }
}

type Convert<'c> = &'c dyn Fn(&mut Map<String, Value>, &str, &str) -> Result<(), CodecError>;

fn each_pair(value: &mut Value, shape: &Shape, convert: Convert<'_>) -> Result<(), CodecError> {
    match value {
        Value::Object(object) => {
            for (x, y) in pairs(shape) {
                convert(object, x, y)?;
            }
            let mut below = shape.children.iter();
            below.try_for_each(|child| match object.get_mut(child.name.as_ref()) {
                Some(value) => each_pair(value, child, convert),
                None => Ok(()),
            })
        }
        Value::Array(items) => match &shape.item {
            Some(item) => items.iter_mut().try_for_each(|value| each_pair(value, item, convert)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Longitudes of an object with their latitudes: those whose names differ by that word only, else the first with the
/// first, and so on.
fn pairs(shape: &Shape) -> Vec<(&str, &str)> {
    let named = |meaning: Semantic| {
        shape
            .children
            .iter()
            .filter(move |c| c.semantic == meaning)
            .map(|c| c.name.as_ref())
    };
    let latitudes: Vec<&str> = named(Semantic::Latitude).collect();
    let partner = |index: usize, name: &str| {
        let wanted = name
            .replace("longitude", "latitude")
            .replace("lng", "lat")
            .replace("lon", "lat");
        let by_name = latitudes.iter().find(|l| **l == wanted);
        by_name.or_else(|| latitudes.get(index)).copied()
    };
    named(Semantic::Longitude)
        .enumerate()
        .filter_map(|(index, name)| Some((name, partner(index, name)?)))
        .collect()
}

fn shift(
    object: &mut Map<String, Value>,
    longitude: &str,
    latitude: &str,
    convert: impl Fn(f64, f64) -> (f64, f64),
) -> Result<(), CodecError> {
    let (Some(x), Some(y)) = (object.get(longitude), object.get(latitude)) else {
        return Ok(());
    };
    if x.is_null() || y.is_null() {
        return Ok(());
    }
    let (new_x, new_y) = convert(degrees(x, 180.0, "longitude")?, degrees(y, 90.0, "latitude")?);
    let (x, y) = (alike(x, new_x), alike(y, new_y));
    object.insert(longitude.to_owned(), x);
    object.insert(latitude.to_owned(), y);
    Ok(())
}

fn degrees(value: &Value, limit: f64, name: &str) -> Result<f64, CodecError> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number
        .filter(|n: &f64| n.abs() <= limit)
        .ok_or_else(|| CodecError::new(format!("{name} in degrees"), value))
}

/// A text stays a text.
fn alike(old: &Value, degrees: f64) -> Value {
    let text = format!("{degrees:.6}");
    if old.is_string() {
        return text.into();
    }
    let short = text.trim_end_matches('0').trim_end_matches('.');
    short.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// The offset applies within this box only; outside of it map makers use WGS 84.
fn inside_china(longitude: f64, latitude: f64) -> bool {
    (72.004..=137.8347).contains(&longitude) && (0.8293..=55.8271).contains(&latitude)
}

fn gcj_from_wgs((longitude, latitude): (f64, f64)) -> (f64, f64) {
    if !inside_china(longitude, latitude) {
        return (longitude, latitude);
    }
    let (x, y) = (longitude - 105.0, latitude - 35.0);
    let radians = latitude.to_radians();
    let magic = 1.0 - ECCENTRICITY * radians.sin().powi(2);
    let metres_north = AXIS * (1.0 - ECCENTRICITY) / (magic * magic.sqrt());
    let metres_east = AXIS / magic.sqrt() * radians.cos();
    (
        longitude + (east_offset(x, y) / metres_east).to_degrees(),
        latitude + (north_offset(x, y) / metres_north).to_degrees(),
    )
}

/// Sum of sines with wave lengths in degrees; amplitude in metres.
fn waves(at: f64, terms: &[(f64, f64)]) -> f64 {
    terms
        .iter()
        .map(|(amplitude, length)| amplitude * (at * PI * 2.0 / length).sin())
        .sum::<f64>()
        * 2.0
        / 3.0
}

const SHORT: [(f64, f64); 2] = [(20.0, 1.0 / 3.0), (20.0, 1.0)];

fn north_offset(x: f64, y: f64) -> f64 {
    -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + waves(x, &SHORT)
        + waves(y, &[(20.0, 2.0), (40.0, 6.0), (160.0, 24.0), (320.0, 60.0)])
}

fn east_offset(x: f64, y: f64) -> f64 {
    300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + waves(x, &SHORT)
        + waves(x, &[(20.0, 2.0), (40.0, 6.0), (150.0, 24.0), (300.0, 60.0)])
}

fn bd_from_gcj((longitude, latitude): (f64, f64)) -> (f64, f64) {
    let wave = PI * 3000.0 / 180.0;
    let radius = longitude.hypot(latitude) + 0.00002 * (latitude * wave).sin();
    let angle = latitude.atan2(longitude) + 0.000_003 * (longitude * wave).cos();
    (radius * angle.cos() + 0.0065, radius * angle.sin() + 0.006)
}

/// The point that `forward` takes to `target`: the offset changes so slowly that repeating the correction converges
/// to a millimetre within a few rounds.
fn inverse(target: (f64, f64), forward: fn((f64, f64)) -> (f64, f64)) -> (f64, f64) {
    let mut guess = target;
    for _ in 0..12 {
        let reached = forward(guess);
        let miss = (target.0 - reached.0, target.1 - reached.1);
        guess = (guess.0 + miss.0, guess.1 + miss.1);
        if miss.0.abs() + miss.1.abs() < 1e-9 {
            break;
        }
    }
    guess
}
