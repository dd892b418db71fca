//! The general parser: continuations are places in automata with merged stacks.
//!
//! A continuation is (automaton state, stack); a stack is a hash-consed *set* of entries (return
//! state, stack), so the stacks that one text can have built are shared as in Tomita's graph-structured
//! stack. Three rules keep them small and let them recur: a call in final position pushes nothing; a
//! continuation that can only return does so at once; and within one closure, whatever calls a rule
//! calls it once, with all the return places in one entry set.
//!
//! What can be said of a place whatever its stack is, is said of the place on an *open* stack (see `frames`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{KernelError, Result};
use crate::hash::Map;
use crate::lexer::Lexicon;
use crate::parser::{canonical, Closure, Item, Parser, IMPOSSIBLE};
use crate::program::{Program, Symbol};
use crate::settled::Readings;
use crate::summary::Summaries;

/// The return state that stands for "the output may end".
const BOTTOM: u32 = u32::MAX;
/// The return state that stands for whatever an open stack goes on with.
const OPEN: u32 = u32::MAX - 1;
/// Continuations and stacks beyond this are refused.
const MAX_IDS: usize = 1 << 24;
/// How far down stacks are compared.
const DEEP: u32 = 200;
/// Entries of one state that another is compared with.
const SIBLINGS: usize = 8;
/// Not in use.
const FREE: u32 = u32::MAX;

#[derive(Debug)]
struct Stack {
    entries: Arc<[(u32, u32)]>,
    bound: u32,
    /// More than that of all stacks below.
    depth: u32,
    /// See [`General::returns`].
    returns: Option<Arc<[(u32, u32)]>>,
}

/// What a state reaches without reading.
#[derive(Debug)]
struct Reach {
    terminals: Box<[(u32, u32)]>,
    calls: Box<[(u32, u32)]>,
    is_final: bool,
}

/// Entries of which none makes up for another.
#[derive(Debug, Default)]
struct Widest(Vec<(u32, u32)>);

impl Widest {
    fn add(&mut self, general: &mut General, (state, stack): (u32, u32), depth: u32) {
        if !self.has(general, (state, stack), depth) {
            self.0.retain(|e| e.0 != state || !general.covers(stack, e.1, depth));
            self.0.push((state, stack));
        }
    }

    fn has(&self, general: &mut General, (state, stack): (u32, u32), depth: u32) -> bool {
        let same = self.0.iter().filter(|e| e.0 == state);
        same.take(SIBLINGS).any(|e| general.covers(e.1, stack, depth))
    }
}

/// See the module.
#[derive(Debug)]
pub struct General {
    program: Program,
    reach: Vec<Option<Arc<Reach>>>,
    stacks: Vec<Stack>,
    stack_ids: Map<Arc<[(u32, u32)]>, u32>,
    free_stacks: Vec<u32>,
    /// Whether what the second stack holds comes up in the first.
    covers: Map<(u32, u32), bool>,
    places: Vec<(u32, u32)>,
    place_ids: Map<(u32, u32), u32>,
    free_places: Vec<u32>,
    closures: Vec<Option<Arc<Closure>>>,
    start: u32,
    /// The stack of nothing but an open end.
    open: u32,
    summaries: Summaries,
    full: bool,
    bytes: usize,
    /// Always 0: continuations are no stacks, and looked at as wholes.
    looked: u32,
}

impl General {
    /// A parser for a checked program.
    pub fn new(program: Program) -> General {
        let n = program.cost.len();
        let mut general = General {
            reach: vec![None; n],
            stacks: Vec::new(),
            stack_ids: Map::default(),
            free_stacks: Vec::new(),
            covers: Map::default(),
            places: Vec::new(),
            place_ids: Map::default(),
            free_places: Vec::new(),
            closures: Vec::new(),
            start: 0,
            open: 0,
            summaries: Summaries::default(),
            full: false,
            bytes: 0,
            looked: 0,
            program,
        };
        let bottom = general.stack(vec![(BOTTOM, 0)]);
        let first = general.program.rule_starts[general.program.start as usize];
        general.start = general.place(first, bottom);
        general.open = general.stack(vec![(OPEN, 0)]);
        general
    }

