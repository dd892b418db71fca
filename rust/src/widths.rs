//! How many values a scalar can still become: enough of them, and some is none of those that were said.
//!
//! Different texts of a string or of the digits of a number are different values, so it is texts that are counted, up
//! to as many as are asked for, and a few bytes ahead.

use crate::hash::Map;
use crate::lexer::{Kind, Lexicon, DEAD};
use crate::trie::Trie;

/// Bytes that are looked ahead.
const AHEAD: u32 = 24;
/// Significant digits that a double keeps apart.
const DIGITS: u32 = 15;
/// Lexer states that a string may have for all of them to be looked at.
const FEW: usize = 80;
/// So many texts, and a vocabulary's tokens are looked through once for all.
pub(crate) const MANY: usize = 4_000;

/// Which bytes go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bytes {
    Any,
    /// The digits before the point of a number, or behind it after a nonzero digit or a zero.
    Whole,
    Fraction {
        zero: bool,
    },
}

/// What is known of lexer states: the texts that were asked for, and those that there are.
#[derive(Debug, Default)]
pub(crate) struct Widths {
    known: Map<(u32, bool), (usize, usize)>,
    wide: Map<u32, bool>,
}

impl Widths {
    /// Whether a string in state `d` has as many ends.
    pub fn string(&mut self, lexicon: &mut Lexicon, d: u32, wanted: usize) -> bool {
        self.has(lexicon, (d, true), Bytes::Any, AHEAD, wanted)
    }

    /// Whether a number that has begun with `text`, or begins in state `d`, has as many values.
    pub fn number(&mut self, lexicon: &mut Lexicon, d: u32, text: &[u8], wanted: usize) -> bool {
        if text.iter().any(|byte| matches!(byte, b'e' | b'E')) {
            return false;
        }
        if !text.contains(&b'.') {
            // 0 may be spelled twice.
            return self.has(lexicon, (d, false), Bytes::Whole, AHEAD, wanted + 1);
        }
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count() as u32;
        let ahead = DIGITS.saturating_sub(digits);
        let bytes = Bytes::Fraction { zero: true };
        count(lexicon, d, bytes, ahead, wanted, &mut Map::default()) >= wanted
    }

    fn has(&mut self, lexicon: &mut Lexicon, key: (u32, bool), bytes: Bytes, ahead: u32, wanted: usize) -> bool {
        let (asked, found) = self.known.get(&key).copied().unwrap_or((0, 0));
        if found >= wanted || asked >= wanted {
            return found >= wanted;
        }
        let asked = 2 * wanted + 16;
        let found = count(lexicon, key.0, bytes, ahead, asked, &mut Map::default());
        self.known.insert(key, (asked, found));
        found >= wanted
    }

    /// Whether a string in state `d` has many ends, whatever comes in it.
    pub fn is_wide(&mut self, lexicon: &mut Lexicon, trie: &Trie, d: u32) -> bool {
        if let Some(&known) = self.wide.get(&d) {
            return known;
        }
        let is_wide = units_left(lexicon, d).is_some_and(|left| left > u32::from(trie.height(0)) + AHEAD)
            && self.string(lexicon, d, MANY)
            || self.all_wide(lexicon, d);
        self.wide.insert(d, is_wide);
        is_wide
    }

    fn all_wide(&mut self, lexicon: &mut Lexicon, d: u32) -> bool {
        let mut all = vec![d];
        let mut at = 0;
        while let Some(&d) = all.get(at) {
            at += 1;
            if all.len() > FEW || !self.string(lexicon, d, MANY) {
                return false;
            }
            for byte in 0..=255 {
                let to = lexicon.step(d, byte);
                if to != DEAD && lexicon.goes_on(to) && !all.contains(&to) {
                    all.push(to);
                }
            }
        }
        true
    }
}

/// Texts that lead from state `d` to an end, `wanted` of them at most.
fn count(
    lexicon: &mut Lexicon,
    d: u32,
    bytes: Bytes,
    ahead: u32,
    wanted: usize,
    known: &mut Map<(u32, u32, Bytes), usize>,
) -> usize {
    let ends = lexicon.ends(d) && bytes != Bytes::Fraction { zero: true };
    if ahead == 0 {
        return usize::from(ends || bytes == Bytes::Any);
    }
    if let Some(&known) = known.get(&(d, ahead, bytes)) {
        return known;
    }
    let mut total = usize::from(ends);
    let from_to = if bytes == Bytes::Any { 0..=255 } else { b'-'..=b'9' };
    for byte in from_to {
        if total >= wanted {
            break;
        }
        let to = lexicon.step(d, byte);
        let next = match bytes {
            Bytes::Any => Bytes::Any,
            _ if byte == b'.' || byte == b'/' => continue,
            Bytes::Whole => Bytes::Whole,
            Bytes::Fraction { .. } => Bytes::Fraction { zero: byte == b'0' },
        };
        if to != DEAD {
            total += count(lexicon, to, next, ahead - 1, wanted, known);
        }
    }
    known.insert((d, ahead, bytes), total);
    total
}

/// How many units of a counted terminal may still come.
fn units_left(lexicon: &Lexicon, d: u32) -> Option<u32> {
    match lexicon.states[d as usize].kind {
        Kind::Units { max, .. } => Some(max),
        _ => None,
    }
}
