use super::super::Fit;
use super::PathPattern;
use crate::request::Path;

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
    assert_eq!(
        fit(
            &PathPattern {
                escaped_slashes: true,
                ..plain
            },
            path
        ),
        Fit::YES
    );
    let one = PathPattern::glob("/npm/*").unwrap();
    assert_eq!(fit(&one, path), doubt, "as data");
    let two = PathPattern::glob("/npm/*/*").unwrap();
    assert_eq!(fit(&two, path), doubt, "as a separator");
    assert_eq!(
        fit(
            &PathPattern {
                escaped_slashes: true,
                ..two
            },
            path
        ),
        Fit::NO
    );
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
