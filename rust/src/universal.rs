//! States that any character leads back into: inside a string, behind an unanchored pattern.
//!
//! In such a state every token that is made of characters is inside, whatever else the state waits for, so one bitmap
//! serves them all, and only the tokens in which the characters come to an end (at a closing quote, say) are walked.
//! A regex marks such loops by `U`: no lexeme of it ends among the characters, or right behind them.

use std::sync::Arc;

use crate::bitmask::{Bitmap, Collector, TokenSet};
use crate::exits::{Info, Walk};
use crate::lexer::{Kind, Lexicon, DEAD};
use crate::regex::Class;

/// What the vocabulary does among characters.
#[derive(Debug)]
pub(crate) struct Characters {
    /// The bytes that a character may begin with.
    alphabet: Class,
    /// Tokens made of characters, the last of which may be cut off.
    inside: Arc<Bitmap>,
    /// The nodes of the vocabulary's trie where the characters come to an end, and those above them, in preorder.
    ends: Box<[(u32, bool)]>,
}

impl Lexicon {
    /// The info of a state that any character leads back into; `None` where it is no such state.
    pub(crate) fn universal_info(&mut self, d: u32) -> Option<Info> {
        let characters = self.characters_of(d)?;
        let trie = self.exits.vocabulary_trie();
        let mut walk = Walk::new(false);
        let mut path = vec![d];
        for &(n, is_end) in characters.ends.iter() {
            let node = trie.node(n);
            let level = usize::from(node.depth);
            let next = self.step(path[level - 1], node.byte);
            if is_end {
                if next != DEAD {
                    self.walk((0, n), next, &mut walk);
                }
            } else if next == DEAD || self.ends(next) {
                return None; // not as marked
            } else {
                path.truncate(level);
                path.push(next);
            }
        }
        let mut info = self.gathered(walk, false);
        let inside = TokenSet::clone(&info.inside);
        info.inside = Arc::new(match &inside.base {
            None => TokenSet { base: Some(characters.inside.clone()), ..inside },
            Some(more) => {
                let both: Bitmap = more.iter().zip(characters.inside.iter()).map(|(a, b)| a | b).collect();
                TokenSet { base: Some(Arc::new(both)), ..inside }
            }
        });
        Some(info)
    }

    /// The characters that lead back into a state.
    fn characters_of(&mut self, d: u32) -> Option<Arc<Characters>> {
        match self.states[d as usize].kind.clone() {
            Kind::Set { nfa, leaves } => {
                for i in 0..self.nfas[nfa as usize].loops.len() {
                    let (start, code) = self.nfas[nfa as usize].loops[i].clone();
                    let body = self.nfas[nfa as usize].closure(start);
                    if body.iter().all(|l| leaves.binary_search(l).is_ok()) {
                        let characters = self.characters(&code)?;
                        let apart = self.nfas[nfa as usize].ends_apart(&characters.alphabet);
                        return apart.then_some(characters);
                    }
                }
                None
            }
            Kind::Automaton { shape, state, within: None } => {
                let (code, closing) = self.automata[shape as usize].any_character(state)?;
                let characters = self.characters(&code)?;
                let apart = closing.iter().zip(&characters.alphabet).all(|(a, b)| a & b == 0);
                apart.then_some(characters)
            }
            _ => None,
        }
    }

    /// What the vocabulary does among the characters of a regex code.
    fn characters(&mut self, code: &Arc<[u8]>) -> Option<Arc<Characters>> {
        if let Some(known) = self.characters.get(code) {
            return Some(known.clone());
        }
        let start = self.regex_set(&[&code[..], b"U"].concat()).ok()?;
        let mut alphabet = [0; 4];
        for byte in 0..=255u8 {
            if self.step(start, byte) != DEAD {
                alphabet[usize::from(byte >> 6)] |= 1 << (byte & 63);
            }
        }
        let trie = self.exits.vocabulary_trie();
        let (mut inside, mut ends) = (Collector::default(), Vec::new());
        let (mut states, mut nodes) = (vec![start], vec![0u32]);
        let mut listed = 0; // of the nodes on the path, those that stand in `ends`; the root never does
        let (mut i, last) = (1u32, trie.len() as u32);
        while i < last {
            let node = trie.node(i);
            let level = usize::from(node.depth);
            states.truncate(level);
            nodes.truncate(level);
            listed = listed.min(level - 1);
            let next = self.step(states[level - 1], node.byte);
            if next == DEAD {
                ends.extend(nodes[listed + 1..].iter().map(|&n| (n, false)));
                ends.push((i, true));
                listed = level - 1;
                i = node.end;
            } else {
                inside.add(trie.own(i), self.words);
                states.push(next);
                nodes.push(i);
                i += 1;
            }
        }
        let inside = match inside.finish(self.words) {
            TokenSet { base: Some(base), .. } => base,
            TokenSet { set, .. } => {
                let mut bits = vec![0; self.words].into_boxed_slice();
                set.iter().for_each(|&(word, b)| bits[word as usize] |= b);
                Arc::new(bits)
            }
        };
        self.memory += 4 * self.words + 8 * ends.len();
        let made = Arc::new(Characters { alphabet, inside, ends: ends.into() });
        self.characters.insert(code.clone(), made.clone());
        Some(made)
    }
}
