//! JSON Schemas to programs: arrays and objects that nothing has to be remembered of but names.
//!
//! Python decides what a schema means (`trellis.masking.schema_front`) and gives the terminals of scalars; this is
//! its lowering of the common rest, step by step the same, so that both make equal programs. Whatever goes beyond is
//! [`None`] here: then Python lowers the whole schema.

use std::rc::Rc;
use std::sync::Arc;

use crate::hash::Map;
use crate::names::NEVER;
use crate::tidy::{self, Outcome, Tidied, CALL, EPSILON, TERMINAL};

/// Edges between sets of names, when names come in any order.
const MAX_SETS: usize = 1_500;
/// Objects with so few sets remember all of their names.
const FEW_SETS: usize = 200;
/// Items that are counted one by one.
const MAX_COUNTED: usize = 10_000;
const MAX_STATES: u32 = 500_000;
/// A terminal's code and what to call it.
pub type Named = (Vec<u8>, String);

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// Any value.
    Anything,
    /// No value is right.
    Never,
    /// A schema, by its number.
    Node(usize),
}

/// A way across a value.
#[derive(Debug, Clone)]
pub enum Way {
    /// One lexeme.
    Scalar(Arc<Named>),
    /// The array of a node.
    Array(usize),
    /// The object of a node.
    Object(usize),
    /// Any array, any object.
    AnyArray,
    /// See `AnyArray`.
    AnyObject,
}

/// An array's items and how many they are.
#[derive(Debug, Clone)]
pub struct Array {
    /// What each item is.
    pub items: Value,
    /// The least number of items.
    pub minimum: usize,
    /// The greatest number of items.
    pub maximum: Option<usize>,
}

/// An object's properties.
#[derive(Debug, Clone)]
pub struct Object {
    /// Those that are declared, in their order.
    pub properties: Vec<(String, Value)>,
    /// The names that must be there, each once.
    pub required: Vec<String>,
    /// What the values of those are that are not declared.
    pub undeclared: Value,
    /// The terminals of other names (none: all others), and what the values under them are.
    pub others: Vec<(Option<Vec<u8>>, Value)>,
}

/// A schema.
#[derive(Debug, Default)]
pub struct Node {
    /// The schema that it is another name of.
    pub alias: Option<usize>,
    /// The ways across its values.
    pub ways: Vec<Way>,
    /// Its array, where one of the ways is it.
    pub array: Option<Array>,
    /// Its object.
    pub object: Option<Object>,
}

/// A general program in parts, as `Grammar.general` takes them.
#[derive(Debug)]
pub struct Parts {
    /// Terminals and their names.
    pub terminals: Vec<Named>,
    /// Rows of edges.
    pub edges: Vec<[u32; 4]>,
    /// For each state whether the rule may end there.
    pub finals: Vec<bool>,
    /// The start state of each rule.
    pub rule_starts: Vec<u32>,
    /// The rule that the text has to be.
    pub start: u32,
    /// See [`crate::ProgramCode`].
    pub names_once: u32,
}

/// What every schema is lowered with.
#[derive(Debug)]
pub struct Marks {
    /// `{`, `}`, `[`, `]`, `,` and `:`, with the white space that may be there.
    pub separators: [Named; 6],
    /// The terminal of any property's name.
    pub name: Vec<u8>,
    /// The program of any value.
    pub anything: Parts,
}

#[derive(Clone, Copy)]
enum Body {
    Array(Option<usize>),
    Object(Option<usize>),
    /// The terminal of a name, and the value under it.
    Property(u32, Value),
}

type Ports = Rc<[(u32, u32)]>; // kind of edge, terminal or rule

struct Writer<'a> {
    nodes: &'a [Node],
    marks: &'a Marks,
    /// Names come in any order, not the schema's.
    any_order: bool,
    states: u32,
    edges: Vec<[u32; 4]>,
    finals: Vec<u32>,
    starts: Vec<u32>,
    terminals: Vec<Named>,
    numbers: Map<Rc<[u8]>, u32>,
    separators: [u32; 6],
    ports: Map<Value, Ports>,
    arrays: Map<Option<usize>, u32>,
    objects: Map<Option<usize>, u32>,
    properties: Map<(u32, Value), u32>,
    queue: Vec<(u32, Body)>,
    /// See [`crate::ProgramCode`].
    names_once: Option<u32>,
}

