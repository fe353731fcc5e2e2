//! The index: terms to services, and a close look at the best.

use super::fold::Folder;
use super::phonetic::{self, Sound, Syllables};
use super::synonyms::{Synonyms, Thesaurus};
use super::terms::{Run, Term, runs, stem, terms};
use std::collections::{BTreeSet, HashMap};

/// How much a place in a service's description says about it.
const NAME: f32 = 3.0;
const ALIAS: f32 = 2.6;
const ENGLISH: f32 = 2.4;
const AROUND: f32 = 0.8;
const TEXT: f32 = 0.55;

/// How much a kind of term says.
const PAIR: f32 = 1.0;
const CHARACTER: f32 = 0.22;
const SOUND: f32 = 0.3;
const WORD: f32 = 1.3;
/// A term that comes from a synonym, not from the person.
const MEANT: f32 = 0.75;

/// Candidates that are looked at closely.
const CLOSE: usize = 120;
/// Weight of the close look against the sum of terms.
const CLOSENESS: f32 = 1.4;

/// What is known of one service, as texts.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) aliases: Vec<&'a str>,
    pub(super) english: Vec<&'a str>,
    /// Agency, themes, event.
    pub(super) around: Vec<String>,
    /// Summaries and descriptions.
    pub(super) texts: Vec<&'a str>,
    /// Slug and number.
    pub(super) ids: [&'a str; 2],
}

/// What is looked at closely: the names of one service.
#[derive(Debug)]
struct Close {
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    folded: String,
    pieces: Vec<Term>,
    initials: String,
}

#[derive(Debug)]
pub(super) struct Index {
    folder: Folder,
    syllables: Syllables,
    thesaurus: Thesaurus,
    postings: HashMap<Term, Vec<(u32, f32)>>,
    ids: HashMap<String, u32>,
    close: Vec<Close>,
    /// English words by their first letter, for prefixes and slips.
    words: HashMap<char, BTreeSet<String>>,
}

impl Index {
    pub(super) fn new<'a>(entries: impl Iterator<Item = Entry<'a>>, synonyms: &Synonyms) -> Self {
        let folder = Folder::new();
        let mut index = Self {
            syllables: Syllables::new(),
            thesaurus: Thesaurus::new(synonyms, &folder),
            postings: HashMap::new(),
            ids: HashMap::new(),
            close: Vec::new(),
            words: HashMap::new(),
            folder,
        };
        for (number, entry) in entries.enumerate() {
            index.add(u32::try_from(number).unwrap_or(u32::MAX), &entry);
        }
        index
    }

    fn add(&mut self, number: u32, entry: &Entry<'_>) {
        for id in entry.ids {
            self.ids.insert(id.to_lowercase(), number);
        }
        let mut weights: HashMap<Term, f32> = HashMap::new();
        let mut close = Close { names: Vec::new() };
        let mut put = |folded: &str, weight: f32| {
            // Long texts say less with each word.
            let pieces = terms(folded, &self.syllables);
            let damp = 1.0 / (1.0 + pieces.len() as f32 / 60.0);
            for term in &pieces {
                let slot = weights.entry(*term).or_insert(0.0);
                *slot = slot.max(weight * damp) + 0.12 * weight * damp;
            }
            pieces
        };
        let names = std::iter::once((entry.name, NAME))
            .chain(entry.aliases.iter().map(|a| (*a, ALIAS)))
            .chain(entry.english.iter().map(|e| (*e, ENGLISH)));
        for (name, weight) in names {
            let folded = self.folder.fold(name);
            let pieces = put(&folded, weight);
            close.names.push(Name {
                initials: phonetic::initials(&folded),
                folded: folded.split_whitespace().collect::<Vec<_>>().join(" "),
                pieces,
            });
        }
        for text in &entry.around {
            put(&self.folder.fold(text), AROUND);
        }
        for text in &entry.texts {
            put(&self.folder.fold(text), TEXT);
        }
        let english = entry.english.iter().chain(&entry.aliases).chain(&entry.texts);
        for text in english.filter(|t| t.bytes().any(|b| b.is_ascii_alphabetic())) {
            self.learn_words(&self.folder.fold(text));
        }
        for (term, weight) in weights {
            self.postings.entry(term).or_default().push((number, weight));
        }
        self.close.push(close);
    }

    /// Remembers the English words of a text, for prefixes and slips.
    fn learn_words(&mut self, folded: &str) {
        for run in runs(folded) {
            if let Run::Latin(word) = run {
                let root = stem(&word);
                if let Some(first) = root.chars().next().filter(char::is_ascii_alphabetic) {
                    self.words.entry(first).or_default().insert(root);
                }
            }
        }
    }

    /// Services that fit, best first, with their scores.
    pub(super) fn find(&self, query: &str) -> Vec<(u32, f32)> {
        let folded = self.folder.fold(query);
        let folded = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(number) = self.ids.get(query.trim().to_lowercase().as_str()) {
            return vec![(*number, f32::MAX)];
        }
        let question = self.question(&folded);
        let mut scores = vec![0.0_f32; self.close.len()];
        for (term, weight) in &question.terms {
            self.score(term, *weight, &mut scores);
        }
        let mut found: Vec<(u32, f32)> = (0..).zip(scores).collect();
        for (number, score) in &mut found {
            let initials = self
                .close
                .get(*number as usize)
                .map_or(0.0, |c| c.initials(&question.initials));
            *score += initials;
        }
        found.retain(|(_, score)| *score > 0.0);
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let best = found.first().map_or(1.0, |(_, s)| *s);
        for (number, score) in found.iter_mut().take(CLOSE) {
            let closeness = self
                .close
                .get(*number as usize)
                .map_or(0.0, |c| c.closeness(&question, self));
            *score = *score / best + CLOSENESS * closeness;
        }
        // What was not looked at stays behind what was.
        for (_, score) in found.iter_mut().skip(CLOSE) {
            *score = *score / best * 0.1;
        }
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found
    }

    fn score(&self, term: &Term, weight: f32, scores: &mut [f32]) {
        let Some(postings) = self.postings.get(term) else {
            return;
        };
        let weight = weight * self.rarity(term);
        for (number, impact) in postings {
            if let Some(score) = scores.get_mut(*number as usize) {
                *score += weight * impact;
            }
        }
    }

    /// How much a term says because few services have it.
    fn rarity(&self, term: &Term) -> f32 {
        let all = self.close.len() as f32;
        let with = self.postings.get(term).map_or(0.0, |p| p.len() as f32);
        ((all - with + 0.5) / (with + 0.5) + 1.0).ln()
    }
}

