//! Sets of words that grow and share what they have in common.
//!
//! A set is a few sorted runs, each at least twice as long as the next (the logarithmic method; Bentley and Saxe
//! 1980). A larger set shares the runs that it did not merge, so every state of a generation can keep its own.

use std::sync::Arc;

type Run = Arc<[Arc<[u8]>]>;

/// Words that were said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    runs: Vec<Run>,
}

impl Said {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.len()).sum()
    }

    pub fn contains(&self, word: &[u8]) -> bool {
        self.runs.iter().any(|run| run.binary_search_by(|said| (**said).cmp(word)).is_ok())
    }

    /// The set with a word that is not in it.
    pub fn with(&self, word: &[u8]) -> Said {
        let mut runs = self.runs.clone();
        let mut last: Run = Arc::new([word.into()]);
        while runs.last().is_some_and(|run| run.len() <= last.len()) {
            let mut merged: Vec<Arc<[u8]>> = runs.pop().iter().flat_map(|run| run.iter()).cloned().collect();
            merged.extend(last.iter().cloned());
            merged.sort_unstable();
            last = merged.into();
        }
        runs.push(last);
        Said { runs }
    }

    pub fn has_prefix(&self, prefix: &[u8]) -> bool {
        self.runs.iter().any(|run| {
            let from = run.partition_point(|word| &**word < prefix);
            run.get(from).is_some_and(|word| word.starts_with(prefix))
        })
    }

    /// What is left of the words that begin with `prefix`, behind it.
    pub fn rests<'a>(&'a self, prefix: &'a [u8]) -> Vec<&'a [u8]> {
        let mut out = Vec::new();
        for run in &self.runs {
            if prefix.is_empty() {
                out.extend(run.iter().map(|word| &**word));
                continue;
            }
            let from = run.partition_point(|word| &**word < prefix);
            out.extend(run[from..].iter().map_while(|word| word.strip_prefix(prefix)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_grows_and_older_ones_stay() {
        let mut sets = vec![Said::default()];
        for i in 0..100u32 {
            sets.push(sets[i as usize].with(format!("w{}", i * 37 % 101).as_bytes()));
        }
        for (n, set) in sets.iter().enumerate() {
            assert_eq!(set.len(), n);
            assert!(set.runs.len() < 8);
            for i in 0..100 {
                assert_eq!(set.contains(format!("w{}", i * 37 % 101).as_bytes()), i < n);
            }
        }
        let mut rests: Vec<&[u8]> = sets[100].rests(b"w10");
        rests.sort_unstable();
        assert_eq!(rests, [&b""[..], b"0"]);
        assert!(sets[100].rests(b"x").is_empty());
    }
}
