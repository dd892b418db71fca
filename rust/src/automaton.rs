//! Automaton terminals: deterministic automata over characters, each character a small regex.
//!
//! A pattern whose length is bounded, or several patterns at once, are automata that would be beyond measure as a
//! regex. The lexer state is a state of that automaton and, inside a character, the leaves of the characters that
//! may still come of the bytes so far (see `spelling`). Characters are spelled alike in all states, so one small automaton serves
//! them all. From one state no spelling of a character begins like another's.

use std::sync::Arc;

use crate::code::{self, Reader};
use crate::error::{KernelError, Result};
use crate::lexer::{Kind, Lexicon, DEAD, PLAIN};
use crate::nfa::{Nfa, NEVER};
use crate::regex::{Class, Tree};
use crate::spelling::{Spelled, Spelling, Within};

/// Automaton states beyond this are refused.
const MAX_STATES: usize = 1 << 20;
/// So many states are a large automaton.
const LARGE: usize = 64;

/// What the states of an automaton terminal have in common.
#[derive(Debug)]
pub(crate) struct AutomatonShape {
    /// The automaton of all characters; character i matches with label i.
    pub nfa: u32,
    spelling: Spelling,
    /// Where the edges of each state begin; one more at the end.
    from: Box<[u32]>,
    /// (character, target)
    edges: Box<[(u32, u32)]>,
    accepting: Box<[bool]>,
    /// Least number of bytes from each state to an accepting one.
    distance: Box<[u32]>,
    /// Which character is any character, and its code.
    any: Option<(u32, Arc<[u8]>)>,
    /// The bytes that characters begin with that lead to an accepting state.
    closing: Class,
}

impl AutomatonShape {
    fn edges(&self, state: u32) -> &[(u32, u32)] {
        &self.edges[self.from[state as usize] as usize..self.from[state as usize + 1] as usize]
    }

    /// Where a character leads to.
    fn target(&self, state: u32, character: u32) -> Option<u32> {
        self.edges(state).iter().find(|e| e.0 == character).map(|e| e.1)
    }

    /// The characters that lead to where a string can still end, and where.
    pub fn live_edges(&self, state: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.edges(state).iter().filter(|e| self.distance[e.1 as usize] != NEVER).copied()
    }

    /// Whether a string may end in a state.
    pub fn accepts(&self, state: u32) -> bool {
        self.accepting[state as usize]
    }

    /// Whether it has so many states that many of them may do the same for a while.
    pub fn is_large(&self) -> bool {
        self.accepting.len() > LARGE
    }

    /// The leaves of the characters that a state reads.
    fn beginning(&mut self, nfa: &mut Nfa, state: u32) -> Within {
        let characters: Vec<u32> = self.live_edges(state).map(|e| e.0).collect();
        self.spelling.beginning(nfa, &characters)
    }

    /// The code of any character, where it leads back to a state; and the bytes that a string may end with.
    pub fn any_character(&self, state: u32) -> Option<(Arc<[u8]>, Class)> {
        let (character, code) = self.any.as_ref()?;
        (self.target(state, *character) == Some(state)).then(|| (code.clone(), self.closing))
    }

    /// The largest distance of any state.
    pub fn longest(&self) -> u32 {
        self.distance.iter().copied().filter(|&d| d != NEVER).max().unwrap_or(0)
    }
}

