//! Budgets: which tokens leave enough tokens to end the output in time.
//!
//! A state *needs* as many tokens as the longest-match tokenisation of its shortest ending has, and one
//! more for the end token. With `max_tokens`, a token is kept if the state after it needs no more than
//! what is then left, or if it is the next one of the ending that is already planned; so a run always
//! ends inside the grammar. Bytes bound tokens (each token has at least one), which settles nearly
//! everything without any tokenising: only what may not be affordable is tried out, once for each set
//! of lexer states that tokens end in.

use std::sync::Arc;

use crate::bitmask::{pairs, TokenSet, Union};
use crate::engine::{lock, Engine, State};
use crate::error::{ErrorKind, KernelError, Result};
use crate::exits::AT_START;
use crate::hash::Map;
use crate::joint::Joint;
use crate::lexer::{Lexicon, DEAD};
use crate::names::Point;
use crate::parser::{Item, IMPOSSIBLE};
use crate::search::LENGTH_FUEL;

/// Tokens that end in one lexer state before one continuation.
type Group = (Item, TokenSet);

impl Engine {
    /// A shortest ending of a state, in tokens, the end token left out; remembered.
    pub(crate) fn plan(&mut self, state: &State) -> Result<Arc<[u32]>> {
        if let Some(plan) = state.plan() {
            return Ok(plan);
        }
        let lexicon = self.lexicon.clone();
        let symbols = self.shortest(&mut self.open(&lexicon), state)?;
        let plan: Arc<[u32]> = self.vocabulary.spell(&symbols)?.into();
        self.bytes += 4 * plan.len();
        state.set_plan(plan.clone());
        Ok(plan)
    }

    /// Whether `left` tokens are enough to end the output from a state.
    pub(crate) fn affordable(&mut self, state: &State, left: usize) -> Result<bool> {
        if state.can_end {
            return Ok(left >= 1);
        }
        if !self.checked && self.vocabulary.complete {
            // Without guards the estimate is the length of the shortest ending.
            let lexicon = lock(&self.lexicon);
            let estimates = state.items.iter().map(|&(d, k)| self.parser.estimate(&lexicon, d, k));
            if estimates.min().is_some_and(|bytes| (bytes as usize) < left) {
                return Ok(true);
            }
        }
        match self.plan(state) {
            Ok(plan) => Ok(plan.len() < left),
            // Some byte of the ending has no token, or no ending was found: nothing to rely on.
            Err(e) if matches!(e.kind, ErrorKind::Vocabulary | ErrorKind::Limit) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The mask of a state when `left` tokens will be left after the next one; `planned` is kept.
    pub(crate) fn budgeted_mask(
        &mut self,
        state: &Arc<State>,
        left: usize,
        planned: Option<u32>,
    ) -> Result<Arc<TokenSet>> {
        let plain = self.mask(state)?;
        if self.vocabulary.complete && state.dearest().is_some_and(|worst| (worst as usize) < left) {
            return Ok(plain);
        }
        if !self.checked && state.dearest().is_none() {
            let bytes = self.ceiling(state)?;
            state.set_dearest(bytes);
            return self.budgeted_mask(state, left, planned);
        }
        let groups = self.groups(state)?;
        let mut dearest = 0;
        let (mut sure, mut unsure) = (Union::new(self.vocabulary.words), Vec::new());
        for (item, tokens) in groups {
            let bytes = self.length(item)?;
            dearest = dearest.max(bytes);
            if self.vocabulary.complete && (bytes as usize) < left {
                sure.add(&tokens);
            } else {
                unsure.push(tokens);
            }
        }
        if self.checked {
            state.set_dearest(dearest);
        }
        if unsure.is_empty() {
            return Ok(plain);
        }
        let (sure, _) = sure.finish();
        let mut kept = self.try_out(state, left, &sure, &unsure)?;
        kept.extend(planned);
        if state.can_end {
            kept.extend_from_slice(&self.vocabulary.eos);
        }
        let mut union = Union::new(self.vocabulary.words);
        union.add(&sure);
        union.add_pairs(&pairs(&mut kept));
        Ok(Arc::new(union.finish().0))
    }

    /// Tries the tokens of the unsure groups, one for each combination of groups.
    fn try_out(&mut self, state: &Arc<State>, left: usize, sure: &TokenSet, unsure: &[TokenSet]) -> Result<Vec<u32>> {
        let mut member: Map<u32, u64> = Map::default();
        let mut words = vec![0u32; self.vocabulary.words];
        for (i, tokens) in unsure.iter().enumerate() {
            tokens.fill(&mut words);
            let mark = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            for (w, &bits) in words.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    let token = 32 * w as u32 + bits.trailing_zeros();
                    bits &= bits - 1;
                    let seen = member.entry(token).or_insert(0);
                    *seen = seen.rotate_left(7) ^ mark;
                }
            }
        }
        let mut verdicts: Map<u64, bool> = Map::default();
        let mut kept = Vec::new();
        for (token, combination) in member {
            if sure.contains(token) {
                continue;
            }
            let verdict = match verdicts.get(&combination) {
                Some(&known) => known,
                None => {
                    let to = self.accept(state, token)?;
                    let verdict = match to {
                        Some(to) => self.affordable(&to, left)?,
                        None => false,
                    };
                    verdicts.insert(combination, verdict);
                    verdict
                }
            };
            if verdict {
                kept.push(token);
            }
        }
        Ok(kept)
    }

