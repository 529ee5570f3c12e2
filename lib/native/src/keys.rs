//! The keys of a feed: those of the contract, and those met in its records. A key found by its place behind the key
//! before it costs one comparison; records of one feed mostly have one order.

use crate::bytes::block;
use crate::census::write_pointer;
use crate::hash::hash;
use crate::plan::{Key, Kind, Plan};

/// So many keys are learned beyond those of the contract, and so long ones.
const LEARNED: usize = 1000;
const LONGEST: usize = 256;
const PREDICTED: usize = 32;

/// What is done with a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Everything that the contract may say, step by step.
    Careful,
    /// The contract does not know it: it is only looked at, or kept too.
    Pass,
    Collect,
    /// An object that holds columns, at a node of the plan.
    Enter(u32),
    /// A column without rules, of text, that is looked at but not kept.
    Look(u32),
    Text(u32),
    Integer(u32, u8),
    Double(u32),
    Decimal(u32),
    Time(u32),
}

/// One key of one node.
pub struct Word {
    low: u128,
    low_mask: u128,
    high: u128,
    high_mask: u128,
    /// Bytes with both quotes.
    pub length: usize,
    /// The number of the key that last followed this one.
    pub next: u32,
    pub act: Act,
    /// The last record that had it.
    pub seen: u64,
    pub node: u32,
    /// Where the census counts it, by JSON type; 0 is nowhere yet.
    pub met: [u32; 6],
    /// The key's text; its name in `_extra` with quotes and colon, where it may stand there.
    pub text: Box<[u8]>,
    pub extra: Box<[u8]>,
}

pub struct Keys {
    /// The first is none; then the plan's keys by number; then those learned.
    pub words: Vec<Word>,
    /// The key that an object at each node last began with.
    pub first: Vec<u32>,
    /// Numbers of words by hash; 0 is none.
    table: Vec<u32>,
    /// Hash of the key that was looked for last.
    pub hash: u64,
    room: usize,
}

impl Keys {
    pub fn new(plan: &Plan) -> Self {
        let none = Word::new(0, b"", Act::Careful);
        let size = (2 * (plan.keys + LEARNED)).next_power_of_two();
        let mut keys = Self {
            words: vec![none],
            first: vec![0; plan.nodes.len()],
            table: vec![0; size],
            hash: 0,
            room: plan.keys + LEARNED,
        };
        let mut known: Vec<_> =
            plan.nodes.iter().enumerate().flat_map(|(n, node)| node.keys.iter().map(move |k| (n, k))).collect();
        known.sort_by_key(|(_, key)| key.number);
        for (node, key) in known {
            keys.look(node, &key.text);
            keys.add(plan, node, &key.text, act_of(plan, key));
        }
        keys
    }

    /// The number of a key at a node, learned if need be; 0 when there is no room for it.
    pub fn find(&mut self, plan: &Plan, node: usize, text: &[u8]) -> usize {
        let found = self.look(node, text);
        if found != 0 || self.words.len() > self.room || text.len() > LONGEST {
            return found;
        }
        self.add(plan, node, text, if plan.nodes[node].collects { Act::Collect } else { Act::Pass })
    }

    fn look(&mut self, node: usize, text: &[u8]) -> usize {
        self.hash = hash(text);
        let mut slot = self.slot(node);
        loop {
            let number = self.table[slot] as usize;
            let word = &self.words[number];
            if number == 0 || (word.node == node as u32 && *word.text == *text) {
                return number;
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }

    fn slot(&self, node: usize) -> usize {
        (self.hash.wrapping_add((node as u64).wrapping_mul(0x9e37_79b9))) as usize & (self.table.len() - 1)
    }

    /// Adds the key that was just looked for.
    fn add(&mut self, plan: &Plan, node: usize, text: &[u8], act: Act) -> usize {
        let number = self.words.len();
        let mut slot = self.slot(node);
        while self.table[slot] != 0 {
            slot = (slot + 1) & (self.table.len() - 1);
        }
        self.table[slot] = number as u32;
        let mut word = Word::new(node, text, act);
        if plan.nodes[node].collects {
            let mut extra = Vec::new();
            write_pointer(&mut extra, plan, node, text);
            word.extra = extra.into_boxed_slice();
        }
        self.words.push(word);
        number
    }
}

impl Word {
    fn new(node: usize, text: &[u8], act: Act) -> Self {
        let mut quoted = vec![b'"'];
        quoted.extend_from_slice(text);
        quoted.push(b'"');
        let plain = !text.iter().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
        let length = quoted.len();
        // What is too long, or needs escapes, must never be found by comparing: no record holds a byte FF.
        let predicted = plain && length > 2 && length <= PREDICTED;
        let size = if predicted { length } else { PREDICTED };
        quoted.resize(PREDICTED, 0);
        let mut bytes = [0xff; PREDICTED];
        let mut mask = [0; PREDICTED];
        mask[..size].fill(0xff);
        if predicted {
            bytes.copy_from_slice(&quoted);
        }
        let half = |bytes: &[u8; PREDICTED], p: usize| block(bytes, p).map_or(0, |half| u128::from_le_bytes(*half));
        Self {
            low: half(&bytes, 0),
            low_mask: half(&mask, 0),
            high: half(&bytes, 16),
            high_mask: half(&mask, 16),
            length,
            next: 0,
            act,
            seen: 0,
            node: node as u32,
            met: [0; 6],
            text: text.into(),
            extra: Box::default(),
        }
    }

    /// Whether the key stands at `p` as it does without escapes.
    #[inline(always)]
    pub fn begins(&self, data: &[u8], p: usize) -> bool {
        let Some(here) = block(data, p) else {
            return false;
        };
        if (u128::from_le_bytes(*here) ^ self.low) & self.low_mask != 0 {
            return false;
        }
        self.high_mask == 0
            || block(data, p + 16).is_some_and(|here| (u128::from_le_bytes(*here) ^ self.high) & self.high_mask == 0)
    }
}

fn act_of(plan: &Plan, key: &Key) -> Act {
    match (&key.columns[..], key.child) {
        _ if !key.skips.is_empty() || (plan.nodes[key.node].collects && !key.known) => Act::Careful,
        ([], Some(child)) => Act::Enter(child as u32),
        (&[column], None) if !plan.ruled[column] => {
            let place = column as u32;
            let spec = &plan.feed.columns[column];
            match plan.kinds[column] {
                Kind::Text if spec.kept => Act::Text(place),
                Kind::Text => Act::Look(place),
                Kind::Integer => Act::Integer(place, spec.bits as u8),
                Kind::Double => Act::Double(place),
                Kind::Decimal => Act::Decimal(place),
                Kind::Time => Act::Time(place),
                _ => Act::Careful,
            }
        }
        _ => Act::Careful,
    }
}
