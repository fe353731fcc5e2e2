//! Names and what they may stand for: words in several spellings, and pinyin of Chinese titles, in full, as initials,
//! or shortened as manuals do (`sfzh` for 身份证号码).

use pinyin::{ToPinyin, ToPinyinMulti};

/// Words that are used for one another in names of interfaces. The first stands for all.
const SAME: &[&[&str]] = &[
    &["no", "num", "number", "nr", "nbr", "sn", "serial"],
    &["id", "identifier", "identity", "idcard", "key"],
    &["amount", "amt", "money", "sum", "fee", "charge", "cost", "cash"],
    &["price", "unitprice"],
    &["name", "nm", "title"],
    &[
        "mobile",
        "phone",
        "tel",
        "telephone",
        "cellphone",
        "mobilephone",
        "msisdn",
    ],
    &["address", "addr", "location", "place"],
    &["date", "dt", "day", "on"],
    &["time", "datetime", "timestamp", "at", "ts", "tm"],
    &["status", "state", "stat", "st"],
    &["type", "kind", "category", "class", "tp"],
    &["list", "items", "rows", "records", "array", "data"],
    &["begin", "start", "from", "since"],
    &["end", "to", "until", "finish", "stop"],
    &[
        "org",
        "organization",
        "organisation",
        "company",
        "enterprise",
        "corp",
        "firm",
        "unit",
        "ent",
        "employer",
    ],
    &["cert", "certificate", "licence", "license", "lic", "permit"],
    &["qty", "quantity", "count", "cnt"],
    &[
        "description",
        "desc",
        "remark",
        "remarks",
        "memo",
        "note",
        "comment",
        "content",
    ],
    &["person", "citizen", "user", "customer", "resident", "people"],
    &["account", "acct", "acc"],
    &["total", "tot", "sumtotal"],
    &["month", "ym", "period"],
    &["department", "dept", "agency"],
    &["code", "cd"],
    &[
        "query", "get", "search", "find", "fetch", "select", "inquire", "inquiry", "lookup", "track",
    ],
    &[
        "apply",
        "application",
        "submit",
        "create",
        "add",
        "new",
        "save",
        "register",
        "registration",
        "report",
    ],
    &["cancel", "withdraw", "revoke", "delete", "remove"],
    &["reserve", "book", "booking", "appointment", "appoint", "reservation"],
    &["pay", "payment", "paid"],
    &["result", "outcome"],
    &["reason", "cause"],
    &["url", "link", "href", "uri"],
    &["image", "picture", "photo", "pic", "img"],
    &["file", "attachment", "document", "doc"],
    &["longitude", "lng", "lon", "long"],
    &["latitude", "lat"],
    &["bill", "invoice", "statement"],
    &["valid", "expire", "expiry", "expiration", "expires"],
];

/// Words that many names share, so that they tell little.
const COMMON: &[&str] = &[
    "no", "id", "name", "code", "type", "list", "info", "value", "date", "time", "status", "query", "apply",
];

/// Words that say nothing of a field at all: units and padding.
const PADDING: &[&str] = &[
    "fen", "yuan", "the", "of", "a", "an", "and", "for", "by", "in", "is", "info", "field", "resident",
];

/// Titles say the same thing in several ways at their end.
const ENDINGS: &[&[&str]] = &[
    &["号码", "编号", "号", "编码", "代码", "证号"],
    &["姓名", "名称", "名"],
    &["时间", "日期", "日"],
    &["手机号码", "联系电话", "手机号", "手机", "电话"],
    &["金额", "费用", "费", "额"],
    &["地址", "住址", "位置"],
    &["状态", "情况"],
    &["说明", "描述", "内容", "备注"],
    &["列表", "明细", "清单", "记录", "信息"],
];