    /// The id of a stack; `entries` in any order.
    fn stack(&mut self, mut entries: Vec<(u32, u32)>) -> u32 {
        entries.sort_unstable();
        entries.dedup();
        if entries.len() > 1 {
            self.absorb(&mut entries);
        }
        let entries: Arc<[(u32, u32)]> = entries.into();
        if let Some(&id) = self.stack_ids.get(&entries) {
            return id;
        }
        let cost = |&(state, stack): &(u32, u32)| match state {
            BOTTOM | OPEN => 0,
            _ => self.program.cost[state as usize].saturating_add(self.stacks[stack as usize].bound),
        };
        let bound = entries.iter().map(cost).min().unwrap_or(IMPOSSIBLE);
        self.bytes += 96 + 8 * entries.len();
        let below = entries.iter().filter(|e| e.0 < OPEN).map(|e| self.stacks[e.1 as usize].depth);
        let depth = below.max().map_or(0, |depth| depth + 1);
        let stack = Stack { depth, entries: entries.clone(), bound, returns: None };
        let id = match self.free_stacks.pop() {
            Some(id) => {
                self.stacks[id as usize] = stack;
                id
            }
            None => {
                self.stacks.push(stack);
                self.stacks.len() as u32 - 1
            }
        };
        self.full |= self.stacks.len() > MAX_IDS;
        self.stack_ids.insert(entries, id);
        id
    }

    /// Drops entries that others make up for: those whose state stands above more in another one, and those that
    /// come up anyway when others are popped at once, since their states may end.
    fn absorb(&mut self, entries: &mut Vec<(u32, u32)>) {
        let ends = entries.iter().any(|e| e.0 < OPEN && self.reach(e.0).is_final);
        if !ends && entries.windows(2).all(|w| w[0].0 != w[1].0) {
            return;
        }
        let mut kept = Widest::default();
        for &entry in entries.iter() {
            kept.add(self, entry, 0);
        }
        let mut below = Widest::default();
        for &(state, stack) in &kept.0 {
            if state < OPEN && self.reach(state).is_final {
                for &entry in self.returns(stack).iter() {
                    below.add(self, entry, 0);
                }
            }
        }
        *entries = kept.0;
        entries.retain(|&entry| !below.has(self, entry, 0));
        entries.sort_unstable();
    }

    /// Whether all that `narrow` holds comes up in `wide`; `false` where that takes too long to say.
    fn covers(&mut self, wide: u32, narrow: u32, depth: u32) -> bool {
        if wide == narrow || depth > DEEP {
            return wide == narrow;
        }
        if let Some(&known) = self.covers.get(&(wide, narrow)) {
            return known;
        }
        let all = Widest(self.returns(wide).to_vec());
        let entries = self.stacks[narrow as usize].entries.clone();
        let answer = entries.iter().all(|&entry| all.has(self, entry, depth + 1));
        self.bytes += 16;
        self.covers.insert((wide, narrow), answer);
        answer
    }

    /// Where a rule may return to that ends above a stack, also through callers that may end as well.
    ///
    /// What comes up below a state itself, having stood there before, is left out: it brings nothing new.
    fn returns(&mut self, stack: u32) -> Arc<[(u32, u32)]> {
        let mut todo = vec![stack];
        while let Some(&stack) = todo.last() {
            if self.stacks[stack as usize].returns.is_some() {
                todo.pop();
                continue;
            }
            let entries = self.stacks[stack as usize].entries.clone();
            let ends: Vec<bool> = entries.iter().map(|e| e.0 < OPEN && self.reach(e.0).is_final).collect();
            if !ends.contains(&true) {
                self.stacks[stack as usize].returns = Some(entries);
                continue;
            }
            let known = todo.len();
            for (entry, _) in entries.iter().zip(&ends).filter(|x| *x.1) {
                if self.stacks[entry.1 as usize].returns.is_none() {
                    todo.push(entry.1);
                }
            }
            if todo.len() > known {
                continue;
            }
            let mut all = Widest::default();
            for (&entry, &ends) in entries.iter().zip(&ends) {
                all.add(self, entry, 0);
                if ends {
                    for &below in self.returns(entry.1).iter().filter(|below| below.0 != entry.0) {
                        all.add(self, below, 0);
                    }
                }
            }
            self.bytes += 32 + 8 * all.0.len();
            self.stacks[stack as usize].returns = Some(all.0.into());
        }
        self.stacks[stack as usize].returns.clone().unwrap_or_default()
    }

    /// The continuation at a state with a stack.
    fn place(&mut self, mut state: u32, mut stack: u32) -> u32 {
        loop {
            state = self.program.skip(state);
            match self.stacks[stack as usize].entries[..] {
                [(back, below)] if back < OPEN && self.program.only_final(state) => (state, stack) = (back, below),
                _ => break,
            }
        }
        if let Some(&id) = self.place_ids.get(&(state, stack)) {
            return id;
        }
        self.bytes += 64;
        let id = match self.free_places.pop() {
            Some(id) => {
                self.places[id as usize] = (state, stack);
                id
            }
            None => {
                self.places.push((state, stack));
                self.closures.push(None);
                self.places.len() as u32 - 1
            }
        };
        self.full |= self.places.len() > MAX_IDS;
        self.place_ids.insert((state, stack), id);
        id
    }

