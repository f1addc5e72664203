//! The times at which a token is accepted form one interval, whatever its claims say.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use watchword::jose::{Algorithm, KeySet};
use watchword::token::{
    Audiences, BearerToken, Expectations, UnixTime, UnverifiedToken, VerifiedToken,
};

use super::super::mint::{self, Signer};

/// Seconds around which everything is tried.
const MIDDLE: i64 = 1_700_000_000;

fn verified(claims: &serde_json::Value) -> VerifiedToken {
    let secret = [7; 32];
    let token = Signer::from_secret("HS256", &secret).sign(claims);
    let token = BearerToken::new(token.as_bytes(), 4096).expect("a token");
    let keys = KeySet::from_secret(&[Algorithm::HS256], &secret).expect("a key");
    let token = UnverifiedToken::parse(&token).expect("a token");
    token
        .verify(&keys, &[Algorithm::HS256])
        .expect("its signature holds")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn times_that_allow_a_token_form_one_interval(
        exp in -100..100_i64,
        nbf in prop::option::of(-100..100_i64),
        iat in prop::option::of(-100..100_i64),
        leeway in 0..40_u64,
        max_lifetime in prop::option::of(0..120_u64),
    ) {
        let mut claims = mint::claims(MIDDLE);
        claims["exp"] = json!(MIDDLE + exp);
        claims["iat"] = json!(iat.map(|iat| MIDDLE + iat));
        claims["nbf"] = json!(nbf.map(|nbf| MIDDLE + nbf));
        // An absent claim, not a null one.
        let members = claims.as_object_mut().expect("an object");
        members.retain(|_, value| !value.is_null());
        let token = verified(&claims);
        let expectations = Expectations {
            issuer: "https://idp.example.com".into(),
            audiences: Audiences::OneOf(vec!["orders-api".into()]),
            leeway: Duration::from_secs(leeway),
            max_lifetime: max_lifetime.map(Duration::from_secs),
            types: Vec::new(),
            ignore_confirmation: false,
        };
        let accepted = |half: i64| {
            let now = UnixTime::from_secs(MIDDLE as f64 + half as f64 / 2.0);
            expectations.check(&token, now).is_ok()
        };
        let verdicts: Vec<bool> = (-600..600).map(accepted).collect();
        let changes = verdicts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert!(changes <= 2, "{} changes: {}", changes, claims);
        prop_assert!(!verdicts[0] || iat.is_none() && nbf.is_none());
        prop_assert!(!verdicts[verdicts.len() - 1]);
        // Never after exp and leeway, never before nbf less leeway.
        let end = usize::try_from((exp + leeway as i64) * 2 + 600).expect("within the range");
        prop_assert!(verdicts[end..].iter().all(|accepted| !accepted));
        if let Some(nbf) = nbf {
            let start = usize::try_from((nbf - leeway as i64) * 2 + 600).expect("within the range");
            prop_assert!(verdicts[..start].iter().all(|accepted| !accepted));
        }
    }
}
