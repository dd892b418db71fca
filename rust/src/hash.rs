//! A fast hash for small integer keys (the multiply-rotate hash of Firefox and rustc).
//!
//! The keys are interned ids that the kernel makes itself, so there is nobody to defend against.

use std::hash::{BuildHasherDefault, Hasher};

/// The hasher; see the module.
#[derive(Default, Clone, Copy)]
pub struct FastHasher(u64);

const SEED: u64 = 0x517c_c1b7_2722_0a95;

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, x: u8) {
        self.write_u64(u64::from(x));
    }
    fn write_u32(&mut self, x: u32) {
        self.write_u64(u64::from(x));
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(5) ^ x).wrapping_mul(SEED);
    }
    fn finish(&self) -> u64 {
        // The table takes its buckets from the low bits, which a multiplication leaves weak.
        self.0 ^ (self.0 >> 29)
    }
}

/// A hash map over interned ids.
pub type Map<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<FastHasher>>;
/// A hash set over interned ids.
pub type Set<K> = std::collections::HashSet<K, BuildHasherDefault<FastHasher>>;
