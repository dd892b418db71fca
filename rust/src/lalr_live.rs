//! What a stack does with the next terminal.
//!
//! Terminals that ask for the same reduction are decided together, on the stack after it; and stacks are
//! interned, so the chain of reductions that a stack begins is walked once, however many terminals there
//! are and however many stacks come to it.

use std::sync::Arc;

use crate::lalr::{Lalr, BOTTOM};
use crate::lalr_table::Action;

/// Reductions before one shift beyond which a table is taken to loop.
const MAX_REDUCTIONS: usize = 1 << 16;

/// A set of terminals, the end of the text among them.
pub(crate) type Terminals = Arc<[u64]>;

/// What a state does, by the next terminal.
#[derive(Debug)]
pub(crate) struct Lookahead {
    shifts: Terminals,
    /// (rule, terminals that ask for it)
    reductions: Box<[(u32, Terminals)]>,
}

/// Whether the terminal is in the set.
pub(crate) fn among(set: &[u64], terminal: u32) -> bool {
    set[terminal as usize / 64] >> (terminal % 64) & 1 == 1
}

impl Lalr {
    fn lookahead(&mut self, state: u32) -> Arc<Lookahead> {
        if let Some(known) = &self.lookaheads[state as usize] {
            return known.clone();
        }
        let words = self.end_of_text as usize / 64 + 1;
        let (mut shifts, mut reductions) = (vec![0u64; words], Vec::<(u32, Vec<u64>)>::new());
        let put = |set: &mut Vec<u64>, terminal: u32| set[terminal as usize / 64] |= 1 << (terminal % 64);
        for &(terminal, action) in &self.table.actions[state as usize] {
            match action {
                Action::Shift(to) if terminal != self.end_of_text || to == self.table.end => put(&mut shifts, terminal),
                Action::Shift(_) => {}
                Action::Reduce(rule) => match reductions.iter_mut().find(|r| r.0 == rule) {
                    Some(found) => put(&mut found.1, terminal),
                    None => {
                        let mut set = vec![0; words];
                        put(&mut set, terminal);
                        reductions.push((rule, set));
                    }
                },
            }
        }
        let reductions = reductions.into_iter().map(|(rule, set)| (rule, set.into())).collect();
        let made = Arc::new(Lookahead { shifts: shifts.into(), reductions });
        self.lookaheads[state as usize] = Some(made.clone());
        made
    }

    /// The stack after a reduction; `None` for a table that pops what it never pushed.
    fn reduced(&mut self, k: u32, rule: u32) -> Option<u32> {
        if let Some((known, to)) = self.reductions[k as usize] {
            if known == rule {
                self.looked = self.looked.min(self.nodes[to as usize].height - 1);
                return Some(to);
            }
        }
        let [nonterminal, length] = self.table.rules[rule as usize];
        let below = self.below(k, length)?;
        let to = self.table.goto(self.nodes[below as usize].state, nonterminal)?;
        let to = self.node(to, below);
        self.reductions[k as usize] = Some((rule, to));
        Some(to)
    }

    /// The terminals that stack `k` can take, and the end of the text if it may end there.
    pub(crate) fn takes(&mut self, k: u32) -> Terminals {
        let above = self.looked;
        let mut todo = vec![k];
        while let Some(&at) = todo.last() {
            if self.taken[at as usize].is_some() {
                todo.pop();
                continue;
            }
            let ahead = self.lookahead(self.nodes[at as usize].state);
            self.looked = self.nodes[at as usize].height;
            let mut found: Vec<u64> = ahead.shifts.to_vec();
            let mut waits = false;
            for (rule, asking) in ahead.reductions.iter() {
                let Some(after) = self.reduced(at, *rule) else { continue };
                let ends = self.nodes[after as usize].state == self.table.end && among(asking, self.end_of_text);
                if ends {
                    found[self.end_of_text as usize / 64] |= 1 << (self.end_of_text % 64);
                }
                match &self.taken[after as usize] {
                    Some((set, low)) => {
                        self.looked = self.looked.min(*low);
                        found.iter_mut().zip(asking.iter().zip(set.iter())).for_each(|(f, (a, s))| *f |= a & s);
                    }
                    None if todo.len() < MAX_REDUCTIONS => {
                        waits = true;
                        todo.push(after);
                    }
                    None => self.looked = 0, // a table that loops
                }
            }
            if !waits {
                todo.pop();
                let known = self.sets.get(&found[..]).cloned().unwrap_or_else(|| {
                    let set: Terminals = found.into();
                    self.sets.insert(set.clone());
                    set
                });
                self.taken[at as usize] = Some((known, self.looked));
            }
        }
        let (set, low) = self.taken[k as usize].clone().unwrap_or_default();
        self.looked = low.min(above);
        set
    }

    /// The stack after a terminal, reductions first; `None` if it is refused.
    pub(crate) fn shift(&mut self, mut k: u32, terminal: u32) -> Option<u32> {
        for _ in 0..MAX_REDUCTIONS {
            match self.table.action(self.nodes[k as usize].state, terminal)? {
                Action::Shift(to) => return Some(self.node(to, k)),
                Action::Reduce(rule) => k = self.reduced(k, rule)?,
            }
        }
        None
    }

    /// The stack below the top `n` states.
    pub(crate) fn below(&mut self, mut k: u32, n: u32) -> Option<u32> {
        for _ in 0..n {
            k = self.nodes[k as usize].parent;
            if k == BOTTOM {
                self.looked = 0;
                return None;
            }
        }
        self.looked = self.looked.min(self.nodes[k as usize].height);
        Some(k)
    }
}
