//! How the programs of `tests/clients` are started. `tests/run.sh` brings what they need.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Missing, Person};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// A folder that outlives the run, so that the next is quicker.
const SCRATCH: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/clients");

/// What `tests/clients/set_up.sh` has set up with these pins.
fn set_up(name: &str, pins: &str) -> Result<PathBuf, Missing> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let folder = target.expect("in a folder").join("clients").join(name);
    let wanted = std::fs::read(Path::new(PROGRAMS).join(pins)).expect("reads");
    match std::fs::read(folder.join(pins)) {
        Ok(there) if there == wanted => Ok(folder),
        _ => Err(Missing(folder.display().to_string())),
    }
}

fn find(program: &str) -> Result<PathBuf, Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| Missing(program.to_owned()))
}

fn python(person: &Person, script: &str, url: &str, times: usize) -> Result<Command, Missing> {
    let python = set_up("python", "requirements.txt")?.join("bin/python");
    let mut command = person.command(python);
    command.arg("-B").arg(Path::new(PROGRAMS).join(script));
    Ok(asking(command, url, times))
}

fn asking(mut command: Command, url: &str, times: usize) -> Command {
    command.arg(url).arg(times.to_string());
    command
}

pub fn requests_gssapi(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    python(person, "requests-gssapi.py", url, times)
}

/// It binds its tokens.
pub fn requests_gssapi_bound(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    let mut command = requests_gssapi(person, url, times)?;
    command.env("CHANNEL_BINDINGS", "tls-server-end-point");
    Ok(command)
}

pub fn requests_kerberos(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    python(person, "requests-kerberos.py", url, times)
}

pub fn httpx_gssapi(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    python(person, "httpx-gssapi.py", url, times)
}

pub fn pyspnego(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    python(person, "pyspnego.py", url, times)
}

pub fn kerberos(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    let modules = set_up("node", "package-lock.json")?.join("node_modules");
    let mut command = person.command(find("node")?);
    command
        .arg(Path::new(PROGRAMS).join("negotiate.cjs"))
        .env("NODE_PATH", modules);
    Ok(asking(command, url, times))
}

pub fn gokrb5(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    static BUILT: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let go = find("go")?;
        let packages = Path::new("/usr/share/gocode");
        let gokrb5 = packages.join("src/github.com/jcmturner/gokrb5/v8");
        if !gokrb5.exists() {
            return Err(Missing(gokrb5.display().to_string()));
        }
        let program = Path::new(SCRATCH).join("negotiate");
        let mut build = Command::new(go);
        build.arg("build").arg("-o").arg(&program);
        build
            .env("GO111MODULE", "off")
            .env("GOPATH", packages)
            .env("GOCACHE", Path::new(SCRATCH).join("go-cache"));
        compile(&mut build, "negotiate.go");
        Ok(program)
    });
    let command = person.command(program.as_ref().map_err(Missing::clone)?);
    Ok(asking(command, url, times))
}

pub fn curl(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    let script = Path::new(PROGRAMS).join("curl.sh");
    Ok(asking(person.command(script), url, times))
}

pub fn java(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    Ok(asking(jvm(person, &[])?, url, times))
}

pub fn java_with_cookies(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    Ok(asking(jvm(person, &["-Dcookies=true"])?, url, times))
}

/// It binds its tokens.
pub fn java_bound(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    let options = ["-Djdk.https.negotiate.cbt=always"];
    Ok(asking(jvm(person, &options)?, url, times))
}

/// Java reads `KRB5CCNAME`, but not `KRB5_CONFIG`.
fn jvm(person: &Person, options: &[&str]) -> Result<Command, Missing> {
    static BUILT: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    let classes = BUILT.get_or_init(|| {
        let mut build = Command::new(find("javac")?);
        let classes = Path::new(SCRATCH).join("java");
        compile(build.arg("-d").arg(&classes), "Negotiate.java");
        Ok(classes)
    });
    let classes = classes.as_ref().map_err(Missing::clone)?;
    let mut krb5_conf = std::ffi::OsString::from("-Djava.security.krb5.conf=");
    krb5_conf.push(person.realm.krb5_conf());
    let mut command = person.command(find("java")?);
    command
        .arg(krb5_conf)
        .arg("-Djavax.security.auth.useSubjectCredsOnly=false")
        // It is over before compiling pays.
        .arg("-XX:TieredStopAtLevel=1")
        .args(options);
    if let Some(authority) = &person.trusts {
        let mut store = std::ffi::OsString::from("-Djavax.net.ssl.trustStore=");
        store.push(trust_store(authority)?);
        command.arg(store).arg(format!(
            "-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"
        ));
    }
    command.arg("-cp").arg(classes).arg("Negotiate");
    Ok(command)
}

const STORE_PASSWORD: &str = "public";

/// Java takes no authority in PEM.
fn trust_store(authority: &Path) -> Result<PathBuf, Missing> {
    let store = authority.with_extension("p12");
    if !store.exists() {
        let output = Command::new(find("keytool")?)
            .args(["-importcert", "-noprompt", "-alias", "authority", "-file"])
            .arg(authority)
            .args(["-storepass", STORE_PASSWORD, "-keystore"])
            .arg(&store)
            .output();
        let output = output.expect("starts");
        let errors = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "keytool: {errors}");
    }
    Ok(store)
}

#[track_caller]
fn compile(compiler: &mut Command, source: &str) {
    std::fs::create_dir_all(SCRATCH).expect("a folder");
    let output = compiler.arg(Path::new(PROGRAMS).join(source)).output();
    let output = output.expect("starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{source}: {errors}");
}
