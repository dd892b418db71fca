//! States of a generation: sets of items, and how tokens lead from one to the next.
//!
//! A state is a sorted set of items (lexer state, continuation), with the fact whether the output may
//! end. States are interned; each remembers its mask, and a small direct-mapped table remembers
//! transitions, so that on warm ground accept and fill are look-ups.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use crate::bitmask::{TokenSet, Union};
use crate::differ::Marks;
use crate::error::{KernelError, Result};
use crate::exits::Info;
use crate::frames::Frames;
use crate::hash::Map;
use crate::lexer::{Exit, Lexicon, DEAD};
use crate::mask::Following;
use crate::names::Known;
use crate::parser::{canonical, Item, Parser};
use crate::search::Search;
use crate::settled::Settled;
use crate::tops::Tops;
use crate::vocabulary::Vocabulary;
use crate::widths::Widths;

/// Items of one state beyond which it is refused.
const MAX_ITEMS: usize = 100_000;
/// States that are alive at once beyond which the grammar is refused.
const MAX_STATES: usize = 4_000_000;
/// How long a step may take where nobody says.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Transitions remembered, at most; a power of two.
const MAX_TRANSITIONS: usize = 1 << 15;

/// An interned state. Matchers hold it; what nobody holds may be forgotten.
#[derive(Debug)]
pub struct State {
    /// Distinct among the states of a grammar that are alive.
    pub id: u32,
    /// Lexemes that are being read, each with its continuation.
    pub items: Arc<[Item]>,
    /// Whether the output may end here.
    pub can_end: bool,
    mask: Mutex<Option<Arc<TokenSet>>>,
    /// Tokens of the mask that say names behind commas of theirs, where names come once and somebody asked.
    pub(crate) saying: OnceLock<Box<[u32]>>,
    /// Tokens of the mask without a comma after which an item may be one that was said; likewise.
    pub(crate) risky: OnceLock<Box<[u32]>>,
    /// A declared name that was found here when somebody asked for one, with the quote that ends it.
    pub(crate) another: Mutex<Option<Box<[u8]>>>,
    /// A shortest ending in tokens, once asked for.
    plan: Mutex<Option<Arc<[u32]>>>,
    /// Bytes of the longest shortest ending after any token, once asked for; else `u32::MAX`.
    dearest: AtomicU32,
}

impl State {
    /// The mask, if it is known.
    #[inline]
    pub fn mask(&self) -> Option<Arc<TokenSet>> {
        lock(&self.mask).clone()
    }

    pub(crate) fn plan(&self) -> Option<Arc<[u32]>> {
        lock(&self.plan).clone()
    }

    pub(crate) fn set_plan(&self, plan: Arc<[u32]>) {
        *lock(&self.plan) = Some(plan);
    }

    pub(crate) fn dearest(&self) -> Option<u32> {
        Some(self.dearest.load(Ordering::Relaxed)).filter(|&d| d != u32::MAX)
    }

    pub(crate) fn set_dearest(&self, bytes: u32) {
        self.dearest.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_mask(&self, mask: Option<Arc<TokenSet>>) {
        *lock(&self.mask) = mask;
    }
}

/// Locks, also after a panic elsewhere: every table is valid between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Transition = (u32, u32, Weak<State>);

/// Counts for `stats`.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Masks and transitions that were remembered.
    pub hits: u64,
    /// Those that had to be computed.
    pub misses: u64,
    /// Times that everything not held was forgotten.
    pub sweeps: u64,
}

