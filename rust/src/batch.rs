//! Masks of many matchers at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::bitmask::TokenSet;
use crate::error::Result;
use crate::matcher::Matcher;

/// The masks of some matchers, in their order. What is not known yet is computed by `threads` threads at
/// most. A mask is made with the tables that the grammars of a vocabulary share, so there are no more
/// threads than such tables: others would only wait.
pub fn masks(matchers: &[Matcher], threads: usize) -> Vec<Result<Arc<TokenSet>>> {
    let known: Vec<Option<Arc<TokenSet>>> = matchers.iter().map(Matcher::known_mask).collect();
    let cold: Vec<usize> = (0..known.len()).filter(|&i| known[i].is_none()).collect();
    let computed: Vec<OnceLock<Result<Arc<TokenSet>>>> = cold.iter().map(|_| OnceLock::new()).collect();
    let mut tables: Vec<_> = cold.iter().map(|&i| Arc::as_ptr(&matchers[i].grammar().lexicon)).collect();
    tables.sort_unstable();
    tables.dedup();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(i) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&i| i < cold.len()) {
            computed[i].get_or_init(|| matchers[cold[i]].mask());
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(tables.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut computed = computed.into_iter();
    let mask = |(known, matcher): (Option<Arc<TokenSet>>, &Matcher)| match known {
        Some(mask) => Ok(mask),
        None => computed.next().and_then(OnceLock::into_inner).unwrap_or_else(|| matcher.mask()),
    };
    known.into_iter().zip(matchers).map(mask).collect()
}
