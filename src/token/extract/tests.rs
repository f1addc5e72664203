use crate::request::{Header, Request};
use crate::token::Denial;

use super::{Location, Removal};

fn authorization() -> Location {
    Location::Header {
        name: "authorization".into(),
        scheme: Some("Bearer".into()),
    }
}

fn request<'a>(path: &'a str, fields: &[(&'a str, &'a str)]) -> Request<'a> {
    let header = |(name, value): &(&'a str, &'a str)| Header {
        name: name.as_bytes(),
        value: value.as_bytes(),
    };
    Request {
        path: path.as_bytes(),
        headers: fields.iter().map(header).collect(),
        ..Request::default()
    }
}

fn text(found: Result<Option<&[u8]>, Denial>) -> Result<Option<&str>, &'static str> {
    let found = found.map_err(|denial| denial.code())?;
    Ok(found.map(|token| std::str::from_utf8(token).unwrap()))
}

const MALFORMED: Result<Option<&str>, &str> = Err("token_malformed");

#[test]
fn the_authorization_header_holds_one_token_or_none() {
    let find = |values: &[&str]| {
        let fields: Vec<_> = values
            .iter()
            .map(|value| ("Authorization", *value))
            .collect();
        text(authorization().find(&request("/", &fields))).map(|t| t.map(str::to_owned))
    };
    for value in ["Bearer T", "bearer T", "BEARER   T", " Bearer T\t"] {
        assert_eq!(find(&[value]), Ok(Some("T".to_owned())), "{value:?}");
    }
    for value in [
        "",
        "Basic T",
        "Negotiate",
        "Digest a=\"b\", c=\"d\"",
        "AWS4 x=1, y=2",
        "Basic a.b.c",
    ] {
        assert_eq!(find(&[value]), Ok(None), "{value:?}");
    }
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer\tT",
        "BearerT",
        "Bearer T,Bearer U",
        "Basic T, Bearer U",
        "Bearer T, x",
        "Basic Bearer T",
        "Basic x BEARER T",
        "a.b.c",
        "xBearer T",
        "Basic;Bearer T",
        "\"Bearer T\"",
        "[Bearer T",
        "eBearer T",
    ] {
        assert!(find(&[value]).is_err(), "{value:?}");
    }
    assert!(find(&["Bearer T", "Bearer T"]).is_err());
    assert_eq!(find(&[]), Ok(None));
}

#[test]
fn a_token_of_another_scheme_is_noticed() {
    let place = authorization();
    let holds = |value: &str| place.holds_foreign_token(&request("/", &[("Authorization", value)]));
    for value in [
        "Token eyJ.b.c",
        "X ewo.b.c",
        "JWT token=\"eyJ.b.c\"",
        "DPoP eyJ.b.c",
    ] {
        assert!(holds(value), "{value}");
    }
    for value in ["Basic YTpi", "Negotiate YII=", "Digest uri=\"a.b.c\"", ""] {
        assert!(!holds(value), "{value}");
    }
}

#[test]
fn a_cookie_is_found_once_whatever_joined_the_fields() {
    let place = Location::Cookie("session".into());
    let find = |fields: &[(&'static str, &'static str)]| {
        text(
            place
                .find(&request("/", fields))
                .map(|t| t.map(|t| &*t.to_vec().leak())),
        )
    };
    assert_eq!(find(&[("cookie", "a=1; session=T; b=2")]), Ok(Some("T")));
    assert_eq!(
        find(&[("cookie", "a=1"), ("cookie", "session=T")]),
        Ok(Some("T"))
    );
    assert_eq!(find(&[("cookie", "a=1; xsession=T; session=")]), Ok(None));
    assert_eq!(find(&[("cookie", "session=\"\"")]), Ok(None));
    assert_eq!(find(&[("cookie", "session=T; session=U")]), MALFORMED);
    assert_eq!(find(&[("cookie", "a=1,session=T")]), MALFORMED);
    assert_eq!(
        find(&[("cookie", "session=T"), ("cookie", "session=U")]),
        MALFORMED
    );
}

#[test]
fn a_cookie_under_another_spelling_of_the_name_is_malformed() {
    let place = Location::Cookie("session".into());
    for value in [
        "session =EVIL",
        " session\t=EVIL",
        "SESSION=EVIL",
        "session =EVIL; session=T",
        "session=T; Session=EVIL",
        "session[]=EVIL",
        "session[a]=EVIL; session=T",
        "sess%69on=EVIL",
        "=session=EVIL",
        "\"session\"=EVIL",
        "a=b session=EVIL",
        "a=b\tsession = EVIL",
        "session=T,session=EVIL",
        "a,session=EVIL",
        "session\u{a0}=EVIL",
        "session%00=EVIL",
        "[session]x=EVIL",
        "session[] x=EVIL",
    ] {
        let fields = [("cookie", value)];
        assert_eq!(
            text(place.find(&request("/", &fields))),
            MALFORMED,
            "{value}"
        );
    }
    for value in [
        "a=1; session=T; b=session",
        "session=T; a=session=1",
        "session=T; sessions=1; xsession=2; session-id=3",
        "session=T; next=/login?session=1",
        "_ga=GA1.2.3; session=T; prefs={\"a\": 1, \"b\": [2]}",
    ] {
        let fields = [("cookie", value)];
        let found = text(place.find(&request("/", &fields)));
        assert_eq!(found, Ok(Some("T")), "{value}");
    }
}

#[test]
fn a_query_parameter_is_found_once_under_one_spelling() {
    let place = Location::Query("access_token".into());
    let find = |path: &'static str| {
        text(
            place
                .find(&request(path, &[]))
                .map(|t| t.map(|t| &*t.to_vec().leak())),
        )
    };
    assert_eq!(find("/p?a=1&access_token=T"), Ok(Some("T")));
    assert_eq!(find("/p?access_token=&a=1"), Ok(None));
    assert_eq!(
        find("/p?a=access_token=T&a[access_token]=U&xaccess_token=U&b%20=1"),
        Ok(None)
    );
    for path in [
        "/p?access_token=T&access_token=U",
        "/p?access%5Ftoken=T",
        "/p?access_token=T&%61ccess_token=U",
        "/p?+access_token=T",
        "/p?ACCESS_TOKEN=T",
        "/p?access_token=T&access_token[]=U",
        "/p?access_token=T&access_token%5B%5D=U",
        "/p?access_token=T&[access_token]=U",
        "/p?access_token=T&access_token%00=U",
        "/p?access_token=T&access.token=U",
        "/p?x=1;access_token=U&access_token=T",
        "/p?x=1;access_token=U",
        "/p?access_token",
        "/p?[access_token]x=U",
        "/p?%5Baccess_token%5Dx=U&access_token=T",
        "/p?access[token=U",
        "/p??access_token=U",
    ] {
        assert_eq!(find(path), MALFORMED, "{path}");
    }
}

#[test]
fn only_the_credential_is_removed() {
    let cookie = Location::Cookie("session".into());
    let removal = |value: &'static str| cookie.removal(&request("/", &[("cookie", value)]));
    assert!(removal("a=1; session=T; b=2") == Removal::Cookies(Some(b"a=1; b=2".to_vec())));
    assert!(removal("session=T") == Removal::Cookies(None));
    assert!(removal("session=T; a=\u{e9}") == Removal::Cookies(None));
}
