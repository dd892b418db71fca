//! Results that depend on the top of a parser's stack only.
//!
//! Which tokens cross the end of a lexeme is decided by the few LR states that their terminals pop and look at,
//! wherever in the output that is. So results are known by the upper end of the stack, as far down as the computation
//! looked. Computations are deterministic, so whatever begins alike looks equally deep: the results of a question are
//! the leaves of a tree, in which a stack is looked up from its top downwards.

use crate::hash::Map;
use crate::parser::Parser;

/// What looks deeper than this is remembered for the whole stack only.
const MAX_DEPTH: u32 = 40;

/// What the result is of, apart from the stack.
pub(crate) type Question = (u32, u32);

/// Results by question and top of the stack.
#[derive(Debug)]
pub(crate) struct Tops<T> {
    /// The tree of each question.
    roots: Map<Question, u32>,
    /// By place in a tree and the state below it.
    children: Map<(u32, u32), u32>,
    /// By place.
    known: Vec<Option<T>>,
    /// By the whole stack, with the height down to which the computation looked.
    whole: Map<(Question, u32), (T, u32)>,
}

impl<T> Default for Tops<T> {
    fn default() -> Self {
        Tops { roots: Map::default(), children: Map::default(), known: Vec::new(), whole: Map::default() }
    }
}

impl<T: Clone> Tops<T> {
    /// A result that is known, for stack `k`; the parser notes how deep it looked.
    pub fn get(&self, parser: &mut dyn Parser, question: Question, k: u32) -> Option<T> {
        let (known, low) = match self.whole.get(&(question, k)) {
            Some((known, low)) => (known, *low),
            None => self.find(parser, question, k)?,
        };
        *parser.looked() = low.min(*parser.looked());
        Some(known.clone())
    }

    fn find(&self, parser: &dyn Parser, question: Question, k: u32) -> Option<(&T, u32)> {
        let mut place = *self.roots.get(&question)?;
        let (mut stack, mut low) = (Some(k), parser.height(k) + 1);
        loop {
            if let Some(known) = &self.known[place as usize] {
                return Some((known, low));
            }
            let at = stack?;
            place = *self.children.get(&(place, parser.top(at)))?;
            stack = parser.below_top(at);
            low -= 1;
        }
    }

    /// Remembers a result for stack `k`, which the parser has looked at down to [`Parser::looked`].
    pub fn insert(&mut self, parser: &mut dyn Parser, question: Question, k: u32, result: T) {
        let low = *parser.looked();
        let depth = (parser.height(k) + 1).saturating_sub(low);
        if low > 0 && depth <= MAX_DEPTH {
            let new = self.known.len() as u32;
            let mut place = *self.roots.entry(question).or_insert(new);
            let mut at = k;
            for _ in 0..depth {
                self.grow(place);
                let new = self.known.len() as u32;
                place = *self.children.entry((place, parser.top(at))).or_insert(new);
                at = parser.below_top(at).unwrap_or(at);
            }
            self.grow(place);
            self.known[place as usize] = Some(result.clone());
        }
        self.whole.insert((question, k), (result, low));
    }

    /// Makes a place that was numbered just now.
    fn grow(&mut self, place: u32) {
        if place as usize == self.known.len() {
            self.known.push(None);
        }
    }

    /// Bytes of memory, about, results left out.
    pub fn bytes(&self) -> usize {
        let result = std::mem::size_of::<T>();
        12 * self.roots.capacity()
            + 12 * self.children.capacity()
            + 2 * result * self.known.capacity()
            + (20 + result) * self.whole.capacity()
    }
}
