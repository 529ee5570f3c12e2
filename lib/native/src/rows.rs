//! The rows being built, all columns side by side: the one that is being written, and those that stay.

use crate::column::{Column, Values};
use crate::plan::{Kind, Plan};

pub struct Rows {
    pub columns: Vec<Column>,
    /// The row that is being written.
    pub row: usize,
    /// Bits of the columns that have a value in this row, and of those that said null.
    filled: Vec<u64>,
    nulls: Vec<u64>,
    /// Bits of all columns.
    all: Vec<u64>,
}

impl Rows {
    /// Room for so many rows; `texts` are the bytes of text that each column may expect.
    pub fn new(plan: &Plan, rows: usize, texts: &[usize]) -> Self {
        let count = plan.kinds.len();
        let text = |column: usize| texts.get(column).map_or(0, |&bytes| bytes + bytes / 16) + 64;
        let columns = (0..count).map(|column| column_of(plan, column, rows, text(column))).collect();
        let all = (0..count.div_ceil(64)).map(|word| u64::MAX >> (64 - (count - word * 64).min(64))).collect();
        let none = vec![0; count.div_ceil(64)];
        Self { columns, row: 0, filled: none.clone(), nulls: none, all }
    }

    /// Forgets what was written of a row that does not stay.
    pub fn begin(&mut self) {
        self.filled.fill(0);
        self.nulls.fill(0);
    }

    /// A column has its value in this row.
    #[inline(always)]
    pub fn fill(&mut self, column: usize) {
        self.filled[column / 64] |= 1 << (column % 64);
    }

    /// A column is null in this row, and not only missing.
    #[inline(always)]
    pub fn say_null(&mut self, column: usize) {
        self.nulls[column / 64] |= 1 << (column % 64);
    }

    pub fn is_filled(&self, column: usize) -> bool {
        self.filled[column / 64] >> (column % 64) & 1 != 0
    }

    pub fn said_null(&self, column: usize) -> bool {
        self.nulls[column / 64] >> (column % 64) & 1 != 0
    }

    /// The row stays.
    pub fn commit(&mut self) {
        for (word, (&filled, &all)) in self.filled.iter().zip(&self.all).enumerate() {
            let mut missing = all & !filled;
            while missing != 0 {
                let column = word * 64 + missing.trailing_zeros() as usize;
                self.columns[column].null(self.row);
                missing &= missing - 1;
            }
        }
        self.row += 1;
    }
}

fn column_of(plan: &Plan, column: usize, rows: usize, text: usize) -> Column {
    if !plan.feed.columns[column].kept {
        return Column::new(Values::None, rows);
    }
    let values = match plan.kinds[column] {
        Kind::Text | Kind::Json => return Column::text(rows, text),
        Kind::Boolean => Values::Bits(vec![0; rows.div_ceil(8)]),
        Kind::Double => Values::Float64(vec![0.0; rows]),
        Kind::Decimal => Values::Decimal(vec![0; rows]),
        Kind::Date | Kind::DateOf => Values::Int32(vec![0; rows]),
        Kind::Time | Kind::Epoch => Values::Int64(vec![0; rows]),
        Kind::Integer => match plan.feed.columns[column].bits {
            16 => Values::Int16(vec![0; rows]),
            32 => Values::Int32(vec![0; rows]),
            _ => Values::Int64(vec![0; rows]),
        },
    };
    Column::new(values, rows)
}
