//! What has to be remembered of a JSON text beyond what a grammar can: the names in the objects that are open.
//!
//! A register reads the text byte by byte beside the grammar, which sees to it that it is JSON and that every name has
//! one spelling. Registers share what they have in common, so every state of a generation keeps its own.

use std::sync::Arc;

use crate::error::{KernelError, Result};
use crate::said::Said;

/// Bytes of the names in open objects beyond which a text is refused.
const MAX_BYTES: usize = 64 << 20;
/// Bytes of an object or array that is open, about.
const FRAME: usize = 64;

/// Where in JSON a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Before, in or behind a value other than a string.
    Between,
    /// In a string that is a value.
    Text { escaped: bool },
    /// Where a name may come.
    Expecting,
    /// In a name.
    Name { escaped: bool },
}

/// An object or array that is open.
#[derive(Debug)]
pub(crate) struct Frame {
    is_object: bool,
    /// Names of the object, each with the quote that ends it.
    said: Said,
    /// The most names in it or in one that is open around it.
    most: usize,
    /// Bytes of all these, about.
    bytes: usize,
    below: Option<Arc<Frame>>,
}

impl Drop for Frame {
    fn drop(&mut self) {
        // One by one: a deep text would overflow the stack if each frame dropped the next.
        let mut next = self.below.take();
        while let Some(mut frame) = next.and_then(Arc::into_inner) {
            next = frame.below.take();
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Register {
    pub(crate) mode: Mode,
    /// The beginning of a name.
    name: Vec<u8>,
    top: Option<Arc<Frame>>,
}

impl Default for Register {
    fn default() -> Self {
        Register { mode: Mode::Between, name: Vec::new(), top: None }
    }
}

impl Register {
    /// The register after some bytes; `None` when a name is said twice.
    pub fn read(self: &Arc<Register>, bytes: &[u8]) -> Result<Option<Arc<Register>>> {
        let within = |b: &u8| matches!(b, b'"' | b'\\');
        let structure = |b: &u8| matches!(b, b'"' | b'{' | b'}' | b'[' | b']' | b',');
        let idle = match self.mode {
            Mode::Text { escaped: false } => !bytes.iter().any(within),
            Mode::Between => !bytes.iter().any(structure),
            _ => bytes.is_empty(),
        };
        if idle {
            return Ok(Some(self.clone()));
        }
        let mut register = Register::clone(self);
        for &byte in bytes {
            if !register.step(byte)? {
                return Ok(None);
            }
        }
        Ok(Some(Arc::new(register)))
    }

    /// Takes a byte; false when it ends a name that was said before.
    fn step(&mut self, byte: u8) -> Result<bool> {
        self.mode = match (self.mode, byte) {
            (Mode::Text { escaped: true }, _) => Mode::Text { escaped: false },
            (Mode::Text { .. }, b'\\') => Mode::Text { escaped: true },
            (Mode::Text { .. }, b'"') => Mode::Between,
            (Mode::Text { .. }, _) => self.mode,
            (Mode::Name { escaped }, _) => {
                self.name.push(byte);
                if escaped || byte != b'"' {
                    Mode::Name { escaped: !escaped && byte == b'\\' }
                } else {
                    if !self.say()? {
                        return Ok(false);
                    }
                    Mode::Between
                }
            }
            (Mode::Expecting, b'"') => {
                self.name.clear();
                Mode::Name { escaped: false }
            }
            (_, b'{') => {
                self.open(true)?;
                Mode::Expecting
            }
            (_, b'[') => {
                self.open(false)?;
                Mode::Between
            }
            (_, b'}' | b']') => {
                self.top = self.top.take().and_then(|top| top.below.clone());
                Mode::Between
            }
            (Mode::Between, b',') if self.top.as_ref().is_some_and(|top| top.is_object) => Mode::Expecting,
            (Mode::Between, b'"') => Mode::Text { escaped: false },
            _ => self.mode,
        };
        Ok(true)
    }

    fn open(&mut self, is_object: bool) -> Result<()> {
        let (most, bytes) = self.top.as_ref().map_or((0, 0), |top| (top.most, top.bytes));
        let bytes = bytes + FRAME;
        check(bytes)?;
        self.top = Some(Arc::new(Frame { is_object, said: Said::default(), most, bytes, below: self.top.take() }));
        Ok(())
    }

    /// A name ends; false when it was said before.
    fn say(&mut self) -> Result<bool> {
        let Some(top) = &self.top else { return Ok(true) };
        if top.said.contains(&self.name) {
            return Ok(false);
        }
        let bytes = top.bytes + self.name.len() + 48;
        check(bytes)?;
        let said = top.said.with(&self.name);
        let most = top.most.max(said.len());
        self.top = Some(Arc::new(Frame { is_object: true, said, most, bytes, below: top.below.clone() }));
        self.name.clear();
        Ok(true)
    }

    /// What would complete the name that has begun, or any name where one may come, to one that was said; the quote
    /// that ends it last.
    pub(crate) fn rests(&self) -> Vec<&[u8]> {
        match (&self.top, self.mode) {
            (Some(top), Mode::Name { .. }) => top.said.rests(&self.name),
            (Some(top), Mode::Expecting) => top.said.rests(b""),
            _ => Vec::new(),
        }
    }

    /// Whether any name may come here, as far as this is about names.
    pub(crate) fn is_free(&self) -> bool {
        match (&self.top, self.mode) {
            (Some(top), Mode::Name { .. }) => !top.said.has_prefix(&self.name),
            (Some(top), Mode::Expecting) => top.said.len() == 0,
            _ => true,
        }
    }

    /// Whether no name has begun, and none may come next.
    pub(crate) fn is_elsewhere(&self) -> bool {
        !matches!(self.mode, Mode::Expecting | Mode::Name { .. })
    }

    /// What is open.
    pub(crate) fn place(&self) -> (usize, Mode, Option<Arc<Frame>>) {
        (self.top.as_ref().map_or(0, |top| Arc::as_ptr(top) as usize), self.mode, self.top.clone())
    }

    /// Whether some open object may have no other name left after the next one, when none has below `least` names.
    pub(crate) fn may_run_out(&self, least: u32) -> bool {
        self.top.as_ref().map_or(0, |top| top.most) + 1 >= least as usize
    }

    /// What tells it from others that came from the same one.
    pub(crate) fn key(&self) -> (usize, Mode, Vec<u8>) {
        (self.place().0, self.mode, self.name.clone())
    }
}

fn check(bytes: usize) -> Result<()> {
    if bytes > MAX_BYTES {
        return Err(KernelError::limit(format!("more than {MAX_BYTES} bytes of names in objects that are open")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Arc<Register>> {
        Arc::new(Register::default()).read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_comes_once_in_an_object() {
        for text in [r#"{"a":1,"b":"a","c":{"a":["a","a"],"b":{}}}"#, r#"{"a\"":1,"a":2,"\\":3,"":4}"#, r#"["a","a"]"#]
        {
            assert!(read(text).is_some(), "{text}");
        }
        for text in [r#"{"a":1,"a""#, r#"{"a":{"b":[{}]} , "a""#, r#"[{"a\"":1, "a\"""#, r#"{"":[{"":{}}],"""#] {
            assert!(read(text).is_none(), "{text}");
            assert!(read(&text[..text.len() - 1]).is_some(), "{text}");
        }
    }

    #[test]
    fn what_would_be_said_twice() {
        let mut rests: Vec<Vec<u8>> = Vec::new();
        for text in [r#"{"ab":1,"ac":2,"b":3,"a"#, r#"{"ab":1,"#, r#"{"ab":1,"b"#, r#"{"ab":"#] {
            let register = read(text).unwrap();
            let mut found: Vec<&[u8]> = register.rests();
            found.sort_unstable();
            rests.push(found.join(&b' '));
        }
        assert_eq!(rests, [&b"b\" c\""[..], b"ab\"", b"", b""]);
    }

    #[test]
    fn deep_texts_are_no_burden() {
        let deep = read(&"[".repeat(900_000)).unwrap();
        drop(deep);
        assert!(Arc::new(Register::default()).read(&[b'['; 2_000_000]).is_err());
    }
}
