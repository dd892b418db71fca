//! What has to be remembered of a JSON text beyond what a grammar can: the names in the objects that are open, and the
//! items of arrays in which these have to differ.
//!
//! A register reads the text byte by byte beside the grammar, which sees to it that it is JSON and that every name has
//! one spelling. Registers share what they have in common, so every state of a generation keeps its own.

use std::sync::Arc;

use crate::error::{KernelError, Result};
use crate::items::Watch;
use crate::said::Said;
use crate::values::{is_within_escape, spelled, Scalar};

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
    /// Whether it is an array whose items have to differ.
    is_watched: bool,
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
    /// The beginning of a name, or of a scalar in an array whose items have to differ; without a quote before it.
    text: Vec<u8>,
    top: Option<Arc<Frame>>,
    watch: Option<Arc<Watch>>,
}

/// A register after some bytes, where items may have to differ.
pub(crate) struct Reading {
    pub register: Arc<Register>,
    /// An array opened; none was taken for one whose items have to differ.
    pub opened: bool,
    /// An item ended that was said before in its array.
    pub again: bool,
}

impl Default for Register {
    fn default() -> Self {
        Register { mode: Mode::Between, text: Vec::new(), top: None, watch: None }
    }
}

impl Register {
    /// The register after some bytes; `None` when a name is said twice.
    pub fn read(self: &Arc<Register>, bytes: &[u8]) -> Result<Option<Arc<Register>>> {
        Ok(self.scan(bytes)?.map(|reading| reading.register))
    }

    /// The same, and what has happened to arrays.
    pub(crate) fn scan(self: &Arc<Register>, bytes: &[u8]) -> Result<Option<Reading>> {
        let within = |b: &u8| matches!(b, b'"' | b'\\');
        let structure = |b: &u8| matches!(b, b'"' | b'{' | b'}' | b'[' | b']' | b',');
        let idle = match self.mode {
            Mode::Text { escaped: false } => !bytes.iter().any(within),
            Mode::Between => !bytes.iter().any(structure),
            _ => bytes.is_empty(),
        };
        if idle && self.watch.is_none() {
            return Ok(Some(Reading { register: self.clone(), opened: false, again: false }));
        }
        let mut register = Register::clone(self);
        let (mut opened, mut again) = (false, false);
        for &byte in bytes {
            opened |= byte == b'[' && matches!(register.mode, Mode::Between);
            match register.step(byte, false)? {
                None => return Ok(None),
                Some(was) => again |= was,
            }
        }
        Ok(Some(Reading { register: Arc::new(register), opened, again }))
    }

    /// Takes a byte; `None` when it ends a name that was said before, else whether an item has ended that was.
    ///
    /// Where it is a bracket, `watched` tells whether the items of the array have to differ.
    pub(crate) fn step(&mut self, byte: u8, watched: bool) -> Result<Option<bool>> {
        let mut again = false;
        if self.is_in_scalar() && !is_plain(byte) {
            again = self.end_scalar(false)?;
        }
        self.mode = match (self.mode, byte) {
            (Mode::Text { escaped }, _) => {
                if self.watch.is_some() {
                    self.text.push(byte);
                }
                match byte {
                    _ if escaped => Mode::Text { escaped: false },
                    b'\\' => Mode::Text { escaped: true },
                    b'"' => {
                        again = self.end_scalar(true)?;
                        Mode::Between
                    }
                    _ => self.mode,
                }
            }
            (Mode::Name { escaped }, _) => {
                self.text.push(byte);
                if escaped || byte != b'"' {
                    Mode::Name { escaped: !escaped && byte == b'\\' }
                } else {
                    if !self.say()? {
                        return Ok(None);
                    }
                    Mode::Between
                }
            }
            (Mode::Expecting, b'"') => {
                self.text.clear();
                Mode::Name { escaped: false }
            }
            (_, b'{') => {
                self.open(true, false)?;
                Mode::Expecting
            }
            (_, b'[') => {
                self.open(false, watched)?;
                Mode::Between
            }
            (_, b'}' | b']') => {
                again |= self.close();
                Mode::Between
            }
            (Mode::Between, b',') => match &self.top {
                Some(top) if top.is_object => Mode::Expecting,
                Some(top) if top.is_watched => {
                    self.watch = self.watch.as_ref().map(|watch| Arc::new(watch.next_item()));
                    Mode::Between
                }
                _ => Mode::Between,
            },
            (Mode::Between, b'"') => Mode::Text { escaped: false },
            (Mode::Between, _) if self.watch.is_some() && is_plain(byte) => {
                self.text.push(byte);
                if matches!(&self.text[..], b"true" | b"false" | b"null") {
                    again = self.end_scalar(false)?;
                }
                Mode::Between
            }
            _ => self.mode,
        };
        Ok(Some(again))
    }

