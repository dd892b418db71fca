//! Guards: threads that were preferred to a match that was taken, and so must never match.
//!
//! Take `\d+` after "12". CPython's `re` would go on if a digit followed, so the lexeme ends after
//! "12" only if none does: the exit carries the guard {digit}. The next lexeme then starts under that
//! guard; as soon as the guard dies, the state is the plain one again; if it matches, the longer match
//! was the one, and this path is dead. A guard may outlive a lexeme, so guards add up. At the end of
//! the text all are satisfied.
//!
//! The order of a guard's threads says nothing any more (any match kills), so a guard is a subset state
//! of the same automaton, or a condition (see `looking`), and guards are kept as sorted sets.
//!
//! Where a grammar looks behind, what was read matters too: the guards and the state of its lookbehinds
//! (see `behind`) together are the *context* that a lexer state stands in.

use std::sync::Arc;

use crate::behind::UNASKED;
use crate::error::KernelError;
use crate::hash::Map;
use crate::lexer::{Exit, Kind, Lexicon, DEAD};
use crate::regex::Class;
use crate::trie::{utf8, ILL_FORMED};

/// More guards at once are refused.
const MAX_GUARDS: usize = 64;

/// No guards, and nobody asks what was read.
pub(crate) const NO_GUARDS: u32 = 0;

/// Guards in order, and the state of the lookbehinds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Context {
    guards: Arc<[u32]>,
    left: u32,
}

/// Interned contexts; id 0 is the empty one.
#[derive(Debug)]
pub(crate) struct Guards {
    contexts: Vec<Context>,
    ids: Map<Context, u32>,
    /// First bytes that some guard does not forbid, once asked for.
    survive: Map<u32, Class>,
    /// Whether any guard lets a character beyond ASCII through, once asked for.
    wide: Map<u32, bool>,
}

impl Default for Guards {
    fn default() -> Self {
        let empty = Context { guards: Arc::new([]), left: UNASKED };
        Guards {
            contexts: vec![empty.clone()],
            ids: Map::from_iter([(empty, NO_GUARDS)]),
            survive: Map::default(),
            wide: Map::default(),
        }
    }
}

impl Guards {
    /// The guards of a context.
    pub fn of(&self, context: u32) -> &[u32] {
        &self.contexts[context as usize].guards
    }

    /// The context of one guard.
    pub fn one(&mut self, guard: u32) -> u32 {
        self.intern(vec![guard], UNASKED)
    }

    /// The context of some guards, and of the state of the lookbehinds.
    pub fn intern(&mut self, mut list: Vec<u32>, left: u32) -> u32 {
        list.sort_unstable();
        list.dedup();
        let context = Context { guards: list.into(), left };
        if let Some(&id) = self.ids.get(&context) {
            return id;
        }
        self.contexts.push(context.clone());
        self.ids.insert(context, self.contexts.len() as u32 - 1);
        self.contexts.len() as u32 - 1
    }
}

impl Lexicon {
    /// A context with the guards of another exit as well.
    fn join(&mut self, context: u32, more: u32) -> u32 {
        if more == NO_GUARDS || more == context {
            return context;
        }
        let Context { guards, left } = &self.guards.contexts[context as usize];
        let (mut list, left) = (guards.to_vec(), *left);
        list.extend_from_slice(self.guards.of(more));
        let joined = self.guards.intern(list, left);
        if self.guards.of(joined).len() > MAX_GUARDS {
            self.fail(KernelError::limit(format!(
                "more than {MAX_GUARDS} lexemes wait to see whether they should have been longer"
            )));
        }
        joined
    }

