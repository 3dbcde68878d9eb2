//! Certificates of a test's servers.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::process::{find_program, run};

/// Makes an authority (`ca.pem`) and a server's certificate of it (`certificate.pem`, `key.pem`)
/// with these subjectAltNames, such as `DNS:localhost, IP:127.0.0.1`.
pub(super) fn make_certificate(folder: &Path, names: &str) -> io::Result<()> {
    fs::write(folder.join("extensions"), extensions(names))?;
    let steps = [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key \
         -out ca.pem -days 3650 -subj /CN=tower-spnego-test-CA -config extensions -extensions ca",
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem \
         -out request.pem -subj /CN=localhost -config extensions",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -set_serial 1 -days 3650 \
         -extfile extensions -extensions server -out certificate.pem",
    ];
    openssl(folder, &steps)
}

/// Makes a client's certificate (`<name>.pem`, `<name>.key`) of the authority in this folder, with the
/// subject `CN=<name>`.
pub(super) fn make_client_certificate(folder: &Path, name: &str) -> io::Result<()> {
    let steps = [
        format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key \
             -out {name}.request -subj /CN={name} -config extensions"
        ),
        format!(
            "x509 -req -in {name}.request -CA ca.pem -CAkey ca.key -set_serial 2 -days 3650 \
             -extfile extensions -extensions client -out {name}.pem"
        ),
    ];
    openssl(folder, &steps)
}

fn openssl(folder: &Path, steps: &[impl AsRef<str>]) -> io::Result<()> {
    let openssl = find_program("openssl", "openssl")?;
    for step in steps {
        run(Command::new(&openssl)
            .current_dir(folder)
            .args(step.as_ref().split_ascii_whitespace()))?;
    }
    Ok(())
}

fn extensions(names: &str) -> String {
    format!(
        "[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = {names}
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
"
    )
}
