//! Guards: threads that were preferred to a match that was taken, and so must never match.
//!
//! Take `\d+` after "12". CPython's `re` would go on if a digit followed, so the lexeme ends after
//! "12" only if none does: the exit carries the guard {digit}. The next lexeme then starts under that
//! guard; as soon as the guard dies, the state is the plain one again; if it matches, the longer match
//! was the one, and this path is dead. A guard may outlive a lexeme, so guards add up. At the end of
//! the text all are satisfied.
//!
//! The order of a guard's threads says nothing any more (any match kills), so a guard is a subset state
//! of the same automaton, and guards are kept as sorted sets.

use std::sync::Arc;

use crate::error::KernelError;
use crate::hash::Map;
use crate::lexer::{Exit, Kind, Lexicon, DEAD, UNGUARDED};
use crate::regex::Class;

/// More guards at once are refused.
const MAX_GUARDS: usize = 64;

/// Interned sets of guards; id 0 is the empty one.
#[derive(Debug)]
pub(crate) struct Guards {
    sets: Vec<Arc<[u32]>>,
    ids: Map<Arc<[u32]>, u32>,
    /// First bytes that some guard does not forbid, once asked for.
    survive: Map<u32, Class>,
}

impl Default for Guards {
    fn default() -> Self {
        Guards { sets: vec![Arc::new([])], ids: Map::default(), survive: Map::default() }
    }
}

impl Guards {
    /// The guards of a set.
    pub fn set(&self, id: u32) -> &[u32] {
        &self.sets[id as usize]
    }

    /// The set of one guard.
    pub fn one(&mut self, guard: u32) -> u32 {
        self.intern(vec![guard])
    }

    fn intern(&mut self, mut list: Vec<u32>) -> u32 {
        if list.is_empty() {
            return UNGUARDED;
        }
        list.sort_unstable();
        list.dedup();
        let set: Arc<[u32]> = list.into();
        if let Some(&id) = self.ids.get(&set) {
            return id;
        }
        self.sets.push(set.clone());
        self.ids.insert(set, self.sets.len() as u32 - 1);
        self.sets.len() as u32 - 1
    }
}

impl Lexicon {
    /// The union of two sets of guards.
    fn join(&mut self, a: u32, b: u32) -> u32 {
        if a == UNGUARDED || a == b {
            return b;
        }
        if b == UNGUARDED {
            return a;
        }
        let mut list = self.guards.sets[a as usize].to_vec();
        list.extend_from_slice(&self.guards.sets[b as usize]);
        let joined = self.guards.intern(list);
        if self.guards.sets[joined as usize].len() > MAX_GUARDS {
            self.fail(KernelError::limit(format!(
                "more than {MAX_GUARDS} lexemes wait to see whether they should have been longer"
            )));
        }
        joined
    }

    /// State `main` under guards.
    pub fn guarded(&mut self, main: u32, guards: u32) -> u32 {
        if guards == UNGUARDED || main == DEAD {
            return main;
        }
        let kind = Kind::Guarded { main, guards };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let (mut alphabet, classes) = self.alphabet(main);
        if !self.goes_on(main) {
            alphabet = [0; 4];
        }
        // A row over the classes of the main automaton would mix bytes that a guard tells apart.
        drop(classes);
        let exit = self.exit(main);
        let exit = exit.map(|e| Exit { label: e.label, guards: self.join(e.guards, guards) });
        let distance = self.states[main as usize].distance;
        self.intern(kind, &alphabet, None, exit, distance)
    }

    /// The guards after one more byte; `None` when one of them matched.
    fn step_guards(&mut self, guards: u32, byte: u8) -> Option<u32> {
        let set = self.guards.sets[guards as usize].clone();
        let mut rest = Vec::with_capacity(set.len());
        for &g in set.iter() {
            let next = self.step(g, byte);
            if next != DEAD {
                if self.exit(next).is_some() {
                    return None;
                }
                rest.push(next);
            }
        }
        Some(self.guards.intern(rest))
    }

    pub(crate) fn step_guarded(&mut self, main: u32, guards: u32, byte: u8) -> u32 {
        let next = self.step(main, byte);
        if next == DEAD {
            return DEAD;
        }
        match self.step_guards(guards, byte) {
            None => DEAD,
            Some(rest) => self.guarded(next, rest),
        }
    }

    /// The bytes that may come first under the guards.
    pub(crate) fn survivors(&mut self, guards: u32) -> Class {
        if guards == UNGUARDED {
            return [u64::MAX; 4];
        }
        if let Some(class) = self.guards.survive.get(&guards) {
            return *class;
        }
        let mut class = [0u64; 4];
        for b in 0..=255u8 {
            if self.step_guards(guards, b).is_some() {
                class[usize::from(b >> 6)] |= 1 << (b & 63);
            }
        }
        self.guards.survive.insert(guards, class);
        class
    }
}
