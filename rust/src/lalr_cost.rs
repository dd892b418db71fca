//! Cheapest ways through an LALR table, as for a pushdown system.
//!
//! `cost(s, A, j)`: the least number of bytes read, with s on top, until a reduction to A pops exactly
//! the j topmost of the states that are there now (s counts as the first). From these the cheapest
//! ending of any stack follows by popping it level by level. Lookaheads are left out, so all costs are
//! lower bounds. The equations:
//!
//! * `cost(s, A, n) = 0` where s reduces a rule A of length n;
//! * `cost(s, A, j) <= |t| + cost(s', A, j + 1)` where s shifts t to s';
//! * `cost(s, A, j) <= cost(s, B, 0) + cost(s', A, j + 1)` where s goes to s' on B.
//!
//! Solved by Knuth's generalisation of Dijkstra's algorithm.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::hash::Map;
use crate::lalr_table::{Action, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct Costs {
    /// By state: (nonterminal, pops, bytes).
    of: Vec<Vec<(u32, u32, u32)>>,
}

impl Costs {
    /// `least` is the least length of each terminal; `reads` tells whether a state shifts a terminal.
    pub fn new(table: &Table, least: &[u32], reads: impl Fn(u32, u32) -> bool) -> Costs {
        let n = table.actions.len();
        // Edges into each state: by a terminal of so many bytes, or by a nonterminal.
        let mut shifts: Vec<Vec<(u32, u32)>> = vec![Vec::new(); n];
        let mut gotos: Vec<Vec<(u32, u32)>> = vec![Vec::new(); n];
        let mut heap = BinaryHeap::new();
        for s in 0..n as u32 {
            for &(terminal, action) in &table.actions[s as usize] {
                match action {
                    Action::Shift(_) if !reads(s, terminal) => {}
                    Action::Shift(to) => {
                        let bytes = least.get(terminal as usize).copied().unwrap_or(0);
                        shifts[to as usize].push((s, bytes));
                    }
                    Action::Reduce(rule) => {
                        let [nonterminal, length] = table.rules[rule as usize];
                        heap.push((Reverse(0u32), s, nonterminal, length));
                    }
                }
            }
            for &(nonterminal, to) in &table.gotos[s as usize] {
                gotos[to as usize].push((s, nonterminal));
            }
        }
        let mut settled: Map<(u32, u32, u32), u32> = Map::default();
        let mut of: Vec<Vec<(u32, u32, u32)>> = vec![Vec::new(); n];
        while let Some((Reverse(cost), s, nonterminal, pops)) = heap.pop() {
            if settled.contains_key(&(s, nonterminal, pops)) {
                continue;
            }
            settled.insert((s, nonterminal, pops), cost);
            of[s as usize].push((nonterminal, pops, cost));
            if pops > 0 {
                for &(from, bytes) in &shifts[s as usize] {
                    heap.push((Reverse(cost.saturating_add(bytes)), from, nonterminal, pops - 1));
                }
                for &(from, read) in &gotos[s as usize] {
                    if let Some(first) = settled.get(&(from, read, 0)) {
                        heap.push((Reverse(cost.saturating_add(*first)), from, nonterminal, pops - 1));
                    }
                }
            } else if let Some(to) = table.goto(s, nonterminal) {
                for &(after, pops, rest) in &of[to as usize] {
                    if pops > 0 {
                        heap.push((Reverse(cost.saturating_add(rest)), s, after, pops - 1));
                    }
                }
            }
        }
        Costs { of }
    }

    /// Whether there are the same ways, whatever they cost.
    pub fn same_ways(&self, other: &Costs) -> bool {
        let ways = |list: &[(u32, u32, u32)]| crate::hash::Set::from_iter(list.iter().map(|x| (x.0, x.1)));
        self.of.iter().zip(&other.of).all(|(mine, theirs)| ways(mine) == ways(theirs))
    }

    /// (nonterminal, pops, bytes) for a state on top.
    pub fn of(&self, state: u32) -> &[(u32, u32, u32)] {
        &self.of[state as usize]
    }
}
