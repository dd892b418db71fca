//! A scanner: one prioritised alternation of terminals, with a keyword map.
//!
//! Lark's LALR lexer joins all terminals of a parser state into one regex, in a fixed order; the match
//! is that of the first alternative that matches. A keyword that a regex terminal also matches is left
//! out of the alternation: when that regex's lexeme is exactly the keyword, the lexeme is the keyword
//! (`_create_unless` in Lark). A lone leftmost-first terminal is a scanner of one alternative.
//!
//! Which terminals the parser can take depends on its whole stack. A terminal that it cannot take still
//! competes and wins, and then the text is dead; so scanner states are told apart by the set of *live*
//! terminals.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::hash::Map;

/// No keyword starts with the lexeme so far.
pub(crate) const NO_WORD: u32 = u32::MAX;

/// A set of live labels: an index of `Lexicon::live_sets`, 0 for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Live(pub u32);

/// Every label is live.
pub const ALL_LIVE: Live = Live(0);

impl Live {
    /// Whether the label is live.
    pub fn allows(self, sets: &[Arc<[u64]>], label: u32) -> bool {
        self == ALL_LIVE || sets[self.0 as usize].get(label as usize / 64).is_some_and(|w| w >> (label % 64) & 1 == 1)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// The automaton of the alternatives, and of those of the other scanners of the grammar.
    pub nfa: u32,
    /// Where its own begin.
    pub start: u32,
    /// Whether one of its own looks around, or has atomic groups.
    pub looks: bool,
    /// Whether one of its own looks behind.
    pub looks_behind: bool,
    /// The scanner over the same automaton without keywords: past these, states are the same.
    pub plain: u32,
    /// The keywords.
    pub words: Words,
    /// For each keyword: the label of the regex it competes with, and its own.
    pub keywords: Box<[(u32, u32)]>,
}

impl Scanner {
    /// What a lexeme is that the alternative of a label matched, `word` being the bytes of the lexeme.
    pub fn label(&self, label: u32, word: u32) -> u32 {
        let ends = self.words.ends(word);
        ends.iter().map(|&k| self.keywords[k as usize]).find(|k| k.0 == label).map_or(label, |k| k.1)
    }

    /// (label, least number of bytes to it) for what a lexeme may become that the alternative of a label
    /// is reading, `rest` bytes before its match.
    pub fn distances(&self, label: u32, rest: u32, word: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let keywords = (0..self.keywords.len() as u32).filter(move |&k| self.keywords[k as usize].0 == label);
        let ahead = keywords.filter_map(move |k| Some((self.keywords[k as usize].1, self.words.distance(word, k)?)));
        std::iter::once((label, rest)).chain(ahead)
    }

    /// What a lexeme may become that the alternative of a label is reading (a superset).
    pub fn labels(&self, label: u32, word: u32) -> impl Iterator<Item = u32> + '_ {
        let keywords = self.keywords.iter().filter(move |k| word != NO_WORD && k.0 == label).map(|k| k.1);
        std::iter::once(label).chain(keywords)
    }
}

/// A keyword: for each of its letters how that may be spelled (`s`, `S` and `\u{17f}`), or whole in one.
pub type Spelled = Vec<Vec<Vec<u8>>>;

/// A few words, read byte by byte.
///
/// Words with one spelling are a trie; others an automaton that tells apart what was read only as far as
/// it matters: a word of n letters in any case has about n nodes.
#[derive(Debug, Default)]
pub(crate) struct Words {
    children: Vec<Vec<(u8, u32)>>,
    ends: Vec<Vec<u32>>,
    /// For each node the words that it may become and the least number of bytes to their end, by word.
    places: Vec<Vec<(u32, u32)>>,
    /// One spelling of each word.
    samples: Vec<Box<[u8]>>,
}

