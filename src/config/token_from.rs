//! The places where tokens are looked for: `token_from` of the server and of issuers.

use crate::policy::{IssuerId, Policy, TokenFrom};
use crate::request::fold::belongs_to_name;
use crate::token::Location;

use super::setting::Setting;
use super::settings::{Settings, TokenFromSettings};

/// The server's places, and each issuer's own.
pub(super) fn token_from(root: &mut Setting<'_, '_, Settings>) -> Vec<TokenFrom> {
    let settings = root.value;
    let mut places: Vec<TokenFrom> = Vec::new();
    let mut server = root.member("server", &settings.server);
    let shared = &*settings.server.token_from;
    server.member("token_from", shared).for_each(|mut place| {
        let location = place.location(&places);
        add(&mut places, location, None);
    });
    let mut issuers = root.member("issuers", &settings.issuers);
    for (id, (name, issuer)) in Policy::issuer_ids(settings.issuers.len()).zip(&settings.issuers) {
        let mut section = issuers.member(name, issuer);
        let own = &*issuer.token_from;
        section.member("token_from", own).for_each(|mut place| {
            let location = place.location(&places);
            add(&mut places, location, Some(id));
        });
    }
    places
}

/// Adds a place once, however often it is named: else its token would count as two.
fn add(places: &mut Vec<TokenFrom>, location: Option<Location>, issuer: Option<IssuerId>) {
    let Some(location) = location else { return };
    match places.iter_mut().find(|place| place.location == location) {
        Some(known) => match (&mut known.issuers, issuer) {
            (Some(issuers), Some(issuer)) => issuers.push(issuer),
            (issuers, None) => *issuers = None,
            (None, Some(_)) => {}
        },
        None => places.push(TokenFrom {
            location,
            issuers: issuer.map(|issuer| vec![issuer]),
        }),
    }
}

impl Setting<'_, '_, TokenFromSettings> {
    fn location(&mut self, known: &[TokenFrom]) -> Option<Location> {
        let TokenFromSettings {
            header,
            scheme,
            cookie,
            query,
        } = self.value;
        let given = [header, scheme, cookie, query];
        let is_name = |text: &String| !text.is_empty() && text.bytes().all(belongs_to_name);
        if given.into_iter().flatten().any(|name| !is_name(name)) {
            let expected = "letters, digits, \"-\", \"_\", \".\" and \"~\"";
            self.found("a name with other characters", expected);
            return None;
        }
        let location = match (header, cookie, query) {
            (Some(name), None, None) => {
                let name = name.to_ascii_lowercase();
                let scheme = scheme.as_deref().or(default_scheme(&name));
                Location::Header {
                    scheme: scheme.map(Into::into),
                    name: name.into(),
                }
            }
            (None, Some(name), None) if scheme.is_none() => Location::Cookie(name.as_str().into()),
            (None, None, Some(name)) if scheme.is_none() => Location::Query(name.as_str().into()),
            _ => {
                self.contradiction(
                    "a place takes exactly one of `header`, `cookie` and `query`, and `scheme` \
                     only with `header`: remove the others, or write a place for each",
                );
                return None;
            }
        };
        // If a reader may take two names for one, each makes a token in the other malformed.
        let mut known = known.iter().map(|place| &place.location);
        if known.any(|known| *known != location && known.is_like(&location)) {
            let found = "a name that is easily taken for that of another place";
            self.found(found, "names that differ in more than case and separators");
        }
        Some(location)
    }
}

/// The default scheme before a token in a header.
pub(super) fn default_scheme(header: &str) -> Option<&'static str> {
    let is_standard = header.eq_ignore_ascii_case("authorization");
    is_standard.then_some("Bearer")
}
