//! Faults of the accounts of an Active Directory domain.

use tower_spnego::explain::{Cause, System};
use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};
use tower_spnego::{ErrorKind, PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, TicketDirectory};

use super::{KEYTAB, explains};
use crate::ntlm::NEGOTIATE;
use crate::refused_tokens::all_forms;
use crate::site::{SPN, Site, request, with_header};

fn domain(test: &str) -> Option<TestActiveDirectory> {
    let can_run = active_directory_or_skip(&format!("explanations::domain::{test}"));
    can_run.then(|| TestActiveDirectory::start().expect("a domain"))
}

fn layer(ad: &TestActiveDirectory) -> SpnegoLayerBuilder {
    SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .directory(PrincipalOnly)
}

/// What `setspn -D` and `samba-tool spn delete` do.
fn take_spn(ad: &TestActiveDirectory, account: &str) {
    let dn = ad.dn(account).expect("found");
    let change = "delete: servicePrincipalName\nservicePrincipalName";
    ad.ldif(&format!("dn: {dn}\nchangetype: modify\n{change}: {SPN}\n"))
        .expect("changed");
}

/// As whoever resets the password of an account does, in ignorance of its keytab.
fn set_password(ad: &TestActiveDirectory, account: &str) {
    let password = "--newpassword=Another horse 2";
    ad.samba_tool(["user", "setpassword", account, password])
        .expect("set");
}

#[tokio::test]
async fn an_spn_that_was_moved_to_another_account_is_explained_and_mended_as_it_says() {
    let test = "an_spn_that_was_moved_to_another_account_is_explained_and_mended_as_it_says";
    let Some(ad) = domain(test) else {
        return;
    };
    let keytab = ad.folder().join("moved.keytab");
    std::fs::copy(ad.keytab(), &keytab).expect("copies");
    let site = Site::new(layer(&ad).keytab(&keytab));
    take_spn(&ad, "svc-web");
    ad.add_service_account("svc-other", [SPN]).expect("added");
    let files = [(keytab.as_path(), KEYTAB)];
    for token in all_forms(&ad.ticket_cache("alice").expect("a ticket"), SPN) {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::WrongKey);
        explains(&answer, Cause::WrongKey, &files, "spn_on_another_account");
    }
    set_password(&ad, "svc-other");
    for token in all_forms(&ad.ticket_cache("alice").expect("a ticket"), SPN) {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::KeyMissing);
        explains(
            &answer,
            Cause::KvnoTooNew,
            &files,
            "spn_on_another_account_of_a_newer_key",
        );
    }
    // Samba's commands of the explanation: back on the one account, exported again.
    take_spn(&ad, "svc-other");
    ad.samba_tool(["spn", "add", SPN, "svc-web"])
        .expect("added");
    set_password(&ad, "svc-web");
    std::fs::remove_file(&keytab).expect("removes");
    let target = keytab.to_str().expect("text");
    let principal = format!("--principal={SPN}");
    ad.samba_tool(["domain", "exportkeytab", target, &principal])
        .expect("exports");
    let alice = ad.ticket_cache("alice").expect("a ticket");
    crate::wait::until("the new keytab is taken", async || {
        let token = alice.token(SPN).expect("a token");
        site.browser().get_with("/", &token).await.status == http::StatusCode::OK
    })
    .await;
}

/// Gives the SPN to an account with no look at the others, or takes it, as domains of older servers do,
/// and those that were told to (MS-ADTS section 6.1.1.2.4.1.2): Samba has no way to tell it.
fn behind_sambas_back(ad: &TestActiveDirectory, change: &str, account: &str) {
    const SCRIPT: &str = "import ldb, sys
change, file, dn, spn = sys.argv[1:]
entry = ldb.Message()
database = ldb.Ldb(file)
entry.dn = ldb.Dn(database, dn)
entry['spn'] = ldb.MessageElement(spn, getattr(ldb, change), 'servicePrincipalName')
database.modify(entry)";
    let file = ad
        .folder()
        .join("private/sam.ldb.d/DC=AD,DC=EXAMPLE,DC=TEST.ldb");
    let mut python = ad.command("/usr/bin/python3");
    python
        .args(["-c", SCRIPT, change])
        .arg(file)
        .arg(ad.dn(account).expect("found"))
        .arg(SPN);
    let output = python.output().expect("python3");
    assert!(output.status.success(), "{output:?}");
}

