//! Texts of a configuration: that may not be empty, that name a file, or that are not shown when
//! the configuration is printed.

use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Printed in place of a secret.
const MASK: &str = "********";

// The types have no documentation: it would be the description of every setting of the type.

macro_rules! text {
    ($(#[$attribute:meta])+ $name:ident) => {
        #[derive(Clone, Deserialize, JsonSchema)]
        #[serde(transparent)]
        $(#[$attribute])+
        pub(crate) struct $name(String);

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

// Text that is not empty.
text! {
    #[derive(Serialize)]
    #[schemars(inline, extend("minLength" = 1))]
    Text
}

// The path of a file or directory, seen from the configuration's folder.
text! {
    #[derive(Serialize)]
    #[schemars(inline, extend("minLength" = 1, "x-kind" = "path"))]
    FilePath
}

// A URL. It is printed without user, password, query and fragment: any may be a secret.
text! {
    #[schemars(inline, extend("x-kind" = "URL"))]
    Url
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&masked(&self.0))
    }
}

// A secret value, printed as [`MASK`].
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("writeOnly" = true))]
pub(crate) struct Secret<T>(T);

impl<T> Deref for Secret<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

pub(crate) fn boxed(texts: &[Text]) -> Vec<Box<str>> {
    texts.iter().map(|text| (**text).into()).collect()
}

fn masked(url: &str) -> String {
    // Parsers take more than this for a URL; what they would find in it is not known here.
    let Some((scheme, rest)) = url.split_once("://") else {
        return MASK.to_owned();
    };
    let (rest, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let host = rest.split(['/', '\\']).next().unwrap_or_default();
    let path = rest.strip_prefix(host).unwrap_or_default();
    let (user, host) = match host.rsplit_once('@') {
        Some((_, host)) => (format!("{MASK}@"), host),
        None => (String::new(), host),
    };
    let sign = query.get(..1);
    let query = sign.map_or_else(String::new, |sign| format!("{sign}{MASK}"));
    format!("{scheme}://{user}{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, shown) in [
            ("https://a.example/keys", "https://a.example/keys"),
            ("https://a.example:8443", "https://a.example:8443"),
            ("https://a.example/k@v", "https://a.example/k@v"),
            ("https://a.example/k?key=1", "https://a.example/k?********"),
            ("https://a.example?key=1#f", "https://a.example?********"),
            ("https://a.example/#key", "https://a.example/#********"),
            ("https://me:pw@a.example/", "https://********@a.example/"),
            ("https://me:p@w@a.example", "https://********@a.example"),
            ("https:me:pw@a.example", "********"),
            ("https:\\\\me:pw@a.example", "********"),
            ("", "********"),
        ] {
            assert_eq!(masked(url), shown, "{url}");
        }
    }

    #[test]
    fn a_secret_is_read_as_it_is_and_written_masked() {
        let secret: Secret<String> = serde_json::from_str("\"s3cret\"").unwrap();
        assert_eq!(secret.as_str(), "s3cret");
        let written = serde_json::to_string(&secret).unwrap();
        assert_eq!(written, format!("\"{MASK}\""));
    }
}
