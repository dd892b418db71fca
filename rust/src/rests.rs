//! Exit sets, and the rests of tokens that follow them.
//!
//! An exit set is a set of trie nodes where a lexeme ended inside tokens. Where many tokens share a rest
//! after the crossing, the rests are merged into a small trie of their own, so that each distinct rest
//! is walked once; equal tries are one, so exit sets recur.

use std::ops::Range;
use std::sync::Arc;

use crate::bitmask::Bitmap;
use crate::exits::{Info, AT_START};
use crate::hash::Map;
use crate::lexer::Lexicon;
use crate::mask::Following;
use crate::parts::Parts;
use crate::regex::{bytes_of, holds, Class};
use crate::shortcuts::Lost;
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

/// The rests of an exit set by their first bytes.
#[derive(Debug)]
struct ByFirst {
    /// The bytes that rests start with.
    firsts: Class,
    /// In the order of bytes.
    buckets: Vec<Bucket>,
    /// Where rests stand after their first byte, bucket by bucket.
    places: Arc<[Place]>,
}

/// The rests that start with one byte.
#[derive(Debug)]
struct Bucket {
    byte: u8,
    /// Where they end among the places.
    end: u32,
    /// Once asked for, where they are merged.
    merged: Option<Arc<[Place]>>,
}

#[derive(Debug)]
struct ExitSet {
    places: Arc<[Place]>,
    /// The bytes that rests may start with; the guards of the exit let no others through.
    survivors: Class,
    /// Whether the tokens below the places are many, once asked for.
    wide: Option<bool>,
    by_first: Option<ByFirst>,
}

impl ByFirst {
    /// A counting sort of what stands below the places.
    fn new(places: &[Place], survivors: &Class, tries: &[Arc<Trie>]) -> ByFirst {
        let mut found: Vec<(u8, Place)> = Vec::new();
        for &(t, n) in places {
            let children = tries[t as usize].children(n).filter(|x| holds(survivors, x.0));
            found.extend(children.map(|(byte, child)| (byte, (t, child))));
        }
        let (mut counts, mut firsts) = ([0u32; 256], [0; 4]);
        for &(byte, _) in &found {
            counts[usize::from(byte)] += 1;
            firsts[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        let (mut buckets, mut next) = (Vec::new(), 0);
        for byte in bytes_of(&firsts) {
            let count = &mut counts[usize::from(byte)];
            next += std::mem::replace(count, next);
            buckets.push(Bucket { byte, end: next, merged: None });
        }
        let mut sorted = vec![(0, 0); found.len()];
        for (byte, place) in found {
            let at = &mut counts[usize::from(byte)];
            sorted[*at as usize] = place;
            *at += 1;
        }
        ByFirst { firsts, buckets, places: sorted.into() }
    }
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
    /// By exit set, context and the lexemes of a closure.
    pub followings: Map<(u32, u32, u32), Arc<Following>>,
    /// By base state: less the words that end at some nodes of the vocabulary, and what only they begin.
    pub excepts: Map<(u32, Lost), Arc<Info>>,
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
            followings: Map::default(),
            excepts: Map::default(),
            loops: Vec::new(),
            bitmaps: Map::default(),
        }
    }

    /// Forgets what can be computed again; exit sets keep their ids. To free that much takes a tenth of a second,
    /// which nobody has to wait for.
    pub fn forget(&mut self) {
        let gone =
            (std::mem::take(&mut self.infos), std::mem::take(&mut self.bitmaps), std::mem::take(&mut self.parts));
        let gone = (gone, std::mem::take(&mut self.followings), std::mem::take(&mut self.excepts));
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
    /// Where the rests of an exit set that start with `byte` stand after it: some of a list.
    pub(crate) fn first(&mut self, set: u32, byte: u8) -> (Arc<[Place]>, Range<usize>) {
        let index = self.by_first(set);
        let Ok(at) = index.buckets.binary_search_by_key(&byte, |bucket| bucket.byte) else { return Default::default() };
        if let Some(merged) = &index.buckets[at].merged {
            return (merged.clone(), 0..merged.len());
        }
        let from = at.checked_sub(1).map_or(0, |before| index.buckets[before].end);
        let (places, range) = (index.places.clone(), from as usize..index.buckets[at].end as usize);
        if range.len() < MERGE_FROM {
            return (places, range);
        }
        let tries = &self.exits.tries;
        if places[range.clone()].iter().map(|&(t, n)| tries[t as usize].count(n)).sum::<usize>() > MERGE_TOKENS {
            return (places, range);
        }
        let merged: Arc<[Place]> = [(self.merge(&places[range]), 0)].into();
        self.by_first(set).buckets[at].merged = Some(merged.clone());
        (merged, 0..1)
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
    pub(crate) fn firsts(&mut self, set: u32) -> Class {
        self.by_first(set).firsts
    }

    fn by_first(&mut self, set: u32) -> &mut ByFirst {
        let ExitSet { places, survivors, by_first, .. } = &mut self.exits.sets[set as usize];
        by_first.get_or_insert_with(|| {
            let index = ByFirst::new(places, survivors, &self.exits.tries);
            self.memory += 8 * index.places.len() + 32 * index.buckets.len() + 64;
            index
        })
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
