//! The Python module. Only this file and `python_schema` know PyO3.
//!
//! Objects are frozen and lock inside, so that threads may share them; work that may take long
//! (compiling, cold masks, cold accepts) runs without the interpreter's lock.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::bitmask::TokenSet;
use crate::engine::lock;
use crate::lalr_table::{LalrCode, ScannerCode};
use crate::program::ProgramCode;
use crate::python_schema::PlainSchemas;
use crate::tidy::{Outcome, Tidied};
use crate::{batch, matcher, vocabulary};

create_exception!(trellis_kernel, KernelError, PyException, "An error of the kernel: (kind, message, index).");

impl From<crate::KernelError> for PyErr {
    fn from(e: crate::KernelError) -> PyErr {
        KernelError::new_err((e.kind.name(), e.message, e.index))
    }
}

/// Order, ignored terminals, keywords.
type PyScanner<'py> = (Vec<u32>, Vec<u32>, Vec<(u32, Vec<Vec<Bound<'py, PyBytes>>>, u32)>);

fn views(list: &[Bound<'_, PyBytes>]) -> Vec<Vec<u8>> {
    list.iter().map(|b| b.as_bytes().to_vec()).collect()
}

/// What each token of a tokenizer is in bytes, and tables that all grammars over it share.
#[pyclass(frozen, module = "trellis_kernel")]
struct Vocabulary(Arc<vocabulary::Vocabulary>);

#[pymethods]
impl Vocabulary {
    #[new]
    fn new(
        py: Python<'_>,
        tokens: Vec<Bound<'_, PyBytes>>,
        special_ids: Vec<u32>,
        eos_ids: Vec<u32>,
    ) -> PyResult<Self> {
        let tokens = views(&tokens);
        let made = py.detach(|| vocabulary::Vocabulary::new(&tokens, &special_ids, &eos_ids))?;
        Ok(Vocabulary(Arc::new(made)))
    }

    #[getter]
    fn size(&self) -> usize {
        self.0.tokens.len()
    }

    #[getter]
    fn words(&self) -> usize {
        self.0.words
    }

    fn memory_bytes(&self, py: Python<'_>) -> usize {
        py.detach(|| self.0.memory_bytes())
    }
}

/// A compiled grammar.
#[pyclass(frozen, module = "trellis_kernel")]
struct Grammar(Arc<matcher::Grammar>);

#[pymethods]
impl Grammar {
    #[staticmethod]
    #[pyo3(signature = (vocabulary, terminals, names, edges, finals, rule_starts, start, ignore, names_once=0, names_counted=false, unique_opens=vec![], unique_ends=vec![]))]
    #[allow(clippy::too_many_arguments)]
    fn general(
        py: Python<'_>,
        vocabulary: &Vocabulary,
        terminals: Vec<Bound<'_, PyBytes>>,
        names: Vec<String>,
        edges: &[u8],
        finals: &[u8],
        rule_starts: &[u8],
        start: u32,
        ignore: Vec<u32>,
        names_once: u32,
        names_counted: bool,
        unique_opens: Vec<u32>,
        unique_ends: Vec<u32>,
    ) -> PyResult<Self> {
        let terminals = views(&terminals);
        let made = py.detach(|| {
            let terminals: Vec<&[u8]> = terminals.iter().map(|t| &t[..]).collect();
            let ignore = &ignore;
            let terminals = &terminals[..];
            let (unique_opens, unique_ends) = (&unique_opens[..], &unique_ends[..]);
            let code = ProgramCode {
                terminals,
                edges,
                finals,
                rule_starts,
                start,
                ignore,
                names_once,
                names_counted,
                unique_opens,
                unique_ends,
            };
            matcher::Grammar::general(vocabulary.0.clone(), names, &code)
        })?;
        Ok(Grammar(made))
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    fn lalr(
        py: Python<'_>,
        vocabulary: &Vocabulary,
        terminals: Vec<Bound<'_, PyBytes>>,
        names: Vec<String>,
        actions: &[u8],
        gotos: &[u8],
        rules: &[u8],
        start: u32,
        end: u32,
        scanners: Vec<PyScanner<'_>>,
        scanner_of: &[u8],
        conflict_free: bool,
    ) -> PyResult<Self> {
        let terminals = views(&terminals);
        let spelled = |word: Vec<Vec<Bound<'_, PyBytes>>>| word.iter().map(|letter| views(letter)).collect();
        let scanners: Vec<ScannerCode> = scanners
            .into_iter()
            .map(|(order, ignored, keywords)| {
                (order, ignored, keywords.into_iter().map(|(regex, word, k)| (regex, spelled(word), k)).collect())
            })
            .collect();
        let made = py.detach(|| {
            let terminals: Vec<&[u8]> = terminals.iter().map(|t| &t[..]).collect();
            let scanners = &scanners;
            let terminals = &terminals[..];
            let code = LalrCode { terminals, actions, gotos, rules, start, end, scanners, scanner_of, conflict_free };
            matcher::Grammar::lalr(vocabulary.0.clone(), names, &code)
        })?;
        Ok(Grammar(made))
    }

    #[pyo3(signature = (max_tokens=None, step_seconds=None))]
    fn matcher(&self, py: Python<'_>, max_tokens: Option<usize>, step_seconds: Option<f64>) -> PyResult<Matcher> {
        let patience = step_seconds.map(Duration::try_from_secs_f64).transpose();
        let patience = patience.map_err(|e| PyValueError::new_err(format!("step_seconds: {e}")))?;
        let made = py.detach(|| matcher::Matcher::new(self.0.clone(), max_tokens))?;
        let made = patience.into_iter().fold(made, matcher::Matcher::with_patience);
        Ok(Matcher(Mutex::new(made)))
    }

    fn min_tokens(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(py.detach(|| self.0.min_tokens())?)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.0.stats());
        let out = PyDict::new(py);
        out.set_item("states", stats.states)?;
        out.set_item("continuations", stats.continuations)?;
        out.set_item("cached_masks", stats.masks)?;
        out.set_item("bytes", stats.bytes)?;
        out.set_item("lexer_states", stats.lexer_states)?;
        out.set_item("hits", stats.counts.hits)?;
        out.set_item("misses", stats.counts.misses)?;
        out.set_item("sweeps", stats.counts.sweeps)?;
        Ok(out)
    }
}

/// Where one sequence stands.
#[pyclass(frozen, module = "trellis_kernel")]
struct Matcher(Mutex<matcher::Matcher>);

#[pymethods]
impl Matcher {
    #[pyo3(signature = (bitmask, row=0))]
    fn fill_bitmask(&self, py: Python<'_>, bitmask: &Bound<'_, PyAny>, row: usize) -> PyResult<()> {
        let known = lock(&self.0).known_mask();
        let mask = match known {
            Some(mask) => mask,
            None => {
                let copy = lock(&self.0).clone();
                py.detach(|| copy.mask())?
            }
        };
        let words = lock(&self.0).grammar().vocabulary.words;
        let buffer = words_of(bitmask)?;
        fill(&mask, row_of(py, &buffer, words, row)?);
        Ok(())
    }

    fn accept(&self, py: Python<'_>, token_id: u32) -> PyResult<bool> {
        {
            let mut matcher = lock(&self.0);
            if let Some(answer) = matcher.accept_warm(token_id) {
                return Ok(answer);
            }
        }
        Ok(py.detach(|| lock(&self.0).accept(token_id))?)
    }

    fn accept_bytes(&self, py: Python<'_>, data: &[u8]) -> PyResult<usize> {
        Ok(py.detach(|| lock(&self.0).accept_bytes(data))?)
    }

    fn rollback(&self, n: usize) -> PyResult<()> {
        Ok(lock(&self.0).rollback(n)?)
    }

    fn fork(&self) -> Matcher {
        Matcher(Mutex::new(lock(&self.0).clone()))
    }

    fn unlimited(&self) -> Matcher {
        Matcher(Mutex::new(lock(&self.0).unlimited()))
    }

    #[getter]
    fn can_end(&self) -> bool {
        lock(&self.0).can_end()
    }

    #[getter]
    fn finished(&self) -> bool {
        lock(&self.0).finished()
    }

    fn expected(&self, py: Python<'_>) -> Vec<String> {
        let copy = lock(&self.0).clone();
        py.detach(|| copy.expected())
    }

    fn witness<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let copy = lock(&self.0).clone();
        let bytes = py.detach(|| copy.witness())?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn forced_bytes<'py>(&self, py: Python<'py>, limit: usize) -> PyResult<Bound<'py, PyBytes>> {
        let copy = lock(&self.0).clone();
        let bytes = py.detach(|| copy.forced(limit))?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn tokens_needed(&self, py: Python<'_>) -> PyResult<usize> {
        let copy = lock(&self.0).clone();
        Ok(py.detach(|| copy.tokens_needed())?)
    }
}

