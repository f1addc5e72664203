//! `demo` needs nothing but the program.

use std::net::TcpListener;
use std::process::Command;

use crate::text;

#[test]
fn the_demo_shows_a_table_and_exits_with_success() {
    // Taken or not, by this test or by somebody else, the port is not needed.
    let _taken = TcpListener::bind("127.0.0.1:9191");
    let demo = Command::new(env!("CARGO_BIN_EXE_watchword"))
        .args(["demo", "--once"])
        .output()
        .unwrap();
    let out = text(&demo.stdout);
    assert!(demo.status.success(), "{out}{}", text(&demo.stderr));
    assert!(out.starts_with("127.0.0.1:9191 cannot be used"), "{out}");
    assert!(
        out.ends_with("13 calls, each with the expected verdict.\n"),
        "{out}"
    );
    for reason in [
        "allowed",
        "anonymous",
        "token_missing",
        "token_expired",
        "audience_mismatch",
        "signature_invalid",
        "alg_not_allowed",
        "issuer_not_allowed",
        "insufficient_scope",
        "request_malformed",
    ] {
        assert!(out.contains(reason), "no {reason} in {out}");
    }
    assert!(out.contains("x-auth-subject: alice"), "{out}");
    assert!(!out.contains('\u{1b}'), "colours in a pipe: {out}");
}
