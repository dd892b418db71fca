//! Walks of states that loop on most bytes.
//!
//! In the middle of a string, a name or a comment, nearly all bytes lead back to the same state. Of a subtree only the
//! bytes that do not are of interest: where they stand is known from an index of the trie, so the subtree is taken
//! whole, around what is below them, and they are walked on their own.

use crate::exits::Walk;
use crate::lexer::{Exit, Lexicon, DEAD, UNKNOWN};
use crate::regex::{holds, Class};
use crate::trie::{utf8, Trie, BROKEN_LEADS, ILL_FORMED, LEADS};

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
        let (below, beyond) = (trie.ascii_below(n), trie.node(n).beyond);
        if !trie.at_boundary(n) || (below == 0 && beyond == 0) {
            return false;
        }
        let (ascii, characters) = self.loops(d);
        if ascii == 0 && characters == 0 {
            return false;
        }
        let whole = below & !ascii == 0 && beyond <= characters;
        let others = match whole {
            true => Vec::new(),
            false => match others(trie, n, below & !ascii, characters) {
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
            let wide = characters > 0 && beyond > 0 && self.lets_characters(exit.context);
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

    /// The ASCII bytes that come back to the state, and 1 if every other well-formed character does
    /// (with no exit inside the character).
    #[inline]
    fn loops(&mut self, d: u32) -> (u128, u8) {
        let known = self.states[d as usize].loops;
        if known != UNKNOWN {
            return self.exits.loops[known as usize];
        }
        let found = self.find_loops(d);
        self.states[d as usize].loops = self.exits.loops.len() as u32;
        self.exits.loops.push(found);
        found
    }

    fn find_loops(&mut self, d: u32) -> (u128, u8) {
        if self.narrow(d, &mut Vec::new()) {
            return (0, 0);
        }
        let ascii = (0..128u8).filter(|&b| self.step(d, b) == d).fold(0, |set, b| set | 1u128 << b);
        let mut todo = vec![(d, 0u8)];
        let mut at = 0;
        while at < todo.len() {
            let (state, phase) = todo[at];
            at += 1;
            for byte in 0x80..=0xFFu8 {
                let inner = utf8(phase, byte);
                if inner == ILL_FORMED {
                    continue;
                }
                let next = self.step(state, byte);
                if inner == 0 && next == d {
                    continue;
                }
                if inner == 0 || next == DEAD || self.ends(next) {
                    return (ascii, 0);
                }
                if !todo.contains(&(next, inner)) {
                    todo.push((next, inner));
                }
            }
        }
        (ascii, 1)
    }
}

fn ascii_of(class: &Class) -> u128 {
    u128::from(class[1]) << 64 | u128::from(class[0])
}

/// The topmost nodes below `n` of the bytes `outside` a loop, and of characters where it has none, in order; `None`
/// if they are too many to be worth it.
fn others(trie: &Trie, n: u32, outside: u128, characters: u8) -> Option<Vec<u32>> {
    let size = (trie.node(n).end - n) as usize;
    if size < NODES_PER_BYTE * (outside.count_ones() as usize + 2) {
        return None;
    }
    let symbols = (0..128).filter(|&b| outside >> b & 1 == 1).chain([BROKEN_LEADS]);
    let mut all: Vec<u32> = Vec::new();
    for symbol in symbols.chain((characters == 0).then_some(LEADS)) {
        all.extend_from_slice(trie.occurrences(n, symbol)?);
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
        if others.peek() == Some(&i) || (trie.ascii_below(i) & ascii == 0 && !(wide && node.beyond > 0)) {
            i = node.end;
            continue;
        }
        if trie.at_boundary(i) && trie.children(i).any(|(byte, _)| holds(first, byte)) {
            places.push((number, i));
        }
        i += 1;
    }
}