/// A query taken apart.
struct Question {
    terms: HashMap<Term, f32>,
    /// The query, and what it may mean: folded text, pieces, weight.
    phrases: Vec<(String, Vec<Term>, f32)>,
    /// Runs of letters that may be initials.
    initials: Vec<String>,
}

impl Index {
    fn question(&self, folded: &str) -> Question {
        let core = strip_filler(folded);
        let mut question = Question {
            terms: HashMap::new(),
            phrases: Vec::new(),
            initials: Vec::new(),
        };
        let mut pieces = terms(&core, &self.syllables);
        self.latin(&core, &mut pieces, &mut question);
        question.take(&pieces, 1.0);
        let length = core.chars().filter(|c| *c != ' ').count().max(1);
        question.phrases.push((core.clone(), pieces, 1.0));
        for (phrase, stood_for) in self.thesaurus.expand(folded) {
            let share = (stood_for as f32 / length as f32).clamp(0.35, 1.0);
            let pieces = terms(phrase, &self.syllables);
            question.take(&pieces, MEANT * (0.5 + 0.5 * share));
            question.phrases.push((phrase.to_owned(), pieces, 0.55 + 0.4 * share));
        }
        question
    }

    /// Runs of letters: English with slips, pinyin, or initials.
    fn latin(&self, core: &str, pieces: &mut Vec<Term>, question: &mut Question) {
        let words: Vec<String> = runs(core)
            .into_iter()
            .filter_map(|run| match run {
                Run::Latin(word) => Some(word),
                Run::Han(_) => None,
            })
            .collect();
        let is_word = |word: &String| self.postings.contains_key(&Term::word(&stem(word)));
        let split: Vec<Option<Vec<Sound>>> = words.iter().map(|w| self.syllables.split(w)).collect();
        let syllables = split.iter().flatten().map(Vec::len).sum::<usize>();
        let is_pinyin = syllables > 1 && split.iter().all(Option::is_some) && !words.iter().all(is_word);
        if is_pinyin {
            let sounds: Vec<Sound> = split.into_iter().flatten().flatten().collect();
            let pairs = sounds.iter().zip(sounds.iter().skip(1));
            pieces.extend(pairs.map(|(a, b)| Term::Sounds(*a, *b)));
            return;
        }
        for word in words.iter().filter(|w| !is_word(w)) {
            pieces.extend(self.near_words(word).into_iter().map(Term::word));
            if word.len() >= 3 && word.bytes().all(|b| b.is_ascii_alphanumeric()) {
                question.initials.push(word.clone());
            }
        }
    }

    /// English words of the index that a word begins, or that differ from it by a slip.
    fn near_words(&self, word: &str) -> Vec<&str> {
        let root = stem(word);
        let known = root.chars().next().and_then(|first| self.words.get(&first));
        let fits = |candidate: &&String| {
            (root.len() >= 3 && candidate.starts_with(&root))
                || (root.len() >= 5
                    && candidate.len().abs_diff(root.len()) <= 1
                    && strsim::osa_distance(candidate, &root) <= 1)
        };
        known
            .into_iter()
            .flatten()
            .filter(fits)
            .take(8)
            .map(String::as_str)
            .collect()
    }
}

