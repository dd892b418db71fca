//! The seam between parsers and masks.
//!
//! A *continuation* is an interned integer: what may follow the lexeme that is being read. Mask code
//! knows nothing else about grammars.

use std::sync::Arc;

use crate::error::Result;
use crate::lexer::Lexicon;
use crate::settled::Readings;

/// (lexer state of one lexeme, continuation after it).
pub type Item = (u32, u32);
/// The cost of what cannot be finished.
pub const IMPOSSIBLE: u32 = u32::MAX;

/// What may come at a continuation.
#[derive(Debug, Default)]
pub struct Closure {
    /// Start states of the lexemes that may come next, each with what follows it.
    pub starts: Box<[Item]>,
    /// Equal where the start states are the same ones; see [`Lexicon::lexemes`].
    pub lexemes: u32,
    /// Whether the output may end here.
    pub can_end: bool,
    /// Of a continuation on an open stack: whether what follows may be whatever that goes on with.
    pub returns: bool,
}

/// A parser over terminals; see the module.
pub trait Parser: Send {
    /// The continuation before anything is read.
    fn initial(&self) -> u32;

    /// What may come at `k`.
    fn closure(&mut self, lexicon: &mut Lexicon, k: u32) -> Result<Arc<Closure>>;

    /// The continuation after a lexeme of terminal `label`, where `k` stood beside its lexer state.
    fn advance(&mut self, k: u32, label: u32) -> Option<u32>;

    /// The state on top of a stack.
    fn top(&self, k: u32) -> u32 {
        k
    }

    /// The stack without the state on top; `None` at the bottom.
    fn below_top(&self, _: u32) -> Option<u32> {
        None
    }

    /// Whether its continuations are places on stacks that can be open; see `frames`.
    fn has_places(&self) -> bool {
        false
    }

    /// The same place on an open stack, and its stack.
    fn parted(&mut self, k: u32) -> (u32, u32) {
        (k, 0)
    }

    /// How high a stack is that places stand on: more than all that it returns to.
    fn depth(&self, _: u32) -> u32 {
        0
    }

    /// The continuations that a stack returns to, the end of the text left out, and whether it has an open end.
    fn returns_to(&mut self, _: u32) -> (Vec<u32>, bool) {
        Default::default()
    }

    /// How high the stack is, from 1; 0 where continuations are no stacks.
    fn height(&self, _: u32) -> u32 {
        0
    }

    /// The lowest height that was looked at since somebody set this; 0 is all of the stack.
    fn looked(&mut self) -> &mut u32;

    /// A lower bound on the bytes that finish the output when a lexeme in state `d` is being read and
    /// `k` stands beside it, or [`IMPOSSIBLE`].
    fn estimate(&mut self, lexicon: &Lexicon, d: u32, k: u32) -> u32;

    /// About as many, quickly: where to look first.
    fn guess(&mut self, lexicon: &Lexicon, d: u32, k: u32) -> u32 {
        self.estimate(lexicon, d, k)
    }

    /// Whether the output can be finished when a lexeme stands in state `d` (it may end here, or go on)
    /// before `k`.
    fn finishes(&mut self, lexicon: &mut Lexicon, d: u32, k: u32) -> Result<bool>;

    /// The lexemes that may come at its places, if it can go on from everywhere with some terminals, however
    /// they are spelled; else `None`.
    fn readings(&mut self, lexicon: &mut Lexicon) -> Result<Option<Vec<Readings>>>;

    /// Whether it can still do so without the terminals of these labels at these places.
    fn does_without(&mut self, unreadable: &[(usize, u32)]) -> bool;

    /// Items with equal groups and equal lexer states can be merged into one.
    fn group(&self, k: u32) -> u32;

    /// A continuation that stands for all of several of one group.
    fn merge(&mut self, group: &[u32]) -> u32;

    /// The terminals that a lexeme in state `d` at `k` may turn out to be, by name index.
    fn names(&mut self, lexicon: &Lexicon, d: u32, k: u32) -> Vec<u32>;

    /// Number of continuations.
    fn continuations(&self) -> usize;

    /// Bytes of memory, about.
    fn bytes(&self) -> usize;

    /// Forgets everything that the given continuations do not need; their ids stay.
    fn sweep(&mut self, held: &[u32]);
}

/// Sorts items and merges those that stand for the same place on different stacks. Without this an
/// ambiguous grammar would hold a stack for every way to have read the text.
pub fn canonical(parser: &mut dyn Parser, items: &mut Vec<Item>) {
    if items.len() < 2 {
        return;
    }
    items.sort_unstable();
    items.dedup();
    if items.windows(2).all(|w| w[0].0 != w[1].0) {
        return;
    }
    items.sort_by_cached_key(|&(d, k)| (d, parser.group(k), k));
    let (mut from, mut merged) = (0, Vec::with_capacity(items.len()));
    while from < items.len() {
        let (d, group) = (items[from].0, parser.group(items[from].1));
        let same = items[from..].iter().take_while(|x| x.0 == d && parser.group(x.1) == group).count();
        let ks: Vec<u32> = items[from..from + same].iter().map(|x| x.1).collect();
        merged.push((d, if same == 1 { ks[0] } else { parser.merge(&ks) }));
        from += same;
    }
    merged.sort_unstable();
    merged.dedup();
    *items = merged;
}
