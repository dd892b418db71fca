//! Names that come once: what a register takes from the tokens that a grammar allows.
//!
//! A text is allowed when the grammar allows it, no object in it says a name twice, and it can be ended so. A name that
//! has begun can be ended if some word of its terminal is none of those that were said: a walk over the lexer states of
//! the terminal along those words finds a byte that leaves them, mostly at once.
//!
//! Of a mask few tokens are taken, and they are found without a look at the others: those along the words that were
//! said, from where a name is; those that say a whole name behind a comma; and where names can run out, those that end
//! behind a comma or in a name.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::bitmask::TokenSet;
use crate::engine::{Engine, State};
use crate::error::{KernelError, Result};
use crate::hash::{Map, Set};
use crate::lexer::{Kind, Lexicon, DEAD};
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
        let rests = register.rests();
        if rests.is_empty() {
            return Ok(true);
        }
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let left = self.is_left(&mut lexicon, &at.state.items, register.mode, &rests)?;
        lexicon.check()?;
        Ok(left)
    }

    /// The same for some items, where these `rests` are the words that must not come.
    fn is_left(&mut self, lexicon: &mut Lexicon, items: &[Item], mode: Mode, rests: &[&[u8]]) -> Result<bool> {
        if matches!(mode, Mode::Name { .. }) {
            return Ok(items.iter().any(|&(d, _)| has_another(lexicon, d, rests)));
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
        let (mut taken, mut near) = (Vec::new(), Vec::new());
        self.along(at, register, &mut taken, &mut near)?;
        taken.retain(|&token| mask.contains(token));
        let vocabulary = self.vocabulary.clone();
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
            let commas = at.state.commas.get_or_init(|| names.ending(&whole));
            self.behind_commas(at, register, commas, &mask, &mut taken)?;
        }
        self.without_items(at, &mask, &mut taken)?;
        Ok((mask.less(&mut taken), near))
    }

    /// Of tokens that end between a comma and a name: those behind which no name is left.
    fn behind_commas(
        &mut self,
        at: &Point,
        register: &Arc<Register>,
        commas: &[u32],
        mask: &TokenSet,
        taken: &mut Vec<u32>,
    ) -> Result<()> {
        let vocabulary = self.vocabulary.clone();
        // Where one lexeme is being read, what follows depends on nothing but what is then open.
        let mut known: Map<_, bool> = Map::default();
        for &token in commas.iter().filter(|&&token| mask.contains(token)) {
            let Some(after) = register.read(vocabulary.tokens.bytes(token))? else { continue };
            if after.is_free() {
                continue;
            }
            let key = after.key();
            let left = match known.get(&key) {
                Some(&left) if at.state.items.len() == 1 => left,
                _ => self.follow(at, token)?.is_some(),
            };
            known.insert(key, left);
            if !left {
                taken.push(token);
            }
        }
        Ok(())
    }

    /// The tokens that lead along words that were said to the end of one, or to where there is no other.
    fn along(&mut self, at: &Point, register: &Arc<Register>, taken: &mut Vec<u32>, near: &mut Vec<u32>) -> Result<()> {
        if register.is_free() {
            return Ok(());
        }
        let rests = register.rests();
        let vocabulary = self.vocabulary.clone();
        let trie = vocabulary.trie();
        if self.names_once == NEVER {
            for node in name_nodes(trie, register.mode) {
                for rest in &rests {
                    let end = rest.iter().try_fold(node, |node, &byte| {
                        near.extend(trie.own(node));
                        trie.child(node, byte)
                    });
                    taken.extend(end.iter().flat_map(|&end| trie.rests(end)).map(|x| x.0));
                }
            }
            return Ok(());
        }
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut todo = vec![(0, at.state.items.to_vec(), register.mode, rests)];
        while let Some((node, items, mode, rests)) = todo.pop() {
            lexicon.watch.check()?;
            let next: BTreeSet<u8> = match mode {
                Mode::Name { .. } => rests.iter().filter_map(|rest| rest.first().copied()).collect(),
                _ => BTreeSet::from(*b"\" \n\t\r"),
            };
            for byte in next {
                let Some(child) = trie.child(node, byte) else { continue };
                let (mut after, mut rests, mut mode) = (Vec::new(), rests.clone(), mode);
                match mode {
                    Mode::Name { .. } => {
                        rests.retain_mut(|rest| match rest.split_first() {
                            Some((&first, rest_of)) if first == byte => {
                                *rest = rest_of;
                                true
                            }
                            _ => false,
                        });
                        if rests.iter().any(|rest| rest.is_empty()) {
                            taken.extend(trie.rests(child).map(|x| x.0)); // it ends, and was said
                            continue;
                        }
                        let to = items.iter().map(|&(d, k)| (lexicon.step(d, byte), k));
                        after.extend(to.filter(|x| x.0 != DEAD));
                    }
                    _ => {
                        self.step(&mut lexicon, &items, byte, &mut after)?;
                        mode = if byte == b'"' { Mode::Name { escaped: false } } else { mode };
                    }
                }
                if after.is_empty() {
                    continue; // the grammar does not allow it
                }
                if self.is_left(&mut lexicon, &after, mode, &rests)? {
                    near.extend(trie.own(child));
                    todo.push((child, after, mode, rests));
                } else {
                    taken.extend(trie.rests(child).map(|x| x.0));
                }
            }
        }
        lexicon.check()
    }
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
    if let Kind::Literal { text, at } = lexicon.states[d as usize].kind {
        let left = &lexicon.texts[text as usize][at as usize..];
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

/// Tokens with names in them, by what they may do.
#[derive(Debug, Default)]
pub(crate) struct NameTokens {
    /// Those that can say a whole name behind a comma of theirs.
    whole: Box<[u32]>,
    /// Those that can begin one behind a comma of theirs.
    begun: Box<[u32]>,
    /// Those that can end between a comma and a name.
    commas: Box<[u32]>,
}

impl NameTokens {
    /// Those of a vocabulary.
    pub fn new<'a>(tokens: impl Iterator<Item = &'a [u8]>) -> NameTokens {
        let (mut whole, mut begun, mut commas) = (Vec::new(), Vec::new(), Vec::new());
        for (id, bytes) in (0u32..).zip(tokens) {
            let (mut says, mut begins, mut ends) = (false, false, false);
            for (i, _) in bytes.iter().enumerate().filter(|x| *x.1 == b',') {
                let rest = bytes[i + 1..].trim_ascii_start();
                let name = rest.strip_prefix(b"\"");
                ends |= name.unwrap_or(rest).is_empty();
                says |= name.is_some_and(|name| name.contains(&b'"'));
                begins |= name.is_some_and(|name| !name.is_empty());
            }
            match () {
                _ if says => whole.push(id),
                _ if begins => begun.push(id),
                _ if ends => commas.push(id),
                _ => continue,
            }
        }
        NameTokens { whole: whole.into(), begun: begun.into(), commas: commas.into() }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.whole.iter().chain(&self.begun).chain(&self.commas).copied()
    }

    /// Those of a mask that say names behind commas of theirs, as far as it matters.
    fn saying(&self, mask: &TokenSet, names_once: u32) -> Box<[u32]> {
        let begun: &[u32] = if names_once == NEVER { &[] } else { &self.begun };
        self.whole.iter().chain(begun).copied().filter(|&token| mask.contains(token)).collect()
    }

    /// Those of a mask that end between a comma and a name.
    fn ending(&self, mask: &TokenSet) -> Box<[u32]> {
        self.commas.iter().copied().filter(|&token| mask.contains(token)).collect()
    }
}

/// Whether it is certain that a register takes no token of a mask, where no name has begun.
pub(crate) fn takes_none(register: &Arc<Register>, saying: &[u32], tokens: &Tokens, names_once: u32) -> bool {
    !register.may_run_out(names_once)
        && saying.iter().all(|&token| matches!(register.read(tokens.bytes(token)), Ok(Some(to)) if to.is_free()))
}
