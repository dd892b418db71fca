//! Masks against a byte-by-byte oracle, and accept against an independent simulation, on random
//! small programs over random vocabularies.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use trellis_kernel::{Grammar, KernelError, Matcher, ProgramCode, Vocabulary};

/// A small deterministic generator (xorshift; Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

const ALPHABET: &[u8] = b"abc";

/// A regex, for the kernel as code and for the oracle as a tree.
#[derive(Debug, Clone)]
enum Regex {
    Literal(Vec<u8>),
    Class(Vec<u8>),
    Concat(Vec<Regex>),
    Alternation(Vec<Regex>),
    Repeat(Box<Regex>, u32, u32, bool),
}

const INF: u32 = u32::MAX;

impl Regex {
    fn random(r: &mut Random, depth: usize) -> Regex {
        match if depth == 0 { r.below(2) } else { r.below(6) } {
            0 => Regex::Literal((0..1 + r.below(2)).map(|_| *r.pick(ALPHABET)).collect()),
            1 => {
                let sure = *r.pick(ALPHABET);
                Regex::Class(ALPHABET.iter().copied().filter(|&b| b == sure || r.below(2) == 0).collect())
            }
            2 => Regex::Concat((0..2).map(|_| Regex::random(r, depth - 1)).collect()),
            3 => Regex::Alternation((0..2 + r.below(2)).map(|_| Regex::random(r, depth - 1)).collect()),
            _ => {
                let (min, max) = *r.pick(&[(0, INF), (1, INF), (0, 1), (1, 2), (0, 2), (2, INF)]);
                Regex::Repeat(Box::new(Regex::random(r, depth - 1)), min, max, r.below(3) > 0)
            }
        }
    }

    fn code(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Regex::Literal(bytes) => {
                out.push(b'L');
                out.extend((bytes.len() as u16).to_le_bytes());
                out.extend(bytes);
            }
            Regex::Class(bytes) => {
                let mut bits = [0u8; 32];
                bytes.iter().for_each(|&b| bits[usize::from(b >> 3)] |= 1 << (b & 7));
                out.push(b'C');
                out.extend(bits);
            }
            Regex::Concat(parts) | Regex::Alternation(parts) => {
                parts.iter().for_each(|p| out.extend(p.code()));
                out.push(if matches!(self, Regex::Concat(_)) { b'.' } else { b'|' });
                out.extend((parts.len() as u16).to_le_bytes());
            }
            Regex::Repeat(body, min, max, greedy) => {
                out.extend(body.code());
                out.push(b'{');
                out.extend(min.to_le_bytes());
                out.extend(max.to_le_bytes());
                out.push(u8::from(*greedy));
            }
        }
        out
    }

    /// Ends of matches at `at`, in the order in which backtracking finds them.
    fn ends(&self, text: &[u8], at: usize) -> Vec<usize> {
        let mut out = match self {
            Regex::Literal(bytes) => text[at..].starts_with(bytes).then_some(at + bytes.len()).into_iter().collect(),
            Regex::Class(bytes) => text.get(at).filter(|b| bytes.contains(b)).map(|_| at + 1).into_iter().collect(),
            Regex::Concat(parts) => {
                parts.iter().fold(vec![at], |ends, p| ends.iter().flat_map(|&e| p.ends(text, e)).collect())
            }
            Regex::Alternation(parts) => parts.iter().flat_map(|p| p.ends(text, at)).collect(),
            Regex::Repeat(body, min, max, greedy) => repeat(body, *min, *max, *greedy, text, at, 0),
        };
        let mut seen = BTreeSet::new();
        out.retain(|e| seen.insert(*e));
        out
    }
}

fn repeat(body: &Regex, min: u32, max: u32, greedy: bool, text: &[u8], at: usize, done: u32) -> Vec<usize> {
    let mut more = Vec::new();
    if done < max {
        for end in body.ends(text, at) {
            // CPython leaves a loop after an empty round.
            if end > at || done < min {
                more.extend(repeat(body, min, max, greedy, text, end, (done + 1).min(min.max(1) + 3).min(max)));
            } else {
                more.push(at);
            }
        }
    }
    let stop = (done >= min).then_some(at);
    if greedy {
        more.into_iter().chain(stop).collect()
    } else {
        stop.into_iter().chain(more).collect()
    }
}

#[derive(Debug, Clone)]
struct Terminal {
    regex: Regex,
    first: bool,
}

