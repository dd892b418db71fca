//! Arrays whose items have to differ: which texts can go on, and what that takes from the tokens that a grammar allows.
//!
//! The terminals `[`, `,` and `]` of such arrays are others than those of all other arrays. Where one opens, a register
//! begins to watch it (see `items`); where an item ends that was said before, the readings go by which the array goes
//! on as such a one, and others stay. A text can go on if some ending of it leaves no reading without a way: mostly an
//! item that is being read can still become more values than were said, and where it cannot, one is searched for.
//!
//! Of a mask few tokens are looked at: those with a comma, and where the item may still be one that was said, those
//! that end a string, or lead to where few values are left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::bitmask::{pairs, Pairs, TokenSet};
use crate::engine::{Engine, State};
use crate::error::Result;
use crate::hash::Set;
use crate::lexer::{Lexicon, DEAD};
use crate::names::{has_another, Point, NEVER};
use crate::parser::{Item, IMPOSSIBLE};
use crate::register::{Mode, Register};
use crate::widths::MANY;

/// Items that one search looks at, and more for each leaf that was said.
const FUEL: usize = 5_000;
const FUEL_EACH: usize = 60;

/// An item that a search has come to.
struct Step {
    item: Item,
    register: Arc<Register>,
    from: usize,
    byte: u8,
    length: u32,
    /// It is where the search was to come.
    is_out: bool,
}

const ROOT: usize = usize::MAX;

/// The bytes that led to a step.
fn path(steps: &[Step], mut at: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while steps[at].from != ROOT {
        bytes.push(steps[at].byte);
        at = steps[at].from;
    }
    bytes.reverse();
    bytes
}

/// The terminals of arrays whose items have to differ, by their start states in the lexicon.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Those that open one.
    pub opens: Set<u32>,
    /// Those that come behind an item.
    pub ends: Set<u32>,
}

/// Tokens that have to be looked at where items have to differ.
#[derive(Debug)]
pub(crate) struct ItemTokens {
    /// With a comma.
    commas: Pairs,
    /// With an array and a comma in it.
    arrays: Pairs,
    /// With what ends a string, or comes before one letter in several spellings; and no comma.
    ends: Pairs,
}

impl ItemTokens {
    /// Those of a vocabulary.
    pub fn new<'a>(tokens: impl Iterator<Item = &'a [u8]>) -> ItemTokens {
        let (mut commas, mut arrays, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (id, bytes) in (0u32..).zip(tokens) {
            if bytes.contains(&b',') {
                commas.push(id);
                if has_items(bytes) {
                    arrays.push(id);
                }
            } else if bytes.iter().any(|byte| matches!(byte, b'"' | b'\\')) {
                ends.push(id);
            }
        }
        ItemTokens { commas: pairs(&mut commas), arrays: pairs(&mut arrays), ends: pairs(&mut ends) }
    }
}

impl Engine {
    /// The point after a token (or just some bytes) where items may have to differ; `None` if no completion follows.
    pub(crate) fn follow_items(
        &mut self,
        from: &Point,
        register: &Arc<Register>,
        token: Option<u32>,
        bytes: &[u8],
    ) -> Result<Option<Point>> {
        let Some(reading) = register.scan(bytes)? else { return Ok(None) };
        let to = if reading.opened || reading.again {
            self.read_beside(from, register, bytes)?
        } else {
            let state = match token {
                Some(token) => self.accept(&from.state, token)?,
                None => self.read(&from.state, bytes)?,
            };
            let state = match state {
                Some(state) if reading.register.is_again() => self.without_ends(&state)?,
                state => state,
            };
            state.map(|state| Point { state, register: Some(reading.register) })
        };
        let Some(to) = to else { return Ok(None) };
        Ok((self.can_go_on(&to)? && self.can_differ(&to)?).then_some(to))
    }

