//! Infos that need no walk of their own: counted strings, and strings less some words.
//!
//! Walking the vocabulary for every count that a bounded string can have would cost a whole walk for
//! each character generated. Instead the unbounded string is walked once, noting how many units each
//! token begins; the info of (units owed, units allowed) is then a selection by count. It is the same
//! for all bounds that no token reaches. A string less some words differs from the plain string in the
//! few tokens that end exactly on a word, which are found by walking words and vocabulary together.

use std::sync::Arc;

use crate::bitmask::{bitmap, pairs, Bitmap, TokenSet};
use crate::counted::HOME;
use crate::exits::{Crossing, Info, AT_START};
use crate::hash::Map;
use crate::lexer::{Kind, Lexicon, DEAD, PLAIN};
use crate::regex::UNBOUNDED;
use crate::rests::ALL;

/// So many tokens too long for a bound are cleared from the shared bitmap; more, and it gets its own.
const MAX_CLEARED: usize = 256;
/// So many tokens are a bitmap.
const MIN_DENSE: usize = 400;

/// What the vocabulary does in the unbounded version of a counted state, by units begun.
#[derive(Debug, Default)]
pub(crate) struct CountTable {
    /// (units begun, token) that end among the units, sorted.
    open: Vec<(u32, u32)>,
    /// (units, token) that end in the suffix or right after it.
    closed: Vec<(u32, u32)>,
    /// (units, node) where the lexeme ends within tokens.
    exits: Vec<(u32, u32)>,
    /// No token begins more.
    most: u32,
    /// Bitmaps of the open tokens up to a count.
    bitmaps: Map<u32, Arc<Bitmap>>,
    infos: Map<(u32, u32), Arc<Info>>,
}

/// Nodes of the vocabulary's trie that a string has, and not without some words.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Lost {
    /// Where a word ends.
    words: Vec<u32>,
    /// Where nothing but words begins.
    subtrees: Vec<u32>,
}

impl Lexicon {
    /// The info of state `d` for tokens that start in it, where there is a shorter way than a walk.
    pub(crate) fn shortcut(&mut self, d: u32) -> Option<Arc<Info>> {
        match self.states[d as usize].kind {
            Kind::Units { shape, unit, min, max } if min > 0 || max != UNBOUNDED => {
                Some(self.counted_info(shape, unit, min, max))
            }
            Kind::Except { shape, base, node } => Some(self.except_info(shape, base, node)),
            Kind::Automaton { .. } => self.universal_info(d).map(Arc::new).or_else(|| self.horizon_info(d)),
            _ => self.universal_info(d).map(Arc::new),
        }
    }

    fn counted_info(&mut self, shape: u32, unit: u32, min: u32, max: u32) -> Arc<Info> {
        let key = (shape, unit);
        if !self.count_tables.contains_key(&key) {
            let table = self.count(shape, unit);
            self.memory += 8 * (table.open.len() + table.closed.len() + table.exits.len());
            self.count_tables.insert(key, table);
        }
        let words = self.words;
        let Some(table) = self.count_tables.get_mut(&key) else { return Arc::default() };
        // Beyond what any token reaches all bounds are alike.
        let (min, max) = (min.min(table.most + 1), max.min(table.most));
        if let Some(known) = table.infos.get(&(min, max)) {
            return known.clone();
        }
        let fits = |x: &&(u32, u32)| min <= x.0 && x.0 <= max;
        let cut = table.open.partition_point(|x| x.0 <= max);
        let mut sparse: Vec<u32> = table.closed.iter().filter(fits).map(|x| x.1).collect();
        let (mut base, mut clear) = (None, Vec::new());
        if cut < MIN_DENSE {
            sparse.extend(table.open[..cut].iter().map(|x| x.1));
        } else {
            let long = table.open.len() - cut;
            let upto = if long <= MAX_CLEARED { table.most } else { max };
            let end = table.open.partition_point(|x| x.0 <= upto);
            let open = &table.open[..end];
            let shared = table.bitmaps.entry(upto).or_insert_with(|| {
                self.memory += 4 * words;
                Arc::new(bitmap(&open.iter().map(|x| x.1).collect::<Vec<_>>(), words))
            });
            base = Some(shared.clone());
            clear = pairs(&mut table.open[cut..end].iter().map(|x| x.1).collect::<Vec<_>>());
        }
        let inside = TokenSet { base, clear, set: pairs(&mut sparse) };
        let places: Vec<(u32, u32)> = table.exits.iter().filter(fits).map(|x| (0, x.1)).collect();
        self.memory += 200 + inside.bytes();
        let info = Arc::new(Info { inside: inside.into(), doubtful: Vec::new(), crossings: self.crossing(places) });
        if let Some(table) = self.count_tables.get_mut(&key) {
            table.infos.insert((min, max), info.clone());
        }
        info
    }

    fn crossing(&mut self, places: Vec<(u32, u32)>) -> Vec<Crossing> {
        if places.is_empty() {
            return Vec::new();
        }
        vec![Crossing { exit: PLAIN, set: self.exits.intern(places, ALL) }]
    }

