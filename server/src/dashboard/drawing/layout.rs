//! Boxes and connections in, their places out: layers from top to bottom, by Sugiyama's method.
//!
//! `rust-sugiyama` gives layers and places of boxes but not the ways of connections. So every connection that has
//! words or crosses a layer gets boxes of its own there, and its way leads through them.

use rust_sugiyama::configure::Config;
use std::collections::{BTreeMap, BTreeSet};

/// Between boxes of one layer, in pixels.
const GAP_X: f64 = 22.0;
/// Between a layer and the next.
const GAP_Y: f64 = 17.0;
/// Around the drawing.
const MARGIN: f64 = 14.0;
/// The height of words at a connection.
const LABEL_PX: f64 = 16.0;
/// The width that a passing connection takes in a layer.
const PASSING_PX: f64 = 6.0;

/// A connection to be placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// From which box, by index.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// The width of its words; 0 without.
    pub label_px: f64,
}

/// A place: the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left, in pixels.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// The way of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Through which points, from its beginning to its end.
    pub points: Vec<Point>,
    /// Where its words stand.
    pub label: Option<Point>,
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The middles of the boxes.
    pub boxes: Vec<Point>,
    /// The ways, by link; `None` for one from a box to itself.
    pub ways: Vec<Option<Way>>,
    /// The drawing's width.
    pub width: f64,
    /// The drawing's height.
    pub height: f64,
}

/// Places boxes of these sizes.
pub fn layout(sizes: &[(f64, f64)], links: &[Link]) -> Layout {
    let turned = backward(sizes.len(), links);
    let mut graph = Sized {
        sizes: sizes.to_vec(),
        edges: Vec::new(),
    };
    // Words become boxes between the two ends.
    let mut chains: Vec<Option<Vec<usize>>> = Vec::new();
    let mut labels: Vec<Option<usize>> = Vec::new();
    for (index, link) in links.iter().enumerate() {
        if link.from == link.to {
            chains.push(None);
            labels.push(None);
            continue;
        }
        let (from, to) = if turned.contains(&index) {
            (link.to, link.from)
        } else {
            (link.from, link.to)
        };
        let label = (link.label_px > 0.0).then(|| graph.add((link.label_px, LABEL_PX)));
        chains.push(Some(
            [Some(from), label, Some(to)]
                .into_iter()
                .flatten()
                .collect(),
        ));
        labels.push(label);
    }
    for chain in chains.iter().flatten() {
        graph.edges.extend(chain.windows(2).map(|w| (w[0], w[1])));
    }
    let mut ranks = graph.ranks();
    // Connections that cross layers become chains of small boxes, one in each layer.
    graph.edges.clear();
    for chain in chains.iter_mut().flatten() {
        let mut full = Vec::new();
        for pair in chain.windows(2) {
            full.push(pair[0]);
            for rank in ranks[pair[0]] + 1..ranks[pair[1]] {
                full.push(graph.add((PASSING_PX, 0.0)));
                ranks.push(rank);
            }
        }
        full.extend(chain.last());
        graph.edges.extend(full.windows(2).map(|w| (w[0], w[1])));
        *chain = full;
    }
    let (places, width, height) = graph.place(&ranks);
    let ways = chains
        .iter()
        .zip(labels)
        .enumerate()
        .map(|(index, (chain, label))| {
            let mut points: Vec<Point> = chain.as_ref()?.iter().map(|b| places[*b]).collect();
            if turned.contains(&index) {
                points.reverse();
            }
            Some(Way {
                points,
                label: label.map(|l| places[l]),
            })
        })
        .collect();
    Layout {
        boxes: places[..sizes.len()].to_vec(),
        ways,
        width,
        height,
    }
}

