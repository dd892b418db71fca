//! Terminals as byte codes, and the lexer states that they start in.
//!
//! A terminal is what its code says, nothing else: the same code in two grammars is the same terminal.
//! The first byte tells the kind.

use std::sync::Arc;

use crate::behind::UNASKED;
use crate::code::Reader;
use crate::error::{ErrorKind, KernelError, Result};
use crate::lexer::{Kind, Lexicon, Row, State, DEAD, PLAIN, UNKNOWN};
use crate::nfa::{too_large, Nfa, MAX_POSITIONS, NEVER};
use crate::regex::{single, Tree, UNBOUNDED};
use crate::scanner::{Live, Scanner, Spelled, Words, ALL_LIVE, NO_WORD};

/// The bytes themselves.
pub const LITERAL: u8 = 0;
/// A regex that may end at every accepting position.
pub const REGEX_SET: u8 = 1;
/// A regex with one end, leftmost-first.
pub const REGEX_FIRST: u8 = 2;
/// `prefix unit{min,max} suffix`, counted and not unrolled.
pub const COUNTED: u8 = 3;
/// A regex by sets, less some whole words.
pub const EXCEPT: u8 = 4;
/// A special token of the vocabulary.
pub const SPECIAL: u8 = 5;
/// A deterministic automaton over characters.
pub const AUTOMATON: u8 = 6;

/// Longest literal, in bytes.
const MAX_LITERAL: usize = 1 << 20;

/// What the states of a counted terminal have in common; see `counted`.
#[derive(Debug)]
pub(crate) struct CountedShape {
    pub prefix: Box<[u8]>,
    pub suffix: Box<[u8]>,
    /// Start state of the unit.
    pub start: u32,
    /// Least number of bytes in a unit.
    pub least: u32,
    /// Bytes that neither the unit nor the suffix tells apart.
    pub classes: Arc<[u8; 256]>,
}

/// What the states of an `EXCEPT` terminal have in common; see `except`.
#[derive(Debug)]
pub(crate) struct ExceptShape {
    pub words: Words,
}

/// Whether a terminal of this code ends leftmost-first.
pub fn is_first(code: &[u8]) -> bool {
    code.first() == Some(&REGEX_FIRST)
}

/// The regex of a terminal that may stand in a scanner.
pub fn scannable(code: &[u8]) -> Result<Tree> {
    match code.split_first() {
        Some((&LITERAL, bytes)) => Tree::literal(bytes),
        Some((&REGEX_FIRST, regex)) => Tree::parse(regex),
        _ => Err(KernelError::program("only literals and leftmost-first regexes can stand in a scanner")),
    }
}

impl Lexicon {
    /// The start state of a terminal.
    pub fn terminal(&mut self, code: &[u8]) -> Result<u32> {
        if let Some(&start) = self.starts.get(code) {
            return Ok(start);
        }
        self.watch.check()?;
        let (&kind, body) = code.split_first().ok_or_else(|| KernelError::program("an empty terminal code"))?;
        let start = match kind {
            LITERAL => self.literal(body)?,
            REGEX_SET => self.regex_set(body)?,
            REGEX_FIRST => {
                let scanner = self.lone_scanner(&Tree::parse(body)?)?;
                match self.scan(scanner, ALL_LIVE) {
                    DEAD if self.scanners[scanner as usize].looks => self.never(scanner),
                    start => start,
                }
            }
            COUNTED => {
                let mut reader = Reader::new(body);
                let (min, max) = (reader.u32()?, reader.u32()?);
                let (prefix, suffix) = (reader.counted_bytes()?, reader.counted_bytes()?);
                if min > max || min == UNBOUNDED {
                    return Err(KernelError::program(format!("a count from {min} to {max}")));
                }
                let start = self.regex_set(reader.rest())?;
                let shape = self.counted_shape(prefix, suffix, start)?;
                self.prefix_state(shape, 0, min, max)
            }
            EXCEPT => {
                let mut reader = Reader::new(body);
                let mut words = Vec::new();
                for _ in 0..reader.u32()? {
                    words.push(reader.counted_bytes()?);
                }
                let base = self.terminal(reader.rest())?;
                if !matches!(self.states[base as usize].kind, Kind::Set { .. }) {
                    return Err(KernelError::program("words can be excluded from a regex by sets only"));
                }
                self.excepts.push(ExceptShape { words: Words::new(words.into_iter()) });
                self.except_state(self.excepts.len() as u32 - 1, base, 0)
            }
            SPECIAL => {
                let token = Reader::new(body).u32()?;
                if token as usize >= self.vocabulary.len() || !self.vocabulary.bytes(token).is_empty() {
                    let message = format!("token {token} is no special token of the vocabulary");
                    return Err(KernelError::new(ErrorKind::Vocabulary, message));
                }
                self.intern(Kind::Special { token }, &[0; 4], None, &[], 1)
            }
            AUTOMATON => self.automaton(body)?,
            _ => return Err(KernelError::program(format!("unknown kind of terminal {kind:#04x}"))),
        };
        self.check()?;
        if start == DEAD {
            return Err(KernelError::program("a terminal that matches nothing"));
        }
        self.memory += 2 * code.len();
        self.starts.insert(code.into(), start);
        Ok(start)
    }

