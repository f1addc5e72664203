//! The real image in a container like a restricted pod: without a user name, without capabilities,
//! on a read-only root. `helm/image/check.py` builds the image, an OCI layout, and runs this with
//! its path in `WATCHWORD_IMAGE`. It needs root and `runc`.

mod bundle;
mod names;

use std::fs;
use std::path::PathBuf;

use bundle::Container;
use watchword_test_support::free_address;
use watchword_test_support::pki::{self, Identity};

use crate::maker::fresh;
use crate::site::{self, Server};

#[tokio::test]
#[ignore = "needs the image, root and runc: helm/image/check.py runs it"]
async fn the_image_serves_as_nobody_on_a_read_only_root_and_stops_on_sigterm() {
    let image = std::env::var_os("WATCHWORD_IMAGE").expect("WATCHWORD_IMAGE: an OCI layout");
    let folder = fresh("container");
    names::serve();
    // One is found by DNS, the other by /etc/hosts; the authority of both is only in the mounted
    // folder.
    let keys = [site::key_server(), site::key_server()];
    keys[0].use_certificate(&Identity::server_called(&[names::NAME]));
    let by_name =
        |index: usize, name: &str| format!("https://{name}:{}/keys", keys[index].address.port());
    let issuers = [
        ("dns", by_name(0, names::NAME)),
        ("hosts", by_name(1, "localhost")),
    ];
    let address = free_address();
    let configuration = site::configuration(address, &issuers);
    site::mounted(&folder.join("config"), "watchword.yaml", &configuration);
    let authority = fs::read_to_string(pki::ca_file()).unwrap();
    site::mounted(&folder.join("ca"), "ca.crt", &authority);

    let container = Container::new(folder.clone(), &PathBuf::from(image));
    let mut server = Server::start(container.run(), folder.join("log"), address);
    for issuer in ["dns", "hosts"] {
        let allowed = async || server.verdict(issuer).await == Some(0);
        server.until(&format!("{issuer} is allowed"), allowed).await;
    }
    assert_eq!(
        server.ask("nonsense").await,
        Some(16),
        "and not everybody is"
    );
    let at = address.to_string();
    let health = container.exec(&["/watchword", "health", &at]);
    assert!(health.status.success(), "{health:?}");
    let elsewhere = container.exec(&["/watchword", "health", "127.0.0.1:1"]);
    assert!(!elsewhere.status.success(), "{elsewhere:?}");
    is_confined(&container);

    container.signal("TERM");
    let status = server.ended().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(server.log().contains("stopped"), "{}", server.log());
}

/// As the kernel sees it, not as the bundle asks for it.
fn is_confined(container: &Container) {
    let process = PathBuf::from(format!("/proc/{}", container.process()));
    let status = fs::read_to_string(process.join("status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(field("Uid:"), "65532 65532 65532 65532");
    assert_eq!(field("Gid:"), "65532 65532 65532 65532");
    assert_eq!(field("NoNewPrivs:"), "1");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    let mounts = fs::read_to_string(process.join("mountinfo")).unwrap();
    let root = mounts
        .lines()
        .find(|line| line.split(' ').nth(4) == Some("/"));
    let options = root.unwrap().split(' ').nth(5).unwrap();
    assert!(options.split(',').any(|option| option == "ro"), "{options}");
}
