//! What is read, and what is refused.

use super::read;

#[test]
fn names_are_found_and_what_looks_like_names_is_not() {
    let query = read(
        r#"sum by (job, le) (rate(a_bucket{x="b{y=\"c\"}", z!~'d_total'}[$__rate_interval] offset 1d)) # e_total
           / on (job) group_left () (sum(f_total) without (g) > 1.5e3) and (count(h:i) by (j) or time() - k)"#,
    );
    let query = query.unwrap();
    let metrics: Vec<&str> = query
        .selectors
        .iter()
        .map(|selector| selector.metric.as_str())
        .collect();
    assert_eq!(metrics, ["a_bucket", "f_total", "h:i", "k"]);
    let matchers = &query.selectors[0].matchers;
    let matchers: Vec<[&str; 3]> = matchers
        .iter()
        .map(|matcher| [&*matcher.label, &*matcher.operator, &*matcher.value])
        .collect();
    assert_eq!(
        matchers,
        [["x", "=", r#"b{y="c"}"#], ["z", "!~", "d_total"]]
    );
    let groupings: Vec<String> = query
        .groupings
        .iter()
        .map(|grouping| format!("{:?} {:?}", grouping.labels, grouping.metrics))
        .collect();
    let expected = [
        r#"["job", "le"] ["a_bucket"]"#,
        r#"["job"] ["a_bucket", "f_total", "h:i", "k"]"#,
        r#"[] ["a_bucket", "f_total", "h:i", "k"]"#,
        r#"["g"] ["f_total"]"#,
        r#"["j"] ["h:i"]"#,
    ];
    assert_eq!(groupings, expected);
}

#[test]
fn what_is_no_query_is_refused() {
    for bad in [
        "",
        "1 + 1",
        "sum(a",
        "sum(a))",
        "sum(a]",
        "a{b=c}",
        "a{b=\"c}",
        "{b=\"c\"}",
        "summ(a)",
        "sum by a (b)",
        "sum by (a) b",
        "a ; b",
        "a \"b\"",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
