//! The Privilege Attribute Certificate (MS-PAC): what a ticket of Active Directory says about its
//! client besides the name, read without I/O from the buffers that MIT Kerberos hands out as
//! attributes of the client's name.
//!
//! # What the acceptor knows of it
//!
//! A PAC carries up to four signatures (MS-PAC section 2.8), of which an acceptor can check one:
//!
//! - the *server signature* (2.8.1) over the whole PAC, by the service's own key. MIT Kerberos checks
//!   it, and that the name and the time in PAC_CLIENT_INFO (2.7) are the ticket's (`mspac_verify` in
//!   `lib/krb5/krb/pac.c`, 1.20). Of a PAC that fails, MIT hands out no attribute
//!   (`mspac_get_attribute`), but the sign-in goes on: to an acceptor such a ticket is one without a
//!   PAC. So *authenticated* means that somebody with the service's key wrote it: the KDC, or a
//!   program that can read our keytab, which could make up the whole ticket just as well.
//! - the *KDC signature* (2.8.2), the *ticket signature* (2.8.3), which keeps a PAC from being moved
//!   to another ticket, and the *extended KDC signature* (2.8.4) are by the key of krbtgt, so that
//!   only the KDC can check them. A server that is no member of the domain has no way to ask it
//!   (PAC validation of MS-APDS goes over netlogon).
//!
//! A client can ask for a ticket without a PAC, so that its absence says nothing.
//!
//! # Which buffers a service sees
//!
//! MIT 1.20 has names for KERB_VALIDATION_INFO and UPN_DNS_INFO. It has none for PAC_REQUESTOR (2.15)
//! and PAC_ATTRIBUTES_INFO (2.14), whose numbers it takes instead, and which KDCs put into TGTs alone.
//! The latter says only whether the client asked for a PAC, and is not read. MIT's own KDC issues
//! PACs with neither of the first two.

mod ndr;

use std::ffi::CStr;
use std::time::SystemTime;

use self::ndr::{Array, Ndr, utf16};
use crate::filetime;
use crate::sid::{Sid, SidError};

/// The attributes' names in MIT Kerberos. It reads a number to the terminating zero, whatever length
/// it is told.
pub(crate) const LOGON_INFO: &CStr = c"urn:mspac:logon-info";
pub(crate) const UPN_DNS_INFO: &CStr = c"urn:mspac:upn-dns-info";
pub(crate) const REQUESTOR: &CStr = c"urn:mspac:18";

// UserFlags of KERB_VALIDATION_INFO (MS-PAC section 2.5).
const LOGON_EXTRA_SIDS: u32 = 0x20;
const LOGON_RESOURCE_GROUPS: u32 = 0x200;

// Attributes of a group (MS-PAC section 2.2.1), and one of Windows' (SID_AND_ATTRIBUTES).
const SE_GROUP_ENABLED: u32 = 0x4;
const SE_GROUP_USE_FOR_DENY_ONLY: u32 = 0x10;

/// UPN_DNS_INFO has a SAM name and a SID (MS-PAC section 2.10).
const UPN_DNS_HAS_SAM_NAME_AND_SID: u32 = 0x2;

/// The buffers of one PAC, each as MIT hands it out, marked as authenticated.
#[derive(Clone, Copy)]
pub(crate) struct Buffers<'a> {
    pub(crate) logon_info: &'a [u8],
    pub(crate) upn_dns_info: Option<&'a [u8]>,
    pub(crate) requestor: Option<&'a [u8]>,
}

