//! Public standards as sets of defaults. Each says what its text says; what a city adds to it, its manifest says.

use super::Preset;
use crate::manifest::model::{AnswerPart, Format, Names, Paging, Spot};
use crate::mapping::path::Path;
use serde_json::Value;

/// The defaults of a standard over plain ones; `None` for a word that is none.
pub(super) fn preset(word: &str, plain: Preset) -> Option<Preset> {
    Some(match word {
        // GeoReport v2 (wiki.open311.org/GeoReport_v2): forms go, lists of one come, an error is a list of
        // {code, description} behind an HTTP status.
        "open311" => Preset {
            sends: Format::Form,
            answer: AnswerPart {
                code: Some(Spot::parse("/0/code")),
                ok: Some(vec![Value::from("2xx")]),
                message: Some(Spot::parse("/0/description")),
                ..AnswerPart::default()
            },
            ..plain
        },
        // GBFS (gbfs.org): files with everything below `data`; nothing is asked, everything is told.
        "gbfs" => Preset {
            sends: Format::None,
            method: "GET",
            answer: AnswerPart {
                data: Some(absolute("data")),
                ..AnswerPart::default()
            },
            ..plain
        },
        "gtfs-rt" => Preset {
            sends: Format::None,
            answers: Format::Protobuf,
            method: "GET",
            ..plain
        },
        // FHIR R4, 3.1 (RESTful API) and 3.2 (Search): what goes wrong is an OperationOutcome, whatever the status;
        // pages are followed by `next`.
        "fhir-lite" => Preset {
            names: Names::Extension,
            answer: AnswerPart {
                code: Some(Spot::parse("/issue/0/code")),
                ok: Some(vec![Value::from("none")]),
                message: Some(Spot::parse("/issue/0/diagnostics")),
                ..AnswerPart::default()
            },
            paging: Some(Paging {
                size: Some(Spot::parse("_count")),
                next: Some(Spot::parse("/link[relation=next]/url")),
                total: Some(Spot::parse("/total")),
                list: Some(Path::parse("entry")),
                ..Paging::default()
            }),
            media: Some("application/fhir+json"),
            ..plain
        },
        // OCPI 2.2.1, 4.1 (Transport and format): 1xxx is success, 2xxx the caller's and 3xxx the server's fault.
        "ocpi-lite" => Preset {
            names: Names::Same,
            answer: AnswerPart {
                code: Some(Spot::parse("/status_code")),
                ok: Some(vec![Value::from(1000)]),
                message: Some(Spot::parse("/status_message")),
                data: Some(absolute("data")),
                ..AnswerPart::default()
            },
            paging: Some(Paging {
                offset: Some(Spot::parse("query offset")),
                size: Some(Spot::parse("query limit")),
                total: Some(Spot::parse("header X-Total-Count")),
                next: Some(Spot::parse("header Link")),
                max: Some(100),
                ..Paging::default()
            }),
            ..plain
        },
        // OGC API - Features - Part 1: Core 1.0 (17-069r4), 7.14 to 7.16; an exception is {code, description}.
        "ogc-features" => Preset {
            method: "GET",
            answer: AnswerPart {
                message: Some(Spot::parse("/description")),
                ..AnswerPart::default()
            },
            paging: Some(Paging {
                size: Some(Spot::parse("query limit")),
                next: Some(Spot::parse("/links[rel=next]/href")),
                total: Some(Spot::parse("/numberMatched")),
                list: Some(Path::parse("features")),
                ..Paging::default()
            }),
            media: Some("application/geo+json"),
            ..plain
        },
        _ => return None,
    })
}

fn absolute(text: &str) -> Path {
    let mut path = Path::parse(text);
    path.absolute = true;
    path
}
