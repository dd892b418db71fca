//! The LALR parser: Lark's own table, one interned stack.
//!
//! A continuation is a stack of LR states, as a linked list of interned nodes (state, parent). The
//! lexeme that is being read is Lark's contextual scanner for the state on top: *one* lexer state whose
//! exits carry terminals. A terminal can be in the scanner and yet not be shiftable on this very stack
//! (contextual sets are over-approximations, and LALR merges states): whether it is *live* is found by
//! running the reductions.

use std::sync::Arc;

use crate::code;
use crate::error::{KernelError, Result};
use crate::guards::NO_GUARDS;
use crate::hash::{Map, Set};
use crate::lalr_cost::Costs;
use crate::lalr_live::{among, Lookahead, Terminals};
use crate::lalr_summary::{Control, LalrSummaries, Stacks};
use crate::lalr_table::{LalrCode, ScannerCode, Table};
use crate::lexer::{Exit, Lexicon, DEAD};
use crate::parser::{Closure, Parser, IMPOSSIBLE};
use crate::regex::Tree;
use crate::scanner::ALL_LIVE;
use crate::settled::Readings;
use crate::terminal::{scannable, SPECIAL};

/// No parent: the bottom of a stack.
pub(crate) const BOTTOM: u32 = u32::MAX;
/// Stack nodes beyond this are refused.
const MAX_NODES: usize = 1 << 24;

/// One scanner; its automaton is made when it is first needed.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub code: ScannerCode,
    key: Box<[u8]>,
    id: Option<u32>,
    /// Every terminal that it can yield.
    pub labels: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub state: u32,
    pub parent: u32,
    pub height: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Lalr {
    pub(crate) table: Arc<Table>,
    trees: Vec<Option<Tree>>,
    /// The codes of all terminals.
    alphabet: Box<[u8]>,
    /// Whose alternatives they are in the lexicon.
    family: Option<u32>,
    pub(crate) scanners: Vec<Scanner>,
    pub(crate) scanner_of: Vec<u32>,
    pub(crate) end_of_text: u32,
    pub(crate) conflict_free: bool,
    /// By scanner: which of the readings are its own.
    pub(crate) place_of: Vec<usize>,
    costs: Option<Arc<Costs>>,
    pub(crate) least: Vec<u32>,
    pub(crate) nodes: Vec<Node>,
    /// By state; see `lalr_live`.
    pub(crate) lookaheads: Vec<Option<Arc<Lookahead>>>,
    /// By stack: the terminals that it can take, and the lowest height that says so.
    pub(crate) taken: Vec<Option<(Terminals, u32)>>,
    /// By stack: a rule that it was reduced by, and the stack after that.
    pub(crate) reductions: Vec<Option<(u32, u32)>>,
    /// See [`Parser::looked`].
    pub(crate) looked: u32,
    pub(crate) sets: Set<Terminals>,
    /// By scanner and terminals: where its lexemes start, and the number of the list of that alone.
    starts: Map<(u32, Terminals), (u32, u32)>,
    ids: Map<(u32, u32), u32>,
    free: Vec<u32>,
    closures: Vec<Option<(Arc<Closure>, u32)>>,
    bounds: Vec<Option<u32>>,
    advanced: Map<(u32, u32), (Option<u32>, u32)>,
    summaries: LalrSummaries,
    /// Terminals that are special tokens, with the code.
    pub(crate) specials: Vec<(u32, Box<[u8]>)>,
    start: u32,
}

