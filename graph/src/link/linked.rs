//! What a call that links tells its caller: progress, then the graph and the cost.

use std::ops::ControlFlow;

use crate::Graph;

/// Called with the number of new rows that are linked. May ask to stop.
pub type Observe<'a> = &'a mut dyn FnMut(u32) -> ControlFlow<()>;

/// A graph with rows added, and the cost.
#[derive(Debug)]
pub struct Linked {
    /// The graph.
    pub graph: Graph,
    /// The distances computed in searches, prunes and the bulk build. Reconnecting is not counted: 60 to 200 distances a
    /// row that is searched for.
    pub distances: u64,
    /// The rows that got an edge because they could not be found or reached.
    pub repaired: u64,
}

impl Linked {
    /// Adds the second graph, if there is one.
    pub(super) fn beside(self, near: Option<Linked>) -> Self {
        let Some(near) = near else { return self };
        let graph = self.graph.with_near(near.graph);
        Linked { graph, distances: self.distances + near.distances, repaired: self.repaired + near.repaired }
    }

    /// Adds the cost of earlier steps.
    pub(super) fn plus(self, distances: u64, repaired: u64) -> Self {
        Linked { distances: self.distances + distances, repaired: self.repaired + repaired, ..self }
    }
}
