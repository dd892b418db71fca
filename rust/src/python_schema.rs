//! Reads plain JSON Schemas out of Python's dicts, for [`crate::schema`].

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString};

use crate::hash::Map;
use crate::schema::{self, Array, Marks, Named, Node, Object, Parts, Value, Way};
use crate::{code, KernelError};

/// More parts are left to Python, which has a limit on them.
const MAX_NODES: usize = 50_000;
/// Longer pointers as well.
const MAX_POINTER: usize = 20_000;

/// Terminals, their names, edges, finals, rule starts, start, `names_once`: a general program that ignores nothing.
type PyParts<'py> =
    (Vec<Bound<'py, PyBytes>>, Vec<String>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, u32, u32);
type PyNamed<'py> = (Bound<'py, PyBytes>, String);

fn named((code, name): PyNamed<'_>) -> Named {
    (code.as_bytes().to_vec(), name)
}

/// What a keyword is to a plain schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    Annotation,
    Address,
    Type,
    Reference,
    Properties,
    Required,
    Additional,
    Items,
    MinItems,
    MaxItems,
    Unique,
    Enum,
    Number,
    String,
    Other,
}

const KEYWORDS: [(&str, Keyword); 15] = [
    ("annotation", Keyword::Annotation),
    ("address", Keyword::Address),
    ("type", Keyword::Type),
    ("reference", Keyword::Reference),
    ("properties", Keyword::Properties),
    ("required", Keyword::Required),
    ("additionalProperties", Keyword::Additional),
    ("items", Keyword::Items),
    ("minItems", Keyword::MinItems),
    ("maxItems", Keyword::MaxItems),
    ("uniqueItems", Keyword::Unique),
    ("enum", Keyword::Enum),
    ("number", Keyword::Number),
    ("string", Keyword::String),
    ("other", Keyword::Other),
];

/// Lowers plain schemas.
#[pyclass(frozen, module = "trellis_kernel")]
pub struct PlainSchemas {
    marks: Marks,
    keywords: Map<String, Keyword>,
    /// Names of keywords in lower case, when they are misspelled.
    spellings: Map<String, ()>,
    /// By the names of types, and of `null` and `boolean` together in either order.
    scalars: Map<String, Arc<Named>>,
}

#[pymethods]
impl PlainSchemas {
    #[new]
    fn new(
        separators: Vec<PyNamed<'_>>,
        name: &[u8],
        anything: PyParts<'_>,
        scalars: Vec<(String, PyNamed<'_>)>,
        keywords: Vec<(String, String)>,
        spellings: Vec<String>,
    ) -> PyResult<Self> {
        let wrong = |what: &str| PyErr::from(KernelError::program(what));
        let separators: Vec<Named> = separators.into_iter().map(named).collect();
        let (terminals, names, edges, finals, rule_starts, start, names_once) = anything;
        let anything = Parts {
            terminals: terminals.iter().map(|t| t.as_bytes().to_vec()).zip(names).collect(),
            edges: code::rows::<4>(edges.as_bytes(), "edges")?,
            finals: finals.as_bytes().iter().map(|&f| f != 0).collect(),
            rule_starts: code::rows::<1>(rule_starts.as_bytes(), "rule_starts")?.iter().map(|r| r[0]).collect(),
            start,
            names_once,
        };
        let kind = |name: String| KEYWORDS.iter().find(|k| k.0 == name).map(|k| k.1);
        let keywords: Option<_> = keywords.into_iter().map(|(name, what)| Some((name, kind(what)?))).collect();
        Ok(PlainSchemas {
            marks: Marks {
                separators: separators.try_into().map_err(|_| wrong("there are six separators"))?,
                name: name.to_vec(),
                anything,
            },
            keywords: keywords.ok_or_else(|| wrong("no such kind of keyword"))?,
            spellings: spellings.into_iter().map(|name| (name, ())).collect(),
            scalars: scalars.into_iter().map(|(types, it)| (types, Arc::new(named(it)))).collect(),
        })
    }

    /// The program of a schema, or None when it goes beyond.
    fn lower<'py>(
        &self,
        py: Python<'py>,
        root: &Bound<'py, PyAny>,
        any_order: bool,
        ways: &Bound<'py, PyAny>,
    ) -> PyResult<Option<PyParts<'py>>> {
        let Ok(root) = root.cast_exact::<PyDict>() else { return Ok(None) };
        let mut reader = Reader {
            plain: self,
            ways,
            root,
            nodes: Vec::new(),
            numbers: Map::default(),
            handles: Map::default(),
            cases: Map::default(),
            alive: Vec::new(),
            work: Vec::new(),
        };
        let value = reader.node(root.as_any(), String::new());
        while let Some((number, schema, pointer)) = reader.work.pop() {
            let node = match schema.cast_exact::<PyDict>() {
                Ok(schema) => reader.read(number, schema, &pointer)?,
                Err(_) => reader.ask(&schema, &pointer)?,
            };
            match node {
                Some(node) => reader.nodes[number] = node,
                None => return Ok(None),
            }
        }
        let Some(value) = value else { return Ok(None) };
        let Some(parts) = schema::lower(&reader.nodes, value, &self.marks, any_order) else { return Ok(None) };
        let bytes = |list: &[u32]| PyBytes::new(py, &list.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
        let finals: Vec<u8> = parts.finals.iter().map(|&f| f.into()).collect();
        let codes = parts.terminals.iter().map(|(code, _)| PyBytes::new(py, code)).collect();
        Ok(Some((
            codes,
            parts.terminals.into_iter().map(|(_, name)| name).collect(),
            bytes(parts.edges.as_flattened()),
            PyBytes::new(py, &finals),
            bytes(&parts.rule_starts),
            parts.start,
            parts.names_once,
        )))
    }
}

