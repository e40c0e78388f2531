//! Results as a Markdown table and as JSON.

use super::stats::Summary;
use serde_json::{Value, json};
use std::fmt::Write;

/// One table: all contestants over one kind of load.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) unit: &'static str,
    /// Contestants that the others are divided by.
    pub(super) bases: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
}

/// One contestant's rounds.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) values: Vec<f64>,
    pub(super) per_second: Vec<f64>,
    /// Why the row does not count.
    pub(super) void: Option<String>,
}

impl Row {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }
}

impl Part {
    fn ratio(&self, row: &Row, base: &str) -> Option<Summary> {
        let base = self.rows.iter().find(|row| row.name == base && row.void.is_none())?;
        Summary::of_ratio(&row.values, &base.values)
    }

    /// The bases that took part and are no void row.
    fn live_bases(&self) -> impl Iterator<Item = &'static str> {
        let live = |base: &&str| self.rows.iter().any(|row| row.name == *base && row.void.is_none());
        self.bases.iter().copied().filter(live)
    }

    pub(super) fn markdown(&self) -> String {
        let throughput = self.rows.iter().any(|row| !row.per_second.is_empty());
        let mut text = format!("### {}\n\n| | {} (min–max) |", self.title, self.unit);
        let mut rule = String::from("\n| --- | ---: |");
        for base in self.live_bases() {
            // Writing to a `String` cannot fail.
            let _ = write!(text, " / {base} |");
            rule.push_str(" ---: |");
        }
        if throughput {
            text.push_str(" req/s (noisy) |");
            rule.push_str(" ---: |");
        }
        text.push_str(&rule);
        text.push('\n');
        for row in &self.rows {
            let _ = write!(text, "| {} |", row.name);
            if let Some(reason) = &row.void {
                let _ = writeln!(text, " void: {} |", reason.lines().next().unwrap_or_default());
                continue;
            }
            let digits = if self.unit == "bytes" { 0 } else { 2 };
            if let Some(Summary { median, min, max }) = Summary::of(row.values.iter().copied()) {
                let _ = write!(text, " {median:.digits$} ({min:.digits$}–{max:.digits$}) |");
            }
            for base in self.live_bases() {
                let ratio = self.ratio(row, base).map_or(f64::NAN, |ratio| ratio.median);
                let _ = write!(text, " {ratio:.3} |");
            }
            if let Some(rate) = Summary::of(row.per_second.iter().copied()) {
                let _ = write!(text, " {:.0} |", rate.median);
            }
            text.push('\n');
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let summary = |summary: Option<Summary>| {
            summary.map(|Summary { median, min, max }| json!({"median": median, "min": min, "max": max}))
        };
        let rows = self.rows.iter().map(|row| {
            let ratios =
                self.live_bases().map(|base| (base.to_owned(), json!(summary(self.ratio(row, base)))));
            json!({
                "name": row.name,
                "void": row.void,
                "value": summary(Summary::of(row.values.iter().copied())),
                "rounds": row.values,
                "ratio_to": ratios.collect::<serde_json::Map<_, _>>(),
                "requests_per_second": summary(Summary::of(row.per_second.iter().copied())),
            })
        });
        json!({"name": self.name, "title": self.title, "unit": self.unit, "rows": rows.collect::<Vec<_>>()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Part {
        let row = |name, values: &[f64]| Row {
            name,
            values: values.to_vec(),
            per_second: vec![1000.0],
            void: None,
        };
        Part {
            name: "plain",
            title: "Plain".into(),
            unit: "µs/request",
            bases: vec!["hyper", "absent"],
            rows: vec![
                row("hyper", &[10.0, 12.0, 11.0]),
                row("ours", &[5.0, 6.0, 11.0]),
                Row { void: Some("Socket errors: 1".into()), ..Row::new("bad") },
            ],
        }
    }

    #[test]
    fn tables_have_medians_and_ratios() {
        let text = part().markdown();
        assert!(text.contains("| | µs/request (min–max) | / hyper | req/s (noisy) |"), "{text}");
        assert!(text.contains("| ours | 6.00 (5.00–11.00) | 0.500 | 1000 |"), "{text}");
        assert!(text.contains("| bad | void: Socket errors: 1 |"), "{text}");
    }

    #[test]
    fn json_has_all_rounds() {
        let value = part().json();
        assert_eq!(value["rows"][1]["ratio_to"]["hyper"]["median"], 0.5);
        assert_eq!(value["rows"][1]["rounds"].as_array().unwrap().len(), 3);
        assert_eq!(value["rows"][2]["void"], "Socket errors: 1");
    }
}
