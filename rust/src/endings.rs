//! Short endings where names come once, and which tokens leave enough of a budget for them.
//!
//! An ending that the grammar alone would take is nearly always right; where it says a name twice, another is searched
//! for with the register beside each item. Such an ending is longer by the bytes that make names different.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::bitmask::TokenSet;
use crate::differ::every_way;
use crate::engine::{lock, Engine, State};
use crate::error::{ErrorKind, KernelError, Result};
use crate::hash::{Map, Set};
use crate::lexer::{Lexicon, DEAD};
use crate::names::{Point, NEVER};
use crate::parser::{Item, IMPOSSIBLE};
use crate::register::Register;

/// Items that one search may look at.
const FUEL: usize = 50_000;

/// Items of an ending that have to be others than the grammar would take.
const MAX_ITEMS: usize = 20_000;
/// Times that the search for one may come back to one state.
const MAX_TIMES: u32 = 1_000;
/// Bytes of an ending while other readings are looked at, and how many of them.
const LOOKED_AROUND: usize = 1_000;
const MAX_READINGS: usize = 16;

/// Whether so many tokens are enough for an ending of `bytes`, however its names have to be changed: a name takes at
/// least three bytes, and eight more make it different from all that were said.
fn is_ample(bytes: u32, left: usize) -> bool {
    5 * bytes as usize + 64 < left
}

struct Step {
    item: Item,
    register: Arc<Register>,
    from: usize,
    byte: Option<u8>,
}

const ROOT: usize = usize::MAX;

impl Engine {
    /// A short ending of a point, in symbols.
    pub(crate) fn ending_at(&mut self, at: &Point) -> Result<Vec<u32>> {
        let shared = self.lexicon.clone();
        let mut lexicon = self.open(&shared);
        let symbols = self.shortest(&mut lexicon, &at.state)?;
        let Some(register) = &at.register else { return Ok(symbols) };
        let bytes: Vec<u8> = symbols.iter().filter_map(|&s| u8::try_from(s).ok()).collect();
        drop(lexicon);
        if self.ends_with(at, register, &bytes)? {
            return Ok(symbols);
        }
        if self.marks.is_some() {
            return self.ending_with_items(at);
        }
        let mut lexicon = self.open(&shared);
        let found = self.shortest_beside(&mut lexicon, &at.state, register)?;
        found.ok_or_else(|| KernelError::limit("no ending found that says nothing twice"))
    }

    /// The same where items may have to differ: as the grammar would end it, up to where that cannot go on; from there to
    /// where the item is another one, and so on.
    fn ending_with_items(&mut self, at: &Point) -> Result<Vec<u32>> {
        let (mut symbols, mut at) = (Vec::new(), at.clone());
        let mut tried: Map<u32, (u32, Set<Item>)> = Map::default();
        for _ in 0..MAX_ITEMS {
            let shared = self.lexicon.clone();
            let ending = self.shortest(&mut self.open(&shared), &at.state)?;
            let bytes: Vec<u8> = ending.iter().filter_map(|&s| u8::try_from(s).ok()).collect();
            let (mut taken, mut refused) = (0, bytes.len() + 1);
            while taken + 1 < refused {
                let middle = if refused > bytes.len() { bytes.len() } else { taken + (refused - taken) / 2 };
                match self.follow_bytes(&at, &bytes[taken..middle])? {
                    Some(to) => (at, taken) = (to, middle),
                    None => refused = middle,
                }
            }
            symbols.extend_from_slice(&ending[..taken]);
            let Some(register) = at.register.clone().filter(|_| taken < bytes.len()) else { return Ok(symbols) };
            if symbols.len() < LOOKED_AROUND {
                if let Some(ending) = self.ending_by_reading(&at)? {
                    symbols.extend(ending);
                    return Ok(symbols);
                }
            }
            let mut lexicon = self.open(&shared);
            let mut way = None;
            if !register.is_safe() || !register.is_free() {
                // Where one has been before, another way than then: that one led nowhere.
                let (times, avoid) = tried.entry(at.state.id).or_default();
                *times += 1;
                if *times > MAX_TIMES {
                    break;
                }
                way = self.way_out(&mut lexicon, &at.state.items, &register, None, avoid)?;
                if way.is_none() && !avoid.is_empty() {
                    avoid.clear();
                    way = self.way_out(&mut lexicon, &at.state.items, &register, None, avoid)?;
                }
                avoid.extend(way.iter().map(|way| way.1));
            }
            let Some((way, _)) = way else {
                let found = self.shortest_beside(&mut lexicon, &at.state, &register)?;
                symbols.extend(found.ok_or_else(|| KernelError::limit("no ending found that says nothing twice"))?);
                return Ok(symbols);
            };
            drop(lexicon);
            at = self.follow_bytes(&at, &way)?.ok_or_else(|| KernelError::limit("no ending found"))?;
            symbols.extend(way.into_iter().map(u32::from));
        }
        Err(KernelError::limit("no ending found that says nothing twice"))
    }

