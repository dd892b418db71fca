//! What an LALR parser can go on with, wherever it stands.
//!
//! A parser without conflicts only ever holds beginnings of sentences: each item of the state on top
//! can be completed, then the item below that waits for it, and so on down the stack. So terminals that
//! are never read do no harm where every item can be completed in another way.

use std::cmp::Reverse;

use crate::error::Result;
use crate::hash::Set;
use crate::lalr::{Lalr, Scanner};
use crate::lalr_cost::Costs;
use crate::lexer::Lexicon;
use crate::scanner::ALL_LIVE;
use crate::settled::Readings;

impl Scanner {
    /// Whether another has all of this one's alternatives in this order, and keywords, among its own.
    fn is_part_of(&self, other: &Scanner) -> bool {
        let (order, ignored, keywords) = &self.code;
        let mut rest = other.code.0.iter();
        order.iter().all(|t| rest.any(|o| o == t))
            && *ignored == other.code.1
            && keywords.iter().all(|k| other.code.2.contains(k))
    }
}

impl Lalr {
    /// See [`Parser::readings`](crate::parser::Parser::readings).
    pub(crate) fn widest_readings(&mut self, lexicon: &mut Lexicon) -> Result<Option<Vec<Readings>>> {
        // Without conflicts the stack is always the beginning of some sentence, if each nonterminal has one.
        let costs = self.costs();
        let table = self.table.clone();
        let derives =
            |s: usize| table.gotos[s].iter().all(|g| costs.of(s as u32).iter().any(|c| (c.0, c.1) == (g.0, 0)));
        let ignored = Set::from_iter(self.scanners.iter().flat_map(|s| s.code.1.iter().copied()));
        if table.actions.iter().flatten().any(|a| ignored.contains(&a.0)) {
            return Ok(None); // the grammar waits for what is never taken
        }
        let yields = |s: usize, t: u32| self.scanners[self.scanner_of[s] as usize].labels.binary_search(&t).is_ok();
        let special = |t: u32| t == self.end_of_text || self.specials.iter().any(|known| known.0 == t);
        if (0..table.actions.len()).any(|s| table.actions[s].iter().any(|a| !special(a.0) && !yields(s, a.0))) {
            return Ok(None); // ... or is always taken for something else, such as a string that an ignored regex has
        }
        if !self.conflict_free || !(0..table.gotos.len()).all(derives) {
            return Ok(None);
        }
        // What can be read among more alternatives can be read among fewer.
        let mut order: Vec<usize> = (0..self.scanners.len()).collect();
        order.sort_by_key(|&i| Reverse(self.scanners[i].labels.len()));
        let mut widest: Vec<usize> = Vec::new();
        self.place_of = vec![0; self.scanners.len()];
        for i in order {
            let place = widest.iter().position(|&w| self.scanners[i].is_part_of(&self.scanners[w]));
            self.place_of[i] = place.unwrap_or(widest.len());
            if place.is_none() {
                widest.push(i);
            }
        }
        let mut places = Vec::with_capacity(widest.len());
        for index in widest {
            let scanner = self.scanner(lexicon, index as u32)?;
            let d = lexicon.scan(scanner, ALL_LIVE);
            let Scanner { code: (_, ignored, _), labels, .. } = &self.scanners[index];
            let terminals = labels.iter().filter(|l| !ignored.contains(l)).map(|&l| (d, l)).collect();
            places.push(Readings { terminals, ignored: ignored.iter().map(|&l| (d, l)).collect() });
        }
        Ok(Some(places))
    }

    /// See [`Parser::does_without`](crate::parser::Parser::does_without).
    pub(crate) fn has_other_ways(&mut self, unreadable: &[(usize, u32)]) -> bool {
        // Every item of every state can be completed in another way.
        let place = |s: u32| self.place_of[self.scanner_of[s as usize] as usize];
        let rest = Costs::new(&self.table, &self.least, |s, t| !unreadable.contains(&(place(s), t)));
        self.costs().same_ways(&rest)
    }
}
