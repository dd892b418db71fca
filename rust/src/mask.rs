//! Masks: the union over a state's items of what the vocabulary does in each.
//!
//! For an item (d, k): the tokens inside d's lexeme, and for each exit set the tokens that cross into
//! what follows k. The latter are composed from vocabulary-level parts, lexeme by lexeme:
//! `cross(E, k)` = union over the starts (d, k') of closure(k) of `inside(E, d)` and, for the ends
//! within, `cross(E', k')`.

use std::sync::Arc;

use crate::bitmask::{normalise, Pairs, TokenSet, Union};
use crate::engine::{lock, Engine, State};
use crate::error::Result;
use crate::exits::{Info, AT_START};
use crate::lexer::{Exit, Lexicon, DEAD};

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
        let mut lexicon = lock(&lexicon);
        let mut union = Union::default();
        for &(d, k) in state.items.iter() {
            if let Some((token, _)) = lexicon.special(d) {
                union.add_pairs(&crate::bitmask::pairs(&mut [token]));
                continue;
            }
            let info = self.info(&mut lexicon, AT_START, d)?;
            union.add(&info.inside);
            for (end, tokens) in &info.doubtful {
                if self.viable(&mut lexicon, (*end, k))? {
                    union.add(tokens);
                }
            }
            for crossing in &info.crossings {
                let tokens = self.cross(&mut lexicon, crossing.set, crossing.exit, k)?;
                union.add_pairs(&tokens);
            }
        }
        lexicon.check()?;
        drop(lexicon);
        if state.can_end {
            let mut eos = self.vocabulary.eos.to_vec();
            union.add_pairs(&crate::bitmask::pairs(&mut eos));
        }
        let bases = union.base_count();
        let mask = Arc::new(union.finish(self.vocabulary.words));
        // A union of several bitmaps is the state's own.
        self.bytes += mask.bytes() + if bases == 1 || mask.base.is_none() { 0 } else { 4 * self.vocabulary.words };
        state.set_mask(Some(mask.clone()));
        Ok(mask)
    }

    /// What becomes of the tokens of an exit set in state `d`; those that surely can go on are inside.
    fn info(&mut self, lexicon: &mut Lexicon, set: u32, d: u32) -> Result<Arc<Info>> {
        if !self.checked {
            return Ok(lexicon.info(set, d, false));
        }
        if let Some(known) = self.infos.get(&(set, d)) {
            return Ok(known.clone());
        }
        let all = lexicon.info(set, d, true);
        let (mut inside, mut doubtful) = (Union::default(), Vec::new());
        for (end, tokens) in &all.doubtful {
            match self.surely_ends(lexicon, *end)? {
                true => inside.add(tokens),
                false => doubtful.push((*end, tokens.clone())),
            }
        }
        let shared = inside.base_count() <= 1;
        let inside = inside.finish(self.vocabulary.words);
        let own = inside.base.is_some() && !shared;
        self.bytes += 160 + inside.bytes() + doubtful.iter().map(|x| x.1.bytes() + 8).sum::<usize>();
        self.bytes += if own { 4 * self.vocabulary.words } else { 0 };
        let info = Arc::new(Info { inside, doubtful, crossings: all.crossings.clone() });
        self.infos.insert((set, d), info.clone());
        Ok(info)
    }

    /// The tokens that cross the end of a lexeme before `k`, at the places of an exit set.
    fn cross(&mut self, lexicon: &mut Lexicon, set: u32, exit: Exit, k: u32) -> Result<Arc<Pairs>> {
        let Some(k) = self.parser.advance(k, exit.label) else { return Ok(Arc::default()) };
        let key = (set, exit.context, k);
        if let Some(known) = self.crossings.get(&key) {
            return Ok(known.clone());
        }
        let closure = self.parser.closure(lexicon, k)?;
        let mut out = Pairs::new();
        for &(d, after) in closure.starts.iter() {
            let d = lexicon.guarded(d, exit.context);
            if d == DEAD {
                continue;
            }
            let info = self.info(lexicon, set, d)?;
            self.compose(lexicon, &info, after, &mut out)?;
        }
        normalise(&mut out);
        let out = Arc::new(out);
        self.bytes += 80 + 8 * out.len();
        self.crossings.insert(key, out.clone());
        Ok(out)
    }

    fn compose(&mut self, lexicon: &mut Lexicon, info: &Info, k: u32, out: &mut Pairs) -> Result<()> {
        append(&info.inside, out);
        for (end, tokens) in &info.doubtful {
            if self.viable(lexicon, (*end, k))? {
                append(tokens, out);
            }
        }
        for crossing in &info.crossings {
            let tokens = self.cross(lexicon, crossing.set, crossing.exit, k)?;
            out.extend_from_slice(&tokens);
        }
        Ok(())
    }
}

/// Adds a set to pairs; what follows a crossing is nearly always sparse.
fn append(tokens: &TokenSet, out: &mut Pairs) {
    if let Some(base) = &tokens.base {
        let mut cleared = tokens.clear.iter().peekable();
        for (i, &word) in base.iter().enumerate() {
            let gone = cleared.next_if(|x| x.0 as usize == i).map_or(0, |x| x.1);
            if word & !gone != 0 {
                out.push((i as u32, word & !gone));
            }
        }
    }
    out.extend_from_slice(&tokens.set);
}
