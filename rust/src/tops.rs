//! Results that depend on the top of a parser's stack only.
//!
//! Which tokens cross the end of a lexeme is decided by the few LR states that their terminals pop and look at,
//! wherever in the output that is. A table of such results is a tree: from the top of the stack downwards, as far as
//! the computation looked. Computations are deterministic, so whatever begins alike looks equally deep.

use crate::hash::Map;
use crate::parser::Parser;

/// What looks deeper than this is remembered for the whole stack only.
const MAX_DEPTH: u32 = 40;

/// What the result is of, apart from the stack.
pub(crate) type Question = (u32, u32, u32);

/// Results by question and top of the stack.
#[derive(Debug)]
pub(crate) struct Tops<T> {
    roots: Map<Question, u32>,
    edges: Map<(u32, u32), u32>,
    nodes: Vec<Option<T>>,
    /// For what looks too deep: by the whole stack.
    whole: Map<(Question, u32), T>,
}

impl<T> Default for Tops<T> {
    fn default() -> Self {
        Tops { roots: Map::default(), edges: Map::default(), nodes: Vec::new(), whole: Map::default() }
    }
}

impl<T: Clone> Tops<T> {
    /// A result that is known, for stack `k`; the parser notes how deep it looked.
    pub fn get(&self, parser: &mut dyn Parser, question: Question, k: u32) -> Option<T> {
        let (mut at, mut node) = (Some(k), self.roots.get(&question).copied());
        while let (Some(stack), Some(parent)) = (at, node) {
            let Some(&child) = self.edges.get(&(parent, parser.top(stack))) else { break };
            if let Some(known) = &self.nodes[child as usize] {
                let low = parser.height(stack);
                *parser.looked() = low.min(*parser.looked());
                return Some(known.clone());
            }
            (at, node) = (parser.below_top(stack), Some(child));
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
        if low == 0 || depth > MAX_DEPTH {
            self.whole.insert((question, k), result);
            return;
        }
        let mut node = match self.roots.get(&question) {
            Some(&root) => root,
            None => {
                let root = self.node();
                self.roots.insert(question, root);
                root
            }
        };
        let mut at = Some(k);
        while let Some(stack) = at.filter(|&s| parser.height(s) >= low) {
            let edge = (node, parser.top(stack));
            node = match self.edges.get(&edge) {
                Some(&child) => child,
                None => {
                    let child = self.node();
                    self.edges.insert(edge, child);
                    child
                }
            };
            at = parser.below_top(stack);
        }
        self.nodes[node as usize] = Some(result);
    }

    fn node(&mut self) -> u32 {
        self.nodes.push(None);
        self.nodes.len() as u32 - 1
    }

    /// Bytes of memory, about, results left out.
    pub fn bytes(&self) -> usize {
        20 * self.roots.capacity()
            + 16 * self.edges.capacity()
            + std::mem::size_of::<Option<T>>() * self.nodes.capacity()
            + 28 * self.whole.capacity()
    }
}
