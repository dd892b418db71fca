//! Regex code: postfix operators over bytes, read into a small syntax tree.
//!
//! | code | operands | meaning |
//! |---|---|---|
//! | `E` | | the empty string |
//! | `L` u16 n, n bytes | | these bytes |
//! | `C` 32 bytes | | one byte of the class (bit b of byte b>>3) |
//! | `.` u16 n | n | one after the other |
//! | `\|` u16 n | n | one of them, the first preferred |
//! | `{` u32 min, u32 max, u8 greedy | 1 | repeated; max 0xFFFFFFFF is none |
//! | `U` | 1 | repeated freely, greedy (any characters of a string) |
//! | `=` u8 negative | 1 | nothing, where it matches from here on (or where it does not) |
//! | `<` u8 negative, u32 n, n bytes of regex code | | nothing, where a match of that code ends (or none does) |
//! | `>` | 1 | its first match only: no other is tried, whatever follows |

use std::sync::Arc;

use crate::code::Reader;
use crate::error::{KernelError, Result};

/// A set of bytes, 256 bits.
pub type Class = [u64; 4];
/// No upper bound.
pub const UNBOUNDED: u32 = u32::MAX;

/// Nesting beyond this is refused: the compiler recurses over the tree.
const MAX_DEPTH: u32 = 400;
/// Parts (after unrolling counted repeats) beyond this are refused.
const MAX_SIZE: u64 = 200_000;

/// Whether the class holds the byte.
#[inline]
pub fn holds(class: &Class, byte: u8) -> bool {
    class[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
}

/// The bytes of a class, in order.
pub fn bytes_of(class: &Class) -> impl Iterator<Item = u8> {
    let (mut rest, mut at) = (*class, 0);
    std::iter::from_fn(move || {
        while rest[at] == 0 {
            at += 1;
            if at == rest.len() {
                at = 0; // it stays empty
                return None;
            }
        }
        let bit = rest[at].trailing_zeros() as u8;
        rest[at] &= rest[at] - 1;
        Some((at as u8) << 6 | bit)
    })
}

/// The bytes that two classes share.
pub fn common(a: &Class, b: &Class) -> Class {
    std::array::from_fn(|i| a[i] & b[i])
}

/// The class of one byte.
pub fn single(byte: u8) -> Class {
    let mut class = [0; 4];
    class[usize::from(byte >> 6)] = 1 << (byte & 63);
    class
}

/// One node of a syntax tree; children are indices of earlier nodes.
#[derive(Debug, Clone)]
pub enum Syntax {
    /// Matches nothing but the empty string.
    Empty,
    /// These bytes.
    Literal(Box<[u8]>),
    /// One byte.
    Class(Class),
    /// In order.
    Concat(Box<[u32]>),
    /// Ordered alternatives.
    Alternation(Box<[u32]>),
    /// `body` again and again.
    Repeat {
        /// What is repeated.
        body: u32,
        /// At least so often.
        min: u32,
        /// At most so often, or [`UNBOUNDED`].
        max: u32,
        /// Go on before leaving.
        greedy: bool,
    },
    /// The empty string, if `body` matches from here on.
    Ahead {
        /// What is looked for.
        body: u32,
        /// If it does not match, rather.
        negative: bool,
    },
    /// The empty string, if a match of the regex code ends here.
    Behind {
        /// What is looked for.
        code: Box<[u8]>,
        /// If none ends here, rather.
        negative: bool,
    },
    /// The first match of `body`, once and for all.
    Atomic(u32),
}

/// A syntax tree: nodes in postfix order, the root last.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: Vec<Syntax>,
    nullable: Vec<bool>,
    least: Vec<u32>,
    depth: Vec<u32>,
    size: Vec<u64>,
    /// The nodes of loops over any character, with the code of a character.
    universal: Vec<(u32, Arc<[u8]>)>,
}

