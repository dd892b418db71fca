//! Bad programs are typed errors, never panics.

use std::sync::Arc;

use trellis_kernel::{ErrorKind, Grammar, LalrCode, Matcher, ProgramCode, Result, Vocabulary};

fn vocabulary() -> Arc<Vocabulary> {
    let mut tokens: Vec<Vec<u8>> = (0..=255).map(|b| vec![b]).collect();
    tokens.extend([b"ab".to_vec(), b"if".to_vec(), b"\"a".to_vec(), Vec::new()]);
    Arc::new(Vocabulary::new(&tokens, &[], &[259]).unwrap())
}

fn integers(list: &[u32]) -> Vec<u8> {
    list.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn general(
    terminals: &[&[u8]],
    edges: &[u32],
    finals: &[u8],
    starts: &[u32],
    start: u32,
    ignore: &[u32],
) -> Result<Arc<Grammar>> {
    let (edges, starts) = (integers(edges), integers(starts));
    let names = terminals.iter().map(|_| String::new()).collect();
    let code = ProgramCode {
        terminals,
        edges: &edges,
        finals,
        rule_starts: &starts,
        start,
        ignore,
        names_once: 0,
        names_counted: false,
        unique_opens: &[],
        unique_ends: &[],
    };
    Grammar::general(vocabulary(), names, &code)
}

fn error(result: Result<Arc<Grammar>>) -> (ErrorKind, Option<u32>) {
    let error = result.err().expect("an error");
    assert!(!error.message.is_empty());
    (error.kind, error.index)
}

const A: &[u8] = b"\0a";

#[test]
fn indices_are_checked() {
    assert!(general(&[A], &[0, 1, 0, 1], &[0, 1], &[0], 0, &[]).is_ok());
    let program = |r| assert_eq!(error(r).0, ErrorKind::Program);
    program(general(&[A], &[0, 1, 1, 1], &[0, 1], &[0], 0, &[]));
    program(general(&[A], &[0, 1, 0, 2], &[0, 1], &[0], 0, &[]));
    program(general(&[A], &[9, 1, 0, 1], &[0, 1], &[0], 0, &[]));
    program(general(&[A], &[0, 2, 1, 1], &[0, 1], &[0], 0, &[]));
    program(general(&[A], &[0, 3, 0, 1], &[0, 1], &[0], 0, &[]));
    program(general(&[A], &[0, 1, 0, 1], &[0, 1], &[2], 0, &[]));
    program(general(&[A], &[0, 1, 0, 1], &[0, 1], &[0], 1, &[]));
    program(general(&[A], &[0, 1, 0, 1], &[0, 1], &[0], 0, &[1]));
    program(general(&[A], &[0, 1, 0], &[0, 1], &[0], 0, &[]));
    program(general(&[], &[], &[], &[], 0, &[]));
    // A language without any text.
    program(general(&[A], &[0, 1, 0, 1], &[0, 0], &[0], 0, &[]));
}

#[test]
fn left_recursion_is_refused() {
    let edges = [0, 2, 1, 1, 2, 0, 0, 3, 3, 2, 0, 4, 2, 1, 0, 4];
    let result = general(&[A], &edges, &[0, 1, 0, 0, 1], &[0, 2], 0, &[]);
    assert_eq!(error(result).0, ErrorKind::Program);
}

#[test]
fn terminals_are_checked() {
    let bad: &[&[u8]] = &[
        b"",
        b"\0",
        b"\x01",
        b"\x01L\x05\x00ab",
        b"\x01C",
        b"\x01.\x02\x00",
        b"\x01L\x01\x00aL\x01\x00b",
        b"\x09a",
        b"\x01?",
        b"\x02E",
        b"\x01|\x00\x00",
        b"\x03\x01\x00\x00\x00",
        b"\x04\x01\x00\x00\x00\x05\x00a",
        b"\x01U",
        b"\x05\0\0\0",
        b"\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0",
        b"\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\x01\0\0\0\0",
        b"\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\x01\0\0\0",
        b"\x06\0\0\0\0\xff\xff\xff\xff\x01\0\0\0\x01\0\0\0E\x01\0\0\0\x01",
    ];
    for code in bad {
        let (kind, index) = error(general(&[A, code], &[0, 1, 0, 1], &[0, 1], &[0], 0, &[]));
        assert_eq!((kind, index), (ErrorKind::Program, Some(1)), "{code:?}");
    }
    // A special token that the vocabulary does not have.
    let unknown = error(general(&[A, b"\x05\0\0\0\0"], &[0, 1, 0, 1], &[0, 1], &[0], 0, &[]));
    assert_eq!(unknown, (ErrorKind::Vocabulary, Some(1)));
    // Nested too deep, and unrolled too far.
    let mut deep = vec![1, b'E'];
    deep.extend(std::iter::repeat_n([b'.', 1, 0], 5000).flatten());
    let mut wide = b"\x01L\x01\x00a".to_vec();
    for _ in 0..4 {
        wide.push(b'{');
        wide.extend(integers(&[0, 1000]));
        wide.push(1);
    }
    for code in [deep, wide] {
        assert_eq!(error(general(&[&code], &[0, 1, 0, 1], &[0, 1], &[0], 0, &[])), (ErrorKind::Limit, Some(0)));
    }
}

#[test]
fn vocabularies_are_checked() {
    let kind = |r: Result<Vocabulary>| r.err().map(|e| e.kind);
    assert_eq!(kind(Vocabulary::new(&[b"a"], &[], &[1])), Some(ErrorKind::Vocabulary));
    assert_eq!(kind(Vocabulary::new(&[b"a"], &[7], &[])), Some(ErrorKind::Vocabulary));
    assert_eq!(kind(Vocabulary::new(&[vec![b'a'; 5000]], &[], &[])), Some(ErrorKind::Vocabulary));
    let empty: [&[u8]; 0] = [];
    assert_eq!(kind(Vocabulary::new(&empty, &[], &[])), None);
}

/// Whatever bytes come, the answer is a grammar or an error; and a grammar works.
fn exercise(grammar: Result<Arc<Grammar>>) -> bool {
    let Ok(grammar) = grammar else { return false };
    match Matcher::new(grammar, Some(20)) {
        Err(e) => assert!(matches!(e.kind, ErrorKind::Budget | ErrorKind::Limit | ErrorKind::Vocabulary), "{e}"),
        Ok(mut matcher) => {
            for token in [97, 98, 34, 256, 257, 258, 44, 259, 1000] {
                let _ = matcher.mask();
                let _ = matcher.accept(token);
                matcher.expected();
                let _ = matcher.witness();
            }
        }
    }
    true
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn mangled_programs_never_panic() {
    let seeds: [&[u8]; 6] = [
        b"\0ab",
        b"\x01L\x01\x00\"C\xFF\xFF\xFF\xFF\xFB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFUL\x01\x00\".\x03\x00",
        b"\x02L\x01\x00aL\x02\x00ab|\x02\x00{\x01\x00\x00\x00\x03\x00\x00\x00\x01",
        b"\x03\x01\x00\x00\x00\x05\x00\x00\x00\x01\x00\"\x01\x00\"L\x01\x00a",
        b"\x04\x02\x00\x00\x00\x01\x00a\x02\x00ab\x01L\x01\x00aL\x01\x00b|\x02\x00U",
        b"\x02L\x01\x00a{\x01\x00\x00\x00\xFF\xFF\xFF\xFF\x00",
    ];
    let edges = [0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 2, 1, 1, 1, 3, 0, 0, 2, 1, 1, 3, 1, 4, 4, 4, 2, 0, 5, 4, 1, 5, 5];
    let mut r = Random(5);
    let mut compiled = 0;
    for _ in 0..4000 {
        let mut codes: Vec<Vec<u8>> = seeds.iter().map(|s| s.to_vec()).collect();
        let mut edges = edges;
        for _ in 0..r.below(3) {
            let code = &mut codes[r.below(6)];
            let at = r.below(code.len());
            match r.below(3) {
                0 => code[at] = r.below(256) as u8,
                1 => code.truncate(at),
                _ => code.insert(at, b"EL.|{U"[r.below(6)]),
            }
            if code.is_empty() {
                code.push(0);
            }
        }
        for _ in 0..r.below(3) {
            edges[r.below(32)] = r.below(7) as u32;
        }
        let codes: Vec<&[u8]> = codes.iter().map(|c| &c[..]).collect();
        compiled += u32::from(exercise(general(&codes, &edges, &[0, 1, 0, 0, 0, 1], &[0, 3], 0, &[5])));
    }
    assert!(compiled > 100, "{compiled}");
}

#[test]
fn mangled_tables_never_panic() {
    // s: s "a" | "b"; "c" ignored; "if" a keyword of /[a-z]+/ nowhere used.
    let actions = [0, 1, 0, 2, 1, 0, 0, 3, 1, 3, 0, 4, 2, 0, 1, 1, 2, 3, 1, 1, 3, 0, 1, 0, 3, 3, 1, 0];
    let gotos = [0, 0, 1];
    let rules = [0, 2, 0, 1];
    let mut r = Random(9);
    let mut compiled = 0;
    for round in 0..4000 {
        let (mut actions, mut gotos, mut rules) = (actions, gotos, rules);
        for _ in 0..if round == 0 { 0 } else { r.below(4) } {
            match r.below(4) {
                0 => gotos[r.below(3)] = r.below(6) as u32,
                1 => rules[r.below(4)] = r.below(4) as u32,
                _ => actions[r.below(28)] = r.below(6) as u32,
            }
        }
        let scanners = [(vec![0, 1, 2], vec![2], vec![(1, vec![vec![b"if".to_vec()]], 0)])];
        let code = LalrCode {
            terminals: &[A, b"\x02L\x01\x00b{\x01\0\0\0\x02\0\0\0\x01", b"\0c"],
            actions: &integers(&actions),
            gotos: &integers(&gotos),
            rules: &integers(&rules),
            start: 0,
            end: if round % 2 == 0 { 4 } else { 1 },
            scanners: &scanners,
            scanner_of: &integers(&[0; 5]),
            conflict_free: round % 2 == 0,
        };
        let names = vec![String::new(); 3];
        compiled += u32::from(exercise(Grammar::lalr(vocabulary(), names, &code)));
    }
    assert!(compiled > 100, "{compiled}");
}
