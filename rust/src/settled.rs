//! Contexts from which every continuation can be finished, whatever the parser's stack.
//!
//! Whether a lexeme under guards has a completion takes a search, and that for every continuation. In
//! nearly all grammars one proof saves the rest: say that after a *separator*, a lexeme that is ignored,
//! every terminal can be read by some word, and that after this word a separator can come. Then any
//! sequence of terminals can be written down with separators between them. A parser that goes on with
//! some sequence from wherever it stands can thus finish from every context whose guards all die of the
//! separator's first byte, or of the first byte of every word: a *settled* one. Whether a lexeme comes
//! to an end in a settled context is a matter of its lexer state alone.
//!
//! Some terminals can never be read where others win. The proof still holds if the parser can do
//! without them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::behind::UNASKED;
use crate::error::Result;
use crate::guards::NO_GUARDS;
use crate::hash::Map;
use crate::lexer::{Exit, Kind, Lexicon, DEAD};
use crate::nfa::{Nfa, Node};
use crate::parser::{Item, Parser};
use crate::regex::holds;

/// Lexer states that one search for a settled end looks at.
const FUEL: usize = 100;
/// Ways to choose bytes of classes when words of a terminal are made up.
const TRIES: usize = 3;

/// Lexemes that can come at the same places: where each starts, and its label.
#[derive(Debug, Default)]
pub struct Readings {
    /// Those that the parser takes.
    pub terminals: Vec<Item>,
    /// Those that it ignores, in the same order for all places.
    pub ignored: Vec<Item>,
}

/// First bytes of words that terminals are read by, and the terminals that are not read, as (place, label).
type Separation = (Vec<u8>, Vec<(usize, u32)>);

/// What was proved of a grammar; see the module.
#[derive(Debug)]
pub(crate) struct Settled {
    /// First byte of the separator.
    separator: u8,
    /// First bytes of the words of all terminals.
    firsts: Vec<u8>,
    contexts: Map<u32, bool>,
    /// By lexer state: whether it comes to a settled end.
    ends: Map<u32, bool>,
}

impl Settled {
    /// The proof, if there is one.
    pub fn prove(parser: &mut dyn Parser, lexicon: &mut Lexicon) -> Result<Option<Settled>> {
        let Some(places) = parser.readings(lexicon)? else { return Ok(None) };
        let Some(first) = places.first() else { return Ok(None) };
        let separators: Vec<_> = first.ignored.iter().map(|&(d, label)| lexicon.words(d, label)).collect();
        for (number, words) in separators.iter().enumerate() {
            for word in words {
                lexicon.watch.check()?;
                if let Some((firsts, unreadable)) = lexicon.separate(word, number, &places) {
                    lexicon.check()?;
                    if unreadable.is_empty() || parser.does_without(&unreadable) {
                        let (contexts, ends) = Default::default();
                        return Ok(Some(Settled { separator: word[0], firsts, contexts, ends }));
                    }
                }
            }
        }
        lexicon.check()?;
        Ok(None)
    }

    fn holds(&mut self, lexicon: &mut Lexicon, context: u32) -> bool {
        if let Some(&known) = self.contexts.get(&context) {
            return known;
        }
        let holds = lexicon.clears(context, self.separator)
            || (lexicon.may_end(context) && self.firsts.iter().all(|&byte| lexicon.clears(context, byte)));
        self.contexts.insert(context, holds);
        holds
    }

    /// Whether a lexeme in state `d` surely comes to an end after which the output can be finished.
    pub fn ends(&mut self, lexicon: &mut Lexicon, d: u32) -> bool {
        if let Some(&known) = self.ends.get(&d) {
            return known;
        }
        let mut steps = vec![(d, usize::MAX)];
        let mut heap = BinaryHeap::from([(Reverse(lexicon.least(d)), 0)]);
        let mut seen = crate::hash::Set::from_iter([d]);
        while let Some((_, at)) = heap.pop() {
            let state = steps[at].0;
            let special = lexicon.special(state).is_some_and(|(_, context)| self.holds(lexicon, context));
            let here = (0..lexicon.exits(state).len()).any(|e| self.holds(lexicon, lexicon.exits(state)[e].context));
            if special || here || self.ends.get(&state) == Some(&true) {
                let mut at = at;
                while at != usize::MAX {
                    self.ends.insert(steps[at].0, true);
                    at = steps[at].1;
                }
                return true;
            }
            if steps.len() > FUEL || !lexicon.goes_on(state) {
                continue;
            }
            for (_, next) in lexicon.successors(state) {
                if seen.insert(next) {
                    steps.push((next, at));
                    heap.push((Reverse(lexicon.least(next)), steps.len() - 1));
                }
            }
        }
        self.ends.insert(d, false);
        false
    }

