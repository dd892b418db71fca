//! What the vocabulary does in a lexer state: tokens that end inside the lexeme, and tokens that
//! cross its end.
//!
//! For one lexer state the vocabulary falls in three: tokens that die, tokens after which the lexeme
//! is still there (or just complete), and tokens in which it ends early. The last are an *exit set*:
//! the nodes of the vocabulary's trie where the lexeme ended. Feeding an exit set to the start of the
//! next lexeme gives the same three again, so one function of (exit set, lexer state), remembered for
//! the whole vocabulary, is all that a grammar needs to compose its masks; it never asks its parser
//! about tokens. Exit sets are hash-consed: a few hundred serve thousands of grammars.

use std::sync::Arc;

use crate::bitmask::{Collector, TokenSet};
use crate::guards::NO_GUARDS;
use crate::hash::Map;
use crate::lexer::{Exit, Lexicon, DEAD};
use crate::regex::{bytes_of, common, holds};
use crate::rests::Place;
use crate::trie::Trie;

/// The exit set of the root: a token that starts here.
pub const AT_START: u32 = 0;

/// When so many bytes could be computed again, they are forgotten.
const FORGET_BYTES: usize = 256 << 20;

/// Tokens that cross an end.
#[derive(Debug, Clone, Copy)]
pub struct Crossing {
    /// How the lexeme ended.
    pub exit: Exit,
    /// Where in the tokens.
    pub set: u32,
}

/// What becomes of tokens (of rests of tokens) that enter a lexer state.
#[derive(Debug, Default)]
pub struct Info {
    /// They end in a state that has a completion whatever the continuation.
    pub inside: Arc<TokenSet>,
    /// They end in this state, and the continuation decides.
    pub doubtful: Vec<(u32, Arc<TokenSet>)>,
    /// The lexeme ends within them.
    pub crossings: Vec<Crossing>,
}

/// Tokens by the state that they end in, and where the lexeme ends within tokens.
pub(crate) type Found = (Vec<(u32, Arc<TokenSet>)>, Vec<(Exit, Vec<Place>)>);

/// What a walk gathers.
pub(crate) struct Walk {
    /// Keep tokens apart by the state that they end in.
    by_state: bool,
    ends: Vec<(u32, Collector)>,
    end_ids: Map<u32, usize>,
    exits: Vec<(Exit, Vec<Place>)>,
    last_exit: usize,
}

impl Walk {
    pub fn new(by_state: bool) -> Walk {
        let ends = if by_state { Vec::new() } else { vec![(0, Collector::default())] };
        Walk { by_state, ends, end_ids: Map::default(), exits: Vec::new(), last_exit: 0 }
    }

    #[inline]
    pub fn add(&mut self, state: u32, tokens: &[u32], words: usize) {
        if tokens.is_empty() {
            return;
        }
        let at = if self.by_state {
            *self.end_ids.entry(state).or_insert_with(|| {
                self.ends.push((state, Collector::default()));
                self.ends.len() - 1
            })
        } else {
            0
        };
        self.ends[at].1.add(tokens, words);
    }

    pub fn exit(&mut self, exit: Exit) -> &mut Vec<Place> {
        if self.exits.get(self.last_exit).is_none_or(|x| x.0 != exit) {
            self.last_exit = self.exits.iter().position(|x| x.0 == exit).unwrap_or_else(|| {
                self.exits.push((exit, Vec::new()));
                self.exits.len() - 1
            });
        }
        &mut self.exits[self.last_exit].1
    }
}

impl Lexicon {
    /// What becomes of the tokens of an exit set when a lexeme in state `d` follows. With `by_state`
    /// nothing is inside for certain: every token is kept under the state that it ends in.
    pub fn info(&mut self, set: u32, d: u32, by_state: bool) -> Arc<Info> {
        if let Some(info) = self.exits.infos.get(&(set, d, by_state)) {
            return info.clone();
        }
        if set == AT_START && !by_state {
            if let Some(info) = self.shortcut(d) {
                if self.fault.is_none() {
                    self.exits.infos.insert((set, d, by_state), info.clone());
                    self.charge(40);
                }
                return info;
            }
        }
        let info = Arc::new(match by_state && self.is_start(d) && self.is_wide(set) {
            true => self.info_of_parts(set, d),
            false => self.compute_info(set, d, by_state),
        });
        if self.fault.is_some() {
            return info; // not all of it; whoever asked looks at the fault
        }
        self.charge(160 + info.inside.bytes() + info.doubtful.iter().map(|x| x.1.bytes() + 8).sum::<usize>());
        self.exits.infos.insert((set, d, by_state), info.clone());
        info
    }

    pub(crate) fn compute_info(&mut self, set: u32, d: u32, by_state: bool) -> Info {
        let mut walk = Walk::new(by_state);
        for byte in bytes_of(&common(&self.firsts(set), &self.states[d as usize].alphabet)) {
            let next = self.step(d, byte);
            if next != DEAD {
                let (places, some) = self.first(set, byte);
                for &place in &places[some] {
                    self.walk(place, next, &mut walk);
                }
            }
        }
        self.gathered(walk, by_state)
    }

