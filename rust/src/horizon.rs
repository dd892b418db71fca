//! Automaton states that no short token tells apart.
//!
//! An automaton that counts, words or characters, has a new state for every count, and each would cost a walk of the
//! vocabulary. But a token of so many bytes can tell two states apart only by what they do within so many characters:
//! states that agree up to a *horizon* share what the tokens within it do, and each walks only the few longer ones.
//! Which states agree is found as Moore's partition is (Gedanken-experiments on sequential machines, 1956), stopped
//! after so many rounds, and only for the states that are asked for.

use std::sync::Arc;

use crate::bitmask::{bitmap, Bitmap, TokenSet};
use crate::exits::{Crossing, Info, Walk, AT_START};
use crate::hash::Map;
use crate::lexer::{Kind, Lexicon, DEAD, PLAIN};
use crate::rests::ALL;
use crate::spelling::Within;

/// Bytes of the longest token that states share: 24 leave 1 token of 100 in the vocabularies of large models.
const HORIZON: u16 = 24;

/// An automaton's state.
type State = (u32, u32);

/// What a state does within so many characters: whether a string may end at once, and by character the class of where
/// it leads.
type Row = (u16, bool, Box<[(u32, u32)]>);

/// Which states agree, and what they share.
#[derive(Debug, Default)]
pub(crate) struct Horizons {
    rows: Map<Row, u32>,
    /// The class of a state up to so many characters.
    classes: Map<(State, u16), u32>,
    /// What the short tokens do, by shape, class and where in a character a state is.
    shared: Map<(u32, u32, Option<Within>), Arc<Info>>,
    /// The long tokens; and the nodes of the trie on the way to them, in preorder: the last are at the horizon.
    long: Option<Arc<(Bitmap, Vec<u32>)>>,
}

impl Horizons {
    /// Forgets what can be computed again.
    pub fn forget(&mut self) {
        *self = Horizons { long: self.long.take(), ..Horizons::default() };
    }
}

impl Lexicon {
    /// The info of an automaton's state, with the help of those that do the same within the horizon.
    pub(crate) fn horizon_info(&mut self, d: u32) -> Option<Arc<Info>> {
        let Kind::Automaton { shape, state, within } = self.states[d as usize].kind else { return None };
        if !self.automata[shape as usize].is_large() {
            return None;
        }
        let key = (shape, self.class((shape, state), HORIZON), within);
        match self.horizons.shared.get(&key).cloned() {
            Some(shared) => Some(self.with_long_tokens(shared, d)),
            None => {
                let info = Arc::new(self.compute_info(AT_START, d, false));
                let shared = self.without_long_tokens(&info);
                self.charge(200 + shared.inside.bytes());
                self.horizons.shared.insert(key, Arc::new(shared));
                Some(info)
            }
        }
    }

    /// The number of what a state does within so many characters.
    fn class(&mut self, at: State, characters: u16) -> u32 {
        if let Some(&known) = self.horizons.classes.get(&(at, characters)) {
            return known;
        }
        let shape = &self.automata[at.0 as usize];
        let mut row = Vec::new();
        if characters > 0 {
            row = shape.live_edges(at.1).collect();
        }
        let accepts = shape.accepts(at.1);
        for edge in &mut row {
            edge.1 = self.class((at.0, edge.1), characters - 1);
        }
        let (memory, count) = (8 * row.len() + 48, self.horizons.rows.len() as u32);
        let class = *self.horizons.rows.entry((characters, accepts, row.into())).or_insert(count);
        self.charge(if class == count { memory + 16 } else { 16 });
        self.horizons.classes.insert((at, characters), class);
        class
    }

    fn long_tokens(&mut self) -> Arc<(Bitmap, Vec<u32>)> {
        if let Some(known) = &self.horizons.long {
            return known.clone();
        }
        let trie = self.exits.vocabulary_trie();
        let (mut tokens, mut nodes, mut path) = (Vec::new(), Vec::new(), Vec::new());
        let (mut i, mut listed) = (1, 0);
        while i < trie.len() as u32 {
            let node = trie.node(i);
            path.truncate(usize::from(node.depth) - 1);
            listed = listed.min(path.len());
            path.push(i);
            if node.depth == HORIZON {
                if trie.has_children(i) {
                    tokens.extend_from_slice(trie.below(i));
                    nodes.extend_from_slice(&path[listed..]);
                    listed = path.len();
                }
                i = node.end;
            } else {
                i += 1;
            }
        }
        self.memory += 4 * (self.words + nodes.len());
        let long = Arc::new((bitmap(&tokens, self.words), nodes));
        self.horizons.long = Some(long.clone());
        long
    }

    /// What an info says of the tokens within the horizon.
    fn without_long_tokens(&mut self, info: &Info) -> Info {
        let long = self.long_tokens();
        let mut bits = vec![0; self.words].into_boxed_slice();
        info.inside.fill(&mut bits);
        bits.iter_mut().zip(long.0.iter()).for_each(|(bits, long)| *bits &= !long);
        let trie = self.exits.vocabulary_trie();
        let mut crossings = Vec::new();
        for crossing in &info.crossings {
            let places = self.exits.places(crossing.set);
            let near = places.iter().filter(|p| trie.node(p.1).depth <= HORIZON).copied().collect();
            crossings.push(Crossing { exit: crossing.exit, set: self.exits.intern(near, ALL) });
        }
        let inside = TokenSet { base: Some(Arc::new(bits)), ..TokenSet::default() };
        Info { inside: self.share(inside).into(), doubtful: Vec::new(), crossings }
    }

    /// What was shared, and what the long tokens do in state `d`.
    fn with_long_tokens(&mut self, shared: Arc<Info>, d: u32) -> Arc<Info> {
        let (long, trie) = (self.long_tokens(), self.exits.vocabulary_trie());
        let mut walk = Walk::new(false);
        let mut path = vec![d];
        for &n in &long.1 {
            let node = trie.node(n);
            let level = usize::from(node.depth);
            if level > path.len() {
                continue; // below where the lexeme died
            }
            path.truncate(level);
            let next = self.step(path[level - 1], node.byte);
            if next == DEAD {
                continue;
            }
            if node.depth == HORIZON {
                self.walk((0, n), next, &mut walk);
            } else {
                path.push(next);
            }
        }
        let far = self.gathered(walk, false);
        if far.inside.is_empty() && far.crossings.is_empty() {
            return shared;
        }
        let mut bits = vec![0; self.words].into_boxed_slice();
        let mut inside = TokenSet::clone(&shared.inside);
        match &far.inside.base {
            None => inside.set = far.inside.set.clone(),
            Some(_) => {
                far.inside.fill(&mut bits);
                if let Some(base) = &inside.base {
                    bits.iter_mut().zip(base.iter()).for_each(|(bits, near)| *bits |= near);
                }
                inside = self.share(TokenSet { base: Some(Arc::new(bits)), ..TokenSet::default() });
            }
        }
        let mut places = Vec::new();
        for crossing in shared.crossings.iter().chain(&far.crossings) {
            places.extend_from_slice(&self.exits.places(crossing.set));
        }
        let mut crossings = Vec::new();
        if !places.is_empty() {
            crossings.push(Crossing { exit: PLAIN, set: self.exits.intern(places, ALL) });
        }
        Arc::new(Info { inside: inside.into(), doubtful: Vec::new(), crossings })
    }
}
