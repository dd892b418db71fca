//! A program as a front writes it, made ready: what has no text or cannot be reached is left out, states are
//! numbered in the order of discovery. Programs with left recursion are left to whoever can take it out.

use crate::code;
use crate::error::{KernelError, Result};
use crate::hash::Set;

/// Kinds of edges.
pub const EPSILON: u32 = 0;
/// See [`EPSILON`].
pub const TERMINAL: u32 = 1;
/// See [`EPSILON`].
pub const CALL: u32 = 2;
/// "No number yet", "no rule".
const NONE: u32 = u32::MAX;

/// So few edges are compared with each other.
const FEW: usize = 12;

/// A program that is ready.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Rows of (source, kind, argument, target).
    pub edges: Vec<[u32; 4]>,
    /// For each state that is left, its old number.
    pub states: Vec<u32>,
    /// For each rule that is left, its start state.
    pub rule_starts: Vec<u32>,
    /// For each terminal that is left, its old number.
    pub terminals: Vec<u32>,
}

/// What a program becomes.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is ready.
    Ready(Tidied),
    /// No text belongs to it.
    Empty,
    /// It has left recursion, or cycles that read nothing.
    Circular,
}

/// The edges of each state, in the order given.
struct Rows {
    from: Vec<u32>,
    edges: Vec<[u32; 3]>,
}

impl Rows {
    /// `key` says under which state an edge is found.
    fn new(
        n: usize,
        edges: &[[u32; 4]],
        key: impl Fn(&[u32; 4]) -> u32,
        value: impl Fn(&[u32; 4]) -> [u32; 3],
    ) -> Rows {
        let mut from = vec![0u32; n + 1];
        edges.iter().for_each(|e| from[key(e) as usize + 1] += 1);
        for i in 0..n {
            from[i + 1] += from[i];
        }
        let (mut at, mut rows) = (from.clone(), vec![[0; 3]; edges.len()]);
        for e in edges {
            let slot = &mut at[key(e) as usize];
            rows[*slot as usize] = value(e);
            *slot += 1;
        }
        Rows { from, edges: rows }
    }

    fn of(&self, state: u32) -> &[[u32; 3]] {
        &self.edges[self.from[state as usize] as usize..self.from[state as usize + 1] as usize]
    }
}

/// Makes a program ready. `finals` has a byte for each state, `starts` a u32 for each rule.
pub fn tidy(edges: &[u8], finals: &[u8], starts: &[u8], start: u32, ignore: &[u32]) -> Result<Outcome> {
    let edges = code::rows::<4>(edges, "edges")?;
    let starts: Vec<u32> = code::rows::<1>(starts, "rule_starts")?.iter().map(|r| r[0]).collect();
    tidied(edges, finals, &starts, start, ignore)
}

/// [`tidy`], of rows.
pub fn tidied(mut edges: Vec<[u32; 4]>, finals: &[u8], starts: &[u32], start: u32, ignore: &[u32]) -> Result<Outcome> {
    let n = finals.len();
    let rule = |r: u32| starts.get(r as usize).is_some_and(|&s| (s as usize) < n);
    let right = |e: &[u32; 4]| (e[0] as usize) < n && (e[3] as usize) < n && (e[1] != CALL || rule(e[2]));
    if !rule(start) || !edges.iter().all(right) {
        return Err(KernelError::program("an edge from or to nowhere"));
    }
    let nullable = nullable_calls(&edges, finals, starts);
    edges.extend(nullable.into_iter().map(|(source, target)| [source, EPSILON, 0, target]));
    let useful = productive(&edges, finals, starts);
    if !useful[starts[start as usize] as usize] {
        return Ok(Outcome::Empty);
    }
    edges.retain(|e| {
        useful[e[0] as usize] && useful[e[3] as usize] && (e[1] != CALL || useful[starts[e[2] as usize] as usize])
    });
    let out = Rows::new(n, &edges, |e| e[0], |e| [e[1], e[2], e[3]]);
    if circular(&out, starts, start) {
        return Ok(Outcome::Circular);
    }
    Ok(Outcome::Ready(pack(&out, starts, start, ignore)))
}

