//! What to decode: the contract's columns as a tree of keys.

use std::collections::HashMap;

use pyo3::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Json,
    Boolean,
    Integer,
    Double,
    Decimal,
    Date,
    Time,
    Epoch,
    DateOf,
}

/// A column as Python describes it. Bounds of numbers and times are whole numbers in the column's own unit.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct ColumnSpec {
    pub name: String,
    pub kind: String,
    pub path: Vec<String>,
    pub type_text: String,
    pub date_of: usize,
    /// Whether its values are wanted; they are checked all the same.
    pub kept: bool,
    /// Whether it is checked to the end only afterwards: a fault behind it may not be the record's first.
    pub late: bool,
    pub required: bool,
    pub lenient: bool,
    pub round: bool,
    pub bits: u32,
    pub precision: i64,
    pub scale: i64,
    pub low: Option<i128>,
    pub high: Option<i128>,
    pub low_double: Option<f64>,
    pub high_double: Option<f64>,
    pub low_text: Option<String>,
    pub high_text: Option<String>,
    pub allowed: Option<Vec<i128>>,
    pub allowed_doubles: Option<Vec<f64>>,
    pub allowed_texts: Option<Vec<String>>,
    pub minimum: String,
    pub maximum: String,
}

/// Values that leave a record out when they stand at a path.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct SkipSpec {
    pub path: Vec<String>,
    pub texts: Vec<String>,
    pub literals: Vec<String>,
    /// Digits with sign, and the power of ten behind them.
    pub numbers: Vec<(String, i64)>,
    pub null: bool,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct FeedSpec {
    pub table: String,
    pub columns: Vec<ColumnSpec>,
    pub skips: Vec<SkipSpec>,
    pub unknown: String,
    pub hidden: bool,
    /// Only keys are wanted: no `_extra` and no rejects, but every record's number.
    pub keys: bool,
    pub depth: usize,
    pub digits: usize,
    pub record_bytes: usize,
    pub chunk_bytes: usize,
}

pub struct Key {
    pub text: Vec<u8>,
    pub node: usize,
    pub columns: Vec<usize>,
    pub skips: Vec<usize>,
    pub child: Option<usize>,
    /// The first column below this key, when there is one.
    pub below: Option<usize>,
    /// The contract knows the key (it may also stand here for `skip` alone).
    pub known: bool,
    pub covered: bool,
    pub pointer: String,
    /// The key's number in the plan.
    pub number: usize,
}

#[derive(Default)]
pub struct Node {
    pub keys: Vec<Key>,
    pub by_text: HashMap<Vec<u8>, usize>,
    /// Whether fields that the contract does not know count here.
    pub collects: bool,
    pub pointer: String,
}

pub struct Plan {
    pub feed: FeedSpec,
    pub kinds: Vec<Kind>,
    pub nodes: Vec<Node>,
    pub keys: usize,
    /// Node and place there of every key, by its number.
    pub places: Vec<(usize, usize)>,
    pub pointers: Vec<String>,
    /// Of a column: whether `values`, `min` or `max` say anything.
    pub ruled: Vec<bool>,
    /// The first column that is late; there may be none.
    pub settled: Option<usize>,
    /// The columns with a path that are required, and those that derive from another, in the contract's order.
    pub required: Vec<usize>,
    pub derived: Vec<usize>,
}

impl Plan {
    pub fn new(feed: FeedSpec) -> Self {
        let kinds: Vec<_> = feed.columns.iter().map(kind_of).collect();
        let pointers = feed.columns.iter().map(|column| pointer(&column.path)).collect();
        let ruled = feed.columns.iter().map(ruled).collect();
        let derived = (0..kinds.len()).filter(|&column| kinds[column] == Kind::DateOf).collect();
        let required =
            (0..kinds.len()).filter(|&column| kinds[column] != Kind::DateOf && feed.columns[column].required).collect();
        let settled = feed.columns.iter().position(|column| column.late);
        let mut plan = Self {
            feed,
            kinds,
            nodes: vec![Node::default()],
            keys: 0,
            places: Vec::new(),
            pointers,
            ruled,
            required,
            derived,
            settled,
        };
        let paths: Vec<_> = plan.feed.columns.iter().map(|column| column.path.clone()).collect();
        for (column, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
            let (node, key) = plan.grow(path, Some(column));
            plan.nodes[node].keys[key].columns.push(column);
            plan.nodes[node].keys[key].covered = true;
        }
        let paths: Vec<_> = plan.feed.skips.iter().map(|skip| skip.path.clone()).collect();
        for (skip, path) in paths.iter().enumerate() {
            let (node, key) = plan.grow(path, None);
            plan.nodes[node].keys[key].skips.push(skip);
        }
        plan.nodes[0].collects = plan.feed.unknown != "ignore";
        for node in 0..plan.nodes.len() {
            for key in 0..plan.nodes[node].keys.len() {
                let found = &plan.nodes[node].keys[key];
                let collects = plan.nodes[node].collects && found.known && !found.covered;
                if let Some(child) = found.child {
                    plan.nodes[child].collects = collects;
                }
            }
        }
        plan
    }

    /// Makes a path's keys; the node and the place there of its last one.
    fn grow(&mut self, path: &[String], column: Option<usize>) -> (usize, usize) {
        let mut node = 0;
        let mut place = 0;
        for (level, text) in path.iter().enumerate() {
            place = self.key(node, text);
            let last = level + 1 == path.len();
            let pointer = pointer(&path[..=level]);
            let fresh = self.nodes.len();
            let key = &mut self.nodes[node].keys[place];
            key.known |= column.is_some();
            if last {
                break;
            }
            if let Some(column) = column {
                key.below = Some(key.below.map_or(column, |first| first.min(column)));
            }
            let child = *key.child.get_or_insert(fresh);
            if child == fresh {
                self.nodes.push(Node { pointer, ..Node::default() });
            }
            node = child;
        }
        (node, place)
    }

    fn key(&mut self, node: usize, text: &str) -> usize {
        let number = self.keys;
        let Node { keys, by_text, pointer: above, .. } = &mut self.nodes[node];
        let place = *by_text.entry(text.as_bytes().to_vec()).or_insert(keys.len());
        if place == keys.len() {
            let pointer = format!("{above}{}", pointer(&[text.to_owned()]));
            let (columns, skips) = (Vec::new(), Vec::new());
            keys.push(Key {
                text: text.as_bytes().to_vec(),
                node,
                columns,
                skips,
                child: None,
                below: None,
                known: false,
                covered: false,
                pointer,
                number,
            });
            self.keys += 1;
            self.places.push((node, place));
        }
        place
    }
}

fn ruled(column: &ColumnSpec) -> bool {
    let texts = column.low_text.is_some() || column.high_text.is_some() || column.allowed_texts.is_some();
    let doubles = column.low_double.is_some() || column.high_double.is_some() || column.allowed_doubles.is_some();
    texts || doubles || column.low.is_some() || column.high.is_some() || column.allowed.is_some()
}

fn kind_of(column: &ColumnSpec) -> Kind {
    match column.kind.as_str() {
        "string" => Kind::Text,
        "json" => Kind::Json,
        "boolean" => Kind::Boolean,
        "double" => Kind::Double,
        "decimal" => Kind::Decimal,
        "date" => Kind::Date,
        "timestamp" => Kind::Time,
        "epoch" => Kind::Epoch,
        "date_of" => Kind::DateOf,
        _ => Kind::Integer,
    }
}

/// A path as a JSON Pointer.
pub fn pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}
