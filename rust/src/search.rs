//! Searching for completions: whether an item has one, and the shortest one of a state.
//!
//! Both are best-first searches (A*; Hart, Nilsson, Raphael 1968) over items. The estimate, the bytes
//! that the lexeme and then the parser need at least, leaves out guards and priorities only, so it
//! never overestimates and mostly is exact: the search walks straight to the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::{Engine, State};
use crate::error::{KernelError, Result};
use crate::hash::{Map, Set};
use crate::lexer::{Lexicon, DEAD};
use crate::parser::{Item, IMPOSSIBLE};
use crate::settled::Settled;

/// Items that one search may look at.
const FUEL: usize = 50_000;
/// Items that the search before a proof may look at.
const SHORT_FUEL: usize = 500;
/// Items that the search for the length of one item's ending may look at.
pub(crate) const LENGTH_FUEL: usize = 2_000;

/// What searches found out.
#[derive(Debug, Default)]
pub struct Search {
    viable: Map<Item, bool>,
    lengths: Map<Item, u32>,
}

impl Search {
    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        (self.viable.capacity() + self.lengths.capacity()) * 12
    }

    /// Bytes of the shortest ending of an item, if known.
    pub(crate) fn length(&self, item: Item) -> Option<u32> {
        self.lengths.get(&item).copied()
    }

    pub(crate) fn set_length(&mut self, item: Item, length: u32) {
        self.lengths.insert(item, length);
    }
}

/// A byte, or a special token by its id and this.
pub(crate) const SPECIAL: u32 = 256;

/// An item on the way: where it came from, over which symbol.
struct Step {
    item: Item,
    from: u32,
    symbol: Option<u32>,
}

const ROOT: u32 = u32::MAX;

fn exhausted(fuel: usize) -> KernelError {
    KernelError::limit(format!("no ending found among {fuel} items"))
}

impl Engine {
    /// Whether the output can still end well when a lexeme stands in state `d`, just entered, before
    /// continuation `k`: by ending here, or by going on.
    pub(crate) fn viable(&mut self, lexicon: &mut Lexicon, item: Item) -> Result<bool> {
        if self.surely_ends(lexicon, item.0)? {
            return Ok(true);
        }
        if let Some(&known) = self.search.viable.get(&item) {
            return Ok(known);
        }
        // Guesses are cheap and mostly lead to an end at once; where they stray, estimates still may.
        for guess in [true, false] {
            if let Some(answer) = self.look_ahead(lexicon, item, guess)? {
                return Ok(answer);
            }
        }
        let answer = self.parser.finishes(lexicon, item.0, item.1)?;
        lexicon.check()?;
        self.search.viable.insert(item, answer);
        Ok(answer)
    }

    /// Whether a lexeme in state `d` can end so that the output can be finished, whatever follows it.
    pub(crate) fn surely_ends(&mut self, lexicon: &mut Lexicon, d: u32) -> Result<bool> {
        if self.settled.is_none() {
            self.settled = Some(Settled::prove(&mut *self.parser, lexicon)?);
        }
        let Some(Some(settled)) = &mut self.settled else { return Ok(false) };
        let ends = settled.ends(lexicon, d);
        lexicon.check()?;
        Ok(ends)
    }

    /// A short search for an ending; `None` if the fuel does not suffice.
    fn look_ahead(&mut self, lexicon: &mut Lexicon, item: Item, guess: bool) -> Result<Option<bool>> {
        let mut steps = vec![Step { item, from: ROOT, symbol: None }];
        let mut seen = Set::default();
        seen.insert(item);
        let mut heap = BinaryHeap::new();
        heap.push((Reverse(0u32), 0u32));
        let mut starts = Vec::new();
        while let Some((_, at)) = heap.pop() {
            if steps.len() > SHORT_FUEL {
                return Ok(None);
            }
            lexicon.watch.check()?;
            let (d, k) = steps[at as usize].item;
            // Going on to a state that is known to be viable, or ending here.
            let mut found = self.search.viable.get(&(d, k)) == Some(&true);
            starts.clear();
            for exit in lexicon.exits(d).to_vec() {
                found |= self.leave(lexicon, exit, k, &mut starts)?;
            }
            if let Some((_, context)) = lexicon.special(d) {
                found |= self.enter(lexicon, context, k, &mut starts)?;
            }
            if !found && lexicon.goes_on(d) {
                starts.extend(lexicon.successors(d).into_iter().map(|(_, to)| (to, k)));
            }
            for &next in &starts {
                match self.search.viable.get(&next) {
                    Some(true) => found = true,
                    Some(false) => continue,
                    None => {}
                }
                if found {
                    break;
                }
                if seen.insert(next) {
                    let estimate = match guess {
                        true => self.parser.guess(lexicon, next.0, next.1),
                        false => self.parser.estimate(lexicon, next.0, next.1),
                    };
                    if estimate != IMPOSSIBLE {
                        steps.push(Step { item: next, from: at, symbol: None });
                        heap.push((Reverse(estimate), steps.len() as u32 - 1));
                    }
                }
            }
            if found {
                let mut at = at;
                while at != ROOT {
                    self.search.viable.insert(steps[at as usize].item, true);
                    at = steps[at as usize].from;
                }
                lexicon.check()?;
                return Ok(Some(true));
            }
        }
        lexicon.check()?;
        for item in seen {
            self.search.viable.entry(item).or_insert(false);
        }
        Ok(Some(false))
    }