/// (source, target) of the calls of rules that may be empty.
fn nullable_calls(edges: &[[u32; 4]], finals: &[u8], starts: &[u32]) -> Vec<(u32, u32)> {
    let mut ends: Vec<bool> = finals.iter().map(|&f| f != 0).collect();
    // Nothing may be empty where no empty edge is and no rule ends where it begins.
    if !edges.iter().any(|e| e[1] == EPSILON) && !starts.iter().any(|&s| ends.get(s as usize) == Some(&true)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut silent: Vec<[u32; 4]> = edges.iter().filter(|e| e[1] == EPSILON).copied().collect();
    loop {
        let back = Rows::new(finals.len(), &silent, |e| e[3], |e| [e[0], 0, 0]);
        let mut todo: Vec<u32> = (0..finals.len() as u32).filter(|&s| ends[s as usize]).collect();
        while let Some(state) = todo.pop() {
            for &[source, ..] in back.of(state) {
                if !std::mem::replace(&mut ends[source as usize], true) {
                    todo.push(source);
                }
            }
        }
        let null = |e: &&[u32; 4]| e[1] == CALL && ends[starts[e[2] as usize] as usize];
        let calls: Vec<[u32; 4]> = edges.iter().filter(null).map(|e| [e[0], EPSILON, 0, e[3]]).collect();
        if calls.len() == found.len() {
            return found;
        }
        found = calls.iter().map(|e| (e[0], e[3])).collect();
        silent.retain(|e| e[1] == EPSILON && e[2] == 0);
        silent.extend(calls.iter().map(|e| [e[0], EPSILON, 1, e[3]]));
    }
}

/// For each state whether some text leads from it to a final one.
fn productive(edges: &[[u32; 4]], finals: &[u8], starts: &[u32]) -> Vec<bool> {
    // A call waits for its callee and for its target: it is found under both, with the other one.
    let mut back: Vec<[u32; 4]> = Vec::with_capacity(edges.len() + edges.len() / 4);
    for &[source, kind, argument, target] in edges {
        if kind == CALL {
            let begin = starts[argument as usize];
            back.push([begin, source, 0, target]);
            back.push([target, source, 0, begin]);
        } else {
            back.push([target, source, 0, target]);
        }
    }
    let back = Rows::new(finals.len(), &back, |e| e[0], |e| [e[1], e[2], e[3]]);
    let mut good: Vec<bool> = finals.iter().map(|&f| f != 0).collect();
    let mut todo: Vec<u32> = (0..finals.len() as u32).filter(|&s| good[s as usize]).collect();
    while let Some(state) = todo.pop() {
        for &[source, _, other] in back.of(state) {
            if good[other as usize] && !std::mem::replace(&mut good[source as usize], true) {
                todo.push(source);
            }
        }
    }
    good
}

/// Whether a rule that `start` uses can call itself before any text, or empty edges lead in a circle.
fn circular(out: &Rows, starts: &[u32], start: u32) -> bool {
    let n = out.from.len() - 1;
    // Empty edges, and for calls the way into the rule: a circle of these reads nothing.
    let mut color = vec![0u8; n];
    let mut seen_rules = vec![false; starts.len()];
    let mut roots = vec![starts[start as usize]];
    seen_rules[start as usize] = true;
    let mut reached = vec![false; n];
    reached[roots[0] as usize] = true;
    while let Some(root) = roots.pop() {
        for &[kind, argument, target] in out.of(root) {
            if kind == CALL && !std::mem::replace(&mut seen_rules[argument as usize], true) {
                let begin = starts[argument as usize];
                if !std::mem::replace(&mut reached[begin as usize], true) {
                    roots.push(begin);
                }
            }
            if !std::mem::replace(&mut reached[target as usize], true) {
                roots.push(target);
            }
        }
        if color[root as usize] != 0 {
            continue;
        }
        // Depth first: 1 is on the path, 2 is done.
        color[root as usize] = 1;
        let mut path = vec![(root, 0usize)];
        while let Some((state, at)) = path.last_mut() {
            let Some(&[kind, argument, target]) = out.of(*state).get(*at) else {
                color[*state as usize] = 2;
                path.pop();
                continue;
            };
            *at += 1;
            let next = match kind {
                EPSILON => target,
                CALL => starts[argument as usize],
                _ => continue,
            };
            match color[next as usize] {
                0 => {
                    color[next as usize] = 1;
                    path.push((next, 0));
                }
                1 => return true,
                _ => {}
            }
        }
    }
    false
}

/// Keeps what can be reached, numbered in the order of discovery.
fn pack(out: &Rows, starts: &[u32], start: u32, ignore: &[u32]) -> Tidied {
    let mut tidied = Tidied::default();
    let mut numbers = vec![NONE; out.from.len() - 1];
    let mut rules = vec![NONE; starts.len()];
    let mut terminals: Vec<u32> = Vec::new();
    let mut kept_rules = vec![start];
    let mut once: Set<[u32; 3]>;
    rules[start as usize] = 0;
    numbers[starts[start as usize] as usize] = 0;
    tidied.states.push(starts[start as usize]);
    let mut discover = |state: u32, states: &mut Vec<u32>| {
        let number = &mut numbers[state as usize];
        if *number == NONE {
            *number = states.len() as u32;
            states.push(state);
        }
        *number
    };
    let mut number_of = |terminal: u32, kept: &mut Vec<u32>| {
        if terminal as usize >= terminals.len() {
            terminals.resize(terminal as usize + 1, NONE);
        }
        let number = &mut terminals[terminal as usize];
        if *number == NONE {
            *number = kept.len() as u32;
            kept.push(terminal);
        }
        *number
    };
    let mut at = 0;
    while at < tidied.states.len() {
        let edges = out.of(tidied.states[at]);
        once = Set::default();
        for (i, &edge) in edges.iter().enumerate() {
            let known = if edges.len() < FEW { edges[..i].contains(&edge) } else { !once.insert(edge) };
            if known {
                continue;
            }
            let [kind, argument, target] = edge;
            let target = discover(target, &mut tidied.states);
            let argument = match kind {
                TERMINAL => number_of(argument, &mut tidied.terminals),
                CALL => {
                    if rules[argument as usize] == NONE {
                        rules[argument as usize] = kept_rules.len() as u32;
                        kept_rules.push(argument);
                        discover(starts[argument as usize], &mut tidied.states);
                    }
                    rules[argument as usize]
                }
                _ => argument,
            };
            tidied.edges.push([at as u32, kind, argument, target]);
        }
        at += 1;
    }
    for &terminal in ignore {
        number_of(terminal, &mut tidied.terminals);
    }
    tidied.rule_starts = kept_rules.iter().map(|&r| discover(starts[r as usize], &mut tidied.states)).collect();
    tidied
}
