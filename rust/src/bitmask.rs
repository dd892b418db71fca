//! Sets of tokens as bits: few tokens as (word, bits) pairs, many as a bitmap that is shared.
//!
//! A mask is never stored whole: it is a shared base, bits to clear from it, and words to set.
//! Filling copies the base, clears, then sets; in this order, because one item of a state may give
//! back what another took away.

use std::sync::Arc;

/// Bits of one word, sorted by word, one entry a word.
pub type Pairs = Vec<(u32, u32)>;
/// All the words of a vocabulary.
pub type Bitmap = Box<[u32]>;

/// Beyond so many words a set is a bitmap; below, uniting a few of them stays cheap.
const DENSE_WORDS: usize = 400;
/// Beyond so many tokens a growing set becomes a bitmap.
const DENSE_TOKENS: usize = 1500;

/// (`base` minus `clear`) plus `set`.
#[derive(Debug, Clone, Default)]
pub struct TokenSet {
    /// A bitmap shared between sets, or nothing.
    pub base: Option<Arc<Bitmap>>,
    /// Bits taken from the base.
    pub clear: Pairs,
    /// Bits added after that.
    pub set: Pairs,
}

impl TokenSet {
    /// True when no token is in it (a base is never empty).
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.set.is_empty()
    }

    /// Roughly the bytes that this set holds alone (the base is shared and not counted).
    pub fn bytes(&self) -> usize {
        64 + 8 * (self.clear.len() + self.set.len())
    }

    /// Overwrites `out` (as long as the vocabulary has words) with the set.
    pub fn fill(&self, out: &mut [u32]) {
        match &self.base {
            Some(base) => out.copy_from_slice(base),
            None => out.fill(0),
        }
        for &(word, bits) in &self.clear {
            out[word as usize] &= !bits;
        }
        for &(word, bits) in &self.set {
            out[word as usize] |= bits;
        }
    }

    /// Whether `token` is in the set.
    pub fn contains(&self, token: u32) -> bool {
        let (word, bit) = (token >> 5, 1 << (token & 31));
        let has = |pairs: &Pairs| pairs.binary_search_by_key(&word, |x| x.0).is_ok_and(|i| pairs[i].1 & bit != 0);
        has(&self.set) || (self.base.as_ref().is_some_and(|b| b[word as usize] & bit != 0) && !has(&self.clear))
    }
}

impl TokenSet {
    /// Those of some tokens that are in the set.
    pub fn among(&self, list: &[(u32, u32)]) -> Vec<u32> {
        let (mut out, mut clear, mut set) = (Vec::new(), &self.clear[..], &self.set[..]);
        for &(word, bits) in list {
            let cleared = bits_at(&mut clear, word);
            let base = self.base.as_ref().map_or(0, |base| base[word as usize]);
            out.extend(bits_of((word, bits & (base & !cleared | bits_at(&mut set, word)))));
        }
        out
    }

    /// The tokens of the set, if they are few.
    pub fn few(&self) -> Option<impl Iterator<Item = u32> + '_> {
        self.base.is_none().then(|| self.set.iter().copied().flat_map(bits_of))
    }

    /// The tokens of the set.
    pub fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        let (mut clear, mut set) = (&self.clear[..], &self.set[..]);
        let base = self.base.as_ref().map_or(&[][..], |base| &base[..]);
        let words = base.len().max(self.set.last().map_or(0, |last| last.0 as usize + 1)) as u32;
        (0..words).flat_map(move |word| {
            let from_base = base.get(word as usize).map_or(0, |bits| bits & !bits_at(&mut clear, word));
            bits_of((word, from_base | bits_at(&mut set, word)))
        })
    }

    /// The set without some tokens of it.
    pub fn less(self: Arc<Self>, tokens: &mut [u32]) -> Arc<TokenSet> {
        if tokens.is_empty() {
            return self;
        }
        let mut out = TokenSet::clone(&self);
        for (word, bits) in pairs(tokens) {
            match out.clear.binary_search_by_key(&word, |x| x.0) {
                Ok(i) => out.clear[i].1 |= bits,
                Err(i) if out.base.is_some() => out.clear.insert(i, (word, bits)),
                Err(_) => {}
            }
            if let Ok(i) = out.set.binary_search_by_key(&word, |x| x.0) {
                out.set[i].1 &= !bits;
                if out.set[i].1 == 0 {
                    out.set.remove(i);
                }
            }
        }
        Arc::new(out)
    }
}

