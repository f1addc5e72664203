//! The form of Wycheproof's JOSE files, and of `overrides.json` beside them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suite {
    pub(crate) number_of_tests: usize,
    #[serde(rename = "testGroups")]
    pub(crate) groups: Vec<Group>,
}

#[derive(Deserialize)]
pub(crate) struct Group {
    pub(crate) public: Option<Value>,
    pub(crate) private: Option<Value>,
    pub(crate) tests: Vec<Test>,
}

impl Group {
    /// The private or shared part, which decrypts.
    pub(crate) fn private_key(&self) -> &Value {
        self.private.as_ref().expect("a group has a private key")
    }

    /// The public part; shared secrets, and sets with one, exist as `private` only.
    pub(crate) fn key(&self) -> &Value {
        self.public
            .as_ref()
            .or(self.private.as_ref())
            .expect("a group has a key")
    }
}

#[derive(Deserialize)]
pub(crate) struct Test {
    #[serde(rename = "tcId")]
    pub(crate) id: u32,
    pub(crate) comment: String,
    pub(crate) jws: Option<Value>,
    pub(crate) jwe: Option<Value>,
    /// The content of an encrypted token, in hexadecimal.
    pub(crate) pt: Option<String>,
    pub(crate) result: Label,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Label {
    Valid,
    Invalid,
}

#[derive(Deserialize)]
pub(crate) struct Overrides {
    pub(crate) files: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
pub(crate) struct Listed {
    #[serde(default)]
    pub(crate) exclude: Vec<Exception>,
    #[serde(default)]
    pub(crate) treat_as_invalid: Vec<Exception>,
    #[serde(default)]
    pub(crate) policy: Vec<Exception>,
}

#[derive(Deserialize)]
pub(crate) struct Exception {
    #[serde(rename = "tcId")]
    pub(crate) tests: Vec<u32>,
    pub(crate) why: String,
}
