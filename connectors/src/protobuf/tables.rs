//! Tables of messages: names, numbers and types of fields, as text in a manifest or built in for a standard.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `string`.
    Text,
    /// `bytes`, Base64 in the tree.
    Bytes,
    /// `bool`.
    Bool,
    /// `int32`, `int64`.
    Int,
    /// `uint32`, `uint64`.
    Uint,
    /// `sint32`, `sint64`.
    Sint,
    /// `fixed32`.
    Fixed32,
    /// `fixed64`.
    Fixed64,
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// An enum, by its words.
    Enum(String),
    /// A message.
    Message(String),
}

impl Kind {
    /// Whether a repeated field of it may be packed.
    pub(super) fn is_packable(&self) -> bool {
        !matches!(self, Kind::Text | Kind::Bytes | Kind::Message(_))
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name in the tree.
    pub name: String,
    /// Type.
    pub kind: Kind,
    /// Whether it is a list.
    pub repeated: bool,
}

/// Messages and enums by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages {
    root: String,
    messages: BTreeMap<String, BTreeMap<u32, Field>>,
    enums: BTreeMap<String, BTreeMap<u64, String>>,
}

/// GTFS Realtime 2.0 (gtfs.org/documentation/realtime/proto): the messages of the three kinds of feeds, and stops.
static GTFS_REALTIME: LazyLock<Messages> = LazyLock::new(|| {
    let mut messages = Messages {
        root: "FeedMessage".to_owned(),
        ..Messages::default()
    };
    for (name, entries) in GTFS_REALTIME_TABLE {
        for (number, words) in *entries {
            // The table is ours and its test reads every line of it.
            let _ = messages.add(name, number, words);
        }
    }
    messages
});

type Table = &'static [(&'static str, &'static [(&'static str, &'static str)])];

