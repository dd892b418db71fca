//! Masks: the union over a state's items of what the vocabulary does in each.
//!
//! For an item (d, k): the tokens inside d's lexeme, and for each exit set the tokens that cross into
//! what follows k. The latter are composed from vocabulary-level parts, lexeme by lexeme:
//! `cross(E, k)` = union over the starts (d, k') of closure(k) of `inside(E, d)` and, for the ends
//! within, `cross(E', k')`.

use std::sync::Arc;

use crate::bitmask::{pairs, TokenSet, Union};
use crate::engine::{Engine, State};
use crate::error::Result;
use crate::exits::{Crossing, Info, AT_START};
use crate::lexer::{Exit, Lexicon, DEAD};
use crate::parser::Closure;

/// What becomes of the rests of an exit set where certain lexemes may start, whatever comes after these.
#[derive(Debug)]
pub(crate) struct Following {
    pub inside: Arc<TokenSet>,
    /// By start: where the continuation decides.
    pub doubtful: Vec<(usize, Arc<Info>)>,
    pub crossings: Vec<(usize, Crossing)>,
}

impl Engine {
    /// The mask of a state; remembered.
    pub fn mask(&mut self, state: &State) -> Result<Arc<TokenSet>> {
        if let Some(mask) = state.mask() {
            self.counts.hits += 1;
            return Ok(mask);
        }
        self.make_room();
        self.counts.misses += 1;
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mask = match state.items[..] {
            [(d, k)] if !state.can_end && !self.parser.has_places() => self.mask_of(&mut lexicon, d, k)?,
            _ => {
                let mut parts = Vec::new();
                if self.parser.has_places() {
                    self.parts_of_rules(&mut lexicon, &state.items, &mut parts)?;
                } else {
                    for &(d, k) in state.items.iter() {
                        parts.push(self.mask_of(&mut lexicon, d, k)?);
                    }
                }
                if state.can_end {
                    parts.push(few(&mut self.vocabulary.eos.to_vec()));
                }
                self.united(parts)
            }
        };
        lexicon.check()?;
        state.set_mask(Some(mask.clone()));
        Ok(mask)
    }

    pub(crate) fn union(&mut self) -> Union {
        self.unions.pop().unwrap_or_else(|| Union::new(self.vocabulary.words))
    }

    pub(crate) fn finish(&mut self, mut union: Union) -> Arc<TokenSet> {
        let (tokens, own) = union.finish();
        self.unions.push(union);
        self.bytes += tokens.bytes() + if own { 4 * self.vocabulary.words } else { 0 };
        Arc::new(tokens)
    }

    /// The union of some sets; one of them, where it is all.
    pub(crate) fn united(&mut self, mut parts: Vec<Arc<TokenSet>>) -> Arc<TokenSet> {
        parts.retain(|tokens| !tokens.is_empty());
        parts.sort_unstable_by_key(Arc::as_ptr);
        parts.dedup_by(|a, b| Arc::ptr_eq(a, b));
        if parts.len() < 2 {
            return parts.pop().unwrap_or_default();
        }
        let mut union = self.union();
        parts.iter().for_each(|tokens| union.add(tokens));
        self.finish(union)
    }

    /// The tokens of an item: the same wherever the top of the stack is the same.
    fn mask_of(&mut self, lexicon: &mut Lexicon, d: u32, k: u32) -> Result<Arc<TokenSet>> {
        let question = (d, 0);
        if let Some(known) = self.item_masks.get(&mut *self.parser, question, k) {
            return Ok(known);
        }
        *self.parser.looked() = self.parser.height(k);
        let mut parts = Vec::new();
        self.parts_of(lexicon, d, k, &mut parts)?;
        let mask = self.united(parts);
        self.item_masks.insert(&mut *self.parser, question, k, mask.clone());
        Ok(mask)
    }

    /// Adds the tokens of an item.
    pub(crate) fn parts_of(
        &mut self,
        lexicon: &mut Lexicon,
        d: u32,
        k: u32,
        parts: &mut Vec<Arc<TokenSet>>,
    ) -> Result<()> {
        if let Some((token, _)) = lexicon.special(d) {
            parts.push(few(&mut [token]));
            return Ok(());
        }
        let info = self.info(lexicon, AT_START, d)?;
        parts.push(info.inside.clone());
        self.decide(lexicon, &info, k, parts)?;
        for crossing in &info.crossings {
            parts.push(self.cross(lexicon, crossing.set, crossing.exit, k)?);
        }
        Ok(())
    }

    /// Adds the doubtful tokens after which the output can be finished before `k`.
    fn decide(&mut self, lexicon: &mut Lexicon, info: &Info, k: u32, parts: &mut Vec<Arc<TokenSet>>) -> Result<()> {
        for (end, tokens) in &info.doubtful {
            *self.parser.looked() = 0; // a search looks at the whole stack
            if self.viable(lexicon, (*end, k))? {
                parts.push(tokens.clone());
            }
        }
        Ok(())
    }

