//! Tokens of the libraries, read here; and tokens of ours, which they read.

use std::sync::LazyLock;

use serde_json::{Value, json};
use watchword::jose::{Algorithm, DecryptionKey, EncryptionKey, JoseError, Jwe, Jws, KeySet};
use watchword_test_support::mint::{self, Signer, b64};
use watchword_test_support::say;

use crate::cells::Cell;
use crate::libraries;

watchword_test_support::tests![
    tokens_of_the_libraries_are_read_here,
    tokens_of_ours_are_read_by_the_libraries,
];

const MAX_CONTENT: usize = 10_000;
const NOW: i64 = 1_800_000_000;

/// A token that a library is to make.
struct Wanted {
    cell: Cell,
    /// For the matrix.
    result: char,
    header: Value,
    claims: String,
}

impl Wanted {
    fn new(cell: Cell, result: char, members: &Value) -> Self {
        let mut header = json!({"alg": cell.algorithm.name(), "enc": cell.encryption.name()});
        for (name, value) in members.as_object().expect("an object") {
            header[name] = value.clone();
        }
        let claims = format!("{} {result} {}", header, cell.kind);
        let claims = json!({"iss": cell.library, "sub": claims}).to_string();
        Self {
            cell,
            result,
            header,
            claims,
        }
    }

    /// Each cell plainly, and with everything that may be added to it.
    fn all() -> Vec<Self> {
        let parties = json!({"apu": b64(b"Alice"), "apv": b64("Bob, \u{e9}".as_bytes())});
        let cells = Cell::all().into_iter();
        let wanted = cells.flat_map(|cell| {
            let plain = Self::new(cell, 'r', &json!({}));
            let named = cell.is_agreement().then(|| Self::new(cell, 'p', &parties));
            let compressed = Self::new(cell, 'z', &json!({"zip": "DEF"}));
            [Some(plain), named, Some(compressed)]
        });
        wanted.flatten().collect()
    }

    fn job(&self) -> Value {
        let Cell { library, kind, .. } = self.cell;
        json!({"library": library, "kind": kind, "header": self.header, "claims": self.claims})
    }
}

/// What the libraries made, and the keys that they made it with.
fn made() -> &'static [(Wanted, Value)] {
    static MADE: LazyLock<Vec<(Wanted, Value)>> = LazyLock::new(|| {
        let wanted = Wanted::all();
        let jobs: Vec<Value> = wanted.iter().map(Wanted::job).collect();
        let made = libraries::run("encrypt", &jobs);
        wanted.into_iter().zip(made).collect()
    });
    // Each test is skipped for itself.
    libraries::find();
    &MADE
}

/// The text of a member of a result.
fn text<'r>(result: &'r Value, name: &str) -> &'r str {
    let text = result[name].as_str();
    text.unwrap_or_else(|| panic!("no {name}: {result}"))
}

/// The claims of a token that is signed inside an encrypted one.
fn read(made: &Value) -> Result<String, JoseError> {
    let keys = DecryptionKey::read_all(made["key"].to_string().as_bytes());
    let [key] = &*keys else {
        panic!("the key of {made} is not read");
    };
    let jwe = Jwe::parse(text(made, "token"))?;
    let content = jwe.decrypt(key, MAX_CONTENT)?;
    let inner = std::str::from_utf8(&content).expect("a text");
    let keys = KeySet::from_documents([made["signer"].to_string().as_bytes()]);
    let jws = Jws::parse(inner)?;
    let claims = String::from_utf8(jws.payload().to_vec()).expect("a text");
    jws.verify(&keys.expect("the key is usable"), &[Algorithm::ES256])?;
    Ok(claims)
}

fn tokens_of_the_libraries_are_read_here() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (wanted, made) in made() {
        let cell = &wanted.cell;
        let header = &wanted.header;
        let what = format!("{} {} {header}", cell.library, cell.kind);
        match (cell.missing(), made["error"].as_str()) {
            (Some(_), Some(_)) => cell.note('-'),
            (Some(reason), None) => wrong.push(format!("{what}: it has it; not needed: {reason}")),
            (None, Some(error)) => wrong.push(format!("{what}: not made: {error}")),
            (None, None) => match read(made) {
                Ok(claims) if claims == wanted.claims => {
                    cell.note(wanted.result);
                    count += 1;
                }
                Ok(claims) => wrong.push(format!("{what}: other claims: {claims}")),
                Err(error) => wrong.push(format!("{what}: not read: {error}")),
            },
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    say(format_args!(
        "interop: {count} tokens of the libraries are read here"
    ));
}

fn tokens_of_ours_are_read_by_the_libraries() {
    let signer = Signer::generate("ES256", "ours");
    let made = made().iter().filter(|(wanted, made)| {
        wanted.result == 'r' && wanted.cell.missing().is_none() && made["error"].is_null()
    });
    let (mut jobs, mut sent) = (Vec::new(), Vec::new());
    for (number, (wanted, made)) in made.enumerate() {
        let Cell {
            library,
            algorithm,
            encryption,
            ..
        } = wanted.cell;
        let mut claims = mint::claims(NOW);
        claims["jti"] = json!(number);
        let key = EncryptionKey::parse(made["key"].to_string().as_bytes());
        let key = key.unwrap_or_else(|| panic!("the key of {made} is not read"));
        let kid = text(&made["key"], "kid");
        let members = [("kid", kid), ("cty", "JWT")];
        let content = signer.sign(&claims);
        let token = key.encrypt(content.as_bytes(), algorithm, encryption, &members);
        jobs.push(json!({
            "library": library,
            "header": wanted.header,
            "key": made["key"],
            "signer": signer.jwk(),
            "token": token.expect("the key suits the algorithms"),
        }));
        sent.push((wanted.cell, claims));
    }
    let mut wrong = Vec::new();
    let results = libraries::run("decrypt", &jobs);
    for ((cell, claims), result) in sent.iter().zip(&results) {
        let read = result["claims"].as_str().map(serde_json::from_str);
        if read.is_some_and(|read| read.is_ok_and(|read: Value| read == *claims)) {
            cell.note('w');
        } else {
            wrong.push(format!("{cell:?}: {result}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count = sent.len();
    assert!(count > 300, "{count}");
    say(format_args!(
        "interop: {count} tokens of ours are read by the libraries"
    ));
}
