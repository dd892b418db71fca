//! Byte automata with priorities (Thompson's construction; Pike's threads).
//!
//! Only nodes that read a byte, and matches, are *leaves*; everything between is followed by
//! [`Nfa::closure`], which lists leaves in the order in which backtracking would try them. A sorted
//! list of leaves is a state of the ordinary subset construction; an ordered one, cut after its first
//! match, is a state of the leftmost-first construction (as regex-automata determinises).

use std::sync::Arc;

use crate::conditions::Conditions;
use crate::error::{KernelError, Result};
use crate::hash::Map;
use crate::regex::{holds, single, Class, Syntax, Tree, UNBOUNDED};

/// Leaves that read a byte, in one automaton, beyond which it is refused.
pub(crate) const MAX_POSITIONS: usize = 60_000;
/// "No match can be reached."
pub const NEVER: u32 = u32::MAX;
/// The label of a match that ends no lexeme: a lookahead found what it looks for.
const NO_LABEL: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Reads a byte of class `class`, goes to `next`.
    Byte { class: u32, next: u32 },
    /// Tries these in order.
    Split(Box<[u32]>),
    /// A match of alternative `label`, or of what a lookahead looks for.
    Match(u32),
    /// Goes to `next` if `body` matches from here on (if it does not, when negative).
    Ahead { body: u32, negative: bool, next: u32 },
    /// Goes to `next` if a match of lookbehind `index` ends here (if none does, when negative).
    Behind { index: u32, negative: bool, next: u32 },
    /// Tries these in order; one only where none before it comes to the end of the atomic group.
    Pick { options: Box<[u32]>, group: u32 },
    /// The end of an atomic group.
    Close { group: u32, next: u32 },
}

/// One of the regexes of an automaton.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alternative {
    /// Where it begins.
    pub start: u32,
    /// Whether it looks around, or has atomic groups.
    pub looks: bool,
    /// Whether it looks behind.
    pub looks_behind: bool,
    /// Leaves that read a byte.
    pub positions: usize,
}

/// An automaton over one regex, or over the alternatives of one or more scanners.
#[derive(Debug)]
pub struct Nfa {
    pub(crate) nodes: Vec<Node>,
    pub(crate) classes: Vec<Class>,
    class_ids: Map<Class, u32>,
    /// Least number of bytes to a match.
    distance: Vec<u32>,
    /// The label of the alternative that the node belongs to.
    label: Vec<u32>,
    start: u32,
    /// By label.
    alternatives: Vec<Option<Alternative>>,
    closures: Vec<Option<Arc<[u32]>>>,
    mark: Vec<u32>,
    generation: u32,
    positions: usize,
    /// Of them, those of alternatives that were added.
    built: usize,
    longest: u32,
    /// Loops over any character: where a round begins, and the code of a character.
    pub(crate) loops: Vec<(u32, Arc<[u8]>)>,
    /// Whether it looks around, or has atomic groups: then its threads have conditions (see `looking`).
    pub(crate) looks: bool,
    /// Atomic groups so far; 0 stands for none.
    groups: u32,
    /// What its lookbehinds look for, each once.
    pub(crate) behinds: Vec<Box<[u8]>>,
    pub(crate) conditions: Conditions,
    /// Byte to class of bytes that no node tells apart.
    pub byte_class: Arc<[u8; 256]>,
}

/// The error of what has too many positions.
pub(crate) fn too_large() -> KernelError {
    KernelError::limit(format!("a terminal of more than {MAX_POSITIONS} positions"))
}

impl Nfa {
    /// The automaton of ordered alternatives; alternative i matches with label i.
    pub fn new(alternatives: &[Tree]) -> Result<Nfa> {
        let mut nfa = Nfa::empty();
        for (i, tree) in alternatives.iter().enumerate() {
            nfa.add(tree, i as u32)?;
        }
        if nfa.positions > MAX_POSITIONS {
            return Err(too_large());
        }
        nfa.start = nfa.one_of(0..alternatives.len() as u32);
        nfa.class_ids = Map::default(); // it served to build
        Ok(nfa)
    }

