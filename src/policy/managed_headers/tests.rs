use bytes::Bytes;
use proptest::prelude::*;

use super::super::header_name::OVERRIDES;
use super::super::{ArrayForm, ClaimHeader, ClaimHeaders, HeaderName};
use super::ManagedHeaders;
use crate::request::Header;
use crate::token::ClaimPath;

#[test]
fn look_alikes_of_a_credential_header_are_removed_and_the_header_itself_is_not() {
    let mut managed = ManagedHeaders::new(std::iter::empty(), vec!["x-api-token".into()]);
    managed.forward_overrides();
    let fields = [
        "x-api-token",
        "X-Api-Token",
        "x_api_token",
        "x.api.token",
        "x-api-tokens",
    ];
    let headers = fields
        .map(|name| Header {
            name: name.as_bytes(),
            value: b"",
        })
        .to_vec();
    let removed = managed.to_remove(&[], &headers);
    assert_eq!(removed, ["x.api.token", "x_api_token"]);
}

#[test]
fn override_headers_are_removed_even_if_nobody_told_of_them() {
    let managed = ManagedHeaders::new(std::iter::empty(), Vec::new());
    let removed = managed.to_remove(&[], &[]);
    for (dashed, underscored) in OVERRIDES {
        assert_eq!(underscored, dashed.replace('-', "_"));
        for name in [dashed, underscored] {
            assert!(removed.contains(&Bytes::from_static(name.as_bytes())));
        }
    }
    assert_eq!(removed.len(), 2 * OVERRIDES.len());
}

#[test]
fn look_alikes_of_override_headers_are_removed_unless_they_may_pass() {
    let mut managed = ManagedHeaders::new(std::iter::empty(), Vec::new());
    let names = [
        "X.Http.Method",
        "x-http_method-override",
        "X-Original.URL",
        "x-original-uri",
    ];
    let sent = names.map(|name| Header {
        name: name.as_bytes(),
        value: b"DELETE",
    });
    let removed = managed.to_remove(&[], &sent);
    for name in &names[..3] {
        assert!(removed.contains(&Bytes::from(name.to_ascii_lowercase())));
    }
    assert!(!removed.contains(&Bytes::from_static(b"x-original-uri")));
    managed.forward_overrides();
    assert_eq!(managed.to_remove(&[], &sent), Vec::<Bytes>::new());
}

proptest! {
    /// Whatever the client calls its header, it is gone or overwritten if it may be taken for ours.
    #[test]
    fn no_spelling_of_a_managed_name_survives(
        spelling in prop::sample::select(vec!['-', '_', '.', ' ', '!', '~']),
        upper in prop::collection::vec(any::<bool>(), 7), set in any::<bool>(),
    ) {
        let name: String = "x-claim".chars().zip(upper).map(|(c, up)| {
            let c = if c == '-' { spelling } else { c };
            if up { c.to_ascii_uppercase() } else { c }
        }).collect();
        let headers = ClaimHeaders(vec![ClaimHeader {
            name: HeaderName::parse("x-claim").unwrap(),
            claim: ClaimPath::dotted("c"),
            array: ArrayForm::Comma,
            required: false,
        }]);
        let managed = ManagedHeaders::new(std::iter::once(&headers), vec!["x-api-token".into()]);
        let sent = [Header { name: name.as_bytes(), value: b"root" }];
        let claim = (Bytes::from_static(b"x-claim"), Bytes::from_static(b"alice"));
        let set = if set { vec![claim] } else { Vec::new() };
        let removed = managed.to_remove(&set, &sent);
        let lower = Bytes::from(name.to_ascii_lowercase());
        let overwritten = set.iter().any(|(name, _)| *name == lower);
        prop_assert!(removed.contains(&lower) != overwritten, "{name}");
        prop_assert!(!set.iter().any(|(name, _)| removed.contains(name)));
    }
}
