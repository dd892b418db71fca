//! Names that come once: what a register takes from the tokens that a grammar allows.
//!
//! A text is allowed when the grammar allows it, no object in it says a name twice, and it can be ended so. A name that
//! has begun can be ended if some word of its terminal is none of those that were said: a walk over the lexer states of
//! the terminal along those words finds a byte that leaves them, mostly at once.
//!
//! Of a mask few tokens are taken, and they are found without a look at the others: those along the words that were
//! said, from where a name is; those that say a whole name behind a comma; and where names can run out, those that end
//! behind a comma or in a name.

use std::sync::Arc;

use crate::bitmask::TokenSet;
use crate::engine::{lock, Engine, State};
use crate::error::{KernelError, Result};
use crate::hash::{Map, Set};
use crate::lexer::{Lexicon, DEAD};
use crate::parser::Item;
use crate::register::{Frame, Mode, Register};
use crate::trie::Trie;
use crate::vocabulary::Tokens;

/// Where names run out never.
pub(crate) const NEVER: u32 = u32::MAX;
/// Blanks before a name that are looked at.
const MAX_BLANKS: usize = 2_000;
/// Masks kept.
const MAX_KNOWN: usize = 256;
/// Bytes that most names can go on with.
const LIKELY: &[u8] = b"aeiou1_~";

/// Where a text stands: in the grammar, and in what it has said where that counts.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub state: Arc<State>,
    pub register: Option<Arc<Register>>,
}