/// The tokens that the bits of a word stand for.
fn bits_of((word, mut bits): (u32, u32)) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros())?;
        bits &= bits - 1;
        Some(word << 5 | bit)
    })
}

/// The bits of a word in a sorted list, of which what comes before is left behind.
fn bits_at(list: &mut &[(u32, u32)], word: u32) -> u32 {
    while let Some((&(first, bits), rest)) = list.split_first() {
        if first >= word {
            return if first == word { bits } else { 0 };
        }
        *list = rest;
    }
    0
}

/// Sorted, merged (word, bits) of a list of tokens.
pub fn pairs(tokens: &mut [u32]) -> Pairs {
    tokens.sort_unstable();
    let mut out: Pairs = Vec::new();
    for &t in tokens.iter() {
        match out.last_mut() {
            Some(last) if last.0 == t >> 5 => last.1 |= 1 << (t & 31),
            _ => out.push((t >> 5, 1 << (t & 31))),
        }
    }
    out
}

/// Sorts and merges pairs in place.
pub fn normalise(list: &mut Pairs) {
    list.sort_unstable_by_key(|x| x.0);
    list.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 |= next.1;
        }
        same
    });
}

/// Gathers tokens one by one; sparse at first, a bitmap once there are many.
#[derive(Debug, Default)]
pub struct Collector {
    tokens: Vec<u32>,
    bits: Option<Bitmap>,
}

impl Collector {
    /// Adds tokens; `words` is the length of the vocabulary's bitmaps.
    #[inline]
    pub fn add(&mut self, tokens: &[u32], words: usize) {
        match &mut self.bits {
            Some(bits) => {
                for &t in tokens {
                    bits[(t >> 5) as usize] |= 1 << (t & 31);
                }
            }
            None => {
                self.tokens.extend_from_slice(tokens);
                if self.tokens.len() > DENSE_TOKENS {
                    self.bits = Some(bitmap(&self.tokens, words));
                }
            }
        }
    }

    /// The set. A bitmap comes without its `Arc` being shared yet: the caller interns it.
    pub fn finish(mut self, words: usize) -> TokenSet {
        if let Some(bits) = self.bits {
            return TokenSet { base: Some(Arc::new(bits)), ..TokenSet::default() };
        }
        let set = pairs(&mut self.tokens);
        if set.len() > DENSE_WORDS {
            return TokenSet { base: Some(Arc::new(bitmap(&self.tokens, words))), ..TokenSet::default() };
        }
        TokenSet { set, ..TokenSet::default() }
    }
}

/// A bitmap of the given tokens.
pub fn bitmap(tokens: &[u32], words: usize) -> Bitmap {
    let mut bits = vec![0u32; words].into_boxed_slice();
    for &t in tokens {
        bits[(t >> 5) as usize] |= 1 << (t & 31);
    }
    bits
}

/// Sparse sets being united: bits by word, and which words have any. No sorting, however many parts there are.
#[derive(Debug, Default)]
struct Gather {
    bits: Vec<u32>,
    touched: Vec<u64>,
}

impl Gather {
    fn add(&mut self, list: &[(u32, u32)], words: usize) {
        if self.bits.is_empty() && !list.is_empty() {
            self.bits = vec![0; words];
            self.touched = vec![0; words.div_ceil(64)];
        }
        for &(word, bits) in list {
            self.bits[word as usize] |= bits;
            self.touched[word as usize / 64] |= 1 << (word % 64);
        }
    }

