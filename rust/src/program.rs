//! General programs: rules as automata over symbols, read and checked.
//!
//! A rule is an automaton whose edges are empty, terminals, or calls of rules (a recursive transition
//! network). Whoever lowers a grammar removes left recursion and gives nullable callees an empty edge
//! beside the call, so a called rule may be taken to consume something.

use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::code;
use crate::differ::Marks;
use crate::error::{KernelError, Result};
use crate::lexer::Lexicon;
use crate::parser::IMPOSSIBLE;

/// Automaton states beyond this are refused.
const MAX_STATES: usize = 1 << 22;

/// What an edge reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    /// Nothing.
    Empty,
    /// A terminal, by its start state in the lexicon.
    Terminal(u32),
    /// A rule.
    Call(u32),
}

/// A checked program.
#[derive(Debug)]
pub struct Program {
    from: Vec<u32>,
    edges: Vec<(Symbol, u32)>,
    finals: Vec<bool>,
    /// First state of each rule.
    pub rule_starts: Vec<u32>,
    /// The rule of the whole language.
    pub start: u32,
    /// Rules in an order in which callers on the left come first.
    pub rank: Vec<u32>,
    /// Least number of bytes from a state to the end of its rule.
    pub cost: Vec<u32>,
    /// Start states of ignored terminals.
    pub ignored: Vec<u32>,
    /// Lexer start state to name index, in order of terminals.
    pub terminals: Vec<u32>,
}

/// The raw parts of a general program, as Python hands them over.
#[derive(Debug, Default)]
pub struct ProgramCode<'a> {
    /// Terminal codes.
    pub terminals: &'a [&'a [u8]],
    /// Rows of (source, kind, argument, target).
    pub edges: &'a [u8],
    /// One byte for each automaton state: 1 if final.
    pub finals: &'a [u8],
    /// u32 each.
    pub rule_starts: &'a [u8],
    /// Start rule.
    pub start: u32,
    /// Ignored terminals.
    pub ignore: &'a [u32],
    /// Not 0: the texts are JSON in which every name has one spelling, and no object says a name twice. Then it is the
    /// least number of names that an object may have when there are no others left, `u32::MAX` for never.
    pub names_once: u32,
    /// Some object must have more names than the program says.
    pub names_counted: bool,
    /// Terminals that open arrays whose items have to differ, and those that come behind their items. No others are
    /// these. Where there are any, `names_once` is not 0.
    pub unique_opens: &'a [u32],
    /// See `unique_opens`.
    pub unique_ends: &'a [u32],
}

impl Program {
    /// Reads, interns the terminals, checks.
    pub fn new(code: &ProgramCode<'_>, lexicon: &mut Lexicon) -> Result<Program> {
        let n = code.finals.len();
        if n > MAX_STATES {
            return Err(KernelError::limit(format!("{n} automaton states, more than {MAX_STATES}")));
        }
        let terminals: Vec<u32> = (code.terminals.iter().enumerate())
            .map(|(i, c)| lexicon.terminal(c).map_err(|e| e.at(i)))
            .collect::<Result<_>>()?;
        let rule_starts: Vec<u32> = code::rows::<1>(code.rule_starts, "rule_starts")?.iter().map(|r| r[0]).collect();
        let state =
            |s: u32| if (s as usize) < n { Ok(s) } else { Err(KernelError::program(format!("state {s} of {n}"))) };
        for (i, &s) in rule_starts.iter().enumerate() {
            state(s).map_err(|e| e.at(i))?;
        }
        if code.start as usize >= rule_starts.len() {
            return Err(KernelError::program(format!("start rule {} of {}", code.start, rule_starts.len())));
        }
        let mut ignored = Vec::new();
        for &t in code.ignore {
            let start = terminals.get(t as usize);
            ignored.push(
                *start.ok_or_else(|| KernelError::program(format!("ignored terminal {t} of {}", terminals.len())))?,
            );
        }
        let mut list: Vec<(u32, Symbol, u32)> = Vec::new();
        for (i, [source, kind, arg, target]) in code::rows::<4>(code.edges, "edges")?.into_iter().enumerate() {
            state(source).and(state(target)).map_err(|e| e.at(i))?;
            let symbol = match kind {
                0 => Symbol::Empty,
                1 => match terminals.get(arg as usize) {
                    Some(&start) => Symbol::Terminal(start),
                    None => return Err(KernelError::program(format!("terminal {arg} of {}", terminals.len())).at(i)),
                },
                2 if (arg as usize) < rule_starts.len() => Symbol::Call(arg),
                2 => return Err(KernelError::program(format!("rule {arg} of {}", rule_starts.len())).at(i)),
                _ => return Err(KernelError::program(format!("edge kind {kind}")).at(i)),
            };
            if let Symbol::Terminal(d) = symbol {
                if lexicon.ends(d) {
                    list.push((source, Symbol::Empty, target)); // a terminal that may be empty
                }
                if !lexicon.goes_on(d) && lexicon.special(d).is_none() {
                    continue; // and one that is nothing else
                }
            }
            list.push((source, symbol, target));
        }
        list.sort_by_key(|e| e.0); // stable: keeps the order of a state's edges
        let mut from = vec![0u32; n + 1];
        list.iter().for_each(|e| from[e.0 as usize + 1] += 1);
        (0..n).for_each(|i| from[i + 1] += from[i]);
        let mut program = Program {
            from,
            edges: list.into_iter().map(|e| (e.1, e.2)).collect(),
            finals: code.finals.iter().map(|&f| f != 0).collect(),
            rule_starts,
            start: code.start,
            rank: Vec::new(),
            cost: Vec::new(),
            ignored,
            terminals,
        };
        program.rank = program.order()?;
        program.cost = program.costs(lexicon);
        if program.cost[program.rule_starts[program.start as usize] as usize] == IMPOSSIBLE {
            return Err(KernelError::program("no text at all belongs to the language").at(code.start as usize));
        }
        Ok(program)
    }