/// A node of a trie, the items there, the words that the bytes so far begin, and how many bytes of these were read.
type Way<'a> = (u32, Vec<Item>, &'a [&'a [u8]], usize);

impl Engine {
    /// The point after a token; `None` if no completion follows.
    pub(crate) fn follow(&mut self, from: &Point, token: u32) -> Result<Option<Point>> {
        let register = match &from.register {
            None => None,
            Some(register) if self.marks.is_some() => {
                return self.follow_items(from, register, Some(token), self.vocabulary.tokens.clone().bytes(token));
            }
            Some(register) => match register.read(self.vocabulary.tokens.clone().bytes(token))? {
                None => return Ok(None),
                register => register,
            },
        };
        let Some(state) = self.accept(&from.state, token)? else { return Ok(None) };
        let to = Point { state, register };
        Ok(self.can_go_on(&to)?.then_some(to))
    }

    /// The point after some bytes; `None` if no completion follows.
    pub(crate) fn follow_bytes(&mut self, from: &Point, bytes: &[u8]) -> Result<Option<Point>> {
        let register = match &from.register {
            None => None,
            Some(register) if self.marks.is_some() => return self.follow_items(from, register, None, bytes),
            Some(register) => match register.read(bytes)? {
                None => return Ok(None),
                register => register,
            },
        };
        let Some(state) = self.read(&from.state, bytes)? else { return Ok(None) };
        let to = Point { state, register };
        Ok(self.can_go_on(&to)?.then_some(to))
    }

    /// Whether a name is left to say.
    pub(crate) fn can_go_on(&mut self, at: &Point) -> Result<bool> {
        let Some(register) = at.register.as_ref().filter(|_| self.names_once != NEVER) else { return Ok(true) };
        if register.has_others(self.names_once) {
            return Ok(true);
        }
        if lock(&at.state.another).as_ref().is_some_and(|name| register.may_say(name)) {
            return Ok(true);
        }
        let rests = register.rests();
        if rests.is_empty() {
            return Ok(true);
        }
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut name = None;
        if register.mode == Mode::Expecting {
            name = another_name(&mut lexicon, &at.state.items, &rests);
            if let Some(text) = name.and_then(|d| lexicon.rest_of_literal(d)) {
                *lock(&at.state.another) = Some(text.into());
            }
        }
        let left = name.is_some() || self.is_left(&mut lexicon, &at.state.items, register.mode, &rests)?;
        lexicon.check()?;
        Ok(left)
    }

    /// The same for some items, where these `rests` are the words that must not come.
    fn is_left(&mut self, lexicon: &mut Lexicon, items: &[Item], mode: Mode, rests: &[&[u8]]) -> Result<bool> {
        if matches!(mode, Mode::Name { .. }) {
            return Ok(another(lexicon, items.iter().map(|x| x.0), rests).is_some());
        }
        if another_name(lexicon, items, rests).is_some() {
            return Ok(true);
        }
        // Blanks may have to come before the name.
        let (mut seen, mut todo) = (Set::default(), items.to_vec());
        let mut out = Vec::new();
        while let Some(item) = todo.pop() {
            if !seen.insert(item) {
                continue;
            }
            let name = lexicon.step(item.0, b'"');
            if name != DEAD && has_another(lexicon, name, rests) {
                return Ok(true);
            }
            if seen.len() > MAX_BLANKS {
                return Err(KernelError::limit("too many blanks before a name"));
            }
            for blank in [b' ', b'\n', b'\t', b'\r'] {
                self.step(lexicon, &[item], blank, &mut out)?;
                todo.append(&mut out);
            }
        }
        Ok(false)
    }

    /// The mask of a point.
    pub(crate) fn mask_at(&mut self, at: &Point) -> Result<Arc<TokenSet>> {
        let mask = self.mask(&at.state)?;
        // Where items are watched, much more than this would have to be known.
        let is_known = |register: &&Arc<Register>| register.is_elsewhere() && register.is_unwatched();
        let Some(register) = at.register.as_ref().filter(is_known) else {
            return Ok(self.without_said(at, mask)?.0);
        };
        let (frame, mode, keep) = register.place();
        let key = (at.state.id, frame, mode);
        if let Some(known) = self.known.masks.get(&key) {
            return Ok(known.1.clone());
        }
        let mask = self.without_said(at, mask)?.0;
        if self.known.masks.len() >= MAX_KNOWN {
            self.known.masks.clear();
        }
        self.known.masks.insert(key, (keep, mask.clone()));
        Ok(mask)
    }

    /// A mask of tokens that the grammar allows, without those that a name stands against; and the tokens that lead
    /// along names that were said, and not to their ends.
    pub(crate) fn without_said(&mut self, at: &Point, mask: Arc<TokenSet>) -> Result<(Arc<TokenSet>, Vec<u32>)> {
        let Some(register) = &at.register else { return Ok((mask, Vec::new())) };
        let (mut gone, mut near) = (Vec::new(), Vec::new());
        self.along(at, register, &mut gone, &mut near)?;
        let vocabulary = self.vocabulary.clone();
        let mut taken = vocabulary.below(&gone, &mask);
        let names = vocabulary.names();
        let whole = at.state.mask().unwrap_or_else(|| mask.clone());
        let saying = at.state.saying.get_or_init(|| names.saying(&whole, self.names_once));
        for &token in saying.iter().filter(|&&token| mask.contains(token)) {
            match register.read(vocabulary.tokens.bytes(token))? {
                // A name that none of those said begins like is another one.
                Some(after) if after.is_free() || self.follow(at, token)?.is_some() => {}
                _ => taken.push(token),
            }
        }
        if register.may_run_out(self.names_once) {
            self.behind_commas(at, register, &mask, &mut taken)?;
        }
        self.without_items(at, &mask, &mut taken)?;
        Ok((mask.less(&mut taken), near))
    }

    /// Of tokens that end between a comma and a name: those behind which no name is left.
    fn behind_commas(
        &mut self,
        at: &Point,
        register: &Arc<Register>,
        mask: &TokenSet,
        taken: &mut Vec<u32>,
    ) -> Result<()> {
        let vocabulary = self.vocabulary.clone();
        // Where one lexeme is being read, what follows depends on nothing but what is then open.
        let is_one = at.state.items.len() == 1;
        let mut known: Map<_, bool> = Map::default();
        for list in vocabulary.names().commas(register.mode) {
            if list.closes.is_some_and(|closes| register.has_others_behind(closes, self.names_once)) {
                continue;
            }
            let tokens = mask.among(&list.tokens);
            if list.closes.is_some() && is_one && self.marks.is_none() {
                if let Some(&token) = tokens.first() {
                    if self.follow(at, token)?.is_none() {
                        taken.extend_from_slice(&tokens);
                    }
                }
                continue;
            }
            for token in tokens {
                let Some(after) = register.read(vocabulary.tokens.bytes(token))? else { continue };
                if after.is_free() {
                    continue;
                }
                let key = after.key();
                let left = match known.get(&key) {
                    Some(&left) if is_one => left,
                    _ => self.follow(at, token)?.is_some(),
                };
                known.insert(key, left);
                if !left {
                    taken.push(token);
                }
            }
        }
        Ok(())
    }

    /// The nodes of the vocabulary's trie where words that were said end, or where there is no other; and the tokens
    /// that lead there.
    fn along(&mut self, at: &Point, register: &Arc<Register>, gone: &mut Vec<u32>, near: &mut Vec<u32>) -> Result<()> {
        if register.is_free() {
            return Ok(());
        }
        let mut rests = register.rests();
        let vocabulary = self.vocabulary.clone();
        let trie = vocabulary.trie();
        if self.names_once == NEVER {
            for node in name_nodes(trie, register.mode) {
                for rest in &rests {
                    gone.extend(trie.along(node, rest, near));
                }
            }
            return Ok(());
        }
        rests.sort_unstable();
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut todo = Vec::new();
        match register.mode {
            Mode::Name { .. } => todo.push((0, at.state.items.to_vec(), &rests[..], 0)),
            _ => self.up_to_names(&mut lexicon, trie, &at.state.items, &rests, &mut todo, gone, near)?,
        }
        while let Some((node, items, rests, read)) = todo.pop() {
            lexicon.watch.check()?;
            // By the next byte: the words that go on with it.
            let ways: Vec<&[&[u8]]> = rests.chunk_by(|a, b| a[read] == b[read]).collect();
            let mut after: Vec<Vec<Item>> = vec![Vec::new(); ways.len()];
            for (d, k) in items {
                if let Some((byte, to)) = lexicon.only(d) {
                    if let Ok(i) = ways.binary_search_by_key(&byte, |way| way[0][read]) {
                        after[i].push((to, k));
                    }
                    continue;
                }
                for (way, after) in ways.iter().zip(&mut after) {
                    let to = lexicon.step(d, way[0][read]);
                    if to != DEAD {
                        after.push((to, k));
                    }
                }
            }
            for (way, after) in ways.into_iter().zip(after) {
                let Some(child) = trie.child(node, way[0][read]) else { continue };
                if way[0].len() == read + 1 {
                    gone.push(child); // it ends, and was said
                } else if after.is_empty() {
                    continue; // the grammar does not allow it
                } else if another(&mut lexicon, after.iter().map(|x| x.0), &rests_of(way, read + 1)).is_some() {
                    near.extend(trie.own(child));
                    todo.push((child, after, way, read + 1));
                } else {
                    gone.push(child);
                }
            }
        }
        lexicon.check()
    }

    /// The nodes behind blanks and a quote, and what is there.
    #[expect(clippy::too_many_arguments)]
    fn up_to_names<'a>(
        &mut self,
        lexicon: &mut Lexicon,
        trie: &Trie,
        items: &[Item],
        rests: &'a [&'a [u8]],
        todo: &mut Vec<Way<'a>>,
        gone: &mut Vec<u32>,
        near: &mut Vec<u32>,
    ) -> Result<()> {
        let mut blanks = vec![(0, items.to_vec())];
        while let Some((node, items)) = blanks.pop() {
            lexicon.watch.check()?;
            for &byte in b"\" \n\t\r" {
                let Some(child) = trie.child(node, byte) else { continue };
                let mut after = Vec::new();
                self.step(lexicon, &items, byte, &mut after)?;
                if after.is_empty() {
                    continue; // the grammar does not allow it
                }
                let mode = if byte == b'"' { Mode::Name { escaped: false } } else { Mode::Expecting };
                if !self.is_left(lexicon, &after, mode, rests)? {
                    gone.push(child);
                    continue;
                }
                near.extend(trie.own(child));
                match mode {
                    Mode::Expecting => blanks.push((child, after)),
                    _ => todo.push((child, after, rests, 0)),
                }
            }
        }
        Ok(())
    }
}

