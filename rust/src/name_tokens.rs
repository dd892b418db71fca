//! The tokens that may say names, listed once a vocabulary.
//!
//! What a token with a comma does to a register is told by the brackets that it closes before: tokens that do the same
//! are one list, so that a mask is asked for a few lists, and not for each of its tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bitmask::{pairs, Pairs, TokenSet};
use crate::names::NEVER;
use crate::register::{Mode, Register};

/// Tokens that close more brackets are looked at one by one.
const DEEP: usize = 64;

/// Tokens with names in them, by what they may do.
#[derive(Debug, Default)]
pub(crate) struct NameTokens {
    /// Those that can say a whole name behind a comma of theirs.
    whole: Pairs,
    /// Those that can begin one behind a comma of theirs.
    begun: Pairs,
    /// Those that can end between a comma and a name.
    commas: Vec<CommaTokens>,
    /// The same by what they do to a register, in a string and between values; the others do not matter there.
    in_text: Vec<CommaTokens>,
    between: Vec<CommaTokens>,
    all: Box<[u32]>,
}

/// Tokens that end between a comma and a name, and do the same.
#[derive(Debug)]
pub(crate) struct CommaTokens {
    /// So many objects and arrays are closed before the comma; `None`: it depends.
    pub closes: Option<usize>,
    pub tokens: Pairs,
}

impl NameTokens {
    /// Those of a vocabulary.
    pub fn new<'a>(tokens: impl Iterator<Item = &'a [u8]>) -> NameTokens {
        let (mut whole, mut begun, mut commas) = (Vec::new(), Vec::new(), Vec::new());
        for (id, bytes) in (0u32..).zip(tokens) {
            let (mut says, mut begins, mut ends) = (false, false, false);
            for (i, _) in bytes.iter().enumerate().filter(|x| *x.1 == b',') {
                let rest = bytes[i + 1..].trim_ascii_start();
                let name = rest.strip_prefix(b"\"");
                ends |= name.unwrap_or(rest).is_empty();
                says |= name.is_some_and(|name| name.contains(&b'"'));
                begins |= name.is_some_and(|name| !name.is_empty());
            }
            match () {
                _ if says => whole.push(id),
                _ if begins => begun.push(id),
                _ if ends => commas.push((id, bytes)),
                _ => continue,
            }
        }
        let mut ids: Vec<u32> = commas.iter().map(|x| x.0).collect();
        let all = [&whole, &begun, &ids].into_iter().flatten().copied().collect();
        NameTokens {
            whole: pairs(&mut whole),
            begun: pairs(&mut begun),
            in_text: by_brackets(b"\"", &commas),
            between: by_brackets(b"", &commas),
            commas: vec![CommaTokens { closes: None, tokens: pairs(&mut ids) }],
            all,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.all.iter().copied()
    }

    /// Those of a mask that say names behind commas of theirs, as far as it matters.
    pub fn saying(&self, mask: &TokenSet, names_once: u32) -> Box<[u32]> {
        let mut saying = mask.among(&self.whole);
        if names_once != NEVER {
            saying.append(&mut mask.among(&self.begun));
        }
        saying.into()
    }

    /// Those that can end between a comma and a name, in a mode.
    pub fn commas(&self, mode: Mode) -> &[CommaTokens] {
        match mode {
            Mode::Text { escaped: false } => &self.in_text,
            Mode::Between => &self.between,
            _ => &self.commas,
        }
    }
}

/// Tokens that end between a comma and a name, by how many brackets they close first; `before` leads to where they
/// stand. Left out are those behind which no name comes next.
fn by_brackets(before: &[u8], tokens: &[(u32, &[u8])]) -> Vec<CommaTokens> {
    let mut lists: BTreeMap<Option<usize>, Vec<u32>> = BTreeMap::new();
    let text = [b"{\"\":".repeat(DEEP), before.to_vec()].concat();
    let Ok(Some(register)) = Arc::new(Register::default()).read(&text) else { return Vec::new() };
    for &(token, bytes) in tokens {
        let closes = match register.read(bytes) {
            Ok(Some(after)) => match register.closes(&after) {
                Some(_) if after.is_elsewhere() => continue,
                closes => closes.filter(|_| after.has_no_letter()),
            },
            _ => None,
        };
        lists.entry(closes).or_default().push(token);
    }
    lists.into_iter().map(|(closes, mut ids)| CommaTokens { closes, tokens: pairs(&mut ids) }).collect()
}