impl Question {
    fn take(&mut self, pieces: &[Term], weight: f32) {
        for term in pieces {
            let own = match term {
                Term::Character(_) => CHARACTER,
                Term::Pair(..) => PAIR,
                Term::Sounds(..) => SOUND,
                Term::Word(_) => WORD,
            };
            let slot = self.terms.entry(*term).or_insert(0.0);
            *slot = slot.max(own * weight);
        }
    }
}

impl Close {
    /// How well typed letters fit as initials of a name.
    fn initials(&self, typed: &[String]) -> f32 {
        let best = typed.iter().map(|letters| {
            let fits = self.names.iter().map(|name| initials_fit(letters, &name.initials));
            fits.fold(0.0, f32::max)
        });
        best.fold(0.0, f32::max)
    }

    /// How well the whole query fits the best of the names: 0 to a little above 1.
    fn closeness(&self, question: &Question, index: &Index) -> f32 {
        let mut best = 0.0_f32;
        for (position, name) in self.names.iter().enumerate() {
            for (text, pieces, weight) in &question.phrases {
                let fit = likeness(text, pieces, name, index) * weight;
                best = best.max(if position == 0 { fit * 1.03 } else { fit });
            }
        }
        best
    }
}

/// Weighted share of pieces that query and name have in common, with a premium for the whole name.
fn likeness(text: &str, pieces: &[Term], name: &Name, index: &Index) -> f32 {
    if text == name.folded {
        return 1.25;
    }
    let weight = |term: &Term| match term {
        Term::Pair(..) => index.rarity(term),
        Term::Character(_) => 0.35 * index.rarity(term),
        Term::Sounds(..) => 0.25 * index.rarity(term),
        Term::Word(_) => index.rarity(term),
    };
    let total = |terms: &[Term]| terms.iter().map(weight).sum::<f32>();
    let shared: f32 = pieces.iter().filter(|t| name.pieces.contains(t)).map(weight).sum();
    let asked = total(pieces).max(0.01);
    let there = total(&name.pieces).max(0.01);
    // What was asked counts for more than what else the name says.
    let fit = shared / asked;
    let whole = (shared / there).min(1.0);
    let premium = if text.contains(&name.folded) && name.folded.chars().count() >= 2 {
        0.12
    } else {
        0.0
    };
    0.62 * fit + 0.38 * whole + premium
}

/// Letters as initials: all of a name, a run in it, or in order with gaps.
fn initials_fit(letters: &str, initials: &str) -> f32 {
    if initials.is_empty() || letters.len() > 24 {
        return 0.0;
    }
    let share = letters.len() as f32 / initials.len() as f32;
    if letters == initials {
        return 40.0;
    }
    if initials.contains(letters) {
        return 26.0 + 10.0 * share.min(1.0);
    }
    let mut rest = initials.chars();
    let in_order = letters.chars().all(|c| rest.any(|i| i == c));
    if in_order && letters.len() >= 4 {
        14.0 + 12.0 * share.min(1.0)
    } else {
        0.0
    }
}

/// Words that only make a sentence of a question.
const FILLER: [&str; 60] = [
    "请问一下",
    "怎么办理",
    "如何办理",
    "在哪里办",
    "去哪里办",
    "怎么回事",
    "怎么处理",
    "怎么查询",
    "怎么申请",
    "想咨询",
    "要多少钱",
    "有没有",
    "是不是",
    "能不能",
    "可不可以",
    "要不要",
    "怎么办",
    "怎么弄",
    "怎么样",
    "怎么",
    "如何",
    "在哪里",
    "在哪儿",
    "在哪",
    "哪里有",
    "哪里",
    "哪儿",
    "去哪",
    "请问",
    "我想",
    "我要",
    "我们",
    "我家",
    "我的",
    "我",
    "想要",
    "想办",
    "帮我",
    "给我",
    "一下",
    "什么时候",
    "什么",
    "多久",
    "需要",
    "可以",
    "应该",
    "吗",
    "呢",
    "啊",
    "吧",
    "呀",
    "了",
    "的",
    "你好",
    "您好",
    "老是",
    "现在",
    "今天",
    "这个",
    "那个",
];

/// The query without filler; the query itself where nothing would be left.
fn strip_filler(folded: &str) -> String {
    let mut core = folded.to_owned();
    for word in FILLER {
        core = core.replace(word, " ");
    }
    let core = core.split_whitespace().collect::<Vec<_>>().join(" ");
    if core.chars().count() < 2 {
        folded.to_owned()
    } else {
        core
    }
}