    fn open(&mut self, is_object: bool, is_watched: bool) -> Result<()> {
        let (most, bytes) = self.top.as_ref().map_or((0, 0), |top| (top.most, top.bytes));
        let bytes = bytes + FRAME;
        check(bytes)?;
        let said = Said::default();
        self.top = Some(Arc::new(Frame { is_object, is_watched, said, most, bytes, below: self.top.take() }));
        if let Some(watch) = &self.watch {
            self.watched(watch.open(is_object))?;
        }
        if is_watched {
            self.watched(Watch::new(self.watch.clone())?)?;
        }
        Ok(())
    }

    fn watched(&mut self, watch: Watch) -> Result<()> {
        check(watch.bytes())?;
        self.watch = Some(Arc::new(watch));
        Ok(())
    }

    /// A bracket closes; whether an item ends with it that was said before.
    fn close(&mut self) -> bool {
        let Some(top) = self.top.take() else { return false };
        self.top = top.below.clone();
        if top.is_watched {
            self.watch = self.watch.as_ref().and_then(|watch| watch.around());
        }
        let Some((watch, again)) = self.watch.as_ref().map(|watch| watch.close()) else { return false };
        self.watch = Some(Arc::new(watch));
        again
    }

    /// Whether a number or the like is being read, and remembered.
    fn is_in_scalar(&self) -> bool {
        self.mode == Mode::Between && !self.text.is_empty() && self.watch.is_some()
    }

    /// A scalar ends; whether it is an item that was said before.
    fn end_scalar(&mut self, is_string: bool) -> Result<bool> {
        let Some(watch) = &self.watch else { return Ok(false) };
        let scalar = if is_string { Scalar::string(&self.text) } else { Scalar::plain(&self.text) };
        self.text.clear();
        let (watch, again) = watch.scalar(&scalar);
        self.watched(watch)?;
        Ok(again)
    }

    /// A name ends; false when it was said before.
    fn say(&mut self) -> Result<bool> {
        let Some(top) = &self.top else { return Ok(true) };
        if top.said.contains(&self.text) {
            return Ok(false);
        }
        let bytes = top.bytes + self.text.len() + 48;
        check(bytes)?;
        let said = top.said.with(&self.text);
        let most = top.most.max(said.len());
        let below = top.below.clone();
        self.top = Some(Arc::new(Frame { is_object: true, is_watched: false, said, most, bytes, below }));
        if let Some(watch) = &self.watch {
            self.watched(watch.name(&Scalar::string(&self.text)))?;
        }
        self.text.clear();
        Ok(true)
    }

    /// Whether no array is open whose items have to differ.
    pub(crate) fn is_unwatched(&self) -> bool {
        self.watch.is_none()
    }

    /// Whether every such array can be gone on with, whatever comes in the items that are being read.
    pub(crate) fn is_safe(&self) -> bool {
        self.watch.as_ref().is_none_or(|watch| watch.is_safe())
    }

    /// The same where a number is being read that is an item, and were it to end here.
    pub(crate) fn is_safe_around(&self) -> bool {
        self.is_in_scalar() && self.watch.as_ref().is_some_and(|watch| watch.is_safe_around())
    }

    /// Whether a number, were it to end here, would be an item that was said before.
    pub(crate) fn is_again(&self) -> bool {
        self.is_in_scalar() && self.watch.as_ref().is_some_and(|watch| watch.has(&Scalar::plain(&self.text)))
    }

