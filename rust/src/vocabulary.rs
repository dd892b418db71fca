//! A vocabulary: what each token is in bytes.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::bitmask::TokenSet;
use crate::differ::ItemTokens;
use crate::error::{ErrorKind, KernelError, Result};
use crate::lexer::Lexicon;
use crate::name_tokens::NameTokens;
use crate::search::SPECIAL;
use crate::trie::Trie;

/// Longest token, in bytes; longer ones would be a mistake of whoever read the tokenizer.
const MAX_TOKEN: usize = 1024;
/// When the tables that grammars share have grown to so many bytes, new grammars start new ones.
const SHARED_BYTES: usize = 512 << 20;

/// The bytes of all tokens, in one piece.
#[derive(Debug)]
pub struct Tokens {
    bytes: Box<[u8]>,
    ends: Box<[u32]>,
}

impl Tokens {
    /// The bytes of a token (none for an id out of range).
    #[inline]
    pub fn bytes(&self, token: u32) -> &[u8] {
        let i = token as usize;
        let Some(&end) = self.ends.get(i) else { return &[] };
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start as usize..end as usize]
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True for a vocabulary of nothing.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// A vocabulary and the tables that all of its grammars share.
#[derive(Debug)]
pub struct Vocabulary {
    /// What text the tokens are; empty for special ones.
    pub tokens: Arc<Tokens>,
    /// The tokens that end the output.
    pub eos: Box<[u32]>,
    /// Words of a bitmask.
    pub words: usize,
    /// Whether every byte is a token, so that every text has a tokenisation.
    pub complete: bool,
    trie: Arc<Trie>,
    /// Asked for by grammars in which names come once.
    names: OnceLock<NameTokens>,
    /// Asked for by grammars in which items have to differ.
    items: OnceLock<ItemTokens>,
    /// Where each token stands in the order of the trie, once asked for.
    slots: OnceLock<Box<[u32]>>,
    /// The lexicon for the grammars to come. Those that exist keep theirs.
    lexicon: Mutex<Arc<Mutex<Lexicon>>>,
}

impl Vocabulary {
    /// `special` and `eos` ids never match text, whatever their bytes; nor do empty tokens.
    pub fn new(tokens: &[impl AsRef<[u8]>], special: &[u32], eos: &[u32]) -> Result<Vocabulary> {
        let bad = |message: String, id: usize| KernelError::new(ErrorKind::Vocabulary, message).at(id);
        let mut silent = vec![false; tokens.len()];
        for &id in special.iter().chain(eos) {
            *silent
                .get_mut(id as usize)
                .ok_or_else(|| bad(format!("token {id} is not in the vocabulary"), id as usize))? = true;
        }
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(tokens.len()));
        for (id, (token, silent)) in tokens.iter().zip(&silent).enumerate() {
            let token = token.as_ref();
            if !silent {
                if token.len() > MAX_TOKEN {
                    return Err(bad(format!("token {id} has {} bytes, more than {MAX_TOKEN}", token.len()), id));
                }
                bytes.extend_from_slice(token);
            }
            let end = u32::try_from(bytes.len()).map_err(|_| bad("more than 4 GiB of tokens".into(), id))?;
            ends.push(end);
        }
        let tokens = Arc::new(Tokens { bytes: bytes.into(), ends: ends.into() });
        let items = (0..tokens.len() as u32).map(|id| (tokens.bytes(id), id, 0)).filter(|x| !x.0.is_empty()).collect();
        let trie = Arc::new(Trie::new(items));
        let words = tokens.len().div_ceil(32);
        let lexicon = Mutex::new(Arc::new(Mutex::new(Lexicon::new(tokens.clone(), trie.clone(), words))));
        let mut eos = eos.to_vec();
        eos.sort_unstable();
        eos.dedup();
        let complete = (0..=255).all(|b| trie.child(0, b).is_some_and(|n| !trie.own(n).is_empty()));
        Ok(Vocabulary {
            tokens,
            eos: eos.into(),
            words,
            complete,
            trie,
            names: OnceLock::new(),
            slots: OnceLock::new(),
            items: OnceLock::new(),
            lexicon,
        })
    }

