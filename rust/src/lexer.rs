//! Lexer states: where one lexeme stands, after the bytes read so far.
//!
//! States are interned integers, made when they are first reached and shared by every grammar of a
//! vocabulary, so what is remembered about a state serves all of them. A state answers three
//! questions: where a byte leads, whether the lexeme may end here (its *exit*), and whether it can go
//! on at all. There is no joint state over the terminals that a grammar allows: a parser keeps one
//! lexer state for each (see `engine`), save for LALR's scanner, which is one state by definition.
//!
//! Two semantics live side by side. By *sets*, a lexeme may end at every accepting position.
//! *Leftmost-first*, as backtracking matchers and Lark have it, it has exactly one end: a match with
//! more preferred threads still alive holds only if none of them ever matches, so the exit carries
//! them as a *guard* (see `guards`), and the state itself goes on as those threads.

use std::sync::Arc;

use crate::automaton::AutomatonShape;
use crate::behind::{Behind, UNASKED};
use crate::error::{KernelError, Result};
use crate::guards::{Guards, NO_GUARDS};
use crate::hash::Map;
use crate::horizon::Horizons;
use crate::looking::Thread;
use crate::nfa::Nfa;
use crate::regex::{bytes_of, Class};
use crate::rests::ExitTables;
use crate::scanner::{Live, Scanner, NO_WORD};
use crate::shortcuts::CountTable;
use crate::spelling::Within;
use crate::terminal::{CountedShape, ExceptShape};
use crate::trie::Trie;
use crate::universal::Characters;
use crate::vocabulary::Tokens;
use crate::watch::Watch;

/// Where no state is: the byte cannot follow.
pub const DEAD: u32 = u32::MAX;
/// Not computed yet.
pub(crate) const UNKNOWN: u32 = u32::MAX - 1;
/// States beyond this are refused.
const MAX_STATES: usize = 1 << 24;
/// A state with at most so many bytes lists them; others have a row over the byte classes.
const NARROW: u32 = 16;

/// How a lexeme ends in a state: as which terminal, and in which context the next one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Exit {
    /// The terminal, as the parser numbers it; 0 where the parser has no labels.
    pub label: u32,
    /// What must not match from here on, and what was read; see `guards`.
    pub context: u32,
}

/// The one exit of a lexeme that ends wherever it matches.
pub(crate) const PLAIN: Exit = Exit { label: 0, context: NO_GUARDS };

/// What a state is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// So many bytes of a literal.
    Literal {
        text: u32,
        at: u32,
    },
    /// Subset construction: sorted leaves.
    Set {
        nfa: u32,
        leaves: Arc<[u32]>,
    },
    /// Leftmost-first: the threads above the match (if there is one), in order.
    First {
        scanner: u32,
        live: Live,
        threads: Arc<[u32]>,
        matched: Option<u32>,
        word: u32,
    },
    /// Leftmost-first, looking around: threads under conditions, in order.
    Looking {
        scanner: u32,
        live: Live,
        threads: Arc<[Thread]>,
        word: u32,
    },
    /// The start of what looks behind; the context tells which threads there are.
    Start {
        scanner: u32,
        live: Live,
        word: u32,
    },
    /// A condition of an automaton that must not come true: a guard.
    Condition {
        nfa: u32,
        condition: u32,
    },
    /// Inside the units of a counted terminal: `unit` is a state of the unit's own automaton.
    Units {
        shape: u32,
        unit: u32,
        min: u32,
        max: u32,
    },
    /// So many bytes of a counted terminal's prefix or suffix.
    Prefix {
        shape: u32,
        at: u32,
        min: u32,
        max: u32,
    },
    Suffix {
        shape: u32,
        at: u32,
    },
    /// A base state, and where the bytes so far stand among the excluded words.
    Except {
        shape: u32,
        base: u32,
        node: u32,
    },
    /// A state of an automaton over characters, between two of them or within one.
    Automaton {
        shape: u32,
        state: u32,
        within: Option<Within>,
    },
    /// A special token, not yet taken: no byte leads anywhere.
    Special {
        token: u32,
    },
    /// A state in a context.
    Guarded {
        main: u32,
        context: u32,
    },
}

