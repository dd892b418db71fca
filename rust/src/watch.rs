//! A limit on the time that one step may take.
//!
//! What a step costs is bounded anyway, by the sizes of vocabulary and grammar, but their product may be hours.

use std::time::{Duration, Instant};

use crate::error::{ErrorKind, KernelError};

/// The clock is looked at once in so many calls.
const EVERY: u32 = 64;

/// Runs from the start of a step.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    limit: Duration,
    until: Option<Instant>,
    calls: u32,
}

impl Watch {
    /// Starts anew.
    pub fn start(&mut self, limit: Duration) {
        *self = Watch { limit, until: Instant::now().checked_add(limit), calls: 0 };
    }

    /// The error of a step that takes too long.
    #[inline]
    pub fn check(&mut self) -> Result<(), KernelError> {
        self.calls = self.calls.wrapping_add(1);
        if self.calls % EVERY != 0 || self.until.is_none_or(|until| Instant::now() < until) {
            return Ok(());
        }
        Err(KernelError::new(ErrorKind::Time, format!("a step took longer than {:?}", self.limit)))
    }
}
