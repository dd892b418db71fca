//! The two things that users hold: a grammar, shared by everyone, and a matcher for each sequence.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::bitmask::TokenSet;
use crate::differ::Marks;
use crate::engine::{lock, Counts, Engine, PATIENCE};
use crate::error::{ErrorKind, KernelError, Result};
use crate::general::General;
use crate::lalr::Lalr;
use crate::lalr_table::LalrCode;
use crate::lexer::Lexicon;
use crate::names::{takes_none, Point, NEVER};
use crate::parser::Parser;
use crate::program::{Program, ProgramCode};
use crate::terminal::is_first;
use crate::vocabulary::Vocabulary;

/// Bytes of one grammar's tables, about, beyond which what nobody holds is forgotten.
const GRAMMAR_BYTES: usize = 128 << 20;
/// Terminals that an error names, at most.
const SHOWN: usize = 8;

/// A compiled grammar; immutable as seen from outside, and safe to share between threads.
pub struct Grammar {
    pub(crate) engine: Mutex<Engine>,
    pub(crate) vocabulary: Arc<Vocabulary>,
    /// The tables that it shares with other grammars.
    pub(crate) lexicon: Arc<Mutex<Lexicon>>,
    initial: Point,
    names_once: u32,
    /// Some array must have no item twice.
    items_differ: bool,
    names: Vec<String>,
}

/// What may come once only; see [`ProgramCode`].
#[derive(Default)]
struct Once {
    names: u32,
    counted: bool,
    marks: Option<Arc<Marks>>,
}

impl Grammar {
    /// Compiles a general program.
    pub fn general(vocabulary: Arc<Vocabulary>, names: Vec<String>, code: &ProgramCode<'_>) -> Result<Arc<Grammar>> {
        check_names(&names, code.terminals.len())?;
        let checked = code.terminals.iter().any(|t| is_first(t));
        let once = Once { names: code.names_once, counted: code.names_counted, marks: None };
        Self::build(vocabulary, names, checked, once, |lexicon, once| {
            let program = Program::new(code, lexicon)?;
            once.marks = program.marks(code)?;
            let behinds = lexicon.behinds(&program.terminals);
            Ok((Box::new(General::new(program)), behinds))
        })
    }

    /// Compiles an LALR program.
    pub fn lalr(vocabulary: Arc<Vocabulary>, names: Vec<String>, code: &LalrCode<'_>) -> Result<Arc<Grammar>> {
        check_names(&names, code.terminals.len())?;
        Self::build(vocabulary, names, true, Once::default(), |_, _| {
            let parser = Lalr::new(code)?;
            let behinds = parser.behinds();
            Ok((Box::new(parser), behinds))
        })
    }

    fn build(
        vocabulary: Arc<Vocabulary>,
        names: Vec<String>,
        checked: bool,
        mut once: Once,
        parser: impl FnOnce(&mut Lexicon, &mut Once) -> Result<(Box<dyn Parser>, Vec<Box<[u8]>>)>,
    ) -> Result<Arc<Grammar>> {
        let shared = vocabulary.lexicon();
        let mut lexicon = lock(&shared);
        lexicon.watch.start(PATIENCE);
        let (parser, behinds) = parser(&mut lexicon, &mut once)?;
        let context = lexicon.first_context(behinds)?;
        drop(lexicon);
        let mut engine = Engine::new(vocabulary.clone(), shared.clone(), parser, checked, context, GRAMMAR_BYTES);
        let Once { names: names_once, counted, marks } = once;
        let items_differ = marks.is_some();
        (engine.names_once, engine.names_counted, engine.marks) = (names_once, counted, marks);
        let initial = engine.initial()?;
        if initial.items.is_empty() && !initial.can_end {
            return Err(KernelError::program("no text at all belongs to the language"));
        }
        let initial = Point { state: initial, register: (names_once > 0).then(Arc::default) };
        let engine = Mutex::new(engine);
        Ok(Arc::new(Grammar { engine, vocabulary, lexicon: shared, initial, names_once, items_differ, names }))
    }

    /// Tokens that the shortest output needs, the end token among them.
    pub fn min_tokens(&self) -> Result<usize> {
        self.tokens_needed(&self.initial)
    }

    /// (states, continuations, masks, bytes, hits and other counts)
    pub fn stats(&self) -> Stats {
        let engine = lock(&self.engine);
        let lexicon = engine.lexicon.clone();
        let lexer_states = lock(&lexicon).len();
        Stats {
            states: engine.len(),
            continuations: engine.parser.continuations(),
            masks: engine.masks(),
            bytes: engine.memory(),
            lexer_states,
            counts: engine.counts.clone(),
        }
    }

