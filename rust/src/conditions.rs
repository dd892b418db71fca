//! Conditions on the text ahead: Boolean functions of "this leaf comes to its match", as ordered
//! decision diagrams (Bryant 1986).
//!
//! Equal functions are the same number, so a state that carries conditions recurs when its meaning
//! does, however it came about.

use crate::hash::Map;

/// The function that never holds.
pub(crate) const FALSE: u32 = 0;
/// The function that always holds.
pub(crate) const TRUE: u32 = 1;

/// Diagram nodes of one automaton beyond which it is refused.
const MAX_NODES: usize = 1 << 18;
/// Variables on one way through a diagram beyond which the automaton is refused: functions recurse over them.
const MAX_DEPTH: u16 = 2000;

/// What a variable stands for: a leaf, and where its match is (see `looking`).
pub(crate) type Variable = (u32, u32);

#[derive(Debug, Clone, Copy)]
struct Node {
    variable: Variable,
    low: u32,
    high: u32,
    depth: u16,
}

/// The diagrams of one automaton.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    nodes: Vec<Node>,
    ids: Map<(Variable, u32, u32), u32>,
    conjunctions: Map<(u32, u32), u32>,
    negations: Map<u32, u32>,
    /// A limit was hit; what was computed since means nothing.
    pub overflow: bool,
}

impl Conditions {
    /// (variable, function where it does not hold, function where it does) of a function that is not constant.
    pub fn parts(&self, f: u32) -> (Variable, u32, u32) {
        let node = self.nodes[f as usize - 2];
        (node.variable, node.low, node.high)
    }

    fn depth(&self, f: u32) -> u16 {
        if f <= TRUE {
            0
        } else {
            self.nodes[f as usize - 2].depth
        }
    }

    fn node(&mut self, variable: Variable, low: u32, high: u32) -> u32 {
        if low == high {
            return low;
        }
        if let Some(&id) = self.ids.get(&(variable, low, high)) {
            return id;
        }
        let depth = 1 + self.depth(low).max(self.depth(high));
        if depth > MAX_DEPTH || self.nodes.len() >= MAX_NODES {
            self.overflow = true;
            return FALSE;
        }
        self.nodes.push(Node { variable, low, high, depth });
        let id = self.nodes.len() as u32 + 1;
        self.ids.insert((variable, low, high), id);
        id
    }

    /// The function that holds where the variable does.
    pub fn variable(&mut self, variable: Variable) -> u32 {
        self.node(variable, FALSE, TRUE)
    }

    /// Where both hold.
    pub fn and(&mut self, a: u32, b: u32) -> u32 {
        if a == b || b == TRUE {
            return a;
        }
        if a == TRUE {
            return b;
        }
        if a == FALSE || b == FALSE {
            return FALSE;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&known) = self.conjunctions.get(&key) {
            return known;
        }
        let (x, y) = (self.parts(a), self.parts(b));
        let first = x.0.min(y.0);
        let (a0, a1) = if x.0 == first { (x.1, x.2) } else { (a, a) };
        let (b0, b1) = if y.0 == first { (y.1, y.2) } else { (b, b) };
        let (low, high) = (self.and(a0, b0), self.and(a1, b1));
        let both = self.node(first, low, high);
        self.conjunctions.insert(key, both);
        both
    }

    /// Where it does not hold.
    pub fn not(&mut self, f: u32) -> u32 {
        if f <= TRUE {
            return TRUE - f;
        }
        if let Some(&known) = self.negations.get(&f) {
            return known;
        }
        let (variable, low, high) = self.parts(f);
        let (low, high) = (self.not(low), self.not(high));
        let other = self.node(variable, low, high);
        self.negations.insert(f, other);
        other
    }

    /// Where one of them holds.
    pub fn or(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.not(a), self.not(b));
        let neither = self.and(a, b);
        self.not(neither)
    }

    /// `a` where `f` holds, `b` where it does not.
    pub fn choose(&mut self, f: u32, a: u32, b: u32) -> u32 {
        let with = self.and(f, a);
        let other = self.not(f);
        let without = self.and(other, b);
        self.or(with, without)
    }

    /// Whether `f` holds at the end of the text, where no leaf comes to a match any more.
    pub fn holds_at_end(&self, mut f: u32) -> bool {
        while f > TRUE {
            f = self.parts(f).1;
        }
        f == TRUE
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        56 * self.nodes.len() + 24 * (self.conjunctions.len() + self.negations.len())
    }
}
