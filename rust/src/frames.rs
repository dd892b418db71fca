//! Crossings, rule by rule.
//!
//! A stack deep inside a text is new almost everywhere, and yet what a token does to it is mostly the same as
//! elsewhere: it stays within the rules that were called last. So crossings are followed at a place on an *open*
//! stack, by the summaries of a pushdown system (Sharir and Pnueli 1981): a summary is the tokens that end in the
//! rule or in what it calls, and the exit sets with which the rule returns. It is remembered for all stacks; of the
//! stack at hand only the returns are followed, entry by entry.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bitmask::TokenSet;
use crate::engine::Engine;
use crate::error::Result;
use crate::exits::{Crossing, AT_START};
use crate::hash::Map;
use crate::lexer::Lexicon;
use crate::parser::{Item, Parser};

/// (exit set, context) with which a rule returns.
type Return = (u32, u32);

/// What becomes of the tokens of an exit set, or of all tokens.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    tokens: Arc<TokenSet>,
    /// What goes on at the open end of the stack.
    returns: Box<[Return]>,
    /// Of a lexeme's own crossings those that depend on all of the stack.
    open: Box<[Crossing]>,
}

/// What is known of summaries.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// By lexer state and place; `None` where all of the stack decides.
    lexemes: Map<(u32, u32), Option<Arc<Summary>>>,
    /// By exit set, context and place; the same.
    crossed: Map<(u32, u32, u32), Option<Arc<Summary>>>,
    /// Lists of returns, by number.
    lists: Map<Box<[Return]>, u32>,
    /// By list and place.
    levels: Map<(u32, u32), Arc<Level>>,
}

/// What becomes of several returns at a place.
#[derive(Debug)]
struct Level {
    tokens: Arc<TokenSet>,
    returns: Box<[Return]>,
    /// Those of which all of the stack decides.
    open: Box<[Return]>,
}

impl Frames {
    /// Bytes of memory, about, summaries left out.
    pub fn bytes(&self) -> usize {
        24 * (self.lexemes.capacity() + self.crossed.capacity() + self.levels.capacity() + self.lists.capacity())
    }

    fn list(&mut self, mut returns: Vec<Return>) -> (u32, Box<[Return]>) {
        returns.sort_unstable();
        returns.dedup();
        let list: Box<[Return]> = returns.into();
        let next = self.lists.len() as u32;
        let id = *self.lists.entry(list.clone()).or_insert(next);
        (id, list)
    }
}

/// A summary in the making.
#[derive(Default)]
struct Gathered {
    parts: Vec<Arc<TokenSet>>,
    returns: Vec<Return>,
    open: Vec<Crossing>,
    /// What returns to which stacks, the highest first.
    waiting: BTreeMap<(Reverse<u32>, u32), Vec<Return>>,
}

impl Gathered {
    fn wait(&mut self, parser: &dyn Parser, stack: u32, returns: &[Return]) {
        if !returns.is_empty() {
            self.waiting.entry((Reverse(parser.depth(stack)), stack)).or_default().extend_from_slice(returns);
        }
    }
}

impl Engine {
    /// Adds the tokens of items, rule by rule where that can be done.
    pub(crate) fn parts_of_rules(
        &mut self,
        lexicon: &mut Lexicon,
        items: &[Item],
        parts: &mut Vec<Arc<TokenSet>>,
    ) -> Result<()> {
        let mut gathered = Gathered::default();
        for &(d, k) in items {
            let (place, stack) = self.parser.parted(k);
            let summary = match lexicon.special(d) {
                Some(_) => None,
                None => self.lexeme(lexicon, d, place)?,
            };
            let Some(summary) = summary else {
                self.parts_of(lexicon, d, k, parts)?;
                continue;
            };
            gathered.parts.push(summary.tokens.clone());
            for crossing in summary.open.iter() {
                gathered.parts.push(self.cross(lexicon, crossing.set, crossing.exit, k)?);
            }
            gathered.wait(&*self.parser, stack, &summary.returns);
        }
        for (k, (set, context)) in self.descend(lexicon, &mut gathered)? {
            gathered.parts.push(self.crossed(lexicon, set, context, k)?);
        }
        parts.append(&mut gathered.parts);
        Ok(())
    }

    fn summary(&mut self, gathered: Gathered) -> Arc<Summary> {
        let Gathered { parts, mut returns, open, .. } = gathered;
        returns.sort_unstable();
        returns.dedup();
        self.bytes += 80 + 8 * returns.len() + 16 * open.len();
        Arc::new(Summary { tokens: self.united(parts), returns: returns.into(), open: open.into() })
    }