/// The tables of one grammar.
pub struct Engine {
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) lexicon: Arc<Mutex<Lexicon>>,
    pub(crate) parser: Box<dyn Parser>,
    /// Some terminal ends leftmost-first: a live item need not have a completion, so every one is
    /// checked by search.
    pub(crate) checked: bool,
    /// In which the first lexeme starts; see `guards`.
    context: u32,
    /// See [`crate::ProgramCode`].
    pub(crate) names_once: u32,
    pub(crate) names_counted: bool,
    /// The terminals of arrays whose items have to differ, if there are any.
    pub(crate) marks: Option<Arc<Marks>>,
    pub(crate) widths: Widths,
    /// Masks that a register took tokens from.
    pub(crate) known: Known,
    states: Map<(Arc<[Item]>, bool), Arc<State>>,
    next_id: u32,
    transitions: Vec<Option<Transition>>,
    used: usize,
    pub(crate) crossings: Tops<Arc<TokenSet>>,
    pub(crate) frames: Frames,
    /// By exit set, context and the lexemes of a closure, where the grammar has a say in it.
    pub(crate) followings: Map<(u32, u32, u32), Arc<Following>>,
    /// Not in use now.
    pub(crate) unions: Vec<Union>,
    pub(crate) item_masks: Tops<Arc<TokenSet>>,
    /// By exit set and lexer state: what need not be asked of a continuation; see `mask`.
    pub(crate) infos: Map<(u32, u32), Arc<Info>>,
    /// By exit set: the length of its longest rest.
    pub(crate) longest: Map<u32, u16>,
    pub(crate) search: Search,
    /// What need not be searched for, once asked for.
    pub(crate) settled: Option<Option<Settled>>,
    pub(crate) counts: Counts,
    pub(crate) bytes: usize,
    limit: usize,
    /// How long a step may take.
    pub(crate) patience: Duration,
}

impl Engine {
    /// Tables over a parser. `limit` bounds their bytes, about.
    pub fn new(
        vocabulary: Arc<Vocabulary>,
        lexicon: Arc<Mutex<Lexicon>>,
        parser: Box<dyn Parser>,
        checked: bool,
        context: u32,
        limit: usize,
    ) -> Engine {
        Engine {
            vocabulary,
            lexicon,
            parser,
            checked,
            context,
            names_once: 0,
            names_counted: false,
            marks: None,
            widths: Widths::default(),
            known: Known::default(),
            states: Map::default(),
            next_id: 0,
            transitions: (0..256).map(|_| None).collect(),
            used: 0,
            crossings: Tops::default(),
            frames: Frames::default(),
            followings: Map::default(),
            unions: Vec::new(),
            item_masks: Tops::default(),
            infos: Map::default(),
            longest: Map::default(),
            search: Search::default(),
            settled: None,
            counts: Counts::default(),
            bytes: 0,
            limit,
            patience: PATIENCE,
        }
    }

