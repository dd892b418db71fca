//! Exit sets, and the rests of tokens that follow them.
//!
//! An exit set is a set of trie nodes where a lexeme ended inside tokens. Where many tokens share a rest
//! after the crossing, the rests are merged into a small trie of their own, so that each distinct rest
//! is walked once; equal tries are one, so exit sets recur.

use std::sync::Arc;

use crate::bitmask::Bitmap;
use crate::exits::{Info, AT_START};
use crate::hash::Map;
use crate::lexer::Lexicon;
use crate::parts::Parts;
use crate::regex::{holds, Class};
use crate::trie::Trie;

/// From so many nodes on, rests are merged.
const MERGE_FROM: usize = 4;
/// Never merge more rests than this (after a blank stand half of all tokens).
const MERGE_TOKENS: usize = 8000;

/// From so many tokens on an exit set is wide.
const WIDE: usize = 200;

/// Every byte.
pub(crate) const ALL: Class = [u64::MAX; 4];

/// A node of one of the tries.
pub(crate) type Place = (u32, u32);
/// Where rests stand after their first byte, and whether they are merged already.
type Rests = (Arc<[Place]>, bool);

#[derive(Debug)]
struct ExitSet {
    places: Arc<[Place]>,
    /// The bytes that rests may start with; the guards of the exit let no others through.
    survivors: Class,
    /// Whether the tokens below the places are many, once asked for.
    wide: Option<bool>,
    /// In the order of first bytes: where the rests that start with it go on, and whether they are merged.
    by_first: Option<Vec<(u8, Rests)>>,
}

/// The exit sets and what is remembered about them.
#[derive(Debug)]
pub(crate) struct ExitTables {
    pub tries: Vec<Arc<Trie>>,
    /// Merged tries by their (token, bytes before) in the order of rests.
    trie_ids: Map<Box<[(u32, u16)]>, u32>,
    sets: Vec<ExitSet>,
    ids: Map<(Arc<[Place]>, Class), u32>,
    pub infos: Map<(u32, u32, bool), Arc<Info>>,
    pub parts: Parts,
    pub loops: Vec<(u128, u64)>,
    pub bitmaps: Map<u64, Arc<Bitmap>>,
}

impl ExitTables {
    pub fn new(trie: Arc<Trie>) -> Self {
        let start: Arc<[Place]> = [(0, 0)].into();
        ExitTables {
            tries: vec![trie],
            trie_ids: Map::default(),
            sets: vec![ExitSet { places: start.clone(), survivors: ALL, wide: Some(true), by_first: None }],
            ids: Map::from_iter([((start, ALL), AT_START)]),
            infos: Map::default(),
            parts: Parts::default(),
            loops: Vec::new(),
            bitmaps: Map::default(),
        }
    }

    /// Forgets what can be computed again; exit sets keep their ids. To free that much takes a tenth of a second,
    /// which nobody has to wait for.
    pub fn forget(&mut self) {
        let gone =
            (std::mem::take(&mut self.infos), std::mem::take(&mut self.bitmaps), std::mem::take(&mut self.parts));
        std::thread::spawn(move || drop(gone));
    }

    /// The trie of whole tokens.
    pub fn vocabulary_trie(&self) -> Arc<Trie> {
        self.tries[0].clone()
    }

    /// The places of an exit set.
    pub fn places(&self, set: u32) -> Arc<[Place]> {
        self.sets[set as usize].places.clone()
    }

    /// The exit set of some places where the given bytes may come next.
    pub fn intern(&mut self, mut places: Vec<Place>, survivors: Class) -> u32 {
        // Places may lie below one another, and then a walk comes to the same node twice.
        places.sort_unstable();
        places.dedup();
        let key: (Arc<[Place]>, Class) = (places.into(), survivors);
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        self.sets.push(ExitSet { places: key.0.clone(), survivors, wide: None, by_first: None });
        self.ids.insert(key, self.sets.len() as u32 - 1);
        self.sets.len() as u32 - 1
    }
}