const GTFS_REALTIME_TABLE: Table = &[
    (
        "FeedMessage",
        &[("1", "FeedHeader header"), ("2", "repeated FeedEntity entity")],
    ),
    (
        "FeedHeader",
        &[
            ("1", "string gtfs_realtime_version"),
            ("2", "Incrementality incrementality"),
            ("3", "uint64 timestamp"),
            ("4", "string feed_version"),
        ],
    ),
    ("Incrementality", &[("0", "FULL_DATASET"), ("1", "DIFFERENTIAL")]),
    (
        "FeedEntity",
        &[
            ("1", "string id"),
            ("2", "bool is_deleted"),
            ("3", "TripUpdate trip_update"),
            ("4", "VehiclePosition vehicle"),
            ("5", "Alert alert"),
            ("7", "Stop stop"),
        ],
    ),
    (
        "TripUpdate",
        &[
            ("1", "TripDescriptor trip"),
            ("2", "repeated StopTimeUpdate stop_time_update"),
            ("3", "VehicleDescriptor vehicle"),
            ("4", "uint64 timestamp"),
            ("5", "int32 delay"),
            ("6", "TripProperties trip_properties"),
        ],
    ),
    (
        "TripProperties",
        &[
            ("1", "string trip_id"),
            ("2", "string start_date"),
            ("3", "string start_time"),
            ("4", "string shape_id"),
            ("5", "string trip_headsign"),
            ("6", "string trip_short_name"),
        ],
    ),
    (
        "StopTimeEvent",
        &[("1", "int32 delay"), ("2", "int64 time"), ("3", "int32 uncertainty")],
    ),
    (
        "StopTimeUpdate",
        &[
            ("1", "uint32 stop_sequence"),
            ("2", "StopTimeEvent arrival"),
            ("3", "StopTimeEvent departure"),
            ("4", "string stop_id"),
            ("5", "StopScheduleRelationship schedule_relationship"),
            ("7", "OccupancyStatus departure_occupancy_status"),
        ],
    ),
    (
        "StopScheduleRelationship",
        &[
            ("0", "SCHEDULED"),
            ("1", "SKIPPED"),
            ("2", "NO_DATA"),
            ("3", "UNSCHEDULED"),
        ],
    ),
    (
        "TripDescriptor",
        &[
            ("1", "string trip_id"),
            ("2", "string start_time"),
            ("3", "string start_date"),
            ("4", "TripScheduleRelationship schedule_relationship"),
            ("5", "string route_id"),
            ("6", "uint32 direction_id"),
        ],
    ),
    (
        "TripScheduleRelationship",
        &[
            ("0", "SCHEDULED"),
            ("1", "ADDED"),
            ("2", "UNSCHEDULED"),
            ("3", "CANCELED"),
            ("5", "REPLACEMENT"),
            ("6", "DUPLICATED"),
            ("7", "DELETED"),
        ],
    ),
    (
        "VehicleDescriptor",
        &[("1", "string id"), ("2", "string label"), ("3", "string license_plate")],
    ),
    (
        "VehiclePosition",
        &[
            ("1", "TripDescriptor trip"),
            ("2", "Position position"),
            ("3", "uint32 current_stop_sequence"),
            ("4", "VehicleStopStatus current_status"),
            ("5", "uint64 timestamp"),
            ("6", "CongestionLevel congestion_level"),
            ("7", "string stop_id"),
            ("8", "VehicleDescriptor vehicle"),
            ("9", "OccupancyStatus occupancy_status"),
            ("10", "uint32 occupancy_percentage"),
        ],
    ),
    (
        "VehicleStopStatus",
        &[("0", "INCOMING_AT"), ("1", "STOPPED_AT"), ("2", "IN_TRANSIT_TO")],
    ),
    (
        "CongestionLevel",
        &[
            ("0", "UNKNOWN_CONGESTION_LEVEL"),
            ("1", "RUNNING_SMOOTHLY"),
            ("2", "STOP_AND_GO"),
            ("3", "CONGESTION"),
            ("4", "SEVERE_CONGESTION"),
        ],
    ),
    (
        "OccupancyStatus",
        &[
            ("0", "EMPTY"),
            ("1", "MANY_SEATS_AVAILABLE"),
            ("2", "FEW_SEATS_AVAILABLE"),
            ("3", "STANDING_ROOM_ONLY"),
            ("4", "CRUSHED_STANDING_ROOM_ONLY"),
            ("5", "FULL"),
            ("6", "NOT_ACCEPTING_PASSENGERS"),
            ("7", "NO_DATA_AVAILABLE"),
            ("8", "NOT_BOARDABLE"),
        ],
    ),
    (
        "Position",
        &[
            ("1", "float latitude"),
            ("2", "float longitude"),
            ("3", "float bearing"),
            ("4", "double odometer"),
            ("5", "float speed"),
        ],
    ),
    (
        "Alert",
        &[
            ("1", "repeated TimeRange active_period"),
            ("5", "repeated EntitySelector informed_entity"),
            ("6", "Cause cause"),
            ("7", "Effect effect"),
            ("8", "TranslatedString url"),
            ("10", "TranslatedString header_text"),
            ("11", "TranslatedString description_text"),
        ],
    ),
    (
        "Cause",
        &[
            ("1", "UNKNOWN_CAUSE"),
            ("2", "OTHER_CAUSE"),
            ("3", "TECHNICAL_PROBLEM"),
            ("4", "STRIKE"),
            ("5", "DEMONSTRATION"),
            ("6", "ACCIDENT"),
            ("7", "HOLIDAY"),
            ("8", "WEATHER"),
            ("9", "MAINTENANCE"),
            ("10", "CONSTRUCTION"),
            ("11", "POLICE_ACTIVITY"),
            ("12", "MEDICAL_EMERGENCY"),
        ],
    ),
    (
        "Effect",
        &[
            ("1", "NO_SERVICE"),
            ("2", "REDUCED_SERVICE"),
            ("3", "SIGNIFICANT_DELAYS"),
            ("4", "DETOUR"),
            ("5", "ADDITIONAL_SERVICE"),
            ("6", "MODIFIED_SERVICE"),
            ("7", "OTHER_EFFECT"),
            ("8", "UNKNOWN_EFFECT"),
            ("9", "STOP_MOVED"),
            ("10", "NO_EFFECT"),
            ("11", "ACCESSIBILITY_ISSUE"),
        ],
    ),
    ("TimeRange", &[("1", "uint64 start"), ("2", "uint64 end")]),
    (
        "EntitySelector",
        &[
            ("1", "string agency_id"),
            ("2", "string route_id"),
            ("3", "int32 route_type"),
            ("4", "TripDescriptor trip"),
            ("5", "string stop_id"),
            ("6", "uint32 direction_id"),
        ],
    ),
    ("TranslatedString", &[("1", "repeated Translation translation")]),
    ("Translation", &[("1", "string text"), ("2", "string language")]),
    (
        "Stop",
        &[
            ("1", "string stop_id"),
            ("2", "TranslatedString stop_code"),
            ("3", "TranslatedString stop_name"),
            ("5", "TranslatedString stop_desc"),
            ("6", "float stop_lat"),
            ("7", "float stop_lon"),
            ("8", "string zone_id"),
            ("9", "TranslatedString stop_url"),
            ("11", "string parent_station"),
        ],
    ),
];