    /// Reads bytes with the register beside the grammar.
    fn read_beside(&mut self, from: &Point, register: &Arc<Register>, bytes: &[u8]) -> Result<Option<Point>> {
        let Some(marks) = self.marks.clone() else { return Ok(None) };
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut register = Register::clone(register);
        let (mut items, mut next) = (from.state.items.to_vec(), Vec::new());
        let mut can_end = from.state.can_end;
        for &byte in bytes {
            let watched = byte == b'[' && items.iter().any(|item| marks.opens.contains(&item.0));
            can_end = self.step(&mut lexicon, &items, byte, &mut next)?;
            std::mem::swap(&mut items, &mut next);
            let Some(again) = register.step(byte, watched)? else { return Ok(None) };
            if again || register.is_again() {
                items.retain(|item| !marks.ends.contains(&item.0));
            }
            if items.is_empty() && !can_end {
                return Ok(None);
            }
        }
        drop(lexicon);
        let state = self.intern(items, can_end)?;
        Ok(Some(Point { state, register: Some(Arc::new(register)) }))
    }

    /// A state without the readings that end an item; `None` when there are no others.
    fn without_ends(&mut self, state: &Arc<State>) -> Result<Option<Arc<State>>> {
        let Some(marks) = &self.marks else { return Ok(Some(state.clone())) };
        let items: Vec<Item> = state.items.iter().copied().filter(|item| !marks.ends.contains(&item.0)).collect();
        match items.len() {
            all if all == state.items.len() => Ok(Some(state.clone())),
            0 if !state.can_end => Ok(None),
            _ => self.intern(items, state.can_end).map(Some),
        }
    }

    /// Whether the items that are being read can end as others than all that were said.
    fn can_differ(&mut self, at: &Point) -> Result<bool> {
        let Some(register) = at.register.as_ref().filter(|register| !register.is_safe()) else { return Ok(true) };
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let found = self.differs(&mut lexicon, &at.state.items, register)?;
        lexicon.check()?;
        Ok(found)
    }

    /// Whether a lexeme can become more values than were said.
    fn is_wide(&mut self, lexicon: &mut Lexicon, d: u32, register: &Register, wanted: usize) -> bool {
        match register.mode {
            Mode::Name { .. } | Mode::Text { .. } => self.widths.string(lexicon, d, wanted),
            Mode::Between => {
                let number = register.number();
                let begins = number.is_empty() || number[0] == b'-' || number[0].is_ascii_digit();
                begins && self.widths.number(lexicon, d, number, wanted)
            }
            Mode::Expecting => false,
        }
    }

    /// Whether some items can end as others than all that were said.
    fn differs(&mut self, lexicon: &mut Lexicon, items: &[Item], register: &Arc<Register>) -> Result<bool> {
        let wanted = register.number_said() + 1;
        Ok(items.iter().any(|&(d, _)| self.is_wide(lexicon, d, register, wanted))
            || self.way_out(lexicon, items, register, Some(wanted), &Set::default())?.is_some())
    }

