//! What OpenLDAP's own client sees through the proxy.

use std::io;

use tokio::process::Command;
use tower_spnego::testing::{TestActiveDirectory, TestLdap};

use super::LimitingProxy;
use crate::active_directory::domain;

/// What `ldapsearch` prints, and its exit status, which is the result's code.
async fn search(url: &str, bind: [&str; 2], arguments: &[&str]) -> io::Result<(String, i32)> {
    let [name, password] = bind;
    let output = Command::new("ldapsearch")
        .env("LDAPNOINIT", "1")
        .args(["-x", "-LLL", "-o", "ldif-wrap=no", "-H", url])
        .args(["-D", name, "-w", password])
        .args(arguments)
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((text, output.status.code().expect("an exit status")))
}

/// How many lines begin so.
fn count(text: &str, start: &str) -> usize {
    text.lines().filter(|line| line.starts_with(start)).count()
}

#[tokio::test]
async fn more_than_1500_values_come_in_ranges() -> io::Result<()> {
    let ldap = TestLdap::start()?;
    let proxy = LimitingProxy::before_slapd(&ldap).await;
    let crowd = ldap.add_group("crowd", (0..1_600).map(|number| format!("person-{number}")))?;
    ldap.add_group("fair", (0..1_500).map(|number| format!("person-{number}")))?;
    let (url, dn) = (proxy.url(), ldap.service_dn());
    let bind = [dn.as_str(), ldap.service_password()];
    let ask =
        async |asked: &str| search(&url, bind, &["-b", &crowd, "(objectClass=*)", asked]).await;

    let (all, status) = ask("member").await?;
    assert_eq!(status, 0, "{all}");
    assert_eq!(count(&all, "member;range=0-1499: "), 1_500);
    assert_eq!(count(&all, "member: "), 0);
    let (rest, _) = ask("member;range=1500-*").await?;
    assert_eq!(count(&rest, "member;range=1500-*: "), 100, "{rest}");
    let (some, _) = ask("member;range=100-199").await?;
    assert_eq!(count(&some, "member;range=100-199: "), 100, "{some}");
    let value = |line: &str| line.split_once(": ").map(|(_, value)| value.to_owned());
    let mut members: Vec<_> = all.lines().chain(rest.lines()).filter_map(value).collect();
    members.sort_unstable();
    members.dedup();
    // And the group's DN.
    assert_eq!(members.len(), 1_601, "each once");
    let base = ldap.groups();
    let (fair, _) = search(&url, bind, &["-b", &base, "(cn=fair)", "member"]).await?;
    assert_eq!(count(&fair, "member: "), 1_500);
    let searches = proxy.take_searches();
    assert_eq!(searches.len(), 4);
    assert_eq!(searches[1].attributes, ["member;range=1500-*"]);
    assert_eq!(proxy.binds(), 4);
    Ok(())
}

#[tokio::test]
async fn more_than_1000_entries_come_in_pages() -> io::Result<()> {
    let ldap = TestLdap::start()?;
    let proxy = LimitingProxy::before_slapd(&ldap).await;
    let people = ldap.people();
    let units = |numbers: std::ops::Range<u32>| -> String {
        let unit = |number| {
            format!("dn: ou={number},{people}\nobjectClass: organizationalUnit\nou: {number}\n\n")
        };
        numbers.map(unit).collect()
    };
    ldap.ldif(&units(0..1_000))?;
    let (url, dn) = (proxy.url(), ldap.service_dn());
    let bind = [dn.as_str(), ldap.service_password()];
    let ask = async |options: &[&str]| {
        let what = [
            "-b",
            &people,
            "-s",
            "one",
            "(objectClass=organizationalUnit)",
            "ou",
        ];
        search(&url, bind, &[options, &what].concat()).await
    };
    let (all, status) = ask(&[]).await?;
    assert_eq!((count(&all, "dn: "), status), (1_000, 0));
    ldap.ldif(&units(1_000..1_200))?;
    let (some, status) = ask(&[]).await?;
    assert_eq!((count(&some, "dn: "), status), (1_000, 4));
    proxy.take_searches();
    let (all, status) = ask(&["-E", "pr=1100/noprompt"]).await?;
    assert_eq!((count(&all, "dn: "), status), (1_200, 0));
    let searches = proxy.take_searches();
    assert_eq!(searches.len(), 2, "two pages");
    assert!(searches.iter().all(|search| search.is_paged));
    Ok(())
}

#[tokio::test]
async fn it_stands_before_a_domain() -> io::Result<()> {
    let Some(ad) = domain("limiting_proxy::it_stands_before_a_domain") else {
        return Ok(());
    };
    let proxy = LimitingProxy::before_domain(&ad).await;
    let name = "svc-web@AD.EXAMPLE.TEST";
    let bind = [name, TestActiveDirectory::PASSWORD];
    let what = ["-b", ad.base_dn(), "(sAMAccountName=alice)", "objectSid"];
    let (alice, status) = search(&proxy.url(), bind, &what).await?;
    assert_eq!(status, 0, "{alice}");
    assert_eq!(count(&alice, "objectSid:: "), 1, "{alice}");
    Ok(())
}