impl Terminal {
    fn code(&self) -> Vec<u8> {
        let mut out = vec![if self.first { 2 } else { 1 }];
        out.extend(self.regex.code());
        out
    }
    fn ends(&self, text: &[u8], at: usize) -> Vec<usize> {
        let mut ends = self.regex.ends(text, at);
        if self.first {
            ends.truncate(1);
        }
        ends
    }
}

/// A grammar as plain productions, no left recursion, nothing nullable but by an explicit choice.
#[derive(Debug)]
struct Rules {
    terminals: Vec<Terminal>,
    /// rule -> alternatives -> symbols (terminal t, or rule r as 100 + r)
    rules: Vec<Vec<Vec<usize>>>,
    ignore: Vec<u32>,
}

impl Rules {
    fn random(r: &mut Random, first: bool) -> Rules {
        let terminals: Vec<Terminal> = (0..2 + r.below(3))
            .map(|_| Terminal { regex: Regex::random(r, 2), first: first && r.below(4) > 0 })
            .collect();
        let n = 1 + r.below(3);
        let rules = (0..n)
            .map(|_| {
                (0..1 + r.below(3))
                    .map(|i| {
                        let mut symbols = vec![r.below(terminals.len())];
                        for _ in 0..r.below(3) {
                            symbols.push(if i > 0 && r.below(2) == 0 {
                                100 + r.below(n)
                            } else {
                                r.below(terminals.len())
                            });
                        }
                        symbols
                    })
                    .collect()
            })
            .collect();
        let ignore = if r.below(4) == 0 { vec![r.below(terminals.len()) as u32] } else { vec![] };
        Rules { terminals, rules, ignore }
    }