    /// The terminals of arrays whose items have to differ, if there are any.
    pub(crate) fn marks(&self, code: &ProgramCode<'_>) -> Result<Option<Arc<Marks>>> {
        let starts = |terminals: &[u32]| {
            let of = |&t: &u32| {
                let start = self.terminals.get(t as usize).copied();
                start.ok_or_else(|| KernelError::program(format!("terminal {t} of {}", self.terminals.len())))
            };
            terminals.iter().map(of).collect::<Result<_>>()
        };
        if !code.unique_opens.is_empty() && code.names_once == 0 {
            return Err(KernelError::program("items that have to differ, and names that need not"));
        }
        let marks = Marks { opens: starts(code.unique_opens)?, ends: starts(code.unique_ends)? };
        Ok((!marks.opens.is_empty()).then(|| Arc::new(marks)))
    }

    /// The edges of a state.
    #[inline]
    pub fn edges(&self, state: u32) -> &[(Symbol, u32)] {
        &self.edges[self.from[state as usize] as usize..self.from[state as usize + 1] as usize]
    }

    /// Whether a rule may end in the state.
    #[inline]
    pub fn is_final(&self, state: u32) -> bool {
        self.finals[state as usize]
    }

    /// Whether a rule can only end in the state.
    #[inline]
    pub fn only_final(&self, state: u32) -> bool {
        self.finals[state as usize] && self.edges(state).is_empty()
    }

    /// The state that single empty edges lead to.
    pub fn skip(&self, mut state: u32) -> u32 {
        for _ in 0..64 {
            match self.edges(state) {
                [(Symbol::Empty, to)] if !self.finals[state as usize] => state = *to,
                _ => break,
            }
        }
        state
    }

    /// The state and all that empty edges lead to.
    pub fn reach(&self, state: u32) -> Vec<u32> {
        let mut seen = crate::hash::Set::default();
        let (mut out, mut todo) = (Vec::new(), vec![state]);
        while let Some(q) = todo.pop() {
            if seen.insert(q) {
                out.push(q);
                todo.extend(self.edges(q).iter().filter(|e| e.0 == Symbol::Empty).map(|e| e.1));
            }
        }
        out
    }

    /// Rules ranked so that a rule comes before all that it calls first; an error if one calls itself.
    fn order(&self) -> Result<Vec<u32>> {
        let n = self.rule_starts.len();
        let mut calls: Vec<Vec<u32>> = Vec::with_capacity(n);
        for &start in &self.rule_starts {
            let mut called: Vec<u32> = Vec::new();
            for q in self.reach(start) {
                called.extend(self.edges(q).iter().filter_map(|e| match e.0 {
                    Symbol::Call(rule) => Some(rule),
                    _ => None,
                }));
            }
            called.sort_unstable();
            called.dedup();
            calls.push(called);
        }
        // Depth first; a rule is ranked when all below it are (so ranks count down).
        let (mut rank, mut open) = (vec![u32::MAX; n], vec![false; n]);
        let mut next = n as u32;
        for root in 0..n {
            let mut path = vec![(root, 0usize)];
            if rank[root] != u32::MAX {
                continue;
            }
            open[root] = true;
            while let Some((rule, at)) = path.last_mut() {
                let rule = *rule;
                if let Some(&called) = calls[rule].get(*at) {
                    *at += 1;
                    let called = called as usize;
                    if open[called] {
                        return Err(KernelError::program(format!("rule {called} is left-recursive")).at(called));
                    }
                    if rank[called] == u32::MAX {
                        open[called] = true;
                        path.push((called, 0));
                    }
                } else {
                    next -= 1;
                    rank[rule] = next;
                    open[rule] = false;
                    path.pop();
                }
            }
        }
        Ok(rank)
    }

    /// Cheapest ends of rules: Knuth's generalisation of Dijkstra's algorithm.
    fn costs(&self, lexicon: &Lexicon) -> Vec<u32> {
        let n = self.finals.len();
        let mut cost = vec![IMPOSSIBLE; n];
        // Edges by target, calls also by the rule's start: where a settled cost may help.
        let mut into: Vec<Vec<(u32, Symbol, u32)>> = vec![Vec::new(); n];
        for q in 0..n as u32 {
            for &(symbol, to) in self.edges(q) {
                into[to as usize].push((q, symbol, to));
                if let Symbol::Call(rule) = symbol {
                    into[self.rule_starts[rule as usize] as usize].push((q, symbol, to));
                }
            }
        }
        let mut heap = BinaryHeap::new();
        for q in (0..n).filter(|&q| self.finals[q]) {
            heap.push((std::cmp::Reverse(0u32), q as u32));
        }
        while let Some((std::cmp::Reverse(c), q)) = heap.pop() {
            if cost[q as usize] <= c {
                continue;
            }
            cost[q as usize] = c;
            for &(from, symbol, to) in &into[q as usize] {
                let read = match symbol {
                    Symbol::Empty => 0,
                    Symbol::Terminal(d) => lexicon.least(d).max(1),
                    Symbol::Call(rule) => cost[self.rule_starts[rule as usize] as usize].max(1),
                };
                let total = read.saturating_add(cost[to as usize]);
                if total < cost[from as usize] {
                    heap.push((std::cmp::Reverse(total), from));
                }
            }
        }
        cost
    }
}