impl Lexicon {
    /// The start state of an automaton terminal, whose code is: u32 start, u32 index of the character that is any, u32
    /// number of characters; for each u32 size and regex code; u32 number of states; a byte for each, 1 where it accepts; rows of three u32: source,
    /// character, target.
    pub(crate) fn automaton(&mut self, code: &[u8]) -> Result<u32> {
        let mut reader = Reader::new(code);
        let start = reader.u32()?;
        let anything = reader.u32()?;
        let (mut characters, mut any) = (Vec::new(), None);
        for i in 0..reader.u32()? {
            let size = reader.u32()?;
            let code = reader.take(size as usize)?;
            if i == anything {
                any = Some((i, code.into()));
            }
            characters.push(Tree::parse(code)?);
        }
        let count = reader.u32()? as usize;
        if count > MAX_STATES {
            return Err(KernelError::limit(format!("an automaton of {count} states, more than {MAX_STATES}")));
        }
        let accepting: Box<[bool]> = reader.take(count)?.iter().map(|&b| b != 0).collect();
        let mut rows = code::rows::<3>(reader.rest(), "edges of an automaton")?;
        rows.sort_unstable();
        let wrong =
            |r: &[u32; 3]| r[0] as usize >= count || r[1] as usize >= characters.len() || r[2] as usize >= count;
        if start as usize >= count || rows.iter().any(wrong) {
            return Err(KernelError::program("an edge of an automaton from or to nowhere"));
        }
        if rows.windows(2).any(|w| w[0][..2] == w[1][..2]) {
            return Err(KernelError::program("an automaton with two edges over one character"));
        }
        let mut nfa = Nfa::new(&characters)?;
        if nfa.looks || nfa.nullable() {
            return Err(KernelError::program("a character of an automaton that is empty, or looks around"));
        }
        let mut from = vec![0; count + 1];
        rows.iter().for_each(|r| from[r[0] as usize + 1] += 1);
        for i in 0..count {
            from[i + 1] += from[i];
        }
        let mut closing = [0; 4];
        for row in rows.iter().filter(|r| accepting[r[2] as usize]) {
            let leaves = nfa.start_of(row[1]);
            closing.iter_mut().zip(nfa.alphabet(&leaves)).for_each(|(a, b)| *a |= b);
        }
        let distance = distances(&rows, &accepting, &nfa);
        let edges = rows.iter().map(|r| (r[1], r[2])).collect();
        self.memory += nfa.bytes() + 12 * rows.len() + 9 * count;
        self.nfas.push(nfa);
        self.automata.push(AutomatonShape {
            nfa: self.nfas.len() as u32 - 1,
            spelling: Spelling::default(),
            from: from.into(),
            edges,
            accepting,
            distance,
            any,
            closing,
        });
        Ok(self.automaton_state(self.automata.len() as u32 - 1, start, None))
    }

    /// The lexer state at a state of an automaton, between two characters or within one.
    fn automaton_state(&mut self, shape: u32, state: u32, within: Option<Within>) -> u32 {
        let kind = Kind::Automaton { shape, state, within };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let form = &mut self.automata[shape as usize];
        let nfa = &mut self.nfas[form.nfa as usize];
        let distance = match within {
            None => form.distance[state as usize],
            Some(within) => {
                form.spelling.leaves(within).iter().map(|&l| rest(form, nfa, state, l)).min().unwrap_or(NEVER)
            }
        };
        if distance == NEVER {
            return DEAD;
        }
        let exit = (within.is_none() && form.accepting[state as usize]).then_some(PLAIN);
        let leaves = within.unwrap_or_else(|| form.beginning(nfa, state));
        let (alphabet, classes) = (*form.spelling.alphabet(leaves), nfa.byte_class.clone());
        self.intern(kind, &alphabet, Some(classes), exit.as_slice(), distance)
    }

    pub(crate) fn step_automaton(&mut self, shape: u32, state: u32, within: Option<Within>, byte: u8) -> u32 {
        let form = &mut self.automata[shape as usize];
        let nfa = &mut self.nfas[form.nfa as usize];
        let leaves = within.unwrap_or_else(|| form.beginning(nfa, state));
        match form.spelling.step(nfa, leaves, byte) {
            Spelled::On(within) => self.automaton_state(shape, state, Some(within)),
            Spelled::Character(character) => match form.target(state, character) {
                Some(target) => self.automaton_state(shape, target, None),
                None => DEAD,
            },
            Spelled::Dead => DEAD,
            Spelled::Ambiguous => self.fail(KernelError::program("a character of an automaton begins like another")),
        }
    }
}

/// Least number of bytes from a leaf within a character to an accepting state.
fn rest(form: &AutomatonShape, nfa: &Nfa, state: u32, leaf: u32) -> u32 {
    let target = form.target(state, nfa.label(leaf)).map_or(NEVER, |t| form.distance[t as usize]);
    nfa.distance(leaf).saturating_add(target)
}

/// Least number of bytes from each state to an accepting one, [`NEVER`] where there is none (Dijkstra's algorithm).
fn distances(rows: &[[u32; 3]], accepting: &[bool], nfa: &Nfa) -> Box<[u32]> {
    let mut into: Vec<Vec<(u32, u32)>> = vec![Vec::new(); accepting.len()];
    for &[source, character, target] in rows {
        into[target as usize].push((source, nfa.least_of(character)));
    }
    let mut distance: Vec<u32> = accepting.iter().map(|&a| if a { 0 } else { NEVER }).collect();
    let ends = (0..accepting.len() as u32).filter(|&s| accepting[s as usize]);
    let mut heap: std::collections::BinaryHeap<_> = ends.map(|s| (std::cmp::Reverse(0u32), s)).collect();
    while let Some((std::cmp::Reverse(so_far), state)) = heap.pop() {
        if so_far > distance[state as usize] {
            continue;
        }
        for &(source, bytes) in &into[state as usize] {
            let longer = so_far.saturating_add(bytes);
            if longer < distance[source as usize] {
                distance[source as usize] = longer;
                heap.push((std::cmp::Reverse(longer), source));
            }
        }
    }
    distance.into()
}
