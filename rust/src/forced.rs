//! Bytes that have to come: those that every completion starts with.

use crate::engine::{lock, Engine, State};
use crate::error::Result;
use crate::names::Point;

impl Engine {
    /// The bytes that every completion of a point starts with, `limit` at most.
    pub(crate) fn forced(&mut self, from: &Point, limit: usize) -> Result<Vec<u8>> {
        let (mut out, mut at) = (Vec::new(), from.clone());
        while out.len() < limit && !at.state.can_end {
            let Some(bytes) = self.candidates(&at.state) else { break };
            let mut only: Option<(u8, Point)> = None;
            for byte in bytes {
                if let Some(to) = self.follow_bytes(&at, &[byte])? {
                    if only.replace((byte, to)).is_some() {
                        return Ok(out);
                    }
                }
            }
            let Some((byte, to)) = only else { break };
            out.push(byte);
            at = to;
        }
        Ok(out)
    }

    /// The bytes that may come; `None` where a special token may.
    fn candidates(&self, state: &State) -> Option<Vec<u8>> {
        let lexicon = lock(&self.lexicon);
        let mut all = [0u64; 4];
        for &(d, _) in state.items.iter() {
            if lexicon.special(d).is_some() {
                return None;
            }
            all.iter_mut().zip(lexicon.alphabet(d).0).for_each(|(a, b)| *a |= b);
        }
        Some((0..=255).filter(|&b| crate::regex::holds(&all, b)).collect())
    }
}