impl Tree {
    /// Reads regex code.
    pub fn parse(code: &[u8]) -> Result<Tree> {
        let mut tree = Tree::default();
        let mut stack: Vec<u32> = Vec::new();
        // Where the code of each part on the stack begins.
        let mut begins: Vec<usize> = Vec::new();
        let mut reader = Reader::new(code);
        while !reader.done() {
            let (at, parts) = (reader.at(), stack.len());
            let op = reader.u8()?;
            let node = match op {
                b'E' => Syntax::Empty,
                b'L' => Syntax::Literal(reader.counted_bytes()?.into()),
                b'C' => {
                    let bits = reader.take(32)?;
                    let mut class = [0u64; 4];
                    for (i, &byte) in bits.iter().enumerate() {
                        class[i / 8] |= u64::from(byte) << (8 * (i % 8));
                    }
                    Syntax::Class(class)
                }
                b'.' | b'|' => {
                    let n = reader.u16()?;
                    let from = stack.len().checked_sub(n).ok_or_else(|| missing(op))?;
                    let parts: Box<[u32]> = stack.split_off(from).into();
                    if op == b'.' {
                        Syntax::Concat(parts)
                    } else if parts.is_empty() {
                        return Err(KernelError::program("an alternation of nothing"));
                    } else {
                        Syntax::Alternation(parts)
                    }
                }
                b'{' => {
                    let (min, max, greedy) = (reader.u32()?, reader.u32()?, reader.u8()? != 0);
                    if min > max || min == UNBOUNDED {
                        return Err(KernelError::program(format!("repeat from {min} to {max}")));
                    }
                    Syntax::Repeat { body: stack.pop().ok_or_else(|| missing(op))?, min, max, greedy }
                }
                b'U' => Syntax::Repeat {
                    body: stack.pop().ok_or_else(|| missing(op))?,
                    min: 0,
                    max: UNBOUNDED,
                    greedy: true,
                },
                b'=' => {
                    let negative = reader.u8()? != 0;
                    Syntax::Ahead { body: stack.pop().ok_or_else(|| missing(op))?, negative }
                }
                b'<' => {
                    let (negative, n) = (reader.u8()? != 0, reader.u32()?);
                    Syntax::Behind { code: reader.take(n as usize)?.into(), negative }
                }
                b'>' => Syntax::Atomic(stack.pop().ok_or_else(|| missing(op))?),
                _ => return Err(KernelError::program(format!("unknown regex operator {op:#04x}"))),
            };
            begins.truncate(stack.len() + 1);
            if stack.len() == parts || begins.len() == stack.len() {
                begins.push(at);
            }
            let node = tree.push(node)?;
            if op == b'U' {
                tree.universal.push((node, code[begins[stack.len()]..at].into()));
            }
            stack.push(node);
        }
        if stack.len() != 1 {
            return Err(KernelError::program(format!("regex code leaves {} parts, not one", stack.len())));
        }
        Ok(tree)
    }

    /// Reads regex code; the tree is of any bytes, then that.
    pub fn parse_after_anything(code: &[u8]) -> Result<Tree> {
        let mut tree = Tree::parse(code)?;
        let body = tree.root();
        let any = tree.push(Syntax::Class([u64::MAX; 4]))?;
        let anything = tree.push(Syntax::Repeat { body: any, min: 0, max: UNBOUNDED, greedy: true })?;
        tree.push(Syntax::Concat([anything, body].into()))?;
        Ok(tree)
    }