/// The masks of several matchers into the first rows of a bitmask.
#[pyfunction]
fn fill_bitmasks(
    py: Python<'_>,
    matchers: Vec<PyRef<'_, Matcher>>,
    bitmask: &Bound<'_, PyAny>,
    threads: usize,
) -> PyResult<()> {
    let copies: Vec<matcher::Matcher> = matchers.iter().map(|m| lock(&m.0).clone()).collect();
    let masks = py.detach(|| batch::masks(&copies, threads));
    let buffer = words_of(bitmask)?;
    for (row, (mask, matcher)) in masks.into_iter().zip(&copies).enumerate() {
        fill(&*mask?, row_of(py, &buffer, matcher.grammar().vocabulary.words, row)?);
    }
    Ok(())
}

fn words_of(bitmask: &Bound<'_, PyAny>) -> PyResult<PyBuffer<i32>> {
    PyBuffer::<i32>::get(bitmask).map_err(|e| PyTypeError::new_err(format!("bitmask: {e}")))
}

/// One row of a bitmask, when it is one.
fn row_of<'a>(py: Python<'a>, buffer: &'a PyBuffer<i32>, words: usize, row: usize) -> PyResult<&'a [Cell<i32>]> {
    let rows = match buffer.shape() {
        [_] => 1,
        [rows, _] => *rows,
        _ => return Err(PyValueError::new_err("bitmask: one or two dimensions")),
    };
    let cells =
        buffer.as_mut_slice(py).ok_or_else(|| PyValueError::new_err("bitmask: not writable, or not contiguous"))?;
    if row >= rows || cells.len() != rows * words {
        return Err(PyValueError::new_err(format!("bitmask: {words} words a row are needed, and row {row}")));
    }
    Ok(&cells[row * words..(row + 1) * words])
}