    fn reach(&mut self, state: u32) -> Arc<Reach> {
        if let Some(known) = &self.reach[state as usize] {
            return known.clone();
        }
        let (mut terminals, mut calls, mut is_final) = (Vec::new(), Vec::new(), false);
        for q in self.program.reach(state) {
            is_final |= self.program.is_final(q);
            for &(symbol, to) in self.program.edges(q) {
                match symbol {
                    Symbol::Terminal(d) => terminals.push((d, self.program.skip(to))),
                    Symbol::Call(rule) => calls.push((rule, self.program.skip(to))),
                    Symbol::Empty => {}
                }
            }
        }
        for list in [&mut terminals, &mut calls] {
            list.sort_unstable();
            list.dedup();
        }
        self.bytes += 80 + 8 * (terminals.len() + calls.len());
        let reach = Arc::new(Reach { terminals: terminals.into(), calls: calls.into(), is_final });
        self.reach[state as usize] = Some(reach.clone());
        reach
    }

    fn compute_closure(&mut self, lexicon: &mut Lexicon, k: u32) -> Closure {
        let mut starts: Vec<Item> = Vec::new();
        let (mut can_end, mut returns) = (false, false);
        // Return places for each called rule, callers first.
        let mut called: BTreeMap<(u32, u32), Vec<(u32, u32)>> = BTreeMap::new();
        let (state, stack) = self.places[k as usize];
        let reach = self.reach(state);
        self.explore(&reach, stack, &mut starts, &mut called);
        if reach.is_final {
            for &(back, below) in self.returns(stack).iter() {
                match back {
                    BOTTOM => can_end = true,
                    OPEN => returns = true,
                    _ if back == state => {}
                    _ => {
                        let reach = self.reach(back);
                        self.explore(&reach, below, &mut starts, &mut called);
                    }
                }
            }
        }
        while let Some(((_, rule), entries)) = called.pop_first() {
            let stack = self.stack(entries);
            // A rule that is final at its start does not return here: empty edges do that.
            let reach = self.reach(self.program.rule_starts[rule as usize]);
            self.explore(&reach, stack, &mut starts, &mut called);
        }
        for i in 0..self.program.ignored.len() {
            starts.push((self.program.ignored[i], k));
        }
        canonical(self, &mut starts);
        Closure { lexemes: lexicon.lexemes(&starts), starts: starts.into(), can_end, returns }
    }

    fn explore(
        &mut self,
        reach: &Reach,
        stack: u32,
        starts: &mut Vec<Item>,
        called: &mut BTreeMap<(u32, u32), Vec<(u32, u32)>>,
    ) {
        for &(d, to) in reach.terminals.iter() {
            if self.program.cost[to as usize] != IMPOSSIBLE {
                starts.push((d, self.place(to, stack)));
            }
        }
        for &(rule, to) in reach.calls.iter() {
            let entries = called.entry((self.program.rank[rule as usize], rule)).or_default();
            if self.program.only_final(to) {
                entries.extend_from_slice(&self.stacks[stack as usize].entries);
            } else if self.program.cost[to as usize] != IMPOSSIBLE {
                entries.push((to, stack));
            }
            if entries.is_empty() {
                called.remove(&(self.program.rank[rule as usize], rule));
            }
        }
    }
}

impl Parser for General {
    fn initial(&self) -> u32 {
        self.start
    }

    fn closure(&mut self, lexicon: &mut Lexicon, k: u32) -> Result<Arc<Closure>> {
        if let Some(known) = &self.closures[k as usize] {
            return Ok(known.clone());
        }
        let closure = Arc::new(self.compute_closure(lexicon, k));
        if self.full {
            return Err(KernelError::limit(format!("more than {MAX_IDS} continuations")));
        }
        self.bytes += 48 + 8 * closure.starts.len();
        self.closures[k as usize] = Some(closure.clone());
        Ok(closure)
    }

    fn advance(&mut self, k: u32, _: u32) -> Option<u32> {
        Some(k)
    }

    fn looked(&mut self) -> &mut u32 {
        &mut self.looked
    }

    fn has_places(&self) -> bool {
        true
    }

    fn parted(&mut self, k: u32) -> (u32, u32) {
        let (state, stack) = self.places[k as usize];
        (self.place(state, self.open), stack)
    }

    fn depth(&self, stack: u32) -> u32 {
        self.stacks[stack as usize].depth
    }

