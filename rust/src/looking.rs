//! Regexes that look around, and atomic groups: threads under conditions.
//!
//! A lookahead asks something of the text that is still to come, so the thread that passed it goes on
//! under a *condition* (see `conditions`), which every byte moves on as it moves threads: the variable
//! "leaf l comes to its match" becomes, over a byte, what the closure of l's next node says. A match
//! under an undecided condition ends the lexeme only if the condition comes true, and until then the
//! less preferred threads live on; that end, and the threads above it, are the exit's guard. An atomic
//! group is a choice where one way is open only if none before it comes to the end of the group, which
//! is such a condition as well.
//!
//! A lookbehind asks about the text that was read, which is settled at once; see `behind`.

use std::sync::Arc;

use crate::conditions::{Variable, FALSE, TRUE};
use crate::error::KernelError;
use crate::guards::NO_GUARDS;
use crate::hash::Map;
use crate::lexer::{Exit, Kind, Lexicon, DEAD};
use crate::nfa::{Nfa, Node, NEVER};
use crate::regex::holds;
use crate::scanner::{Live, Scanner, ALL_LIVE, NO_WORD};

/// Where the match of a variable's leaf is: a match itself, or the end of this atomic group.
const AT_MATCH: u32 = 0;

/// A thread, and the condition under which it is alive. One that stands on a match is a possible end of
/// the lexeme: here, if it is `fresh`, else earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Thread {
    pub leaf: u32,
    pub condition: u32,
    pub fresh: bool,
}

/// Threads in the making, most preferred first.
#[derive(Default)]
struct Threads {
    list: Vec<Thread>,
    /// By node: where an earlier thread came by.
    seen: Map<u32, u32>,
    /// The lexeme ends for certain: what would follow is dead.
    ended: bool,
}

/// What one byte did to conditions, so that each is moved on once.
type Moved = Map<u32, u32>;

impl Nfa {
    /// Where a node leads without reading, under a condition; `held` are the lookbehinds that hold here.
    fn explore(&mut self, node: u32, condition: u32, held: &[bool], out: &mut Threads) {
        let mut todo = vec![(node, condition)];
        while let Some((n, condition)) = todo.pop() {
            if out.ended || condition == FALSE {
                continue;
            }
            let before = out.seen.get(&n).copied().unwrap_or(FALSE);
            let either = self.conditions.or(before, condition);
            if either == before {
                continue;
            }
            out.seen.insert(n, either);
            match self.nodes[n as usize].clone() {
                Node::Split(options) => todo.extend(options.iter().rev().map(|&o| (o, condition))),
                Node::Pick { options, group } => {
                    let at = todo.len();
                    let mut open = condition;
                    for &option in options.iter() {
                        todo.insert(at, (option, open));
                        let taken = self.reach(option, group, held);
                        let not = self.conditions.not(taken);
                        open = self.conditions.and(open, not);
                    }
                }
                Node::Ahead { body, negative, next } => {
                    let found = self.reach(body, AT_MATCH, held);
                    let asked = if negative { self.conditions.not(found) } else { found };
                    todo.push((next, self.conditions.and(condition, asked)));
                }
                Node::Behind { index, negative, next } if held[index as usize] != negative => {
                    todo.push((next, condition));
                }
                Node::Behind { .. } => {}
                Node::Close { next, .. } => todo.push((next, condition)),
                Node::Byte { .. } if self.distance(n) == NEVER => {}
                Node::Byte { .. } => out.list.push(Thread { leaf: n, condition, fresh: false }),
                Node::Match(_) => {
                    out.list.push(Thread { leaf: n, condition, fresh: true });
                    out.ended = condition == TRUE;
                }
            }
        }
    }

    /// The condition that a node comes to a match, or to the end of an atomic group.
    fn reach(&mut self, node: u32, end: u32, held: &[bool]) -> u32 {
        let (mut found, mut todo, mut seen) = (FALSE, vec![(node, TRUE)], Map::<u32, u32>::default());
        while let Some((n, condition)) = todo.pop() {
            let before = seen.get(&n).copied().unwrap_or(FALSE);
            let either = self.conditions.or(before, condition);
            if either == before || found == TRUE {
                continue;
            }
            seen.insert(n, either);
            match self.nodes[n as usize].clone() {
                Node::Split(options) => todo.extend(options.iter().map(|&o| (o, condition))),
                // Which way is taken does not matter for whether there is one.
                Node::Pick { options, group } if group == end => todo.extend(options.iter().map(|&o| (o, condition))),
                Node::Pick { options, group } => {
                    let mut open = condition;
                    for &option in options.iter() {
                        todo.push((option, open));
                        let taken = self.reach(option, group, held);
                        let not = self.conditions.not(taken);
                        open = self.conditions.and(open, not);
                    }
                }
                Node::Ahead { body, negative, next } => {
                    let ahead = self.reach(body, AT_MATCH, held);
                    let asked = if negative { self.conditions.not(ahead) } else { ahead };
                    todo.push((next, self.conditions.and(condition, asked)));
                }
                Node::Behind { index, negative, next } => {
                    if held[index as usize] != negative {
                        todo.push((next, condition));
                    }
                }
                Node::Close { group, .. } if group == end => found = self.conditions.or(found, condition),
                Node::Close { next, .. } => todo.push((next, condition)),
                Node::Byte { .. } => {
                    let comes = self.conditions.variable((n, end));
                    let both = self.conditions.and(condition, comes);
                    found = self.conditions.or(found, both);
                }
                Node::Match(_) => found = self.conditions.or(found, condition),
            }
        }
        found
    }