    /// All states of a literal stand in a row, so that a step is an addition.
    fn literal(&mut self, bytes: &[u8]) -> Result<u32> {
        if bytes.is_empty() || bytes.len() > MAX_LITERAL {
            return Err(KernelError::program(format!("a literal of {} bytes", bytes.len())));
        }
        let text = self.texts.len() as u32;
        self.texts.push(bytes.into());
        let start = self.states.len() as u32;
        for at in 0..=bytes.len() {
            let last = at == bytes.len();
            let row = if last { Row::Few(Box::new([])) } else { Row::One(bytes[at], start + at as u32 + 1) };
            self.push(State {
                kind: Kind::Literal { text, at: at as u32 },
                row,
                alphabet: bytes.get(at).map_or([0; 4], |&byte| single(byte)),
                exits: last.then_some(PLAIN).as_slice().into(),
                goes_on: !last,
                distance: (bytes.len() - at) as u32,
                loops: UNKNOWN,
            });
        }
        self.check()?;
        Ok(start)
    }

    pub(crate) fn regex_set(&mut self, code: &[u8]) -> Result<u32> {
        let mut key = vec![REGEX_SET];
        key.extend_from_slice(code);
        if let Some(&start) = self.starts.get(&key[..]) {
            return Ok(start);
        }
        let mut nfa = Nfa::new(&[Tree::parse(code)?])?;
        if nfa.looks {
            return Err(KernelError::program("a regex by sets that looks around"));
        }
        let leaves = nfa.start();
        self.memory += nfa.bytes();
        self.nfas.push(nfa);
        let start = self.set_state(self.nfas.len() as u32 - 1, leaves.to_vec());
        if start == DEAD {
            self.check()?;
            return Err(KernelError::program("a regex that matches nothing"));
        }
        self.starts.insert(key.into(), start);
        Ok(start)
    }

    /// A scanner of one alternative, with label 0.
    fn lone_scanner(&mut self, tree: &Tree) -> Result<u32> {
        let family = self.scanner_family();
        self.add_scanner(family, &[(0, tree)], &[])
    }

    /// A new automaton for the scanners of a grammar: the scanner over it that has nothing yet.
    pub(crate) fn scanner_family(&mut self) -> u32 {
        self.nfas.push(Nfa::empty());
        let (nfa, plain) = (self.nfas.len() as u32 - 1, self.scanners.len() as u32);
        let (words, keywords) = (Words::default(), Box::new([]));
        self.scanners.push(Scanner { nfa, start: 0, looks: false, looks_behind: false, plain, words, keywords });
        plain
    }