/// The program of a schema; None when it is not plain, too large, or has no instance.
pub fn lower(nodes: &[Node], root: Value, marks: &Marks, any_order: bool) -> Option<Parts> {
    let mut writer = Writer {
        nodes,
        marks,
        any_order,
        states: 0,
        edges: Vec::new(),
        finals: Vec::new(),
        starts: Vec::new(),
        terminals: Vec::new(),
        numbers: Map::default(),
        separators: [0; 6],
        ports: Map::default(),
        arrays: Map::default(),
        objects: Map::default(),
        properties: Map::default(),
        queue: Vec::new(),
        names_once: None,
    };
    for (i, mark) in marks.separators.iter().enumerate() {
        writer.separators[i] = writer.terminal(&mark.0, &mark.1);
    }
    let (start, end) = (writer.state(), writer.state());
    writer.finals.push(end);
    writer.starts.push(start);
    writer.value(root, start, end)?;
    writer.write_rules()?;
    writer.program()
}

impl Writer<'_> {
    fn program(self) -> Option<Parts> {
        let mut finals = vec![0u8; self.states as usize];
        self.finals.iter().for_each(|&s| finals[s as usize] = 1);
        let Ok(Outcome::Ready(tidied)) = tidy::tidied(self.edges, &finals, &self.starts, 0, &[]) else { return None };
        let Tidied { edges, states, rule_starts, terminals } = tidied;
        Some(Parts {
            terminals: terminals.iter().map(|&t| self.terminals[t as usize].clone()).collect(),
            edges,
            finals: states.iter().map(|&s| finals[s as usize] != 0).collect(),
            rule_starts,
            start: 0,
            names_once: self.names_once.unwrap_or(0),
        })
    }

    /// No object says a name twice; one that has `least` names may have no others left.
    fn names_come_once(&mut self, least: u32) {
        self.names_once = Some(self.names_once.map_or(least, |known| known.min(least)));
    }

    fn state(&mut self) -> u32 {
        self.states += 1;
        self.states - 1
    }

    fn terminal(&mut self, code: &[u8], name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(code) {
            return number;
        }
        let number = self.terminals.len() as u32;
        self.numbers.insert(code.into(), number);
        self.terminals.push((code.to_vec(), name.to_owned()));
        number
    }

    fn read(&mut self, source: u32, terminal: u32, target: u32) {
        self.edges.push([source, TERMINAL, terminal, target]);
    }

    fn skip(&mut self, source: u32, target: u32) {
        self.edges.push([source, EPSILON, 0, target]);
    }

    fn step(&mut self, source: u32, terminal: u32) -> u32 {
        let target = self.state();
        self.read(source, terminal, target);
        target
    }

    fn value(&mut self, value: Value, source: u32, target: u32) -> Option<()> {
        for &(kind, argument) in self.ports(value)?.iter() {
            self.edges.push([source, kind, argument, target]);
        }
        Some(())
    }

    /// A name, a colon and a value.
    fn member(&mut self, source: u32, name: u32, value: Value, target: u32) -> Option<()> {
        let named = self.step(source, name);
        let colon = self.step(named, self.separators[5]);
        self.value(value, colon, target)
    }

    fn ports(&mut self, value: Value) -> Option<Ports> {
        if let Some(known) = self.ports.get(&value) {
            return Some(known.clone());
        }
        let ports: Ports = match value {
            Value::Never => return None,
            Value::Anything => Rc::new([(CALL, self.embed_anything())]),
            Value::Node(number) => {
                let nodes = self.nodes;
                let mut at = number;
                for _ in 0..nodes.len() {
                    let Some(other) = nodes[at].alias else { break };
                    at = other;
                }
                if nodes[at].alias.is_some() {
                    return None; // defined by nothing but itself
                }
                let way = |way: &Way| match way {
                    Way::Scalar(named) => (TERMINAL, self.terminal(&named.0, &named.1)),
                    Way::Array(node) => (CALL, self.rule(Body::Array(Some(*node)))),
                    Way::Object(node) => (CALL, self.rule(Body::Object(Some(*node)))),
                    Way::AnyArray => (CALL, self.rule(Body::Array(None))),
                    Way::AnyObject => (CALL, self.rule(Body::Object(None))),
                };
                nodes[at].ways.iter().map(way).collect()
            }
        };
        if ports.is_empty() {
            return None;
        }
        self.ports.insert(value, ports.clone());
        Some(ports)
    }

    /// The rule of a body, which is written later.
    fn rule(&mut self, body: Body) -> u32 {
        let next = self.starts.len() as u32;
        let rule = match body {
            Body::Array(key) => *self.arrays.entry(key).or_insert(next),
            Body::Object(key) => *self.objects.entry(key).or_insert(next),
            Body::Property(name, value) => *self.properties.entry((name, value)).or_insert(next),
        };
        if rule == next {
            self.starts.push(0);
            self.queue.push((rule, body));
        }
        rule
    }

    fn embed_anything(&mut self) -> u32 {
        let marks = self.marks;
        let program = &marks.anything;
        self.names_come_once(program.names_once);
        let (states, rules) = (self.states, self.starts.len() as u32);
        let numbers: Vec<u32> = program.terminals.iter().map(|(code, name)| self.terminal(code, name)).collect();
        self.states += program.finals.len() as u32;
        self.finals.extend((0u32..).zip(&program.finals).filter(|f| *f.1).map(|f| states + f.0));
        self.starts.extend(program.rule_starts.iter().map(|s| states + s));
        self.edges.extend(program.edges.iter().map(|&[source, kind, argument, target]| {
            let argument = match kind {
                TERMINAL => numbers[argument as usize],
                CALL => rules + argument,
                _ => 0,
            };
            [states + source, kind, argument, states + target]
        }));
        rules + program.start
    }

    fn write_rules(&mut self) -> Option<()> {
        let nodes = self.nodes;
        let (any_array, any_object) = (
            Array { items: Value::Anything, minimum: 0, maximum: None },
            Object {
                properties: Vec::new(),
                required: Vec::new(),
                undeclared: Value::Anything,
                others: vec![(None, Value::Anything)],
            },
        );
        while let Some((rule, body)) = self.queue.pop() {
            let (first, last) = (self.state(), self.state());
            self.starts[rule as usize] = first;
            self.finals.push(last);
            match body {
                Body::Array(key) => {
                    self.array(key.map_or(Some(&any_array), |i| nodes[i].array.as_ref())?, first, last)?;
                }
                Body::Object(key) => {
                    self.object(key.map_or(Some(&any_object), |i| nodes[i].object.as_ref())?, first, last)?;
                }
                Body::Property(name, value) => self.member(first, name, value, last)?,
            }
            if first > MAX_STATES {
                return None;
            }
        }
        Some(())
    }

    /// `[`, items one by one while their number matters, then a loop.
    fn array(&mut self, array: &Array, source: u32, target: u32) -> Option<()> {
        let [_, _, open, close, comma, _] = self.separators;
        let counted = array.maximum.unwrap_or(array.minimum);
        if counted > MAX_COUNTED || array.minimum > counted {
            return None;
        }
        let begin = self.step(source, open);
        if array.minimum == 0 {
            self.read(begin, close, target);
        }
        let mut after = begin;
        for index in 0..counted {
            let before = if index == 0 { begin } else { self.step(after, comma) };
            after = self.state();
            self.value(array.items, before, after)?;
            if index + 1 >= array.minimum {
                self.read(after, close, target);
            }
        }
        if array.maximum.is_none() {
            if counted == 0 {
                after = self.state();
                self.value(array.items, begin, after)?;
                self.read(after, close, target);
            }
            let again = self.step(after, comma);
            if counted == 0 {
                self.value(array.items, again, after)?;
            } else {
                let behind = self.state();
                self.value(array.items, again, behind)?;
                self.read(behind, comma, again);
                self.read(behind, close, target);
            }
        }
        Some(())
    }

    fn object(&mut self, object: &Object, source: u32, target: u32) -> Option<()> {
        let declared: Map<&str, ()> = object.properties.iter().map(|(name, _)| (&name[..], ())).collect();
        let undeclared = object.required.iter().filter(|name| !declared.contains_key(&name[..]));
        let mut listed: Vec<(&str, Value)> =
            object.properties.iter().map(|(name, value)| (&name[..], *value)).collect();
        listed.extend(undeclared.map(|name| (&name[..], object.undeclared)));
        let required: Map<&str, ()> = object.required.iter().map(|name| (&name[..], ())).collect();
        let spelled: Vec<Vec<u8>> = listed.iter().map(|(name, _)| spell(name)).collect();
        if spelled.iter().any(|word| word.len() > usize::from(u16::MAX)) {
            return None;
        }
        let mut others = Vec::with_capacity(object.others.len());
        for (names, value) in &object.others {
            let names = match names {
                None => self.name_outside(&spelled),
                Some(code) => self.terminal(code, "a name"),
            };
            others.push((names, *value));
        }
        let mut members = Vec::with_capacity(listed.len());
        for (&(name, value), word) in listed.iter().zip(&spelled) {
            let needed = required.contains_key(name);
            match value {
                Value::Never if needed => return None,
                Value::Never => {}
                _ => {
                    let code = [&[0], &word[..]].concat();
                    members.push((self.terminal(&code, &String::from_utf8_lossy(word)), value, needed));
                }
            }
        }
        if !others.is_empty() {
            self.names_come_once(NEVER);
        }
        match members.len() + others.len() {
            _ if !self.any_order => self.chain(&members, &others, source, target),
            0 | 1 => self.lonely(&members, others.first().copied(), source, target),
            _ => {
                let outside = self.name_outside(&spelled);
                let any_other = others.iter().any(|other| other.0 == outside);
                self.sets(&members, &others, any_other, source, target)
            }
        }
    }

    /// The terminal of names other than some.
    fn name_outside(&mut self, spelled: &[Vec<u8>]) -> u32 {
        let base = &self.marks.name;
        if spelled.is_empty() {
            return self.terminal(base, "a name");
        }
        let mut words: Vec<&[u8]> = spelled.iter().map(|word| &word[..]).collect();
        words.sort_unstable();
        words.dedup();
        let mut code = vec![4];
        code.extend((words.len() as u32).to_le_bytes());
        for word in words {
            code.extend((word.len() as u16).to_le_bytes());
            code.extend(word);
        }
        code.extend(base);
        self.terminal(&code, "a name")
    }

    /// In the schema's order: optional properties are skipped, undeclared ones come last.
    fn chain(
        &mut self,
        members: &[(u32, Value, bool)],
        others: &[(u32, Value)],
        source: u32,
        target: u32,
    ) -> Option<()> {
        let [open, close, _, _, comma, _] = self.separators;
        let choose = self.states;
        self.states += members.len() as u32 + 1;
        let ends_from = members.iter().rposition(|m| m.2).map_or(0, |i| i + 1);
        let begin = self.step(source, open);
        self.skip(begin, choose);
        if ends_from == 0 {
            self.read(begin, close, target);
        }
        for (at, (i, &(name, value, needed))) in (choose..).zip(members.iter().enumerate()) {
            let after = self.state();
            self.member(at, name, value, after)?;
            if !needed {
                self.skip(at, at + 1);
            }
            if i + 1 >= ends_from {
                self.read(after, close, target);
            }
            self.read(after, comma, at + 1);
        }
        let (last, again) = (choose + members.len() as u32, self.state());
        for &(name, value) in others {
            self.member(last, name, value, again)?;
        }
        self.read(again, close, target);
        self.read(again, comma, last);
        Some(())
    }

    /// In any order, where there is no order: one name, or only names that are not declared.
    fn lonely(
        &mut self,
        members: &[(u32, Value, bool)],
        others: Option<(u32, Value)>,
        source: u32,
        target: u32,
    ) -> Option<()> {
        let [open, close, _, _, comma, _] = self.separators;
        let begin = self.step(source, open);
        let choose = self.state();
        self.skip(begin, choose);
        if !members.iter().any(|m| m.2) {
            self.read(begin, close, target);
        }
        let after = self.state();
        self.read(after, close, target);
        if let Some(&(name, value, _)) = members.first() {
            self.member(choose, name, value, after)?;
        }
        if let Some((name, value)) = others {
            self.read(after, comma, choose);
            self.member(choose, name, value, after)?;
        }
        Some(())
    }

    /// In any order: the names that have to be remembered are kept as the set of those seen. Where there is `any_other`
    /// name, every name that has begun can go on.
    fn sets(
        &mut self,
        members: &[(u32, Value, bool)],
        others: &[(u32, Value)],
        any_other: bool,
        source: u32,
        target: u32,
    ) -> Option<()> {
        let [open, close, _, _, comma, _] = self.separators;
        let all = members.len() < 16 && members.len() << members.len() <= FEW_SETS;
        let (mut kept, mut free, mut needed) = (Vec::new(), Vec::new(), 0u128);
        for &(name, value, is_needed) in members.iter().filter(|m| m.2 || all) {
            needed |= u128::from(is_needed).checked_shl(kept.len() as u32)?;
            kept.push(self.property(name, value)?);
        }
        for &(name, value, _) in members.iter().filter(|m| !m.2 && !all) {
            free.push(self.property(name, value)?);
        }
        if !free.is_empty() && !any_other {
            self.names_come_once(if others.is_empty() { free.len() as u32 } else { NEVER - 1 });
        }
        for &(name, value) in others {
            free.push(self.property(name, value)?);
        }
        let options = members.len() + others.len();
        if kept.len() >= 16 || options << kept.len() > MAX_SETS {
            return None;
        }
        let begin = self.step(source, open);
        if needed == 0 {
            self.read(begin, close, target);
        }
        // By what is seen: behind a property, and the next state, behind the comma.
        let mut states: Map<u128, u32> = Map::default();
        let mut work = vec![0u128];
        states.insert(0, self.states);
        self.skip(begin, self.states + 1);
        self.states += 2;
        let mut at = 0;
        while let Some(&seen) = work.get(at) {
            at += 1;
            let after = states[&seen];
            let choose = after + 1;
            self.read(after, comma, choose);
            if seen & needed == needed {
                self.read(after, close, target);
            }
            self.edges.extend(free.iter().map(|&rule| [choose, CALL, rule, after]));
            for (bit, &rule) in kept.iter().enumerate() {
                if seen >> bit & 1 == 0 {
                    let now = seen | 1 << bit;
                    let next = self.states;
                    let following = *states.entry(now).or_insert(next);
                    if following == next {
                        self.states += 2;
                        work.push(now);
                    }
                    self.edges.push([choose, CALL, rule, following]);
                }
            }
            if self.states > MAX_STATES {
                return None;
            }
        }
        Some(())
    }

    /// The rule of a name, a colon and a value.
    fn property(&mut self, name: u32, value: Value) -> Option<u32> {
        self.ports(value)?;
        Some(self.rule(Body::Property(name, value)))
    }
}