    /// What becomes of the tokens of an exit set in state `d`; those that surely can go on are inside.
    pub(crate) fn info(&mut self, lexicon: &mut Lexicon, set: u32, d: u32) -> Result<Arc<Info>> {
        if !self.checked {
            let info = lexicon.info(set, d, false);
            return lexicon.check().map(|()| info);
        }
        if let Some(known) = self.infos.get(&(set, d)) {
            return Ok(known.clone());
        }
        let all = lexicon.info(set, d, true);
        lexicon.check()?;
        let (mut inside, mut doubtful) = (Vec::new(), Vec::new());
        for (end, tokens) in &all.doubtful {
            match self.surely_ends(lexicon, *end)? {
                true => inside.push(tokens.clone()),
                false => doubtful.push((*end, tokens.clone())),
            }
        }
        self.bytes += 160 + 16 * doubtful.len();
        let info = Arc::new(Info { inside: self.united(inside), doubtful, crossings: all.crossings.clone() });
        self.infos.insert((set, d), info.clone());
        Ok(info)
    }

    /// The tokens that cross the end of a lexeme before `k`, at the places of an exit set.
    pub(crate) fn cross(&mut self, lexicon: &mut Lexicon, set: u32, exit: Exit, k: u32) -> Result<Arc<TokenSet>> {
        match self.parser.advance(k, exit.label) {
            Some(after) => self.crossed(lexicon, set, exit.context, after),
            None => Ok(Arc::default()),
        }
    }

    /// The same where the lexeme has ended already, before `k`.
    pub(crate) fn crossed(&mut self, lexicon: &mut Lexicon, set: u32, context: u32, k: u32) -> Result<Arc<TokenSet>> {
        let question = (set, context);
        if let Some(known) = self.crossings.get(&mut *self.parser, question, k) {
            return Ok(known);
        }
        lexicon.watch.check()?;
        let height = self.parser.height(k);
        let above = std::mem::replace(self.parser.looked(), height);
        let out = self.cross_anew(lexicon, set, context, k)?;
        self.bytes += 80;
        self.crossings.insert(&mut *self.parser, question, k, out.clone());
        let looked = self.parser.looked();
        *looked = above.min(*looked);
        Ok(out)
    }

    fn cross_anew(&mut self, lexicon: &mut Lexicon, set: u32, context: u32, k: u32) -> Result<Arc<TokenSet>> {
        let closure = self.parser.closure(lexicon, k)?;
        let following = self.following(lexicon, set, context, &closure)?;
        if following.doubtful.is_empty() && following.crossings.is_empty() {
            return Ok(following.inside.clone());
        }
        let mut parts = vec![following.inside.clone()];
        for (start, info) in &following.doubtful {
            self.decide(lexicon, info, closure.starts[*start].1, &mut parts)?;
        }
        for (start, crossing) in &following.crossings {
            parts.push(self.cross(lexicon, crossing.set, crossing.exit, closure.starts[*start].1)?);
        }
        Ok(self.united(parts))
    }

    pub(crate) fn following(
        &mut self,
        lexicon: &mut Lexicon,
        set: u32,
        context: u32,
        closure: &Closure,
    ) -> Result<Arc<Following>> {
        let key = (set, context, closure.lexemes);
        let known = if self.checked { &self.followings } else { &lexicon.exits.followings };
        if let Some(known) = known.get(&key) {
            return Ok(known.clone());
        }
        let (mut inside, mut doubtful, mut crossings) = (Vec::new(), Vec::new(), Vec::new());
        let firsts = lexicon.firsts(set);
        for (start, &(d, _)) in closure.starts.iter().enumerate() {
            if !lexicon.reads(d, &firsts) {
                continue; // nothing becomes of any of them there
            }
            let d = lexicon.guarded(d, context);
            if d == DEAD {
                continue;
            }
            let info = self.info(lexicon, set, d)?;
            inside.push(info.inside.clone());
            crossings.extend(info.crossings.iter().map(|&crossing| (start, crossing)));
            if !info.doubtful.is_empty() {
                doubtful.push((start, info));
            }
        }
        let bytes = 100 + 24 * crossings.len() + 16 * doubtful.len();
        let following = Arc::new(Following { inside: self.united(inside), doubtful, crossings });
        if self.checked {
            self.bytes += bytes;
            self.followings.insert(key, following.clone());
        } else {
            // The same for every grammar.
            lexicon.check()?;
            lexicon.charge(bytes + following.inside.bytes());
            lexicon.exits.followings.insert(key, following.clone());
        }
        Ok(following)
    }
}

/// A set of a few tokens.
fn few(tokens: &mut [u32]) -> Arc<TokenSet> {
    Arc::new(TokenSet { set: pairs(tokens), ..TokenSet::default() })
}