    /// A new scanner of a family over ordered alternatives, each with its label; the same label is the same
    /// alternative in all of the family. `keywords` are (regex label, word, keyword label).
    pub(crate) fn add_scanner(
        &mut self,
        family: u32,
        alternatives: &[(u32, &Tree)],
        keywords: &[(u32, Spelled, u32)],
    ) -> Result<u32> {
        let number = self.scanners[family as usize].nfa;
        let nfa = &mut self.nfas[number as usize];
        let before = nfa.bytes();
        let (mut looks, mut looks_behind, mut positions) = (false, false, 0);
        for &(label, tree) in alternatives {
            if nfa.alternative(label).is_none() {
                nfa.add(tree, label)?;
            }
            let alternative = nfa.alternative(label);
            looks |= alternative.is_some_and(|a| a.looks);
            looks_behind |= alternative.is_some_and(|a| a.looks_behind);
            positions += alternative.map_or(0, |a| a.positions);
        }
        if positions > MAX_POSITIONS {
            return Err(too_large());
        }
        let start = nfa.one_of(alternatives.iter().map(|a| a.0));
        if nfa.distance(start) == 0 && !looks {
            return Err(KernelError::program("a leftmost-first terminal that matches the empty string"));
        }
        self.memory += nfa.bytes() - before;
        self.scanners.push(Scanner {
            nfa: number,
            start,
            looks,
            looks_behind,
            plain: family,
            words: Words::spelled(keywords.iter().map(|k| &k.1)),
            keywords: keywords.iter().map(|k| (k.0, k.2)).collect(),
        });
        Ok(self.scanners.len() as u32 - 1)
    }

    /// The start state of a scanner, or DEAD when nothing live can be read.
    pub(crate) fn scan(&mut self, scanner: u32, live: Live) -> u32 {
        let machine = &self.scanners[scanner as usize];
        let word = if machine.keywords.is_empty() { NO_WORD } else { 0 };
        let nfa = &mut self.nfas[machine.nfa as usize];
        if machine.looks {
            let least = nfa.distance(machine.start);
            return match self.looks_behind(scanner) {
                false => self.looking_start(scanner, live, UNASKED, word),
                true => {
                    let kind = Kind::Start { scanner, live, word };
                    self.known(&kind).unwrap_or_else(|| self.intern(kind, &[u64::MAX; 4], None, &[], least))
                }
            };
        }
        let leaves = nfa.closure(machine.start);
        self.first_state(scanner, live, leaves.to_vec(), word)
    }

    /// The id of a set of live labels.
    pub(crate) fn live(&mut self, labels: &[u32]) -> Live {
        let mut bits = vec![0u64; labels.iter().max().map_or(1, |&m| m as usize / 64 + 1)];
        for &l in labels {
            bits[l as usize / 64] |= 1 << (l % 64);
        }
        let bits: Arc<[u64]> = bits.into();
        if let Some(&id) = self.live_ids.get(&bits) {
            return Live(id);
        }
        self.live_sets.push(bits.clone());
        self.live_ids.insert(bits, self.live_sets.len() as u32 - 1);
        Live(self.live_sets.len() as u32 - 1)
    }

    fn counted_shape(&mut self, prefix: &[u8], suffix: &[u8], start: u32) -> Result<u32> {
        let known = self.counted.iter().position(|s| *s.prefix == *prefix && *s.suffix == *suffix && s.start == start);
        if let Some(known) = known {
            return Ok(known as u32);
        }
        self.check_unit(start, suffix.first().copied())?;
        let least = self.states[start as usize].distance;
        if least == 0 || least == NEVER {
            return Err(KernelError::program("the unit of a counted terminal matches the empty string, or nothing"));
        }
        let base = match &self.states[start as usize].kind {
            Kind::Set { nfa, .. } => self.nfas[*nfa as usize].byte_class.clone(),
            _ => return Err(KernelError::program("the unit of a counted terminal is no regex by sets")),
        };
        let mut classes = *base;
        let next = usize::from(base.iter().copied().max().unwrap_or(0)) + 1;
        if let (Some(&first), true) = (suffix.first(), next < 256) {
            classes[usize::from(first)] = next as u8;
        }
        self.counted.push(CountedShape {
            prefix: prefix.into(),
            suffix: suffix.into(),
            start,
            least,
            classes: Arc::new(classes),
        });
        Ok(self.counted.len() as u32 - 1)
    }
}