    /// A condition after one more byte.
    fn move_on(&mut self, f: u32, byte: u8, held: &[bool], moved: &mut Moved) -> u32 {
        if f <= TRUE {
            return f;
        }
        if let Some(&known) = moved.get(&f) {
            return known;
        }
        let (variable, low, high) = self.conditions.parts(f);
        let (low, high) = (self.move_on(low, byte, held, moved), self.move_on(high, byte, held, moved));
        let comes = self.after(variable, byte, held);
        let to = self.conditions.choose(comes, high, low);
        moved.insert(f, to);
        to
    }

    fn after(&mut self, (leaf, end): Variable, byte: u8, held: &[bool]) -> u32 {
        match self.nodes[leaf as usize] {
            Node::Byte { class, next } if holds(&self.classes[class as usize], byte) => self.reach(next, end, held),
            _ => FALSE,
        }
    }

    fn begin(&mut self, start: u32, held: &[bool]) -> Vec<Thread> {
        let mut out = Threads::default();
        self.explore(start, TRUE, held, &mut out);
        // A match before the first byte is no lexeme, but hides what is less preferred.
        out.list.iter_mut().for_each(|t| t.fresh = false);
        out.list
    }

    fn follow(&mut self, threads: &[Thread], byte: u8, held: &[bool]) -> Vec<Thread> {
        let (mut out, mut moved) = (Threads::default(), Moved::default());
        for thread in threads {
            let condition = self.move_on(thread.condition, byte, held, &mut moved);
            match self.nodes[thread.leaf as usize] {
                _ if out.ended => break,
                Node::Byte { class, next } if holds(&self.classes[class as usize], byte) => {
                    self.explore(next, condition, held, &mut out);
                }
                Node::Match(_) if condition == TRUE => break, // the lexeme ended there
                Node::Match(_) if condition != FALSE => {
                    out.list.push(Thread { condition, fresh: false, ..*thread });
                }
                _ => {}
            }
        }
        // Earlier ends matter only to the threads below them.
        let byte_leaf = |t: &Thread| t.fresh || matches!(self.nodes[t.leaf as usize], Node::Byte { .. });
        out.list.truncate(out.list.iter().rposition(byte_leaf).map_or(0, |last| last + 1));
        out.list
    }

    /// For each fresh end, most preferred first: the alternative, and the condition under which it is the end.
    fn ends(&mut self, threads: &[Thread]) -> Vec<(u32, u32)> {
        let (mut out, mut above) = (Vec::new(), FALSE);
        for thread in threads {
            let mut wins = thread.condition;
            if let Some(alternative) = self.matched(thread.leaf) {
                if thread.fresh {
                    let not = self.conditions.not(above);
                    out.push((alternative, self.conditions.and(wins, not)));
                }
            } else {
                let comes = self.conditions.variable((thread.leaf, AT_MATCH));
                wins = self.conditions.and(wins, comes);
            }
            above = self.conditions.or(above, wins);
        }
        out
    }

    fn fault(&self) -> Option<KernelError> {
        self.conditions.overflow.then(|| KernelError::limit("the lookarounds of a terminal have too many states"))
    }
}

impl Lexicon {
    /// Which lookbehinds of an automaton hold.
    fn held(&self, nfa: u32, left: u32) -> Vec<bool> {
        self.nfas[nfa as usize].behinds.iter().map(|code| self.behind.holds(left, code)).collect()
    }

    /// Whether a scanner looks behind, so that its states step only in a context.
    pub(crate) fn looks_behind(&self, scanner: u32) -> bool {
        self.scanners[scanner as usize].looks_behind
    }

    /// The start state of a scanner that looks around, the left context being known.
    pub(crate) fn looking_start(&mut self, scanner: u32, live: Live, left: u32, word: u32) -> u32 {
        let Scanner { nfa, start, .. } = self.scanners[scanner as usize];
        let held = self.held(nfa, left);
        let threads = self.nfas[nfa as usize].begin(start, &held);
        self.looking_state(scanner, live, threads, word)
    }

    /// The start of a terminal that has no lexeme at all.
    pub(crate) fn never(&mut self, scanner: u32) -> u32 {
        let kind = Kind::Looking { scanner, live: ALL_LIVE, threads: Arc::new([]), word: NO_WORD };
        self.intern(kind, &[0; 4], None, &[], NEVER)
    }

