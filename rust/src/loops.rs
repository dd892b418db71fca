//! Walks of states that loop on most bytes.
//!
//! In the middle of a string, a name or a comment, nearly all bytes lead back to the same state. Of a subtree only the
//! bytes that do not are of interest: where they stand is known from an index of the trie, so the subtree is taken
//! whole, around what is below them, and they are walked on their own.

use std::ops::RangeInclusive;

use crate::exits::Walk;
use crate::hash::Map;
use crate::lexer::{Exit, Lexicon, DEAD, UNKNOWN};
use crate::regex::{holds, Class};
use crate::trie::{lead, utf8, Trie, BROKEN, ILL_FORMED, LEADS};

/// A subtree is taken around what is other than the loop only if so many times fewer nodes are.
const SPARSE: usize = 4;
/// So many nodes for every byte that has to be looked up.
const NODES_PER_BYTE: usize = 8;

impl Lexicon {
    /// Takes all of a subtree that state `d` loops on, if that is the whole or most of it; the rest is left in `todo`.
    pub(crate) fn takes_around(
        &mut self,
        (trie, number): (&Trie, u32),
        n: u32,
        d: u32,
        walk: &mut Walk,
        todo: &mut Vec<(u32, u32)>,
    ) -> bool {
        let (below, beyond) = (trie.ascii_below(n), trie.leads_below(n));
        if !trie.at_boundary(n) || (below == 0 && beyond == 0) {
            return false;
        }
        let (ascii, leads) = self.loops(d);
        if below & ascii == 0 && beyond & leads == 0 {
            return false;
        }
        let outside = (below & !ascii, beyond & !leads);
        let others = match outside {
            (0, 0) => Vec::new(),
            _ => match others(trie, n, outside) {
                Some(others) => others,
                None => return false,
            },
        };
        let end = trie.node(n).end;
        let mut from = n + 1;
        for &other in &others {
            walk.add(d, trie.between(from, other), self.words);
            from = trie.node(other).end;
        }
        walk.add(d, trie.between(from, end), self.words);
        for e in 0..self.exits(d).len() {
            let exit = self.exits(d)[e];
            let first = self.survivors(exit.context);
            let wide = beyond & leads != 0 && self.lets_characters(exit.context);
            if wide || ascii_of(&first) & below & ascii != 0 {
                leave_within((trie, number), n, &others, (exit, &first), walk);
                continue;
            }
            let places = walk.exit(exit);
            for &other in others.iter().filter(|&&o| holds(&first, trie.node(o).byte)) {
                let parent = trie.parent(other);
                if parent != n && places.last() != Some(&(number, parent)) {
                    places.push((number, parent));
                }
            }
        }
        for &other in &others {
            let next = self.step(d, trie.node(other).byte);
            if next != DEAD {
                self.enter(trie, number, other, next, walk);
                if trie.has_children(other) {
                    todo.push((other, next));
                }
            }
        }
        true
    }

    /// What comes back to the state, with no exit on the way: ASCII bytes, and the first bytes of which every
    /// well-formed character does.
    #[inline]
    fn loops(&mut self, d: u32) -> (u128, u64) {
        let known = self.states[d as usize].loops;
        if known != UNKNOWN {
            return self.exits.loops[known as usize];
        }
        let found = self.find_loops(d);
        self.states[d as usize].loops = self.exits.loops.len() as u32;
        self.exits.loops.push(found);
        found
    }

    fn find_loops(&mut self, d: u32) -> (u128, u64) {
        if self.narrow(d, &mut Vec::new()) {
            return (0, 0);
        }
        let ascii = (0..128u8).filter(|&b| self.step(d, b) == d).fold(0, |set, b| set | 1u128 << b);
        let mut known = Map::default();
        let returns = |bit: &u32| self.returns(d, (d, 0), lead(*bit)..=lead(*bit), &mut known);
        let leads = (0..LEADS).filter(returns).fold(0, |set, bit| set | 1u64 << bit);
        (ascii, leads)
    }

    /// Whether every character that begins with some of the bytes comes back to `home`, with no exit inside it.
    fn returns(
        &mut self,
        home: u32,
        (state, phase): (u32, u8),
        bytes: RangeInclusive<u8>,
        known: &mut Map<(u32, u8), bool>,
    ) -> bool {
        for byte in bytes {
            let inner = utf8(phase, byte);
            if inner == ILL_FORMED {
                continue;
            }
            let next = self.step(state, byte);
            if inner == 0 {
                if next != home {
                    return false;
                }
                continue;
            }
            if next == DEAD || self.ends(next) {
                return false;
            }
            let returns = match known.get(&(next, inner)) {
                Some(&returns) => returns,
                None => self.returns(home, (next, inner), 0x80..=0xBF, known),
            };
            known.insert((next, inner), returns);
            if !returns {
                return false;
            }
        }
        true
    }
}

fn ascii_of(class: &Class) -> u128 {
    u128::from(class[1]) << 64 | u128::from(class[0])
}

/// The topmost nodes below `n` of the bytes `outside` a loop, in order; `None` if they are too many to be worth it.
fn others(trie: &Trie, n: u32, outside: (u128, u64)) -> Option<Vec<u32>> {
    let size = (trie.node(n).end - n) as usize;
    let count = (outside.0.count_ones() + outside.1.count_ones()) as usize;
    if size < NODES_PER_BYTE * (count + 1) {
        return None;
    }
    let ascii = (0..128).filter(|&b| outside.0 >> b & 1 == 1);
    let leads = (0..=BROKEN).filter(|&b| outside.1 >> b & 1 == 1).map(|b| 128 + b);
    let mut all: Vec<u32> = Vec::new();
    for symbol in ascii.chain(leads) {
        all.extend_from_slice(trie.occurrences(n, symbol as usize)?);
        if all.len() * SPARSE > size {
            return None;
        }
    }
    all.sort_unstable();
    let mut past = 0;
    all.retain(|&i| {
        let top = i >= past;
        if top {
            past = trie.node(i).end;
        }
        top
    });
    Some(all)
}

/// Notes where the lexeme may end within a loop that is left only for `others`.
fn leave_within((trie, number): (&Trie, u32), n: u32, others: &[u32], (exit, first): (Exit, &Class), walk: &mut Walk) {
    let (ascii, wide) = (ascii_of(first), first[2] | first[3] != 0);
    let places = walk.exit(exit);
    let mut others = others.iter().copied().peekable();
    let (mut i, end) = (n + 1, trie.node(n).end);
    while i < end {
        while others.next_if(|&o| o < i).is_some() {}
        let node = trie.node(i);
        // What is no part of the loop; or no byte that the guards leave stands anywhere below.
        if others.peek() == Some(&i) || (trie.ascii_below(i) & ascii == 0 && !(wide && trie.leads_below(i) != 0)) {
            i = node.end;
            continue;
        }
        if trie.at_boundary(i) && trie.children(i).any(|(byte, _)| holds(first, byte)) {
            places.push((number, i));
        }
        i += 1;
    }
}