    /// The lexicon for one step, on the clock.
    pub(crate) fn open<'a>(&self, lexicon: &'a Mutex<Lexicon>) -> MutexGuard<'a, Lexicon> {
        let mut lexicon = lock(lexicon);
        lexicon.watch.start(self.patience);
        lexicon
    }

    /// The state before anything is read.
    pub fn initial(&mut self) -> Result<Arc<State>> {
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut items = Vec::new();
        let can_end = self.enter(&mut lexicon, self.context, self.parser.initial(), &mut items)?;
        lexicon.check()?;
        self.keep_viable(&mut lexicon, &mut items)?;
        drop(lexicon);
        self.intern(items, can_end)
    }

    pub(crate) fn intern(&mut self, items: Vec<Item>, can_end: bool) -> Result<Arc<State>> {
        if items.len() > MAX_ITEMS {
            return Err(KernelError::limit(format!("a state of {} items, more than {MAX_ITEMS}", items.len())));
        }
        let key: (Arc<[Item]>, bool) = (items.into(), can_end);
        if let Some(state) = self.states.get(&key) {
            return Ok(state.clone());
        }
        if self.states.len() >= MAX_STATES {
            return Err(KernelError::limit(format!("more than {MAX_STATES} states of one grammar")));
        }
        self.bytes += 160 + 8 * key.0.len();
        self.next_id = self.next_id.wrapping_add(1);
        let state = Arc::new(State {
            id: self.next_id,
            items: key.0.clone(),
            can_end,
            mask: Mutex::new(None),
            saying: OnceLock::new(),
            risky: OnceLock::new(),
            another: Mutex::new(None),
            plan: Mutex::new(None),
            dearest: AtomicU32::new(u32::MAX),
        });
        self.states.insert(key, state.clone());
        Ok(state)
    }

    /// The state after a token that is text, if it was taken from `from` before and is remembered.
    #[inline]
    pub fn remembered(&mut self, from: &State, token: u32) -> Option<Arc<State>> {
        let slot = self.slot(from.id, token);
        match &self.transitions[slot] {
            Some((id, t, to)) if *id == from.id && *t == token => {
                let to = to.upgrade();
                self.counts.hits += u64::from(to.is_some());
                to
            }
            _ => None,
        }
    }

    #[inline]
    fn slot(&self, state: u32, token: u32) -> usize {
        let hash = (u64::from(state) << 32 | u64::from(token)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (hash >> 32) as usize & (self.transitions.len() - 1)
    }

    /// The state after a token; `None` if no completion follows.
    pub fn accept(&mut self, from: &Arc<State>, token: u32) -> Result<Option<Arc<State>>> {
        if let Some(to) = self.remembered(from, token) {
            return Ok(Some(to));
        }
        self.make_room();
        self.counts.misses += 1;
        let tokens = self.vocabulary.tokens.clone();
        let bytes = tokens.bytes(token);
        let to = if bytes.is_empty() { self.take(from, token)? } else { self.read(from, bytes)? };
        if let Some(to) = &to {
            self.remember(from.id, token, to);
        }
        Ok(to)
    }

    fn remember(&mut self, from: u32, token: u32, to: &Arc<State>) {
        if self.used * 2 > self.transitions.len() && self.transitions.len() < MAX_TRANSITIONS {
            let larger = self.transitions.len() * 4;
            let old = std::mem::replace(&mut self.transitions, (0..larger).map(|_| None).collect());
            self.used = 0;
            for entry in old.into_iter().flatten() {
                let slot = self.slot(entry.0, entry.1);
                self.used += usize::from(self.transitions[slot].is_none());
                self.transitions[slot] = Some(entry);
            }
        }
        let slot = self.slot(from, token);
        self.used += usize::from(self.transitions[slot].is_none());
        self.transitions[slot] = Some((from, token, Arc::downgrade(to)));
    }

    /// The state after some bytes; `None` if no completion follows.
    pub fn read(&mut self, from: &State, bytes: &[u8]) -> Result<Option<Arc<State>>> {
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let mut items = from.items.to_vec();
        let mut next = Vec::with_capacity(items.len());
        let mut can_end = from.can_end;
        for &byte in bytes {
            can_end = self.step(&mut lexicon, &items, byte, &mut next)?;
            std::mem::swap(&mut items, &mut next);
            if items.is_empty() && !can_end {
                return Ok(None);
            }
        }
        self.keep_viable(&mut lexicon, &mut items)?;
        if items.is_empty() && !can_end {
            return Ok(None);
        }
        drop(lexicon);
        self.intern(items, can_end).map(Some)
    }

    /// The state after a special token that stands in the grammar.
    fn take(&mut self, from: &State, token: u32) -> Result<Option<Arc<State>>> {
        let lexicon = self.lexicon.clone();
        let mut lexicon = self.open(&lexicon);
        let (mut items, mut can_end) = (Vec::new(), false);
        for &(d, k) in from.items.iter() {
            match lexicon.special(d) {
                Some((t, context)) if t == token => can_end |= self.enter(&mut lexicon, context, k, &mut items)?,
                _ => {}
            }
        }
        canonical(&mut *self.parser, &mut items);
        self.keep_viable(&mut lexicon, &mut items)?;
        drop(lexicon);
        if items.is_empty() && !can_end {
            return Ok(None);
        }
        self.intern(items, can_end).map(Some)
    }

    /// One byte: the items after it, and whether the output may end.
    pub(crate) fn step(
        &mut self,
        lexicon: &mut Lexicon,
        items: &[Item],
        byte: u8,
        out: &mut Vec<Item>,
    ) -> Result<bool> {
        out.clear();
        let mut can_end = false;
        for &(d, k) in items {
            lexicon.watch.check()?;
            let to = lexicon.step(d, byte);
            if to == DEAD {
                continue;
            }
            if lexicon.goes_on(to) {
                out.push((to, k));
            }
            for i in 0..lexicon.exits(to).len() {
                can_end |= self.leave(lexicon, lexicon.exits(to)[i], k, out)?;
            }
        }
        canonical(&mut *self.parser, out);
        if out.len() > MAX_ITEMS {
            return Err(KernelError::limit(format!("a state of {} items, more than {MAX_ITEMS}", out.len())));
        }
        lexicon.check()?;
        Ok(can_end)
    }

    /// A lexeme ends: adds the starts of what may follow, in the exit's context. True if the output
    /// may end too.
    pub(crate) fn leave(&mut self, lexicon: &mut Lexicon, exit: Exit, k: u32, out: &mut Vec<Item>) -> Result<bool> {
        match self.parser.advance(k, exit.label) {
            Some(k) => self.enter(lexicon, exit.context, k, out),
            None => Ok(false),
        }
    }

    /// Adds the starts of what may follow at `k`, in a context. True if the output may end too.
    pub(crate) fn enter(&mut self, lexicon: &mut Lexicon, context: u32, k: u32, out: &mut Vec<Item>) -> Result<bool> {
        let closure = self.parser.closure(lexicon, k)?;
        for &(d, after) in closure.starts.iter() {
            let d = lexicon.guarded(d, context);
            if d != DEAD {
                out.push((d, after));
            }
        }
        Ok(closure.can_end && lexicon.may_end(context))
    }

    fn keep_viable(&mut self, lexicon: &mut Lexicon, items: &mut Vec<Item>) -> Result<()> {
        if !self.checked {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(items.len());
        for &item in items.iter() {
            if self.viable(lexicon, item)? {
                kept.push(item);
            }
        }
        *items = kept;
        Ok(())
    }

    /// Forgets what nobody holds when the tables have grown over their limit.
    pub(crate) fn make_room(&mut self) {
        if self.memory() > self.limit {
            self.trim();
            if self.bytes + self.parser.bytes() > self.limit / 2 {
                self.sweep();
            }
        }
        let mut lexicon = lock(&self.lexicon);
        lexicon.make_room();
    }

    /// Bytes of the tables, about.
    pub fn memory(&self) -> usize {
        let settled = self.settled.iter().flatten().map(Settled::bytes).sum::<usize>();
        let tops = self.crossings.bytes() + self.item_masks.bytes() + self.frames.bytes();
        self.bytes
            + self.parser.bytes()
            + self.search.bytes()
            + settled
            + tops
            + 24 * (self.infos.capacity() + self.followings.capacity())
    }

    /// Keeps the states and their masks, which are small; drops what only served to make them.
    fn trim(&mut self) {
        self.counts.sweeps += 1;
        self.forget();
        self.keep_continuations();
    }

    /// Forgets what only served to make masks.
    fn forget(&mut self) {
        self.known = Known::default();
        self.crossings = Tops::default();
        self.frames = Frames::default();
        self.followings = Map::default();
        self.item_masks = Tops::default();
        self.infos = Map::default();
        self.search = Search::default();
        self.settled.iter_mut().flatten().for_each(Settled::forget);
    }

    /// Counts the states' bytes anew, and drops the continuations that none of them has.
    fn keep_continuations(&mut self) {
        self.bytes = 0;
        let mut held = Vec::new();
        for state in self.states.values() {
            let own = |mask: &TokenSet| mask.base.as_ref().is_some_and(|base| Arc::strong_count(base) == 1);
            let mask = lock(&state.mask);
            let mask = mask.as_ref().map_or(0, |m| m.bytes() + if own(m) { 4 * self.vocabulary.words } else { 0 });
            self.bytes += 160 + 8 * state.items.len() + mask;
            held.extend(state.items.iter().map(|i| i.1));
        }
        held.sort_unstable();
        held.dedup();
        self.parser.sweep(&held);
    }

    /// Keeps the states that matchers hold, and what they need; drops everything else.
    pub fn sweep(&mut self) {
        self.counts.sweeps += 1;
        self.transitions = (0..256).map(|_| None).collect();
        self.used = 0;
        self.forget();
        self.states.retain(|_, state| Arc::strong_count(state) > 1);
        self.states.values().for_each(|state| state.set_mask(None));
        self.states.shrink_to_fit();
        self.keep_continuations();
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// True before the first state.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Number of states that remember a mask.
    pub fn masks(&self) -> usize {
        self.states.values().filter(|s| lock(&s.mask).is_some()).count()
    }
}
