//! What reading a record comes to.

use crate::number::Reason;

/// A value that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slot {
    /// A range of the record's bytes.
    Source(usize, usize),
    /// A range of the bytes that escapes spelled.
    Spelled(usize, usize),
    /// A whole number, a boolean, or the bits of a double.
    Number(i64),
    Decimal(i128),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Unfit(Reason),
    NotIn,
    Below,
    Above,
    /// Something on the path is no object; it stands under this key of this node.
    Blocked(usize, usize),
    Missing,
    Null,
    DerivedNull,
}

/// A column's first fault; `start` and `end` are the offending value's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub column: usize,
    pub flaw: Flaw,
    pub start: usize,
    pub end: usize,
}

/// A field that the contract does not know, by the number of its key; with number 0 by the node it stands in and its key.
#[derive(Debug, Clone, Copy)]
pub struct Unknown {
    pub number: usize,
    pub node: usize,
    pub key: Slot,
    pub start: usize,
    pub end: usize,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    Good,
    Filtered,
    Left,
    Syntax(usize),
    Deep(usize),
    Trailing(usize),
    NotAnObject(usize, usize),
    Faulty(Fault),
    UnknownField,
}
