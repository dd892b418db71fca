//! Results that depend on the top of a parser's stack only.
//!
//! Which tokens cross the end of a lexeme is decided by the few LR states that their terminals pop and look at,
//! wherever in the output that is. So results are known by the upper end of the stack, as far down as the computation
//! looked. Computations are deterministic, so whatever begins alike looks equally deep.

use crate::hash::Map;
use crate::parser::Parser;

/// What looks deeper than this is remembered for the whole stack only.
const MAX_DEPTH: u32 = 40;

/// What the result is of, apart from the stack.
pub(crate) type Question = (u32, u32, u32);

/// Results by question and top of the stack.
#[derive(Debug)]
pub(crate) struct Tops<T> {
    /// Sequences of states from the top downwards, numbered from 1: a sequence and one state more.
    paths: Map<(u32, u32), u32>,
    /// By stack: the numbers of its upper ends, as far as asked for, and what lies below.
    ends: Map<u32, (Vec<u32>, Option<u32>)>,
    /// By question: how high the ends are that results depend on, as bits.
    depths: Map<Question, u64>,
    known: Map<(Question, u32), T>,
    /// For what looks too deep: by the whole stack.
    whole: Map<(Question, u32), T>,
}

impl<T> Default for Tops<T> {
    fn default() -> Self {
        let (paths, ends, depths) = Default::default();
        Tops { paths, ends, depths, known: Map::default(), whole: Map::default() }
    }
}

impl<T: Clone> Tops<T> {
    /// A result that is known, for stack `k`; the parser notes how deep it looked.
    pub fn get(&mut self, parser: &mut dyn Parser, question: Question, k: u32) -> Option<T> {
        let mut depths = self.depths.get(&question).copied().unwrap_or(0);
        while depths != 0 {
            let depth = depths.trailing_zeros();
            let Some(path) = self.path(parser, k, depth) else { break };
            if let Some(known) = self.known.get(&(question, path)) {
                let low = parser.height(k) + 1 - depth;
                *parser.looked() = low.min(*parser.looked());
                return Some(known.clone());
            }
            depths &= depths - 1;
        }
        let known = self.whole.get(&(question, k)).cloned();
        if known.is_some() {
            *parser.looked() = 0;
        }
        known
    }

    /// Remembers a result for stack `k`, which the parser has looked at down to [`Parser::looked`].
    pub fn insert(&mut self, parser: &mut dyn Parser, question: Question, k: u32, result: T) {
        let low = *parser.looked();
        let depth = (parser.height(k) + 1).saturating_sub(low);
        let path = if low == 0 || depth > MAX_DEPTH { None } else { self.path(parser, k, depth) };
        match path {
            Some(path) => {
                *self.depths.entry(question).or_default() |= 1 << depth;
                self.known.insert((question, path), result);
            }
            None => {
                self.whole.insert((question, k), result);
            }
        }
    }

    /// The number of the upper `depth` states of stack `k`, if it has so many.
    fn path(&mut self, parser: &dyn Parser, k: u32, depth: u32) -> Option<u32> {
        let (ends, rest) = self.ends.entry(k).or_insert_with(|| (Vec::new(), Some(k)));
        while ends.len() < depth as usize {
            let stack = (*rest)?;
            let next = self.paths.len() as u32 + 1;
            let above = ends.last().copied().unwrap_or(0);
            ends.push(*self.paths.entry((above, parser.top(stack))).or_insert(next));
            *rest = parser.below_top(stack);
        }
        match depth {
            0 => Some(0),
            _ => Some(ends[depth as usize - 1]),
        }
    }

    /// Bytes of memory, about, results left out.
    pub fn bytes(&self) -> usize {
        12 * self.paths.capacity()
            + 80 * self.ends.capacity()
            + 20 * self.depths.capacity()
            + (16 + std::mem::size_of::<T>()) * (self.known.capacity() + self.whole.capacity())
    }
}