    /// State `main` in a context.
    pub fn guarded(&mut self, main: u32, context: u32) -> u32 {
        if context == NO_GUARDS || main == DEAD {
            return main;
        }
        let main = match self.states[main as usize].kind {
            Kind::Start { scanner, live, word } => {
                let left = self.guards.contexts[context as usize].left;
                self.looking_start(scanner, live, left, word)
            }
            Kind::Special { .. } if !self.may_end(context) => DEAD,
            _ => main,
        };
        if main == DEAD {
            return DEAD;
        }
        let context = match self.states[main as usize].kind {
            Kind::Special { .. } => self.restart(context),
            _ => context,
        };
        if context == NO_GUARDS {
            return main;
        }
        let kind = Kind::Guarded { main, context };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        // A row over the classes of the main automaton would mix bytes that a guard tells apart.
        let (mut alphabet, _) = self.alphabet(main);
        if !self.goes_on(main) {
            alphabet = [0; 4];
        }
        let exits: Vec<Exit> = self.exits(main).to_vec();
        let exits: Vec<Exit> =
            exits.into_iter().map(|e| Exit { label: e.label, context: self.join(context, e.context) }).collect();
        let distance = self.states[main as usize].distance;
        self.intern(kind, &alphabet, None, &exits, distance)
    }

    /// The guards after one more byte, `left` being what lies behind it; `None` when one fired.
    pub(crate) fn step_guards(&mut self, context: u32, byte: u8, left: u32) -> Option<u32> {
        let guards = self.guards.contexts[context as usize].guards.clone();
        let mut rest = Vec::with_capacity(guards.len());
        for &g in guards.iter() {
            let next = self.step_behind(g, byte, left);
            if next != DEAD {
                if self.ends(next) {
                    return None;
                }
                rest.push(next);
            }
        }
        Some(self.guards.intern(rest, left))
    }

    pub(crate) fn step_guarded(&mut self, main: u32, context: u32, byte: u8) -> u32 {
        let left = self.step_left(self.guards.contexts[context as usize].left, byte);
        let next = self.step_behind(main, byte, left);
        if next == DEAD {
            return DEAD;
        }
        match self.step_guards(context, byte, left) {
            None => DEAD,
            Some(context) => self.guarded(next, context),
        }
    }

    /// The context behind a special token, which no lexeme looks across: as at the start of the text.
    pub(crate) fn restart(&mut self, context: u32) -> u32 {
        let left = self.first_left(self.guards.contexts[context as usize].left);
        self.guards.intern(Vec::new(), left)
    }

    /// Whether the text may end in a context: threads match nothing there, but conditions may.
    pub(crate) fn may_end(&self, context: u32) -> bool {
        self.guards.of(context).iter().all(|&g| match self.states[g as usize].kind {
            Kind::Condition { nfa, condition } => !self.nfas[nfa as usize].conditions.holds_at_end(condition),
            _ => true,
        })
    }

    /// The bytes that may come first in a context.
    pub(crate) fn survivors(&mut self, context: u32) -> Class {
        if context == NO_GUARDS {
            return [u64::MAX; 4];
        }
        if let Some(class) = self.guards.survive.get(&context) {
            return *class;
        }
        let mut class = [0u64; 4];
        for b in 0..=255u8 {
            let left = self.step_left(self.guards.contexts[context as usize].left, b);
            if self.step_guards(context, b, left).is_some() {
                class[usize::from(b >> 6)] |= 1 << (b & 63);
            }
        }
        self.guards.survive.insert(context, class);
        class
    }

    /// Whether some character beyond ASCII may come first in a context.
    pub(crate) fn lets_characters(&mut self, context: u32) -> bool {
        if context == NO_GUARDS {
            return true;
        }
        if let Some(&known) = self.guards.wide.get(&context) {
            return known;
        }
        let (mut todo, mut at, mut found) = (vec![(context, 0u8)], 0, false);
        while at < todo.len() && !found {
            let (context, phase) = todo[at];
            at += 1;
            for byte in 0x80..=0xFFu8 {
                let inner = utf8(phase, byte);
                if inner == ILL_FORMED {
                    continue;
                }
                let left = self.step_left(self.guards.contexts[context as usize].left, byte);
                let Some(next) = self.step_guards(context, byte, left) else { continue };
                found |= inner == 0 || next == NO_GUARDS;
                if !todo.contains(&(next, inner)) {
                    todo.push((next, inner));
                }
            }
        }
        self.guards.wide.insert(context, found);
        found
    }
}