impl Words {
    /// Word i ends with i.
    pub fn new<'a>(words: impl Iterator<Item = &'a [u8]>) -> Words {
        let mut trie = Words::default();
        trie.node();
        for (i, word) in (0..).zip(words) {
            let mut node = 0u32;
            trie.places[0].push((i, word.len() as u32));
            for (&byte, left) in word.iter().zip((0..word.len() as u32).rev()) {
                node = trie.child(node, byte).unwrap_or_else(|| {
                    let new = trie.node();
                    let list = &mut trie.children[node as usize];
                    list.insert(list.partition_point(|x| x.0 < byte), (byte, new));
                    new
                });
                trie.places[node as usize].push((i, left));
            }
            trie.samples.push(word.into());
            trie.ends[node as usize].push(i);
        }
        trie
    }

    /// Word i, in any of its spellings, ends with i.
    pub fn spelled<'a>(words: impl Iterator<Item = &'a Spelled>) -> Words {
        let (mut found, mut places) = (Words::default(), Places::default());
        let starts = (0..).zip(words).map(|(i, word)| {
            found.samples.push(word.iter().filter_map(|letter| letter.first()).flatten().copied().collect());
            places.add(i, word)
        });
        let starts: Vec<u32> = starts.collect();
        let mut known: Map<Vec<u32>, u32> = Map::default();
        let mut work = vec![(starts.clone(), found.node())];
        known.insert(starts, 0);
        while let Some((set, node)) = work.pop() {
            let mut after: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
            for place in set.iter().map(|&p| &places.0[p as usize]) {
                found.places[node as usize].push((place.word, place.left));
                if place.left == 0 {
                    found.ends[node as usize].push(place.word);
                }
                for &(byte, next) in &place.edges {
                    after.entry(byte).or_default().push(next);
                }
            }
            // Places are numbered word by word; of several places of a word the nearest to its end counts.
            found.places[node as usize].sort_unstable();
            found.places[node as usize].dedup_by_key(|p| p.0);
            for (byte, mut next) in after {
                next.sort_unstable();
                let id = *known.entry(next).or_insert_with_key(|next| {
                    let new = found.node();
                    work.push((next.clone(), new));
                    new
                });
                found.children[node as usize].push((byte, id));
            }
        }
        found
    }

    fn node(&mut self) -> u32 {
        self.children.push(Vec::new());
        self.ends.push(Vec::new());
        self.places.push(Vec::new());
        self.children.len() as u32 - 1
    }

    /// Bytes of the longest word; of several spellings of a word the shortest counts.
    pub fn depth(&self) -> u32 {
        self.places.first().and_then(|root| root.iter().map(|p| p.1).max()).unwrap_or(0)
    }

    /// The node along a byte.
    pub fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let list = self.children.get(node as usize)?;
        list.binary_search_by_key(&byte, |x| x.0).ok().map(|i| list[i].1)
    }

    /// The children of a node.
    pub fn children(&self, node: u32) -> &[(u8, u32)] {
        self.children.get(node as usize).map_or(&[], |c| c)
    }

    /// Bytes from a node to the end of a word, if it lies on its way.
    pub fn distance(&self, node: u32, word: u32) -> Option<u32> {
        let places = self.places.get(node as usize)?;
        places.binary_search_by_key(&word, |p| p.0).ok().map(|i| places[i].1)
    }

    /// One spelling of a word.
    pub fn word(&self, word: usize) -> Vec<u8> {
        self.samples[word].to_vec()
    }

    /// The words that end at a node.
    pub fn ends(&self, node: u32) -> &[u32] {
        self.ends.get(node as usize).map_or(&[], |e| e)
    }
}

/// Where one may stand within words, with the bytes that lead on.
#[derive(Default)]
struct Places(Vec<Place>);

struct Place {
    word: u32,
    /// Least number of bytes to the end of the word.
    left: u32,
    edges: Vec<(u8, u32)>,
}

impl Places {
    fn place(&mut self, word: u32, left: usize) -> u32 {
        self.0.push(Place { word, left: left as u32, edges: Vec::new() });
        self.0.len() as u32 - 1
    }

    /// The places of a word; the first of them.
    fn add(&mut self, word: u32, letters: &Spelled) -> u32 {
        let nearest = |letter: &Vec<Vec<u8>>| letter.iter().map(Vec::len).min().unwrap_or(0);
        let mut left: usize = letters.iter().map(nearest).sum();
        let first = self.place(word, left);
        let mut at = first;
        for letter in letters {
            left -= nearest(letter);
            let next = self.place(word, left);
            for spelling in letter {
                let mut within = at;
                for (&byte, rest) in spelling.iter().zip((0..spelling.len()).rev()) {
                    let to = if rest == 0 { next } else { self.place(word, left + rest) };
                    self.0[within as usize].edges.push((byte, to));
                    within = to;
                }
            }
            at = next;
        }
        first
    }
}
