//! What lies behind: an automaton over all of the text so far tells which lookbehinds hold.
//!
//! A lookbehind holds where the text read so far ends with a match of it, whichever lexemes that text
//! was. All lookbehinds of a grammar are one automaton (any text, then one of them), whose subset states
//! walk along with every lexer state of that grammar; see `guards` for how a state carries it.

use std::sync::Arc;

use crate::error::{KernelError, Result};
use crate::hash::Map;
use crate::lexer::{Kind, Lexicon};
use crate::nfa::Nfa;
use crate::regex::Tree;

/// A grammar without lookbehinds: nobody asks what was read.
pub(crate) const UNASKED: u32 = u32::MAX;

/// The regex codes of some lookbehinds.
type Codes = Box<[Box<[u8]>]>;

/// The automata, and what their states say.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    starts: Map<Codes, u32>,
    /// By automaton: its lookbehinds, and its first state.
    automata: Map<u32, (Arc<Codes>, u32)>,
    /// By state: the lookbehinds that hold.
    holding: Map<u32, Codes>,
}

impl Behind {
    /// Whether a lookbehind holds in a state of its automaton.
    pub fn holds(&self, left: u32, code: &[u8]) -> bool {
        self.holding.get(&left).is_some_and(|codes| codes.iter().any(|c| **c == *code))
    }
}

impl Lexicon {
    /// What the lookbehinds of some terminals look for.
    pub(crate) fn behinds(&self, starts: &[u32]) -> Vec<Box<[u8]>> {
        let scanners = starts.iter().filter_map(|&d| match self.states[d as usize].kind {
            Kind::Start { scanner, .. } => Some(&self.scanners[scanner as usize]),
            _ => None,
        });
        scanners.flat_map(|s| self.nfas[s.nfa as usize].behinds.iter().cloned()).collect()
    }

    /// The context before any text, for a grammar with these lookbehinds.
    pub(crate) fn first_context(&mut self, behinds: Vec<Box<[u8]>>) -> Result<u32> {
        let left = self.behind_start(behinds)?;
        Ok(self.guards.intern(Vec::new(), left))
    }

    /// The state before any text of the automaton for some lookbehinds.
    fn behind_start(&mut self, mut codes: Vec<Box<[u8]>>) -> Result<u32> {
        if codes.is_empty() {
            return Ok(UNASKED);
        }
        codes.sort_unstable();
        codes.dedup();
        if let Some(&start) = self.behind.starts.get(&codes[..]) {
            return Ok(start);
        }
        let trees: Vec<Tree> = codes.iter().map(|code| Tree::parse_after_anything(code)).collect::<Result<_>>()?;
        let mut nfa = Nfa::new(&trees)?;
        if nfa.looks || nfa.nullable() {
            return Err(KernelError::program("a lookbehind that looks around itself, or for nothing"));
        }
        let leaves = nfa.start();
        self.memory += nfa.bytes();
        self.nfas.push(nfa);
        let number = self.nfas.len() as u32 - 1;
        let start = self.set_state(number, leaves.to_vec());
        self.check()?;
        self.behind.automata.insert(number, (Arc::new(codes.clone().into()), start));
        self.note(start);
        self.behind.starts.insert(codes.into(), start);
        Ok(start)
    }

    /// The state after one more byte.
    pub(crate) fn step_left(&mut self, left: u32, byte: u8) -> u32 {
        if left == UNASKED {
            return left;
        }
        let next = self.step(left, byte);
        self.note(next);
        next
    }

    /// The state before any text of the automaton of a state.
    pub(crate) fn first_left(&self, left: u32) -> u32 {
        match self.states.get(left as usize).map(|s| &s.kind) {
            Some(Kind::Set { nfa, .. }) => self.behind.automata.get(nfa).map_or(UNASKED, |a| a.1),
            _ => UNASKED,
        }
    }

    fn note(&mut self, state: u32) {
        if self.behind.holding.contains_key(&state) || self.fault.is_some() {
            return;
        }
        let Kind::Set { nfa, leaves } = &self.states[state as usize].kind else { return };
        let Some((codes, _)) = self.behind.automata.get(nfa) else { return };
        let machine = &self.nfas[*nfa as usize];
        let mut found: Vec<Box<[u8]>> =
            leaves.iter().filter_map(|&l| machine.matched(l)).map(|i| codes[i as usize].clone()).collect();
        found.dedup();
        self.behind.holding.insert(state, found.into());
    }
}
