//! Walks from where a scanner starts, put together of parts.
//!
//! A parser that has many scanners, and starts each of them in many contexts and among many live terminals, comes to the
//! same states after the first byte almost everywhere: what differs is a keyword, an operator, a byte that a guard
//! forbids. So the first bytes of an exit set are partitioned into *cells*, as coarse as the starts that were seen
//! allow (each start leads all bytes of a cell to one state; partition refinement, Hopcroft 1971), and the walk from one
//! such state is done once for its cell. What a start does is the parts of its cells, side by side.

use std::sync::Arc;

use crate::bitmask::TokenSet;
use crate::exits::{Crossing, Info, Walk};
use crate::hash::Map;
use crate::lexer::{Exit, Kind, Lexicon, DEAD};
use crate::regex::bytes_of;
use crate::rests::Place;

/// First bytes that all starts so far have led to one state, by a number of their own.
type Cell = (u32, Box<[u8]>);

/// What the tokens of one cell do in one state.
#[derive(Debug)]
struct Part {
    ends: Box<[(u32, Arc<TokenSet>)]>,
    exits: Box<[(Exit, Arc<[Place]>)]>,
}

/// What is known of parts.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// By exit set.
    cells: Map<u32, Vec<Cell>>,
    next_cell: u32,
    /// By cell and state: the index of a part.
    ids: Map<(u32, u32), u32>,
    parts: Vec<Arc<Part>>,
    /// By exit and the parts that have it: where the lexeme ends.
    unions: Map<(Exit, Box<[u32]>), u32>,
}

impl Lexicon {
    /// Whether several terminals may begin in a state, so that others begin alike.
    pub(crate) fn is_start(&self, d: u32) -> bool {
        match &self.states[d as usize].kind {
            Kind::Guarded { main, .. } => self.is_start(*main),
            Kind::First { scanner, threads, .. } => {
                let nfa = &self.nfas[self.scanners[*scanner as usize].nfa as usize];
                threads.windows(2).any(|pair| nfa.label(pair[0]) != nfa.label(pair[1]))
            }
            _ => false,
        }
    }

    /// The info of such a state, tokens apart by the state that they end in.
    pub(crate) fn info_of_parts(&mut self, set: u32, d: u32) -> Info {
        let mut parts: Vec<u32> = Vec::new();
        for (cell, bytes, next) in self.cells(set, d) {
            match self.exits.parts.ids.get(&(cell, next)) {
                Some(&known) => parts.push(known),
                None => {
                    let part = self.part(set, &bytes, next);
                    if self.fault.is_some() {
                        return Info::default();
                    }
                    let known = &mut self.exits.parts;
                    known.parts.push(Arc::new(part));
                    known.ids.insert((cell, next), known.parts.len() as u32 - 1);
                    parts.push(known.parts.len() as u32 - 1);
                }
            }
        }
        let found: Vec<Arc<Part>> = parts.iter().map(|&p| self.exits.parts.parts[p as usize].clone()).collect();
        let doubtful = found.iter().flat_map(|part| part.ends.iter().cloned()).collect();
        let mut exits: Vec<(Exit, Vec<u32>)> = Vec::new();
        for (&number, part) in parts.iter().zip(&found) {
            for (exit, _) in part.exits.iter() {
                match exits.iter_mut().find(|x| x.0 == *exit) {
                    Some(x) => x.1.push(number),
                    None => exits.push((*exit, vec![number])),
                }
            }
        }
        let crossings =
            exits.into_iter().map(|(exit, parts)| Crossing { exit, set: self.joined(exit, parts) }).collect();
        Info { inside: Arc::default(), doubtful, crossings }
    }

    /// The cells of an exit set that a start leads to some state.
    fn cells(&mut self, set: u32, d: u32) -> Vec<(u32, Box<[u8]>, u32)> {
        let cells = match self.exits.parts.cells.remove(&set) {
            Some(cells) => cells,
            None => {
                let bytes: Vec<u8> = bytes_of(&self.firsts(set)).collect();
                self.exits.parts.next_cell += 1;
                vec![(self.exits.parts.next_cell, bytes.into())]
            }
        };
        let (mut kept, mut led) = (Vec::with_capacity(cells.len()), Vec::new());
        for (number, bytes) in cells {
            let mut groups: Vec<(u32, Vec<u8>)> = Vec::new();
            for &byte in bytes.iter() {
                let next = self.step(d, byte);
                match groups.iter_mut().find(|g| g.0 == next) {
                    Some(group) => group.1.push(byte),
                    None => groups.push((next, vec![byte])),
                }
            }
            let whole = groups.len() == 1;
            for (next, bytes) in groups {
                let number = if whole {
                    number
                } else {
                    self.exits.parts.next_cell += 1;
                    self.exits.parts.next_cell
                };
                let bytes: Box<[u8]> = bytes.into();
                if next != DEAD {
                    led.push((number, bytes.clone(), next));
                }
                kept.push((number, bytes));
            }
        }
        self.exits.parts.cells.insert(set, kept);
        led
    }

    fn part(&mut self, set: u32, bytes: &[u8], next: u32) -> Part {
        let mut walk = Walk::new(true);
        for &byte in bytes {
            let (places, some) = self.first(set, byte);
            for &place in &places[some] {
                self.walk(place, next, &mut walk);
            }
        }
        let (ends, exits) = self.found(walk);
        let bytes = ends.iter().map(|e| e.1.bytes() + 32).sum::<usize>();
        self.charge(80 + bytes + exits.iter().map(|e| 8 * e.1.len() + 32).sum::<usize>());
        Part { ends: ends.into(), exits: exits.into_iter().map(|(exit, places)| (exit, places.into())).collect() }
    }

    /// The exit set of the places where some parts have an exit.
    fn joined(&mut self, exit: Exit, parts: Vec<u32>) -> u32 {
        let key = (exit, parts.into_boxed_slice());
        if let Some(&known) = self.exits.parts.unions.get(&key) {
            return known;
        }
        let mut places: Vec<Place> = Vec::new();
        for &part in key.1.iter() {
            let exits = &self.exits.parts.parts[part as usize].exits;
            exits.iter().filter(|x| x.0 == exit).for_each(|x| places.extend_from_slice(&x.1));
        }
        self.charge(60 + 4 * key.1.len());
        let set = self.exit_set(exit, places);
        self.exits.parts.unions.insert(key, set);
        set
    }
}