    fn push(&mut self, node: Syntax) -> Result<u32> {
        let (nullable, depth, size) = match &node {
            Syntax::Empty => (true, 1, 1),
            Syntax::Literal(bytes) => (bytes.is_empty(), 1, bytes.len() as u64 + 1),
            Syntax::Class(_) => (false, 1, 1),
            Syntax::Concat(parts) => {
                (parts.iter().all(|&p| self.nullable[p as usize]), self.deepest(parts) + 1, self.total(parts) + 1)
            }
            Syntax::Alternation(parts) => {
                (parts.iter().any(|&p| self.nullable[p as usize]), self.deepest(parts) + 1, self.total(parts) + 1)
            }
            Syntax::Repeat { body, min, max, .. } => {
                let copies = if *max == UNBOUNDED { u64::from(*min) + 1 } else { u64::from(*max).max(1) };
                let size = (self.size[*body as usize] + 1).saturating_mul(copies).saturating_add(1);
                (*min == 0 || self.nullable[*body as usize], self.depth[*body as usize] + 1, size)
            }
            Syntax::Ahead { body, .. } => (true, self.depth[*body as usize] + 1, self.size[*body as usize] + 1),
            Syntax::Behind { code, .. } => (true, 1, code.len() as u64),
            Syntax::Atomic(body) => {
                (self.nullable[*body as usize], self.depth[*body as usize] + 1, self.size[*body as usize] + 1)
            }
        };
        if depth > MAX_DEPTH {
            return Err(KernelError::limit(format!("a regex nested deeper than {MAX_DEPTH}")));
        }
        if size > MAX_SIZE {
            return Err(KernelError::limit(format!("a regex of more than {MAX_SIZE} parts, repeats unrolled")));
        }
        let least = match &node {
            Syntax::Empty | Syntax::Ahead { .. } | Syntax::Behind { .. } => 0,
            Syntax::Atomic(body) => self.least[*body as usize],
            Syntax::Literal(bytes) => bytes.len() as u32,
            Syntax::Class(_) => 1,
            Syntax::Concat(parts) => parts.iter().fold(0, |sum: u32, &p| sum.saturating_add(self.least[p as usize])),
            Syntax::Alternation(parts) => parts.iter().map(|&p| self.least[p as usize]).min().unwrap_or(0),
            Syntax::Repeat { body, min, .. } => self.least[*body as usize].saturating_mul(*min),
        };
        self.nodes.push(node);
        self.least.push(least);
        self.nullable.push(nullable);
        self.depth.push(depth);
        self.size.push(size);
        Ok(self.nodes.len() as u32 - 1)
    }

    fn deepest(&self, parts: &[u32]) -> u32 {
        parts.iter().map(|&p| self.depth[p as usize]).max().unwrap_or(0)
    }

    fn total(&self, parts: &[u32]) -> u64 {
        parts.iter().fold(0, |sum, &p| sum.saturating_add(self.size[p as usize]))
    }

    /// A node.
    pub fn node(&self, n: u32) -> &Syntax {
        &self.nodes[n as usize]
    }

    /// Whether the node matches the empty string.
    pub fn nullable(&self, n: u32) -> bool {
        self.nullable[n as usize]
    }

    /// A lower bound on the bytes of a match.
    pub fn least(&self) -> u32 {
        self.least.last().copied().unwrap_or(0)
    }

    /// The code of a character, where a node is a loop over any.
    pub fn universal(&self, n: u32) -> Option<Arc<[u8]>> {
        self.universal.iter().find(|x| x.0 == n).map(|x| x.1.clone())
    }

    /// The regex codes of all lookbehinds.
    pub fn behinds(&self) -> impl Iterator<Item = &[u8]> {
        self.nodes.iter().filter_map(|node| match node {
            Syntax::Behind { code, .. } => Some(&code[..]),
            _ => None,
        })
    }

    /// The whole expression.
    pub fn root(&self) -> u32 {
        self.nodes.len() as u32 - 1
    }
}

fn missing(op: u8) -> KernelError {
    KernelError::program(format!("regex operator {:?} lacks operands", char::from(op)))
}

impl Tree {
    /// The tree of a literal.
    pub fn literal(bytes: &[u8]) -> Result<Tree> {
        let mut tree = Tree::default();
        tree.push(Syntax::Literal(bytes.into()))?;
        Ok(tree)
    }
}
