//! The commands about a service's SPN and key, in each system's words.

use std::borrow::Cow;
use std::path::Path;

use super::mend::{Mend, System, here, mend};
use super::names::{for_commands, path_for_commands, spn_for_commands};
use crate::principal::Principal;

/// libkrb5's own, which has the machine's keys.
const SYSTEM_KEYTAB: &str = "/etc/krb5.keytab";

/// What a new key ends.
const NEW_KEY: &str = "this makes a new key: every other keytab with it ends";
const NEW_PASSWORD: &str =
    "this sets the account's password and UPN anew: every other keytab of it ends";

/// When an export is due for a file that has gone.
pub(crate) const NO_COPY: &str = "only if no copy is left";

/// The names in the commands, each fit to stand there.
pub(crate) struct Names {
    spn: String,
    realm: String,
    keytab: String,
    /// The keytab that is there is no place for the service's keys.
    is_withheld: bool,
}

impl Names {
    /// Of this SPN in this realm, which both may stand in a command.
    pub(crate) fn new(spn: Option<&str>, realm: Option<&str>, keytab: Option<&str>) -> Self {
        // The machine's own keytab is no place for a service's keys: whoever reads it has both.
        let is_withheld = keytab.is_some_and(|keytab| is_the_machines(Path::new(keytab)));
        let keytab = keytab.filter(|_| !is_withheld);
        Self {
            spn: spn.unwrap_or("HTTP/HOSTNAME").to_owned(),
            realm: realm.unwrap_or("REALM").to_owned(),
            keytab: keytab
                .and_then(path_for_commands)
                .unwrap_or("KEYTAB")
                .to_owned(),
            is_withheld,
        }
    }

