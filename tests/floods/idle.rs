//! More idle connections than the server takes, and an Envoy that starts then.

use std::time::Duration;

use watchword_test_support::envoy;
use watchword_test_support::harness::pass_unchecked;
use watchword_test_support::load::Load;
use watchword_test_support::settings::Version;

use crate::openings;
use crate::target::{Port, Target};
use crate::world::{World, ingress};
use crate::{RUNTIME, alone, files, say};

const IDLE: usize = 4_200;
const ANSWERS: usize = 300;
/// The longest time to open them.
const OPENING: Duration = Duration::from_secs(60);

#[test]
fn an_envoy_that_starts_beside_4200_idle_connections_works() {
    let _machine = alone();
    if let Err(problem) = envoy::binary(envoy::Version::Newest) {
        return pass_unchecked(&problem);
    }
    files::enough();
    RUNTIME.block_on(async {
        let world = World::start("idle", Version::One, &[]).await;
        let target = Target::new(&world.addresses, Port::Tls, 100, OPENING);
        let _idle = openings::idle(target.clone(), IDLE).await;
        let sent = target.sent();
        say(format!("idle connections: {sent:?}"));
        let proxy = world.proxy().await;
        let load = Load::start(ingress(&proxy));
        world.until_answers(&load, ANSWERS).await;
        let tally = load.stop().await;
        let (right, wrong, failed) = tally.counts();
        say(format!(
            "an Envoy beside them: {right} answers right, {wrong} wrong, {failed} lost"
        ));
        assert_eq!((wrong, failed), (0, 0), "{:#?}", tally.examples());
    });
}
