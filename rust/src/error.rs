//! The one error type of the kernel: a kind, a message, and the place in the program.

use std::fmt;

/// What sort of thing went wrong; Python sees the lower-case name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The program (terminals, automata, tables) is malformed.
    Program,
    /// A limit on size, states or search was hit.
    Limit,
    /// A step took longer than it may.
    Time,
    /// The call does not fit the state of the object (rolling back too far, say).
    State,
    /// `max_tokens` is below what the language needs.
    Budget,
    /// The vocabulary is unusable.
    Vocabulary,
}

impl ErrorKind {
    /// The name that crosses into Python.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Program => "program",
            ErrorKind::Limit => "limit",
            ErrorKind::Time => "time",
            ErrorKind::State => "state",
            ErrorKind::Budget => "budget",
            ErrorKind::Vocabulary => "vocabulary",
        }
    }
}

/// An error of the kernel. `index` is the terminal, rule, state or token that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelError {
    /// Which sort of error.
    pub kind: ErrorKind,
    /// One sentence for people.
    pub message: String,
    /// The index of the offending part, where there is one.
    pub index: Option<u32>,
}

impl KernelError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        KernelError { kind, message: message.into(), index: None }
    }

    /// A malformed program.
    pub fn program(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Program, message)
    }

    /// A limit that was hit.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, message)
    }

    /// The same error, said to be about part `index` (kept if there is one already).
    pub fn at(mut self, index: usize) -> Self {
        self.index.get_or_insert(u32::try_from(index).unwrap_or(u32::MAX));
        self
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)
    }
}

impl std::error::Error for KernelError {}

/// Shorthand for results of the kernel.
pub type Result<T> = std::result::Result<T, KernelError>;
