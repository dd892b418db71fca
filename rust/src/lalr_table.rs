//! An LALR table as Python hands it over, read and checked.

use crate::code;
use crate::error::{KernelError, Result};
use crate::scanner::Spelled;

/// States, and symbols, beyond this are refused.
const MAX_TABLE: u32 = 1 << 20;
/// A rule longer than this is refused.
const MAX_LENGTH: u32 = 1 << 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Shift(u32),
    Reduce(u32),
}

/// A scanner as Python hands it over: terminals in order, ignored ones, and keywords as (regex
/// terminal, the word, letter by letter, keyword terminal).
pub type ScannerCode = (Vec<u32>, Vec<u32>, Vec<(u32, Spelled, u32)>);

/// The raw parts of an LALR program.
#[derive(Debug, Default)]
pub struct LalrCode<'a> {
    /// Terminal codes.
    pub terminals: &'a [&'a [u8]],
    /// Rows of (state, terminal, 0 shift | 1 reduce, state | rule).
    pub actions: &'a [u8],
    /// Rows of (state, nonterminal, target).
    pub gotos: &'a [u8],
    /// Rows of (nonterminal, length).
    pub rules: &'a [u8],
    /// Start state.
    pub start: u32,
    /// The state that accepts.
    pub end: u32,
    /// Scanners.
    pub scanners: &'a [ScannerCode],
    /// One u32 for each state: its scanner.
    pub scanner_of: &'a [u8],
    /// Whether the grammar is LALR(1) as it stands: no conflict was resolved by preferring one action.
    pub conflict_free: bool,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table {
    /// By state: (terminal, action), sorted.
    pub actions: Vec<Vec<(u32, Action)>>,
    /// By state: (nonterminal, target), sorted.
    pub gotos: Vec<Vec<(u32, u32)>>,
    pub rules: Vec<[u32; 2]>,
    pub end: u32,
}

impl Table {
    pub fn action(&self, state: u32, terminal: u32) -> Option<Action> {
        let list = &self.actions[state as usize];
        list.binary_search_by_key(&terminal, |a| a.0).ok().map(|i| list[i].1)
    }

    pub fn goto(&self, state: u32, nonterminal: u32) -> Option<u32> {
        let list = &self.gotos[state as usize];
        list.binary_search_by_key(&nonterminal, |g| g.0).ok().map(|i| list[i].1)
    }

    pub fn read(code: &LalrCode<'_>) -> Result<Table> {
        let actions = code::rows::<4>(code.actions, "actions")?;
        let gotos = code::rows::<3>(code.gotos, "gotos")?;
        let rules = code::rows::<2>(code.rules, "rules")?;
        if let Some(i) = rules.iter().position(|r| r[1] > MAX_LENGTH) {
            return Err(KernelError::limit(format!("a rule of more than {MAX_LENGTH} symbols")).at(i));
        }
        let states = code.scanner_of.len() as u32 / 4;
        if states > MAX_TABLE {
            return Err(KernelError::limit(format!("{states} parser states, more than {MAX_TABLE}")));
        }
        let check = |what: &str, value: u32, bound: u32, i: usize| {
            let wrong = || KernelError::program(format!("{what} {value} of {bound}")).at(i);
            (value < bound).then_some(()).ok_or_else(wrong)
        };
        check("start state", code.start, states, 0)?;
        check("end state", code.end, states, 0)?;
        let mut table = Table {
            actions: vec![Vec::new(); states as usize],
            gotos: vec![Vec::new(); states as usize],
            rules,
            end: code.end,
        };
        for (i, &[state, terminal, kind, arg]) in actions.iter().enumerate() {
            check("state", state, states, i)?;
            check("terminal", terminal, code.terminals.len() as u32 + 1, i)?;
            check("action kind", kind, 2, i)?;
            let action = if kind == 0 {
                check("state", arg, states, i)?;
                Action::Shift(arg)
            } else {
                check("rule", arg, table.rules.len() as u32, i)?;
                Action::Reduce(arg)
            };
            table.actions[state as usize].push((terminal, action));
        }
        for (i, &[state, nonterminal, target]) in gotos.iter().enumerate() {
            check("state", state, states, i)?;
            check("target", target, states, i)?;
            table.gotos[state as usize].push((nonterminal, target));
        }
        table.actions.iter_mut().for_each(|a| a.sort_unstable_by_key(|x| x.0));
        table.gotos.iter_mut().for_each(|g| g.sort_unstable());
        Ok(table)
    }
}