/// Who a ticket's client is, by the word of the KDC that issued it: what its PAC (Privilege Attribute
/// Certificate, MS-PAC) says. Active Directory and Samba put one into tickets, unless the client asks
/// them to leave it out; MIT Kerberos's own has nothing of this in it.
///
/// The name in a ticket is the client's choice on Active Directory; this is not. Its texts are the
/// domain's, and not checked for characters that deceive, but for the account of an
/// [`Initiator`](crate::Initiator).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pac {
    sid: Sid,
    account: String,
    domain: String,
    dns_domain: Option<String>,
    upn: Option<String>,
    groups: Vec<Sid>,
    deny_only: Vec<Sid>,
    primary_group_rid: u32,
    flags: AccountFlags,
    logon: Option<SystemTime>,
    logoff: Option<SystemTime>,
    kick_off: Option<SystemTime>,
    password_last_set: Option<SystemTime>,
    password_can_change: Option<SystemTime>,
    password_must_change: Option<SystemTime>,
}

impl Pac {
    /// The user's SID, which no renaming changes.
    pub fn sid(&self) -> Sid {
        self.sid
    }

    /// The account's name (`sAMAccountName`), in the domain's spelling; never empty.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The domain's NetBIOS name, such as `CORP`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The domain's DNS name, where the KDC says it.
    pub fn dns_domain(&self) -> Option<&str> {
        self.dns_domain.as_deref()
    }

    /// The user principal name; where the account has none set, the one that is implied.
    pub fn upn(&self) -> Option<&str> {
        self.upn.as_deref()
    }

    /// The groups that the client is in, nested ones too, sorted, each once: of its domain (the
    /// primary group among them), of other domains, of the service's domain, and such as `S-1-18-1`,
    /// which are no domain's. With SID history, one of them may be a user's.
    pub fn groups(&self) -> &[Sid] {
        &self.groups
    }

    /// Groups that grant nothing and may still deny: those marked so, and those not enabled. Windows
    /// matches the first kind with denying entries alone; a rule that denies a group should match
    /// both kinds, one that requires it neither.
    pub fn deny_only_groups(&self) -> &[Sid] {
        &self.deny_only
    }

    /// The primary group's relative identifier (RID) in the client's own domain.
    pub fn primary_group_rid(&self) -> u32 {
        self.primary_group_rid
    }

    /// Whether the account is a computer's or a trusted domain's.
    pub fn is_machine(&self) -> bool {
        self.flags.is_machine() || self.account.ends_with('$')
    }

    /// Whether the account was disabled when the ticket was issued.
    pub fn is_disabled(&self) -> bool {
        self.flags.is_disabled()
    }

    /// When the person signed in to the domain.
    pub fn logon(&self) -> Option<SystemTime> {
        self.logon
    }

    /// When the logon hours end, or the account expires.
    pub fn logoff(&self) -> Option<SystemTime> {
        self.logoff
    }

    /// When the client's sessions are to be ended by force.
    pub fn kick_off(&self) -> Option<SystemTime> {
        self.kick_off
    }

    /// When the password was last set.
    pub fn password_last_set(&self) -> Option<SystemTime> {
        self.password_last_set
    }

    /// From when on the password can be changed.
    pub fn password_can_change(&self) -> Option<SystemTime> {
        self.password_can_change
    }

    /// When the password must be changed.
    pub fn password_must_change(&self) -> Option<SystemTime> {
        self.password_must_change
    }

    /// Whether both say the same of the same person. Times differ from one sign-in to the domain to
    /// the next.
    pub(crate) fn differs_in_times_alone(&self, other: &Self) -> bool {
        // Taken apart, so that nothing that is added here is forgotten.
        let Self {
            sid,
            account,
            domain,
            dns_domain,
            upn,
            groups,
            deny_only,
            primary_group_rid,
            flags,
            logon: _,
            logoff: _,
            kick_off: _,
            password_last_set: _,
            password_can_change: _,
            password_must_change: _,
        } = self;
        *sid == other.sid
            && *account == other.account
            && *domain == other.domain
            && *dns_domain == other.dns_domain
            && *upn == other.upn
            && *primary_group_rid == other.primary_group_rid
            && *flags == other.flags
            && *deny_only == other.deny_only
            && *groups == other.groups
    }
}

/// UserAccountControl, in the bits of SAMR (MS-SAMR section 2.2.1.12), which are not those of LDAP's
/// `userAccountControl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AccountFlags(u32);