impl Messages {
    /// The messages of GTFS Realtime.
    #[must_use]
    pub fn gtfs_realtime() -> Self {
        GTFS_REALTIME.clone()
    }

    /// Name of the message that a body is.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The same with another root.
    #[must_use]
    pub fn rooted(mut self, root: &str) -> Self {
        root.clone_into(&mut self.root);
        self
    }

    /// Adds a line of a table: `1: string id`, `2: repeated Entity entity`, or `0: WORD` for an enum.
    ///
    /// # Errors
    /// What a line must look like.
    pub fn add(&mut self, message: &str, number: &str, words: &str) -> Result<(), String> {
        let form =
            || format!("`{number}: {words}`: expected `<number>: [repeated] <type> <name>`, or `<number>: WORD`");
        let mut words = words.split_whitespace();
        let first = words.next().ok_or_else(form)?;
        let (repeated, kind) = if first == "repeated" {
            (true, words.next().ok_or_else(form)?)
        } else {
            (false, first)
        };
        match (words.next(), words.next(), repeated) {
            (None, _, false) => {
                let number = number.parse().map_err(|_| form())?;
                self.enums
                    .entry(message.to_owned())
                    .or_default()
                    .insert(number, kind.to_owned());
            }
            (Some(name), None, _) => {
                let number: u32 = number.parse().map_err(|_| form())?;
                if !(1..=536_870_911).contains(&number) {
                    return Err(form());
                }
                let field = Field {
                    name: name.to_owned(),
                    kind: kind_named(kind),
                    repeated,
                };
                self.messages
                    .entry(message.to_owned())
                    .or_default()
                    .insert(number, field);
            }
            _ => return Err(form()),
        }
        Ok(())
    }

    /// Settles which names are enums, and names the first that is neither message nor enum.
    ///
    /// # Errors
    /// That name.
    pub fn settle(&mut self) -> Result<(), String> {
        for field in self.messages.values_mut().flat_map(BTreeMap::values_mut) {
            if let Kind::Message(name) = &field.kind
                && self.enums.contains_key(name)
            {
                field.kind = Kind::Enum(name.clone());
            }
        }
        let fields = self.messages.values().flat_map(BTreeMap::values);
        for field in fields {
            if let Kind::Message(name) = &field.kind
                && !self.messages.contains_key(name)
            {
                return Err(name.clone());
            }
        }
        if self.messages.contains_key(&self.root) {
            Ok(())
        } else {
            Err(self.root.clone())
        }
    }

    pub(super) fn field(&self, message: &str, number: u32) -> Option<&Field> {
        self.messages.get(message)?.get(&number)
    }

    pub(super) fn fields(&self, message: &str) -> impl Iterator<Item = (u32, &Field)> {
        self.messages.get(message).into_iter().flatten().map(|(n, f)| (*n, f))
    }

    pub(super) fn word(&self, name: &str, number: u64) -> Option<&str> {
        self.enums.get(name)?.get(&number).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str, word: &str) -> Option<u64> {
        self.enums.get(name)?.iter().find(|(_, w)| *w == word).map(|(n, _)| *n)
    }
}

fn kind_named(word: &str) -> Kind {
    match word {
        "string" => Kind::Text,
        "bytes" => Kind::Bytes,
        "bool" => Kind::Bool,
        "int32" | "int64" => Kind::Int,
        "uint32" | "uint64" => Kind::Uint,
        "sint32" | "sint64" => Kind::Sint,
        "fixed32" => Kind::Fixed32,
        "fixed64" => Kind::Fixed64,
        "float" => Kind::Float,
        "double" => Kind::Double,
        other => Kind::Message(other.to_owned()),
    }
}
