//! Counted terminals: `prefix unit{min,max} suffix`, as counters.
//!
//! The state is (state of the unit's automaton, units still owed, units still allowed), so terminals
//! with other bounds share states, and "any number more" is one state that recurs. A unit must be
//! prefix-free (a character is): then there is one way to count.

use crate::error::{KernelError, Result};
use crate::lexer::{Kind, Lexicon, DEAD, PLAIN};
use crate::regex::UNBOUNDED;

/// Between two units.
pub(crate) const HOME: u32 = u32::MAX;
/// States of a unit's automaton beyond which it is refused.
const MAX_UNIT_STATES: usize = 10_000;

impl Lexicon {
    /// Checks that the unit is prefix-free and does not start like the suffix.
    pub(crate) fn check_unit(&mut self, start: u32, suffix: Option<u8>) -> Result<()> {
        if suffix.is_some_and(|b| self.step(start, b) != DEAD) {
            return Err(KernelError::program("the suffix of a counted terminal starts like its unit"));
        }
        let (mut seen, mut todo) = (vec![start], vec![start]);
        while let Some(d) = todo.pop() {
            if self.ends(d) && self.goes_on(d) {
                return Err(KernelError::program("the unit of a counted terminal is not prefix-free"));
            }
            for (_, next) in self.successors(d) {
                if !seen.contains(&next) {
                    seen.push(next);
                    todo.push(next);
                }
            }
            if seen.len() > MAX_UNIT_STATES {
                return Err(KernelError::limit(format!(
                    "the unit of a counted terminal has more than {MAX_UNIT_STATES} states"
                )));
            }
        }
        self.check()
    }

    /// The state before byte `at` of the prefix.
    pub(crate) fn prefix_state(&mut self, shape: u32, at: u32, min: u32, max: u32) -> u32 {
        let form = &self.counted[shape as usize];
        let Some(&byte) = form.prefix.get(at as usize) else {
            return self.units_state(shape, HOME, min, max);
        };
        let kind = Kind::Prefix { shape, at, min, max };
        let least = (form.prefix.len() as u32 - at).saturating_add(self.units_distance(shape, min));
        self.known(&kind).unwrap_or_else(|| self.intern(kind, &crate::regex::single(byte), None, &[], least))
    }

    pub(crate) fn step_prefix(&mut self, shape: u32, at: u32, min: u32, max: u32, byte: u8) -> u32 {
        if self.counted[shape as usize].prefix.get(at as usize) == Some(&byte) {
            self.prefix_state(shape, at + 1, min, max)
        } else {
            DEAD
        }
    }

    pub(crate) fn units_distance(&self, shape: u32, min: u32) -> u32 {
        let form = &self.counted[shape as usize];
        min.saturating_mul(form.least).saturating_add(form.suffix.len() as u32)
    }

    /// The state inside a unit (or [`HOME`]) with so many units to come after it.
    pub(crate) fn units_state(&mut self, shape: u32, unit: u32, min: u32, max: u32) -> u32 {
        let kind = Kind::Units { shape, unit, min, max };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let mut distance = self.units_distance(shape, min);
        let form = &self.counted[shape as usize];
        let (first, start, classes) = (form.suffix.first().copied(), form.start, form.classes.clone());
        let (mut alphabet, mut exit) = ([0; 4], None);
        if unit == HOME {
            if max > 0 {
                alphabet = self.unit_alphabet(start);
            }
            match first {
                Some(byte) if min == 0 => alphabet[usize::from(byte >> 6)] |= 1 << (byte & 63),
                None if min == 0 => exit = Some(PLAIN),
                _ => {}
            }
        } else {
            alphabet = self.unit_alphabet(unit);
            distance = distance.saturating_add(self.states[unit as usize].distance);
        }
        self.intern(kind, &alphabet, Some(classes), exit.as_slice(), distance)
    }

    fn unit_alphabet(&self, unit: u32) -> crate::regex::Class {
        match &self.states[unit as usize].kind {
            Kind::Set { nfa, leaves } => self.nfas[*nfa as usize].alphabet(leaves),
            _ => [u64::MAX; 4],
        }
    }

    pub(crate) fn step_units(&mut self, shape: u32, unit: u32, min: u32, max: u32, byte: u8) -> u32 {
        let form = &self.counted[shape as usize];
        let (first, start) = (form.suffix.first().copied(), form.start);
        if unit != HOME {
            let next = self.step(unit, byte);
            return self.in_unit(shape, next, min, max);
        }
        if first == Some(byte) {
            return if min == 0 { self.suffix_state(shape, 1) } else { DEAD };
        }
        if max == 0 {
            return DEAD;
        }
        let next = self.step(start, byte);
        self.in_unit(shape, next, min.saturating_sub(1), if max == UNBOUNDED { max } else { max - 1 })
    }

    fn in_unit(&mut self, shape: u32, unit: u32, min: u32, max: u32) -> u32 {
        if unit == DEAD {
            return DEAD;
        }
        let ended = self.ends(unit);
        self.units_state(shape, if ended { HOME } else { unit }, min, max)
    }

    fn suffix_state(&mut self, shape: u32, at: u32) -> u32 {
        let kind = Kind::Suffix { shape, at };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let suffix = &self.counted[shape as usize].suffix;
        let left = suffix.len() as u32 - at;
        let alphabet = suffix.get(at as usize).map_or([0; 4], |&b| crate::regex::single(b));
        let exit = (left == 0).then_some(PLAIN);
        self.intern(kind, &alphabet, None, exit.as_slice(), left)
    }

    pub(crate) fn step_suffix(&mut self, shape: u32, at: u32, byte: u8) -> u32 {
        if self.counted[shape as usize].suffix.get(at as usize) == Some(&byte) {
            self.suffix_state(shape, at + 1)
        } else {
            DEAD
        }
    }
}