    /// Walks the vocabulary through the unbounded state, counting units as they begin.
    fn count(&mut self, shape: u32, unit: u32) -> CountTable {
        let home = self.units_state(shape, HOME, 0, UNBOUNDED);
        let start = self.units_state(shape, unit, 0, UNBOUNDED);
        let mut table = CountTable::default();
        let trie = self.exits.vocabulary_trie();
        let mut path = vec![(start, 0u32)];
        let (mut i, end) = (1u32, trie.len() as u32);
        while i < end {
            let node = trie.node(i);
            let level = usize::from(node.depth);
            let (d, units) = path[level - 1];
            let next = self.step(d, node.byte);
            if next == DEAD {
                i = node.end;
                continue;
            }
            let closing = matches!(self.states[next as usize].kind, Kind::Suffix { .. });
            let units = units + u32::from(d == home && !closing);
            let list = if closing { &mut table.closed } else { &mut table.open };
            list.extend(trie.own(i).iter().map(|&t| (units, t)));
            if self.ends(next) && trie.has_children(i) {
                table.exits.push((units, i));
            }
            if self.goes_on(next) {
                path.truncate(level);
                path.push((next, units));
                i += 1;
            } else {
                i = node.end;
            }
        }
        table.open.sort_unstable();
        let of = |list: &[(u32, u32)]| list.iter().map(|x| x.0).max().unwrap_or(0);
        table.most = of(&table.open).max(of(&table.closed)).max(of(&table.exits));
        table
    }

    fn except_info(&mut self, shape: u32, base: u32, node: u32) -> Arc<Info> {
        let plain = self.info(AT_START, base, false);
        // Nodes of the vocabulary on which a word ends, and subtrees where only excluded words are left.
        let trie = self.exits.vocabulary_trie();
        let mut lost = Lost::default();
        let mut todo = vec![(node, 0u32, base)];
        while let Some((word, n, q)) = todo.pop() {
            for (byte, child) in self.excepts[shape as usize].words.children(word).to_vec() {
                let Some(below) = trie.child(n, byte) else { continue };
                let next = self.step(q, byte);
                if next == DEAD {
                    continue;
                }
                if self.except_state(shape, next, child) == DEAD {
                    lost.subtrees.push(below);
                    continue;
                }
                if !self.excepts[shape as usize].words.ends(child).is_empty() {
                    lost.words.push(below);
                }
                todo.push((child, below, next));
            }
        }
        if lost == Lost::default() {
            return plain;
        }
        // Of other words mostly the same is lost: the quote behind the last letter.
        let key = (base, lost);
        if let Some(known) = self.exits.excepts.get(&key) {
            return known.clone();
        }
        let info = Arc::new(self.info_less(&plain, &key.1));
        if self.fault.is_none() {
            self.charge(100 + info.inside.bytes());
            self.exits.excepts.insert(key, info.clone());
        }
        info
    }

    /// An info without what is lost.
    fn info_less(&mut self, plain: &Info, lost: &Lost) -> Info {
        let trie = self.exits.vocabulary_trie();
        let mut ends: Vec<(u32, u32)> = lost.words.iter().map(|&n| (n, n + 1)).collect();
        let mut gone = Vec::new();
        for &n in &lost.subtrees {
            gone.extend_from_slice(trie.own(n));
            gone.extend_from_slice(trie.below(n));
            ends.push((n, trie.node(n).end));
        }
        let gone = pairs(&mut gone);
        let mut inside = TokenSet::clone(&plain.inside);
        for &(word, bits) in &gone {
            inside.set.iter_mut().filter(|x| x.0 == word).for_each(|x| x.1 &= !bits);
        }
        inside.set.retain(|x| x.1 != 0);
        if inside.base.is_some() {
            inside.clear.extend_from_slice(&gone);
            crate::bitmask::normalise(&mut inside.clear);
        }
        let mut crossings = Vec::new();
        for crossing in &plain.crossings {
            let places = self.exits.places(crossing.set);
            let out = |p: &&(u32, u32)| !ends.iter().any(|e| e.0 <= p.1 && p.1 < e.1);
            let rest = places.iter().filter(out).copied().collect();
            crossings.extend(self.crossing(rest));
        }
        Info { inside: inside.into(), doubtful: Vec::new(), crossings }
    }

    /// An upper bound on the bytes to the end of the lexeme in whatever state of the terminal may follow
    /// `d`, guards left out.
    pub(crate) fn dearest(&self, d: u32) -> u32 {
        let longest = |nfa: u32| self.nfas[nfa as usize].longest();
        match &self.states[d as usize].kind {
            Kind::Literal { .. } | Kind::Suffix { .. } => self.least(d),
            Kind::Set { nfa, .. } => longest(*nfa),
            Kind::First { scanner, .. } | Kind::Looking { scanner, .. } | Kind::Start { scanner, .. } => {
                longest(self.scanners[*scanner as usize].nfa)
            }
            Kind::Automaton { shape, .. } => {
                let form = &self.automata[*shape as usize];
                form.longest().saturating_add(longest(form.nfa))
            }
            Kind::Condition { .. } => 0,
            Kind::Special { .. } => 1,
            Kind::Units { shape, min, .. } | Kind::Prefix { shape, min, .. } => {
                let unit = self.counted[*shape as usize].start;
                let prefix = self.counted[*shape as usize].prefix.len() as u32;
                self.units_distance(*shape, *min).saturating_add(self.dearest(unit)).saturating_add(prefix)
            }
            Kind::Except { shape, base, .. } => {
                self.excepts[*shape as usize].words.depth().saturating_add(self.dearest(*base)).saturating_add(1)
            }
            Kind::Guarded { main, .. } => self.dearest(*main),
        }
    }
}
