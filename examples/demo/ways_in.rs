//! How to open the page.

use std::fs;
use std::path::PathBuf;

use tower_spnego::testing::{TestRealm, TicketCache};

use crate::Failure;

pub(crate) fn print(
    url: &str,
    realm: &TestRealm,
    alice: &TicketCache,
    bob: &TicketCache,
) -> Result<(), Failure> {
    let profile = chromium_profile(realm)?;
    // As root Chromium starts without its sandbox only.
    let no_sandbox = match rustix::process::geteuid().is_root() {
        true => " --no-sandbox",
        false => "",
    };
    println!(
        "
The page is at {url}

In another terminal, become Alice:
  export KRB5_CONFIG={krb5_conf} KRB5CCNAME={alice}
or Bob:
  export KRB5_CONFIG={krb5_conf} KRB5CCNAME={bob}

and open it there, with Chromium:
  chromium{no_sandbox} --auth-server-allowlist=localhost --user-data-dir={profile} {url}
with Firefox, none of which must be running, and whose about:config must have
network.negotiate-auth.trusted-uris = localhost:
  firefox {url}
or with curl:
  curl --negotiate --user : {url}

A browser that is a snap reads none of these files. A browser of your own, without a ticket, shows
what a stranger sees.",
        krb5_conf = realm.krb5_conf().display(),
        alice = alice.path().display(),
        bob = bob.path().display(),
        profile = profile.display(),
    );
    Ok(())
}

/// A profile in which the first sign-in works: in a fresh one, Chromium's network sandbox keeps the
/// GSSAPI library out until the profile has seen a Negotiate challenge.
fn chromium_profile(realm: &TestRealm) -> Result<PathBuf, Failure> {
    let profile = realm.folder().join("chromium");
    fs::create_dir(&profile)?;
    fs::write(
        profile.join("Local State"),
        r#"{"net":{"received_http_auth_negotiate_headers":true}}"#,
    )?;
    Ok(profile)
}