    /// What was gathered, in order. Nothing is left.
    fn take(&mut self) -> Pairs {
        let count: u32 = self.touched.iter().map(|t| t.count_ones()).sum();
        let mut out = Pairs::with_capacity(count as usize);
        for (i, touched) in self.touched.iter_mut().enumerate() {
            let mut rest = std::mem::take(touched);
            while rest != 0 {
                let word = 64 * i as u32 + rest.trailing_zeros();
                out.push((word, std::mem::take(&mut self.bits[word as usize])));
                rest &= rest - 1;
            }
        }
        out
    }
}

/// Unites sets into one; can be used again after [`Union::finish`].
#[derive(Debug)]
pub struct Union {
    words: usize,
    bases: Vec<(Arc<Bitmap>, Pairs)>,
    sparse: Gather,
}

impl Union {
    /// Of no sets yet, for bitmaps of `words` words.
    pub fn new(words: usize) -> Union {
        Union { words, bases: Vec::new(), sparse: Gather::default() }
    }

    /// Adds every token of a set.
    pub fn add(&mut self, tokens: &TokenSet) {
        if let Some(base) = &tokens.base {
            if let Some(known) = self.bases.iter_mut().find(|x| Arc::ptr_eq(&x.0, base)) {
                // The same base twice: only what both clear stays cleared.
                known.1 = intersect(&known.1, &tokens.clear);
            } else {
                self.bases.push((base.clone(), tokens.clear.clone()));
            }
        }
        self.sparse.add(&tokens.set, self.words);
    }

    /// Adds sparse bits.
    pub fn add_pairs(&mut self, list: &[(u32, u32)]) {
        self.sparse.add(list, self.words);
    }

    /// The union, and whether its bitmap is one of its own. Nothing is left here.
    pub fn finish(&mut self) -> (TokenSet, bool) {
        let mut set = self.sparse.take();
        if self.bases.len() > 1 {
            let mut bases = self.bases.drain(..);
            let (first, clear) = bases.next().unwrap_or_default();
            let mut all = Bitmap::clone(&first);
            clear.iter().for_each(|&(word, bits)| all[word as usize] &= !bits);
            for (base, clear) in bases {
                // Whole bitmaps, in a loop without a branch; the few words with bits to leave out once more.
                let before: Vec<u32> = clear.iter().map(|x| all[x.0 as usize]).collect();
                all.iter_mut().zip(base.iter()).for_each(|(to, from)| *to |= from);
                for (&(word, bits), before) in clear.iter().zip(before) {
                    all[word as usize] = before | (base[word as usize] & !bits);
                }
            }
            return (dense(all, set), true);
        }
        match self.bases.pop() {
            Some((base, clear)) => {
                if clear.is_empty() {
                    // What the base has already need not be set again.
                    set.retain(|&(word, bits)| base[word as usize] & bits != bits);
                }
                (TokenSet { base: Some(base), clear, set }, false)
            }
            None if set.len() > 2 * DENSE_WORDS => (dense(vec![0u32; self.words].into(), set), true),
            None => (TokenSet { set, ..TokenSet::default() }, false),
        }
    }
}

fn dense(mut all: Bitmap, set: Pairs) -> TokenSet {
    for (word, bits) in set {
        all[word as usize] |= bits;
    }
    TokenSet { base: Some(Arc::new(all)), ..TokenSet::default() }
}

/// Bits in both lists.
fn intersect(a: &[(u32, u32)], b: &[(u32, u32)]) -> Pairs {
    a.iter()
        .filter_map(|&(word, bits)| {
            let i = b.binary_search_by_key(&word, |x| x.0).ok()?;
            let both = bits & b[i].1;
            (both != 0).then_some((word, both))
        })
        .collect()
}
