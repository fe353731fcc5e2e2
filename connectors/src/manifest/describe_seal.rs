//! The description of `seal`, how bodies are enciphered, of `jwt`, tokens that the hub
//! makes itself, and of `xml-sign`.

use super::describe::{Kind, Part, key};

/// Ciphers of bodies.
const CIPHERS: &[&str] = &[
    "sm4-ecb",
    "sm4-cbc",
    "sm4-gcm",
    "aes-ecb",
    "aes-cbc",
    "aes-gcm",
    "sm2-c1c3c2",
    "sm2-c1c2c3",
    "sm2-der",
    "rsa-oaep",
    "rsa-oaep-sha1",
    "rsa-pkcs1",
];
/// Ciphers of key pairs.
const PAIRS: &[&str] = &[
    "sm2-c1c3c2",
    "sm2-c1c2c3",
    "sm2-der",
    "rsa-oaep",
    "rsa-oaep-sha1",
    "rsa-pkcs1",
];
const OUTPUTS: &[&str] = &["hex", "base64", "base64url", "raw"];
const CASES: &[&str] = &["lower", "upper"];
const PLAIN: &[&str] = &["json", "sorted-json", "xml", "form", "text"];

/// `seal`.
pub static SEAL: Part = Part {
    name: "seal",
    about: "How bodies are enciphered. Reference: docs/how-to/manifest.md, section 10.",
    keys: &[
        key("cipher", Kind::Word(CIPHERS), "Cipher and mode."),
        key(
            "key",
            Kind::Text,
            "The key: secret:seal-key, or a template whose bytes are the key: \"{secret:key | unhex}\".",
        ),
        key(
            "open",
            Kind::Text,
            "The key that opens what the upstream sends, if it is another one.",
        ),
        key(
            "iv",
            Kind::Text,
            "front, `at PLACE` or `text at PLACE`: made for each message; or the vector itself.",
        ),
        key(
            "padding",
            Kind::Word(&["pkcs7", "zero", "none"]),
            "Padding; default pkcs7.",
        ),
        key("aad", Kind::Text, "With gcm: what is authenticated besides."),
        key(
            "of",
            Kind::Texts,
            "What is sealed: body (default), a path in it, or a list of values that are sealed where they stand.",
        ),
        key(
            "into",
            Kind::Text,
            "Where the sealed text goes; default: where the plain one stood.",
        ),
        key(
            "as",
            Kind::Word(PLAIN),
            "How the plain content is written; default json, text for a list of values.",
        ),
        key(
            "output",
            Kind::Word(OUTPUTS),
            "How the sealed bytes are written; default hex.",
        ),
        key("case", Kind::Word(CASES), "Case of hex; default lower."),
        key(
            "signature",
            Kind::Word(&["sealed", "plain"]),
            "Whether signatures cover the sealed content (default) or the plain one.",
        ),
        key("envelope", Kind::Part(&ENVELOPE), ENVELOPE.about),
        key(
            "answer",
            Kind::TextOr(&ANSWER),
            "none: answers are not sealed; or what differs in them.",
        ),
    ],
};

/// `seal.envelope`.
static ENVELOPE: Part = Part {
    name: "envelope",
    about: "A key made for each message, sent along sealed for the other side.",
    keys: &[
        key("cipher", Kind::Word(PAIRS), "What seals the key."),
        key(
            "key",
            Kind::Text,
            "The other side's public key: secret:their-public-key.",
        ),
        key(
            "open",
            Kind::Text,
            "Our private key, which opens the keys of their messages.",
        ),
        key("into", Kind::Text, "Where the sealed key goes: encKey, header X-Key."),
        key("size", Kind::Count, "Bytes of the key; default 16."),
        key(
            "as",
            Kind::Word(&["bytes", "text"]),
            "text: the key is a text of letters and digits.",
        ),
        key("output", Kind::Word(OUTPUTS), "How it is written; default base64."),
        key("case", Kind::Word(CASES), "Case of hex; default lower."),
    ],
};

/// `seal.answer`.
static ANSWER: Part = Part {
    name: "seal-answer",
    about: "What differs in the sealing of answers.",
    keys: &[
        key("cipher", Kind::Word(CIPHERS), "Cipher and mode."),
        key("key", Kind::Text, "The key."),
        key("iv", Kind::Text, "The vector."),
        key("padding", Kind::Word(&["pkcs7", "zero", "none"]), "Padding."),
        key("aad", Kind::Text, "What is authenticated besides."),
        key("of", Kind::Texts, "What is sealed."),
        key("into", Kind::Text, "Where it stands."),
        key("as", Kind::Word(PLAIN), "How the plain content is written."),
        key("output", Kind::Word(OUTPUTS), "How the sealed bytes are written."),
        key("case", Kind::Word(CASES), "Case of hex."),
        key(
            "signature",
            Kind::Word(&["sealed", "plain"]),
            "What the signature of answers covers.",
        ),
    ],
};

/// `jwt`.
pub static JWT: Part = Part {
    name: "jwt",
    about: "A token (RFC 7519) that stands where `$jwt` does: a bearer token, or the assertion of a login (RFC 7523).",
    keys: &[
        key("algorithm", Kind::Word(crate::jwt::ALGORITHMS), "How it is signed."),
        key("secret", Kind::Text, "The key, secret:name."),
        key(
            "verify",
            Kind::Text,
            "The public key, where the simulated city has another secret for it.",
        ),
        key(
            "key",
            Kind::Word(&["text", "hex", "base64"]),
            "How the secret of hs256, hs384, hs512 stands; default text.",
        ),
        key(
            "header",
            Kind::Values,
            "What its header has besides alg and typ: {kid: secret:kid}.",
        ),
        key("claims", Kind::Values, "Its claims; iat and exp are added."),
        key("lives", Kind::Text, "From iat to exp; default 5m."),
    ],
};

/// `xml-sign`.
pub static XML_SIGN: Part = Part {
    name: "xml-sign",
    about: "An XML signature (W3C XML Signature; WS-Security X.509) on requests in XML or SOAP.",
    keys: &[
        key(
            "kind",
            Kind::Word(&["wsse", "enveloped"]),
            "wsse: in the SOAP header, over the body. enveloped: in the document, over all of it.",
        ),
        key(
            "algorithm",
            Kind::Word(&["rsa-sha256", "rsa-sha1", "ecdsa-sha256"]),
            "Signature and digest; default rsa-sha256.",
        ),
        key("secret", Kind::Text, "Our private key, secret:name."),
        key("certificate", Kind::Text, "Our certificate, if it goes along."),
        key("verify", Kind::Text, "The other side's certificate or public key."),
        key("answers", Kind::Flag, "Whether answers are signed too, and must be."),
    ],
};