/// Bytes of the words of one terminal.
const MAX_WORDS: usize = 30_000;
/// Words whose beginnings part more often stand side by side.
const MAX_PARTINGS: usize = 100;

/// The terminal of some strings, which share their beginnings; None when there are none, or too many.
pub fn one_of(words: &[String]) -> Option<Named> {
    let spelled: Vec<Vec<u8>> = words.iter().map(|word| spell(word)).collect();
    if spelled.is_empty() || spelled.iter().map(Vec::len).sum::<usize>() > MAX_WORDS {
        return None;
    }
    let first: Vec<&[u8]> = spelled.iter().take(3).map(|word| &word[..]).collect();
    let mut name = String::from_utf8_lossy(&first.join(&b" or "[..])).into_owned();
    if spelled.len() > 3 {
        name += " or another";
    }
    let mut sorted: Vec<&[u8]> = spelled.iter().map(|word| &word[..]).collect();
    sorted.sort_unstable();
    if let [word] = sorted[..] {
        return Some(([&[0], word].concat(), name));
    }
    let mut code = vec![1];
    trie(&sorted, 0, 0, &mut code);
    Some((code, name))
}

/// The regex code of sorted, different words without their first `depth` bytes.
fn trie(words: &[&[u8]], depth: usize, parted: usize, code: &mut Vec<u8>) {
    if words.len() == 1 || parted == MAX_PARTINGS {
        words.iter().for_each(|word| text(&word[depth..], code));
        return combine(b'|', words.len(), code);
    }
    let (first, last) = (words[0], words[words.len() - 1]);
    let shared = depth + first[depth..].iter().zip(&last[depth..]).take_while(|pair| pair.0 == pair.1).count();
    text(&first[depth..shared], code);
    let groups = words.chunk_by(|left, right| left.get(shared) == right.get(shared));
    let mut count = 0;
    for group in groups {
        trie(group, shared, parted + 1, code);
        count += 1;
    }
    combine(b'|', count, code);
    if shared > depth {
        combine(b'.', 2, code);
    }
}

/// Exactly these bytes; nothing at all for none.
fn text(bytes: &[u8], code: &mut Vec<u8>) {
    if !bytes.is_empty() {
        code.push(b'L');
        code.extend((bytes.len() as u16).to_le_bytes());
        code.extend(bytes);
    }
}

fn combine(operator: u8, count: usize, code: &mut Vec<u8>) {
    if count > 1 {
        code.push(operator);
        code.extend((count as u16).to_le_bytes());
    }
}

/// The one spelling of a string: that of `json.dumps(ensure_ascii=False)`.
fn spell(text: &str) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            8 => out.extend(b"\\b"),
            12 => out.extend(b"\\f"),
            0..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}
