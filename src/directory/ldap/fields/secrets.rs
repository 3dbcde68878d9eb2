//! Attributes that hold passwords or keys, which no session is the place for.

/// In lower case, and in order.
const SECRETS: [&str; 49] = [
    "authpassword",
    "currentvalue",
    "dbcspwd",
    "initialauthincoming",
    "initialauthoutgoing",
    "ipanthash",
    "ipapwdhistory",
    "ipatokenotpkey",
    "ipatokenradiussecret",
    "ipatokentotpwatermark",
    "krbextradata",
    "krbmkey",
    "krbprincipalkey",
    "krbpwdhistory",
    "lmhash",
    "lmpwdhistory",
    "ms-mcs-admpwd",
    "ms-mcs-admpwdhistory",
    "msds-executescriptpassword",
    "msds-managedpassword",
    "msds-managedpasswordpreviousid",
    "msfve-keypackage",
    "msfve-recoverypassword",
    "mslaps-encrypteddsrmpassword",
    "mslaps-encrypteddsrmpasswordhistory",
    "mslaps-encryptedpassword",
    "mslaps-encryptedpasswordhistory",
    "mslaps-password",
    "mspkiaccountcredentials",
    "mspkidpapimasterkeys",
    "nthash",
    "ntpwdhistory",
    "oathsecret",
    "olcrootpw",
    "passwordhistory",
    "pwdhistory",
    "sambacleartextpassword",
    "sambalmpassword",
    "sambantpassword",
    "sambapasswordhistory",
    "sambapreviouscleartextpassword",
    "sshprivatekey",
    "supplementalcredentials",
    "trustauthincoming",
    "trustauthoutgoing",
    "unicodepwd",
    "unixuserpassword",
    "userpassword",
    "userpkcs12",
];

/// Whether values of this attribute, whose options don't count, are secrets.
pub(in super::super) fn is_secret(description: &str) -> bool {
    let name = description.split(';').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    SECRETS.binary_search(&name.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_in_any_case_and_with_any_option() {
        assert!(SECRETS.is_sorted());
        for name in [
            "userPassword",
            "USERPASSWORD",
            "userPassword;x-old;lang-de",
            "unicodePwd",
            "ipaNTHash",
            "krbPrincipalKey",
            "ms-Mcs-AdmPwd",
            "msDS-ManagedPassword",
            "sambaNTPassword",
            "pwdHistory",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "",
            "mail",
            "pwdChangedTime",
            "userPasswordHint",
            ";userPassword",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