    /// What a walk has found.
    pub(crate) fn gathered(&mut self, walk: Walk, by_state: bool) -> Info {
        let (ends, exits) = self.found(walk);
        let crossings =
            exits.into_iter().map(|(exit, places)| Crossing { exit, set: self.exit_set(exit, places) }).collect();
        match by_state {
            true => Info { inside: Arc::default(), doubtful: ends, crossings },
            false => {
                let inside = ends.into_iter().next().map(|end| end.1).unwrap_or_default();
                Info { inside, doubtful: Vec::new(), crossings }
            }
        }
    }

    /// The same: tokens by where they end, and the places of each exit.
    pub(crate) fn found(&mut self, walk: Walk) -> Found {
        let words = self.words;
        let ends = walk.ends.into_iter().map(|(state, tokens)| (state, Arc::new(self.share(tokens.finish(words)))));
        let ends = ends.collect();
        (ends, walk.exits.into_iter().filter(|x| !x.1.is_empty()).collect())
    }

    /// The exit set of the places where a lexeme ends so.
    pub(crate) fn exit_set(&mut self, exit: Exit, places: Vec<Place>) -> u32 {
        self.memory += 8 * places.len();
        let survivors = self.survivors(exit.context);
        self.exits.intern(places, survivors)
    }

    /// The same set, its bitmap shared with an equal one.
    pub(crate) fn share(&mut self, tokens: TokenSet) -> TokenSet {
        let Some(base) = &tokens.base else { return tokens };
        use std::hash::Hasher;
        let mut hasher = crate::hash::FastHasher::default();
        base.iter().for_each(|&w| hasher.write_u32(w));
        let hash = hasher.finish();
        match self.exits.bitmaps.get(&hash) {
            Some(known) if known == base => return TokenSet { base: Some(known.clone()), ..tokens },
            _ => self.exits.bitmaps.insert(hash, base.clone()),
        };
        self.charge(4 * base.len());
        tokens
    }

    /// Counts memory of what can be computed again.
    pub(crate) fn charge(&mut self, bytes: usize) {
        self.memory += bytes;
        self.forgettable += bytes;
    }

    /// Walks the subtree at `place`, which state `d` was reached at.
    pub(crate) fn walk(&mut self, place: Place, d: u32, walk: &mut Walk) {
        let (number, root) = place;
        let trie = self.exits.tries[number as usize].clone();
        let mut todo = vec![(root, d)];
        let mut bytes = Vec::new();
        // States along the path of a flat walk, by depth.
        let mut path: Vec<u32> = Vec::new();
        self.enter(&trie, number, root, d, walk);
        while let Some((n, d)) = todo.pop() {
            if self.late() {
                return;
            }
            if self.takes_around((&trie, number), n, d, walk, &mut todo) || !self.goes_on(d) {
                continue;
            }
            if self.narrow(d, &mut bytes) {
                for &byte in &bytes {
                    if let Some(child) = trie.child(n, byte) {
                        let next = self.step(d, byte);
                        if next != DEAD {
                            self.enter(&trie, number, child, next, walk);
                            if trie.has_children(child) {
                                todo.push((child, next));
                            }
                        }
                    }
                }
                continue;
            }
            let (base, end) = (trie.node(n).depth, trie.node(n).end);
            path.clear();
            path.push(d);
            let mut i = n + 1;
            while i < end && !self.late() {
                let node = trie.node(i);
                let level = usize::from(node.depth - base);
                let next = self.step(path[level - 1], node.byte);
                if next == DEAD {
                    i = node.end;
                    continue;
                }
                self.enter(&trie, number, i, next, walk);
                if node.end == i + 1 {
                    i += 1;
                } else if self.takes_around((&trie, number), i, next, walk, &mut todo) || !self.goes_on(next) {
                    i = node.end;
                } else {
                    path.truncate(level);
                    path.push(next);
                    i += 1;
                }
            }
        }
    }

    /// Whether the step has taken too long; it then fails.
    fn late(&mut self) -> bool {
        match self.watch.check() {
            Ok(()) => false,
            Err(error) => self.fail(error) == DEAD,
        }
    }

    /// The walk has come to a node in state `d`.
    #[inline]
    pub(crate) fn enter(&mut self, trie: &Trie, number: u32, n: u32, d: u32, walk: &mut Walk) {
        walk.add(d, trie.own(n), self.words);
        for e in 0..self.exits(d).len() {
            let exit = self.exits(d)[e];
            if trie.has_children(n) && self.passes(trie, n, exit) {
                walk.exit(exit).push((number, n));
            }
        }
    }

    /// Whether the guards of an exit leave any rest below the node.
    fn passes(&mut self, trie: &Trie, n: u32, exit: Exit) -> bool {
        if exit.context == NO_GUARDS {
            return true;
        }
        let survivors = self.survivors(exit.context);
        let passes = trie.children(n).any(|(byte, _)| holds(&survivors, byte));
        passes
    }
}

impl Lexicon {
    /// Forgets infos when the tables have grown too large; states keep their ids.
    pub(crate) fn make_room(&mut self) {
        if self.forgettable > FORGET_BYTES {
            self.memory = self.memory.saturating_sub(self.forgettable);
            self.forgettable = 0;
            self.exits.forget();
            self.horizons.forget();
        }
    }
}