struct Reader<'a, 'py> {
    plain: &'a PlainSchemas,
    /// Gives the ways across the values of a schema that is not plain, or of a conjunction by its handle.
    ways: &'a Bound<'py, PyAny>,
    root: &'a Bound<'py, PyDict>,
    nodes: Vec<Node>,
    /// Of schemas, by address.
    numbers: Map<usize, usize>,
    /// Of conjunctions.
    handles: Map<u64, usize>,
    /// Of arrays and objects that Python tells.
    cases: Map<u64, usize>,
    /// What has an address has to stay alive.
    alive: Vec<Bound<'py, PyAny>>,
    work: Vec<(usize, Bound<'py, PyAny>, String)>,
}

impl<'py> Reader<'_, 'py> {
    /// The number of a schema, which is read later.
    fn node(&mut self, schema: &Bound<'py, PyAny>, pointer: String) -> Option<Value> {
        let key = schema.as_ptr() as usize;
        if let Some(&number) = self.numbers.get(&key) {
            return Some(Value::Node(number));
        }
        if let Ok(answer) = schema.cast_exact::<PyBool>() {
            return Some(if answer.is_true() { Value::Anything } else { Value::Never });
        }
        schema.cast_exact::<PyDict>().ok()?;
        let number = self.later(schema, pointer)?;
        self.numbers.insert(key, number);
        self.alive.push(schema.clone());
        Some(Value::Node(number))
    }

    /// The number of a node that is read later.
    fn later(&mut self, what: &Bound<'py, PyAny>, pointer: String) -> Option<usize> {
        let number = self.nodes.len();
        if number >= MAX_NODES || pointer.len() > MAX_POINTER {
            return None;
        }
        self.nodes.push(Node::default());
        self.work.push((number, what.clone(), pointer));
        Some(number)
    }