    /// The automaton of nothing yet.
    pub(crate) fn empty() -> Nfa {
        Nfa {
            nodes: Vec::new(),
            classes: Vec::new(),
            class_ids: Map::default(),
            distance: Vec::new(),
            label: Vec::new(),
            start: 0,
            alternatives: Vec::new(),
            closures: Vec::new(),
            mark: Vec::new(),
            generation: 0,
            positions: 0,
            built: 0,
            longest: 0,
            loops: Vec::new(),
            looks: false,
            groups: 0,
            behinds: Vec::new(),
            conditions: Conditions::default(),
            byte_class: Arc::new([0; 256]),
        }
    }

    /// Adds an alternative; states made before stay what they are.
    pub(crate) fn add(&mut self, tree: &Tree, label: u32) -> Result<()> {
        let (first, classes) = (self.nodes.len(), self.classes.len());
        self.built = self.positions;
        let looks = std::mem::take(&mut self.looks);
        let end = self.push(Node::Match(label));
        let start = self.build(tree, tree.root(), end, 0)?;
        let looks_behind = self.nodes[first..].iter().any(|node| matches!(node, Node::Behind { .. }));
        let made = Alternative { start, looks: self.looks, looks_behind, positions: self.positions - self.built };
        self.looks |= looks;
        if self.alternatives.len() <= label as usize {
            self.alternatives.resize(label as usize + 1, None);
        }
        self.alternatives[label as usize] = Some(made);
        self.label.resize(self.nodes.len(), label);
        self.measure(first);
        let far = self.distance[first..].iter().copied().filter(|&d| d != NEVER).max();
        self.longest = self.longest.max(far.unwrap_or(0));
        self.classify(classes);
        self.closures.resize(self.nodes.len(), None);
        self.mark.resize(self.nodes.len(), 0);
        Ok(())
    }

    /// The alternative of a label, if it was added.
    pub(crate) fn alternative(&self, label: u32) -> Option<Alternative> {
        self.alternatives.get(label as usize).copied().flatten()
    }

