//! Tokens that cross ends of lexemes, in an order in which what stands before the same rests is walked together.
//!
//! Where rules may be empty and call each other in circles, every lexeme leads to many continuations, each of them to
//! many others. So all continuations before one exit set are merged before any of them goes on. That needs an order in
//! which an exit set comes after all that lead to it: rests only become shorter, so the sets with the longest rests
//! come first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::exits::Crossing;
use crate::lexer::{Exit, Lexicon};
use crate::parser::{canonical, Item};

/// Continuations before rests of tokens, the longest first.
#[derive(Default)]
pub(crate) struct Joint {
    todo: BTreeMap<(Reverse<u16>, u32, Exit), Vec<u32>>,
}

impl Joint {
    /// Tokens cross an end before `k`.
    pub fn add(&mut self, engine: &mut Engine, lexicon: &Lexicon, crossing: Crossing, k: u32) {
        let longest = *engine.longest.entry(crossing.set).or_insert_with(|| lexicon.longest_rest(crossing.set));
        self.todo.entry((Reverse(longest), crossing.set, crossing.exit)).or_default().push(k);
    }

    /// The next exit set, the exit, and the continuations before it, merged.
    pub fn next(&mut self, engine: &mut Engine) -> Option<(u32, Exit, Vec<u32>)> {
        let ((_, set, exit), ks) = self.todo.pop_first()?;
        let mut items: Vec<Item> = ks.into_iter().map(|k| (0, k)).collect();
        canonical(&mut *engine.parser, &mut items);
        Some((set, exit, items.into_iter().map(|item| item.1).collect()))
    }
}

impl Lexicon {
    /// Bytes of the longest rest of an exit set, at most.
    fn longest_rest(&self, set: u32) -> u16 {
        let tries = &self.exits.tries;
        let rest = |&(t, n): &(u32, u32)| tries[t as usize].height(n);
        self.exits.places(set).iter().map(rest).max().unwrap_or(0)
    }
}