/// A name as lower-case words: `sfzHm_no` is sfz, hm, no.
pub(super) fn split(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|b| chars.get(b));
        let after = chars.get(i + 1);
        let starts = c.is_ascii_uppercase()
            && (before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                || before.is_some_and(char::is_ascii_uppercase) && after.is_some_and(char::is_ascii_lowercase));
        if (starts || !c.is_ascii_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The name as one lower-case word of letters and digits.
pub(super) fn squeezed(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn group(word: &str) -> Option<&'static str> {
    SAME.iter().find(|g| g.contains(&word)).and_then(|g| g.first()).copied()
}

/// How nearly two words mean the same, 0 to 1.
fn likeness(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    if let (Some(x), Some(y)) = (group(a), group(b))
        && x == y
    {
        return 0.9;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let common = short.bytes().zip(long.bytes()).take_while(|(x, y)| x == y).count();
    if common >= 4 && long.len() - common <= 4 {
        return 0.85;
    }
    if short.len() >= 3 && common == short.len() {
        return 0.7;
    }
    if short.len() >= 5 && strsim::jaro_winkler(a, b) > 0.93 {
        return 0.7;
    }
    0.0
}

fn weight(word: &str) -> f64 {
    match group(word).unwrap_or(word) {
        common if COMMON.contains(&common) => 0.6,
        _ => 1.0,
    }
}

/// How nearly two lists of words mean the same, 0 to 1; order does not count.
pub(super) fn alike(a: &[String], b: &[String]) -> f64 {
    let kept = |words: &[String]| -> Vec<String> {
        let some: Vec<String> = words
            .iter()
            .filter(|w| !PADDING.contains(&w.as_str()))
            .cloned()
            .collect();
        if some.is_empty() { words.to_vec() } else { some }
    };
    let (a, b) = (kept(a), kept(b));
    let all: f64 = a.iter().chain(&b).map(|w| weight(w)).sum();
    if all <= 0.0 {
        return 0.0;
    }
    let mut free: Vec<&String> = b.iter().collect();
    let mut shared = 0.0;
    for word in &a {
        let best = free
            .iter()
            .enumerate()
            .map(|(i, other)| (i, likeness(word, other)))
            .max_by(|x, y| x.1.total_cmp(&y.1));
        if let Some((i, like)) = best.filter(|(_, like)| *like > 0.0) {
            let other = free.remove(i);
            shared += like * (weight(word) + weight(other));
        }
    }
    shared / all
}

/// Chinese characters of a text, without what stands in brackets: units and explanations.
pub(super) fn characters(text: &str) -> Vec<char> {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            match c {
                '(' | '（' | '[' | '【' => depth += 1,
                ')' | '）' | ']' | '】' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && is_han(*c)
        })
        .collect()
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}')
}

/// A title whose sounds are known, with its variants.
#[derive(Debug, Clone, Default)]
pub(super) struct Sounds {
    /// Readings of every character: of the title first, then of its variants.
    variants: Vec<Vec<Vec<&'static str>>>,
}

impl Sounds {
    pub(super) fn of(title: &str) -> Self {
        let title = characters(title);
        if title.is_empty() {
            return Self::default();
        }
        let mut texts = vec![title.clone()];
        let whole: String = title.iter().collect();
        let endings = ENDINGS.iter().flat_map(|g| g.iter().map(move |e| (g, e)));
        let longest = endings
            .filter(|(_, end)| whole.ends_with(**end))
            .max_by_key(|(_, end)| end.len());
        if let Some((group, end)) = longest
            && let Some(stem) = whole.strip_suffix(end)
        {
            texts.extend(
                group
                    .iter()
                    .filter(|e| *e != end)
                    .map(|e| format!("{stem}{e}").chars().collect()),
            );
        }
        // The common reading of a character first.
        let readings = |text: &Vec<char>| -> Vec<Vec<&'static str>> {
            text.iter()
                .map(|c| {
                    let mut all: Vec<&'static str> = c.to_pinyin().map(pinyin::Pinyin::plain).into_iter().collect();
                    for other in c.to_pinyin_multi().into_iter().flatten().map(pinyin::Pinyin::plain) {
                        if !all.contains(&other) {
                            all.push(other);
                        }
                    }
                    all
                })
                .collect()
        };
        Self {
            variants: texts.iter().map(readings).collect(),
        }
    }

    /// How well letters spell the title, 0 to 100, and whether they spell whole syllables.
    pub(super) fn spelled(&self, letters: &str) -> (u8, bool) {
        let letters = letters.trim_start_matches(|c: char| c.is_ascii_digit());
        let spelling = |(i, readings): (usize, &Vec<Vec<&'static str>>)| {
            let (points, full) = spell(letters.as_bytes(), readings);
            (points.saturating_sub(if i == 0 { 0 } else { 7 }), full)
        };
        self.variants
            .iter()
            .enumerate()
            .map(spelling)
            .max()
            .unwrap_or((0, false))
    }
}

/// A way of reading letters as a title.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Reading {
    /// Letters explained.
    letters: usize,
    /// Characters used.
    characters: usize,
    /// Times that the reading jumps over characters.
    jumps: usize,
    /// Whole syllables among the characters.
    syllables: usize,
    /// Characters that are read as they seldom are.
    rare: usize,
}

impl Reading {
    fn worth(&self) -> i64 {
        let n = |x: usize| i64::try_from(x).unwrap_or(0);
        10 * n(self.characters) + 6 * n(self.letters) - 9 * n(self.jumps) - 8 * n(self.rare)
    }
}