/// The links that lead back up: those that close a circle on a walk in the order of the boxes.
fn backward(boxes: usize, links: &[Link]) -> BTreeSet<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for (index, link) in links.iter().enumerate() {
        out[link.from].push(index);
    }
    let mut back = BTreeSet::new();
    // 0 not seen, 1 on the way, 2 done.
    let mut seen = vec![0u8; boxes];
    for start in 0..boxes {
        if seen[start] != 0 {
            continue;
        }
        seen[start] = 1;
        let mut stack = vec![(start, 0usize)];
        while let Some((at, next)) = stack.pop() {
            let Some(link) = out[at].get(next) else {
                seen[at] = 2;
                continue;
            };
            stack.push((at, next + 1));
            let to = links[*link].to;
            match seen[to] {
                0 => {
                    seen[to] = 1;
                    stack.push((to, 0));
                }
                1 => {
                    back.insert(*link);
                }
                _ => {}
            }
        }
    }
    back
}

/// A graph without circles.
struct Sized {
    sizes: Vec<(f64, f64)>,
    edges: Vec<(usize, usize)>,
}

impl Sized {
    fn add(&mut self, size: (f64, f64)) -> usize {
        self.sizes.push(size);
        self.sizes.len() - 1
    }

    /// The layer of each box, from 0; each edge leads at least one layer down.
    fn ranks(&self) -> Vec<usize> {
        let mut indegree = vec![0usize; self.sizes.len()];
        let mut out: Vec<Vec<usize>> = vec![Vec::new(); self.sizes.len()];
        for (from, to) in &self.edges {
            out[*from].push(*to);
            indegree[*to] += 1;
        }
        let mut ranks = vec![0usize; self.sizes.len()];
        let mut ready: Vec<usize> = (0..self.sizes.len())
            .filter(|b| indegree[*b] == 0)
            .collect();
        let mut order = Vec::new();
        while let Some(at) = ready.pop() {
            order.push(at);
            for to in &out[at] {
                ranks[*to] = ranks[*to].max(ranks[at] + 1);
                indegree[*to] -= 1;
                if indegree[*to] == 0 {
                    ready.push(*to);
                }
            }
        }
        // Words, and boxes that nothing leads to, move down to what follows them.
        for at in order.iter().rev() {
            if let Some(below) = out[*at].iter().map(|to| ranks[*to]).min() {
                let from_nothing = !self.edges.iter().any(|(_, to)| to == at);
                if from_nothing && below > 0 && *at != 0 {
                    ranks[*at] = below - 1;
                }
            }
        }
        ranks
    }

