//! As much of `PromQL` as it takes to find the metrics and labels that a query names. It owns no grammar: a query that it reads
//! may still be none, but names never hide from it in strings, functions, ranges or keywords.

/// What a query names.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    pub(crate) groupings: Vec<Grouping>,
}

/// A metric and what it is narrowed by.
#[derive(Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    pub(crate) matchers: Vec<Matcher>,
    at: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) operator: String,
    pub(crate) value: String,
}

/// The labels of `by (…)`, `on (…)` and the like, and the metrics that they are about.
#[derive(Debug, PartialEq)]
pub(crate) struct Grouping {
    pub(crate) labels: Vec<String>,
    pub(crate) metrics: Vec<String>,
    /// `by` and `without` are about every metric in their parentheses, the others about some metric of the query.
    pub(crate) aggregates: bool,
}

/// Those that are in use; another one is a problem until it is added here.
const FUNCTIONS: [&str; 9] = [
    "absent",
    "count",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "rate",
    "sum",
    "time",
];
const OPERATORS: [&str; 6] = ["and", "bool", "offset", "or", "unless", "atan2"];
const AGGREGATES: [&str; 2] = ["by", "without"];
const MATCHES: [&str; 4] = ["on", "ignoring", "group_left", "group_right"];

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    /// A number, a duration, or a variable of Grafana's.
    Number,
    Sign(char),
}

/// What a query names.
///
/// # Errors
/// What cannot be read.
pub(crate) fn read(query: &str) -> Result<Query, String> {
    let tokens = tokens(query)?;
    let mut reader = Reader {
        partners: partners(&tokens)?,
        tokens,
        query: Query::default(),
    };
    let mut scopes = Vec::new();
    let mut at = 0;
    while at < reader.tokens.len() {
        at = reader.step(at, &mut scopes)?;
    }
    let Reader { mut query, .. } = reader;
    for (labels, scope, aggregates) in scopes {
        let inside = query.selectors.iter();
        let inside = inside.filter(|selector| scope.contains(&selector.at));
        let metrics = inside.map(|selector| selector.metric.clone()).collect();
        query.groupings.push(Grouping {
            labels,
            metrics,
            aggregates,
        });
    }
    if query.selectors.is_empty() {
        return Err("no metric".into());
    }
    Ok(query)
}

type Scope = (Vec<String>, std::ops::Range<usize>, bool);

struct Reader {
    tokens: Vec<Token>,
    /// For each parenthesis, brace and bracket, where its partner is.
    partners: Vec<usize>,
    query: Query,
}

impl Reader {
    /// Reads what begins here; returns where the next begins.
    fn step(&mut self, at: usize, scopes: &mut Vec<Scope>) -> Result<usize, String> {
        let word = match &self.tokens[at] {
            Token::Word(word) => word.clone(),
            Token::Sign('{') => return Err("a selector without a metric".into()),
            Token::Sign('[') => return Ok(self.partners[at] + 1),
            Token::Text(_) => return Err("a string where none can be".into()),
            Token::Number | Token::Sign(_) => return Ok(at + 1),
        };
        let word = word.as_str();
        let aggregates = AGGREGATES.contains(&word);
        if aggregates || MATCHES.contains(&word) {
            return self.grouping(at, aggregates, scopes);
        }
        if OPERATORS.contains(&word) {
            return Ok(at + 1);
        }
        let next = self.tokens.get(at + 1);
        let called = next == Some(&Token::Sign('(')) || is_aggregate(next);
        if called {
            let known = FUNCTIONS.contains(&word);
            return known.then_some(at + 1).ok_or(format!("a function {word}"));
        }
        let (matchers, end) = if next == Some(&Token::Sign('{')) {
            (self.matchers(at + 1)?, self.partners[at + 1] + 1)
        } else {
            (Vec::new(), at + 1)
        };
        self.query.selectors.push(Selector {
            metric: word.to_owned(),
            matchers,
            at,
        });
        Ok(end)
    }

    /// `by (a, b) (…)`, `(…) by (a, b)`, `on (a)`.
    fn grouping(
        &self,
        at: usize,
        aggregates: bool,
        scopes: &mut Vec<Scope>,
    ) -> Result<usize, String> {
        let open = at + 1;
        if self.tokens.get(open) != Some(&Token::Sign('(')) {
            return Err("a grouping without its labels".into());
        }
        let close = self.partners[open];
        let labels = self.tokens[open + 1..close].iter().filter_map(word);
        let labels = labels.collect();
        let scope = if !aggregates {
            0..self.tokens.len()
        } else if self.tokens.get(close + 1) == Some(&Token::Sign('(')) {
            close + 1..self.partners[close + 1]
        } else if at > 0 && self.tokens[at - 1] == Token::Sign(')') {
            self.partners[at - 1]..at
        } else {
            return Err("a grouping of nothing".into());
        };
        scopes.push((labels, scope, aggregates));
        Ok(close + 1)
    }

    fn matchers(&self, open: usize) -> Result<Vec<Matcher>, String> {
        let inside = &self.tokens[open + 1..self.partners[open]];
        let all = inside.split(|token| *token == Token::Sign(','));
        let all = all.filter(|tokens| !tokens.is_empty());
        all.map(|tokens| match tokens {
            [Token::Word(label), signs @ .., Token::Text(value)] => Ok(Matcher {
                label: label.clone(),
                operator: signs.iter().filter_map(sign).collect(),
                value: value.clone(),
            }),
            other => Err(format!("a matcher {other:?}")),
        })
        .collect()
    }
}

fn is_aggregate(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Word(word)) if AGGREGATES.contains(&word.as_str()))
}

fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.clone()),
        _ => None,
    }
}

fn sign(token: &Token) -> Option<char> {
    match token {
        Token::Sign(sign) => Some(*sign),
        _ => None,
    }
}

fn partners(tokens: &[Token]) -> Result<Vec<usize>, String> {
    let mut partners = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Sign(sign) = token else { continue };
        if "([{".contains(*sign) {
            open.push((at, *sign));
        } else if ")]}".contains(*sign) {
            let opened = open.pop().ok_or(format!("a {sign} too many"))?;
            if !["()", "[]", "{}"].contains(&format!("{}{sign}", opened.1).as_str()) {
                return Err(format!("{} and {sign}", opened.1));
            }
            partners[at] = opened.0;
            partners[opened.0] = at;
        }
    }
    match open.last() {
        Some((_, sign)) => Err(format!("a {sign} too many")),
        None => Ok(partners),
    }
}

fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' | '`' => {
                let (text, length) = text(rest, first)?;
                tokens.push(Token::Text(text));
                length
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
                let end = end.unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
            _ if first.is_ascii_digit() || first == '$' => {
                let end =
                    rest[1..].find(|c: char| !(c.is_ascii_alphanumeric() || "._".contains(c)));
                tokens.push(Token::Number);
                end.map_or(rest.len(), |end| end + 1)
            }
            _ if "()[]{},=!~<>+-*/%^@:".contains(first) => {
                tokens.push(Token::Sign(first));
                1
            }
            other => return Err(format!("a {other:?}")),
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A string, and how long it is with its quotes.
fn text(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Ok((text, at + 1));
        }
        // What an escape means is of no interest here, but where the string ends is.
        let escaped = character == '\\' && quote != '`';
        let kept = if escaped {
            characters.next()
        } else {
            Some((at, character))
        };
        text.extend(kept.map(|(_, character)| character));
    }
    Err("a string without end".into())
}

#[cfg(test)]
mod tests;
