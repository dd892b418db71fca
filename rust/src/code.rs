//! Reading the little-endian byte code of terminals and regexes.

use crate::error::{KernelError, Result};

/// A cursor over byte code; every read is checked.
pub struct Reader<'a> {
    code: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(code: &'a [u8]) -> Self {
        Reader { code, at: 0 }
    }

    /// True when all is read.
    pub fn done(&self) -> bool {
        self.at == self.code.len()
    }

    /// How many bytes are read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|&e| e <= self.code.len());
        let end = end.ok_or_else(|| KernelError::program(format!("code ends early, at byte {}", self.at)))?;
        let slice = &self.code[self.at..end];
        self.at = end;
        Ok(slice)
    }

    /// Whatever is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let slice = &self.code[self.at..];
        self.at = self.code.len();
        slice
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Two bytes, little end first.
    pub fn u16(&mut self) -> Result<usize> {
        let b = self.take(2)?;
        Ok(usize::from(b[0]) | usize::from(b[1]) << 8)
    }

    /// Four bytes, little end first.
    pub fn u32(&mut self) -> Result<u32> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// A u16 length and so many bytes.
    pub fn counted_bytes(&mut self) -> Result<&'a [u8]> {
        let n = self.u16()?;
        self.take(n)
    }
}

/// Rows of `N` u32 each.
pub fn rows<const N: usize>(code: &[u8], what: &str) -> Result<Vec<[u32; N]>> {
    if code.len() % (4 * N) != 0 {
        return Err(KernelError::program(format!("{what}: {} bytes are no rows of {N} integers", code.len())));
    }
    Ok(code
        .chunks_exact(4 * N)
        .map(|row| {
            std::array::from_fn(|i| u32::from_le_bytes([row[4 * i], row[4 * i + 1], row[4 * i + 2], row[4 * i + 3]]))
        })
        .collect())
}