impl AccountFlags {
    const DISABLED: u32 = 0x1;
    /// Trusted domain, workstation and domain controller.
    const MACHINES: u32 = 0x40 | 0x80 | 0x100;

    fn is_disabled(self) -> bool {
        self.0 & Self::DISABLED != 0
    }

    fn is_machine(self) -> bool {
        self.0 & Self::MACHINES != 0
    }
}

/// Why a PAC can't be read, or is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacError {
    #[error("the PAC's KERB_VALIDATION_INFO: {0}")]
    LogonInfo(Defect),
    #[error("the PAC's UPN_DNS_INFO: {0}")]
    UpnDnsInfo(Defect),
    #[error("the PAC's PAC_REQUESTOR is no SID")]
    Requestor,
    #[error("the PAC's buffers name several users")]
    SidsDiffer,
    #[error("the PAC's buffers name several accounts")]
    AccountsDiffer,
}

/// What is wrong with a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    #[error("it is cut off, or claims more than it holds")]
    CutOff,
    #[error("it goes on after its end")]
    Trailing,
    #[error("it is not NDR of version 1, little-endian")]
    Header,
    #[error("a pointer to something needed is null")]
    NullPointer,
    #[error("two counts of one array differ")]
    Count,
    #[error("a string's length is odd, or beyond its maximum")]
    StringLength,
    #[error("a string is not UTF-16")]
    Utf16,
    #[error("a SID is none, or is too long to be a domain's")]
    Sid,
    #[error("it has SIDs or groups that its flags deny")]
    Unflagged,
    #[error("it names no account")]
    NoAccount,
    #[error("an offset points into the header, or out of the buffer")]
    Offset,
}

impl From<SidError> for Defect {
    fn from(_: SidError) -> Self {
        Self::Sid
    }
}

#[cfg(test)]
impl Pac {
    /// What a KDC says of a user of the domain `CORP`.
    pub(crate) fn of(account: &str, sid: Sid, groups: impl IntoIterator<Item = Sid>) -> Self {
        Self {
            sid,
            account: account.to_owned(),
            domain: "CORP".to_owned(),
            dns_domain: None,
            upn: None,
            groups: groups.into_iter().collect(),
            deny_only: Vec::new(),
            primary_group_rid: 513,
            flags: AccountFlags(0x10),
            logon: None,
            logoff: None,
            kick_off: None,
            password_last_set: None,
            password_can_change: None,
            password_must_change: None,
        }
    }

    /// The same user after another sign-in to the domain.
    pub(crate) fn after_logon_at(mut self, time: SystemTime) -> Self {
        self.logon = Some(time);
        self
    }
}

impl Pac {
    /// Reads the buffers, and holds them against each other.
    pub(crate) fn read(buffers: &Buffers<'_>) -> Result<Self, PacError> {
        let mut pac = logon_info(buffers.logon_info).map_err(PacError::LogonInfo)?;
        if let Some(buffer) = buffers.upn_dns_info {
            let info = UpnDnsInfo::read(buffer).map_err(PacError::UpnDnsInfo)?;
            if info.sid.is_some_and(|sid| sid != pac.sid) {
                return Err(PacError::SidsDiffer);
            }
            if info.account.is_some_and(|account| account != pac.account) {
                return Err(PacError::AccountsDiffer);
            }
            pac.upn = info.upn;
            pac.dns_domain = info.dns_domain;
        }
        if let Some(buffer) = buffers.requestor {
            let sid = Sid::from_bytes(buffer).map_err(|_| PacError::Requestor)?;
            if sid != pac.sid {
                return Err(PacError::SidsDiffer);
            }
        }
        Ok(pac)
    }
}

