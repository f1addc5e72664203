//! The metrics and labels that a `PromQL` query names.

use promql_parser::parser::{self, BinModifier, Expr, LabelModifier, VectorSelector};

#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    pub(crate) groupings: Vec<Grouping>,
}

/// A metric and its label matchers.
#[derive(Debug)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    pub(crate) matchers: Vec<promql_parser::label::Matcher>,
}

/// The labels of a `by (…)`, `on (…)` and the like, and the metrics in its operands.
#[derive(Debug)]
pub(crate) struct Grouping {
    pub(crate) labels: Vec<String>,
    pub(crate) metrics: Vec<String>,
    /// `by` and `without`: every metric must have the labels. For the others, one must.
    pub(crate) aggregates: bool,
}

/// Parses a query of an alert or of a Grafana panel.
///
/// # Errors
/// The text is not `PromQL`, or a selector has no metric.
pub(crate) fn read(query: &str) -> Result<Query, String> {
    // Grafana replaces this variable by a duration before it asks Prometheus.
    let expression = parser::parse(&query.replace("$__rate_interval", "5m"))?;
    let mut query = Query::default();
    query.visit(&expression)?;
    if query.selectors.is_empty() {
        return Err("no metric".into());
    }
    Ok(query)
}

impl Query {
    fn visit(&mut self, expression: &Expr) -> Result<(), String> {
        match expression {
            Expr::VectorSelector(selector) => self.add(selector),
            Expr::MatrixSelector(range) => self.add(&range.vs),
            Expr::Paren(inner) => self.visit(&inner.expr),
            Expr::Unary(inner) => self.visit(&inner.expr),
            Expr::Subquery(inner) => self.visit(&inner.expr),
            Expr::Call(call) => call.args.args.iter().try_for_each(|arg| self.visit(arg)),
            Expr::Aggregate(aggregate) => {
                let first = self.selectors.len();
                self.visit(&aggregate.expr)?;
                if let Some(modifier) = &aggregate.modifier {
                    self.group(first, &modifier.labels().labels, true);
                }
                Ok(())
            }
            Expr::Binary(binary) => {
                let first = self.selectors.len();
                self.visit(&binary.lhs)?;
                self.visit(&binary.rhs)?;
                for labels in binary.modifier.iter().flat_map(matching_labels) {
                    self.group(first, labels, false);
                }
                Ok(())
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Ok(()),
        }
    }

    fn add(&mut self, selector: &VectorSelector) -> Result<(), String> {
        let metric = selector.name.clone().ok_or("a selector without a metric")?;
        let matchers = selector.matchers.matchers.clone();
        self.selectors.push(Selector { metric, matchers });
        Ok(())
    }

    /// Adds a grouping of the selectors from this index on.
    fn group(&mut self, first: usize, labels: &[String], aggregates: bool) {
        let selectors = self.selectors[first..].iter();
        self.groupings.push(Grouping {
            labels: labels.to_vec(),
            metrics: selectors.map(|selector| selector.metric.clone()).collect(),
            aggregates,
        });
    }
}

/// The labels of `on` or `ignoring`, and of `group_left` or `group_right`.
fn matching_labels(modifier: &BinModifier) -> impl Iterator<Item = &Vec<String>> {
    let matching = modifier.matching.iter().map(LabelModifier::labels);
    matching
        .chain(modifier.card.labels())
        .map(|labels| &labels.labels)
}

#[cfg(test)]
pub(crate) mod tests;