    /// Some bytes from items to where the items of all open arrays, and the name that has begun, are others than those
    /// that were said, however they go on; nearest to the end of the text first. With `wanted`, it is enough that there
    /// are some, or a lexeme that has as many ends. Also the item that they lead to, which is none of `avoid`.
    pub(crate) fn way_out(
        &mut self,
        lexicon: &mut Lexicon,
        items: &[Item],
        register: &Arc<Register>,
        wanted: Option<usize>,
        avoid: &Set<Item>,
    ) -> Result<Option<(Vec<u8>, Item)>> {
        let most = FUEL + FUEL_EACH * register.number_said();
        let (mut steps, mut heap, mut seen) = (Vec::new(), BinaryHeap::new(), Set::default());
        let mut todo: Vec<Step> = items
            .iter()
            .map(|&item| Step { item, register: register.clone(), from: ROOT, byte: 0, length: 0, is_out: false })
            .collect();
        let mut next = Vec::new();
        loop {
            for step in todo.drain(..) {
                let (d, k) = step.item;
                let estimate = if d == DEAD { 0 } else { self.parser.estimate(lexicon, d, k) };
                if estimate != IMPOSSIBLE && seen.insert((d, k, step.register.key())) {
                    heap.push((Reverse(estimate), Reverse(step.length), steps.len()));
                    steps.push(step);
                }
            }
            let Some((_, _, at)) = heap.pop().filter(|_| steps.len() <= most) else { return Ok(None) };
            if steps[at].is_out {
                return Ok(Some((path(&steps, at), steps[at].item)));
            }
            lexicon.watch.check()?;
            let ((d, k), register, length) = (steps[at].item, steps[at].register.clone(), steps[at].length + 1);
            for (byte, to) in every_way(lexicon, d, &register) {
                let Some((register, ends)) = self.arrive_beside(lexicon, (d, to, k), byte, &register, &mut next)?
                else {
                    continue;
                };
                if ends {
                    next.push((DEAD, 0));
                }
                let around = register.is_safe_around();
                for &item in &next {
                    let is_out = register.is_safe() && register.is_free() || around && self.ends_item(item.0);
                    let mut is_wide = |n| self.is_wide(lexicon, item.0, &register, n);
                    if wanted.is_some_and(|n| is_out || item.0 != DEAD && is_wide(n)) {
                        return Ok(Some((Vec::new(), item)));
                    }
                    if is_out && avoid.contains(&item) {
                        continue;
                    }
                    todo.push(Step { item, register: register.clone(), from: at, byte, length, is_out });
                }
            }
        }
    }

    /// Whether a lexeme starts that comes behind an item which has to differ.
    fn ends_item(&self, d: u32) -> bool {
        self.marks.as_ref().is_some_and(|marks| marks.ends.contains(&d))
    }

    /// A byte led from one lexer state to another one before `k`: the register after it, the items, and whether the
    /// output may end; `None` where the register stands against it.
    pub(crate) fn arrive_beside(
        &mut self,
        lexicon: &mut Lexicon,
        (d, to, k): (u32, u32, u32),
        byte: u8,
        register: &Arc<Register>,
        out: &mut Vec<Item>,
    ) -> Result<Option<(Arc<Register>, bool)>> {
        let marks = self.marks.clone();
        let watched = byte == b'[' && marks.as_ref().is_some_and(|marks| marks.opens.contains(&d));
        let mut after = Register::clone(register);
        let Some(again) = after.step(byte, watched)? else { return Ok(None) };
        let after = Arc::new(after);
        if matches!(after.mode, Mode::Name { .. })
            && self.names_once != NEVER
            && !after.is_free()
            && !has_another(lexicon, to, &after.rests())
        {
            return Ok(None);
        }
        out.clear();
        let ends = self.arrive(lexicon, (to, k), out)?;
        if let Some(marks) = marks.filter(|_| again || after.is_again()) {
            out.retain(|item| !marks.ends.contains(&item.0));
        }
        Ok(Some((after, ends)))
    }

    /// Adds the tokens of a mask after which no item is left that was not said.
    pub(crate) fn without_items(&mut self, at: &Point, mask: &TokenSet, taken: &mut Vec<u32>) -> Result<()> {
        let Some(register) = at.register.clone().filter(|_| self.marks.is_some()) else { return Ok(()) };
        let vocabulary = self.vocabulary.clone();
        let lists = vocabulary.items();
        if register.is_unwatched() {
            let tokens = mask.among(&lists.arrays);
            return self.without_those(at, &register, tokens, taken);
        }
        let mut tokens = mask.among(&lists.commas);
        if !register.is_safe() {
            let whole = at.state.mask();
            let risky = || self.risky(at, &register, whole.as_deref().unwrap_or(mask), lists);
            tokens.extend_from_slice(at.state.risky.get_or_init(risky));
            if !matches!(register.mode, Mode::Between | Mode::Expecting) {
                self.along_leaves(at, &register, mask, &mut tokens)?;
            } else if register.number_said() >= MANY || register.number().contains(&b'.') {
                tokens = mask.tokens().collect();
            }
        }
        tokens.sort_unstable();
        tokens.dedup();
        tokens.retain(|&token| mask.contains(token));
        self.without_those(at, &register, tokens, taken)
    }

