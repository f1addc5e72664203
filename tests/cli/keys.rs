//! `keys` makes keys, shows them without private parts, and says what is wrong with others.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::{folder, run, snapshot, text};

/// RFC 8037 §A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"first\u001b[2J",
    "alg":"EdDSA","use":"sig","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const TYPES: [(&str, &str); 12] = [
    ("rsa-2048", "RSA 2048"),
    ("p-256", "EC P-256"),
    ("p-384", "EC P-384"),
    ("p-521", "EC P-521"),
    ("secp256k1", "EC secp256k1"),
    ("ed25519", "OKP Ed25519"),
    ("x25519", "OKP X25519"),
    ("oct-128", "oct 128"),
    ("oct-192", "oct 192"),
    ("oct-256", "oct 256"),
    ("oct-384", "oct 384"),
    ("oct-512", "oct 512"),
];

/// The standard output of a command that succeeds without a word on standard error.
fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments, b"");
    let error = text(&output.stderr);
    assert_eq!(
        (output.status.code(), &*error),
        (Some(0), ""),
        "{arguments:?}"
    );
    text(&output.stdout)
}

/// The standard error of a command that fails and prints nothing else.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments, b"");
    assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    text(&output.stderr)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_new_key_of_each_type_is_a_file_that_only_its_owner_reads() {
    let folder = folder("keys-types", &[]);
    for (name, kind) in TYPES {
        let file = format!("{name}.jwk");
        let printed = good(
            &folder,
            &["keys", "generate", "--type", name, "--out", &file],
        );
        let mode = std::fs::metadata(folder.join(&file)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        let table = good(&folder, &["keys", "inspect", &file]);
        assert!(table.contains(kind), "{table}");
        let jwk = json(&std::fs::read_to_string(folder.join(&file)).unwrap());
        assert!(jwk["kid"].as_str().unwrap().len() == 43, "{name}");
        if name.starts_with("oct") {
            assert_eq!(printed, "");
            continue;
        }
        assert_eq!(printed, good(&folder, &["keys", "public", &file]), "{name}");
        let public = &json(&printed)["keys"][0];
        assert_eq!(public["kid"], jwk["kid"]);
        assert_eq!((public.get("d"), public.get("p")), (None, None));
    }
}

#[test]
fn a_file_is_never_replaced() {
    let folder = folder(
        "keys-replace",
        &[("key.jwk", "mine"), ("public.json", "mine")],
    );
    let generate = ["keys", "generate", "--type", "p-256", "--out"];
    let error = refused(&folder, &[&generate[..], &["key.jwk"]].concat());
    assert_eq!(error, "key.jwk: the file exists, and is not replaced\n");
    let error = refused(
        &folder,
        &[&generate[..], &["new.jwk", "--public-out", "public.json"]].concat(),
    );
    assert_eq!(error, "public.json: the file exists, and is not replaced\n");
    assert!(!folder.join("new.jwk").exists());
    for file in ["key.jwk", "public.json"] {
        assert_eq!(std::fs::read(folder.join(file)).unwrap(), b"mine");
    }
    let error = refused(&folder, &[&generate[..], &["none/key.jwk"]].concat());
    assert!(error.starts_with("none/key.jwk: No such file"), "{error}");
}

#[test]
fn a_key_goes_to_standard_output_without_a_file() {
    let folder = folder("keys-stdout", &[]);
    let generate = ["keys", "generate", "--type", "ed25519"];
    let jwk = good(&folder, &generate);
    assert_eq!(json(&jwk)["use"], "sig");
    let pem = good(
        &folder,
        &[&generate[..], &["--format", "pem", "--out", "-"]].concat(),
    );
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{pem}");
    let public = run(&folder, &["keys", "public", "-"], pem.as_bytes());
    assert_eq!(json(&text(&public.stdout))["keys"][0]["crv"], "Ed25519");
    let public = good(
        &folder,
        &[
            &generate[..],
            &["--out", "key.jwk", "--public-out", "public.json"],
        ]
        .concat(),
    );
    assert_eq!(public, "");
    let beside = good(
        &folder,
        &[&generate[..], &["--out", "other.jwk", "--public-out", "-"]].concat(),
    );
    assert_eq!(beside, good(&folder, &["keys", "public", "other.jwk"]));
    let written = std::fs::read_to_string(folder.join("public.json")).unwrap();
    assert_eq!(written, good(&folder, &["keys", "public", "key.jwk"]));
}

fn generate(folder: &Path, arguments: &str) -> Output {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    run(
        folder,
        &[&["keys", "generate"], &arguments[..]].concat(),
        b"",
    )
}

#[test]
fn a_new_key_has_the_given_description() {
    let folder = folder("keys-description", &[]);
    for (arguments, alg, purpose) in [
        ("--type rsa-2048 --kid k --alg PS256", "PS256", "sig"),
        (
            "--type p-256 --kid k --alg ECDH-ES+A128KW",
            "ECDH-ES+A128KW",
            "enc",
        ),
        ("--type oct-256 --kid k --alg A256GCMKW", "A256GCMKW", "enc"),
        (
            "--type oct-256 --kid k --alg HS256 --use sig",
            "HS256",
            "sig",
        ),
    ] {
        let jwk = json(&text(&generate(&folder, arguments).stdout));
        assert_eq!(jwk["kid"], "k");
        assert_eq!((&jwk["alg"], &jwk["use"]), (&alg.into(), &purpose.into()));
    }
}

#[test]
fn options_that_contradict_each_other_make_no_key() {
    let folder = folder("keys-contradictions", &[]);
    for (arguments, problem) in [
        (
            "--type p-256 --alg ES384",
            "--alg: found ES384; expected one of ES256, ECDH-ES",
        ),
        (
            "--type x25519 --alg EdDSA",
            "--alg: found EdDSA; expected one of ECDH-ES",
        ),
        (
            "--type oct-128 --alg HS256",
            "--alg: found HS256; expected one of A128KW",
        ),
        (
            "--type x25519 --use sig",
            "--use sig: this key or algorithm cannot sign",
        ),
        (
            "--type ed25519 --use enc",
            "--use enc: this key or algorithm cannot encrypt",
        ),
        ("--type p-256 --alg ES256 --use enc", "--use enc: this key"),
        (
            "--type p-256 --format pem --kid k",
            "PEM has no room for --kid",
        ),
        (
            "--type oct-256 --format pem",
            "PEM has no form for a shared secret",
        ),
        (
            "--type oct-256 --public-out a",
            "--public-out: a shared secret",
        ),
        (
            "--type p-256 --public-out -",
            "--public-out -: the private key is written there",
        ),
        (
            "--type p-256 --out - --public-out -",
            "--public-out -: the private key is written there",
        ),
        ("--type p-224", "possible values: rsa-2048"),
    ] {
        let output = generate(&folder, arguments);
        let error = text(&output.stderr);
        assert!(error.contains(problem), "{arguments}: {error}");
        assert_eq!((output.status.success(), output.stdout.len()), (false, 0));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_table_shows_keys_and_problems_and_nothing_private() {
    let public = ED25519
        .replace("\"d\"", "\"ignored\"")
        .replace("first", "second");
    let secret = r#"{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg","kid":"shared","use":"enc"}"#;
    let odd = r#"{"kty":"EC","crv":"P-224","x":"AA","y":"AA","d":"AA"}"#;
    let mismatch = ED25519.replace("nWGx", "AAAA");
    let set = format!(
        r#"{{"keys":[{ED25519},{public},{secret},{odd},{mismatch},{{"kty":"oct","k":"c2VjcmV0"}}]}}"#
    );
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let files = [
        ("set.json", &*set),
        ("old.pem", encrypted),
        ("other.txt", "secret"),
    ];
    let folder = folder("keys-inspect", &files);
    let inspect = [
        "keys",
        "inspect",
        "set.json",
        "old.pem",
        "other.txt",
        "none.jwk",
    ];
    let output = run(&folder, &inspect, b"");
    assert_eq!(output.status.code(), Some(1));
    let shown = format!("{}$ 2>&1\n{}", text(&output.stdout), text(&output.stderr));
    snapshot::matches("keys_inspect", &shown);
    for private in ["nWGx", "Gawg", "c2Vj"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

#[test]
fn a_public_set_has_all_keys_or_is_not_printed() {
    let secret = r#"{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"}"#;
    let folder = folder(
        "keys-public",
        &[("a.jwk", ED25519), ("b.jwk", secret), ("c", "{}")],
    );
    let set = json(&good(&folder, &["keys", "public", "a.jwk", "a.jwk"]));
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    for (files, problem) in [
        (
            ["a.jwk", "b.jwk"],
            "b.jwk: found a shared secret, which has no public half\n",
        ),
        (
            ["a.jwk", "c"],
            "c: found neither PEM nor JSON of a key; expected PEM, a JWK, or a JWK set\n",
        ),
        (
            ["a.jwk", "none"],
            "none: No such file or directory (os error 2)\n",
        ),
    ] {
        assert_eq!(
            refused(&folder, &["keys", "public", files[0], files[1]]),
            problem
        );
    }
}

#[test]
fn a_key_in_the_place_of_a_file_is_not_repeated() {
    let folder = folder("keys-quoted", &[]);
    let pem = "-----BEGIN PRIVATE KEY-----\nnWGx\n-----END PRIVATE KEY-----";
    for key in [ED25519, pem] {
        let commands: [&[&str]; 6] = [
            &["keys", "public", key],
            &["keys", "inspect", key],
            &["token", "mint", "--expires", "5m", "--key", key],
            &["token", "inspect", "--key", key],
            &["token", "decrypt", "--key", key],
            &["token", "encrypt", "--to", key],
        ];
        for command in commands {
            let error = refused(&folder, command);
            assert!(
                error.starts_with("found a key; expected the name"),
                "{error}"
            );
            assert!(!error.contains("nWGx"), "{error}");
        }
    }
}

/// A script would take a part of the output for all of it.
#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_a_failure() {
    let folder = folder("keys-full", &[]);
    good(
        &folder,
        &["keys", "generate", "--type", "p-256", "--out", "k"],
    );
    for arguments in [
        &["keys", "public", "k"][..],
        &["keys", "inspect", "k"],
        &["keys", "generate", "--type", "p-256"],
        &["config-schema"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_watchword"))
            .args(arguments)
            .current_dir(&folder)
            .stdout(full)
            .output()
            .unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            error.starts_with("standard output cannot be written"),
            "{error}"
        );
    }
}