impl Lalr {
    /// Reads and checks a program.
    pub fn new(code: &LalrCode<'_>) -> Result<Lalr> {
        let table = Table::read(code)?;
        let scanner_of: Vec<u32> = code::rows::<1>(code.scanner_of, "scanner_of")?.iter().map(|r| r[0]).collect();
        let mut trees: Vec<Option<Tree>> = vec![None; code.terminals.len()];
        let mut least = vec![1; code.terminals.len()];
        let mut scanners = Vec::new();
        for (i, scanner) in code.scanners.iter().enumerate() {
            let (order, ignore, keywords) = scanner;
            let mut labels: Vec<u32> = order.iter().chain(keywords.iter().map(|k| &k.2)).copied().collect();
            let wrong =
                labels.iter().chain(ignore).chain(keywords.iter().map(|k| &k.0)).find(|&&t| t as usize >= trees.len());
            if let Some(t) = wrong {
                return Err(KernelError::program(format!("terminal {t} of {} in a scanner", trees.len())).at(i));
            }
            let mut key = Vec::new();
            for &t in order {
                let bytes = code.terminals[t as usize];
                if trees[t as usize].is_none() {
                    trees[t as usize] = Some(scannable(bytes).map_err(|e| e.at(t as usize))?);
                }
                key.extend(t.to_le_bytes());
            }
            for (regex, word, keyword) in keywords {
                if word.iter().any(|letter| letter.is_empty() || letter.iter().any(Vec::is_empty)) {
                    return Err(KernelError::program("a letter of a keyword without a spelling").at(i));
                }
                key.extend([u32::MAX, *regex, *keyword, word.len() as u32].iter().flat_map(|x| x.to_le_bytes()));
                for letter in word {
                    key.extend((letter.len() as u32).to_le_bytes());
                    for spelling in letter {
                        key.extend((spelling.len() as u32).to_le_bytes());
                        key.extend(spelling);
                    }
                }
                let nearest = word.iter().filter_map(|letter| letter.iter().map(Vec::len).min());
                least[*keyword as usize] = nearest.sum::<usize>().max(1) as u32;
            }
            labels.sort_unstable();
            labels.dedup();
            scanners.push(Scanner { code: scanner.clone(), key: key.into(), id: None, labels });
        }
        for (t, tree) in trees.iter().enumerate() {
            if let Some(tree) = tree {
                least[t] = tree.least().max(1);
            }
        }
        if let Some(state) = scanner_of.iter().position(|&s| s as usize >= scanners.len()) {
            return Err(KernelError::program(format!("scanner {} of {}", scanner_of[state], scanners.len())).at(state));
        }
        let mut alphabet = Vec::new();
        for bytes in code.terminals {
            alphabet.extend((bytes.len() as u32).to_le_bytes());
            alphabet.extend(*bytes);
        }
        let mut lalr = Lalr {
            alphabet: alphabet.into(),
            family: None,
            start: 0,
            end_of_text: code.terminals.len() as u32,
            table: Arc::new(table),
            trees,
            scanners,
            scanner_of,
            conflict_free: code.conflict_free,
            place_of: Vec::new(),
            costs: None,
            least,
            nodes: Vec::new(),
            lookaheads: (0..code.scanner_of.len() / 4).map(|_| None).collect(),
            taken: Vec::new(),
            reductions: Vec::new(),
            looked: 0,
            sets: Set::default(),
            starts: Map::default(),
            ids: Map::default(),
            free: Vec::new(),
            closures: Vec::new(),
            bounds: Vec::new(),
            advanced: Map::default(),
            summaries: LalrSummaries::default(),
            specials: (code.terminals.iter().zip(0..))
                .filter(|(bytes, _)| bytes.first() == Some(&SPECIAL))
                .map(|(bytes, t)| (t, (*bytes).into()))
                .collect(),
        };
        lalr.start = lalr.node(code.start, BOTTOM);
        Ok(lalr)
    }

    /// What its lookbehinds look for.
    pub(crate) fn behinds(&self) -> Vec<Box<[u8]>> {
        self.trees.iter().flatten().flat_map(|tree| tree.behinds()).map(Into::into).collect()
    }