    fn returns_to(&mut self, stack: u32) -> (Vec<u32>, bool) {
        let entries = self.stacks[stack as usize].entries.clone();
        let places = entries.iter().filter(|e| e.0 < OPEN).map(|&(back, below)| self.place(back, below)).collect();
        (places, entries.iter().any(|e| e.0 == OPEN))
    }

    fn estimate(&mut self, lexicon: &Lexicon, d: u32, k: u32) -> u32 {
        let (state, stack) = self.places[k as usize];
        let after = self.program.cost[state as usize].saturating_add(self.stacks[stack as usize].bound);
        lexicon.least(d).saturating_add(after)
    }

    fn finishes(&mut self, lexicon: &mut Lexicon, d: u32, k: u32) -> Result<bool> {
        let (state, stack) = self.places[k as usize];
        for exit in lexicon.outcomes(d)?.iter() {
            let stacks = &self.stacks;
            let entries = |s: u32, out: &mut Vec<Option<(u32, u32)>>| {
                out.clear();
                out.extend(stacks[s as usize].entries.iter().map(|&e| (e.0 != BOTTOM).then_some(e)));
            };
            if self.summaries.finishes(&self.program, lexicon, (exit.context, state, stack), entries)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn readings(&mut self, lexicon: &mut Lexicon) -> Result<Option<Vec<Readings>>> {
        // Whatever costs something finite can be finished: that is what the cost is of.
        let edges = (0..self.program.cost.len() as u32).flat_map(|q| self.program.edges(q));
        let mut terminals: Vec<u32> = edges
            .filter_map(|e| match e.0 {
                Symbol::Terminal(d) if lexicon.least(d) != IMPOSSIBLE => Some(d),
                _ => None,
            })
            .collect();
        terminals.sort_unstable();
        terminals.dedup();
        let of = |list: &[u32]| list.iter().map(|&d| (d, 0)).collect();
        Ok(Some(vec![Readings { terminals: of(&terminals), ignored: of(&self.program.ignored) }]))
    }

    fn does_without(&mut self, _: &[(usize, u32)]) -> bool {
        false
    }

    fn group(&self, k: u32) -> u32 {
        self.places[k as usize].0
    }

    fn merge(&mut self, group: &[u32]) -> u32 {
        let state = self.places[group[0] as usize].0;
        let mut entries = Vec::new();
        for &k in group {
            entries.extend_from_slice(&self.stacks[self.places[k as usize].1 as usize].entries);
        }
        let stack = self.stack(entries);
        self.place(state, stack)
    }

    fn names(&mut self, lexicon: &Lexicon, d: u32, _: u32) -> Vec<u32> {
        let origin = lexicon.origin(d);
        (0..self.program.terminals.len() as u32)
            .filter(|&t| lexicon.origin(self.program.terminals[t as usize]) == origin)
            .collect()
    }

    fn continuations(&self) -> usize {
        self.places.len() - self.free_places.len()
    }

    fn bytes(&self) -> usize {
        self.bytes + 16 * self.program.cost.len() + self.summaries.bytes()
    }

    fn sweep(&mut self, held: &[u32]) {
        let mut places = vec![false; self.places.len()];
        let mut stacks = vec![false; self.stacks.len()];
        let mut todo: Vec<u32> = Vec::new();
        for &k in held.iter().chain([&self.start]) {
            places[k as usize] = true;
            todo.push(self.places[k as usize].1);
        }
        todo.push(self.open);
        while let Some(s) = todo.pop() {
            if !std::mem::replace(&mut stacks[s as usize], true) {
                let below = self.stacks[s as usize].entries.iter();
                todo.extend(below.filter(|e| e.0 < OPEN).map(|e| e.1));
            }
        }
        self.bytes = 0;
        self.covers = Map::default();
        self.summaries.forget();
        self.closures.iter_mut().for_each(|c| *c = None);
        self.reach.iter_mut().for_each(|r| *r = None);
        for (id, held) in places.into_iter().enumerate() {
            let place = self.places[id];
            if held {
                self.bytes += 64;
            } else if place.0 != FREE {
                self.place_ids.remove(&place);
                self.places[id] = (FREE, 0);
                self.free_places.push(id as u32);
            }
        }
        for (id, held) in stacks.into_iter().enumerate() {
            let entries = self.stacks[id].entries.clone();
            self.stacks[id].returns = None;
            if held {
                self.bytes += 96 + 8 * entries.len();
            } else if !entries.is_empty() {
                self.stack_ids.remove(&entries);
                let gone = Stack { entries: Arc::new([]), bound: IMPOSSIBLE, depth: 0, returns: None };
                self.stacks[id] = gone;
                self.free_stacks.push(id as u32);
            }
        }
        self.full = false;
    }
}