/// [`TokenSet::fill`] into a buffer of Python's.
fn fill(mask: &TokenSet, out: &[Cell<i32>]) {
    match &mask.base {
        Some(base) => out.iter().zip(base.iter()).for_each(|(cell, &word)| cell.set(word as i32)),
        None => out.iter().for_each(|cell| cell.set(0)),
    }
    for &(word, bits) in &mask.clear {
        let cell = &out[word as usize];
        cell.set(cell.get() & !(bits as i32));
    }
    for &(word, bits) in &mask.set {
        let cell = &out[word as usize];
        cell.set(cell.get() | bits as i32);
    }
}

/// Edges, finals, rule starts, old numbers of the terminals.
type PyTidied<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Vec<u32>);

/// A general program made ready, without finals when no text belongs to it; None when it has left recursion.
#[pyfunction]
fn tidy<'py>(
    py: Python<'py>,
    edges: &[u8],
    finals: &[u8],
    rule_starts: &[u8],
    start: u32,
    ignore: Vec<u32>,
) -> PyResult<Option<PyTidied<'py>>> {
    let tidied = match py.detach(|| crate::tidy::tidy(edges, finals, rule_starts, start, &ignore))? {
        Outcome::Circular => return Ok(None),
        Outcome::Empty => Tidied::default(),
        Outcome::Ready(tidied) => tidied,
    };
    let bytes = |list: &[u32]| PyBytes::new(py, &list.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    let kept: Vec<u8> = tidied.states.iter().map(|&s| finals[s as usize]).collect();
    let edges = bytes(tidied.edges.as_flattened());
    Ok(Some((edges, PyBytes::new(py, &kept), bytes(&tidied.rule_starts), tidied.terminals)))
}

#[pymodule]
fn _kernel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("KernelError", module.py().get_type::<KernelError>())?;
    module.add_class::<Vocabulary>()?;
    module.add_class::<Grammar>()?;
    module.add_class::<Matcher>()?;
    module.add_class::<PlainSchemas>()?;
    module.add_function(wrap_pyfunction!(fill_bitmasks, module)?)?;
    module.add_function(wrap_pyfunction!(tidy, module)?)
}