    /// A short ending from a point, in symbols.
    fn ending(&self, at: &Point) -> Result<Vec<u32>> {
        lock(&self.engine).ending_at(at)
    }

    fn tokens_needed(&self, at: &Point) -> Result<usize> {
        Ok(self.vocabulary.spell(&self.ending(at)?)?.len() + 1)
    }

    /// Forgets everything that no matcher holds.
    pub fn sweep(&self) {
        lock(&self.engine).sweep();
    }
}

fn check_names(names: &[String], terminals: usize) -> Result<()> {
    if names.len() == terminals {
        Ok(())
    } else {
        Err(KernelError::program(format!("{} names for {terminals} terminals", names.len())))
    }
}

/// Sizes of a grammar's tables.
#[derive(Debug, Clone)]
pub struct Stats {
    /// States alive.
    pub states: usize,
    /// Continuations alive.
    pub continuations: usize,
    /// States with a mask.
    pub masks: usize,
    /// Bytes of the grammar's own tables, about.
    pub bytes: usize,
    /// Lexer states of the vocabulary's tables.
    pub lexer_states: usize,
    /// Look-ups.
    pub counts: Counts,
}

/// One accepted token (or run of bytes) of a history; histories share their beginnings.
#[derive(Debug)]
struct Step {
    at: Point,
    finished: bool,
    length: usize,
    /// Tokens of the budget that are used up.
    spent: usize,
    /// Under a budget: the tokens that end the output in time, where the state's own plan would not.
    plan: Option<Arc<[u32]>>,
    previous: Option<Arc<Step>>,
}

/// The beginning of some text that a matcher can accept.
struct Prefix {
    at: Point,
    /// Bytes.
    taken: usize,
    /// Tokens of the budget that it uses up, and the plan to go on with.
    spent: usize,
    plan: Option<Arc<[u32]>>,
}

impl Drop for Step {
    fn drop(&mut self) {
        // One by one: a long history would overflow the stack if each step dropped the next.
        let mut next = self.previous.take();
        while let Some(mut step) = next.and_then(Arc::into_inner) {
            next = step.previous.take();
        }
    }
}

/// Where one sequence stands.
#[derive(Clone)]
pub struct Matcher {
    grammar: Arc<Grammar>,
    last: Arc<Step>,
    max_tokens: Option<usize>,
    patience: Duration,
}

impl Matcher {
    /// At the start of the output.
    pub fn new(grammar: Arc<Grammar>, max_tokens: Option<usize>) -> Result<Matcher> {
        let at = grammar.initial.clone();
        if let Some(max) = max_tokens {
            lock(&grammar.engine).check_budget(&at, max)?;
        }
        let last = Arc::new(Step { at, finished: false, length: 0, spent: 0, plan: None, previous: None });
        Ok(Matcher { grammar, last, max_tokens, patience: PATIENCE })
    }

    /// The same; a step that takes longer than `patience` is an error.
    pub fn with_patience(self, patience: Duration) -> Matcher {
        Matcher { patience, ..self }
    }

    /// The same place in the text, without a budget.
    pub fn unlimited(&self) -> Matcher {
        Matcher { max_tokens: None, ..self.clone() }
    }

