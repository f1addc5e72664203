//! `watchword keys generate`: makes a private key or a shared secret.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::explain::plain;
use crate::jose::{
    Algorithm, ContentEncryption, DecryptionKey, KeyAlgorithm, KeyDescription, NewKey, PrivateKey,
};

use super::super::new_file::NewFile;
use super::super::{print_bytes, print_line};
use super::public::key_set;

#[derive(Args)]
pub(in crate::cli) struct GenerateArguments {
    /// The type of the key
    #[arg(long = "type", value_name = "TYPE")]
    kind: KeyType,
    /// Write a JWK, which has room for kid, alg and use; or PKCS#8 in PEM
    #[arg(long, value_name = "FORMAT", default_value = "jwk")]
    format: Format,
    /// Its key id, instead of its thumbprint (RFC 7638)
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// The only algorithm that it is for
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
    /// Its only use: signing, or encryption
    #[arg(long = "use", value_name = "USE")]
    purpose: Option<Purpose>,
    /// Write the private key to a new file that nobody else can read, and the public JWK set to
    /// standard output; `-` writes the private key to a terminal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the public JWK set to a new file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    public_out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyType {
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "rsa-4096")]
    Rsa4096,
    #[value(name = "p-256")]
    P256,
    #[value(name = "p-384")]
    P384,
    #[value(name = "p-521")]
    P521,
    Secp256k1,
    Ed25519,
    X25519,
    #[value(name = "oct-128")]
    Oct128,
    #[value(name = "oct-192")]
    Oct192,
    #[value(name = "oct-256")]
    Oct256,
    #[value(name = "oct-384")]
    Oct384,
    #[value(name = "oct-512")]
    Oct512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Jwk,
    Pem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Purpose {
    Sig,
    Enc,
}

impl KeyType {
    fn new_key(self) -> NewKey {
        match self {
            Self::Rsa2048 => NewKey::Rsa2048,
            Self::Rsa3072 => NewKey::Rsa3072,
            Self::Rsa4096 => NewKey::Rsa4096,
            Self::P256 => NewKey::P256,
            Self::P384 => NewKey::P384,
            Self::P521 => NewKey::P521,
            Self::Secp256k1 => NewKey::Secp256k1,
            Self::Ed25519 => NewKey::Ed25519,
            Self::X25519 => NewKey::X25519,
            Self::Oct128 => NewKey::Oct(16),
            Self::Oct192 => NewKey::Oct(24),
            Self::Oct256 => NewKey::Oct(32),
            Self::Oct384 => NewKey::Oct(48),
            Self::Oct512 => NewKey::Oct(64),
        }
    }
}

