//! What was said in an array whose items have to differ, and what is known of the item that is being read.
//!
//! An item is equal to one that was said when its hash is. While it is being read, it is *different* once a scalar, an
//! empty bracket or a name stands in it at a place where no item that was said has it: whatever follows, it will be
//! none of them. These *leaves* are kept as words (the hash of the place, then the scalar), so that those that go on
//! from a beginning are found; the sets are shared by all states of a generation.

use std::sync::Arc;

use crate::chain::Chain;
use crate::error::{KernelError, Result};
use crate::said::Said;
use crate::values::{hash, mix, Scalar};

/// Arrays within each other whose items differ, beyond which a text is refused.
const MAX_LEVELS: usize = 500;
/// The place of an item in itself.
const ROOT: u128 = 0;

/// A container within an item.
#[derive(Debug, Clone)]
struct Inside {
    is_object: bool,
    /// Its place.
    place: u128,
    /// Of its next value: the place, and the hash of its name.
    next: (u128, u128),
    values: u64,
    /// Of what it holds so far.
    hashes: [u128; 2],
}

/// What the items are that were said.
#[derive(Debug, Default)]
struct Items {
    leaves: Said,
    /// Arrays and objects, by their hashes.
    containers: Said,
    number: usize,
}

/// An open array whose items have to differ.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    items: Arc<Items>,
    open: Chain<Inside>,
    /// Leaves of the item that no other has.
    fresh: Chain<Arc<[u8]>>,
    /// Whether an item has to be read, or is.
    begun: bool,
    /// Whether the item is another one than all that were said, however it goes on.
    differs: bool,
    /// Bytes of all this, about.
    bytes: usize,
    /// The next one around it.
    around: Option<Arc<Watch>>,
    levels: usize,
    /// Whether it, and all around it, hold whatever comes in the items being read.
    is_safe: bool,
}

impl Watch {
    /// An array that opens.
    pub fn new(around: Option<Arc<Watch>>) -> Result<Watch> {
        let levels = around.as_ref().map_or(1, |it| it.levels + 1);
        if levels > MAX_LEVELS {
            let message = format!("more than {MAX_LEVELS} arrays within each other whose items have to differ");
            return Err(KernelError::limit(message));
        }
        let is_safe = around.as_ref().is_none_or(|it| it.is_safe);
        Ok(Watch {
            items: Arc::default(),
            open: Chain::default(),
            fresh: Chain::default(),
            begun: true,
            differs: false,
            bytes: 0,
            around,
            levels,
            is_safe,
        })
    }

    pub fn around(&self) -> Option<Arc<Watch>> {
        self.around.clone()
    }

    /// Bytes of it and those around it, about.
    pub fn bytes(&self) -> usize {
        self.bytes + self.around.as_ref().map_or(0, |it| it.bytes())
    }

    pub fn is_safe(&self) -> bool {
        self.is_safe
    }

    /// Whether those around it are safe, where a scalar may be an item of it.
    pub fn is_safe_around(&self) -> bool {
        self.open.is_empty() && self.around.as_ref().is_none_or(|it| it.is_safe)
    }

