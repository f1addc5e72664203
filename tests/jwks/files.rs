//! Keys on disk: what is swapped in is followed, and what is no key set replaces none.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use watchword::jose::SkipReason;
use watchword_test_support::mint::{self, Signer};

use crate::say;
use crate::settings::{folder, issuer, token};
use crate::site::Site;

/// The default of `cache_duration` for files.
const FILE_TIME: Duration = Duration::from_secs(5);

async fn site_of(path: &Path) -> Site {
    let jwks = format!("file: '{}'", path.display());
    let site = Site::start(&[issuer("corp", &jwks)]).await;
    site.fetched(1).await;
    site
}

fn write(path: &Path, signers: &[&Signer]) {
    fs::write(path, mint::key_set(signers).to_string()).unwrap();
}

/// Shows another version of a folder as Kubernetes does: by one symbolic link that is renamed over
/// the old one.
fn show_version(mount: &Path, version: &str, signer: &Signer) {
    let hidden = mount.join(format!("..{version}"));
    fs::create_dir(&hidden).unwrap();
    write(&hidden.join("keys.json"), &[signer]);
    let link = mount.join("..data_tmp");
    symlink(&hidden, &link).unwrap();
    fs::rename(link, mount.join("..data")).unwrap();
}

#[tokio::test]
async fn a_version_that_kubernetes_swaps_in_is_used_after_five_seconds() {
    for whole_folder in [false, true] {
        let mount = folder(&format!("files-mount-{whole_folder}"));
        let (old, new) = (
            Signer::generate("ES256", "k1"),
            Signer::generate("ES256", "k2"),
        );
        show_version(&mount, "v1", &old);
        let file = mount.join("keys.json");
        symlink("..data/keys.json", &file).unwrap();
        let site = site_of(if whole_folder { &mount } else { &file }).await;
        assert_eq!(site.check(&token(&old)).await, "allowed");
        assert_eq!(site.check(&token(&new)).await, "key_not_found");

        show_version(&mount, "v2", &new);
        fs::remove_dir_all(mount.join("..v1")).unwrap();
        assert_eq!(site.check(&token(&old)).await, "allowed", "not read yet");
        site.pass(FILE_TIME).await;
        assert_eq!(site.check(&token(&new)).await, "allowed");
        assert_eq!(site.check(&token(&old)).await, "key_not_found");
        let fetches = site.source().fetches;
        assert_eq!(fetches["changed"], 2, "{fetches:?}");
    }
    say("Kubernetes' swap of a file and of a folder: followed within 5 s");
}

#[tokio::test]
async fn a_file_that_goes_bad_keeps_the_old_keys() {
    let file = folder("files-bad").join("keys.json");
    let signer = Signer::generate("ES256", "k1");
    write(&file, &[&signer]);
    let site = site_of(&file).await;
    let private = pem("PRIVATE KEY", &signer.pkcs8());
    let half = r#"{"keys":[{"kty":"E"#;
    let bad: [(&str, &str, &str, &str); 5] = [
        ("half a file", half, "key_set", "not JSON at byte 18"),
        ("empty file", "", "key_set", "not JSON at byte 0"),
        ("empty set", r#"{"keys":[]}"#, "key_set", "no usable key"),
        ("private key", &private, "key_set", "only public keys"),
        ("2 MiB", &" ".repeat(2 << 20), "too_large", "1048576 bytes"),
    ];
    for (fault, content, outcome, word) in bad {
        fs::write(&file, content).unwrap();
        fails(&site, fault, outcome, word).await;
        assert_eq!(site.check(&token(&signer)).await, "allowed", "{fault}");
        write(&file, &[&signer]);
        site.next_fetch().await;
        assert_eq!(site.source().failure, None);
    }
    fs::remove_file(&file).unwrap();
    fails(&site, "gone", "file", &file.to_string_lossy()).await;
    assert_eq!(site.check(&token(&signer)).await, "allowed");
}

/// The next reading ends so, with this word in its error.
async fn fails(site: &Site, fault: &str, outcome: &str, word: &str) {
    let count = || site.source().fetches.get(outcome).copied();
    let before = count().unwrap_or_default();
    site.next_fetch().await;
    let (_, error) = site.source().failure.unwrap();
    assert_eq!(count(), Some(before + 1), "{fault}: {error}");
    assert!(error.contains(word), "{fault}: {error}");
    say(&format!("file, {fault}: keys kept, {outcome:?}, {error}"));
}

#[tokio::test]
async fn a_file_may_be_missing_at_the_start_and_come_later() {
    let file = folder("files-late").join("keys.json");
    let signer = Signer::generate("ES256", "k1");
    let site = site_of(&file).await;
    assert_eq!(site.check(&token(&signer)).await, "jwks_unavailable");
    write(&file, &[&signer]);
    site.pass(Duration::from_secs(30)).await;
    assert_eq!(site.check(&token(&signer)).await, "allowed");
}

#[tokio::test]
async fn public_keys_and_certificates_in_pem_verify_tokens_of_any_kid() {
    let folder = folder("files-pem");
    let signer = Signer::generate("ES256", "k1");
    let forger = Signer::generate("ES256", "k1");
    let files: [(&str, String); 2] = [
        ("public.pem", pem("PUBLIC KEY", &signer.public_der())),
        ("certificate.pem", certificate(&signer)),
    ];
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        let site = site_of(&file).await;
        assert_eq!(site.check(&token(&signer)).await, "allowed", "{name}");
        let without_kid = signer.with_kid("");
        assert_eq!(site.check(&token(&without_kid)).await, "allowed");
        assert_eq!(site.check(&token(&forger)).await, "signature_invalid");
        let source = site.source();
        let keys = source.keys();
        assert_eq!((keys.len(), keys[0].kid), (1, None));
        assert_eq!(keys[0].algorithms, ["ES256"]);
    }
}

