//! A server keeps its configuration until a half-written file is whole.

use std::fs::File;
use std::io::Write as _;

use watchword_test_support::mint::{self, Signer};

use crate::folder;
use crate::serve::{Server, ask_at};

const HEAD: &str = "\
server: {grpc: {address: '127.0.0.1:0'}, drain: 0s}
log: {format: json}
reload: {interval: 100ms}
issuers:
  corp: {issuer: 'https://idp.example.com', audiences: [orders-api], jwks: {file: keys.json}}
";

/// The parts of a file, in the order in which they are written.
const PARTS: [&str; 6] = [
    "",
    "rules:\n- name: public\n  match: {path: {prefix: /public/}}\n",
    "  require: none\n- name: admin\n  match: {path: {prefix: /admin/}}\n",
    "  require:\n    issuers: [corp]\n",
    "    scopes: [admin]\n",
    "- name: rest\n  require: {issuers: [corp]}\n",
];

#[test]
fn a_writer_who_stops_in_the_middle_changes_no_verdict() {
    let signer = Signer::generate("ES256", "k1");
    let keys = mint::key_set(&[&signer]).to_string();
    let mut claims = mint::claims(1_700_000_000);
    claims["exp"] = 4_000_000_000_u64.into();
    claims["iss"] = "https://idp.example.com".into();
    let token = signer.sign(&claims);
    let whole = format!("{HEAD}{}", PARTS.concat());
    let files = [("watchword.yaml", whole.as_str()), ("keys.json", &keys)];
    let file = folder("half-written", &files).join("watchword.yaml");
    let mut server = Server::start(file.to_str().unwrap());
    let line: serde_json::Value = serde_json::from_str(&server.until("listening")).unwrap();
    let address = line["address"].as_str().unwrap().to_owned();
    server.once("keys of every required issuer are usable");
    let goes_on = |place: &str| {
        let verdicts =
            ["/public/x", "/admin/x", "/orders"].map(|path| ask_at(&address, path, &token));
        assert_eq!(verdicts, [0, 7, 0], "{place}");
        assert_eq!(ask_at(&address, "/orders", "x"), 16, "{place}");
    };
    goes_on("as it was");

    // The same rules behind another comment: the writer begins anew, and stops after each part.
    let mut writer = File::create(&file).unwrap();
    write!(writer, "# changed\n{HEAD}").unwrap();
    for (place, refusal) in [
        "rules is gone",
        "rules[0].require is gone",
        "rules[1].require is gone",
        "the file ends before rules[1].require.scopes",
        "the file ends before rules[2]",
    ]
    .into_iter()
    .enumerate()
    {
        writer.write_all(PARTS[place].as_bytes()).unwrap();
        server.until(refusal);
        goes_on(refusal);
    }
    writer.write_all(PARTS[5].as_bytes()).unwrap();
    server.until("the configuration was reloaded: settings are the same");
    goes_on("whole again");

    // A file that says where it ends may be shorter at once.
    let shorter = format!(
        "{HEAD}{}...\n",
        PARTS[..3]
            .concat()
            .replace("prefix: /admin/}}", "prefix: /admin/}}\n  require: {}")
    );
    std::fs::write(&file, shorter).unwrap();
    let line = server.until("the configuration was reloaded");
    assert!(line.contains(r#""changed":"rules""#), "{line}");
    assert_eq!(ask_at(&address, "/orders", &token), 7);
    assert_eq!(ask_at(&address, "/admin/x", &token), 0);
}
