//! Tables, and the arithmetic behind them.

use std::fs;
use std::io::Write;

use serde::Serialize;

/// The result of one benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) machine: Machine,
    pub(crate) tables: Vec<Table>,
    /// What the reader must know to judge the figures.
    pub(crate) notes: Vec<String>,
    /// A figure that must hold does not.
    pub(crate) failed: bool,
}

/// Where it ran, in general words.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cpus: usize,
    pub(crate) kernel: String,
    /// Mean number of runnable threads over the last minute, before and after:
    /// more than `cpus` means that others were at work too.
    pub(crate) load_before: f64,
    pub(crate) load_after: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value in a table.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Text(String),
    /// A number, and how many decimals are worth reading.
    #[serde(serialize_with = "number_alone")]
    Number(f64, usize),
    /// Several repetitions of one measurement.
    Sample(Sample),
}

fn number_alone<S: serde::Serializer>(number: &f64, _: &usize, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_f64(*number)
}

/// Median and range of repeated measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Sample {
    /// Of at least one value.
    pub(crate) fn of(values: &[f64]) -> anyhow::Result<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            anyhow::bail!("no measurement was made");
        };
        Ok(Self { median: median(&sorted), min, max })
    }
}

/// The middle of sorted values, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        (sorted[half - 1] + sorted[half]) / 2.0
    } else {
        sorted[half]
    }
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Self {
        let machine = Machine::current();
        Self { name, machine, tables: Vec::new(), notes: Vec::new(), failed: false }
    }

    /// Writes it to standard output.
    pub(crate) fn print(&mut self, json: bool) -> anyhow::Result<()> {
        self.machine.load_after = load();
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
            return Ok(());
        }
        let Machine { cpu, cpus, kernel, load_before, load_after } = &self.machine;
        writeln!(out, "{cpus} x {cpu}, Linux {kernel}, load {load_before} to {load_after}")?;
        for table in &self.tables {
            writeln!(out, "\n{}\n", table.title)?;
            out.write_all(table.render().as_bytes())?;
        }
        if !self.notes.is_empty() {
            writeln!(out)?;
        }
        for note in &self.notes {
            writeln!(out, "* {note}")?;
        }
        Ok(())
    }
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    /// As Markdown, with columns aligned for reading as text.
    fn render(&self) -> String {
        let header = self.columns.clone();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::text).collect::<Vec<_>>());
        let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for (number, line) in lines.iter().enumerate() {
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                let cell =
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                text.push_str(&format!("| {cell} "));
            }
            text.push_str("|\n");
            if number == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    let rule = "-".repeat(width);
                    text.push_str(&if column == 0 {
                        format!("|-{rule}-")
                    } else {
                        format!("|-{rule}:")
                    });
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number, decimals) => format!("{number:.decimals$}"),
            Self::Sample(Sample { median, min, max }) => format!("{median:.0} ({min:.0}-{max:.0})"),
        }
    }
}

impl Machine {
    fn current() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let kernel = release.split(['.', '-']).take(2).collect::<Vec<_>>().join(".");
        Self {
            cpu: model.map_or("unknown CPU", |(_, name)| name).trim().to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
            load_before: load(),
            load_after: 0.0,
        }
    }
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let sample = Sample::of(&[9.0, 1.0, 4.0]).unwrap();
        assert_eq!(sample, Sample { median: 4.0, min: 1.0, max: 9.0 });
        assert_eq!(Sample::of(&[4.0, 1.0, 3.0, 100.0]).unwrap().median, 3.5);
        assert_eq!(Sample::of(&[7.0]).unwrap().median, 7.0);
        assert!(Sample::of(&[]).is_err());
    }

    #[test]
    fn a_table_is_markdown_with_aligned_columns() {
        let mut table = Table::new("t", &["name", "ns"]);
        let sample = Sample { median: 1234.4, min: 9.0, max: 2000.0 };
        table.rows.push(vec![Cell::Text("a".to_owned()), Cell::Sample(sample)]);
        table.rows.push(vec![Cell::Text("longer".to_owned()), Cell::Number(2.345, 1)]);
        let expected = "\
            | name   |            ns |\n\
            |--------|--------------:|\n\
            | a      | 1234 (9-2000) |\n\
            | longer |           2.3 |\n";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn samples_are_objects_and_numbers_are_numbers_in_json() {
        let cells =
            [Cell::Number(1.5, 0), Cell::Sample(Sample { median: 2.0, min: 1.0, max: 3.0 })];
        let json = serde_json::to_value(cells).unwrap();
        assert_eq!(json, serde_json::json!([1.5, { "median": 2.0, "min": 1.0, "max": 3.0 }]));
    }
}
