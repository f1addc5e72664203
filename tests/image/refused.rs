//! The script refuses programs and CA bundles that no image can have.

use crate::maker::{CA_BUNDLE, build, fresh};
use crate::stand_in::{AMD64, dynamic, fixed};

#[test]
fn dynamically_linked_program_is_refused() {
    refuses(
        "dynamic",
        &dynamic(),
        CA_BUNDLE,
        "program: found a dynamically linked binary, which needs /lib/ld-linux.so.2; \
         expected a static one",
    );
}

#[test]
fn file_that_is_no_program_is_refused() {
    let no_elf = "program: found something that is not an ELF file; expected a Linux program";
    refuses("script", b"#!/bin/sh\n", CA_BUNDLE, no_elf);
    refuses("empty", b"", CA_BUNDLE, no_elf);
    let whole = fixed(AMD64, "one");
    let other = "found an ELF file of another kind; expected a whole one of 64 bits, little-endian";
    refuses("cut", &whole[..40], CA_BUNDLE, other);
    let mut small = whole.clone();
    small[4] = 1;
    refuses("32-bits", &small, CA_BUNDLE, other);
    let mut object = whole;
    object[16] = 1;
    refuses(
        "object",
        &object,
        CA_BUNDLE,
        "found ELF type 1; expected a program",
    );
}

#[test]
fn program_for_a_processor_without_images_is_refused() {
    refuses(
        "riscv",
        &fixed(243, "one"),
        CA_BUNDLE,
        "found ELF machine 243; expected one of: 62 (amd64), 183 (arm64)",
    );
}

#[test]
fn bundle_without_a_certificate_is_refused() {
    refuses(
        "no-ca",
        &fixed(AMD64, "one"),
        "nothing\n",
        "ca.pem: found no certificate; expected a PEM bundle of certificate authorities",
    );
}

#[test]
fn invalid_time_is_refused_with_the_name_of_the_variable() {
    let mut script = crate::maker::script("build.py");
    script.env("SOURCE_DATE_EPOCH", "yesterday");
    let outcome = script.output().unwrap();
    assert_eq!(outcome.status.code(), Some(1));
    let complaint = String::from_utf8(outcome.stderr).unwrap();
    let expected = "SOURCE_DATE_EPOCH: found 'yesterday'; expected seconds since 1970";
    assert!(complaint.contains(expected), "{complaint}");
}

/// One line, no traceback, and no image.
fn refuses(name: &str, binary: &[u8], ca_bundle: &str, expected: &str) {
    let folder = fresh(&format!("refused-{name}"));
    let outcome = build(&folder, binary, ca_bundle, &[]);
    let complaint = String::from_utf8(outcome.stderr).unwrap();
    assert_eq!(outcome.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains(expected), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(!folder.join("out").exists(), "something was written");
}