/// What is left of words behind so many bytes.
fn rests_of<'a>(words: &[&'a [u8]], read: usize) -> Vec<&'a [u8]> {
    words.iter().map(|word| &word[read..]).collect()
}

/// A state of those in which a name is being read that can end in another way than with any of `rests`.
fn another(
    lexicon: &mut Lexicon,
    states: impl DoubleEndedIterator<Item = u32> + Clone,
    rests: &[&[u8]],
) -> Option<u32> {
    // Names of a kind are hardly ever all said; of many declared ones those that come last are said last.
    let mut kinds = states.clone().filter(|&d| d != DEAD);
    kinds
        .find(|&d| lexicon.rest_of_literal(d).is_none() && has_another(lexicon, d, rests))
        .or_else(|| states.rev().find(|&d| d != DEAD && has_another(lexicon, d, rests)))
}

/// The same for a name that has not begun, if it may begin at once: a state behind its first quote.
fn another_name(lexicon: &mut Lexicon, items: &[Item], rests: &[&[u8]]) -> Option<u32> {
    let names: Vec<u32> = items.iter().map(|x| lexicon.step(x.0, b'"')).collect();
    another(lexicon, names.into_iter(), rests)
}

/// Where a name may go on in a trie: at its root, or behind blanks and a quote.
fn name_nodes(trie: &Trie, mode: Mode) -> Vec<u32> {
    if mode != Mode::Expecting {
        return vec![0];
    }
    let mut blanks = vec![0];
    let mut at = 0;
    while let Some(&node) = blanks.get(at) {
        blanks.extend(b" \n\t\r".iter().filter_map(|&byte| trie.child(node, byte)));
        at += 1;
    }
    blanks.iter().filter_map(|&node| trie.child(node, b'"')).collect()
}

