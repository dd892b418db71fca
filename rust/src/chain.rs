//! Lists that share their tails, so that each of many versions costs what is new in it.

use std::sync::Arc;

/// A list; the last element added comes first.
#[derive(Debug)]
pub(crate) struct Chain<T>(Option<Arc<Link<T>>>);

#[derive(Debug)]
struct Link<T> {
    first: T,
    rest: Chain<T>,
}

impl<T> Chain<T> {
    pub fn first(&self) -> Option<&T> {
        self.0.as_ref().map(|link| &link.first)
    }

    pub fn rest(&self) -> Chain<T> {
        self.0.as_ref().map_or_else(Chain::default, |link| link.rest.clone())
    }

    /// The list with one element more.
    pub fn with(&self, first: T) -> Chain<T> {
        Chain(Some(Arc::new(Link { first, rest: self.clone() })))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> + '_ {
        std::iter::successors(self.0.as_deref(), |link| link.rest.0.as_deref()).map(|link| &link.first)
    }
}

impl<T> Clone for Chain<T> {
    fn clone(&self) -> Self {
        Chain(self.0.clone())
    }
}

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Chain(None)
    }
}

impl<T> Drop for Chain<T> {
    fn drop(&mut self) {
        // One by one: a long list would overflow the stack if each link dropped the next.
        let mut next = self.0.take();
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.rest.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_grows_and_older_ones_stay() {
        let mut lists: Vec<Chain<usize>> = vec![Chain::default()];
        for i in 0..300_000 {
            let next = lists[i.min(5)].with(i);
            if i < 5 {
                lists.push(next);
            } else {
                lists[5] = next;
            }
        }
        assert_eq!(lists[5].iter().count(), 300_000);
        assert_eq!(lists[3].iter().collect::<Vec<_>>(), [&2, &1, &0]);
        assert_eq!(lists[3].rest().first(), Some(&1));
        assert!(lists[0].is_empty() && lists[1].rest().is_empty());
    }
}