    fn compile(&self, vocabulary: &Arc<Vocabulary>) -> Result<Arc<Grammar>, KernelError> {
        let codes: Vec<Vec<u8>> = self.terminals.iter().map(Terminal::code).collect();
        let codes: Vec<&[u8]> = codes.iter().map(|c| &c[..]).collect();
        let (mut edges, mut finals, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for alternatives in &self.rules {
            let start = finals.len() as u32;
            starts.extend(start.to_le_bytes());
            finals.push(0);
            for symbols in alternatives {
                let mut at = start;
                for &s in symbols {
                    let next = finals.len() as u32;
                    finals.push(0);
                    let (kind, arg) = if s >= 100 { (2, s as u32 - 100) } else { (1, s as u32) };
                    [at, kind, arg, next].iter().for_each(|x| edges.extend(x.to_le_bytes()));
                    at = next;
                }
                finals[at as usize] = 1;
            }
        }
        let names = (0..codes.len()).map(|i| format!("T{i}")).collect();
        let code = ProgramCode {
            terminals: &codes,
            edges: &edges,
            finals: &finals,
            rule_starts: &starts,
            start: 0,
            ignore: &self.ignore,
            names_once: 0,
            names_counted: false,
            unique_opens: &[],
            unique_ends: &[],
        };
        Grammar::general(vocabulary.clone(), names, &code)
    }

    /// Whether the whole text belongs to the language: memoised recursive descent over positions.
    fn accepts(&self, text: &[u8]) -> bool {
        let mut memo = HashMap::new();
        let skip = self.skipped(text, &BTreeSet::from([0]));
        let ends: BTreeSet<usize> = skip.into_iter().flat_map(|at| self.rule(0, text, at, &mut memo)).collect();
        ends.contains(&text.len())
    }

    /// Positions after any number of ignored lexemes.
    fn skipped(&self, text: &[u8], from: &BTreeSet<usize>) -> BTreeSet<usize> {
        let (mut out, mut todo) = (from.clone(), from.iter().copied().collect::<Vec<_>>());
        while let Some(at) = todo.pop() {
            for &t in &self.ignore {
                for end in self.terminals[t as usize].ends(text, at) {
                    if out.insert(end) {
                        todo.push(end);
                    }
                }
            }
        }
        out
    }

    /// Ends of a rule at `at`; after every terminal ignored lexemes may follow.
    fn rule(
        &self,
        rule: usize,
        text: &[u8],
        at: usize,
        memo: &mut HashMap<(usize, usize), BTreeSet<usize>>,
    ) -> BTreeSet<usize> {
        if let Some(known) = memo.get(&(rule, at)) {
            return known.clone();
        }
        let mut out = BTreeSet::new();
        for symbols in &self.rules[rule] {
            let mut at = BTreeSet::from([at]);
            for &s in symbols {
                at = if s >= 100 {
                    at.iter().flat_map(|&p| self.rule(s - 100, text, p, memo)).collect()
                } else {
                    let ends = at.iter().flat_map(|&p| self.terminals[s].ends(text, p)).collect();
                    self.skipped(text, &ends)
                };
            }
            out.extend(at);
        }
        memo.insert((rule, at), out.clone());
        out
    }
}

fn random_vocabulary(r: &mut Random) -> (Vec<Vec<u8>>, Arc<Vocabulary>) {
    let mut tokens: Vec<Vec<u8>> = ALPHABET.iter().map(|&b| vec![b]).collect();
    for _ in 0..r.below(40) {
        tokens.push((0..1 + r.below(5)).map(|_| *r.pick(ALPHABET)).collect());
    }
    tokens.push(Vec::new());
    let eos = tokens.len() as u32 - 1;
    let vocabulary = Vocabulary::new(&tokens, &[], &[eos]).unwrap();
    (tokens, Arc::new(vocabulary))
}

fn mask(matcher: &Matcher, tokens: usize) -> Vec<bool> {
    let mask = matcher.mask().unwrap();
    let mut words = vec![u32::MAX; tokens.div_ceil(32)];
    mask.fill(&mut words);
    let bits: Vec<bool> = (0..tokens).map(|t| words[t / 32] >> (t % 32) & 1 == 1).collect();
    assert!((0..tokens).all(|t| mask.contains(t as u32) == bits[t]));
    bits
}

/// Every text over the alphabet, up to a length.
fn texts(length: usize) -> Vec<Vec<u8>> {
    let mut out = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..length {
        let to = out.len();
        for i in from..to {
            for &b in ALPHABET {
                let mut next = out[i].clone();
                next.push(b);
                out.push(next);
            }
        }
        from = to;
    }
    out
}

fn check_language(seed: u64, first: bool) {
    let mut r = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let rules = Rules::random(&mut r, first);
    let (_, vocabulary) = random_vocabulary(&mut r);
    let texts = texts(6);
    // Nullable leftmost-first terminals and empty languages are refused; that is checked elsewhere.
    if rules.terminals.iter().any(|t| !t.regex.ends(b"", 0).is_empty()) {
        return;
    }
    let members: BTreeSet<&[u8]> = texts.iter().map(|t| &t[..]).filter(|t| rules.accepts(t)).collect();
    let grammar = match rules.compile(&vocabulary) {
        Ok(grammar) => grammar,
        Err(e) => {
            assert!(members.is_empty(), "seed {seed}: {e}, but {members:?}");
            return;
        }
    };
    for text in &texts {
        let mut matcher = Matcher::new(grammar.clone(), None).unwrap();
        let taken = match matcher.accept_bytes(text) {
            Ok(taken) => taken,
            Err(e) => panic!("seed {seed}: {e} on {text:?}\n{rules:?}"),
        };
        let can_end = taken == text.len() && matcher.can_end();
        let expected = members.contains(&text[..]);
        assert_eq!(can_end, expected, "seed {seed}, first {first}: {:?}\n{rules:?}", String::from_utf8_lossy(text));
        // Members of the language have viable prefixes; viable prefixes have a witness.
        let longer = members.iter().any(|m| m.starts_with(text));
        assert!(!longer || taken == text.len(), "seed {seed}: {:?}", String::from_utf8_lossy(text));
        if taken == text.len() && text.len() < 4 {
            let witness = matcher.witness().unwrap();
            let whole: Vec<u8> = text.iter().chain(&witness).copied().collect();
            assert!(rules.accepts(&whole), "seed {seed}: {whole:?}");
            let shortest = members.iter().filter(|m| m.starts_with(text)).map(|m| m.len() - text.len()).min();
            assert!(shortest.is_none_or(|s| s >= witness.len()), "seed {seed}: {whole:?}");
        }
    }
}

fn check_masks(seed: u64, first: bool) {
    let mut r = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let rules = Rules::random(&mut r, first);
    let (tokens, vocabulary) = random_vocabulary(&mut r);
    let Ok(grammar) = rules.compile(&vocabulary) else { return };
    let mut matcher = Matcher::new(grammar.clone(), None).unwrap();
    for _ in 0..12 {
        let bits = mask(&matcher, tokens.len());
        assert!(bits.contains(&true), "seed {seed}: nothing may follow\n{rules:?}");
        for (t, token) in tokens.iter().enumerate() {
            let mut fork = matcher.clone();
            assert_eq!(
                bits[t],
                fork.accept(t as u32).unwrap(),
                "seed {seed}, first {first}: token {t} {token:?}\n{rules:?}"
            );
            if !token.is_empty() {
                let mut fork = matcher.clone();
                let all = !matcher.finished() && fork.accept_bytes(token).unwrap() == token.len();
                assert_eq!(bits[t], all, "seed {seed}: bytes {token:?}");
            }
        }
        let allowed: Vec<usize> = (0..tokens.len()).filter(|&t| bits[t]).collect();
        assert!(matcher.accept(*r.pick(&allowed) as u32).unwrap());
        if r.below(8) == 0 {
            grammar.sweep();
        }
    }
    let length = matcher.length();
    matcher.rollback(length).unwrap();
    assert!(matcher.rollback(1).is_err());
}

#[test]
fn languages_by_sets() {
    (1..400).for_each(|seed| check_language(seed, false));
}

#[test]
fn languages_leftmost_first() {
    (1..1500).for_each(|seed| check_language(seed, true));
}

#[test]
fn masks_by_sets() {
    (1..1500).for_each(|seed| check_masks(seed, false));
}

#[test]
fn masks_leftmost_first() {
    (1..3000).for_each(|seed| check_masks(seed, true));
}

/// Runs under a budget end in time whatever is sampled, and masks still agree with accept.
fn check_budget(seed: u64, first: bool, complete: bool) {
    let mut r = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let rules = Rules::random(&mut r, first);
    let mut tokens: Vec<Vec<u8>> = if complete { (0..=255).map(|b| vec![b]).collect() } else { vec![] };
    tokens.extend(ALPHABET.iter().map(|&b| vec![b]));
    for _ in 0..r.below(20) {
        tokens.push((0..1 + r.below(5)).map(|_| *r.pick(ALPHABET)).collect());
    }
    tokens.push(Vec::new());
    let eos = tokens.len() - 1;
    let vocabulary = Arc::new(Vocabulary::new(&tokens, &[], &[eos as u32]).unwrap());
    let Ok(grammar) = rules.compile(&vocabulary) else { return };
    let least = grammar.min_tokens().unwrap();
    assert!(Matcher::new(grammar.clone(), Some(least - 1)).is_err());
    let limit = least + r.below(7);
    let mut matcher = Matcher::new(grammar.clone(), Some(limit)).unwrap();
    while !matcher.finished() {
        assert!(matcher.length() < limit, "seed {seed}: no end within {limit} tokens\n{rules:?}");
        let bits = mask(&matcher, tokens.len());
        for t in 0..tokens.len() {
            let kept = matcher.clone().accept(t as u32).unwrap();
            assert_eq!(bits[t], kept, "seed {seed}: token {t} {:?} of {limit}\n{rules:?}", tokens[t]);
        }
        let longer: Vec<usize> = (0..eos).filter(|&t| bits[t]).collect();
        let t = if longer.is_empty() { eos } else { *r.pick(&longer) };
        assert!(matcher.accept(t as u32).unwrap());
    }
}

#[test]
fn budgets() {
    for seed in 1..600 {
        check_budget(seed, seed % 2 == 0, seed % 3 == 0);
    }
}

/// A grammar: one terminal, once, or again after a comma.
fn list_of(vocabulary: &Arc<Vocabulary>, terminal: &[u8]) -> Arc<Grammar> {
    let comma = [0, b','];
    let edges: Vec<u8> = [0u32, 1, 0, 1, 1, 1, 1, 0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let code = ProgramCode {
        terminals: &[terminal, &comma],
        edges: &edges,
        finals: &[0, 1],
        rule_starts: &[0; 4],
        start: 0,
        ignore: &[],
        names_once: 0,
        names_counted: false,
        unique_opens: &[],
        unique_ends: &[],
    };
    Grammar::general(vocabulary.clone(), vec!["T".into(), "COMMA".into()], &code).unwrap()
}

/// All strings up to length 5 over a few letters (enough for bitmaps), and the end token.
fn wide_vocabulary() -> (Vec<Vec<u8>>, Arc<Vocabulary>) {
    let letters = b"ab\",";
    let (mut tokens, mut last) = (vec![Vec::new()], vec![Vec::new()]);
    for _ in 0..5 {
        last = last.iter().flat_map(|t: &Vec<u8>| letters.iter().map(|&b| [&t[..], &[b]].concat())).collect();
        tokens.extend_from_slice(&last);
    }
    let vocabulary = Vocabulary::new(&tokens, &[], &[0]).unwrap();
    (tokens, Arc::new(vocabulary))
}

fn counted(min: u32, max: u32, prefix: &[u8], suffix: &[u8], unit: &Regex) -> Vec<u8> {
    let mut code = vec![3];
    code.extend(min.to_le_bytes());
    code.extend(max.to_le_bytes());
    for part in [prefix, suffix] {
        code.extend((part.len() as u16).to_le_bytes());
        code.extend(part);
    }
    code.extend(unit.code());
    code
}

#[test]
fn counted_is_unrolled() {
    let (tokens, vocabulary) = wide_vocabulary();
    let mut r = Random(7);
    let class = |s: &[u8]| Regex::Class(s.to_vec());
    let units = [class(b"a"), class(b"ab"), Regex::Alternation(vec![class(b"a"), Regex::Literal(b"ba".to_vec())])];
    let prefixes: [&[u8]; 3] = [b"\"", b"", b"\"a"];
    let suffixes: [&[u8]; 3] = [b"\"", b"", b"\"\""];
    for round in 0..120 {
        let (min, max) = *r.pick(&[(0, INF), (0, 0), (1, 1), (0, 3), (2, 4), (3, INF), (5, 9), (0, 40), (7, 7)]);
        let unit = r.pick(&units).clone();
        let (prefix, suffix) = (*r.pick(&prefixes), *r.pick(&suffixes));
        if max == 0 && prefix.is_empty() && suffix.is_empty() {
            continue;
        }
        let parts = [prefix.to_vec(), suffix.to_vec()].map(Regex::Literal);
        let [before, after] = parts;
        let whole = Regex::Concat(vec![before, Regex::Repeat(Box::new(unit.clone()), min, max, true), after]);
        let unrolled = list_of(&vocabulary, &[&[1], &whole.code()[..]].concat());
        let counted = list_of(&vocabulary, &counted(min, max, prefix, suffix, &unit));
        for budget in [None, Some(counted.min_tokens().unwrap() + round % 3)] {
            let mut a = Matcher::new(counted.clone(), budget).unwrap();
            let mut b = Matcher::new(unrolled.clone(), budget).unwrap();
            for _ in 0..8 {
                let bits = mask(&a, tokens.len());
                assert_eq!(bits, mask(&b, tokens.len()), "{min} {max} {prefix:?} {unit:?} {suffix:?}");
                assert_eq!((a.can_end(), a.tokens_needed()), (b.can_end(), b.tokens_needed()));
                for _ in 0..20 {
                    let t = r.below(tokens.len());
                    assert_eq!(bits[t], a.clone().accept(t as u32).unwrap());
                }
                let allowed: Vec<usize> = (0..tokens.len()).filter(|&t| bits[t]).collect();
                let t = *r.pick(&allowed) as u32;
                assert!(a.accept(t).unwrap() && b.accept(t).unwrap());
                if a.finished() {
                    break;
                }
            }
        }
    }
}

/// `anything` marked as a loop over any character, or as any loop.
fn unanchored(parts: &[&Regex], anything: &Regex, marked: bool) -> Vec<u8> {
    let quote = Regex::Literal(b"\"".to_vec()).code();
    let mut code = [&[1], &quote[..]].concat();
    for part in parts {
        code.extend(part.code());
        if std::ptr::eq(*part, anything) && marked {
            code.truncate(code.len() - 10); // instead of the repetition
            code.push(b'U');
        }
    }
    code.extend(quote);
    code.push(b'.');
    code.extend((parts.len() as u16 + 2).to_le_bytes());
    code
}

#[test]
fn loops_over_any_character_are_loops() {
    let (tokens, vocabulary) = wide_vocabulary();
    let mut r = Random(31);
    let class = |s: &[u8]| Regex::Class(s.to_vec());
    let characters = [class(b"ab,"), Regex::Alternation(vec![class(b"a"), Regex::Literal(b"b,".to_vec())])];
    for round in 0..120 {
        let character = characters[round % 2].clone();
        let anything = Regex::Repeat(Box::new(character.clone()), 0, INF, true);
        let middle =
            Regex::Concat((0..1 + r.below(3)).map(|_| r.pick(&[class(b"a"), character.clone()]).clone()).collect());
        let parts: Vec<&Regex> = match r.below(4) {
            0 => vec![&anything, &middle, &anything],
            1 => vec![&middle, &anything],
            2 => vec![&anything, &middle],
            _ => vec![&anything],
        };
        let marked = list_of(&vocabulary, &unanchored(&parts, &anything, true));
        let plain = list_of(&vocabulary, &unanchored(&parts, &anything, false));
        let mut a = Matcher::new(marked, None).unwrap();
        let mut b = Matcher::new(plain, None).unwrap();
        for _ in 0..10 {
            let bits = mask(&a, tokens.len());
            assert_eq!(bits, mask(&b, tokens.len()), "{middle:?} {}", parts.len());
            let allowed: Vec<usize> = (0..tokens.len()).filter(|&t| bits[t]).collect();
            let t = *r.pick(&allowed) as u32;
            assert!(a.accept(t).unwrap() && b.accept(t).unwrap());
            if a.finished() {
                break;
            }
        }
    }
}

#[test]
fn automata_are_their_characters() {
    let (tokens, vocabulary) = wide_vocabulary();
    let characters: [&[u8]; 4] = [b"a", b"ba", b"b\"", b"\""];
    let integers = |list: &[u32]| -> Vec<u8> { list.iter().flat_map(|x| x.to_le_bytes()).collect() };
    let mut r = Random(23);
    for _ in 0..150 {
        let n = 2 + r.below(4);
        let mut accepting: Vec<u8> = (0..n).map(|_| r.below(2) as u8).collect();
        (accepting[0], accepting[n - 1]) = (0, 1);
        let mut rows: Vec<[u32; 3]> = (1..n as u32).map(|s| [s - 1, r.below(4) as u32, s]).collect();
        for _ in 0..r.below(8) {
            let row = [r.below(n) as u32, r.below(4) as u32, r.below(n) as u32];
            if !rows.iter().any(|x| x[..2] == row[..2]) {
                rows.push(row);
            }
        }
        let mut code = vec![6];
        code.extend(integers(&[0, u32::MAX, 4]));
        for spelling in characters {
            let regex = Regex::Literal(spelling.to_vec()).code();
            code.extend(integers(&[regex.len() as u32]));
            code.extend(regex);
        }
        code.extend(integers(&[n as u32]));
        code.extend(&accepting);
        code.extend(integers(&rows.concat()));
        let automaton = list_of(&vocabulary, &code);
        // The same, each character a terminal, and behind whatever accepts a comma that leads back.
        let mut edges: Vec<[u32; 4]> = rows.iter().map(|x| [x[0], 1, x[1], x[2]]).collect();
        edges.extend((0..n).filter(|&s| accepting[s] == 1).map(|s| [s as u32, 1, 4, 0]));
        let literals: Vec<Vec<u8>> = characters.iter().map(|c| [&[0], *c].concat()).chain([vec![0, b',']]).collect();
        let code = ProgramCode {
            terminals: &literals.iter().map(|l| &l[..]).collect::<Vec<_>>(),
            edges: &integers(&edges.concat()),
            finals: &accepting,
            rule_starts: &[0; 4],
            start: 0,
            ignore: &[],
            names_once: 0,
            names_counted: false,
            unique_opens: &[],
            unique_ends: &[],
        };
        let names = literals.iter().map(|_| String::new()).collect();
        let spelled = Grammar::general(vocabulary.clone(), names, &code).unwrap();
        let mut a = Matcher::new(automaton, None).unwrap();
        let mut b = Matcher::new(spelled, None).unwrap();
        for _ in 0..10 {
            let bits = mask(&a, tokens.len());
            assert_eq!(bits, mask(&b, tokens.len()), "{rows:?} {accepting:?}");
            assert_eq!((a.can_end(), a.tokens_needed()), (b.can_end(), b.tokens_needed()));
            let allowed: Vec<usize> = (0..tokens.len()).filter(|&t| bits[t]).collect();
            let t = *r.pick(&allowed) as u32;
            assert!(a.accept(t).unwrap() && b.accept(t).unwrap());
            if a.finished() {
                break;
            }
        }
    }
}

#[test]
fn words_left_out() {
    let (tokens, vocabulary) = wide_vocabulary();
    let mut r = Random(11);
    for round in 0..150 {
        let string = Regex::Concat(vec![
            Regex::Literal(b"\"".to_vec()),
            Regex::Repeat(Box::new(Regex::Class(b"ab,".to_vec())), 0, *r.pick(&[INF, INF, 2]), true),
            Regex::Literal(b"\"".to_vec()),
        ]);
        let letters = Regex::Repeat(Box::new(Regex::Class(b"ab".to_vec())), 1, *r.pick(&[INF, 2]), true);
        let base = if round % 3 == 0 { letters } else { string };
        let words: BTreeSet<Vec<u8>> = (0..1 + r.below(6))
            .map(|_| {
                let body: Vec<u8> = (0..r.below(4)).map(|_| *r.pick(b"ab,")).collect();
                if round % 3 == 0 {
                    body
                } else {
                    [&b"\""[..], &body, b"\""].concat()
                }
            })
            .collect();
        let mut code = vec![4];
        code.extend((words.len() as u32).to_le_bytes());
        for word in &words {
            code.extend((word.len() as u16).to_le_bytes());
            code.extend(word);
        }
        code.push(1);
        code.extend(base.code());
        let grammar = list_of(&vocabulary, &code);
        // What the list of such lexemes accepts: by positions.
        let ends = |text: &[u8], at: usize| -> Vec<usize> {
            base.ends(text, at).into_iter().filter(|&e| !words.contains(&text[at..e])).collect()
        };
        let accepts = |text: &[u8]| {
            let (mut todo, mut seen) = (vec![0], BTreeSet::new());
            while let Some(at) = todo.pop() {
                for end in ends(text, at) {
                    if end == text.len() {
                        return true;
                    }
                    if text[end] == b',' && seen.insert(end) {
                        todo.push(end + 1);
                    }
                }
            }
            false
        };
        for budget in [None, Some(grammar.min_tokens().unwrap() + round % 4)] {
            let mut matcher = Matcher::new(grammar.clone(), budget).unwrap();
            let mut text = Vec::new();
            for _ in 0..6 {
                let bits = mask(&matcher, tokens.len());
                for _ in 0..200 {
                    let t = r.below(tokens.len());
                    let mut fork = matcher.clone();
                    assert_eq!(bits[t], fork.accept(t as u32).unwrap(), "{:?} {words:?}", tokens[t]);
                    if t > 0 && !matcher.finished() && budget.is_none() {
                        let whole = [&text[..], &tokens[t]].concat();
                        assert_eq!(bits[t] && fork.can_end(), accepts(&whole), "{whole:?} {words:?}");
                        if bits[t] {
                            assert!(accepts(&[&whole[..], &fork.witness().unwrap()].concat()));
                        }
                    }
                }
                let allowed: Vec<usize> = (0..tokens.len()).filter(|&t| bits[t]).collect();
                let t = *r.pick(&allowed);
                assert!(matcher.accept(t as u32).unwrap());
                text.extend_from_slice(&tokens[t]);
            }
        }
    }
}

/// Ambiguous expressions hold merged stacks: the state grows with the length, not with the readings.
#[test]
fn ambiguity_is_shared() {
    let (tokens, vocabulary) = wide_vocabulary();
    // e: "a" t;  t: ("b" e | "," e)* as an automaton whose calls come back to the loop.
    let terminals: [&[u8]; 3] = [&[0, b'a'], &[0, b'b'], &[0, b',']];
    let rows = [0u32, 1, 0, 1, 1, 1, 1, 2, 1, 1, 2, 3, 2, 2, 0, 1, 3, 2, 0, 1];
    let edges: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
    let names = ["A", "B", "COMMA"].map(String::from).to_vec();
    let code = ProgramCode {
        terminals: &terminals,
        edges: &edges,
        finals: &[0, 1, 0, 0],
        rule_starts: &[0; 4],
        start: 0,
        ignore: &[],
        names_once: 0,
        names_counted: false,
        unique_opens: &[],
        unique_ends: &[],
    };
    let grammar = Grammar::general(vocabulary, names, &code).unwrap();
    let mut matcher = Matcher::new(grammar, None).unwrap();
    for i in 0..300 {
        assert_eq!(matcher.accept_bytes(if i % 3 == 0 { b"ab" } else { b"a," }).unwrap(), 2);
        if i % 50 == 0 {
            let bits = mask(&matcher, tokens.len());
            assert!((0..tokens.len()).all(|t| bits[t] == (matcher.clone().accept(t as u32).unwrap())));
        }
    }
    assert_eq!(matcher.witness().unwrap(), b"a");
}
