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

use std::sync::Arc;

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
    /// The automaton of the alternatives.
    pub nfa: u32,
    /// The label of each alternative.
    pub labels: Box<[u32]>,
    /// The keywords.
    pub words: Words,
    /// For each keyword: the label of the regex it competes with, and its own.
    pub keywords: Box<[(u32, u32)]>,
}

impl Scanner {
    /// What a lexeme is that alternative `alternative` matched, `word` being the bytes of the lexeme.
    pub fn label(&self, alternative: u32, word: u32) -> u32 {
        let label = self.labels[alternative as usize];
        let ends = self.words.ends(word);
        ends.iter().map(|&k| self.keywords[k as usize]).find(|k| k.0 == label).map_or(label, |k| k.1)
    }

    /// (label, least number of bytes to it) for what a lexeme may become that alternative `alternative`
    /// is reading, `rest` bytes before its match.
    pub fn distances(&self, alternative: u32, rest: u32, word: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let label = self.labels[alternative as usize];
        let keywords = (0..self.keywords.len() as u32).filter(move |&k| self.keywords[k as usize].0 == label);
        let ahead = keywords.filter_map(move |k| Some((self.keywords[k as usize].1, self.words.distance(word, k)?)));
        std::iter::once((label, rest)).chain(ahead)
    }

    /// What a lexeme may become that alternative `alternative` is reading (a superset).
    pub fn labels(&self, alternative: u32, word: u32) -> impl Iterator<Item = u32> + '_ {
        let label = self.labels[alternative as usize];
        let keywords = self.keywords.iter().filter(move |k| word != NO_WORD && k.0 == label).map(|k| k.1);
        std::iter::once(label).chain(keywords)
    }
}

/// A byte trie over a few words.
#[derive(Debug, Default)]
pub(crate) struct Words {
    children: Vec<Vec<(u8, u32)>>,
    ends: Vec<Vec<u32>>,
    /// For each word the nodes on its way, the root first.
    paths: Vec<Box<[u32]>>,
}

impl Words {
    /// Word i ends with i.
    pub fn new<'a>(words: impl Iterator<Item = &'a [u8]>) -> Words {
        let mut trie = Words { children: vec![Vec::new()], ends: vec![Vec::new()], paths: Vec::new() };
        for (i, word) in words.enumerate() {
            let mut node = 0u32;
            let mut path = vec![0];
            for &byte in word {
                node = trie.child(node, byte).unwrap_or_else(|| {
                    let new = trie.children.len() as u32;
                    trie.children.push(Vec::new());
                    trie.ends.push(Vec::new());
                    let list = &mut trie.children[node as usize];
                    list.insert(list.partition_point(|x| x.0 < byte), (byte, new));
                    new
                });
                path.push(node);
            }
            trie.paths.push(path.into());
            trie.ends[node as usize].push(i as u32);
        }
        trie
    }

    /// Bytes of the longest word.
    pub fn depth(&self) -> u32 {
        self.paths.iter().map(|p| p.len() as u32 - 1).max().unwrap_or(0)
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
        let path = &self.paths[word as usize];
        path.iter().position(|&n| n == node).map(|at| (path.len() - 1 - at) as u32)
    }

    /// The bytes of a word.
    pub fn word(&self, word: usize) -> Vec<u8> {
        let step = |pair: &[u32]| self.children(pair[0]).iter().find(|c| c.1 == pair[1]).map(|c| c.0);
        self.paths[word].windows(2).filter_map(step).collect()
    }

    /// The words that end at a node.
    pub fn ends(&self, node: u32) -> &[u32] {
        self.ends.get(node as usize).map_or(&[], |e| e)
    }
}