    /// It and those around it, the innermost first.
    fn all(&self) -> impl Iterator<Item = &Watch> + '_ {
        std::iter::successors(Some(self), |it| it.around.as_deref())
    }

    /// Leaves that were said: one more of a kind cannot all be among them.
    pub fn leaves(&self) -> usize {
        self.all().filter(|it| !it.holds()).map(|it| it.items.leaves.len()).sum()
    }

    fn holds(&self) -> bool {
        self.differs || !self.begun || self.items.number == 0
    }

    /// The same for it and those around it: a change, and whether an item that was said before ends.
    fn changed(&self, change: &impl Fn(&mut Watch) -> bool) -> (Watch, bool) {
        let mut it = self.clone();
        it.around = self.around.as_ref().map(|around| Arc::new(around.changed(change).0));
        let again = change(&mut it);
        it.settle();
        (it, again)
    }

    fn settle(&mut self) {
        self.is_safe = self.holds() && self.around.as_ref().is_none_or(|it| it.is_safe);
    }

    /// A comma in the array itself.
    pub fn next_item(&self) -> Watch {
        let mut it = self.clone();
        it.begun = true;
        it.settle();
        it
    }

    /// A bracket opens in the item.
    pub fn open(&self, is_object: bool) -> Watch {
        let open = |it: &mut Watch| {
            let place = it.place();
            let next = (mix(place, 1), 0);
            it.open = it.open.with(Inside { is_object, place, next, values: 0, hashes: [u128::from(is_object); 2] });
            it.bytes += 160;
            false
        };
        self.changed(&open).0
    }

    /// A name in the item ends; given as [`Scalar::string`] has it.
    pub fn name(&self, name: &Scalar) -> Watch {
        let hashed = hash(&name.exact);
        let change = |it: &mut Watch| {
            if let Some(inside) = it.open.first().cloned() {
                it.leaf(inside.place, &[b"N", &name.exact[..]].concat());
                let next = (mix(inside.place, hashed), hashed);
                it.open = it.open.rest().with(Inside { next, ..inside });
            }
            false
        };
        self.changed(&change).0
    }

    /// A scalar ends: the watches after it, and whether it is an item that was said before.
    pub fn scalar(&self, scalar: &Scalar) -> (Watch, bool) {
        let hashes = scalar.hashes();
        self.changed(&|it: &mut Watch| {
            if it.open.is_empty() {
                let again = it.has(scalar);
                if !again {
                    it.leaf_of(ROOT, scalar);
                }
                return it.end(again);
            }
            it.leaf_of(it.place(), scalar);
            it.hold(hashes);
            false
        })
    }

    /// A bracket closes in the item: the same as for a scalar.
    pub fn close(&self) -> (Watch, bool) {
        self.changed(&|it: &mut Watch| {
            let Some(inside) = it.open.first().cloned() else { return false };
            it.open = it.open.rest();
            it.bytes = it.bytes.saturating_sub(160);
            if inside.values == 0 {
                it.leaf(inside.place, if inside.is_object { b"{}" } else { b"[]" });
            }
            let hashes = inside.hashes.map(|hash| mix(mix(hash, u128::from(inside.values)), inside.is_object.into()));
            if !it.open.is_empty() {
                it.hold(hashes);
                return false;
            }
            let items = &it.items;
            let again = hashes.iter().any(|hash| items.containers.contains(&hash.to_be_bytes()));
            if !again {
                let mut containers = items.containers.with(&hashes[0].to_be_bytes());
                if hashes[1] != hashes[0] {
                    containers = containers.with(&hashes[1].to_be_bytes());
                }
                it.bytes += 64;
                it.items = Arc::new(Items { leaves: items.leaves.clone(), containers, number: items.number });
            }
            it.end(again)
        })
    }

    /// Whether a scalar was said as an item, where one is being read.
    pub fn has(&self, scalar: &Scalar) -> bool {
        let said = |word: &[u8]| self.items.leaves.contains(&at(ROOT, word));
        self.begun
            && self.open.is_empty()
            && (said(&scalar.exact) || scalar.rounded.as_ref().is_some_and(|it| said(it)))
    }

    /// How many leaves of items that were said go on from a beginning at the next place, and what is left of them.
    pub fn rests(&self, beginning: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for it in self.all().filter(|it| !it.holds()) {
            let word = at(it.place(), beginning);
            out.extend(it.items.leaves.rests(&word).into_iter().map(<[u8]>::to_vec));
        }
        out
    }

    /// The same for the beginning of a name.
    pub fn rests_of_name(&self, beginning: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for it in self.all().filter(|it| !it.holds()) {
            let Some(inside) = it.open.first() else { continue };
            let word = at(inside.place, &[b"N", beginning].concat());
            out.extend(it.items.leaves.rests(&word).into_iter().map(<[u8]>::to_vec));
        }
        out
    }

    /// The place of the next value.
    fn place(&self) -> u128 {
        self.open.first().map_or(ROOT, |inside| inside.next.0)
    }

    fn leaf_of(&mut self, place: u128, scalar: &Scalar) {
        let was_different = self.differs;
        let new = self.leaf(place, &scalar.exact);
        if let Some(word) = &scalar.rounded {
            let new = self.leaf(place, word) && new; // by either reading it may be one that was said
            self.differs = was_different || new;
        }
    }

    /// Whether no item that was said has this leaf.
    fn leaf(&mut self, place: u128, word: &[u8]) -> bool {
        let word = at(place, word);
        let is_new = !self.items.leaves.contains(&word);
        if is_new {
            self.differs = true;
            self.bytes += word.len() + 64;
            self.fresh = self.fresh.with(word.into());
        }
        is_new
    }

    /// A value of the innermost container in the item ends.
    fn hold(&mut self, hashes: [u128; 2]) {
        let Some(inside) = self.open.first().cloned() else { return };
        let values = inside.values + 1;
        let of = |i: usize| match inside.is_object {
            true => inside.hashes[i].wrapping_add(mix(inside.next.1, hashes[i])),
            false => mix(inside.hashes[i], hashes[i]),
        };
        let hashes = [of(0), of(1)];
        let next = if inside.is_object { inside.next } else { (mix(inside.place, u128::from(values) + 1), 0) };
        self.open = self.open.rest().with(Inside { next, values, hashes, ..inside });
    }

    /// The item ends.
    fn end(&mut self, again: bool) -> bool {
        let mut leaves = self.items.leaves.clone();
        for word in self.fresh.iter() {
            if !leaves.contains(word) {
                leaves = leaves.with(word);
            }
        }
        let items = &self.items;
        let number = items.number + 1;
        self.items = Arc::new(Items { leaves, containers: items.containers.clone(), number });
        self.fresh = Chain::default();
        (self.begun, self.differs) = (false, false);
        again
    }
}

/// The word of a leaf.
fn at(place: u128, word: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes()[..], word].concat()
}
