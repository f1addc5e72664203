//! Area `ops`: no output of the product during this whole run contains a secret.

use watchword_test_support::mint::{self, Signer};
use watchword_test_support::pki::Identity;
use watchword_test_support::say;
use watchword_test_support::secrets::{SECRETS, SecretScanner};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::coverage::run_all_but;
use super::super::emitted::{self, CHILDREN, DECISIONS, LOG, PAGES, PROBLEMS, SPANS};
use super::super::process::{self, Process};
use super::super::settings::{Issuer, Settings};
use super::super::tokens::{self, CORP, ROOMY, corp};
use super::word;

/// The last row, because it runs the others.
pub(crate) const ROWS: &[Row] = &[row!("OPS-01", no_output_holds_a_secret)];

fn no_output_holds_a_secret(case: &mut Case) {
    what_is_planted_is_found(case);
    secrets_of_the_configuration(case);
    explained(case);
    let rows = run_all_but("ops");
    case.holds(&format!("{rows} rows of other areas"), rows > 200);
    // Servers that live as long as the process may still have output.
    let plant = "a call whose decision is the last";
    for site in [&CORP, &ROOMY] {
        case.allows(site, plant, &Call::bearing(tokens::good()));
        site.flush_decisions();
    }
    emitted::look_at_open_pages();

    let (secrets, pieces) = SECRETS.counts();
    let scanned = SECRETS.scanned();
    say(format!(
        "{secrets} secrets in {pieces} pieces were looked for in {scanned:?} bytes of output"
    ));
    case.holds(&format!("{secrets} secrets"), secrets > 10_000);
    for source in [LOG, DECISIONS, SPANS, PAGES, PROBLEMS, CHILDREN] {
        let bytes = scanned.get(source).copied().unwrap_or_default();
        case.holds(&format!("{bytes} bytes of {source}"), bytes > 1_000);
    }
    case.equal("secrets found", SECRETS.findings(), Vec::new());
}

/// Without this, finding nothing would prove nothing.
fn what_is_planted_is_found(case: &mut Case) {
    let token = tokens::good();
    let [_, payload, signature] = tokens::segments(&token);
    let claim = tokens::CANARY.as_str();
    for (what, planted) in [
        ("a token", token.as_str()),
        ("a payload", payload),
        ("a signature", signature),
        ("part of a signature", &signature[21..52]),
        ("a claim", claim),
    ] {
        for line in [
            format!("INFO check token={planted}\n"),
            format!("{{\"token\":\"{planted}\"}}\n"),
        ] {
            let scanner = SecretScanner::default();
            scanner.register(token.as_bytes());
            scanner.register(claim.as_bytes());
            scanner.scan(
                "innocent",
                b"INFO check verdict=\"deny\" reason=\"signature_invalid\"\n",
            );
            case.equal(what, scanner.findings().len(), 0);
            scanner.scan("planted", line.as_bytes());
            case.holds(what, !scanner.findings().is_empty());
        }
    }
    let secret = Signer::generate("HS256", "any").private_der();
    let scanner = SecretScanner::default();
    scanner.register(mint::b64(&secret).as_bytes());
    scanner.scan("planted", format!("key: {}", mint::b64(&secret)).as_bytes());
    case.equal("a shared secret", scanner.findings().len(), 1);
}

/// Every kind of secret that a configuration can refer to, in a process that logs at level `trace`
/// and gets bad configurations.
fn secrets_of_the_configuration(case: &mut Case) {
    let secret = |name: &str| {
        let file = process::write(&format!("ops-01-{name}.secret"), &(word() + &word()));
        file.display().to_string()
    };
    let [shared, bearer, caller, hash] = ["shared", "bearer", "caller", "hash"].map(secret);
    let (certificate, key) = Identity::server().pem_files("ops-01");
    let pem = std::fs::read(&key).expect("a key");
    SECRETS.register(&pem);
    let grpc = format!(
        "callers: {{validate: {{secret_file: '{caller}'}}}}, \
         tls: {{certificate: '{}', private_key: '{}'}}",
        certificate.display(),
        key.display()
    );
    let password = word();
    let fetched = format!(
        "jwks: {{uri: 'https://127.0.0.1:9/jwks', timeout: 100ms, bearer_token_file: '{bearer}'}}"
    );
    let fetched = Issuer::corp(&[])
        .renamed("away", "https://away.example")
        .keys(&fetched);
    let hmac = Issuer::corp(&[]).renamed("hmac", "https://hmac.example");
    let hmac = hmac
        .keys(&format!("secret_file: '{shared}'"))
        .algorithms("HS256");
    let settings = Settings::of(corp())
        .issuer(fetched.line("required: false").algorithms("RS256"))
        .issuer(hmac)
        .grpc(&grpc)
        .operators()
        .top(&format!(
            "log: {{level: trace, \
             decisions: {{policy: all, claims: [sub], hash_key_file: '{hash}'}}}}\n\
             traces: {{otlp: {{endpoint: 'https://127.0.0.1:9', \
             headers: {{authorization: '{password}'}}}}, sample_ratio: 1}}"
        ));
    let (_, output) = process::check_config("ops-01-check.yaml", &settings.text());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    case.holds(
        &format!("it is a good configuration: {said}"),
        output.status.success(),
    );
    let process = Process::serve("ops-01", &settings);
    for path in ["/metrics", "/readyz?verbose", "/jwks", "/jwks/keys"] {
        case.holds(path, process.page(path).starts_with("HTTP/1.1 "));
    }
    let good = settings.text();
    for bad in [
        settings.clone().top("surplus: 1").text(),
        settings.clone().server("max_token_size: many").text(),
        good.replacen("secret_file: ", "secret_file: /no-such", 1),
        good.replacen("https://127.0.0.1:9'", "http://127.0.0.1:9'", 1),
        good[..good.len() - 30].to_owned(),
    ] {
        let (_, output) = process::check_config("ops-01-bad.yaml", &bad);
        case.holds(&format!("refused: {bad}"), !output.status.success());
        process::write("ops-01.yaml", &bad);
        process.reload();
    }
    case.holds("it says why", process.logs("is not reloaded"));
    drop(process);
}

/// `validate` explains what is wrong with a token without a word of it.
fn explained(case: &mut Case) {
    let file = process::write("ops-01-validate.yaml", &Settings::of(corp()).text());
    for (reason, call) in super::calls_of_all_kinds() {
        let Some((_, credential)) = call.client_headers().next() else {
            continue;
        };
        let token = String::from_utf8_lossy(credential).replacen("Bearer ", "", 1);
        let output = process::validate(&file, &token);
        let said = !output.stdout.is_empty() || !output.stderr.is_empty();
        case.holds(&format!("{reason} is explained"), said);
    }
}