pub(super) fn run(arguments: &GenerateArguments) -> anyhow::Result<ExitCode> {
    check_options(arguments)?;
    let key = PrivateKey::generate(arguments.kind.new_key())?;
    let purpose = purpose(arguments, &key)?;
    let key = described(arguments, key, purpose);
    // Both exist before either is written, so that a failure leaves no half of a pair.
    let private = new_file(arguments.out.as_deref(), 0o600)?;
    let public = new_file(arguments.public_out.as_deref(), 0o644)?;
    let text = match arguments.format {
        Format::Jwk => key.to_jwk(),
        Format::Pem => key.to_pem()?,
    };
    let text = text.trim_end();
    let has_file = private.is_some();
    match private {
        None => print_bytes(text.as_bytes())?,
        Some(file) => file.write(text)?,
    }
    let set = key.public().map(|public| key_set(&[public]));
    match (public, set) {
        (Some(file), Some(set)) => file.write(&set)?,
        (None, Some(set)) if has_file => print_line(&set),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Creates a file, unless the path stands for standard output.
fn new_file(path: Option<&Path>, mode: u32) -> anyhow::Result<Option<NewFile<'_>>> {
    let path = path.filter(|path| *path != Path::new("-"));
    path.map(|path| NewFile::create(path, mode)).transpose()
}

/// Refuses options that contradict each other, before a key is made.
fn check_options(arguments: &GenerateArguments) -> anyhow::Result<()> {
    let is_secret = matches!(arguments.kind.new_key(), NewKey::Oct(_));
    if arguments.format == Format::Pem {
        let described = arguments.kid.is_some() || arguments.alg.is_some();
        if described || arguments.purpose.is_some() {
            bail!("PEM has no room for --kid, --alg and --use: write a JWK");
        }
        if is_secret {
            bail!("PEM has no form for a shared secret: write a JWK");
        }
    }
    if is_secret && arguments.public_out.is_some() {
        bail!("--public-out: a shared secret has no public half");
    }
    let is_standard = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    let is_private_standard = arguments.out.is_none() || is_standard(&arguments.out);
    if is_private_standard && is_standard(&arguments.public_out) {
        bail!("--public-out -: the private key is written there: name a file with --out");
    }
    if arguments.out.is_none() && std::io::stdout().is_terminal() {
        bail!(
            "standard output is a terminal, which may keep the private key: name a file with \
             --out, or show the key with --out -"
        );
    }
    Ok(())
}

/// The use that is given; otherwise the only one that the algorithm and the type permit.
fn purpose(arguments: &GenerateArguments, key: &PrivateKey) -> anyhow::Result<Option<Purpose>> {
    let signing = key.signing_algorithms().into_iter();
    let signing: Vec<&str> = signing.map(Algorithm::name).collect();
    let encrypting = encryption_algorithms(key);
    let fitting = match &arguments.alg {
        None => [!signing.is_empty(), !encrypting.is_empty()],
        Some(alg) => [signing.contains(&&**alg), encrypting.contains(&&**alg)],
    };
    let wanted = arguments.purpose;
    Ok(match (fitting, wanted) {
        ([false, false], _) => {
            let all = [signing, encrypting].concat();
            bail!(
                "--alg: found {}; expected one of {}",
                plain(arguments.alg.as_deref().unwrap_or_default()),
                all.join(", ")
            )
        }
        ([false, _], Some(Purpose::Sig)) => bail!("--use sig: this key or algorithm cannot sign"),
        ([_, false], Some(Purpose::Enc)) => {
            bail!("--use enc: this key or algorithm cannot encrypt")
        }
        (_, Some(_)) => wanted,
        ([true, false], None) => Some(Purpose::Sig),
        ([false, true], None) => Some(Purpose::Enc),
        ([true, true], None) => None,
    })
}

/// The algorithms by which tokens can be encrypted to a key of this type and size.
fn encryption_algorithms(key: &PrivateKey) -> Vec<&'static str> {
    let Some(key) = DecryptionKey::new(key) else {
        return Vec::new();
    };
    let suits = |algorithm: &KeyAlgorithm| {
        let mut encryptions = ContentEncryption::ALL.into_iter();
        encryptions.any(|encryption| key.suits(*algorithm, encryption))
    };
    let algorithms = KeyAlgorithm::ALL.into_iter().filter(suits);
    algorithms.map(KeyAlgorithm::name).collect()
}

/// Adds `kid`, `alg` and `use` to a JWK. PEM has no room for them: its readers take the thumbprint
/// as the `kid`.
fn described(
    arguments: &GenerateArguments,
    key: PrivateKey,
    purpose: Option<Purpose>,
) -> PrivateKey {
    if arguments.format == Format::Pem {
        return key;
    }
    let kid = arguments.kid.clone().unwrap_or_else(|| key.thumbprint());
    let purpose = purpose.map(|purpose| match purpose {
        Purpose::Sig => "sig".into(),
        Purpose::Enc => "enc".into(),
    });
    key.described(KeyDescription {
        kid: Some(kid.into()),
        alg: arguments.alg.as_deref().map(Into::into),
        purpose,
        operations: None,
    })
}