    /// The engine, for one step.
    fn engine(&self) -> MutexGuard<'_, Engine> {
        let mut engine = lock(&self.grammar.engine);
        engine.patience = self.patience;
        engine
    }

    /// An error with the terminals that were being read.
    fn placed(&self, mut error: KernelError) -> KernelError {
        if matches!(error.kind, ErrorKind::Limit | ErrorKind::Time) {
            let expected = self.expected();
            let more = if expected.len() > SHOWN { ", ..." } else { "" };
            error.message += &format!("; expected {}{more}", expected[..expected.len().min(SHOWN)].join(", "));
        }
        error
    }

    /// The grammar.
    pub fn grammar(&self) -> &Arc<Grammar> {
        &self.grammar
    }

    /// Whether the output may end here.
    pub fn can_end(&self) -> bool {
        self.last.at.state.can_end
    }

    /// Whether an end token was accepted.
    pub fn finished(&self) -> bool {
        self.last.finished
    }

    /// Tokens accepted so far.
    pub fn length(&self) -> usize {
        self.last.length
    }

    fn push(&mut self, at: Point, finished: bool, spent: usize, plan: Option<Arc<[u32]>>) {
        let previous = Some(self.last.clone());
        let (length, spent) = (self.last.length + 1, self.last.spent + spent);
        self.last = Arc::new(Step { at, finished, length, spent, plan, previous });
    }

    /// Under a budget: the tokens left after the next one.
    fn left(&self) -> Option<usize> {
        self.max_tokens.map(|max| max.saturating_sub(self.last.spent + 1))
    }

    /// The planned ending, in tokens.
    fn plan(&self, engine: &mut Engine) -> Result<Arc<[u32]>> {
        self.last.plan.clone().map_or_else(|| engine.plan_at(&self.last.at), Ok)
    }

    /// Checks a token against the budget: whether it is kept, and the plan to go on with.
    fn afford(&self, engine: &mut Engine, token: u32, to: &Point, left: usize) -> Result<(bool, Option<Arc<[u32]>>)> {
        if engine.affordable_at(to, left)? {
            return Ok((true, None));
        }
        let plan = self.plan(engine)?;
        match plan.split_first() {
            Some((&next, rest)) if next == token && rest.len() < left => Ok((true, Some(rest.into()))),
            _ => Ok((false, None)),
        }
    }

    /// Accepts a token, or refuses it and stays as it was.
    pub fn accept(&mut self, token: u32) -> Result<bool> {
        self.taken(token).map_err(|error| self.placed(error))
    }

    fn taken(&mut self, token: u32) -> Result<bool> {
        let eos = self.grammar.vocabulary.eos.contains(&token);
        if eos && (self.last.finished || self.last.at.state.can_end) {
            self.push(self.last.at.clone(), true, 1, None);
            return Ok(true);
        }
        if self.last.finished {
            return Ok(false);
        }
        let (to, plan) = {
            let mut engine = self.engine();
            let Some(to) = engine.follow(&self.last.at, token)? else { return Ok(false) };
            let (kept, plan) = match self.left() {
                None => (true, None),
                Some(left) => self.afford(&mut engine, token, &to, left)?,
            };
            if !kept {
                return Ok(false);
            }
            (to, plan)
        };
        // An end token may also stand in the grammar; nothing comes after it where the output may end.
        let finished = eos && to.state.can_end;
        self.push(to, finished, 1, plan);
        Ok(true)
    }

    /// [`Matcher::accept`] when it is a mere look-up and nobody else is at work; `None` otherwise.
    pub fn accept_warm(&mut self, token: u32) -> Option<bool> {
        if self.last.finished || self.max_tokens.is_some() {
            return None;
        }
        let register = match &self.last.at.register {
            Some(_) if self.grammar.items_differ => return None,
            Some(register) => {
                let after = register.read(self.grammar.vocabulary.tokens.bytes(token)).ok()??;
                if self.grammar.names_once != NEVER && !after.is_free() {
                    return None; // whether there is another name takes a look
                }
                Some(after)
            }
            None => None,
        };
        let state = self.grammar.engine.try_lock().ok()?.remembered(&self.last.at.state, token)?;
        let to = Point { state, register };
        self.push(to, false, 1, None);
        Some(true)
    }

    /// Accepts as many bytes as some completion follows; one step of the history in any case. Under a budget the
    /// bytes count as the tokens of their longest-match tokenisation, and the output can still end in time.
    pub fn accept_bytes(&mut self, data: &[u8]) -> Result<usize> {
        let read = self.longest(data).map_err(|error| self.placed(error))?;
        let Prefix { at, taken, spent, plan } = read;
        self.push(at, self.last.finished, spent, plan);
        Ok(taken)
    }

    /// The longest prefix that can be accepted.
    fn longest(&self, data: &[u8]) -> Result<Prefix> {
        let start = self.last.at.clone();
        if self.last.finished || data.is_empty() {
            return Ok(Prefix { at: start, taken: 0, spent: 0, plan: self.last.plan.clone() });
        }
        let mut engine = self.engine();
        let (mut at, mut taken, mut refused) = (start.clone(), 0, data.len() + 1);
        // The whole, else the longest prefix by bisection: prefixes of what is viable are viable.
        while taken + 1 < refused {
            let middle = if refused > data.len() { data.len() } else { taken + (refused - taken) / 2 };
            match engine.follow_bytes(&at, &data[taken..middle])? {
                Some(to) => (at, taken) = (to, middle),
                None => refused = middle,
            }
        }
        let Some(max) = self.max_tokens else { return Ok(Prefix { at, taken, spent: 0, plan: None }) };
        // Back to where the rest of the budget is enough.
        let tokens = self.grammar.vocabulary.greedy(&data[..taken])?;
        let (mut end, mut ends) = (0, vec![0]);
        for &token in &tokens {
            end += self.grammar.vocabulary.tokens.bytes(token).len();
            ends.push(end);
        }
        for (spent, &end) in ends.iter().enumerate().skip(1).rev() {
            let left = max.saturating_sub(self.last.spent + spent);
            if left == 0 {
                continue;
            }
            let to = if end == taken { Some(at.clone()) } else { engine.follow_bytes(&start, &data[..end])? };
            if let Some(to) = to {
                if engine.affordable_at(&to, left)? {
                    return Ok(Prefix { at: to, taken: end, spent, plan: None });
                }
                let plan = self.plan(&mut engine)?;
                if plan.starts_with(&tokens[..spent]) && plan.len() - spent < left {
                    return Ok(Prefix { at: to, taken: end, spent, plan: Some(plan[spent..].into()) });
                }
            }
        }
        Ok(Prefix { at: start, taken: 0, spent: 0, plan: self.last.plan.clone() })
    }

    /// Undoes the last `n` accepted tokens.
    pub fn rollback(&mut self, n: usize) -> Result<()> {
        if n > self.last.length {
            let message = format!("cannot roll back {n} tokens, {} are accepted", self.last.length);
            return Err(KernelError::new(ErrorKind::State, message));
        }
        let mut last = self.last.clone();
        for _ in 0..n {
            if let Some(previous) = last.previous.clone() {
                last = previous;
            }
        }
        self.last = last;
        Ok(())
    }

    /// The mask, if it is known already.
    #[inline]
    pub fn known_mask(&self) -> Option<Arc<TokenSet>> {
        if self.last.finished || self.max_tokens.is_some() {
            return None;
        }
        let Point { state, register } = &self.last.at;
        if let Some(register) = register {
            if self.grammar.items_differ {
                return None;
            }
            let tokens = &self.grammar.vocabulary.tokens;
            let saying = state.saying.get()?;
            if !register.is_free() || !takes_none(register, saying, tokens, self.grammar.names_once) {
                return None;
            }
        }
        state.mask().filter(|mask| !mask.is_empty())
    }

    /// The tokens that may come next.
    pub fn mask(&self) -> Result<Arc<TokenSet>> {
        if self.last.finished {
            let set = crate::bitmask::pairs(&mut self.grammar.vocabulary.eos.to_vec());
            return Ok(Arc::new(TokenSet { set, ..TokenSet::default() }));
        }
        let mask = self.computed().map_err(|error| self.placed(error))?;
        if mask.is_empty() {
            let message =
                format!("no token of the vocabulary goes on from here: expected {}", self.expected().join(", "));
            return Err(KernelError::new(ErrorKind::State, message));
        }
        Ok(mask)
    }

    fn computed(&self) -> Result<Arc<TokenSet>> {
        let mut engine = self.engine();
        match self.left() {
            None => engine.mask_at(&self.last.at),
            Some(left) => {
                let plan = self.plan(&mut engine)?;
                engine.budgeted_mask_at(&self.last.at, left, &plan)
            }
        }
    }

    /// Names of the terminals that are being read or may come next, each once, in the grammar's order.
    pub fn expected(&self) -> Vec<String> {
        if self.last.finished {
            return Vec::new();
        }
        let mut engine = lock(&self.grammar.engine);
        let lexicon = engine.lexicon.clone();
        let lexicon = lock(&lexicon);
        let mut names: Vec<u32> = Vec::new();
        for &(d, k) in self.last.at.state.items.iter() {
            names.extend(engine.parser.names(&lexicon, d, k));
        }
        names.sort_unstable();
        names.dedup();
        let mut out: Vec<String> = Vec::new();
        for name in names.into_iter().filter_map(|n| self.grammar.names.get(n as usize)) {
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        out
    }

    /// The text of a shortest ending from here, special tokens left out.
    pub fn witness(&self) -> Result<Vec<u8>> {
        if self.last.finished {
            return Ok(Vec::new());
        }
        let symbols = self.grammar.ending(&self.last.at)?;
        Ok(symbols.into_iter().filter_map(|s| u8::try_from(s).ok()).collect())
    }

    /// The bytes that have to come next, whatever the completion; `limit` at most.
    pub fn forced(&self, limit: usize) -> Result<Vec<u8>> {
        if self.last.finished {
            return Ok(Vec::new());
        }
        lock(&self.grammar.engine).forced(&self.last.at, limit)
    }

    /// Tokens that a shortest ending needs, the end token among them; 0 when finished.
    pub fn tokens_needed(&self) -> Result<usize> {
        if self.last.finished {
            return Ok(0);
        }
        self.grammar.tokens_needed(&self.last.at)
    }
}