    pub(crate) fn node(&mut self, state: u32, parent: u32) -> u32 {
        if let Some(&id) = self.ids.get(&(state, parent)) {
            return id;
        }
        let height = if parent == BOTTOM { 1 } else { self.nodes[parent as usize].height + 1 };
        let made = Node { state, parent, height };
        let id = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(made);
            self.closures.push(None);
            self.taken.push(None);
            self.reductions.push(None);
            self.bounds.push(None);
            self.nodes.len() as u32 - 1
        });
        self.nodes[id as usize] = made;
        self.ids.insert((state, parent), id);
        id
    }

    pub(crate) fn scanner(&mut self, lexicon: &mut Lexicon, index: u32) -> Result<u32> {
        if let Some(id) = self.scanners[index as usize].id {
            return Ok(id);
        }
        let family = self.family(lexicon);
        let scanner = &mut self.scanners[index as usize];
        let key = (family, scanner.key.clone());
        let id = match lexicon.scanner_ids.get(&key) {
            Some(&id) => id,
            None => {
                let (order, _, keywords) = &scanner.code;
                let trees = order.iter().filter_map(|&t| Some((t, self.trees[t as usize].as_ref()?)));
                let id = lexicon.add_scanner(family, &trees.collect::<Vec<_>>(), keywords)?;
                lexicon.scanner_ids.insert(key, id);
                id
            }
        };
        scanner.id = Some(id);
        Ok(id)
    }

    fn family(&mut self, lexicon: &mut Lexicon) -> u32 {
        *self.family.get_or_insert_with(|| {
            let alphabet = std::mem::take(&mut self.alphabet);
            match lexicon.families.get(&alphabet) {
                Some(&family) => family,
                None => {
                    let family = lexicon.scanner_family();
                    lexicon.families.insert(alphabet, family);
                    family
                }
            }
        })
    }

    /// What a stack's bound depends on: (cost, the stack after it; `None` for the end).
    fn endings(&mut self, k: u32, costs: &Costs) -> Vec<(u32, Option<u32>)> {
        let Node { state, parent, .. } = self.nodes[k as usize];
        let mut out = Vec::new();
        for &(nonterminal, pops, cost) in costs.of(state) {
            if pops == 0 && parent != BOTTOM {
                continue; // part of what pops more
            }
            let Some(below) = self.below(k, pops) else { continue };
            match self.table.goto(self.nodes[below as usize].state, nonterminal) {
                Some(to) if to == self.table.end => out.push((cost, None)),
                Some(to) if pops > 0 => out.push((cost, Some(self.node(to, below)))),
                _ => {}
            }
        }
        out
    }

    pub(crate) fn costs(&mut self) -> Arc<Costs> {
        self.costs.get_or_insert_with(|| Arc::new(Costs::new(&self.table, &self.least, |_, _| true))).clone()
    }

    /// A lower bound on the bytes that finish the output from stack `k`.
    fn bound(&mut self, k: u32) -> u32 {
        if let Some(bound) = self.bounds[k as usize] {
            return bound;
        }
        let costs = self.costs();
        // Everything that the stack reduces to, then all bounds at once: with unit rules and left recursion
        // stacks reduce to one another in circles.
        let (mut order, mut index) = (vec![k], Map::from_iter([(k, 0usize)]));
        let mut ways: Vec<Vec<(u32, Option<u32>)>> = Vec::new();
        while ways.len() < order.len() {
            let endings = self.endings(order[ways.len()], &costs);
            for after in endings.iter().filter_map(|e| e.1).filter(|&a| self.bounds[a as usize].is_none()) {
                index.entry(after).or_insert_with(|| {
                    order.push(after);
                    order.len() - 1
                });
            }
            ways.push(endings);
        }
        let mut bounds = vec![IMPOSSIBLE; order.len()];
        let mut better = true;
        while std::mem::take(&mut better) {
            for at in (0..order.len()).rev() {
                let rest = |after: u32| self.bounds[after as usize].unwrap_or_else(|| bounds[index[&after]]);
                let total = |&(cost, after): &(u32, Option<u32>)| cost.saturating_add(after.map_or(0, rest));
                let bound = ways[at].iter().map(total).min().unwrap_or(IMPOSSIBLE);
                better |= bound < bounds[at];
                bounds[at] = bound.min(bounds[at]);
            }
        }
        for (stack, bound) in order.into_iter().zip(bounds) {
            self.bounds[stack as usize] = Some(bound);
        }
        self.bounds[k as usize].unwrap_or(IMPOSSIBLE)
    }
}

/// A parser and its lexicon, for the summaries.
struct Walk<'a> {
    lalr: &'a mut Lalr,
    lexicon: &'a mut Lexicon,
}

