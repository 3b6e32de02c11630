//! hnsw_rs, the crate most often picked.

use crate::{K, Library};
use hnsw_rs::prelude::{DistDot, DistL2, Hnsw};

pub(crate) struct HnswRs {
    index: Index,
    width: usize,
}

enum Index {
    L2(Hnsw<'static, f32, DistL2>),
    InnerProduct(Hnsw<'static, f32, DistDot>),
}

impl Library for HnswRs {
    const VERSION: &'static str = "0.3.5";
    const SETTINGS: &'static str = "M 16, ef_construction 200, f32, feature simdeez_f";

    fn build(base: &[Vec<f32>], metric: &str) -> Result<Self, String> {
        let numbered: Vec<(&Vec<f32>, usize)> = base.iter().zip(0..).collect();
        let layers = 16.min((base.len() as f32).ln() as usize).max(1);
        let index = match metric {
            "l2" => {
                let index = Hnsw::new(16, base.len(), layers, 200, DistL2 {});
                index.parallel_insert(&numbered);
                Index::L2(index)
            }
            "ip" => {
                let index = Hnsw::new(16, base.len(), layers, 200, DistDot {});
                index.parallel_insert(&numbered);
                Index::InnerProduct(index)
            }
            other => return Err(format!("no metric {other}")),
        };
        Ok(Self { index, width: K })
    }

    fn set_width(&mut self, width: usize) {
        self.width = width;
    }

    fn search(&self, query: &[f32]) -> Vec<usize> {
        let hits = match &self.index {
            Index::L2(index) => index.search(query, K, self.width),
            Index::InnerProduct(index) => index.search(query, K, self.width),
        };
        hits.into_iter().map(|hit| hit.d_id).collect()
    }
}
