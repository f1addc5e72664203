//! Facts of the section `decryption`: good files, and what is said of others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::config::Config;
use crate::jose::{ContentEncryption, EncryptionKey, Jwe, KeyAlgorithm, NewKey, PrivateKey};

/// A folder with files of keys, removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("watchword-decryption-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn jwk(&self, name: &str, kind: NewKey) -> &Self {
        self.write(name, &PrivateKey::generate(kind).unwrap().to_jwk())
    }

    fn check(&self, decryption: &str) -> Result<Config, String> {
        self.check_issuer(&format!(
            "jwks: {{uri: 'https://a/k'}}, decryption: {decryption}"
        ))
    }

    fn check_issuer(&self, settings: &str) -> Result<Config, String> {
        let text = format!("issuers:\n  a: {{issuer: a, audiences: [a], {settings}}}\n");
        let file = self.0.join("w.yaml");
        Config::parse(&text, &file).map_err(|problems| problems.to_string())
    }

    #[track_caller]
    fn problem(&self, decryption: &str) -> String {
        self.check(decryption).unwrap_err()
    }

    /// The `kid` of each published key.
    #[track_caller]
    fn published(&self, decryption: &str) -> Vec<String> {
        let config = self.check(decryption).unwrap();
        let keys = config.policy.public_keys(None);
        let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
        let keys = keys["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn thumbprint(folder: &Folder, name: &str) -> String {
    let text = fs::read(folder.0.join(name)).unwrap();
    let mut keys = PrivateKey::read_all(&text).unwrap();
    keys.remove(0).unwrap().thumbprint()
}

#[test]
fn the_newest_key_of_each_type_is_published_and_all_decrypt() {
    let folder = Folder::new("newest");
    folder.jwk("d/1", NewKey::P256).jwk("d/2", NewKey::P256);
    folder.jwk("rsa", NewKey::Rsa2048).jwk("old", NewKey::P256);
    folder.jwk("secret", NewKey::Oct(32));
    let keys = "{keys: [d, secret, rsa, old]}";
    let newest = [thumbprint(&folder, "d/2"), thumbprint(&folder, "rsa")];
    assert_eq!(folder.published(keys), newest);
    let config = folder.check(keys).unwrap();
    assert_eq!(config.policy.decryption_keys().iter().count(), 5);
    assert!(config.files.contains(&folder.0.join("d")), "it is followed");
}

/// RSA keys of two sizes are one type: an issuer would not know which one to take.
#[test]
fn a_new_key_replaces_one_of_another_size() {
    let folder = Folder::new("sizes");
    folder
        .jwk("old", NewKey::Rsa2048)
        .jwk("new", NewKey::Rsa3072);
    let newest = [thumbprint(&folder, "new")];
    assert_eq!(folder.published("{keys: [new, old]}"), newest);
}

#[test]
fn each_issuer_has_its_own_newest_key() {
    let folder = Folder::new("own");
    folder.jwk("old", NewKey::P256).jwk("new", NewKey::P256);
    let issuer = |name: &str, keys: &str, algorithms: &str| {
        format!(
            "  {name}: {{issuer: {name}, audiences: [a], jwks: {{uri: 'https://a/k'}}, \
             decryption: {{keys: {keys}, algorithms: {algorithms}}}}}\n"
        )
    };
    let text = format!(
        "issuers:\n{}{}",
        issuer("a", "[old]", "[ECDH-ES, ECDH-ES+A256KW]"),
        issuer("b", "[new, old]", "[ECDH-ES]"),
    );
    let policy = Config::parse(&text, &folder.0.join("w.yaml"))
        .unwrap()
        .policy;
    let published = |issuer: Option<&str>| {
        let id = issuer.and_then(|name| policy.issuers_where(|it| *it.name == *name).next());
        assert_eq!(id.is_some(), issuer.is_some());
        let set: serde_json::Value = serde_json::from_str(&policy.public_keys(id)).unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        let keys = keys.map(|key| (key["kid"].as_str().unwrap().to_owned(), key["alg"].clone()));
        keys.collect::<Vec<_>>()
    };
    let [old, new] = ["old", "new"].map(|name| thumbprint(&folder, name));
    let none = serde_json::Value::Null;
    assert_eq!(published(Some("a")), [(old.clone(), none.clone())]);
    assert_eq!(published(Some("b")), [(new.clone(), "ECDH-ES".into())]);
    assert_eq!(published(None), [(old, none), (new, "ECDH-ES".into())]);
}

#[test]
fn a_published_key_has_its_algorithm_if_only_one_is_accepted() {
    let folder = Folder::new("alg");
    folder.jwk("key", NewKey::P256);
    let keys = |algorithms: &str| {
        let decryption = format!("{{keys: [key], algorithms: [{algorithms}]}}");
        folder.check(&decryption).unwrap().policy.public_keys(None)
    };
    assert!(keys("ECDH-ES, RSA-OAEP-256").contains(r#""alg":"ECDH-ES""#));
    assert!(!keys("ECDH-ES, ECDH-ES+A256KW").contains("alg"));
}

#[test]
fn a_file_without_a_key_that_decrypts_is_refused() {
    let folder = Folder::new("unusable");
    let public = r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}"#;
    folder.write("public", public).write("text", "key");
    folder.jwk("signing", NewKey::Ed25519);
    folder.jwk("directory/a", NewKey::P256);
    folder.write("directory/bad.txt", "hello");
    for (file, said) in [
        ("public", "a public key; expected a private one"),
        ("text", "neither PEM nor JSON of a key"),
        (
            "signing",
            "found no key for decrypting: OKP Ed25519; expected",
        ),
        ("directory", "bad.txt: found neither PEM nor JSON of a key"),
        ("absent", "No such file"),
    ] {
        let problem = folder.problem(&format!("{{keys: [{file}]}}"));
        assert!(problem.contains(said), "{file}: {problem}");
        assert!(problem.contains("w.yaml:2:"), "{problem}");
    }
}

#[test]
fn a_set_may_contain_keys_for_signing_too() {
    let folder = Folder::new("mixed");
    let [signing, decrypting] = [NewKey::Ed25519, NewKey::X25519];
    let jwk = |kind| PrivateKey::generate(kind).unwrap().to_jwk().to_string();
    let set = format!("{{\"keys\": [{}, {}]}}", jwk(signing), jwk(decrypting));
    folder.write("set", &set);
    assert_eq!(folder.published("{keys: [set]}").len(), 1);
}

#[test]
fn an_algorithm_that_no_key_suits_is_a_contradiction() {
    let folder = Folder::new("algorithms");
    folder.jwk("p256", NewKey::P256);
    assert!(
        folder
            .check("{keys: [p256], algorithms: [ECDH-ES]}")
            .is_ok()
    );
    let problem = folder.problem("{keys: [p256], algorithms: [RSA-OAEP-256]}");
    assert!(problem.contains("a key (P-256) suits none"), "{problem}");
    let problem = folder.problem("{keys: [p256], algorithms: [RSA-OAEP256]}");
    assert!(
        problem.contains("did you mean \"RSA-OAEP-256\""),
        "{problem}"
    );
    let problem = folder.problem("{keys: [p256], algorithms: [RSA1_5]}");
    assert!(problem.contains("RSA1_5"), "{problem}");
    let problem = folder.problem("{keys: [p256], content_encryption: [A256CBC]}");
    assert!(problem.contains("A256CBC"), "{problem}");
}

#[test]
fn unsigned_claims_are_trusted_with_a_shared_key_only() {
    let folder = Folder::new("claims");
    folder
        .jwk("p256", NewKey::P256)
        .jwk("secret", NewKey::Oct(32));
    let problem = folder.problem("{keys: [p256], encrypted_claims: trusted}");
    assert!(problem.contains("needs a shared key"), "{problem}");

    let trusted = "decryption: {keys: [secret], encrypted_claims: trusted}";
    let config = folder.check_issuer(trusted).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(config.warnings[0].to_string().contains("unsigned_claims"));
    let refused = "decryption: {keys: [secret]}";
    let problem = folder.check_issuer(refused).unwrap_err();
    assert!(problem.contains("an issuer needs keys"), "{problem}");
}

#[test]
fn a_key_that_others_can_read_is_a_warning() {
    let folder = Folder::new("open");
    folder.jwk("d/key", NewKey::P256);
    let warnings = || folder.check("{keys: [d]}").unwrap().warnings.len();
    assert_eq!(warnings(), 0);
    let mode = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.0.join("d/key"), mode).unwrap();
    assert_eq!(warnings(), 1);
}

#[test]
fn no_key_is_printed() {
    let folder = Folder::new("printed");
    folder.jwk("key", NewKey::P256);
    let config = folder.check("{keys: [key]}").unwrap();
    let private = fs::read_to_string(folder.0.join("key")).unwrap();
    let d = private.split("\"d\":\"").nth(1).unwrap();
    let d = d.split('"').next().unwrap();
    let shown = format!("{config:?} {}", config.effective);
    assert!(!shown.contains(d));
}

fn keys_of(folder: &Folder, name: &str) -> PrivateKey {
    let text = fs::read(folder.0.join(name)).unwrap();
    PrivateKey::read_all(&text).unwrap().remove(0).unwrap()
}

/// A token without `kid`, to the public half of a key.
fn to(key: &PrivateKey) -> String {
    let mut public = String::new();
    crate::jose::Json::Object(key.public().unwrap().to_jwk()).write_ascii(&mut public);
    let sender = EncryptionKey::parse(public.as_bytes()).unwrap();
    let (alg, enc) = (KeyAlgorithm::EcdhEs, ContentEncryption::A256Gcm);
    sender.encrypt(b"content", alg, enc, &[]).unwrap()
}

#[test]
fn keys_on_other_curves_do_not_hide_the_one_that_fits() {
    let folder = Folder::new("curves");
    for name in ["1", "2", "3", "4"] {
        folder.jwk(name, NewKey::P384);
    }
    folder.jwk("5", NewKey::P256);
    let config = folder.check("{keys: ['1', '2', '3', '4', '5']}").unwrap();
    for name in ["5", "1", "4"] {
        let token = to(&keys_of(&folder, name));
        let jwe = Jwe::parse(&token).unwrap();
        let keys = config.policy.decryption_candidates(&jwe).unwrap();
        let opens = |at: usize| jwe.decrypt(keys.keys[at].key, 1000).is_ok();
        assert_eq!((keys.keys.len(), keys.left_out), (4, 1));
        assert!((0..4).any(opens), "{name}");
    }
}

/// PEM has no `kid`, so the same key has another description in each file.
#[test]
fn a_key_serves_every_issuer_that_has_it_in_whatever_form() {
    let folder = Folder::new("forms");
    let key = PrivateKey::generate(NewKey::P256).unwrap();
    folder.write("pem", &key.to_pem().unwrap());
    folder.write("jwk", &key.to_jwk().replacen('{', "{\"kid\":\"one\",", 1));
    let issuer = |name: &str, file: &str| {
        format!(
            "  {name}: {{issuer: {name}, audiences: [a], jwks: {{uri: 'https://a/k'}}, \
             decryption: {{keys: [{file}]}}}}\n"
        )
    };
    let text = format!("issuers:\n{}{}", issuer("a", "pem"), issuer("b", "jwk"));
    let config = Config::parse(&text, &folder.0.join("w.yaml")).unwrap();
    let token = to(&key);
    let jwe = Jwe::parse(&token).unwrap();
    let candidates = config.policy.decryption_candidates(&jwe).unwrap();
    let [candidate] = &*candidates.keys else {
        panic!("{candidates:?}");
    };
    let mut names: Vec<_> = candidate
        .issuers
        .iter()
        .map(|id| config.policy.issuer(*id))
        .collect();
    names.retain(Option::is_some);
    assert_eq!(names.len(), 2);
}
