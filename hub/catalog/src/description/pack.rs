//! Files to one zip, so that what was read beside a description travels with it (APPNOTE 6.3, stored entries only).

use flate2::Crc;
use std::collections::BTreeMap;

/// The bit that says a name is UTF-8.
const UTF_8: u16 = 1 << 11;
/// Version that reads stored entries.
const VERSION: u16 = 20;

/// A zip of a set of files, the description first.
#[must_use]
pub fn pack(entry: &str, files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut all: Vec<(&String, &Vec<u8>)> = files.iter().collect();
    all.sort_by_key(|(name, _)| name.as_str() != entry);
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in &all {
        let mut sum = Crc::new();
        sum.update(bytes);
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let at = u32::try_from(out.len()).unwrap_or(u32::MAX);
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        // Version, flags, method, time, date; sum, sizes; lengths of name and extra field.
        let head = [
            &VERSION.to_le_bytes()[..],
            &UTF_8.to_le_bytes(),
            &[0; 6],
            &sum.sum().to_le_bytes(),
            &size.to_le_bytes(),
            &size.to_le_bytes(),
            &length.to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        out.extend([b"PK\x03\x04", head.as_slice(), name.as_bytes(), bytes].concat());
        directory.extend(
            [
                b"PK\x01\x02",
                &VERSION.to_le_bytes()[..],
                &head,
                &[0; 10],
                &at.to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let count = u16::try_from(all.len()).unwrap_or(u16::MAX).to_le_bytes();
    let at = u32::try_from(out.len()).unwrap_or(u32::MAX).to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(directory);
    out.extend([&b"PK\x05\x06"[..], &[0; 4], &count, &count, &size, &at, &[0; 2]].concat());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{read, read_set};

    #[test]
    fn what_is_packed_reads_as_the_set_does() {
        let main = "openapi: 3.1.0\ninfo: {title: 名, version: '1'}\npaths: {/a: {$ref: 'sub/路.yaml'}}\n";
        let files = BTreeMap::from([
            ("api.yaml".to_owned(), main.as_bytes().to_vec()),
            (
                "sub/路.yaml".to_owned(),
                "get: {responses: {'200': {description: ok}}}\n".as_bytes().to_vec(),
            ),
        ]);
        let set = read_set("api.yaml", &files).unwrap();
        let packed = read("api.zip", &pack("api.yaml", &files)).unwrap();
        assert_eq!(packed.document, set.document);
        assert_eq!(packed.operations, 1);
    }
}
