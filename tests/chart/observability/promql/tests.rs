//! Queries that are read, and texts that are refused.

use super::read;

watchword_test_support::tests![
    metrics_matchers_and_groupings_are_found,
    text_that_is_no_query_is_refused,
];

fn metrics_matchers_and_groupings_are_found() {
    let query = read(concat!(
        r#"sum by (job, le) (rate(a_bucket{x="b{y=\"c\"}", z!~'d_total'}"#,
        "[$__rate_interval] offset 1d)) # e_total\n",
        "/ on (job) group_left () (sum(f_total) without (g) > 1.5e3)",
        "and (count(h:i) by (j) or time() - k)",
    ));
    let query = query.unwrap();
    let metrics: Vec<&str> = query
        .selectors
        .iter()
        .map(|selector| selector.metric.as_str())
        .collect();
    assert_eq!(metrics, ["a_bucket", "f_total", "h:i", "k"]);
    let matchers = query.selectors[0].matchers.iter();
    let matchers: Vec<String> = matchers
        .map(|matcher| format!("{}{}{}", matcher.name, matcher.op, matcher.value))
        .collect();
    assert_eq!(matchers, [r#"x=b{y="c"}"#, "z!~d_total"]);
    let groupings: Vec<String> = query
        .groupings
        .iter()
        .map(|grouping| format!("{:?} {:?}", grouping.labels, grouping.metrics))
        .collect();
    let expected = [
        r#"["job", "le"] ["a_bucket"]"#,
        r#"["g"] ["f_total"]"#,
        r#"["job"] ["a_bucket", "f_total"]"#,
        r#"[] ["a_bucket", "f_total"]"#,
        r#"["j"] ["h:i"]"#,
    ];
    assert_eq!(groupings, expected);
}

fn text_that_is_no_query_is_refused() {
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