    /// The first of the endings that the grammar would take of each lexeme by itself that says nothing twice.
    fn ending_by_reading(&mut self, at: &Point) -> Result<Option<Vec<u32>>> {
        let shared = self.lexicon.clone();
        let mut items: Vec<(u32, Item)> = {
            let lexicon = lock(&shared);
            at.state.items.iter().map(|&item| (self.parser.estimate(&lexicon, item.0, item.1), item)).collect()
        };
        items.sort_unstable();
        for &(_, item) in items.iter().filter(|it| it.0 != IMPOSSIBLE).take(MAX_READINGS) {
            let found = self.shortest_of(&mut self.open(&shared), &[item])?;
            let Some(ending) = found else { continue };
            let bytes: Vec<u8> = ending.iter().filter_map(|&s| u8::try_from(s).ok()).collect();
            if self.follow_bytes(at, &bytes)?.is_some_and(|to| to.state.can_end) {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }

    /// The tokens of a short ending of a point, the end token left out.
    pub(crate) fn plan_at(&mut self, at: &Point) -> Result<Arc<[u32]>> {
        let plan = self.plan(&at.state)?;
        let Some(register) = &at.register else { return Ok(plan) };
        let mut text = Vec::new();
        plan.iter().for_each(|&token| text.extend_from_slice(self.vocabulary.tokens.bytes(token)));
        if self.ends_with(at, register, &text)? {
            return Ok(plan);
        }
        let symbols = self.ending_at(at)?;
        Ok(self.vocabulary.spell(&symbols)?.into())
    }

    /// Whether an ending that the grammar would take says nothing twice.
    fn ends_with(&mut self, at: &Point, register: &Arc<Register>, ending: &[u8]) -> Result<bool> {
        if self.marks.is_none() {
            return Ok(register.read(ending)?.is_some());
        }
        Ok(self.follow_bytes(at, ending)?.is_some_and(|to| to.state.can_end))
    }

    /// Nearest to its end first: which of many names is said is not weighed, so the ending need not be the shortest.
    fn shortest_beside(
        &mut self,
        lexicon: &mut Lexicon,
        state: &State,
        register: &Arc<Register>,
    ) -> Result<Option<Vec<u32>>> {
        let (mut steps, mut heap, mut seen) = (Vec::new(), BinaryHeap::new(), Set::default());
        let mut next: Vec<Item> = Vec::new();
        for &item in state.items.iter() {
            let estimate = self.parser.estimate(lexicon, item.0, item.1);
            if estimate != IMPOSSIBLE {
                heap.push((Reverse(estimate), 0u32, steps.len()));
                steps.push(Step { item, register: register.clone(), from: ROOT, byte: None });
            }
        }
        while let Some((_, length, at)) = heap.pop() {
            if steps[at].item.0 == DEAD {
                let (mut symbols, mut at) = (Vec::with_capacity(length as usize), at);
                while at != ROOT {
                    symbols.extend(steps[at].byte.map(u32::from));
                    at = steps[at].from;
                }
                symbols.reverse();
                return Ok(Some(symbols));
            }
            if steps.len() > FUEL {
                return Err(KernelError::limit(format!("no ending found among {FUEL} items")));
            }
            lexicon.watch.check()?;
            let ((d, k), register) = (steps[at].item, steps[at].register.clone());
            if !seen.insert((d, k, register.key())) {
                continue;
            }
            for (byte, to) in ways(lexicon, d, &register) {
                let Some((register, ends)) = self.arrive_beside(lexicon, (d, to, k), byte, &register, &mut next)?
                else {
                    continue;
                };
                let length = length + 1;
                if ends {
                    heap.push((Reverse(0), length, steps.len()));
                    steps.push(Step { item: (DEAD, 0), register: register.clone(), from: at, byte: Some(byte) });
                }
                for &item in &next {
                    let estimate = self.parser.estimate(lexicon, item.0, item.1);
                    if estimate != IMPOSSIBLE {
                        heap.push((Reverse(estimate), length, steps.len()));
                        steps.push(Step { item, register: register.clone(), from: at, byte: Some(byte) });
                    }
                }
            }
        }
        lexicon.check()?;
        Ok(None)
    }

    /// Whether `left` tokens are enough to end the output from a point.
    pub(crate) fn affordable_at(&mut self, at: &Point, left: usize) -> Result<bool> {
        let by_the_grammar = self.affordable(&at.state, left)?;
        if at.register.is_none() || at.state.can_end || !by_the_grammar {
            return Ok(by_the_grammar);
        }
        if self.names_once == NEVER && self.vocabulary.complete {
            let lexicon = lock(&self.lexicon);
            let estimates = at.state.items.iter().map(|&(d, k)| self.parser.estimate(&lexicon, d, k));
            if estimates.min().is_some_and(|bytes| is_ample(bytes, left)) {
                return Ok(true);
            }
        }
        match self.plan_at(at) {
            Ok(plan) => Ok(plan.len() < left),
            Err(e) if e.kind == ErrorKind::Vocabulary => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The mask of a point when `left` tokens will be left after the next one; the first token of `plan` is kept.
    pub(crate) fn budgeted_mask_at(&mut self, at: &Point, left: usize, plan: &[u32]) -> Result<Arc<TokenSet>> {
        let planned = plan.first().copied().filter(|_| plan.len() <= left);
        let mask = self.budgeted_mask(&at.state, left, planned)?;
        let (mask, near) = self.without_said(at, mask)?;
        if at.register.is_none() {
            return Ok(mask);
        }
        let dearest = at.state.dearest();
        if let Some(bytes) = dearest.filter(|_| self.vocabulary.complete) {
            // Where names can run out, an ending has others than the nearest; it grows by what the token opens.
            let free = self.names_once == NEVER;
            let spare = if free { left } else { left.saturating_sub(192 + plan.len()) };
            if is_ample(bytes, spare) {
                return Ok(mask);
            }
        }
        // Only what goes along with names that were said can need more than the grammar thinks, where it needs no others.
        let vocabulary = self.vocabulary.clone();
        let listed = vocabulary.names().all();
        let tokens: Vec<u32> = if self.names_counted || self.marks.is_some() {
            (0..vocabulary.tokens.len() as u32).collect()
        } else {
            near.into_iter().chain(listed).collect()
        };
        let mut taken = Vec::new();
        for token in tokens.into_iter().filter(|&token| Some(token) != planned && mask.contains(token)) {
            let kept = match self.follow(at, token)? {
                Some(to) => vocabulary.eos.contains(&token) || self.affordable_at(&to, left)?,
                None => vocabulary.eos.contains(&token),
            };
            if !kept {
                taken.push(token);
            }
        }
        Ok(mask.less(&mut taken))
    }
}

/// A byte for every state that `d` leads to; in a name, each byte that goes along with one that was said.
fn ways(lexicon: &mut Lexicon, d: u32, register: &Register) -> Vec<(u8, u32)> {
    if !register.is_safe() {
        return every_way(lexicon, d, register);
    }
    let mut out = Vec::new();
    for (byte, to) in lexicon.successors(d) {
        out.push((byte, to));
    }
    let rests = register.rests();
    if !rests.is_empty() {
        let known: Vec<u8> = rests.iter().filter_map(|rest| rest.first().copied()).collect();
        let mut others: Vec<u32> = out.iter().filter(|x| !known.contains(&x.0)).map(|x| x.1).collect();
        for byte in (0x20..0x7F).chain(0x80..=0xFF).chain(0..0x20) {
            let to = lexicon.step(d, byte);
            let is_known = known.contains(&byte);
            if to != DEAD && !out.contains(&(byte, to)) && (is_known || !others.contains(&to)) {
                out.push((byte, to));
                if !is_known {
                    others.push(to);
                }
            }
        }
    }
    out
}