impl Stacks for Walk<'_> {
    fn lexemes(&mut self, state: u32, guards: u32) -> Result<(Vec<Exit>, Vec<Exit>)> {
        let scanner = self.lalr.scanner(self.lexicon, self.lalr.scanner_of[state as usize])?;
        let d = self.lexicon.scan(scanner, ALL_LIVE);
        let d = self.lexicon.guarded(d, guards);
        let (mut lexemes, ignored) = match d {
            DEAD => Default::default(),
            _ => self.lalr.outcomes(self.lexicon, d, state)?,
        };
        for (t, _) in &self.lalr.specials {
            if self.lexicon.may_end(guards) && self.lalr.table.action(state, *t).is_some() {
                lexemes.push(Exit { label: *t, context: self.lexicon.restart(guards) });
            }
        }
        // The text may also end here, which satisfies the guards if no lookahead is left.
        if self.lexicon.may_end(guards) {
            lexemes.push(Exit { label: self.lalr.end_of_text, context: NO_GUARDS });
        }
        Ok((lexemes, ignored))
    }

    fn top(&self, k: u32) -> u32 {
        self.lalr.nodes[k as usize].state
    }

    fn reduce(&mut self, k: u32, pops: u32, nonterminal: u32) -> Option<u32> {
        let below = self.lalr.below(k, pops)?;
        let to = self.lalr.table.goto(self.lalr.nodes[below as usize].state, nonterminal)?;
        Some(self.lalr.node(to, below))
    }
}

impl Lalr {
    /// The exits ahead of a lexer state: of terminals for the table, and of ignored ones.
    fn outcomes(&self, lexicon: &mut Lexicon, d: u32, state: u32) -> Result<(Vec<Exit>, Vec<Exit>)> {
        let ignored = &self.scanners[self.scanner_of[state as usize] as usize].code.1;
        Ok(lexicon.outcomes(d)?.iter().partition(|e| !ignored.contains(&e.label)))
    }
}

impl Parser for Lalr {
    fn initial(&self) -> u32 {
        self.start
    }

    fn closure(&mut self, lexicon: &mut Lexicon, k: u32) -> Result<Arc<Closure>> {
        if let Some((known, low)) = &self.closures[k as usize] {
            self.looked = self.looked.min(*low);
            return Ok(known.clone());
        }
        let above = std::mem::replace(&mut self.looked, self.nodes[k as usize].height);
        if self.nodes.len() > MAX_NODES {
            return Err(KernelError::limit(format!("more than {MAX_NODES} parser stacks")));
        }
        let index = self.scanner_of[self.nodes[k as usize].state as usize];
        let scanner = self.scanner(lexicon, index)?;
        let takes = self.takes(k);
        let (d, mut lexemes) = match self.starts.get(&(index, takes.clone())) {
            Some(&known) => known,
            None => {
                let Scanner { code: (_, ignored, _), labels, .. } = &self.scanners[index as usize];
                let live = |l: &u32| ignored.contains(l) || among(&takes, *l);
                let live: Vec<u32> = labels.iter().copied().filter(live).collect();
                let live = lexicon.live(&live);
                let d = lexicon.scan(scanner, live);
                let alone: &[_] = if d == DEAD { &[] } else { &[(d, k)] };
                let known = (d, lexicon.lexemes(alone));
                self.starts.insert((index, takes.clone()), known);
                known
            }
        };
        let mut starts = if d == DEAD { Vec::new() } else { vec![(d, k)] };
        // A special token is all of its lexeme: what follows it is what its item stands before.
        for (t, code) in self.specials.clone() {
            if let Some(after) = self.advance(k, t) {
                starts.push((lexicon.terminal(&code)?, after));
            }
        }
        let can_end = among(&takes, self.end_of_text);
        if starts.len() > 1 || !self.specials.is_empty() {
            lexemes = lexicon.lexemes(&starts);
        }
        let closure = Arc::new(Closure { lexemes, starts: starts.into(), can_end, returns: false });
        self.closures[k as usize] = Some((closure.clone(), self.looked));
        self.looked = self.looked.min(above);
        Ok(closure)
    }

    fn advance(&mut self, k: u32, label: u32) -> Option<u32> {
        if let Some(&(known, low)) = self.advanced.get(&(k, label)) {
            self.looked = self.looked.min(low);
            return known;
        }
        let index = self.scanner_of[self.nodes[k as usize].state as usize];
        let above = std::mem::replace(&mut self.looked, self.nodes[k as usize].height);
        let to = if self.scanners[index as usize].code.1.contains(&label) { Some(k) } else { self.shift(k, label) };
        self.advanced.insert((k, label), (to, self.looked));
        self.looked = self.looked.min(above);
        to
    }