    /// The number that is being read, where that is remembered.
    pub(crate) fn number(&self) -> &[u8] {
        if self.is_in_scalar() {
            &self.text
        } else {
            b""
        }
    }

    /// Leaves and names that were said: of one more of them, some has to be another.
    pub(crate) fn number_said(&self) -> usize {
        self.watch.as_ref().map_or(0, |watch| watch.leaves()) + self.top.as_ref().map_or(0, |top| top.said.len())
    }

    /// What would complete the string or name that has begun to one that was said at its place; `None` where an escape
    /// has begun.
    pub(crate) fn rests_of_leaf(&self) -> Option<Vec<Vec<u8>>> {
        let Some(watch) = &self.watch else { return Some(Vec::new()) };
        if is_within_escape(&self.text) {
            return None;
        }
        let beginning = [&b"\""[..], &spelled(&self.text)].concat();
        match self.mode {
            Mode::Text { .. } => Some(watch.rests(&beginning)),
            Mode::Name { .. } => Some(watch.rests_of_name(&beginning)),
            _ => Some(Vec::new()),
        }
    }

    /// What would complete the name that has begun, or any name where one may come, to one that was said; the quote
    /// that ends it last.
    pub(crate) fn rests(&self) -> Vec<&[u8]> {
        match (&self.top, self.mode) {
            (Some(top), Mode::Name { .. }) => top.said.rests(&self.text),
            (Some(top), Mode::Expecting) => top.said.rests(b""),
            _ => Vec::new(),
        }
    }

    /// Whether any name may come here, as far as this is about names.
    pub(crate) fn is_free(&self) -> bool {
        match (&self.top, self.mode) {
            (Some(top), Mode::Name { .. }) => !top.said.has_prefix(&self.text),
            (Some(top), Mode::Expecting) => top.said.len() == 0,
            _ => true,
        }
    }

    /// Whether it is certain that the object in which a name may come has another: none has none left below `least`.
    pub(crate) fn has_others(&self, least: u32) -> bool {
        self.mode == Mode::Expecting && self.top.as_ref().is_some_and(|top| top.said.len() < least as usize)
    }

    /// Whether a name may come here and was not said; with the quote that ends it.
    pub(crate) fn may_say(&self, name: &[u8]) -> bool {
        self.mode == Mode::Expecting && self.top.as_ref().is_some_and(|top| !top.said.contains(name))
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

    /// How many brackets were closed on the way to `after`; `None` where something else was done.
    pub(crate) fn closes(&self, after: &Register) -> Option<usize> {
        let end = after.top.as_ref().map(Arc::as_ptr);
        let open = std::iter::successors(self.top.as_ref(), |frame| frame.below.as_ref());
        open.map(Arc::as_ptr).position(|frame| Some(frame) == end)
    }

    /// Whether no name has begun, or nothing of it is read.
    pub(crate) fn has_no_letter(&self) -> bool {
        self.mode != Mode::Name { escaped: true } && (self.mode == Mode::Expecting || self.text.is_empty())
    }

    /// Whether it is certain that behind so many closing brackets and a comma no name has to come, or another can:
    /// no object has none left below `least` names.
    pub(crate) fn has_others_behind(&self, closes: usize, least: u32) -> bool {
        let mut open = std::iter::successors(self.top.as_ref(), |frame| frame.below.as_ref());
        open.nth(closes).is_none_or(|frame| !frame.is_object || frame.said.len() < least as usize)
    }

    /// What tells it from others that came from the same one.
    pub(crate) fn key(&self) -> (usize, usize, Mode, Vec<u8>) {
        let watch = self.watch.as_ref().map_or(0, |watch| Arc::as_ptr(watch) as usize);
        (self.place().0, watch, self.mode, self.text.clone())
    }
}

/// Whether a byte may stand in a number, `true`, `false` or `null`.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn check(bytes: usize) -> Result<()> {
    if bytes > MAX_BYTES {
        return Err(KernelError::limit(format!("more than {MAX_BYTES} bytes of names and items that were said")));
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
