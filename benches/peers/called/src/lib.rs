//! The engine as a Python class, as thin as the peers' own: rows and queries are numpy arrays of the
//! file's type, answers are numpy arrays of ids and of distances, and the interpreter is free while
//! a call works.
#![deny(unsafe_code)]

use std::fmt::Display;

use numpy::{Element as Number, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use omendb_engine::{Db, Element, Id, IdKind, Metric, Options, RowValue, SearchOptions, f16};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

/// A database of rows that are numbered in the order of their coming.
#[pyclass]
struct Database {
    db: Db,
    width: usize,
}

type Answer<'py> = (Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<f32>>);

#[pymethods]
impl Database {
    /// Makes it in a folder that is not there yet, from all rows in one batch.
    #[new]
    fn new(py: Python<'_>, path: &str, rows: &Bound<'_, PyAny>, metric: &str, threads: usize) -> PyResult<Self> {
        let metric = match metric {
            "l2" => Metric::L2,
            "ip" => Metric::InnerProduct,
            other => return Err(PyTypeError::new_err(format!("no metric {other}"))),
        };
        let db = if let Ok(rows) = rows.extract::<PyReadonlyArray2<'_, u8>>() {
            build(py, path, &rows, metric, threads)
        } else if let Ok(rows) = rows.extract::<PyReadonlyArray2<'_, f16>>() {
            build(py, path, &rows, metric, threads)
        } else {
            build(py, path, &rows.extract::<PyReadonlyArray2<'_, f32>>()?, metric, threads)
        }?;
        Ok(Self { db, width: 0 })
    }

    /// The width of the searches to come.
    fn set_width(&mut self, width: usize) {
        self.width = width;
    }

    /// Ids and distances of the `k` nearest.
    fn search<'py>(&self, py: Python<'py>, query: &Bound<'py, PyAny>, k: usize) -> PyResult<Answer<'py>> {
        if let Ok(query) = query.cast::<PyArray1<u8>>() {
            self.ask(py, &query.try_readonly()?, k)
        } else if let Ok(query) = query.cast::<PyArray1<f16>>() {
            self.ask(py, &query.try_readonly()?, k)
        } else {
            self.ask(py, &query.cast::<PyArray1<f32>>()?.try_readonly()?, k)
        }
    }
}

impl Database {
    fn ask<'py, T: Number + Element>(
        &self,
        py: Python<'py>,
        query: &PyReadonlyArray1<'py, T>,
        k: usize,
    ) -> PyResult<Answer<'py>> {
        let (query, options) = (query.as_slice()?, SearchOptions::new(k).width(self.width));
        let hits = py.detach(|| self.db.search_with(query, &options)).map_err(failed)?;
        let number = |id: &Id| match id {
            Id::U64(number) => *number,
            _ => unreachable!("ids are numbers here"),
        };
        let ids: Vec<u64> = hits.iter().map(|hit| number(&hit.id)).collect();
        let distances: Vec<f32> = hits.iter().map(|hit| hit.distance).collect();
        Ok((ids.into_pyarray(py), distances.into_pyarray(py)))
    }
}

fn build<T: Number + Element + RowValue + Sync>(
    py: Python<'_>,
    path: &str,
    rows: &PyReadonlyArray2<'_, T>,
    metric: Metric,
    threads: usize,
) -> PyResult<Db> {
    let (count, dim) = (rows.as_array().nrows(), rows.as_array().ncols());
    let values = rows.as_slice()?;
    py.detach(|| {
        let options = Options::new(dim, metric).row_type(T::KIND).id_kind(IdKind::U64).threads(threads);
        let db = Db::create(path, options).map_err(failed)?;
        let ids: Vec<u64> = (0..count as u64).collect();
        db.add_batch(&ids, values).map_err(failed)?;
        db.flush().map_err(failed)?;
        db.checkpoint().map_err(failed)?;
        Ok(db)
    })
}

fn failed(error: impl Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

#[pymodule]
fn omendb_called(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Database>()
}