    /// Where the keytab has these keys, too: one with another service's, such as `host/`, is not for
    /// the web server. A name of one component may be the account that has the SPN.
    pub(crate) fn beside<'a>(self, mut held: impl Iterator<Item = &'a Principal>) -> Self {
        let is_others = |held: &Principal| match held.components() {
            [service, _, ..] => service != "HTTP",
            _ => false,
        };
        match held.any(is_others) {
            true => self.withheld(),
            false => self,
        }
    }

    fn withheld(self) -> Self {
        Self {
            keytab: "KEYTAB".to_owned(),
            is_withheld: true,
            ..self
        }
    }

    /// The SPN's host.
    pub(super) fn host(&self) -> &str {
        self.spn.strip_prefix("HTTP/").unwrap_or("HOSTNAME")
    }

    /// Of the service itself.
    pub(crate) fn of(service: Option<&Principal>, keytab: Option<&str>) -> Self {
        let spn = service.and_then(|service| {
            let components: Vec<_> = service
                .components()
                .iter()
                .map(|one| one.as_bytes())
                .collect();
            spn_for_commands(&components)
        });
        let realm = service.and_then(|service| for_commands(service.realm()));
        Self::new(spn.as_deref(), realm, keytab)
    }

    /// The same name, in a realm that is not known.
    pub(super) fn in_some_realm(self) -> Self {
        Self {
            realm: "REALM".to_owned(),
            ..self
        }
    }

    /// Shows whether the keytab's file is there, and who may come to it.
    pub(super) fn show_file(&self) -> Mend {
        here(format!("namei -l {}", self.keytab))
    }

    fn ktpass(&self) -> Mend {
        let Self { spn, realm, .. } = self;
        mend(
            System::ActiveDirectory,
            format!(
                "ktpass /princ {spn}@{realm} /mapuser ACCOUNT /pass * /crypto AES256-SHA1 /ptype \
                 KRB5_NT_PRINCIPAL /out web.keytab"
            ),
        )
        .warns(NEW_PASSWORD)
    }

    /// Each takes the SPN's key as it is; only Active Directory gives none out.
    fn each_export(&self) -> [Mend; 4] {
        let Self { spn, keytab, .. } = self;
        [
            self.ktpass(),
            mend(
                System::Samba,
                format!("samba-tool domain exportkeytab {keytab} --principal={spn}"),
            ),
            mend(
                System::FreeIpa,
                format!("ipa-getkeytab -r -p {spn} -k {keytab}"),
            ),
            mend(
                System::Mit,
                format!("kadmin.local -q \"ktadd -norandkey -k {keytab} {spn}\""),
            ),
        ]
    }

    /// What root has made is root's.
    fn give(&self) -> Mend {
        let keytab = &self.keytab;
        here(format!("chown USER {keytab} && chmod 600 {keytab}")).only(match self.is_withheld {
            true => {
                "last, on the server, with a keytab of the service's own, named with .keytab(..)"
            }
            false => "last, on the server",
        })
    }

    /// Puts the SPN's current key into the keytab, where nothing else is left.
    pub(crate) fn export(&self, when: &'static str) -> Vec<Mend> {
        let mut mends = self.each_export().map(|export| export.only(when)).to_vec();
        mends.push(self.give());
        mends
    }

    /// Looks who has the SPN that was asked for, makes this one, and puts its key into the keytab.
    pub(crate) fn add(&self, asked: &Self) -> Vec<Mend> {
        let Self { spn, keytab, .. } = self;
        let add = [
            format!("setspn -S {spn} ACCOUNT"),
            format!("samba-tool spn add {spn} ACCOUNT"),
            // A service that is new has no key to be retrieved.
            format!("ipa service-add {spn} && ipa-getkeytab -p {spn} -k {keytab}"),
            format!("kadmin.local -q \"addprinc -randkey {spn}\""),
        ];
        let mut mends = Vec::new();
        for ((find, add), export) in asked.find().into_iter().zip(add).zip(self.each_export()) {
            let add = mend(find.system(), add).only("only if nobody has it");
            mends.extend([find, add, export.only("only if it is the site's")]);
        }
        mends.push(self.give());
        mends
    }

    /// Shows which account has the SPN.
    pub(crate) fn find(&self) -> Vec<Mend> {
        let spn = &self.spn;
        vec![
            mend(System::ActiveDirectory, format!("setspn -Q {spn}")),
            mend(System::Samba, self.ldbsearch("")),
            mend(System::FreeIpa, format!("ipa service-show {spn}")),
            self.getprinc(),
        ]
    }

    fn ldbsearch(&self, attribute: &str) -> String {
        let spn = &self.spn;
        format!(
            "ldbsearch -H /var/lib/samba/private/sam.ldb servicePrincipalName={spn} \
             sAMAccountName{attribute}"
        )
    }

    fn getprinc(&self) -> Mend {
        mend(System::Mit, format!("kadmin -q \"getprinc {}\"", self.spn))
    }

    /// Shows which account has the SPN, and the version of its key; then exports that.
    pub(crate) fn find_and_export(&self, when: impl Into<Cow<'static, str>>) -> Vec<Mend> {
        let Self { spn, .. } = self;
        let when = when.into();
        let [ad, samba, ipa, mit] = self.each_export().map(|export| export.only(when.clone()));
        vec![
            mend(System::ActiveDirectory, format!("setspn -Q {spn}")),
            mend(
                System::ActiveDirectory,
                "Get-ADUser ACCOUNT -Properties msDS-KeyVersionNumber,msDS-SupportedEncryptionTypes",
            ),
            ad,
            mend(
                System::Samba,
                self.ldbsearch(" msDS-KeyVersionNumber msDS-SupportedEncryptionTypes"),
            ),
            samba,
            mend(
                System::FreeIpa,
                format!("ipa service-show {spn} && kvno {spn}"),
            ),
            ipa,
            self.getprinc(),
            mit,
            self.give(),
        ]
    }

    /// Likewise, where the keytab has another key of the same version, which would count in the new
    /// one's stead. Anybody can make up a ticket that looks so: nothing is taken from the keytab before
    /// its copy has the new key.
    pub(crate) fn find_and_replace(&self) -> Vec<Mend> {
        let Self { spn, keytab, .. } = self;
        let mut mends = self
            .find_and_export("only if every client is refused so, and that is the site's account");
        if self.is_withheld {
            return mends;
        }
        let copy = Self {
            spn: spn.clone(),
            realm: self.realm.clone(),
            keytab: format!("{keytab}.new"),
            is_withheld: false,
        };
        let new = &copy.keytab;
        let exports = copy.each_export();
        for mend in mends.iter_mut().filter(|mend| mend.when().is_some()) {
            let (remove, check) = match mend.system() {
                System::FreeIpa => (format!("ipa-rmkeytab -p {spn} -k {new}"), String::new()),
                // kadmin.local's status says nothing of its query.
                System::Mit => (
                    format!("kadmin.local -q \"ktremove -k {new} {spn} all\""),
                    format!("klist -k {new} | grep -q ' {spn}@' && "),
                ),
                _ => continue,
            };
            if let Some(export) = exports.iter().find(|one| one.system() == mend.system()) {
                mend.runs(format!(
                    "cp -p {keytab} {new} && {remove} && {} && {check}mv {new} {keytab}",
                    export.command()
                ));
            }
        }
        mends
    }

    /// Has the KDC seal the service's tickets with AES, once it is seen that it does not; with an
    /// export, where the keytab has no such key.
    pub(crate) fn use_aes(&self, exports: bool) -> Vec<Mend> {
        const TYPES: &str = "msDS-SupportedEncryptionTypes";
        let Self { spn, keytab, .. } = self;
        let [ktpass, exportkeytab, ..] = self.each_export();
        let no_aes = "only if that has no AES, which is 8 and 16";
        let has_aes = "once it has AES";
        let weak_first = "only if a weak type comes first";
        let mut mends = vec![
            mend(System::ActiveDirectory, format!("setspn -Q {spn}")),
            mend(
                System::ActiveDirectory,
                format!("Get-ADUser ACCOUNT -Properties {TYPES}"),
            ),
            mend(
                System::ActiveDirectory,
                "Set-ADUser ACCOUNT -KerberosEncryptionType AES128,AES256",
            )
            .only(no_aes),
        ];
        mends.extend(exports.then_some(ktpass.only(has_aes)));
        mends.push(mend(System::Samba, self.ldbsearch(&format!(" {TYPES}"))));
        mends.push(mend(System::Samba, "net ads enctypes set ACCOUNT 24").only(no_aes));
        mends.extend(exports.then_some(exportkeytab.only(has_aes)));
        let new_key = |system, command| mend(system, command).only(weak_first).warns(NEW_KEY);
        mends.extend([
            mend(System::FreeIpa, format!("kvno {spn} && klist -e")),
            new_key(
                System::FreeIpa,
                format!("ipa-getkeytab -p {spn} -k {keytab}"),
            ),
            self.getprinc(),
            new_key(
                System::Mit,
                format!("kadmin.local -q \"ktadd -k {keytab} {spn}\""),
            ),
            self.give(),
        ]);
        mends
    }

    /// Has the KDC put a PAC into the service's tickets.
    pub(super) fn want_pac(&self) -> Vec<Mend> {
        let spn = &self.spn;
        vec![
            mend(
                System::ActiveDirectory,
                "Get-ADUser ACCOUNT -Properties userAccountControl | % { Set-ADUser $_ -Replace \
                 @{userAccountControl = $_.userAccountControl -band -bnot 0x2000000} }",
            ),
            mend(
                System::Samba,
                "samba-tool user edit ACCOUNT # take 33554432 off userAccountControl",
            ),
            mend(
                System::FreeIpa,
                format!("ipa service-mod {spn} --pac-type=MS-PAC"),
            ),
            mend(
                System::Mit,
                format!("kadmin -q \"modprinc -no_auth_data_required {spn}\""),
            ),
        ]
    }

    /// Shows on a client whether it gets a ticket.
    pub(crate) fn try_ticket(&self) -> Vec<Mend> {
        let Self { spn, .. } = self;
        vec![
            mend(System::Windows, format!("klist get {spn}")),
            mend(System::Linux, format!("kvno {spn}")),
        ]
    }
}

/// Whether it is the keytab with the machine's own keys.
pub(crate) fn is_the_machines(keytab: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    place(keytab) == place(Path::new(SYSTEM_KEYTAB))
}
