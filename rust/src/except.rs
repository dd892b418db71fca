//! A regex by sets, less some whole words: (base state, place in the trie of words).
//!
//! One byte after the lexeme has left every word the state is the plain base state again, and shares
//! all that is known about it; a complement automaton would share nothing.

use crate::lexer::{Exit, Kind, Lexicon, DEAD};

impl Lexicon {
    /// The state of `base` with the words' trie at `node`; DEAD when only excluded words are left.
    pub(crate) fn except_state(&mut self, shape: u32, base: u32, node: u32) -> u32 {
        let kind = Kind::Except { shape, base, node };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let Some(distance) = self.shortest_left(shape, base, node) else { return DEAD };
        let excluded = !self.excepts[shape as usize].words.ends(node).is_empty();
        let exits: Vec<Exit> = if excluded { Vec::new() } else { self.exits(base).to_vec() };
        let (mut alphabet, classes) = self.alphabet(base);
        // Words tell apart bytes that the base does not: rows over all bytes, where words go on.
        let classes = classes.filter(|_| self.excepts[shape as usize].words.children(node).is_empty());
        if !self.goes_on(base) {
            alphabet = [0; 4];
        }
        self.intern(kind, &alphabet, classes, &exits, distance)
    }

    /// Least number of bytes to the end of a word that is not excluded; `None` if there is no such word.
    fn shortest_left(&mut self, shape: u32, base: u32, node: u32) -> Option<u32> {
        let mut best: Option<u32> = None;
        // By depth, among the excluded words; whatever leaves them is as near to its end as in the base.
        let mut level = vec![(base, node)];
        let mut depth = 0;
        while !level.is_empty() && best.is_none_or(|b| depth < b) {
            let mut deeper = Vec::new();
            for (q, n) in level {
                if self.ends(q) && self.excepts[shape as usize].words.ends(n).is_empty() {
                    return Some(depth);
                }
                for byte in 0..=255u8 {
                    let next = self.step(q, byte);
                    if next == DEAD {
                        continue;
                    }
                    match self.excepts[shape as usize].words.child(n, byte) {
                        None => {
                            let total = (depth + 1).saturating_add(self.least(next));
                            best = Some(best.map_or(total, |b| b.min(total)));
                            if total == depth + 1 {
                                return best; // no word that is left is shorter
                            }
                        }
                        Some(child) => deeper.push((next, child)),
                    }
                }
            }
            level = deeper;
            depth += 1;
        }
        best
    }

    pub(crate) fn step_except(&mut self, shape: u32, base: u32, node: u32, byte: u8) -> u32 {
        let next = self.step(base, byte);
        if next == DEAD {
            return DEAD;
        }
        match self.excepts[shape as usize].words.child(node, byte) {
            None => next,
            Some(child) => self.except_state(shape, next, child),
        }
    }
}