#[tokio::test]
async fn a_folder_is_one_key_set_and_an_unreadable_file_in_it_costs_only_itself() {
    let folder = folder("files-folder");
    let json = Signer::generate("ES256", "json");
    let public = Signer::generate("EdDSA", "public");
    let certified = Signer::generate("ES384", "certified");
    let late = Signer::generate("ES256", "late");
    write(&folder.join("a.json"), &[&json]);
    fs::write(
        folder.join("b.pem"),
        pem("PUBLIC KEY", &public.public_der()),
    )
    .unwrap();
    fs::write(folder.join("c.pem"), certificate(&certified)).unwrap();
    fs::write(folder.join("d.txt"), "not a key").unwrap();
    write(&folder.join(".hidden.json"), &[&late]);
    let site = site_of(&folder).await;
    for signer in [&json, &public, &certified] {
        assert_eq!(site.check(&token(signer)).await, "allowed");
    }
    let source = site.source();
    let reasons: Vec<_> = source.skipped().iter().map(|key| key.reason).collect();
    assert_eq!(reasons, [SkipReason::Malformed]);
    assert_ne!(site.check(&token(&late)).await, "allowed");

    let shown: PathBuf = folder.join("e.json");
    fs::rename(folder.join(".hidden.json"), shown).unwrap();
    fs::remove_file(folder.join("a.json")).unwrap();
    site.pass(FILE_TIME).await;
    assert_eq!(site.check(&token(&late)).await, "allowed");
    assert_ne!(site.check(&token(&json)).await, "allowed");
    say("a folder with JSON, PEM, a certificate and a bad file: 3 keys verify, 1 skipped");
}

fn certificate(signer: &Signer) -> String {
    let der = PrivatePkcs8KeyDer::from(signer.pkcs8());
    let key = KeyPair::try_from(&der).unwrap();
    let params = CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
    params.self_signed(&key).unwrap().pem()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// A file that was being written cost the keys that it had.
#[tokio::test]
async fn a_file_of_a_directory_that_is_half_written_keeps_its_keys_unless_it_stays_so() {
    let folder = folder("torn");
    let (first, second) = (
        Signer::generate("ES256", "k1"),
        Signer::generate("ES256", "k2"),
    );
    write(&folder.join("a.json"), &[&first]);
    write(&folder.join("b.json"), &[&second]);
    let site = site_of(&folder).await;
    let whole = fs::read(folder.join("b.json")).unwrap();
    for _ in 0..2 {
        fs::write(folder.join("b.json"), &whole[..whole.len() / 2]).unwrap();
        site.next_fetch().await;
        assert_eq!(site.check(&token(&second)).await, "allowed");
        fs::write(folder.join("b.json"), &whole).unwrap();
        site.next_fetch().await;
        assert_eq!(site.check(&token(&second)).await, "allowed");
    }
    fs::write(folder.join("b.json"), &whole[..whole.len() / 2]).unwrap();
    site.next_fetch().await;
    site.next_fetch().await;
    assert_eq!(site.check(&token(&second)).await, "key_not_found");
    assert_eq!(site.check(&token(&first)).await, "allowed");
}
