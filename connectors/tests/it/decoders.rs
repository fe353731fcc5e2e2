//! Every decoder against hostile bytes: 20,000 inputs here, a million under `make fuzz`. None panics, none takes long, none
//! makes more of an input than its size allows.

use hub_connectors::charset::{Charset, decode};
use hub_connectors::codec::{Codec, NAMES};
use hub_connectors::dialect::{Document, ReadError, json, pairs, soap, xml};
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

/// A decoder, and something good to begin with.
struct Decoder {
    name: &'static str,
    seeds: &'static [&'static str],
    read: fn(&[u8]) -> Option<Value>,
}

fn text(bytes: &[u8]) -> Option<String> {
    decode(bytes, Some(Charset::Gb18030), None).ok().map(|d| d.text)
}

fn tree(read: Result<Document, ReadError>) -> Option<Value> {
    read.ok().map(|d| json!([d.tree, d.head, d.fault.map(|(c, w)| c + &w)]))
}

const XML: &[&str] = &[
    "<?xml version=\"1.0\" encoding=\"GBK\"?><resp><head><code>0</code></head><body><row a=\"1\"><xm>张三</xm></row><row/></body></resp>",
    "<a xmlns:x=\"u\" xmlns=\"v\"><x:b c='&lt;&#x4e2d;'>t<![CDATA[<in>]]>u</x:b><!-- c --><?p i?></a>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
];

const SOAP: &[&str] = &[
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><h>1</h></s:Header><s:Body><r:GetResponse xmlns:r=\"urn:r\"><ret href=\"#id1\"/></r:GetResponse><multiRef id=\"id1\"><a>1</a><b href=\"#id1\"/></multiRef></s:Body></s:Envelope>",
    "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><Fault><Code><Value>Sender</Value></Code><Reason><Text>错</Text></Reason></Fault></Body></Envelope>",
    "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault><faultcode>soap:Client.NotFound</faultcode><faultstring>x</faultstring></soap:Fault></soap:Body></soap:Envelope>",
];

const DECODERS: [Decoder; 7] = [
    Decoder {
        name: "charset",
        seeds: &[
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            "张三𠮷",
            "\u{feff}{}",
        ],
        read: |bytes| {
            let all = [None, Some(Charset::Gbk), Some(Charset::Utf16Le), Some(Charset::Latin1)];
            let texts = all.map(|c| decode(bytes, c, Some("text/xml; charset=big5")).ok().map(|d| d.text));
            Some(json!(texts))
        },
    },
    Decoder {
        name: "xml",
        seeds: XML,
        read: |bytes| tree(xml::read(&text(bytes)?)),
    },
    Decoder {
        name: "soap",
        seeds: SOAP,
        read: |bytes| tree(soap::read(&text(bytes)?)),
    },
    Decoder {
        name: "json",
        seeds: &[
            r#"{"code":0,"data":"{\"a\":[1,2.50,1e400,\"\\ud834\\udd1e\"]}","n":null,"b":[true,false,{}]}"#,
            "[[[[[[[[1]]]]]]]]",
            r#"{"a":1775614530000123456789,"a":"\u0000","":{"":[]}}"#,
        ],
        read: |bytes| tree(json::read(&text(bytes)?)),
    },
    Decoder {
        name: "form",
        seeds: &["a=1&b=%D5%C5%C8%FD&c[]=x&c[]=y&d=%7B%22e%22%3A1%7D&+=+", "&&==&a&%zz=%"],
        read: |bytes| tree(pairs::read(&text(bytes)?, Charset::Gbk)),
    },
    Decoder {
        name: "multipart",
        seeds: &[
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--b--\r\n",
            "--b--",
        ],
        read: |bytes| {
            tree(pairs::read_multipart(
                bytes,
                "multipart/form-data; boundary=b",
                Charset::Utf8,
            ))
        },
    },
    Decoder {
        name: "codecs",
        seeds: &[
            "20260408|长期|1,280.50",
            "１２８０．５",
            "430105600101123",
            "{\"a\":[1]}",
            "1775614530000",
            "SM3:ab12cd34",
        ],
        read: |bytes| {
            let value = Value::from(text(bytes)?);
            let words = [
                "date any",
                "datetime iso",
                "month yyyyMM",
                "bool 1/0",
                "pad 10 0",
                "join ,",
                "split ;",
                "prefix a",
                "suffix b",
            ];
            let bare = NAMES.iter().filter_map(|n| Codec::parse(n).ok());
            let read = words.iter().filter_map(|w| Codec::parse(w).ok()).chain(bare);
            Some(
                read.filter_map(|codec| codec.decode(&value).ok())
                    .max_by_key(size)
                    .unwrap_or_default(),
            )
        },
    },
];

/// Characters of all texts and names, and one for each value.
fn size(value: &Value) -> usize {
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

const TOKENS: [&str; 24] = [
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
];

fn input(seeds: &[&str], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[rng.below(seeds.len())].as_bytes().to_vec();
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
                let other = seeds[rng.below(seeds.len())].as_bytes();
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
    for number in 0..wanted() {
        let at = number % DECODERS.len();
        let decoder = &DECODERS[at];
        let bytes = input(decoder.seeds, &mut rng);
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
    for (decoder, read) in DECODERS.iter().zip(read) {
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
    let inputs: [(&str, String); 12] = [
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
    ];
    for (name, text) in inputs {
        let decoder = DECODERS.iter().find(|d| d.name == name).unwrap();
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
    let mut rng = Rng(7);
    for _ in 0..wanted() / 20 {
        let bytes = input(DECODERS[4].seeds, &mut rng);
        let Some(words) = text(&bytes) else { continue };
        let pair = vec![(words.clone(), words)];
        let written = form::encode(pair.clone(), Charset::Gb18030, form::Escape::Form).unwrap();
        assert_eq!(form::decode(&written, Charset::Gb18030).unwrap(), pair);
    }
}