    /// The shortest symbols that end the output from a state: bytes, and special tokens.
    pub(crate) fn shortest(&mut self, lexicon: &mut Lexicon, state: &State) -> Result<Vec<u32>> {
        if state.can_end {
            return Ok(Vec::new());
        }
        let found = self.shortest_of(lexicon, &state.items)?;
        found.ok_or_else(|| KernelError::limit("no ending found"))
    }

    /// A byte led to `item`: adds it, if its lexeme can go on, and what follows where it ends. True if the
    /// output may end.
    pub(crate) fn arrive(&mut self, lexicon: &mut Lexicon, (d, k): Item, out: &mut Vec<Item>) -> Result<bool> {
        if lexicon.goes_on(d) || lexicon.special(d).is_some() {
            out.push((d, k));
        }
        let mut ends = false;
        for exit in lexicon.exits(d).to_vec() {
            ends |= self.leave(lexicon, exit, k, out)?;
        }
        Ok(ends)
    }

    /// The shortest symbols that end the output from one of some items, if there are any.
    pub(crate) fn shortest_of(&mut self, lexicon: &mut Lexicon, items: &[Item]) -> Result<Option<Vec<u32>>> {
        self.shortest_within(lexicon, items, FUEL)
    }

    /// The same; an error where the search takes more than `fuel` items.
    pub(crate) fn shortest_within(
        &mut self,
        lexicon: &mut Lexicon,
        items: &[Item],
        fuel: usize,
    ) -> Result<Option<Vec<u32>>> {
        let mut steps: Vec<Step> = Vec::new();
        let mut seen = Set::default();
        // (estimate, bytes so far the more the better, step); a step without item is the end.
        let mut heap = BinaryHeap::new();
        for &item in items {
            let estimate = self.parser.estimate(lexicon, item.0, item.1);
            if estimate != IMPOSSIBLE {
                steps.push(Step { item, from: ROOT, symbol: None });
                heap.push((Reverse(estimate), 0u32, steps.len() as u32 - 1, false));
            }
        }
        let mut starts = Vec::new();
        while let Some((_, length, at, ended)) = heap.pop() {
            if ended {
                lexicon.check()?;
                let (mut symbols, mut at) = (Vec::with_capacity(length as usize), at);
                while at != ROOT {
                    symbols.extend(steps[at as usize].symbol);
                    at = steps[at as usize].from;
                }
                symbols.reverse();
                return Ok(Some(symbols));
            }
            if steps.len() > fuel {
                return Err(exhausted(fuel));
            }
            lexicon.watch.check()?;
            let (d, k) = steps[at as usize].item;
            if !seen.insert((d, k)) {
                continue;
            }
            let special = lexicon.special(d);
            let bytes = lexicon.successors(d).into_iter().map(|(byte, to)| (u32::from(byte), to));
            for (symbol, to) in bytes.chain(special.map(|(token, _)| (SPECIAL + token, DEAD))) {
                let length = length + 1;
                starts.clear();
                let ends = match special {
                    Some((_, context)) => self.enter(lexicon, context, k, &mut starts)?,
                    None => self.arrive(lexicon, (to, k), &mut starts)?,
                };
                if ends {
                    steps.push(Step { item: (DEAD, 0), from: at, symbol: Some(symbol) });
                    heap.push((Reverse(length), length, steps.len() as u32 - 1, true));
                }
                for &next in &starts {
                    let estimate = self.parser.estimate(lexicon, next.0, next.1);
                    if estimate != IMPOSSIBLE && !seen.contains(&next) {
                        steps.push(Step { item: next, from: at, symbol: Some(symbol) });
                        heap.push((Reverse(estimate.saturating_add(length)), length, steps.len() as u32 - 1, false));
                    }
                }
            }
        }
        lexicon.check()?;
        Ok(None)
    }
}
