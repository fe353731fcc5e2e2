//! The decoders that are attacked, each with something good to begin with.

use crate::decoders::size;
use hub_connectors::charset::{Charset, decode};
use hub_connectors::codec::{Codec, NAMES};
use hub_connectors::dialect::delimited::{self, Form};
use hub_connectors::dialect::{Document, ReadError, json, pairs, record, soap, xml};
use hub_connectors::manifest::model::{Format, Layout, LayoutField};
use hub_connectors::protobuf::{self, Messages};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// What inputs are made of.
pub enum Seeds {
    /// Texts, in UTF-8.
    Texts(&'static [&'static str]),
    /// Bytes.
    Bytes(&'static [&'static [u8]]),
}

impl Seeds {
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Bytes(all) => all.len(),
        }
    }

    pub fn get(&self, at: usize) -> &'static [u8] {
        match self {
            Self::Texts(texts) => texts[at].as_bytes(),
            Self::Bytes(all) => all[at],
        }
    }
}

/// A decoder, and something good to begin with.
pub struct Decoder {
    pub name: &'static str,
    pub seeds: Seeds,
    pub read: fn(&[u8]) -> Option<Value>,
}

pub fn text(bytes: &[u8]) -> Option<String> {
    decode(bytes, Some(Charset::Gb18030), None).ok().map(|d| d.text)
}

fn tree(read: Result<Document, ReadError>) -> Option<Value> {
    read.ok().map(|d| json!([d.tree, d.head, d.fault.map(|(c, w)| c + &w)]))
}

/// A piped record behind its length, as Q11 has it, with repeated fields.
static PIPED: LazyLock<Layout> = LazyLock::new(|| Layout {
    length: Some(8),
    separator: "|".to_owned(),
    trailing: true,
    ..layout(&["jgm", "jgxx"], &["mc", "je"])
});

static FIXED: LazyLock<Layout> =
    LazyLock::new(|| layout(&["jgm 4", "xm 10", "je 8 right 0"], &["mc 4", "je 6 right 0"]));

static FEED: LazyLock<Messages> = LazyLock::new(|| {
    let mut messages = Messages::gtfs_realtime();
    messages.settle().unwrap();
    messages
});

fn layout(fields: &[&str], of: &[&str]) -> Layout {
    let parse = |texts: &[&str]| texts.iter().map(|t| LayoutField::parse(t).unwrap()).collect();
    Layout {
        fields: parse(fields),
        rows: Some("mx".to_owned()),
        of: parse(of),
        ..Layout::default()
    }
}

/// Lines of cells as a tree.
fn lines(bytes: &[u8], separator: &str, quotes: bool) -> Option<Value> {
    let form = Form {
        separator: separator.to_owned(),
        quotes,
    };
    delimited::read(&text(bytes)?, &form).ok().map(|lines| json!(lines))
}

const XML: Seeds = Seeds::Texts(&[
    "<?xml version=\"1.0\" encoding=\"GBK\"?><resp><head><code>0</code></head><body><row a=\"1\"><xm>张三</xm></row><row/></body></resp>",
    "<a xmlns:x=\"u\" xmlns=\"v\"><x:b c='&lt;&#x4e2d;'>t<![CDATA[<in>]]>u</x:b><!-- c --><?p i?></a>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
]);

const SOAP: Seeds = Seeds::Texts(&[
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><h>1</h></s:Header><s:Body><r:GetResponse xmlns:r=\"urn:r\"><ret href=\"#id1\"/></r:GetResponse><multiRef id=\"id1\"><a>1</a><b href=\"#id1\"/></multiRef></s:Body></s:Envelope>",
    "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><Fault><Code><Value>Sender</Value></Code><Reason><Text>错</Text></Reason></Fault></Body></Envelope>",
    "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault><faultcode>soap:Client.NotFound</faultcode><faultstring>x</faultstring></soap:Fault></soap:Body></soap:Envelope>",
]);

pub const DECODERS: [Decoder; 12] = [
    Decoder {
        name: "charset",
        seeds: Seeds::Texts(&[
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            "张三𠮷",
            "\u{feff}{}",
        ]),
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
        seeds: Seeds::Texts(&[
            r#"{"code":0,"data":"{\"a\":[1,2.50,1e400,\"\\ud834\\udd1e\"]}","n":null,"b":[true,false,{}]}"#,
            "[[[[[[[[1]]]]]]]]",
            r#"{"a":1775614530000123456789,"a":"\u0000","":{"":[]}}"#,
        ]),
        read: |bytes| tree(json::read(&text(bytes)?)),
    },
    Decoder {
        name: "form",
        seeds: Seeds::Texts(&["a=1&b=%D5%C5%C8%FD&c[]=x&c[]=y&d=%7B%22e%22%3A1%7D&+=+", "&&==&a&%zz=%"]),
        read: |bytes| tree(pairs::read(&text(bytes)?, Charset::Gbk)),
    },
    Decoder {
        name: "multipart",
        seeds: Seeds::Texts(&[
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--b--\r\n",
            "--b--",
        ]),
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
        seeds: Seeds::Texts(&[
            "20260408|长期|1,280.50",
            "１２８０．５",
            "430105600101123",
            "{\"a\":[1]}",
            "1775614530000",
            "SM3:ab12cd34",
        ]),
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
    Decoder {
        name: "csv",
        seeds: Seeds::Texts(&[
            "XM,JE\r\n\"张,三\",\"1,280.50\"\r\n\"李\"\"四\"\"\",0\r\nHJ,2,1280.50\r\n",
            "a,b,c\n,,\n\"x\ny\",1,\n",
        ]),
        read: |bytes| lines(bytes, ",", true),
    },
    Decoder {
        name: "lines",
        seeds: Seeds::Texts(&["ZBMC|ZBZ|JLDW\n粮食|102.3|%\n鲜菜|98|%|\nHJ|2|200.3\n"]),
        read: |bytes| lines(bytes, "|", false),
    },
    Decoder {
        name: "piped",
        seeds: Seeds::Bytes(&[
            // The text of Q11 in GBK, and one with two repeated records.
            b"00000028|0000|\xbd\xbb\xd2\xd7\xb3\xc9\xb9\xa6|\xd5\xc5\xc8\xfd|1280.50|",
            b"00000019|0000|ok|a|1|b|2|",
            b"00000009|9|\x97\x7c|x|",
        ]),
        read: |bytes| tree(record::read(bytes, &PIPED, Format::Piped, Charset::Gbk)),
    },
    Decoder {
        name: "fixed",
        seeds: Seeds::Bytes(&[
            b"0012\xd5\xc5\xc8\xfd      00128050",
            b"0012\xd5\xc5\xc8\xfd      00128050ab  000001cd  000002",
        ]),
        read: |bytes| tree(record::read(bytes, &FIXED, Format::Fixed, Charset::Gbk)),
    },
    Decoder {
        name: "protobuf",
        seeds: Seeds::Bytes(&[
            // A feed with a vehicle, and a packed list where single values are usual.
            b"\x0a\x0b\x0a\x032.0\x18\xfc\x87\xbd\xe4\x04\x12\x19\x0a\x011\x22\x14\x0a\x04\x2a\x0210\x12\x0a\x0d\x00\x00\xf4\x41\x15\x00\x80\xc8\x42\x48\x05",
            b"\x0a\x05\x0a\x032.0\x12\x17\x0a\x012\x1a\x12\x0a\x04\x2a\x0211\x12\x0a\x08\x01\x12\x02\x08\x1e\x22\x02\x31\x32",
        ]),
        read: |bytes| tree(protobuf::read(bytes, &FEED)),
    },
];