/// Whether a name that has come to state `d` can end in another way than with any of `rests`.
pub(crate) fn has_another(lexicon: &mut Lexicon, d: u32, rests: &[&[u8]]) -> bool {
    if let Some(left) = lexicon.rest_of_literal(d) {
        return !rests.contains(&left);
    }
    let mut todo: Vec<(u32, Vec<&[u8]>)> = vec![(d, rests.to_vec())];
    let mut few = Vec::new();
    while let Some((d, rests)) = todo.pop() {
        let mut known = [false; 256];
        rests.iter().filter_map(|rest| rest.first()).for_each(|&byte| known[usize::from(byte)] = true);
        let leaves = |byte: u8, lexicon: &mut Lexicon| !known[usize::from(byte)] && lexicon.step(d, byte) != DEAD;
        let is_narrow = lexicon.narrow(d, &mut few);
        if few.iter().any(|&byte| leaves(byte, lexicon))
            || (!is_narrow && LIKELY.iter().copied().chain(0..=255).any(|byte| leaves(byte, lexicon)))
        {
            return true;
        }
        for byte in (0..=255u8).filter(|&byte| known[usize::from(byte)]) {
            let following: Vec<&[u8]> =
                rests.iter().filter(|rest| rest.first() == Some(&byte)).map(|rest| &rest[1..]).collect();
            let to = lexicon.step(d, byte);
            if to != DEAD && following.iter().all(|rest| !rest.is_empty()) {
                todo.push((to, following));
            }
        }
    }
    false
}

/// Masks by state and what is open, which is kept for as long.
type Masks = Map<(u32, usize, Mode), (Option<Arc<Frame>>, Arc<TokenSet>)>;

/// What is known of masks outside of names.
#[derive(Debug, Default)]
pub(crate) struct Known {
    masks: Masks,
}

/// Whether it is certain that a register takes no token of a mask, where no name has begun.
pub(crate) fn takes_none(register: &Arc<Register>, saying: &[u32], tokens: &Tokens, names_once: u32) -> bool {
    !register.may_run_out(names_once)
        && saying.iter().all(|&token| matches!(register.read(tokens.bytes(token)), Ok(Some(to)) if to.is_free()))
}