impl Lexicon {
    /// Where the rests of an exit set that start with `byte` stand after it.
    pub(crate) fn first(&mut self, set: u32, byte: u8) -> Arc<[Place]> {
        if self.exits.sets[set as usize].by_first.is_none() {
            self.sort_by_first(set);
        }
        let Some(index) = &self.exits.sets[set as usize].by_first else { return Arc::default() };
        let Ok(at) = index.binary_search_by_key(&byte, |x| x.0) else { return Arc::default() };
        let (places, merged) = &index[at].1;
        if *merged {
            return places.clone();
        }
        let mut next = places.clone();
        let tries = &self.exits.tries;
        let below: usize = next.iter().map(|&(t, n)| tries[t as usize].count(n)).sum();
        if next.len() >= MERGE_FROM && below <= MERGE_TOKENS {
            next = [(self.merge(&next), 0)].into();
        }
        if let Some(index) = &mut self.exits.sets[set as usize].by_first {
            index[at].1 = (next.clone(), true);
        }
        next
    }

    /// Whether so many tokens have rests in an exit set that walking them takes a while.
    pub(crate) fn is_wide(&mut self, set: u32) -> bool {
        let tries = &self.exits.tries;
        let ExitSet { places, wide, .. } = &mut self.exits.sets[set as usize];
        *wide.get_or_insert_with(|| {
            let mut count = 0;
            places.iter().any(|&(t, n)| {
                count += tries[t as usize].count(n);
                count >= WIDE
            })
        })
    }

    /// The bytes that rests of an exit set start with.
    pub(crate) fn first_bytes(&mut self, set: u32) -> Vec<u8> {
        if self.exits.sets[set as usize].by_first.is_none() {
            self.sort_by_first(set);
        }
        let index = self.exits.sets[set as usize].by_first.iter().flatten();
        index.map(|x| x.0).collect()
    }

    fn sort_by_first(&mut self, set: u32) {
        let mut lists: Vec<Vec<Place>> = vec![Vec::new(); 256];
        let ExitSet { places, survivors, .. } = &self.exits.sets[set as usize];
        for &(t, n) in places.iter() {
            for (byte, child) in self.exits.tries[t as usize].children(n) {
                if holds(survivors, byte) {
                    lists[usize::from(byte)].push((t, child));
                }
            }
        }
        let lists = (0..=255u8).zip(lists).filter(|(_, list)| !list.is_empty());
        let index: Vec<(u8, Rests)> = lists.map(|(byte, list)| (byte, (list.into(), false))).collect();
        self.memory += index.iter().map(|x| 8 * x.1 .0.len() + 48).sum::<usize>();
        self.exits.sets[set as usize].by_first = Some(index);
    }

    /// A trie of the rests below some places; returns its number. Equal tries are one, so that exit
    /// sets recur.
    fn merge(&mut self, places: &[Place]) -> u32 {
        let mut rests: Vec<(&[u8], u32, u16)> = Vec::new();
        for &(t, n) in places {
            let trie = &self.exits.tries[t as usize];
            let depth = trie.node(n).depth;
            for (token, before) in trie.rests(n) {
                let from = before + depth;
                let bytes = self.vocabulary.bytes(token);
                rests.push((bytes.get(usize::from(from)..).unwrap_or(&[]), token, from));
            }
        }
        // One token can have the same rest from several places; (rest, token) says it all.
        rests.sort_unstable();
        rests.dedup();
        let key: Box<[(u32, u16)]> = rests.iter().map(|r| (r.1, r.2)).collect();
        if let Some(&known) = self.exits.trie_ids.get(&key) {
            return known;
        }
        let trie = Trie::new(rests);
        self.memory += trie.bytes() + 8 * key.len();
        self.exits.tries.push(Arc::new(trie));
        self.exits.trie_ids.insert(key, self.exits.tries.len() as u32 - 1);
        self.exits.tries.len() as u32 - 1
    }
}