/// KERB_VALIDATION_INFO (MS-PAC section 2.5).
fn logon_info(buffer: &[u8]) -> Result<Pac, Defect> {
    let mut ndr = Ndr::open(buffer)?;

    let logon = filetime::read(ndr.filetime()?);
    let logoff = filetime::read(ndr.filetime()?);
    let kick_off = filetime::read(ndr.filetime()?);
    let password_last_set = filetime::read(ndr.filetime()?);
    let password_can_change = filetime::read(ndr.filetime()?);
    let password_must_change = filetime::read(ndr.filetime()?);
    let effective_name = ndr.unicode_string()?;
    // FullName, LogonScript, ProfilePath, HomeDirectory, HomeDirectoryDrive.
    let unread = [
        ndr.unicode_string()?,
        ndr.unicode_string()?,
        ndr.unicode_string()?,
        ndr.unicode_string()?,
        ndr.unicode_string()?,
    ];
    let _logon_and_bad_password_counts = ndr.u32()?;
    let user_id = ndr.u32()?;
    let primary_group_rid = ndr.u32()?;
    let group_ids = ndr.array_of()?;
    let user_flags = ndr.u32()?;
    let user_session_key = 16;
    ndr.skip(user_session_key)?;
    let logon_server = ndr.unicode_string()?;
    let logon_domain_name = ndr.unicode_string()?;
    let logon_domain_id = ndr.pointer()?;
    let reserved1 = 8;
    ndr.skip(reserved1)?;
    let flags = AccountFlags(ndr.u32()?);
    // SubAuthStatus, LastSuccessfulILogon, LastFailedILogon, FailedILogonCount, Reserved3.
    let interactive_logons = 4 + 8 + 8 + 4 + 4;
    ndr.skip(interactive_logons)?;
    let extra_sids = ndr.array_of()?;
    let resource_group_domain_sid = ndr.pointer()?;
    let resource_group_ids = ndr.array_of()?;

    let denied = |array: Array, flag: u32| array.count > 0 && user_flags & flag == 0;
    if denied(extra_sids, LOGON_EXTRA_SIDS) || denied(resource_group_ids, LOGON_RESOURCE_GROUPS) {
        return Err(Defect::Unflagged);
    }

    let account = ndr.text(effective_name)?;
    if account.is_empty() {
        return Err(Defect::NoAccount);
    }
    for string in unread {
        ndr.skip_text(string)?;
    }
    let domain_groups = memberships(&mut ndr, group_ids)?;
    ndr.skip_text(logon_server)?;
    let domain = ndr.text(logon_domain_name)?;
    let domain_sid = ndr.sid(logon_domain_id)?;
    let extra_sids = sids_and_attributes(&mut ndr, extra_sids)?;
    let resource_domain = match resource_group_domain_sid.is_null() {
        true => None,
        false => Some(ndr.sid(resource_group_domain_sid)?),
    };
    let resource_groups = memberships(&mut ndr, resource_group_ids)?;
    ndr.close()?;

    let (sid, extra_sids) = match (user_id, extra_sids.as_slice()) {
        // Somebody of another domain than that of the groups.
        (0, [(sid, _), others @ ..]) => (*sid, others),
        (0, []) => return Err(Defect::NoAccount),
        (rid, all) => (domain_sid.with_rid(rid)?, all),
    };
    let mut groups = Groups::default();
    for &(rid, attributes) in &domain_groups {
        groups.add(domain_sid.with_rid(rid)?, attributes);
    }
    if !domain_groups
        .iter()
        .any(|(rid, _)| *rid == primary_group_rid)
        && primary_group_rid != 0
    {
        groups.add(domain_sid.with_rid(primary_group_rid)?, SE_GROUP_ENABLED);
    }
    for &(sid, attributes) in extra_sids {
        groups.add(sid, attributes);
    }
    for (rid, attributes) in resource_groups {
        let domain = resource_domain.ok_or(Defect::NullPointer)?;
        groups.add(domain.with_rid(rid)?, attributes);
    }
    let Groups { granting, denying } = groups.sorted();
    Ok(Pac {
        sid,
        account,
        domain,
        dns_domain: None,
        upn: None,
        groups: granting,
        deny_only: denying,
        primary_group_rid,
        flags,
        logon,
        logoff,
        kick_off,
        password_last_set,
        password_can_change,
        password_must_change,
    })
}