    /// The lexicon for a new grammar.
    pub fn lexicon(&self) -> Arc<Mutex<Lexicon>> {
        let mut current = self.lexicon.lock().unwrap_or_else(PoisonError::into_inner);
        let full = current.lock().unwrap_or_else(PoisonError::into_inner).memory > SHARED_BYTES;
        if full {
            *current = Arc::new(Mutex::new(Lexicon::new(self.tokens.clone(), self.trie.clone(), self.words)));
        }
        current.clone()
    }

    /// The tokens, by their bytes.
    pub(crate) fn trie(&self) -> &Trie {
        &self.trie
    }

    /// The tokens that may say names.
    pub(crate) fn names(&self) -> &NameTokens {
        let tokens = &self.tokens;
        self.names.get_or_init(|| NameTokens::new((0..tokens.len() as u32).map(|id| tokens.bytes(id))))
    }

    /// The tokens of a set that begin with the bytes on the way to some node of the trie.
    pub(crate) fn below(&self, nodes: &[u32], set: &TokenSet) -> Vec<u32> {
        let (Some(few), false) = (set.few(), nodes.is_empty()) else {
            let below = nodes.iter().flat_map(|&node| self.trie.rests(node));
            return below.map(|x| x.0).filter(|&token| set.contains(token)).collect();
        };
        let slots = self.slots.get_or_init(|| {
            let mut slots = vec![u32::MAX; self.tokens.len()];
            (0u32..).zip(self.trie.rests(0)).for_each(|(slot, (token, _))| slots[token as usize] = slot);
            slots.into()
        });
        let parts: Vec<_> = nodes.iter().map(|&node| self.trie.slots(node)).collect();
        few.filter(|&token| parts.iter().any(|part| part.contains(&slots[token as usize]))).collect()
    }

    /// The tokens that may end items, or have some.
    pub(crate) fn items(&self) -> &ItemTokens {
        let tokens = &self.tokens;
        self.items.get_or_init(|| ItemTokens::new((0..tokens.len() as u32).map(|id| tokens.bytes(id))))
    }

    /// Bytes of memory, about: the tokens, their trie, and the tables for new grammars.
    pub fn memory_bytes(&self) -> usize {
        let current = self.lexicon.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = current.lock().unwrap_or_else(PoisonError::into_inner).memory;
        self.tokens.bytes.len() + 4 * self.tokens.len() + self.trie.bytes() + shared
    }
}

impl Vocabulary {
    /// The tokens of symbols: special ones as they are, the bytes between by longest match.
    pub(crate) fn spell(&self, symbols: &[u32]) -> Result<Vec<u32>> {
        let mut out = Vec::new();
        for run in symbols.chunk_by(|&a, &b| a < SPECIAL && b < SPECIAL) {
            match run[0].checked_sub(SPECIAL) {
                Some(token) => out.push(token),
                None => out.extend(self.greedy(&run.iter().map(|&b| b as u8).collect::<Vec<_>>())?),
            }
        }
        Ok(out)
    }

    /// The longest-match tokenisation of some bytes.
    pub fn greedy(&self, bytes: &[u8]) -> Result<Vec<u32>> {
        let (mut out, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let (mut node, mut best) = (0, None);
            for (i, &byte) in bytes[at..].iter().enumerate() {
                let Some(child) = self.trie.child(node, byte) else { break };
                node = child;
                if let Some(&token) = self.trie.own(node).first() {
                    best = Some((token, i + 1));
                }
            }
            let missing =
                || KernelError::new(ErrorKind::Vocabulary, format!("no token starts with byte {:#04x}", bytes[at]));
            let (token, length) = best.ok_or_else(missing)?;
            out.push(token);
            at += length;
        }
        Ok(out)
    }
}
