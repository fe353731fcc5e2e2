//! Every decoder against hostile bytes: 20,000 inputs here, a million under `make fuzz`. None panics, none takes long, none
//! makes more of an input than its size allows.

use crate::decoder_list::{DECODERS, Seeds, text};
use hub_connectors::charset::Charset;
use hub_connectors::form;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One input may take this long, on a machine under load and without optimisation.
const LONGEST: Duration = Duration::from_secs(3);

fn wanted() -> usize {
    std::env::var("HUB_FUZZ_INPUTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000)
}

/// Characters of all texts and names, and one for each value.
pub fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len(),
        Value::Number(number) => number.to_string().len(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(n.max(1)).unwrap()).unwrap()
    }
}

const TOKENS: [&str; 28] = [
    "<",
    ">",
    "</a>",
    "<a>",
    "<a b='",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?",
    "&amp;",
    "&#x0;",
    "&#1114112;",
    "\"",
    "\\u",
    "{",
    "}",
    "[",
    "]",
    "--b\r\n",
    "\r\n\r\n",
    "%",
    "xmlns:q=\"",
    "\u{0}",
    "|",
    "\u{1b}",
    "\"\"",
    "\u{12}\u{2}\u{a}",
];

fn input(seeds: &Seeds, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds.get(rng.below(seeds.len())).to_vec();
    for _ in 0..=rng.below(3) {
        let at = rng.below(bytes.len() + 1);
        match rng.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = u8::try_from(rng.below(256)).unwrap(),
            2 => {
                bytes.splice(at..at, TOKENS[rng.below(TOKENS.len())].bytes());
            }
            3 => {
                let end = (at + rng.below(40)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = rng.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 => {
                let end = (at + rng.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let other = seeds.get(rng.below(seeds.len()));
                bytes.splice(at..at, other.iter().copied());
            }
            _ if rng.below(4) > 0 => {}
            _ => {
                let token = TOKENS[rng.below(TOKENS.len())];
                bytes.splice(at..at, token.repeat(1 + rng.below(60)).bytes());
            }
        }
    }
    bytes
}

#[test]
fn hostile_bytes_are_read_or_refused_in_bounds() {
    let mut rng = Rng(2026);
    let mut read = [0_usize; DECODERS.len()];
    let decoders = DECODERS;
    for number in 0..wanted() {
        let at = number % decoders.len();
        let decoder = &decoders[at];
        let bytes = input(&decoder.seeds, &mut rng);
        let begun = Instant::now();
        let made = (decoder.read)(&bytes);
        let took = begun.elapsed();
        let shown = || format!("{} {number}: {}", decoder.name, String::from_utf8_lossy(&bytes));
        assert!(took < LONGEST, "{took:?} {}", shown());
        if let Some(value) = made {
            read[at] += 1;
            // A byte can become three in UTF-8; four charsets are tried; SOAP references may be followed a few times.
            assert!(
                size(&value) < 1_000 + bytes.len() * 64,
                "{} of {} {}",
                size(&value),
                bytes.len(),
                shown()
            );
        }
    }
    for (decoder, read) in decoders.iter().zip(read) {
        assert!(read > wanted() / 500, "{}: only {read} were readable", decoder.name);
    }
}

/// Long and deep inputs are refused early or read in linear time.
#[test]
fn long_lines_deep_nests_and_bombs_are_bounded() {
    let mega = 1 << 20;
    let nested_references = (0..40).fold(String::new(), |all, n| {
        let refers = format!("<x href=\"#i{}\"/>", n + 1).repeat(10);
        format!("{all}<multiRef id=\"i{n}\">{refers}</multiRef>")
    });
    let bomb = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><r><x href=\"#i0\"/></r>{nested_references}</s:Body></s:Envelope>"
    );
    let attributes: String = (0..100_000).map(|n| format!(" a{n}='1'")).collect();
    let inputs: [(&str, String); 20] = [
        ("json", "[".repeat(mega)),
        ("json", format!("{{\"a\":\"{}\"}}", "x".repeat(mega))),
        ("json", format!("[{}1]", "1,".repeat(mega / 2))),
        ("json", "1".repeat(mega)),
        ("json", "{\"a\":".repeat(mega / 8)),
        ("xml", "<a>".repeat(mega / 3)),
        ("xml", format!("<a {attributes}/>")),
        ("xml", format!("<a>{}</a>", "&amp;".repeat(mega / 5))),
        ("xml", format!("<a>{}</a>", "<b/>".repeat(mega / 4))),
        ("soap", bomb),
        ("form", "a=1&".repeat(mega / 4)),
        ("multipart", "--b\r\n\r\n\r\n".repeat(mega / 16)),
        ("csv", "a,".repeat(mega / 2)),
        ("csv", "\"".repeat(mega + 1)),
        ("csv", "\n".repeat(mega)),
        ("piped", "|".repeat(mega)),
        ("fixed", " ".repeat(mega)),
        // A message within a message within a message, and a million empty ones side by side.
        ("protobuf", "\u{12}\u{7f}".repeat(mega / 2)),
        ("protobuf", "\u{12}\u{0}".repeat(mega / 2)),
        ("protobuf", "\u{12}\u{2}\u{32}\u{0}".repeat(mega / 4)),
    ];
    let decoders = DECODERS;
    for (name, text) in inputs {
        let decoder = decoders.iter().find(|d| d.name == name).unwrap();
        let begun = Instant::now();
        let made = (decoder.read)(text.as_bytes());
        let took = begun.elapsed();
        let begins: String = text.chars().take(40).collect();
        assert!(took < Duration::from_secs(10), "{name} {begins}: {took:?}");
        if let Some(value) = made {
            // References of SOAP are followed up to a fixed number of elements.
            assert!(
                size(&value) < 200_000 + text.len() * 8,
                "{name} {begins}: {}",
                size(&value)
            );
        }
    }
}

/// A line of 100 MB is refused by its length, before anything of it is read.
#[test]
fn a_hundred_megabytes_are_refused_at_once() {
    use crate::city;
    let up = city::connector("system: t/sys\nupstream: {dialect: rest-json}\n");
    let body = vec![b'['; 100 << 20];
    let begun = Instant::now();
    let (answer, _) = city::drive(
        &up,
        "bill-query",
        &json!({"account_no": "1"}),
        None,
        &mut |_, exchange| {
            assert!(exchange.responses.is_empty());
            hub_core::RawResponse {
                status: 200,
                headers: Vec::new(),
                body: body.clone(),
            }
        },
    );
    let code = answer.unwrap_err().problem().code;
    assert_eq!(code, hub_core::ProblemCode::UpstreamUnexpected);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// What is written in a form reads back as it was.
#[test]
fn forms_of_hostile_texts_read_back() {
    let form_seeds = DECODERS.into_iter().find(|d| d.name == "form").unwrap().seeds;
    let mut rng = Rng(7);
    for _ in 0..wanted() / 20 {
        let bytes = input(&form_seeds, &mut rng);
        let Some(words) = text(&bytes) else { continue };
        let pair = vec![(words.clone(), words)];
        let written = form::encode(pair.clone(), Charset::Gb18030, form::Escape::Form).unwrap();
        assert_eq!(form::decode(&written, Charset::Gb18030).unwrap(), pair);
    }
}
