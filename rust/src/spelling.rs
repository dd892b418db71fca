//! Where one stands within a character of an automaton terminal.
//!
//! Characters are spelled alike in all states of an automaton, so the sets of leaves that their bytes lead through are
//! few, and where a byte leads from a set is looked up: a new state of the automaton costs no subset construction.

use std::sync::Arc;

use crate::hash::Map;
use crate::nfa::Nfa;
use crate::regex::Class;

/// A set of leaves, by number.
pub(crate) type Within = u32;

/// Where a byte leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelled {
    /// On, within a character.
    On(Within),
    /// A character is complete.
    Character(u32),
    /// Nowhere.
    Dead,
    /// One character begins like another: no such automaton may be.
    Ambiguous,
}

/// A set of leaves.
#[derive(Debug)]
struct Leaves {
    leaves: Arc<[u32]>,
    alphabet: Class,
    /// By class of bytes; unknown until asked for.
    next: Box<[Option<Spelled>]>,
}

/// The sets of leaves that were met so far.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    sets: Vec<Leaves>,
    ids: Map<Arc<[u32]>, Within>,
    /// By the characters that may come: the leaves they begin with.
    beginnings: Map<Box<[u32]>, Within>,
}

impl Spelling {
    /// The leaves that some characters begin with.
    pub fn beginning(&mut self, nfa: &mut Nfa, characters: &[u32]) -> Within {
        if let Some(&known) = self.beginnings.get(characters) {
            return known;
        }
        let leaves = characters.iter().flat_map(|&c| nfa.start_of(c).to_vec()).collect();
        let within = self.intern(nfa, leaves);
        self.beginnings.insert(characters.into(), within);
        within
    }

    fn intern(&mut self, nfa: &Nfa, mut leaves: Vec<u32>) -> Within {
        leaves.sort_unstable();
        let leaves: Arc<[u32]> = leaves.into();
        if let Some(&known) = self.ids.get(&leaves) {
            return known;
        }
        let classes = nfa.byte_class.iter().max().map_or(1, |&most| usize::from(most) + 1);
        let alphabet = nfa.alphabet(&leaves);
        self.sets.push(Leaves { leaves: leaves.clone(), alphabet, next: vec![None; classes].into() });
        self.ids.insert(leaves, self.sets.len() as u32 - 1);
        self.sets.len() as u32 - 1
    }

    /// Where a byte leads.
    pub fn step(&mut self, nfa: &mut Nfa, within: Within, byte: u8) -> Spelled {
        let class = usize::from(nfa.byte_class[usize::from(byte)]);
        if let Some(known) = self.sets[within as usize].next[class] {
            return known;
        }
        let next = nfa.step(&self.sets[within as usize].leaves, byte);
        let to = match next.iter().find_map(|&leaf| nfa.matched(leaf)) {
            Some(_) if next.len() > 1 => Spelled::Ambiguous,
            Some(character) => Spelled::Character(character),
            None if next.is_empty() => Spelled::Dead,
            None => Spelled::On(self.intern(nfa, next)),
        };
        self.sets[within as usize].next[class] = Some(to);
        to
    }

    /// The leaves of a set.
    pub fn leaves(&self, within: Within) -> &[u32] {
        &self.sets[within as usize].leaves
    }

    /// The bytes that lead on from a set.
    pub fn alphabet(&self, within: Within) -> &Class {
        &self.sets[within as usize].alphabet
    }
}
