//! Whether a lexeme has a completion, for the general parser: exactly, where a search does not stop.
//!
//! Under guards a live lexeme need not have a completion: after `NAME` no second `NAME` can follow
//! directly, so an item that needs one is dead. Walking on until an end is found may never stop where
//! there is none (brackets can be opened forever), so this is decided as for any pushdown system, by
//! summaries (Sharir and Pnueli 1981): `ends(g, q)` is the set of guards under which the rule of
//! automaton state q can end, when it goes on at q under guards g. There are finitely many, and the
//! stack of an item is then only walked down.

use std::sync::Arc;

use crate::error::{KernelError, Result};
use crate::hash::{Map, Set};
use crate::lexer::{Exit, Kind, Lexicon, DEAD, PLAIN};
use crate::program::{Program, Symbol};

/// Threads, over all lexer states of a terminal, beyond which its exits are not gathered.
const MAX_EXPLORED: usize = 2_000_000;
/// Summaries beyond this are refused.
const MAX_SUMMARIES: usize = 1 << 20;

fn too_many() -> KernelError {
    KernelError::limit(format!("a terminal whose states hold more than {MAX_EXPLORED} threads and exits"))
}

impl Lexicon {
    /// Whether every end of a lexeme is the same exit.
    fn is_plain(&self, d: u32) -> bool {
        let kind = &self.states[d as usize].kind;
        !matches!(kind, Kind::First { .. } | Kind::Looking { .. } | Kind::Guarded { .. })
    }

    /// Every exit that a lexeme in state `d` may come to, this very place included.
    pub(crate) fn outcomes(&mut self, d: u32) -> Result<Arc<[Exit]>> {
        if let Some(known) = self.outcomes.get(&d) {
            return Ok(known.clone());
        }
        if let Some((_, context)) = self.special(d) {
            return Ok(Arc::new([Exit { label: 0, context }]));
        }
        if self.is_plain(d) {
            return Ok(Arc::new([PLAIN]));
        }
        // All states ahead, then their exits carried backwards, so that each gets its answer.
        let mut order = vec![d];
        let mut index: Map<u32, usize> = Map::from_iter([(d, 0)]);
        let mut into: Vec<Vec<usize>> = vec![Vec::new()];
        let mut found: Vec<Set<Exit>> = vec![Set::default()];
        let mut todo: Vec<(usize, Exit)> = Vec::new();
        let (mut at, mut explored) = (0, 0);
        while at < order.len() {
            let state = order[at];
            explored += 1 + self.weight(state);
            let plain = self.is_plain(state);
            if let Some(known) = self.outcomes.get(&state) {
                todo.extend(known.iter().map(|&e| (at, e)));
            } else if plain {
                todo.push((at, PLAIN));
            } else {
                todo.extend(self.exits(state).iter().map(|&e| (at, e)));
                for (_, next) in self.successors(state) {
                    let to = *index.entry(next).or_insert_with(|| {
                        order.push(next);
                        into.push(Vec::new());
                        found.push(Set::default());
                        order.len() - 1
                    });
                    into[to].push(at);
                }
            }
            self.check()?;
            if explored > MAX_EXPLORED {
                return Err(too_many());
            }
            at += 1;
        }
        while let Some((at, exit)) = todo.pop() {
            if found[at].insert(exit) {
                explored += 1;
                todo.extend(into[at].iter().map(|&from| (from, exit)));
            }
            if explored > MAX_EXPLORED {
                return Err(too_many());
            }
        }
        for (state, exits) in order.into_iter().zip(found) {
            let mut exits: Vec<Exit> = exits.into_iter().collect();
            exits.sort_unstable();
            self.memory += 48 + 8 * exits.len();
            self.outcomes.insert(state, exits.into());
        }
        Ok(self.outcomes.get(&d).cloned().unwrap_or_else(|| Arc::new([])))
    }
}

/// A summary: (guards, automaton state), and who waits for it.
#[derive(Debug, Default)]
struct Summary {
    ends: Vec<u32>,
    /// Summaries that end wherever this one does.
    flows: Vec<usize>,
    /// Callers: they go on at this state, and flow into that summary.
    calls: Vec<(u32, usize)>,
}

/// All summaries of a program so far.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    ids: Map<(u32, u32), usize>,
    list: Vec<Summary>,
    /// Whether (guards, state, stack) can come to the end.
    finishes: Map<(u32, u32, u32), bool>,
}

enum Work {
    Expand(u32, u32, usize),
    End(usize, u32),
}