    /// The tokens of a mask by where they end.
    fn groups(&mut self, state: &State) -> Result<Vec<Group>> {
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let (mut out, mut joint) = (Vec::new(), Joint::default());
        for &(d, k) in state.items.iter() {
            if let Some((token, _)) = lexicon.special(d) {
                let set = pairs(&mut [token]);
                out.push(((d, k), TokenSet { set, ..TokenSet::default() }));
            }
            self.group(&mut lexicon, (AT_START, d, k), &mut joint, &mut out)?;
        }
        while let Some((set, exit, ks)) = joint.next(self) {
            for k in ks {
                let Some(after) = self.parser.advance(k, exit.label) else { continue };
                for &(d, k) in self.parser.closure(&mut lexicon, after)?.starts.iter() {
                    let d = lexicon.guarded(d, exit.context);
                    if d != DEAD {
                        self.group(&mut lexicon, (set, d, k), &mut joint, &mut out)?;
                    }
                }
            }
        }
        lexicon.check()?;
        Ok(out)
    }

    /// The tokens of an exit set that end in a lexeme, which starts before `k`; those that cross its end are yet to do.
    fn group(
        &mut self,
        lexicon: &mut Lexicon,
        (set, d, k): (u32, u32, u32),
        joint: &mut Joint,
        out: &mut Vec<Group>,
    ) -> Result<()> {
        let info = lexicon.info(set, d, true);
        for (end, tokens) in &info.doubtful {
            if !self.checked || self.viable(lexicon, (*end, k))? {
                out.push(((*end, k), TokenSet::clone(tokens)));
            }
        }
        for &crossing in &info.crossings {
            joint.add(self, lexicon, crossing, k);
        }
        lexicon.watch.check()
    }

    /// Bytes that end the output at most, whatever the next token; a rough bound, without guards only.
    fn ceiling(&mut self, state: &State) -> Result<u32> {
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let (mut most, mut joint) = (0, Joint::default());
        let mut todo: Vec<(u32, u32, u32)> = state.items.iter().map(|&(d, k)| (AT_START, d, k)).collect();
        loop {
            for (set, d, k) in todo.drain(..) {
                let after = self.parser.estimate(&lexicon, d, k).saturating_sub(lexicon.least(d));
                most = most.max(after.saturating_add(lexicon.dearest(d)));
                for &crossing in &lexicon.info(set, d, false).crossings {
                    joint.add(self, &lexicon, crossing, k);
                }
            }
            let Some((set, _, ks)) = joint.next(self) else { break };
            for k in ks {
                lexicon.watch.check()?;
                let closure = self.parser.closure(&mut lexicon, k)?;
                todo.extend(closure.starts.iter().map(|&(d, k)| (set, d, k)));
            }
        }
        lexicon.check()?;
        // All ones would mean "not asked for yet".
        Ok(most.min(u32::MAX - 1))
    }

    /// Bytes of the shortest ending of a lexeme just come to `item`, by ending here or going on; [`IMPOSSIBLE`]
    /// where that is hard to find (guards lead the search astray), so that the state after a token decides.
    fn length(&mut self, item: Item) -> Result<u32> {
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        if !self.checked {
            return Ok(self.parser.estimate(&lexicon, item.0, item.1));
        }
        if let Some(known) = self.search.length(item) {
            return Ok(known);
        }
        let length = match self.shortest_from(&mut lexicon, item) {
            Ok(symbols) => symbols.map_or(IMPOSSIBLE, |symbols| symbols.len() as u32),
            Err(e) if e.kind == ErrorKind::Limit => IMPOSSIBLE,
            Err(e) => return Err(e),
        };
        self.search.set_length(item, length);
        Ok(length)
    }

    /// A shortest ending of a lexeme just come to `item`.
    fn shortest_from(&mut self, lexicon: &mut Lexicon, item: Item) -> Result<Option<Vec<u32>>> {
        let mut items = Vec::new();
        if self.arrive(lexicon, item, &mut items)? {
            return Ok(Some(Vec::new()));
        }
        self.shortest_within(lexicon, &items, LENGTH_FUEL)
    }

    /// Checks that a budget is enough for the shortest output.
    pub(crate) fn check_budget(&mut self, at: &Point, max_tokens: usize) -> Result<()> {
        let needed = self.plan_at(at)?.len() + 1;
        if needed > max_tokens {
            let message = format!("the shortest output needs {needed} tokens, max_tokens is {max_tokens}");
            return Err(KernelError::new(ErrorKind::Budget, message));
        }
        Ok(())
    }
}