    /// Adds those of some tokens after which no item is left.
    fn without_those(
        &mut self,
        at: &Point,
        register: &Arc<Register>,
        tokens: Vec<u32>,
        taken: &mut Vec<u32>,
    ) -> Result<()> {
        let vocabulary = self.vocabulary.clone();
        for token in tokens {
            let bytes = vocabulary.tokens.bytes(token);
            if bytes.is_empty() {
                continue;
            }
            if !self.surely_differs(at, register, bytes)? && self.follow(at, token)?.is_none() {
                taken.push(token);
            }
        }
        Ok(())
    }

    /// Whether it is certain, at a glance, that a text can go on that the grammar allows.
    fn surely_differs(&mut self, at: &Point, register: &Arc<Register>, bytes: &[u8]) -> Result<bool> {
        let Some(reading) = register.scan(bytes)? else { return Ok(false) };
        if reading.again || reading.opened && has_items(bytes) || reading.register.is_again() {
            return Ok(false);
        }
        if reading.register.is_safe() {
            return Ok(self.names_once == NEVER || reading.register.is_free());
        }
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let wanted = reading.register.number_said() + 1;
        Ok(at.state.items.iter().any(|&(d, _)| {
            let to = lexicon.after(d, bytes);
            to.is_some_and(|to| self.is_wide(&mut lexicon, to, &reading.register, wanted))
        }))
    }

    /// The tokens of a mask without a comma that may end a value which was said, or lead to where few values are left.
    fn risky(&mut self, at: &Point, register: &Register, mask: &TokenSet, lists: &ItemTokens) -> Box<[u32]> {
        if !matches!(register.mode, Mode::Between | Mode::Expecting) {
            return mask.among(&lists.ends).into();
        }
        let vocabulary = self.vocabulary.clone();
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut is_risky = |&token: &u32| {
            let bytes = vocabulary.tokens.bytes(token);
            let mut wide = at.state.items.iter().any(|&(d, _)| {
                let to = lexicon.after(d, bytes);
                to.is_some_and(|to| self.widths.number(&mut lexicon, to, b"0", MANY))
            });
            wide &= bytes.iter().all(u8::is_ascii_digit);
            !wide && !bytes.contains(&b',')
        };
        mask.tokens().filter(|token| is_risky(token)).collect()
    }

    /// Adds tokens within a string or a name that lead along leaves that were said.
    fn along_leaves(&mut self, at: &Point, register: &Register, mask: &TokenSet, tokens: &mut Vec<u32>) -> Result<()> {
        let vocabulary = self.vocabulary.clone();
        let trie = vocabulary.trie();
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        if register.number_said() < MANY
            && at.state.items.iter().all(|&(d, _)| self.widths.is_wide(&mut lexicon, trie, d))
        {
            return Ok(());
        }
        match register.rests_of_leaf() {
            None => tokens.extend(mask.tokens()),
            Some(rests) => {
                for rest in rests {
                    trie.along(0, &rest, tokens);
                }
            }
        }
        Ok(())
    }
}

/// Whether an array that opens in a token may have two items in it.
fn has_items(bytes: &[u8]) -> bool {
    bytes.iter().position(|&byte| byte == b'[').is_some_and(|at| bytes[at..].contains(&b','))
}

/// The bytes that lead on from a state: all of them within a scalar, where each makes another value; one for every
/// state elsewhere.
pub(crate) fn every_way(lexicon: &mut Lexicon, d: u32, register: &Register) -> Vec<(u8, u32)> {
    let mut out = lexicon.successors(d);
    let others = match register.mode {
        Mode::Between => b'+'..=b'e',
        Mode::Expecting => return out,
        _ => 0..=255,
    };
    for byte in others {
        let to = lexicon.step(d, byte);
        if to != DEAD && !out.contains(&(byte, to)) {
            out.push((byte, to));
        }
    }
    out
}