/// Where bytes lead.
#[derive(Debug, Clone)]
pub(crate) enum Row {
    /// Only this byte leads anywhere, and there.
    One(u8, u32),
    /// These bytes may.
    Few(Box<[(u8, u32)]>),
    /// One entry for each class of bytes; empty until first used.
    Many(Arc<[u8; 256]>, Box<[u32]>),
}

/// A lexer state.
#[derive(Debug)]
pub(crate) struct State {
    pub kind: Kind,
    pub row: Row,
    /// The bytes that may lead anywhere.
    pub alphabet: Class,
    /// Empty where it may not end; only what looks around, or a scanner, has several.
    pub exits: Box<[Exit]>,
    /// Whether the lexeme can go on.
    pub goes_on: bool,
    /// Least number of bytes to an exit, guards and priorities left out.
    pub distance: u32,
    /// Index into the self-loops of `exits`, or [`UNKNOWN`].
    pub loops: u32,
}

/// All lexer states of one vocabulary, and what is remembered about them.
#[derive(Debug)]
pub struct Lexicon {
    pub(crate) vocabulary: Arc<Tokens>,
    pub(crate) words: usize,
    pub(crate) states: Vec<State>,
    ids: Vec<Map<Kind, u32>>,
    pub(crate) starts: Map<Box<[u8]>, u32>,
    /// By the terminals of a grammar; see [`Lexicon::scanner_family`].
    pub(crate) families: Map<Box<[u8]>, u32>,
    /// By family, order of alternatives and keywords.
    pub(crate) scanner_ids: Map<(u32, Box<[u8]>), u32>,
    pub(crate) nfas: Vec<Nfa>,
    pub(crate) scanners: Vec<Scanner>,
    pub(crate) live_sets: Vec<Arc<[u64]>>,
    pub(crate) live_ids: Map<Arc<[u64]>, u32>,
    pub(crate) texts: Vec<Box<[u8]>>,
    pub(crate) counted: Vec<CountedShape>,
    pub(crate) excepts: Vec<ExceptShape>,
    pub(crate) automata: Vec<AutomatonShape>,
    pub(crate) guards: Guards,
    pub(crate) behind: Behind,
    pub(crate) exits: ExitTables,
    pub(crate) count_tables: Map<(u32, u32), CountTable>,
    pub(crate) horizons: Horizons,
    pub(crate) outcomes: Map<u32, Arc<[Exit]>>,
    /// Lists of start states that closures have, by number.
    lists: Map<Box<[u32]>, u32>,
    pub(crate) characters: Map<Arc<[u8]>, Arc<Characters>>,
    identity: Arc<[u8; 256]>,
    /// A limit that was hit inside a step; whoever called looks here (see [`Lexicon::check`]).
    pub(crate) fault: Option<KernelError>,
    pub(crate) watch: Watch,
    pub(crate) memory: usize,
    /// The part of it that can be computed again.
    pub(crate) forgettable: usize,
}

const SHARDS: usize = 64;

impl Lexicon {
    /// An empty lexicon over a vocabulary whose bitmaps have `words` words.
    pub fn new(vocabulary: Arc<Tokens>, trie: Arc<Trie>, words: usize) -> Self {
        Lexicon {
            vocabulary,
            words,
            states: Vec::new(),
            // Many small tables, so that none ever takes long to grow.
            ids: (0..SHARDS).map(|_| Map::default()).collect(),
            starts: Map::default(),
            families: Map::default(),
            scanner_ids: Map::default(),
            nfas: Vec::new(),
            scanners: Vec::new(),
            live_sets: vec![Arc::new([])],
            live_ids: Map::default(),
            texts: Vec::new(),
            counted: Vec::new(),
            excepts: Vec::new(),
            automata: Vec::new(),
            guards: Guards::default(),
            behind: Behind::default(),
            exits: ExitTables::new(trie),
            count_tables: Map::default(),
            horizons: Horizons::default(),
            outcomes: Map::default(),
            lists: Map::default(),
            characters: Map::default(),
            identity: Arc::new(std::array::from_fn(|b| b as u8)),
            fault: None,
            watch: Watch::default(),
            memory: 0,
            forgettable: 0,
        }
    }