/// GROUP_MEMBERSHIP (MS-PAC section 2.2.2): RIDs and attributes.
fn memberships(ndr: &mut Ndr<'_>, array: Array) -> Result<Vec<(u32, u32)>, Defect> {
    let count = ndr.elements(array, 8)?;
    (0..count).map(|_| Ok((ndr.u32()?, ndr.u32()?))).collect()
}

/// KERB_SID_AND_ATTRIBUTES (MS-PAC section 2.2.1): the array, then the SIDs that it points to.
fn sids_and_attributes(ndr: &mut Ndr<'_>, array: Array) -> Result<Vec<(Sid, u32)>, Defect> {
    let count = ndr.elements(array, 8)?;
    let mut pointers = Vec::with_capacity(count);
    for _ in 0..count {
        pointers.push((ndr.pointer()?, ndr.u32()?));
    }
    pointers
        .into_iter()
        .map(|(pointer, attributes)| Ok((ndr.sid(pointer)?, attributes)))
        .collect()
}

#[derive(Default)]
struct Groups {
    granting: Vec<Sid>,
    denying: Vec<Sid>,
}

impl Groups {
    fn add(&mut self, sid: Sid, attributes: u32) {
        let grants =
            attributes & SE_GROUP_ENABLED != 0 && attributes & SE_GROUP_USE_FOR_DENY_ONLY == 0;
        match grants {
            true => self.granting.push(sid),
            false => self.denying.push(sid),
        }
    }

    fn sorted(mut self) -> Self {
        for sids in [&mut self.granting, &mut self.denying] {
            sids.sort_unstable();
            sids.dedup();
        }
        self
    }
}

/// UPN_DNS_INFO (MS-PAC section 2.10): no NDR, but lengths and offsets.
struct UpnDnsInfo {
    upn: Option<String>,
    dns_domain: Option<String>,
    account: Option<String>,
    sid: Option<Sid>,
}

impl UpnDnsInfo {
    fn read(buffer: &[u8]) -> Result<Self, Defect> {
        let (&[u0, u1, u2, u3, d0, d1, d2, d3, f0, f1, f2, f3], rest) =
            buffer.split_first_chunk().ok_or(Defect::CutOff)?;
        let flags = u32::from_le_bytes([f0, f1, f2, f3]);
        let extension = match flags & UPN_DNS_HAS_SAM_NAME_AND_SID {
            0 => None,
            _ => Some(rest.first_chunk::<8>().ok_or(Defect::CutOff)?),
        };
        let header = if extension.is_some() { 20 } else { 12 };
        let part = |length: [u8; 2], offset: [u8; 2]| {
            let length = usize::from(u16::from_le_bytes(length));
            let offset = usize::from(u16::from_le_bytes(offset));
            match (length, offset) {
                (0, _) => Ok(None),
                (_, offset) if offset < header => Err(Defect::Offset),
                _ => buffer
                    .get(offset..offset + length)
                    .map(Some)
                    .ok_or(Defect::Offset),
            }
        };
        let text = |length, offset| part(length, offset)?.map(utf16).transpose();
        let (account, sid) = match extension {
            None => (None, None),
            Some(&[s0, s1, s2, s3, i0, i1, i2, i3]) => {
                let account = text([s0, s1], [s2, s3])?.ok_or(Defect::NoAccount)?;
                let sid = part([i0, i1], [i2, i3])?.ok_or(Defect::NoAccount)?;
                (Some(account), Some(Sid::from_bytes(sid)?))
            }
        };
        Ok(Self {
            upn: text([u0, u1], [u2, u3])?,
            dns_domain: text([d0, d1], [d2, d3])?,
            account,
            sid,
        })
    }
}

#[cfg(test)]
mod tests;