    /// Forgets what can be found again.
    pub fn forget(&mut self) {
        self.contexts = Map::default();
        self.ends = Map::default();
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        8 * (self.contexts.capacity() + self.ends.capacity())
    }
}

impl Lexicon {
    /// Which terminals can be read between separators, if these can be read at all places.
    fn separate(&mut self, word: &[u8], number: usize, places: &[Readings]) -> Option<Separation> {
        let (mut firsts, mut unreadable) = (Vec::new(), Vec::new());
        for (at, place) in places.iter().enumerate() {
            let (start, label) = place.ignored[number];
            let ends = self.read(start, label, word);
            let context = ends.iter().map(|e| e.context).find(|&c| self.may_end(c))?;
            for &(d, label) in &place.terminals {
                if self.special(d).is_some() {
                    continue;
                }
                let words = self.words(d, label);
                let mut fits = |text: &[u8]| {
                    self.clears(context, text[0])
                        && self.read(d, label, text).iter().any(|e| self.clears(e.context, word[0]))
                };
                match words.iter().find(|text| fits(text)) {
                    Some(text) => firsts.push(text[0]),
                    None => unreadable.push((at, label)),
                }
            }
        }
        firsts.sort_unstable();
        firsts.dedup();
        Some((firsts, unreadable))
    }

    /// How a lexeme that reads all of `word` may end as `label`.
    fn read(&mut self, start: u32, label: u32, word: &[u8]) -> Vec<Exit> {
        let mut d = start;
        for &byte in word {
            d = self.step(d, byte);
            if d == DEAD {
                return Vec::new();
            }
        }
        self.exits(d).iter().copied().filter(|e| e.label == label).collect()
    }

    /// Some short texts that a lexeme which starts in `d` and ends as `label` might have.
    fn words(&mut self, d: u32, label: u32) -> Vec<Vec<u8>> {
        let mut found = match &self.states[d as usize].kind {
            &Kind::Literal { text, at } => vec![self.texts[text as usize][at as usize..].to_vec()],
            Kind::First { scanner, .. } | Kind::Looking { scanner, .. } => {
                let machine = &self.scanners[*scanner as usize];
                let nfa = &self.nfas[machine.nfa as usize];
                let start = nfa.alternative(label).map(|alternative| alternative.start);
                let mut words: Vec<Vec<u8>> =
                    start.into_iter().flat_map(|at| (0..TRIES).map(move |choice| nfa.word(at, choice))).collect();
                let keywords = (0..machine.keywords.len()).filter(|&k| machine.keywords[k].1 == label);
                words.extend(keywords.map(|k| machine.words.word(k)));
                words
            }
            _ => vec![self.nearest(d)],
        };
        found.dedup();
        found.retain(|word| !word.is_empty());
        found
    }

    /// A shortest text that ends a lexeme by sets.
    fn nearest(&mut self, mut d: u32) -> Vec<u8> {
        let mut word = Vec::new();
        while !self.ends(d) {
            let successors = self.successors(d);
            let Some(&(byte, next)) = successors.iter().min_by_key(|x| self.least(x.1)) else { break };
            if self.least(next) >= self.least(d) {
                break;
            }
            word.push(byte);
            d = next;
        }
        word
    }

    /// Whether no guard of a context is left after a byte.
    fn clears(&mut self, context: u32, byte: u8) -> bool {
        context == NO_GUARDS || self.step_guards(context, byte, UNASKED) == Some(NO_GUARDS)
    }
}

impl Nfa {
    /// A shortest text of the alternative that begins at a node, lookarounds left out; `choice` tells which bytes of classes to take.
    fn word(&self, mut at: u32, choice: usize) -> Vec<u8> {
        let mut word = Vec::new();
        loop {
            match &self.nodes[at as usize] {
                Node::Byte { class, next } => {
                    let class = &self.classes[*class as usize];
                    let wanted: &[u8] = [&b" 1z"[..], &b"\nq7_"[..], &b"#\\Zx"[..]][choice];
                    let printable = 0x20..0x7F;
                    let bytes = wanted.iter().copied().chain(printable).chain(0..=255);
                    let Some(byte) = bytes.into_iter().find(|&b| holds(class, b)) else { return Vec::new() };
                    word.push(byte);
                    at = *next;
                }
                Node::Split(options) | Node::Pick { options, .. } => {
                    let Some(&nearest) = options.iter().min_by_key(|&&o| self.distance(o)) else { return Vec::new() };
                    at = nearest;
                }
                Node::Ahead { next, .. } | Node::Behind { next, .. } | Node::Close { next, .. } => at = *next,
                Node::Match(_) => return word,
            }
        }
    }
}
