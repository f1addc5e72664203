use super::{Fit, HostPattern, PathPattern};
use crate::request::{Host, Path};

fn fit(pattern: &PathPattern, path: &str) -> Fit {
    match Path::parse(path.as_bytes()) {
        Ok(Path::Clear(path)) => pattern.fit(&path),
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn a_prefix_matches_whole_segments_only() {
    for prefix in ["/a", "/a/"] {
        let pattern = PathPattern::prefix(prefix);
        for path in ["/a", "/a/", "/a/b", "/a/b/c"] {
            assert_eq!(fit(&pattern, path), Fit::YES, "{prefix} {path}");
        }
        for path in ["/", "/ab", "/b/a"] {
            assert_eq!(fit(&pattern, path), Fit::NO, "{prefix} {path}");
        }
    }
    assert_eq!(fit(&PathPattern::prefix("/"), "/anything"), Fit::YES);
}

#[test]
fn a_glob_matches_segment_by_segment() {
    let yes = [
        ("/users/*/orders", "/users/7/orders"),
        ("/users/*/orders/**", "/users/7/orders"),
        ("/users/*/orders/**", "/users/7/orders/1/items"),
        ("/files/*.css", "/files/a.css"),
        ("/files/v*-*.js", "/files/v1-a-b.js"),
        ("/**", "/"),
        ("/", "/"),
    ];
    let no = [
        ("/users/*/orders", "/users/7/8/orders"),
        ("/users/*/orders/**", "/users/7"),
        ("/files/*.css", "/files/a.css/b"),
        ("/files/*.css", "/files/a.csst"),
        ("/files/a*a", "/files/a"),
        ("/", "/a"),
    ];
    for (pattern, path) in yes {
        let pattern = PathPattern::glob(pattern).unwrap();
        assert_eq!(fit(&pattern, path), Fit::YES, "{pattern:?} {path}");
    }
    for (pattern, path) in no {
        let pattern = PathPattern::glob(pattern).unwrap();
        assert_eq!(fit(&pattern, path), Fit::NO, "{pattern:?} {path}");
    }
    assert_eq!(PathPattern::glob("/a/**/b"), None);
    assert_eq!(PathPattern::glob("/a**"), None);
}

#[test]
fn another_spelling_of_a_path_fits_in_doubt() {
    let patterns = [
        (PathPattern::exact("/admin"), "/admin/"),
        (PathPattern::exact("/admin"), "/ADMIN"),
        (PathPattern::exact("/admin/"), "/admin"),
        (PathPattern::exact("/Admin"), "/admin"),
        (PathPattern::exact("/me@x"), "/me%40x"),
        (PathPattern::exact("/me%40x"), "/me@x"),
        (PathPattern::prefix("/users/@me/"), "/users/%40me/x"),
        (PathPattern::prefix("/a"), "/A/b"),
        (
            PathPattern::glob("/users/*/orders").unwrap(),
            "/users/7/orders/",
        ),
        (PathPattern::glob("/v1/*:delete").unwrap(), "/v1/7%3Adelete"),
        (PathPattern::glob("/v1/*/").unwrap(), "/v1/x"),
    ];
    let doubt = Fit {
        exact: false,
        folded: true,
    };
    for (pattern, path) in patterns {
        assert_eq!(fit(&pattern, path), doubt, "{pattern:?} {path}");
    }
}

#[test]
fn an_escaped_slash_is_data_only_to_patterns_that_take_it() {
    let doubt = Fit {
        exact: false,
        folded: true,
    };
    let path = "/npm/@scope%2Fname";
    let plain = PathPattern::prefix("/npm");
    assert_eq!(fit(&plain, path), doubt);
    assert_eq!(fit(&plain.with_escaped_slashes(true), path), Fit::YES);
    let one = PathPattern::glob("/npm/*").unwrap();
    assert_eq!(fit(&one, path), doubt, "as data");
    let two = PathPattern::glob("/npm/*/*").unwrap();
    assert_eq!(fit(&two, path), doubt, "as a separator");
    assert_eq!(fit(&two.with_escaped_slashes(true), path), Fit::NO);
    assert_eq!(fit(&PathPattern::prefix("/other"), path), Fit::NO);
}

#[test]
fn a_pattern_covers_those_that_it_is_wider_than() {
    let glob = |text: &str| PathPattern::glob(text).unwrap();
    let (exact, prefix) = (PathPattern::exact, PathPattern::prefix);
    for (wide, narrow) in [
        (prefix("/a"), prefix("/a/b")),
        (prefix("/a"), exact("/a")),
        (prefix("/a"), glob("/a/*/c")),
        (glob("/**"), prefix("/a")),
        (glob("/**"), prefix("/")),
        (prefix("/"), glob("/**")),
        (glob("/a/**"), prefix("/a")),
        (glob("/a/*"), exact("/a/b")),
        (glob("/a/*"), glob("/a/b*")),
        (glob("/a/*/**"), glob("/a/*/b")),
        (exact("/a"), exact("/a")),
    ] {
        assert!(wide.covers(&narrow), "{wide:?} {narrow:?}");
    }
    for (narrow, wide) in [
        (prefix("/a/b"), prefix("/a")),
        (prefix("/ab"), prefix("/a")),
        (exact("/a"), prefix("/a")),
        (glob("/a/*"), prefix("/a")),
        (glob("/a/*/**"), prefix("/a")),
        (glob("/a/b*"), glob("/a/*")),
        (glob("/a/*"), glob("/a/**")),
        (prefix("/a"), glob("/a*")),
    ] {
        assert!(!narrow.covers(&wide), "{narrow:?} {wide:?}");
    }
}

fn host_fit(pattern: &str, host: &'static str, named: bool) -> Fit {
    let host = Host::parse(host.as_bytes()).unwrap();
    HostPattern::parse(pattern).unwrap().fit(&host, named)
}

#[test]
fn a_host_wildcard_matches_below_its_domain_only() {
    for host in ["api.example.com", "A.B.example.com"] {
        assert_eq!(host_fit("*.Example.com", host, false), Fit::YES, "{host}");
    }
    for host in ["example.com", "badexample.com"] {
        assert_eq!(host_fit("*.Example.com", host, false), Fit::NO, "{host}");
    }
    assert_eq!(HostPattern::parse("*"), None);
    assert_eq!(HostPattern::parse("a.*.com"), None);
}

#[test]
fn another_port_or_a_final_dot_fits_in_doubt() {
    let doubt = Fit {
        exact: false,
        folded: true,
    };
    for host in [
        "a.example:9999",
        "a.example:80",
        "a.example.",
        "a.example.:1",
    ] {
        assert_eq!(host_fit("a.example", host, false), doubt, "{host}");
        assert_eq!(host_fit("*.example", host, false), doubt, "{host}");
    }
    assert_eq!(host_fit("a.example:80", "a.example:80", true), Fit::YES);
    assert_eq!(host_fit("a.example:80", "a.example", false), doubt);
    assert_eq!(host_fit("a.example:80", "a.example:81", false), doubt);
    // Another pattern names that port.
    assert_eq!(host_fit("a.example:80", "a.example:81", true), Fit::NO);
    assert_eq!(host_fit("[::1]", "[0::1]", false), doubt);
}
