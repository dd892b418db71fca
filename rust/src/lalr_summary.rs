//! Whether a lexeme has a completion, for LALR tables: exactly, by summaries.
//!
//! The walk of `search` finds an end quickly where there is one; where there is none it may never stop,
//! and this decides. As in `summary`, but the rules are implicit in the table: a *configuration* is
//! (control, LR state on top), the control being either the guards under which the next lexeme starts,
//! or a lexeme already read, with its guards, that the table has yet to shift. Its *ends* say which
//! reductions can pop what stood below: (nonterminal, pops, lookahead).

use crate::error::{KernelError, Result};
use crate::hash::{Map, Set};
use crate::lalr_table::{Action, Table};
use crate::lexer::Exit;

/// Configurations beyond this are refused.
const MAX_CONFIGURATIONS: usize = 1 << 20;

/// What is known about the input ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Control {
    /// The next lexeme starts here, under these guards.
    Between(u32),
    /// This lexeme was read.
    Ahead(Exit),
}

/// (nonterminal, pops, lookahead); without pops, the whole text was read on top of the stack's bottom.
type End = (u32, u32, Exit);

#[derive(Debug, Default)]
struct Summary {
    ends: Vec<End>,
    known: Set<End>,
    /// (state below, configuration that stands on it).
    above: Vec<(u32, usize)>,
    stands: Set<(u32, usize)>,
    /// Configurations with the same ends.
    flows: Vec<usize>,
}

/// All summaries of a table so far.
#[derive(Debug, Default)]
pub(crate) struct LalrSummaries {
    ids: Map<(Control, u32), usize>,
    list: Vec<Summary>,
    expand: Vec<(Control, u32, usize)>,
    work: Vec<(usize, End)>,
    /// Ends that pop the top of a stack, of which (state below, its configuration) is the rest.
    pops: Vec<(End, u32, usize)>,
    finishes: Map<(Control, u32), bool>,
}

/// The stack operations that a walk needs.
pub(crate) trait Stacks {
    /// What lexemes may come with LR state `state` on top, under guards; ignored ones stay apart.
    fn lexemes(&mut self, state: u32, guards: u32) -> Result<(Vec<Exit>, Vec<Exit>)>;
    /// The LR state on top of a stack.
    fn top(&self, k: u32) -> u32;
    /// The stack less `pops` states, with the target of `nonterminal` pushed; `None` if there is none.
    fn reduce(&mut self, k: u32, pops: u32, nonterminal: u32) -> Option<u32>;
}

impl LalrSummaries {
    fn id(&mut self, control: Control, state: u32) -> usize {
        let next = self.list.len();
        let id = *self.ids.entry((control, state)).or_insert(next);
        if id == next {
            self.list.push(Summary::default());
            self.expand.push((control, state, id));
        }
        id
    }

    /// Whatever ends `from` ends `into` as well.
    fn flow(&mut self, from: usize, into: usize) {
        if from != into && !self.list[from].flows.contains(&into) {
            self.list[from].flows.push(into);
            self.work.extend(self.list[from].ends.iter().map(|&e| (into, e)));
        }
    }

    /// (control, state) stands on `below`, the state of configuration `into`.
    fn stand(&mut self, control: Control, state: u32, below: u32, into: usize) {
        let from = self.id(control, state);
        if self.list[from].stands.insert((below, into)) {
            self.list[from].above.push((below, into));
            self.pops.extend(self.list[from].ends.iter().map(|&end| (end, below, into)));
        }
    }

    /// One state was popped; the rest of the pops concern `into`, whose state is `below`.
    fn pop(&mut self, table: &Table, (nonterminal, pops, ahead): End, below: u32, into: usize) {
        if pops > 1 {
            self.work.push((into, (nonterminal, pops - 1, ahead)));
        } else if let Some(to) = table.goto(below, nonterminal) {
            if to == table.end {
                self.work.push((into, (nonterminal, 0, ahead))); // the bottom itself is never popped
            }
            self.stand(Control::Ahead(ahead), to, below, into);
        }
    }

    fn ends(&mut self, table: &Table, stacks: &mut dyn Stacks, control: Control, state: u32) -> Result<Vec<End>> {
        let root = self.id(control, state);
        loop {
            if let Some((end, below, into)) = self.pops.pop() {
                self.pop(table, end, below, into);
            } else if let Some((at, end)) = self.work.pop() {
                if self.list[at].known.insert(end) {
                    self.list[at].ends.push(end);
                    self.work.extend(self.list[at].flows.iter().map(|&into| (into, end)));
                    self.pops.extend(self.list[at].above.iter().map(|&(below, into)| (end, below, into)));
                }
            } else if let Some((control, state, at)) = self.expand.pop() {
                match control {
                    Control::Between(guards) => {
                        let (lexemes, ignored) = stacks.lexemes(state, guards)?;
                        for exit in lexemes {
                            let next = self.id(Control::Ahead(exit), state);
                            self.flow(next, at);
                        }
                        for exit in ignored {
                            let next = self.id(Control::Between(exit.context), state);
                            self.flow(next, at);
                        }
                    }
                    Control::Ahead(exit) => match table.action(state, exit.label) {
                        Some(Action::Shift(to)) => self.stand(Control::Between(exit.context), to, state, at),
                        Some(Action::Reduce(rule)) => match table.rules[rule as usize] {
                            [nonterminal, 0] => {
                                if let Some(to) = table.goto(state, nonterminal) {
                                    if to == table.end {
                                        self.work.push((at, (nonterminal, 0, exit)));
                                    }
                                    self.stand(control, to, state, at);
                                }
                            }
                            [nonterminal, pops] => self.work.push((at, (nonterminal, pops, exit))),
                        },
                        None => {}
                    },
                }
            } else {
                return Ok(self.list[root].ends.clone());
            }
            if self.list.len() > MAX_CONFIGURATIONS {
                return Err(KernelError::limit(format!("more than {MAX_CONFIGURATIONS} parser configurations")));
            }
        }
    }

    /// Whether stack `k` can come to the end. `end_of_text` is the label of the end, `end` its state.
    pub fn finishes(
        &mut self,
        table: &Table,
        stacks: &mut dyn Stacks,
        start: (Control, u32),
        end_of_text: u32,
    ) -> Result<bool> {
        if let Some(&known) = self.finishes.get(&start) {
            return Ok(known);
        }
        let (mut steps, mut seen) = (vec![(start, usize::MAX)], Set::from_iter([start]));
        let mut todo = vec![0];
        while let Some(at) = todo.pop() {
            let ((control, k), _) = steps[at];
            let mut found = false;
            let top = stacks.top(k);
            for (nonterminal, pops, ahead) in self.ends(table, stacks, control, top)? {
                let Some(after) = stacks.reduce(k, pops, nonterminal) else { continue };
                if ahead.label == end_of_text && stacks.top(after) == table.end {
                    found = true;
                    break;
                }
                let next = (Control::Ahead(ahead), after);
                match self.finishes.get(&next) {
                    Some(&known) => found |= known,
                    None if seen.insert(next) => {
                        steps.push((next, at));
                        todo.push(steps.len() - 1);
                    }
                    None => {}
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
}
