//! Lexer states of regexes: sets of leaves of an automaton, ordered or not.

use crate::guards::NO_GUARDS;
use crate::lexer::{Exit, Kind, Lexicon, DEAD, PLAIN};
use crate::scanner::{Live, ALL_LIVE, NO_WORD};

impl Lexicon {
    /// The subset state of some leaves (any order), or DEAD for none.
    pub(crate) fn set_state(&mut self, nfa: u32, mut leaves: Vec<u32>) -> u32 {
        if leaves.is_empty() {
            return DEAD;
        }
        leaves.sort_unstable();
        let kind = Kind::Set { nfa, leaves: leaves.into() };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let Kind::Set { leaves, .. } = &kind else { return DEAD };
        let machine = &self.nfas[nfa as usize];
        let matched = leaves.iter().any(|&l| machine.matched(l).is_some());
        let distance = leaves.iter().map(|&l| machine.distance(l)).min().unwrap_or(0);
        let (alphabet, classes) = (machine.alphabet(leaves), machine.byte_class.clone());
        self.memory += 4 * leaves.len();
        let exit = matched.then_some(PLAIN);
        self.intern(kind, &alphabet, Some(classes), exit.as_slice(), distance)
    }

    /// The leftmost-first state of an ordered list of leaves, cut after the first match.
    pub(crate) fn first_state(&mut self, scanner: u32, live: Live, mut threads: Vec<u32>, word: u32) -> u32 {
        // Past the keywords the state is the same in every scanner that has these threads.
        let scanner = if word == NO_WORD { self.scanners[scanner as usize].plain } else { scanner };
        let machine = &self.scanners[scanner as usize];
        let nfa = &self.nfas[machine.nfa as usize];
        let mut matched = None;
        if let Some(at) = threads.iter().position(|&l| nfa.matched(l).is_some()) {
            matched = nfa.matched(threads[at]);
            threads.truncate(at);
        }
        let live = self.relevant(scanner, live, matched, &threads, word);
        let machine = &self.scanners[scanner as usize];
        let nfa = &self.nfas[machine.nfa as usize];
        let allowed = |label| live.allows(&self.live_sets, label);
        let ends_as = matched.map(|m| machine.label(m, word)).filter(|&l| allowed(l));
        // A thread is of use only if its alternative is live, as itself or as a keyword.
        let useful = threads.iter().any(|&l| machine.labels(nfa.label(l), word).any(allowed));
        if ends_as.is_none() && !useful {
            return DEAD;
        }
        if !useful {
            // What goes on can end as nothing that is allowed: it matters as a guard only.
            let exit = self.guarded_exit(scanner, &threads, ends_as);
            let kind = Kind::First { scanner, live, threads: threads.into(), matched, word };
            return self.known(&kind).unwrap_or_else(|| self.intern(kind, &[0; 4], None, exit.as_slice(), 0));
        }
        // Keywords tell apart bytes that the alternatives do not: rows over all bytes, while there are any.
        let classes = machine.words.children(word).is_empty().then(|| nfa.byte_class.clone());
        let alphabet = nfa.alphabet(&threads);
        let rest = threads.iter().map(|&l| nfa.distance(l)).min().unwrap_or(0);
        let distance = if ends_as.is_some() { 0 } else { rest };
        let kind = Kind::First { scanner, live, threads: threads.into(), matched, word };
        if let Some(id) = self.known(&kind) {
            return id;
        }
        let Kind::First { threads, .. } = &kind else { return DEAD };
        let threads = threads.clone();
        self.memory += 4 * threads.len();
        let exit = self.guarded_exit(scanner, &threads, ends_as);
        self.intern(kind, &alphabet, classes, exit.as_slice(), distance)
    }

    /// The live labels less those that a lexeme cannot get any more: most lexemes that were begun among different
    /// live labels go on alike.
    fn relevant(&mut self, scanner: u32, live: Live, matched: Option<u32>, threads: &[u32], word: u32) -> Live {
        if live == ALL_LIVE {
            return live;
        }
        let machine = &self.scanners[scanner as usize];
        let nfa = &self.nfas[machine.nfa as usize];
        let mut alternatives: Vec<u32> = threads.iter().map(|&l| nfa.label(l)).chain(matched).collect();
        alternatives.sort_unstable();
        alternatives.dedup();
        let reachable = |a| machine.distances(a, 0, word).map(|x| x.0);
        let mut labels: Vec<u32> = alternatives.into_iter().flat_map(reachable).collect();
        let before = labels.len();
        labels.retain(|&label| live.allows(&self.live_sets, label));
        if labels.len() == before {
            ALL_LIVE
        } else {
            self.live(&labels)
        }
    }

    /// An exit that holds only if none of the threads ever matches.
    fn guarded_exit(&mut self, scanner: u32, threads: &[u32], label: Option<u32>) -> Option<Exit> {
        let label = label?;
        let nfa = self.scanners[scanner as usize].nfa;
        let guard = self.set_state(nfa, threads.to_vec());
        let context = if guard == DEAD { NO_GUARDS } else { self.guards.one(guard) };
        Some(Exit { label, context })
    }
}

impl Lexicon {
    /// The labels that a lexeme in state `d` may end with, each with a lower bound on the bytes to that
    /// end; live ones only.
    pub(crate) fn labels(&self, d: u32, out: &mut Vec<(u32, u32)>) {
        out.clear();
        match &self.states[d as usize].kind {
            Kind::Guarded { main, .. } => self.labels(*main, out),
            Kind::First { scanner, live, threads, word, .. } => {
                let machine = &self.scanners[*scanner as usize];
                let nfa = &self.nfas[machine.nfa as usize];
                out.extend(self.exits(d).iter().map(|e| (e.label, 0)));
                for &leaf in threads.iter() {
                    let found = machine.distances(nfa.label(leaf), nfa.distance(leaf), *word);
                    out.extend(found.filter(|x| live.allows(&self.live_sets, x.0)));
                }
                out.sort_unstable();
                out.dedup_by_key(|x| x.0); // the nearest of each
            }
            Kind::Looking { scanner, live, threads, word } => {
                let machine = &self.scanners[*scanner as usize];
                let nfa = &self.nfas[machine.nfa as usize];
                out.extend(self.exits(d).iter().map(|e| (e.label, 0)));
                for leaf in threads.iter().map(|t| t.leaf).filter(|&l| nfa.matched(l).is_none()) {
                    let found = machine.distances(nfa.label(leaf), nfa.distance(leaf), *word);
                    out.extend(found.filter(|x| live.allows(&self.live_sets, x.0)));
                }
                out.sort_unstable();
                out.dedup_by_key(|x| x.0);
            }
            _ => out.push((0, self.least(d))),
        }
    }
}