    fn top(&self, k: u32) -> u32 {
        self.nodes[k as usize].state
    }

    fn below_top(&self, k: u32) -> Option<u32> {
        Some(self.nodes[k as usize].parent).filter(|&p| p != BOTTOM)
    }

    fn height(&self, k: u32) -> u32 {
        self.nodes[k as usize].height
    }

    fn looked(&mut self) -> &mut u32 {
        &mut self.looked
    }

    fn estimate(&mut self, lexicon: &Lexicon, d: u32, k: u32) -> u32 {
        if lexicon.special(d).is_some() {
            return self.bound(k).saturating_add(1);
        }
        let mut labels = Vec::new();
        lexicon.labels(d, &mut labels);
        let mut best = IMPOSSIBLE;
        for (label, distance) in labels {
            if let Some(after) = self.advance(k, label) {
                best = best.min(distance.saturating_add(self.bound(after)));
            }
        }
        best
    }

    fn guess(&mut self, lexicon: &Lexicon, d: u32, k: u32) -> u32 {
        self.bound(k).saturating_add(lexicon.least(d))
    }

    fn finishes(&mut self, lexicon: &mut Lexicon, d: u32, k: u32) -> Result<bool> {
        let mut summaries = std::mem::take(&mut self.summaries);
        let table = self.table.clone();
        let end = self.end_of_text;
        let mut found = Ok(false);
        let (lexemes, ignored) = match lexicon.special(d) {
            Some((_, context)) => (Vec::new(), vec![Exit { label: 0, context }]),
            None => self.outcomes(lexicon, d, self.nodes[k as usize].state)?,
        };
        let controls = lexemes.into_iter().map(Control::Ahead);
        let controls = controls.chain(ignored.into_iter().map(|e| Control::Between(e.context)));
        for control in controls {
            let mut stacks = Walk { lalr: self, lexicon };
            found = summaries.finishes(&table, &mut stacks, (control, k), end);
            if found != Ok(false) {
                break;
            }
        }
        self.summaries = summaries;
        found
    }

    fn readings(&mut self, lexicon: &mut Lexicon) -> Result<Option<Vec<Readings>>> {
        self.widest_readings(lexicon)
    }

    fn does_without(&mut self, unreadable: &[(usize, u32)]) -> bool {
        self.has_other_ways(unreadable)
    }

    fn group(&self, k: u32) -> u32 {
        k
    }

    fn merge(&mut self, group: &[u32]) -> u32 {
        group[0] // groups are single stacks
    }

    fn names(&mut self, lexicon: &Lexicon, d: u32, _: u32) -> Vec<u32> {
        if let Some((token, _)) = lexicon.special(d) {
            let same = |code: &[u8]| code[1..] == token.to_le_bytes();
            return self.specials.iter().filter(|(_, code)| same(code)).map(|(t, _)| *t).collect();
        }
        let mut labels = Vec::new();
        lexicon.labels(d, &mut labels);
        labels.into_iter().map(|l| l.0).collect()
    }

    fn continuations(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    fn bytes(&self) -> usize {
        (self.nodes.len() - self.free.len()) * 152 + self.advanced.len() * 24
    }

    fn sweep(&mut self, held: &[u32]) {
        let mut keep = vec![false; self.nodes.len()];
        for &k in held.iter().chain([&self.start]) {
            let mut k = k;
            while k != BOTTOM && !std::mem::replace(&mut keep[k as usize], true) {
                k = self.nodes[k as usize].parent;
            }
        }
        self.closures.iter_mut().for_each(|c| *c = None);
        self.taken.iter_mut().for_each(|t| *t = None);
        self.reductions.iter_mut().for_each(|r| *r = None);
        self.sets = Set::default();
        self.starts = Map::default();
        self.bounds.iter_mut().for_each(|b| *b = None);
        self.summaries.forget();
        self.advanced = Map::default();
        self.free = (0..keep.len() as u32).filter(|&id| !keep[id as usize]).collect();
        self.ids.retain(|_, id| keep[*id as usize]);
    }
}
