//! The mask kernel of Trellis.
//!
//! It walks a language over a token vocabulary: given a *program* (terminals as byte automata, and
//! either rules as automata over symbols or an LALR table) and what each token is in bytes, it tells
//! for any sequence of tokens which ones may come next: exactly those after which some completion
//! exists. It knows neither Lark nor JSON; Python decides the language.
//!
//! | module | idea |
//! |---|---|
//! | [`vocabulary`], [`trie`] | tokens as a byte trie in preorder |
//! | [`regex`], [`nfa`], [`terminal`] | byte codes of terminals; automata with priorities |
//! | [`lexer`], `guards`, `threads`, `scanner`, `counted`, `except`, `automaton`, `spelling` | where a lexeme stands: interned states |
//! | `looking`, `conditions`, `behind` | lookarounds and atomic groups |
//! | [`exits`], `rests`, `shortcuts`, `horizon`, [`bitmask`] | what the vocabulary does in a lexer state; sets of tokens |
//! | [`parser`], [`program`], [`general`], [`lalr`], [`lalr_table`], `lalr_live` | continuations: what may follow a lexeme |
//! | [`engine`], `mask`, `frames`, `search`, `settled`, `summary`, `budget` | states of a generation, their masks, their shortest endings |
//! | [`matcher`], [`batch`], `forced` | what users hold, and what decoders ask |
//! | `register`, `said`, `names`, `endings` | names of JSON that come once: what no grammar can remember |
//! | `items`, `values`, `differ`, `widths`, `chain` | arrays of JSON whose items have to differ |
//! | [`tidy`], [`schema`] | programs made ready; plain JSON Schemas to programs |

#![warn(missing_docs)]

mod automaton;
pub mod batch;
mod behind;
pub mod bitmask;
mod budget;
mod chain;
mod code;
mod conditions;
mod counted;
mod differ;
mod endings;
pub mod engine;
pub mod error;
mod except;
pub mod exits;
mod forced;
mod frames;
pub mod general;
mod guards;
mod hash;
mod horizon;
mod items;
mod joint;
pub mod lalr;
mod lalr_cost;
mod lalr_live;
mod lalr_readings;
mod lalr_summary;
pub mod lalr_table;
pub mod lexer;
mod looking;
mod loops;
mod mask;
pub mod matcher;
mod name_tokens;
mod names;
pub mod nfa;
pub mod parser;
mod parts;
pub mod program;
#[cfg(feature = "python")]
mod python;
#[cfg(feature = "python")]
mod python_schema;
pub mod regex;
mod register;
mod rests;
mod said;
mod scanner;
pub mod schema;
mod search;
mod settled;
mod shortcuts;
mod spelling;
mod summary;
pub mod terminal;
mod threads;
pub mod tidy;
mod tops;
pub mod trie;
mod universal;
mod values;
pub mod vocabulary;
mod watch;
mod widths;

pub use error::{ErrorKind, KernelError, Result};
pub use lalr_table::LalrCode;
pub use matcher::{Grammar, Matcher};
pub use program::ProgramCode;
pub use vocabulary::Vocabulary;