impl Summaries {
    /// The summary of (guards, state), made if it is new.
    fn id(&mut self, guards: u32, state: u32, work: &mut Vec<Work>) -> usize {
        let next = self.list.len();
        let id = *self.ids.entry((guards, state)).or_insert(next);
        if id == next {
            self.list.push(Summary::default());
            work.push(Work::Expand(guards, state, id));
        }
        id
    }

    fn flow(&mut self, from: usize, into: usize, work: &mut Vec<Work>) {
        if !self.list[from].flows.contains(&into) {
            self.list[from].flows.push(into);
            work.extend(self.list[from].ends.iter().map(|&g| Work::End(into, g)));
        }
    }

    /// Guards under which the rule of `state` can end from there.
    fn ends(&mut self, program: &Program, lexicon: &mut Lexicon, guards: u32, state: u32) -> Result<Vec<u32>> {
        let mut work = Vec::new();
        let root = self.id(guards, state, &mut work);
        while let Some(next) = work.pop() {
            match next {
                Work::End(at, guards) => {
                    if self.list[at].ends.contains(&guards) {
                        continue;
                    }
                    self.list[at].ends.push(guards);
                    work.extend(self.list[at].flows.iter().map(|&into| Work::End(into, guards)));
                    for (state, into) in self.list[at].calls.clone() {
                        let after = self.id(guards, state, &mut work);
                        self.flow(after, into, &mut work);
                    }
                }
                Work::Expand(guards, state, at) => {
                    if program.is_final(state) {
                        work.push(Work::End(at, guards));
                    }
                    let loops = program.ignored.iter().map(|&d| (Symbol::Terminal(d), state));
                    for (symbol, to) in program.edges(state).iter().copied().chain(loops) {
                        match symbol {
                            Symbol::Empty => {
                                let after = self.id(guards, to, &mut work);
                                self.flow(after, at, &mut work);
                            }
                            Symbol::Terminal(d) => {
                                let d = lexicon.guarded(d, guards);
                                let exits = if d == DEAD { Arc::default() } else { lexicon.outcomes(d)? };
                                for exit in exits.iter() {
                                    let after = self.id(exit.context, to, &mut work);
                                    self.flow(after, at, &mut work);
                                }
                            }
                            Symbol::Call(rule) => {
                                let callee = self.id(guards, program.rule_starts[rule as usize], &mut work);
                                self.list[callee].calls.push((to, at));
                                for guards in self.list[callee].ends.clone() {
                                    let after = self.id(guards, to, &mut work);
                                    self.flow(after, at, &mut work);
                                }
                            }
                        }
                    }
                }
            }
            if self.list.len() > MAX_SUMMARIES {
                return Err(KernelError::limit(format!("more than {MAX_SUMMARIES} summaries of rules under guards")));
            }
        }
        Ok(self.list[root].ends.clone())
    }

    /// Whether the output can be finished from an automaton state with a stack, under guards. `entries`
    /// tells what a stack holds: return states with their stacks, `None` for the end.
    pub fn finishes(
        &mut self,
        program: &Program,
        lexicon: &mut Lexicon,
        start: (u32, u32, u32),
        mut entries: impl FnMut(u32, &mut Vec<Option<(u32, u32)>>),
    ) -> Result<bool> {
        if let Some(&known) = self.finishes.get(&start) {
            return Ok(known);
        }
        let (mut steps, mut seen) = (vec![(start, usize::MAX)], Set::from_iter([start]));
        let (mut todo, mut below) = (vec![0], Vec::new());
        while let Some(at) = todo.pop() {
            let ((guards, state, stack), _) = steps[at];
            entries(stack, &mut below);
            let mut found = false;
            for guards in self.ends(program, lexicon, guards, state)? {
                for entry in &below {
                    let Some((back, stack)) = *entry else {
                        found |= lexicon.may_end(guards);
                        continue;
                    };
                    let next = (guards, back, stack);
                    match self.finishes.get(&next) {
                        Some(known) => found |= known,
                        None if seen.insert(next) => {
                            steps.push((next, at));
                            todo.push(steps.len() - 1);
                        }
                        None => {}
                    }
                }
            }
            if found {
                let mut at = at;
                while at != usize::MAX {
                    self.finishes.insert(steps[at].0, true);
                    at = steps[at].1;
                }
                return Ok(true);
            }
        }
        for key in seen {
            self.finishes.entry(key).or_insert(false);
        }
        Ok(false)
    }

    /// Forgets what hangs on stacks.
    pub fn forget(&mut self) {
        self.finishes = Map::default();
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        self.list.len() * 120 + self.finishes.capacity() * 20
    }
}