/// The best reading of all letters from `at` on with characters from `from` on; no letter may be left over.
fn spell(letters: &[u8], title: &[Vec<&'static str>]) -> (u8, bool) {
    const LONGEST: usize = 48;
    if letters.is_empty() || letters.len() > LONGEST || title.len() > LONGEST || !letters.is_ascii() {
        return (0, false);
    }
    let (rows, columns) = (letters.len(), title.len());
    // best[l][t]: letters l.. read with characters t.., where t is the first that is used.
    let mut best: Vec<Vec<Option<Reading>>> = vec![vec![None; columns + 1]; rows + 1];
    for slot in best.last_mut().into_iter().flatten() {
        *slot = Some(Reading::default());
    }
    for l in (0..rows).rev() {
        for t in (0..columns).rev() {
            let mut chosen: Option<Reading> = None;
            for (which, syllable) in title.get(t).into_iter().flatten().enumerate() {
                for length in [1, syllable.len()] {
                    let fits = letters.get(l..l + length) == syllable.as_bytes().get(..length);
                    if !fits || length == 0 {
                        continue;
                    }
                    for next in t + 1..=columns {
                        let after = l + length;
                        if after < rows && next == columns || after == rows && next > t + 1 {
                            continue;
                        }
                        let Some(rest) = best.get(after).and_then(|r| r.get(next)).copied().flatten() else {
                            continue;
                        };
                        let reading = Reading {
                            letters: rest.letters + length,
                            characters: rest.characters + 1,
                            jumps: rest.jumps + usize::from(next > t + 1),
                            syllables: rest.syllables + usize::from(length > 1 && length == syllable.len()),
                            rare: rest.rare + usize::from(which > 0),
                        };
                        if chosen.is_none_or(|c| reading.worth() > c.worth()) {
                            chosen = Some(reading);
                        }
                    }
                }
            }
            if let Some(slot) = best.get_mut(l).and_then(|r| r.get_mut(t)) {
                *slot = chosen;
            }
        }
    }
    let Some((start, reading)) = best
        .first()
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(t, r)| r.map(|r| (t, r)))
        .max_by_key(|(t, r)| (r.worth(), std::cmp::Reverse(*t)))
    else {
        return (0, false);
    };
    judge(reading, start, columns)
}

/// Points of a reading: short initials prove little, gaps and left-out characters cost.
fn judge(reading: Reading, start: usize, columns: usize) -> (u8, bool) {
    let full = reading.syllables * 2 > reading.characters;
    let most: f64 = match (reading.characters, full) {
        (_, true) => 96.0,
        (1, _) => 40.0,
        (2, _) => 84.0,
        (3, _) => 91.0,
        _ => 95.0,
    };
    #[allow(clippy::cast_precision_loss)]
    let covered = reading.characters as f64 / columns.max(1) as f64;
    #[allow(clippy::cast_precision_loss)]
    let gaps = reading.jumps as f64 * 6.0 + reading.rare as f64 * 12.0 + if start > 0 { 3.0 } else { 0.0 };
    let points = most * (0.55 + 0.45 * covered) - gaps;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let points = points.clamp(0.0, 100.0) as u8;
    (points, full)
}

/// How much of two Chinese texts is the same, 0 to 1: pairs of neighbours in common.
pub(super) fn overlap(a: &[char], b: &[char]) -> f64 {
    let pairs =
        |text: &[char]| -> Vec<(char, char)> { text.iter().copied().zip(text.iter().copied().skip(1)).collect() };
    let (a, b) = (pairs(a), pairs(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let mut free = b.clone();
    let mut shared = 0_usize;
    for pair in &a {
        if let Some(i) = free.iter().position(|p| p == pair) {
            free.swap_remove(i);
            shared += 1;
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let dice = 2.0 * shared as f64 / (a.len() + b.len()) as f64;
    dice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_people_read_them() {
        assert_eq!(split("sfzHmNo2"), ["sfz", "hm", "no2"]);
        assert_eq!(split("GetXMLBill_by-id"), ["get", "xml", "bill", "by", "id"]);
        assert_eq!(squeezed("Bill_No"), "billno");
    }

    #[test]
    fn words_are_compared_by_meaning() {
        let of = |a: &str, b: &str| alike(&split(a), &split(b));
        assert!(of("billAmount", "bill_amount_fen") > 0.99);
        assert!(of("startDate", "begin_date") > 0.9);
        assert!(of("custPhone", "mobile") > 0.4);
        assert!(of("billAmount", "full_name") < 0.1);
        assert!(of("submitTime", "submitted_at") > 0.8);
    }

    #[test]
    fn pinyin_in_full_as_initials_and_shortened() {
        let name = Sounds::of("姓名");
        assert!(name.spelled("xm").0 >= 80 && name.spelled("xingming").0 >= 95);
        let id = Sounds::of("居民身份证号码");
        assert!(id.spelled("jmsfzhm").0 >= 94, "{:?}", id.spelled("jmsfzhm"));
        assert!(id.spelled("sfzhm").0 >= 75, "{:?}", id.spelled("sfzhm"));
        assert!(id.spelled("sfzh").0 >= 65, "{:?}", id.spelled("sfzh"));
        // 号 is seldom read xiao: that alone is no reason.
        assert!(id.spelled("xm").0 < 45 && name.spelled("sfzh").0 == 0);
        // The same letters fit two titles; the one that they spell completely fits better.
        assert!(Sounds::of("户号").spelled("hh").0 > Sounds::of("家庭户号").spelled("hh").0);
        // 行 is hang in 银行 and xing elsewhere; a letter for either is right.
        assert!(Sounds::of("银行账号").spelled("yhzh").0 >= 80);
        // What is called one thing is written as another.
        assert!(Sounds::of("经办人手机号码").spelled("jbrlxdh").0 >= 80);
        assert_eq!(
            Sounds::of("金额(元)").spelled("je").0,
            Sounds::of("金额").spelled("je").0
        );
    }
}