    /// A node that tries alternatives in order.
    pub(crate) fn one_of(&mut self, labels: impl Iterator<Item = u32>) -> u32 {
        let starts: Box<[u32]> = labels.filter_map(|label| self.alternative(label)).map(|a| a.start).collect();
        if let [only] = starts[..] {
            return only;
        }
        self.distance.push(starts.iter().map(|&s| self.distance[s as usize]).min().unwrap_or(NEVER));
        self.label.push(0);
        self.closures.push(None);
        self.mark.push(0);
        self.push(Node::Split(starts))
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    fn byte(&mut self, bytes: Class, next: u32) -> Result<u32> {
        self.positions += 1;
        if self.positions - self.built > MAX_POSITIONS {
            return Err(too_large());
        }
        let number = self.classes.len() as u32;
        let class = *self.class_ids.entry(bytes).or_insert(number);
        if class == number {
            self.classes.push(bytes);
        }
        Ok(self.push(Node::Byte { class, next }))
    }

    /// A node that tries some others in order, in an atomic group or outside of all.
    fn split(&mut self, options: impl Into<Box<[u32]>>, group: u32) -> u32 {
        let options = options.into();
        self.push(if group == 0 { Node::Split(options) } else { Node::Pick { options, group } })
    }

    /// Compiles a part so that it goes on at `next`; returns where it starts. `group` is the innermost
    /// atomic group around it.
    fn build(&mut self, tree: &Tree, part: u32, next: u32, group: u32) -> Result<u32> {
        match tree.node(part) {
            Syntax::Empty => Ok(next),
            Syntax::Literal(bytes) => bytes.iter().rev().try_fold(next, |to, &b| self.byte(single(b), to)),
            Syntax::Class(class) => self.byte(*class, next),
            Syntax::Concat(parts) => parts.iter().rev().try_fold(next, |to, &p| self.build(tree, p, to, group)),
            Syntax::Alternation(parts) => {
                let starts: Result<Vec<u32>> = parts.iter().map(|&p| self.build(tree, p, next, group)).collect();
                Ok(self.split(starts?, group))
            }
            &Syntax::Ahead { body, negative } => {
                self.looks = true;
                let found = self.push(Node::Match(NO_LABEL));
                let body = self.build(tree, body, found, 0)?;
                Ok(self.push(Node::Ahead { body, negative, next }))
            }
            Syntax::Behind { code, negative } => {
                self.looks = true;
                let index = self.behinds.iter().position(|known| known == code).unwrap_or_else(|| {
                    self.behinds.push(code.clone());
                    self.behinds.len() - 1
                });
                Ok(self.push(Node::Behind { index: index as u32, negative: *negative, next }))
            }
            &Syntax::Atomic(body) => {
                self.looks = true;
                self.groups += 1;
                let group = self.groups;
                let close = self.push(Node::Close { group, next });
                self.build(tree, body, close, group)
            }
            &Syntax::Repeat { body, min, max, greedy } => {
                let order = |a, b| if greedy { [a, b] } else { [b, a] };
                let (mut at, mut copies) = (next, min);
                if max == UNBOUNDED {
                    // x+ is x and a way back; x* is (x+)? when x may be empty, so that an empty
                    // round leaves the loop as CPython's `re` does.
                    let back = self.split([], group);
                    let start = self.build(tree, body, back, group)?;
                    if let Some(code) = tree.universal(part) {
                        self.loops.push((start, code));
                    }
                    if let Node::Split(options) | Node::Pick { options, .. } = &mut self.nodes[back as usize] {
                        *options = order(start, next).into();
                    }
                    at = if min > 0 {
                        copies = min - 1;
                        start
                    } else if tree.nullable(body) {
                        self.split(order(start, next), group)
                    } else {
                        back
                    };
                } else {
                    for _ in min..max {
                        let start = self.build(tree, body, at, group)?;
                        at = self.split(order(start, next), group);
                    }
                }
                for _ in 0..copies {
                    at = self.build(tree, body, at, group)?;
                }
                Ok(at)
            }
        }
    }

    /// Least number of bytes from the nodes of the alternative that begins with node `first` to its match, backwards.
    fn measure(&mut self, first: usize) {
        let n = self.nodes.len();
        let mut into: Vec<Vec<u32>> = vec![Vec::new(); n - first];
        self.distance.resize(n, NEVER);
        let mut queue = std::collections::VecDeque::new();
        for (i, node) in self.nodes.iter().enumerate().skip(first) {
            let mut from = |to: u32| into[to as usize - first].push(i as u32);
            match node {
                Node::Byte { class, next } => {
                    if self.classes[*class as usize] != [0; 4] {
                        from(*next);
                    }
                }
                Node::Split(to) | Node::Pick { options: to, .. } => {
                    to.iter().for_each(|&t| from(t));
                }
                Node::Ahead { next, .. } | Node::Behind { next, .. } | Node::Close { next, .. } => {
                    from(*next);
                }
                Node::Match(_) => {
                    self.distance[i] = 0;
                    queue.push_back(i as u32);
                }
            }
        }
        // Breadth first with weights 0 and 1: weight 0 goes to the front.
        while let Some(node) = queue.pop_front() {
            for &from in &into[node as usize - first] {
                let weight = u32::from(matches!(self.nodes[from as usize], Node::Byte { .. }));
                let distance = self.distance[node as usize] + weight;
                if distance < self.distance[from as usize] {
                    self.distance[from as usize] = distance;
                    if weight == 0 {
                        queue.push_front(from);
                    } else {
                        queue.push_back(from);
                    }
                }
            }
        }
    }

    /// Splits the 256 bytes further, into classes that no node tells apart; `first` is the first new class.
    fn classify(&mut self, first: usize) {
        if first == self.classes.len() {
            return;
        }
        let mut of = *self.byte_class;
        for class in &self.classes[first..] {
            let mut renamed = [None; 512];
            let mut count = 0..=255u8;
            for b in 0..=255u8 {
                let key = 2 * usize::from(of[usize::from(b)]) + usize::from(holds(class, b));
                of[usize::from(b)] = *renamed[key].get_or_insert_with(|| count.next().unwrap_or(255));
            }
        }
        self.byte_class = Arc::new(of);
    }

    /// The leaves at the start, in order.
    pub fn start(&mut self) -> Arc<[u32]> {
        self.closure(self.start)
    }

    /// The leaves at the start of an alternative, in order.
    pub fn start_of(&mut self, alternative: u32) -> Arc<[u32]> {
        match self.alternative(alternative) {
            Some(known) => self.closure(known.start),
            None => Arc::default(),
        }
    }

    /// Least number of bytes of a match of an alternative.
    pub fn least_of(&self, alternative: u32) -> u32 {
        self.alternative(alternative).map_or(NEVER, |known| self.distance(known.start))
    }

    /// Whether some alternative matches the empty string.
    pub fn nullable(&self) -> bool {
        self.distance[self.start as usize] == 0
    }

    /// The leaves that a node leads to without reading, in order; leaves that no match follows are
    /// left out.
    pub(crate) fn closure(&mut self, node: u32) -> Arc<[u32]> {
        if let Some(known) = &self.closures[node as usize] {
            return known.clone();
        }
        self.generation += 1;
        let (mut stack, mut leaves) = (vec![node], Vec::new());
        while let Some(n) = stack.pop() {
            if std::mem::replace(&mut self.mark[n as usize], self.generation) == self.generation {
                continue;
            }
            match &self.nodes[n as usize] {
                Node::Split(to) => stack.extend(to.iter().rev()),
                _ if self.distance[n as usize] == NEVER => {}
                _ => leaves.push(n),
            }
        }
        let leaves: Arc<[u32]> = leaves.into();
        self.closures[node as usize] = Some(leaves.clone());
        leaves
    }

    /// Steps every leaf over a byte: the leaves that follow, in order of priority, each once.
    pub fn step(&mut self, leaves: &[u32], byte: u8) -> Vec<u32> {
        let mut parts: Vec<Arc<[u32]>> = Vec::new();
        for &leaf in leaves {
            if let Node::Byte { class, next } = self.nodes[leaf as usize] {
                if holds(&self.classes[class as usize], byte) {
                    parts.push(self.closure(next));
                }
            }
        }
        self.generation += 1;
        let mut out = Vec::new();
        for leaf in parts.iter().flat_map(|p| p.iter().copied()) {
            if std::mem::replace(&mut self.mark[leaf as usize], self.generation) != self.generation {
                out.push(leaf);
            }
        }
        out
    }

    /// Whether no byte of a class is the last one of a match.
    pub(crate) fn ends_apart(&self, class: &Class) -> bool {
        let last = |node: &Node| match node {
            Node::Byte { class, next } if self.distance[*next as usize] == 0 => Some(&self.classes[*class as usize]),
            _ => None,
        };
        self.nodes.iter().filter_map(last).all(|c| c.iter().zip(class).all(|(a, b)| a & b == 0))
    }

    /// The alternative that a leaf matches, if it is a match.
    pub fn matched(&self, leaf: u32) -> Option<u32> {
        match self.nodes[leaf as usize] {
            Node::Match(label) => Some(label),
            _ => None,
        }
    }

    /// The alternative that a leaf belongs to.
    pub fn label(&self, leaf: u32) -> u32 {
        self.label[leaf as usize]
    }

    /// Least number of bytes from a leaf to its match.
    pub fn distance(&self, leaf: u32) -> u32 {
        self.distance[leaf as usize]
    }

    /// The largest distance of any leaf.
    pub fn longest(&self) -> u32 {
        self.longest
    }

    /// The bytes that some leaf reads.
    pub fn alphabet(&self, leaves: &[u32]) -> Class {
        let mut all = [0; 4];
        for &leaf in leaves {
            if let Node::Byte { class, .. } = self.nodes[leaf as usize] {
                for (a, c) in all.iter_mut().zip(&self.classes[class as usize]) {
                    *a |= c;
                }
            }
        }
        all
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        self.nodes.len() * 60 + self.classes.len() * 32 + self.conditions.bytes()
    }
}
