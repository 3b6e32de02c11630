//! Finds circles in a directed graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Circles such that every node on a circle is on one of these. Each is a shortest one of its first node.
pub(super) fn circles<N: Ord + Clone>(edges: &BTreeMap<N, BTreeSet<N>>) -> Vec<Vec<N>> {
    let (mut found, mut on_one) = (Vec::new(), BTreeSet::new());
    for start in edges.keys() {
        if !on_one.contains(start)
            && let Some(circle) = back_to(start, edges)
        {
            on_one.extend(circle.iter().cloned());
            found.push(circle);
        }
    }
    found
}

/// The nodes of a shortest way from `start` back to it.
fn back_to<N: Ord + Clone>(start: &N, edges: &BTreeMap<N, BTreeSet<N>>) -> Option<Vec<N>> {
    let mut before: BTreeMap<&N, &N> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in edges.get(node).into_iter().flatten() {
            if next == start {
                let way = std::iter::successors(Some(node), |node| before.get(node).copied());
                let mut way: Vec<N> = way.cloned().collect();
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next) {
                before.insert(next, node);
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::circles;
    use std::collections::BTreeMap;

    fn of(edges: &[(char, &str)]) -> Vec<String> {
        let edges: BTreeMap<_, _> = edges.iter().map(|(from, to)| (*from, to.chars().collect())).collect();
        circles(&edges).into_iter().map(|circle| circle.into_iter().collect()).collect()
    }

    #[test]
    fn a_shortest_circle_of_each_node_is_found() {
        assert_eq!(of(&[('a', "b"), ('b', "cd"), ('c', "d"), ('d', "a")]), ["abd", "cdab"]);
    }

    #[test]
    fn every_circle_without_common_nodes_is_found() {
        assert_eq!(of(&[('a', "b"), ('b', "ac"), ('c', "d"), ('d', "ce"), ('e', "")]), ["ab", "cd"]);
    }

    #[test]
    fn two_ways_to_a_node_are_no_circle() {
        assert!(of(&[('a', "bc"), ('b', "d"), ('c', "d"), ('d', "")]).is_empty());
    }
}