/// The KDC then knows neither: its clients have no ticket, and browsers send NTLM, whose explanation
/// has it among the five reasons.
#[tokio::test]
async fn an_spn_on_two_accounts_is_explained_by_the_ntlm_that_comes_for_want_of_a_ticket() {
    let test = "an_spn_on_two_accounts_is_explained_by_the_ntlm_that_comes_for_want_of_a_ticket";
    let Some(ad) = domain(test) else {
        return;
    };
    ad.add_service_account("svc-other", [""; 0]).expect("added");
    behind_sambas_back(&ad, "FLAG_MOD_ADD", "svc-other");
    let alice = || ad.ticket_cache("alice").expect("a ticket");
    let error = alice().token(SPN).expect_err("no ticket").to_string();
    assert!(error.contains("Server not found"), "{error}");
    let site = Site::new(layer(&ad));
    let ntlm = with_header(
        request("/"),
        "authorization",
        &format!("Negotiate {NEGOTIATE}"),
    );
    let answer = site.browser().send(ntlm).await;
    answer.is_rejected(ErrorKind::Ntlm);
    let error = answer.error.expect("an error");
    let why = error.explanation().expect("an explanation");
    assert_eq!(why.kind(), Cause::Ntlm);
    assert!(
        why.to_string().contains("the SPN is on two accounts"),
        "{why}"
    );
    // What it says to look with shows them both.
    let mends = why.mends();
    let look = mends.iter().find(|mend| mend.system() == System::Samba);
    let database = ad.folder().join("private/sam.ldb");
    let look = look.expect("a look").command();
    let look = look.replace(
        "/var/lib/samba/private/sam.ldb",
        database.to_str().expect("text"),
    );
    let output = ad
        .command("sh")
        .args(["-ec", &look])
        .output()
        .expect("runs");
    let found = String::from_utf8_lossy(&output.stdout);
    for account in ["sAMAccountName: svc-web", "sAMAccountName: svc-other"] {
        assert!(found.contains(account), "{look}: {found}");
    }
    // On one again, as the explanation has it.
    behind_sambas_back(&ad, "FLAG_MOD_DELETE", "svc-other");
    alice().token(SPN).expect("a token");
}

#[tokio::test]
async fn a_ticket_sealed_by_rc4_for_a_keytab_without_it_is_explained() {
    let test = "a_ticket_sealed_by_rc4_for_a_keytab_without_it_is_explained";
    let Some(ad) = domain(test) else {
        return;
    };
    let dn = ad.dn("svc-web").expect("found");
    ad.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\n\
         msDS-SupportedEncryptionTypes: 4\n"
    ))
    .expect("changed");
    let keytab = ad.keytab();
    let site = Site::new(layer(&ad));
    for token in all_forms(&ad.ticket_cache("alice").expect("a ticket"), SPN) {
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::KeyMissing);
        let files = [(keytab.as_path(), KEYTAB)];
        explains(&answer, Cause::EnctypeMissing, &files, "weak_enctype");
    }
}

#[tokio::test]
async fn a_ticket_whose_client_had_the_pac_left_out_is_explained() {
    let test = "a_ticket_whose_client_had_the_pac_left_out_is_explained";
    let Some(ad) = domain(test) else {
        return;
    };
    let alice = ad.ticket("alice").without_pac().get().expect("a ticket");
    let of_layer = Site::new(layer(&ad).require_pac());
    let of_directory = Site::new(layer(&ad).directory(TicketDirectory::new()));
    for site in [of_layer, of_directory] {
        let token = alice.token(SPN).expect("a token");
        let answer = site.browser().get_with("/", &token).await;
        answer.is_forbidden(ErrorKind::PacMissing);
        explains(&answer, Cause::PacMissing, &[], "pac_left_out");
    }
}