    pub(crate) fn step_looking(&mut self, kind: &Kind, byte: u8, left: u32) -> u32 {
        let Kind::Looking { scanner, live, threads, word } = kind else { return DEAD };
        let machine = &self.scanners[*scanner as usize];
        let (nfa, word) = (machine.nfa, machine.words.child(*word, byte).unwrap_or(NO_WORD));
        let held = self.held(nfa, left);
        let after = self.nfas[nfa as usize].follow(threads, byte, &held);
        self.looking_state(*scanner, *live, after, word)
    }

    /// The state of some threads, in order; DEAD if nothing that is live can come of them.
    fn looking_state(&mut self, scanner: u32, live: Live, threads: Vec<Thread>, word: u32) -> u32 {
        if threads.iter().all(|t| self.is_unconditional(scanner, t)) {
            return self.first_state(scanner, live, threads.iter().map(|t| t.leaf).collect(), word);
        }
        let kind = Kind::Looking { scanner, live, threads: threads.into(), word };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let Kind::Looking { threads, .. } = &kind else { return DEAD };
        let machine = &self.scanners[scanner as usize];
        let number = machine.nfa;
        let nfa = &mut self.nfas[number as usize];
        let mut good: Vec<(u32, u32)> = Vec::new(); // by label, the condition to end with it
        for (alternative, condition) in nfa.ends(threads) {
            let label = machine.label(alternative, word);
            match good.iter_mut().find(|x| x.0 == label) {
                Some(x) => x.1 = nfa.conditions.or(x.1, condition),
                None => good.push((label, condition)),
            }
        }
        if let Some(error) = nfa.fault() {
            return self.fail(error);
        }
        let allowed = |label| live.allows(&self.live_sets, label);
        good.retain(|&(label, condition)| condition != FALSE && allowed(label));
        let readers = threads.iter().filter(|t| nfa.matched(t.leaf).is_none());
        let useful = readers.clone().any(|t| machine.labels(nfa.label(t.leaf), word).any(allowed));
        if good.is_empty() && !useful {
            return DEAD;
        }
        let leaves: Vec<u32> = readers.map(|t| t.leaf).collect();
        let rest = leaves.iter().map(|&l| nfa.distance(l)).min().unwrap_or(0);
        let distance = if good.is_empty() { rest } else { 0 };
        let alphabet = if useful { nfa.alphabet(&leaves) } else { [0; 4] };
        // Conditions and keywords tell apart bytes that the leaves do not, but not more than all bytes.
        let classes = machine.words.children(word).is_empty().then(|| nfa.byte_class.clone());
        self.memory += 12 * threads.len();
        let mut exits = Vec::with_capacity(good.len());
        for (label, condition) in good {
            let bad = self.nfas[number as usize].conditions.not(condition);
            let guard = self.condition_state(number, bad);
            exits.push(Exit { label, context: if guard == DEAD { NO_GUARDS } else { self.guards.one(guard) } });
        }
        self.intern(kind, &alphabet, classes, &exits, distance)
    }

    /// Whether a thread is one without conditions, now and later.
    fn is_unconditional(&self, scanner: u32, thread: &Thread) -> bool {
        let nfa = &self.nfas[self.scanners[scanner as usize].nfa as usize];
        let looks = nfa.alternative(nfa.label(thread.leaf)).is_none_or(|a| a.looks);
        !looks && thread.condition == TRUE && (thread.fresh || nfa.matched(thread.leaf).is_none())
    }

    /// The guard that fires when a condition comes true; DEAD when it never does.
    fn condition_state(&mut self, nfa: u32, condition: u32) -> u32 {
        if condition == FALSE {
            return DEAD;
        }
        let kind = Kind::Condition { nfa, condition };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let fires = [Exit { label: 0, context: NO_GUARDS }];
        if condition == TRUE {
            return self.intern(kind, &[0; 4], None, &fires, 0);
        }
        let classes = self.nfas[nfa as usize].byte_class.clone();
        self.intern(kind, &[u64::MAX; 4], Some(classes), &[], 0)
    }

    pub(crate) fn step_condition(&mut self, nfa: u32, condition: u32, byte: u8, left: u32) -> u32 {
        let held = self.held(nfa, left);
        let machine = &mut self.nfas[nfa as usize];
        let to = machine.move_on(condition, byte, &held, &mut Moved::default());
        match machine.fault() {
            Some(error) => self.fail(error),
            None => self.condition_state(nfa, to),
        }
    }

    /// What [`Lexicon::step`] does, for states that look behind as well.
    pub(crate) fn step_behind(&mut self, d: u32, byte: u8, left: u32) -> u32 {
        match self.states[d as usize].kind.clone() {
            kind @ Kind::Looking { scanner, .. } if self.looks_behind(scanner) => self.step_looking(&kind, byte, left),
            Kind::Condition { nfa, condition } if !self.nfas[nfa as usize].behinds.is_empty() => {
                self.step_condition(nfa, condition, byte, left)
            }
            _ => self.step(d, byte),
        }
    }
}