    /// The middles, and the size of the whole.
    fn place(&self, ranks: &[usize]) -> (Vec<Point>, f64, f64) {
        let columns = self.columns();
        let layers = ranks.iter().max().map_or(0, |max| max + 1);
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); layers];
        for (index, rank) in ranks.iter().enumerate() {
            rows[*rank].push(index);
        }
        let mut places = vec![Point { x: 0.0, y: 0.0 }; self.sizes.len()];
        let mut top = MARGIN;
        for row in &mut rows {
            row.sort_by(|a, b| columns[*a].total_cmp(&columns[*b]).then(a.cmp(b)));
            let height = row.iter().map(|b| self.sizes[*b].1).fold(0.0, f64::max);
            let mut free = f64::NEG_INFINITY;
            for b in row.iter() {
                let half = self.sizes[*b].0 / 2.0;
                // The method keeps boxes apart; this holds where it does not.
                let x = columns[*b].max(free + half);
                free = x + half + GAP_X / 2.0;
                places[*b] = Point {
                    x,
                    y: top + height / 2.0,
                };
            }
            top += height + GAP_Y;
        }
        let sides = |side: f64| {
            places
                .iter()
                .zip(&self.sizes)
                .map(move |(p, (width, _))| p.x + side * width / 2.0)
        };
        let left = sides(-1.0).fold(f64::INFINITY, f64::min);
        let right = sides(1.0).fold(f64::NEG_INFINITY, f64::max);
        if !left.is_finite() {
            return (places, 2.0 * MARGIN, 2.0 * MARGIN);
        }
        for place in &mut places {
            place.x = round(place.x - left + MARGIN);
            place.y = round(place.y);
        }
        (
            places,
            round(right - left + 2.0 * MARGIN),
            round(top - GAP_Y + MARGIN),
        )
    }

    /// The horizontal middles by Sugiyama's method.
    fn columns(&self) -> Vec<f64> {
        let vertices: Vec<(u32, (f64, f64))> = self
            .sizes
            .iter()
            .enumerate()
            .map(|(index, (width, _))| (index as u32, (*width, 10.0)))
            .collect();
        let edges: BTreeSet<(u32, u32)> = self
            .edges
            .iter()
            .map(|(from, to)| (*from as u32, *to as u32))
            .collect();
        let edges: Vec<(u32, u32)> = edges.into_iter().collect();
        let config = Config {
            vertex_spacing: GAP_X,
            dummy_vertices: false,
            ..Config::default()
        };
        let mut columns = BTreeMap::new();
        let mut left = 0.0;
        for (boxes, width, _) in rust_sugiyama::from_vertices_and_edges(&vertices, &edges, &config)
        {
            let first = boxes
                .iter()
                .map(|(_, (x, _))| *x)
                .fold(f64::INFINITY, f64::min);
            for (index, (x, _)) in boxes {
                columns.insert(index, left + x - first);
            }
            left += width + GAP_X;
        }
        (0..self.sizes.len())
            .map(|index| columns.get(&index).copied().unwrap_or(0.0))
            .collect()
    }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(from: usize, to: usize) -> Link {
        Link {
            from,
            to,
            label_px: 0.0,
        }
    }

    fn overlaps(sizes: &[(f64, f64)], boxes: &[Point]) -> bool {
        (0..boxes.len()).any(|a| {
            (a + 1..boxes.len()).any(|b| {
                (boxes[a].x - boxes[b].x).abs() < (sizes[a].0 + sizes[b].0) / 2.0
                    && (boxes[a].y - boxes[b].y).abs() < (sizes[a].1 + sizes[b].1) / 2.0
            })
        })
    }

    #[test]
    fn boxes_do_not_overlap_and_ways_lead_down() {
        let sizes = [
            (100.0, 40.0),
            (200.0, 40.0),
            (60.0, 80.0),
            (300.0, 40.0),
            (10.0, 10.0),
        ];
        let links = [
            Link {
                label_px: 40.0,
                ..link(0, 1)
            },
            Link {
                label_px: 30.0,
                ..link(0, 2)
            },
            link(0, 3),
            link(1, 4),
            link(2, 4),
            link(3, 4),
            link(0, 4),
        ];
        let placed = layout(&sizes, &links);
        assert!(!overlaps(&sizes, &placed.boxes), "{placed:?}");
        for way in placed.ways.iter().flatten() {
            assert!(way.points.windows(2).all(|p| p[0].y < p[1].y), "{way:?}");
        }
        assert!(placed.ways[0].as_ref().is_some_and(|w| w.label.is_some()));
        assert!(placed.boxes.iter().all(|b| b.x > 0.0 && b.x < placed.width));
    }

    #[test]
    fn circles_are_drawn_upward_and_loops_left_out() {
        let sizes = [(50.0, 20.0); 3];
        let placed = layout(&sizes, &[link(0, 1), link(1, 2), link(2, 1), link(1, 1)]);
        let up = placed.ways[2].as_ref().expect("a way");
        assert!(up.points[0].y > up.points[1].y);
        assert!(placed.ways[3].is_none());
    }

    #[test]
    fn any_graph_is_placed() {
        // A small generator, so that the same graphs are drawn each time.
        let mut state = 7u64;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for boxes in [0, 1, 2, 5, 30, 80] {
            let sizes: Vec<(f64, f64)> = (0..boxes)
                .map(|_| (20.0 + next(200) as f64, 20.0))
                .collect();
            let links: Vec<Link> = (0..boxes * 3 / 2)
                .map(|_| Link {
                    label_px: next(3) as f64 * 20.0,
                    ..link(next(boxes), next(boxes))
                })
                .collect();
            let placed = layout(&sizes, &links);
            assert_eq!(placed.boxes.len(), boxes);
            assert!(!overlaps(&sizes, &placed.boxes));
        }
    }
}