    /// A schema; None when it is not plain.
    fn read(&mut self, number: usize, schema: &Bound<'py, PyDict>, pointer: &str) -> PyResult<Option<Node>> {
        let mut found: Vec<(Keyword, Bound<'py, PyAny>)> = Vec::new();
        for (key, value) in schema {
            let Ok(key) = key.cast_exact::<PyString>() else { return Ok(None) };
            let Ok(name) = key.to_str() else { return Ok(None) };
            match self.plain.keywords.get(name) {
                None if self.plain.spellings.contains_key(&name.to_lowercase()) => return Ok(None),
                Some(Keyword::Address) if number > 0 && value.is_instance_of::<PyString>() => return Ok(None),
                None | Some(Keyword::Annotation | Keyword::Address) => {}
                Some(&keyword) => found.push((keyword, value)),
            }
        }
        let value = |keyword| found.iter().find(|f| f.0 == keyword).map(|f| &f.1);
        if let (Some(target), 1) = (value(Keyword::Reference), found.len()) {
            let Some(Value::Node(target)) = self.target(target, pointer) else { return Ok(None) };
            return Ok(Some(Node { alias: Some(target), ..Node::default() }));
        }
        let Some(types) = types(value(Keyword::Type)) else { return Ok(None) };
        if let Some(words) = value(Keyword::Enum) {
            let alone = found.iter().all(|f| matches!(f.0, Keyword::Enum | Keyword::Type));
            let strings = types.iter().any(|name| name == "string");
            return match words_of(words).filter(|_| alone && strings).and_then(|words| schema::one_of(&words)) {
                Some(named) => Ok(Some(Node { ways: vec![Way::Scalar(Arc::new(named))], ..Node::default() })),
                None => self.ask(schema.as_any(), pointer),
            };
        }
        let (mut ways, mut literals, mut array, mut object) = (Vec::new(), Vec::new(), None, None);
        let is_number = |name: &String| name == "number" || name == "integer";
        for (keyword, value) in &found {
            let speaks = match keyword {
                Keyword::Other | Keyword::Reference => true,
                Keyword::Number => types.iter().any(is_number),
                Keyword::String => types.iter().any(|name| name == "string"),
                Keyword::Unique => {
                    types.iter().any(|name| name == "array") && !value.is(PyBool::new(value.py(), false))
                }
                _ => false,
            };
            if speaks {
                return self.ask(schema.as_any(), pointer);
            }
        }
        for name in &types {
            match &name[..] {
                "null" | "boolean" => literals.push(&name[..]),
                "array" => {
                    let items = value(Keyword::Items);
                    let counts = [count(value(Keyword::MinItems)), count(value(Keyword::MaxItems))];
                    let [Some(minimum), Some(maximum)] = counts else { return Ok(None) };
                    if items.is_none() && counts == [Some(None), Some(None)] && value(Keyword::Unique).is_none() {
                        ways.push(Way::AnyArray);
                        continue;
                    }
                    let items = items.map_or(Some(Value::Anything), |it| self.node(it, format!("{pointer}/items")));
                    let Some(items) = items else { return Ok(None) };
                    ways.push(Way::Array(number));
                    array = Some(Array { items, minimum: minimum.unwrap_or(0), maximum });
                }
                "object" => {
                    let parts = [Keyword::Properties, Keyword::Required, Keyword::Additional].map(value);
                    if parts.iter().all(Option::is_none) {
                        ways.push(Way::AnyObject);
                        continue;
                    }
                    object = self.object(parts, pointer);
                    if object.is_none() {
                        return Ok(None);
                    }
                    ways.push(Way::Object(number));
                }
                name => ways.push(Way::Scalar(self.plain.scalars[name].clone())),
            }
        }
        if !literals.is_empty() {
            let Some(both) = self.plain.scalars.get(&literals.join(" ")) else { return Ok(None) };
            ways.push(Way::Scalar(both.clone()));
        }
        Ok(Some(Node { alias: None, ways, array, object }))
    }

    fn object(&mut self, parts: [Option<&Bound<'py, PyAny>>; 3], pointer: &str) -> Option<Object> {
        let [declared, required, additional] = parts;
        let mut properties = Vec::new();
        if let Some(declared) = declared {
            for (name, schema) in declared.cast_exact::<PyDict>().ok()? {
                let name = name.cast_exact::<PyString>().ok()?.to_str().ok()?.to_owned();
                let step = name.replace('~', "~0").replace('/', "~1");
                let value = self.node(&schema, format!("{pointer}/properties/{step}"))?;
                properties.push((name, value));
            }
        }
        let required = required.map_or(Some(Vec::new()), words_of)?;
        let undeclared = match additional {
            None => Value::Anything,
            Some(schema) => self.node(schema, format!("{pointer}/additionalProperties"))?,
        };
        let others = if undeclared == Value::Never { Vec::new() } else { vec![(None, undeclared)] };
        Some(Object { properties, required, undeclared, others })
    }

    /// The ways across the values of a schema or a conjunction, as Python tells them.
    fn ask(&mut self, what: &Bound<'py, PyAny>, pointer: &str) -> PyResult<Option<Node>> {
        let told = self.ways.call1((what, pointer))?;
        let Ok(told) = told.cast_exact::<PyList>() else { return Ok(None) };
        let mut ways = Vec::with_capacity(told.len());
        for way in told {
            match self.way(&way)? {
                Some(way) => ways.push(way),
                None => return Ok(None),
            }
        }
        Ok(Some(Node { ways, ..Node::default() }))
    }

    fn way(&mut self, way: &Bound<'py, PyAny>) -> PyResult<Option<Way>> {
        let kind: String = way.get_item(0)?.extract()?;
        Ok(Some(match &kind[..] {
            "scalar" => {
                let (_, code, name): (String, Bound<'_, PyBytes>, String) = way.extract()?;
                Way::Scalar(Arc::new(named((code, name))))
            }
            "any array" => Way::AnyArray,
            "any object" => Way::AnyObject,
            "array of" | "object of" => {
                let Some(Value::Node(node)) = self.node(&way.get_item(1)?, way.get_item(2)?.extract()?) else {
                    return Ok(None);
                };
                if kind == "array of" {
                    Way::Array(node)
                } else {
                    Way::Object(node)
                }
            }
            _ => {
                let case: u64 = way.get_item(1)?.extract()?;
                let known = self.cases.get(&case).copied();
                let node = known.unwrap_or(self.nodes.len());
                if known.is_none() {
                    self.cases.insert(case, node);
                    self.nodes.push(Node::default());
                    let told = if kind == "array" { self.told_array(way, node)? } else { self.told_object(way, node)? };
                    if told.is_none() {
                        return Ok(None);
                    }
                }
                if kind == "array" {
                    Way::Array(node)
                } else {
                    Way::Object(node)
                }
            }
        }))
    }

    fn told_array(&mut self, way: &Bound<'py, PyAny>, node: usize) -> PyResult<Option<()>> {
        let Some(items) = self.value(&way.get_item(2)?)? else { return Ok(None) };
        let (minimum, maximum) = (way.get_item(3)?.extract()?, way.get_item(4)?.extract()?);
        self.nodes[node].array = Some(Array { items, minimum, maximum });
        Ok(Some(()))
    }

    fn told_object(&mut self, way: &Bound<'py, PyAny>, node: usize) -> PyResult<Option<()>> {
        let (mut properties, mut others) = (Vec::new(), Vec::new());
        for member in way.get_item(2)?.try_iter()? {
            let (name, value): (String, Bound<'py, PyAny>) = member?.extract()?;
            let Some(value) = self.value(&value)? else { return Ok(None) };
            properties.push((name, value));
        }
        for other in way.get_item(4)?.try_iter()? {
            let (names, value): (Bound<'_, PyBytes>, Bound<'py, PyAny>) = other?.extract()?;
            let Some(value) = self.value(&value)? else { return Ok(None) };
            others.push((Some(names.as_bytes().to_vec()), value));
        }
        let required = way.get_item(3)?.extract()?;
        self.nodes[node].object = Some(Object { properties, required, undeclared: Value::Never, others });
        Ok(Some(()))
    }

    /// A value as Python tells it: any or none, a schema and its pointer, or the handle of a conjunction.
    fn value(&mut self, told: &Bound<'py, PyAny>) -> PyResult<Option<Value>> {
        if let Ok(answer) = told.cast_exact::<PyBool>() {
            return Ok(Some(if answer.is_true() { Value::Anything } else { Value::Never }));
        }
        if let Ok(handle) = told.cast_exact::<PyInt>() {
            let handle: u64 = handle.extract()?;
            let known = self.handles.get(&handle).copied();
            let Some(node) = known.or_else(|| self.later(told, String::new())) else { return Ok(None) };
            self.handles.insert(handle, node);
            return Ok(Some(Value::Node(node)));
        }
        let (schema, pointer): (Bound<'py, PyAny>, String) = told.extract()?;
        Ok(self.node(&schema, pointer))
    }

    /// What a reference within the document means: the root, or one of its definitions.
    fn target(&mut self, reference: &Bound<'py, PyAny>, pointer: &str) -> Option<Value> {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return None; // it stands in another document
        }
        let reference = reference.cast_exact::<PyString>().ok()?.to_str().ok()?;
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() {
            return self.node(self.root.as_any(), String::new());
        }
        let (group, name) = fragment.strip_prefix('/')?.split_once('/')?;
        if !matches!(group, "definitions" | "$defs") || name.contains(['~', '%', '/', '#']) {
            return None;
        }
        let group = self.root.get_item(group).ok()??;
        let target = group.cast_exact::<PyDict>().ok()?.get_item(name).ok()??;
        self.node(&target, fragment.to_owned())
    }
}

/// Words, each once; None when there is something else.
fn words_of(list: &Bound<'_, PyAny>) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut once: Map<String, ()> = Map::default();
    for word in list.cast_exact::<PyList>().ok()? {
        let word = word.cast_exact::<PyString>().ok()?.to_str().ok()?.to_owned();
        if once.insert(word.clone(), ()).is_none() {
            words.push(word);
        }
    }
    Some(words)
}

/// The names of types, each once; all when there is no such keyword; None when they are wrong.
fn types(value: Option<&Bound<'_, PyAny>>) -> Option<Vec<String>> {
    const TYPES: [&str; 7] = ["null", "boolean", "number", "string", "array", "object", "integer"];
    let Some(value) = value else { return Some(TYPES[..6].iter().map(|name| (*name).to_owned()).collect()) };
    let mut names: Vec<String> = Vec::new();
    if let Ok(name) = value.cast_exact::<PyString>() {
        names.push(name.to_str().ok()?.to_owned());
    } else {
        for name in value.cast_exact::<PyList>().ok()? {
            let name = name.cast_exact::<PyString>().ok()?.to_str().ok()?.to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.iter().any(|name| name == "number") {
        names.retain(|name| name != "integer");
    }
    (!names.is_empty() && names.iter().all(|name| TYPES.contains(&&name[..]))).then_some(names)
}

/// A number of items, if there is one; None when it is no small integer.
fn count(value: Option<&Bound<'_, PyAny>>) -> Option<Option<usize>> {
    match value {
        None => Some(None),
        Some(value) => Some(Some(value.cast_exact::<PyInt>().ok()?.extract().ok()?)),
    }
}