    /// The fault that a step ran into since the last call, as an error.
    pub fn check(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    pub(crate) fn fail(&mut self, error: KernelError) -> u32 {
        self.fault.get_or_insert(error);
        DEAD
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// True before the first terminal.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// How the lexeme may end in state `d`.
    #[inline]
    pub fn exits(&self, d: u32) -> &[Exit] {
        &self.states[d as usize].exits
    }

    /// The special token that state `d` waits for, and the context after it.
    pub fn special(&self, d: u32) -> Option<(u32, u32)> {
        match self.states[d as usize].kind {
            Kind::Special { token } => Some((token, NO_GUARDS)),
            Kind::Guarded { main, context } => self.special(main).map(|(token, _)| (token, context)),
            _ => None,
        }
    }

    /// Whether the lexeme may end in state `d`.
    #[inline]
    pub fn ends(&self, d: u32) -> bool {
        !self.states[d as usize].exits.is_empty()
    }

    /// Whether the lexeme can go on from state `d`.
    #[inline]
    pub fn goes_on(&self, d: u32) -> bool {
        self.states[d as usize].goes_on
    }

    /// Where the byte leads from state `d`, or [`DEAD`].
    #[inline]
    pub fn step(&mut self, d: u32, byte: u8) -> u32 {
        match &self.states[d as usize].row {
            Row::One(b, to) => {
                if *b != byte {
                    return DEAD;
                }
                if *to != UNKNOWN {
                    return *to;
                }
            }
            Row::Few(list) => match list.iter().find(|x| x.0 == byte) {
                None => return DEAD,
                Some(x) if x.1 != UNKNOWN => return x.1,
                Some(_) => {}
            },
            Row::Many(classes, row) => {
                if let Some(&to) = row.get(usize::from(classes[usize::from(byte)])) {
                    if to != UNKNOWN {
                        return to;
                    }
                }
            }
        }
        self.step_first(d, byte)
    }

    /// Where bytes lead from state `d`; `None` if nowhere.
    pub(crate) fn after(&mut self, d: u32, bytes: &[u8]) -> Option<u32> {
        bytes.iter().try_fold(d, |d, &byte| Some(self.step(d, byte)).filter(|&to| to != DEAD))
    }

    /// A step that nobody took before: computes and remembers it.
    #[cold]
    fn step_first(&mut self, d: u32, byte: u8) -> u32 {
        let to = match self.states[d as usize].kind.clone() {
            Kind::Literal { .. } => DEAD, // a literal's row is complete
            Kind::Set { nfa, leaves } => {
                let next = self.nfas[nfa as usize].step(&leaves, byte);
                self.set_state(nfa, next)
            }
            Kind::First { scanner, live, threads, word, .. } => {
                let machine = &self.scanners[scanner as usize];
                let word = machine.words.child(word, byte).unwrap_or(NO_WORD);
                let next = self.nfas[machine.nfa as usize].step(&threads, byte);
                self.first_state(scanner, live, next, word)
            }
            Kind::Units { shape, unit, min, max } => self.step_units(shape, unit, min, max, byte),
            Kind::Prefix { shape, at, min, max } => self.step_prefix(shape, at, min, max, byte),
            Kind::Suffix { shape, at } => self.step_suffix(shape, at, byte),
            Kind::Except { shape, base, node } => self.step_except(shape, base, node, byte),
            Kind::Automaton { shape, state, within } => self.step_automaton(shape, state, within, byte),
            kind @ Kind::Looking { .. } => self.step_looking(&kind, byte, UNASKED),
            Kind::Start { .. } | Kind::Special { .. } => DEAD, // entered in a context only; no text
            Kind::Condition { nfa, condition } => self.step_condition(nfa, condition, byte, UNASKED),
            Kind::Guarded { main, context } => self.step_guarded(main, context, byte),
        };
        if self.fault.is_none() {
            match &mut self.states[d as usize].row {
                Row::One(_, slot) => *slot = to,
                Row::Few(list) => list.iter_mut().filter(|x| x.0 == byte).for_each(|x| x.1 = to),
                Row::Many(classes, row) => {
                    if row.is_empty() {
                        let n = classes.iter().max().map_or(1, |&m| usize::from(m) + 1);
                        *row = vec![UNKNOWN; n].into();
                        self.memory += 4 * n;
                    }
                    row[usize::from(classes[usize::from(byte)])] = to;
                }
            }
        }
        to
    }

    /// The id of a state, if it is known.
    pub(crate) fn known(&self, kind: &Kind) -> Option<u32> {
        self.ids[shard(kind)].get(kind).copied()
    }

    /// A new state. `alphabet` holds every byte that may lead anywhere.
    pub(crate) fn intern(
        &mut self,
        kind: Kind,
        alphabet: &Class,
        classes: Option<Arc<[u8; 256]>>,
        exits: &[Exit],
        distance: u32,
    ) -> u32 {
        let n: u32 = alphabet.iter().map(|w| w.count_ones()).sum();
        let mut bytes = bytes_of(alphabet);
        let row = if n == 1 {
            Row::One(bytes.next().unwrap_or(0), UNKNOWN)
        } else if n <= NARROW {
            Row::Few(bytes.map(|b| (b, UNKNOWN)).collect())
        } else {
            Row::Many(classes.unwrap_or_else(|| self.identity.clone()), Box::new([]))
        };
        let (alphabet, exits, goes_on) = (*alphabet, exits.into(), n > 0);
        let id = self.push(State { kind: kind.clone(), row, alphabet, exits, goes_on, distance, loops: UNKNOWN });
        if id != DEAD {
            self.ids[shard(&kind)].insert(kind, id);
        }
        id
    }

    pub(crate) fn push(&mut self, state: State) -> u32 {
        if self.states.len() >= MAX_STATES {
            return self.fail(KernelError::limit(format!("more than {MAX_STATES} lexer states")));
        }
        self.memory += 232;
        self.states.push(state);
        self.states.len() as u32 - 1
    }

    /// The bytes that may lead anywhere from a state, and which of them its row does not tell apart.
    pub(crate) fn alphabet(&self, d: u32) -> (Class, Option<Arc<[u8; 256]>>) {
        let state = &self.states[d as usize];
        match &state.row {
            Row::Many(classes, _) => (state.alphabet, Some(classes.clone())),
            Row::One(..) | Row::Few(_) => (state.alphabet, None),
        }
    }

    /// Whether one of some bytes may lead anywhere from a state.
    #[inline]
    pub(crate) fn reads(&self, d: u32, bytes: &Class) -> bool {
        self.states[d as usize].alphabet.iter().zip(bytes).any(|(a, b)| a & b != 0)
    }

    /// The few bytes that may lead anywhere from a state; `None` when they are many.
    pub(crate) fn narrow(&self, d: u32, out: &mut Vec<u8>) -> bool {
        out.clear();
        match &self.states[d as usize].row {
            Row::One(b, _) => out.push(*b),
            Row::Few(list) => out.extend(list.iter().map(|x| x.0)),
            Row::Many(..) => return false,
        }
        true
    }

    /// The byte that leads on from a state, and where, if there is no other.
    pub(crate) fn only(&self, d: u32) -> Option<(u8, u32)> {
        match self.states[d as usize].row {
            Row::One(byte, to) if to != UNKNOWN => Some((byte, to)),
            _ => None,
        }
    }

    /// What is left of a literal in a state inside one.
    pub(crate) fn rest_of_literal(&self, d: u32) -> Option<&[u8]> {
        match self.states[d as usize].kind {
            Kind::Literal { text, at } => Some(&self.texts[text as usize][at as usize..]),
            _ => None,
        }
    }

    /// One byte for every state that `d` leads to, printable bytes first, and that state.
    pub fn successors(&mut self, d: u32) -> Vec<(u8, u32)> {
        let mut out: Vec<(u8, u32)> = Vec::new();
        let printable_first = (0x20..0x7F).chain(0..0x20).chain(0x7F..=0xFF);
        let bytes: Vec<u8> = match &self.states[d as usize].row {
            Row::One(byte, _) => vec![*byte],
            Row::Few(list) => list.iter().map(|x| x.0).collect(),
            Row::Many(classes, _) => {
                let mut seen = [false; 256];
                let new = |b: &u8| !std::mem::replace(&mut seen[usize::from(classes[usize::from(*b)])], true);
                printable_first.filter(new).collect()
            }
        };
        for b in bytes {
            let to = self.step(d, b);
            if to != DEAD && !out.iter().any(|x| x.1 == to) {
                out.push((b, to));
            }
        }
        out
    }

    /// How many threads a state holds: what a step from it costs.
    pub(crate) fn weight(&self, d: u32) -> usize {
        match &self.states[d as usize].kind {
            Kind::Set { leaves, .. } => leaves.len(),
            Kind::First { threads, .. } => threads.len() + 1,
            Kind::Looking { threads, .. } => threads.len() + 1,
            Kind::Guarded { main, context } => {
                self.weight(*main) + self.guards.of(*context).iter().map(|&g| self.weight(g)).sum::<usize>()
            }
            _ => 1,
        }
    }
}

fn shard(kind: &Kind) -> usize {
    use std::hash::{BuildHasher, BuildHasherDefault};
    let hash = BuildHasherDefault::<crate::hash::FastHasher>::default().hash_one(kind);
    (hash >> 40) as usize % SHARDS
}

impl Lexicon {
    /// Least number of bytes from state `d` to an exit (a lower bound under guards and priorities).
    pub fn least(&self, d: u32) -> u32 {
        self.states[d as usize].distance
    }

    /// The number of a list of start states.
    pub(crate) fn lexemes(&mut self, starts: &[(u32, u32)]) -> u32 {
        let list: Box<[u32]> = starts.iter().map(|x| x.0).collect();
        if let Some(&known) = self.lists.get(&list) {
            return known;
        }
        self.memory += 32 + 4 * list.len();
        self.lists.insert(list, self.lists.len() as u32);
        self.lists.len() as u32 - 1
    }

    /// What a state was made of: states of one terminal share it, and so may terminals that differ in
    /// bounds only, or in words left out.
    pub(crate) fn origin(&self, d: u32) -> (u8, u32) {
        match self.states[d as usize].kind {
            Kind::Literal { text, .. } => (0, text),
            Kind::Set { nfa, .. } => (1, nfa),
            Kind::First { scanner, .. } | Kind::Looking { scanner, .. } | Kind::Start { scanner, .. } => (2, scanner),
            Kind::Condition { nfa, .. } => (4, nfa),
            Kind::Special { token } => (5, token),
            Kind::Units { shape, .. } | Kind::Prefix { shape, .. } | Kind::Suffix { shape, .. } => (3, shape),
            Kind::Automaton { shape, .. } => (6, shape),
            // Once the words are left behind, the base is all that remains.
            Kind::Except { base, .. } => self.origin(base),
            Kind::Guarded { main, .. } => self.origin(main),
        }
    }
}