    /// All tokens, in lexer state `d` before a place.
    fn lexeme(&mut self, lexicon: &mut Lexicon, d: u32, place: u32) -> Result<Option<Arc<Summary>>> {
        if let Some(known) = self.frames.lexemes.get(&(d, place)) {
            return Ok(known.clone());
        }
        let info = self.info(lexicon, AT_START, d)?;
        let mut found = None;
        if info.doubtful.is_empty() {
            let mut gathered = Gathered { parts: vec![info.inside.clone()], ..Gathered::default() };
            for &crossing in &info.crossings {
                match self.crossed_at(lexicon, crossing.set, crossing.exit.context, place)? {
                    Some(crossed) => {
                        gathered.parts.push(crossed.tokens.clone());
                        gathered.returns.extend_from_slice(&crossed.returns);
                    }
                    None => gathered.open.push(crossing),
                }
            }
            found = Some(self.summary(gathered));
        }
        self.frames.lexemes.insert((d, place), found.clone());
        Ok(found)
    }

    /// The tokens of an exit set before a place.
    fn crossed_at(
        &mut self,
        lexicon: &mut Lexicon,
        set: u32,
        context: u32,
        place: u32,
    ) -> Result<Option<Arc<Summary>>> {
        let key = (set, context, place);
        if let Some(known) = self.frames.crossed.get(&key) {
            return Ok(known.clone());
        }
        lexicon.watch.check()?;
        let closure = self.parser.closure(lexicon, place)?;
        let following = self.following(lexicon, set, context, &closure)?;
        let mut complete = following.doubtful.is_empty();
        let mut gathered = Gathered { parts: vec![following.inside.clone()], ..Gathered::default() };
        gathered.returns.extend(closure.returns.then_some((set, context)));
        for &(start, Crossing { exit, set }) in &following.crossings {
            let (place, stack) = self.parser.parted(closure.starts[start].1);
            match self.crossed_at(lexicon, set, exit.context, place)? {
                Some(crossed) => {
                    gathered.parts.push(crossed.tokens.clone());
                    gathered.wait(&*self.parser, stack, &crossed.returns);
                }
                None => complete = false,
            }
        }
        complete = complete && self.descend(lexicon, &mut gathered)?.is_empty();
        let found = if complete { Some(self.summary(gathered)) } else { None };
        self.frames.crossed.insert(key, found.clone());
        Ok(found)
    }

    /// Follows what returns to stacks, down to their ends; tells what has to be followed on whole continuations.
    fn descend(&mut self, lexicon: &mut Lexicon, gathered: &mut Gathered) -> Result<Vec<(u32, Return)>> {
        let mut whole = Vec::new();
        while let Some(((_, stack), returns)) = gathered.waiting.pop_first() {
            let (list, returns) = self.frames.list(returns);
            let (continuations, open) = self.parser.returns_to(stack);
            if open {
                gathered.returns.extend_from_slice(&returns);
            }
            for k in continuations {
                let (place, below) = self.parser.parted(k);
                let level = self.level(lexicon, (list, &returns), place)?;
                gathered.parts.push(level.tokens.clone());
                gathered.wait(&*self.parser, below, &level.returns);
                whole.extend(level.open.iter().map(|&r| (k, r)));
            }
        }
        Ok(whole)
    }

    /// What becomes of a list of returns at a place.
    fn level(&mut self, lexicon: &mut Lexicon, (list, all): (u32, &[Return]), place: u32) -> Result<Arc<Level>> {
        if let Some(known) = self.frames.levels.get(&(list, place)) {
            return Ok(known.clone());
        }
        let (mut parts, mut returns, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for &(set, context) in all {
            match self.crossed_at(lexicon, set, context, place)? {
                Some(crossed) => {
                    parts.push(crossed.tokens.clone());
                    returns.extend_from_slice(&crossed.returns);
                }
                None => open.push((set, context)),
            }
        }
        returns.sort_unstable();
        returns.dedup();
        let tokens = self.united(parts);
        self.bytes += 120 + 8 * (all.len() + returns.len() + open.len());
        let level = Arc::new(Level { tokens, returns: returns.into(), open: open.into() });
        self.frames.levels.insert((list, place), level.clone());
        Ok(level)
    }
}
