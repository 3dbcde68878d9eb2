//! The only unsafe code: GSSAPI's acceptor, the initiators that ask a KDC about a password or with a
//! keytab, and the little of libkrb5 that GSSAPI does not offer, each behind a handle that frees what
//! it holds.
//!
//! libgssapi's `ServerCtx` is not used: it drops the reject token and takes every forwarded ticket.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::ptr;
use std::time::Duration;
#[cfg(feature = "doctor")]
use std::time::SystemTime;

use libgssapi_sys as gss;
use secrecy::zeroize::Zeroizing;

use super::krb_cred::{self, KrbCred};
use super::pac;
use crate::token;

/// 1.2.840.113554.1.2.2 (RFC 4121 section 1).
const KRB5: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/// 1.3.6.1.5.5.2 (RFC 4178 section 3).
const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
/// 1.2.840.113554.1.2.2.1, the name type of Kerberos principals (RFC 1964 section 2.1.1).
const KRB5_PRINCIPAL: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";
/// 1.2.840.113554.1.2.2.5.12, MIT's attribute of a context for the ticket's authtime.
const KRB5_AUTHTIME: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0c";

/// Where a major status keeps its calling error and its routine error (RFC 2744 section 3.9.1).
const CALLING_ERROR: u32 = 0xff00_0000;
const ROUTINE_ERROR: u32 = 0x00ff_0000;

/// From where libkrb5 counts the codes of KRB-ERROR (`ERROR_TABLE_BASE_krb5` of krb5.h).
pub(super) const KRB5_ERRORS: i32 = -1_765_328_384;

/// A credential. Not `Send`: each accept thread acquires its own.
pub(super) struct Credential(gss::gss_cred_id_t);

impl Credential {
    /// Acquires the credential of exactly this Kerberos principal from this keytab, for krb5 alone,
    /// bare or inside SPNEGO. The error is GSSAPI's text.
    pub(super) fn acceptor(
        principal: &str,
        keytab: &str,
        replay_cache: &str,
    ) -> Result<Self, String> {
        let name = Name::import(principal)?;
        let store = [(c"keytab", keytab), (c"rcache", replay_cache)];
        let acquire = |mechanisms: &[&'static [u8]]| {
            acquire(&name, gss::GSS_C_ACCEPT, mechanisms, &store).map_err(|refusal| refusal.text)
        };
        let both = acquire(&[KRB5, SPNEGO])?;
        if !both.mechanisms.contains(KRB5) {
            // Some other mechanism of SPNEGO's, such as an NTLM plug-in, was enough for GSSAPI;
            // asked for krb5 alone it says what is wrong.
            acquire(&[KRB5])?;
            return Err("GSSAPI gives no Kerberos credential for it".to_owned());
        }
        both.credential.negotiating_krb5()
    }

    /// Keeps SPNEGO from negotiating anything but krb5, such as an NTLM plug-in.
    fn negotiating_krb5(self) -> Result<Self, String> {
        let mut krb5 = [oid(KRB5)];
        let mut set = oid_set(&mut krb5);
        let mut minor = 0;
        // SAFETY: the credential is live, and the set lives through the call, which copies it.
        let major = unsafe { gss::gss_set_neg_mechs(&mut minor, self.0, &mut set) };
        failed(major, minor).map_or(Ok(self), Err)
    }
}

impl Credential {
    /// Asks the KDC for tickets of this Kerberos principal by its password, for krb5 alone. They
    /// are in a cache in memory that goes with the credential.
    pub(super) fn of_password(client: &str, password: &[u8]) -> Result<Self, Refusal> {
        let name = Name::import(client).map_err(|text| Refusal::new(0, 0, text))?;
        let mut password = buffer_of(password);
        let mut krb5 = [oid(KRB5)];
        let mut wanted = oid_set(&mut krb5);
        let mut credential = Self(ptr::null_mut());
        let mut minor = 0;
        // SAFETY: name, password and mechanisms live through the call, which only reads them; the
        // credential is an owned handle that starts out null.
        let major = unsafe {
            gss::gss_acquire_cred_with_password(
                &mut minor,
                name.0,
                &mut password,
                gss::_GSS_C_INDEFINITE,
                &mut wanted,
                gss::GSS_C_INITIATE as gss::gss_cred_usage_t,
                &mut credential.0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        match failed(major, minor) {
            Some(text) => Err(Refusal::new(major, minor, text)),
            None => Ok(credential),
        }
    }

    /// A Kerberos token for this service, bound to these application data and with no proof asked
    /// for. It asks the KDC for the service's ticket.
    pub(super) fn token_for(
        &self,
        service: &str,
        channel_binding: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let service = Name::import(service).map_err(|text| Refusal::new(0, 0, text))?;
        let mut bindings = channel_bindings(channel_binding);
        let mut context = Context::new();
        let mut krb5 = oid(KRB5);
        let mut output = Buffer::empty();
        let mut minor = 0;
        // SAFETY: credential and name are live, bindings and mechanism live through the call, which
        // only reads them; context and output are owned handles that start out empty.
        let major = unsafe {
            gss::gss_init_sec_context(
                &mut minor,
                self.0,
                &mut context.0,
                service.0,
                &mut krb5,
                0,
                0,
                &mut bindings,
                ptr::null_mut(),
                ptr::null_mut(),
                &mut output.0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        match failed(major, minor) {
            Some(text) => Err(Refusal::new(major, minor, text)),
            None => Ok(output.bytes().to_vec()),
        }
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the handle is ours alone, and released once; null is allowed.
        unsafe { gss::gss_release_cred(&mut minor, &mut self.0) };
    }
}

/// A client's credential out of a ticket cache such as `FILE:/tmp/cache`, with no environment
/// variable. The error is GSSAPI's text.
#[cfg(feature = "testing")]
pub(crate) fn initiator_credential(ccache: &str) -> Result<libgssapi::credential::Cred, String> {
    let acquired = acquire(
        &Name(ptr::null_mut()),
        gss::GSS_C_INITIATE,
        &[KRB5, SPNEGO],
        &[(c"ccache", ccache)],
    )
    .map_err(|refusal| refusal.text)?;
    let credential = std::mem::ManuallyDrop::new(acquired.credential.negotiating_krb5()?);
    // SAFETY: `ManuallyDrop` keeps our handle from being released, so `Cred` is its sole owner.
    Ok(unsafe { libgssapi::credential::Cred::from_c(credential.0) })
}

/// Whether GSSAPI has this mechanism, by a plug-in, say.
#[cfg(feature = "doctor")]
pub(super) fn has_mechanism(mechanism: &'static [u8]) -> bool {
    let mut all = Mechanisms(ptr::null_mut());
    let mut minor = 0;
    // SAFETY: the output is an owned handle that starts out null.
    let major = unsafe { gss::gss_indicate_mechs(&mut minor, &mut all.0) };
    failed(major, minor).is_none() && all.contains(mechanism)
}

struct Acquired {
    credential: Credential,
    mechanisms: Mechanisms,
}

fn acquire(
    name: &Name,
    usage: u32,
    mechanisms: &[&'static [u8]],
    store: &[(&CStr, &str)],
) -> Result<Acquired, Refusal> {
    let values = store
        .iter()
        .map(|(_, value)| CString::new(*value))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Refusal::new(0, 0, "a path has a NUL byte"))?;
    let mut elements: Vec<_> = store
        .iter()
        .zip(&values)
        .map(|((key, _), value)| gss::gss_key_value_element_desc {
            key: key.as_ptr(),
            value: value.as_ptr(),
        })
        .collect();
    let store = gss::gss_key_value_set_desc {
        count: elements.len() as u32,
        elements: elements.as_mut_ptr(),
    };
    let mut wanted: Vec<_> = mechanisms.iter().map(|mech| oid(mech)).collect();
    let mut wanted = oid_set(&mut wanted);
    let mut credential = Credential(ptr::null_mut());
    let mut actual = Mechanisms(ptr::null_mut());
    let mut minor = 0;
    // SAFETY: name, mechanisms and store live through the call; the two outputs are owned handles
    // that start out null.
    let major = unsafe {
        gss::gss_acquire_cred_from(
            &mut minor,
            name.0,
            gss::_GSS_C_INDEFINITE,
            &mut wanted,
            usage as gss::gss_cred_usage_t,
            &store,
            &mut credential.0,
            &mut actual.0,
            ptr::null_mut(),
        )
    };
    match failed(major, minor) {
        Some(text) => Err(Refusal::new(major, minor, text)),
        None => Ok(Acquired {
            credential,
            mechanisms: actual,
        }),
    }
}

/// A security context.
pub(super) struct Context(gss::gss_ctx_id_t);

// SAFETY: MIT's contexts are bound to no thread; one that moves is used by one thread at a time,
// for every method takes `&mut self`.
unsafe impl Send for Context {}

/// What an accept step asks and gives besides the token.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms<'a> {
    /// The application data of our channel binding (RFC 2743 section 1.1.6).
    pub(super) channel_binding: Option<&'a [u8]>,
    /// Whether krb5.conf's `auth_to_local` is to name the client.
    pub(super) local_name: bool,
    /// Whether a forwarded ticket is taken.
    pub(super) delegation: bool,
    /// Whether the ticket's PAC is handed out.
    pub(super) pac: bool,
}

/// What one accept step came to.
pub(super) struct Step {
    pub(super) outcome: Outcome,
    /// What goes back to the client: the final token, the next one, or the reject token.
    pub(super) reply: Vec<u8>,
}

pub(super) enum Outcome {
    Complete(Client),
    Continue,
    Refused(Refusal),
}

pub(super) struct Refusal {
    /// RFC 2744 section 3.9.1, shifted down.
    pub(super) routine_error: u32,
    /// The mechanism's own code; of SPNEGO's it says nothing.
    pub(super) minor: u32,
    /// GSSAPI's text.
    pub(super) text: String,
}

impl Refusal {
    fn new(major: u32, minor: u32, text: impl Into<String>) -> Self {
        Self {
            routine_error: (major & ROUTINE_ERROR) >> 16,
            minor,
            text: text.into(),
        }
    }
}

/// The client of a completed Kerberos context.
pub(super) struct Client {
    /// The principal as MIT prints it, escaped.
    pub(super) name: String,
    pub(super) anonymous: bool,
    /// How long the context lives: to the ticket's end and the clock skew beyond it.
    pub(super) lifetime: Option<Duration>,
    /// The ticket's authtime in seconds since 1970.
    pub(super) authtime: Option<u32>,
    /// The client knows our channel binding.
    pub(super) is_bound: bool,
    /// What `auth_to_local` makes of the name, if asked, and if it makes something of it.
    pub(super) local_name: Option<String>,
    /// The client's own ticket, forwarded to us, if asked.
    pub(super) delegated: Option<Delegated>,
    /// What the ticket's PAC holds, if asked and there is one; or GSSAPI's text.
    pub(super) pac: Result<Option<PacBuffers>, String>,
}

/// A PAC's buffers, marked authenticated.
pub(super) struct PacBuffers {
    pub(super) logon_info: Vec<u8>,
    pub(super) upn_dns_info: Option<Vec<u8>>,
    pub(super) requestor: Option<Vec<u8>>,
}

/// A client's credential that it forwarded to us.
pub(super) struct Delegated(Credential);

// SAFETY: MIT's credentials are bound to no thread.
unsafe impl Send for Delegated {}
// SAFETY: it is used by value alone; a shared one can do nothing.
unsafe impl Sync for Delegated {}

impl Delegated {
    /// Writes it into this ticket cache, such as `FILE:/path`, and tells how long it lives, where
    /// GSSAPI knows. A file is made anew, with `O_EXCL` and mode 0600. The error is GSSAPI's text.
    pub(super) fn store(self, ccache: &CStr) -> Result<Option<Duration>, String> {
        const OVERWRITE: gss::OM_uint32 = 1;
        const NOT_AS_DEFAULT: gss::OM_uint32 = 0;
        let mut element = gss::gss_key_value_element_desc {
            key: c"ccache".as_ptr(),
            value: ccache.as_ptr(),
        };
        let store = gss::gss_key_value_set_desc {
            count: 1,
            elements: &raw mut element,
        };
        let mut krb5 = oid(KRB5);
        let mut minor = 0;
        // SAFETY: the credential is live; mechanism and store live through the call; what it could
        // tell besides is not asked for.
        let major = unsafe {
            gss::gss_store_cred_into(
                &mut minor,
                self.0.0,
                gss::GSS_C_INITIATE as gss::gss_cred_usage_t,
                &mut krb5,
                OVERWRITE,
                NOT_AS_DEFAULT,
                &store,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        failed(major, minor).map_or_else(|| Ok(self.lifetime()), Err)
    }

    /// The principal whose it is, as MIT prints it. The error is GSSAPI's text.
    pub(super) fn principal(&self) -> Result<String, String> {
        let mut name = Name(ptr::null_mut());
        let mut minor = 0;
        // SAFETY: the credential is live; the name is an owned handle that starts out null; what it
        // could tell besides is not asked for.
        let major = unsafe {
            gss::gss_inquire_cred(
                &mut minor,
                self.0.0,
                &mut name.0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        failed(major, minor).map_or_else(|| name.display(), Err)
    }

    fn lifetime(&self) -> Option<Duration> {
        let (mut minor, mut seconds) = (0, 0);
        // SAFETY: the credential is live; what it could tell besides is not asked for.
        let major = unsafe {
            gss::gss_inquire_cred(
                &mut minor,
                self.0.0,
                ptr::null_mut(),
                &mut seconds,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        let is_known = failed(major, minor).is_none() && seconds != gss::_GSS_C_INDEFINITE;
        is_known.then(|| Duration::from_secs(seconds.into()))
    }
}

impl Context {
    pub(super) fn new() -> Self {
        Self(ptr::null_mut())
    }

    pub(super) fn step(
        &mut self,
        credential: &Credential,
        token: &[u8],
        terms: &Terms<'_>,
    ) -> Step {
        let mut input = buffer_of(token);
        let mut bindings = terms.channel_binding.map(channel_bindings);
        let bindings = bindings.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        let mut client = Name(ptr::null_mut());
        let mut mechanism: gss::gss_OID = ptr::null_mut();
        let mut output = Buffer::empty();
        let mut delegated = Credential(ptr::null_mut());
        // Null declines it.
        let take_delegated = match terms.delegation {
            true => &raw mut delegated.0,
            false => ptr::null_mut(),
        };
        let (mut minor, mut flags, mut lifetime) = (0, 0, 0);
        // SAFETY: context, client name, output and delegated credential are owned handles, null or
        // live; GSSAPI only reads the input and the channel bindings, which live through the call.
        let major = unsafe {
            gss::gss_accept_sec_context(
                &mut minor,
                &mut self.0,
                credential.0,
                &mut input,
                bindings,
                &mut client.0,
                &mut mechanism,
                &mut output.0,
                &mut flags,
                &mut lifetime,
                take_delegated,
            )
        };
        let outcome = if let Some(text) = failed(major, minor) {
            refused(major, minor, text)
        } else if major & gss::GSS_S_CONTINUE_NEEDED != 0 {
            Outcome::Continue
        } else if major != gss::GSS_S_COMPLETE {
            // Old, duplicate or out-of-sequence: a context that is complete has none of these.
            refused(
                major,
                minor,
                "the context is complete only with reservations",
            )
        } else if oid_bytes(mechanism) != KRB5 {
            refused(major, minor, "the context is complete, and not by Kerberos")
        } else {
            match client.display() {
                Ok(name) => Outcome::Complete(Client {
                    name,
                    anonymous: flags & gss::GSS_C_ANON_FLAG != 0,
                    lifetime: (lifetime != gss::_GSS_C_INDEFINITE)
                        .then(|| Duration::from_secs(lifetime.into())),
                    authtime: self.authtime(),
                    is_bound: flags & gss::GSS_C_CHANNEL_BOUND_FLAG != 0,
                    local_name: terms.local_name.then(|| client.local()).flatten(),
                    delegated: (!delegated.0.is_null()).then_some(Delegated(delegated)),
                    pac: match terms.pac {
                        true => client.pac(),
                        false => Ok(None),
                    },
                }),
                Err(text) => refused(major, minor, text),
            }
        };
        Step {
            outcome,
            reply: output.bytes().to_vec(),
        }
    }

    fn authtime(&self) -> Option<u32> {
        let mut attribute = oid(KRB5_AUTHTIME);
        let mut set: gss::gss_buffer_set_t = ptr::null_mut();
        let mut minor = 0;
        // SAFETY: the context is live; the attribute lives through the call.
        let major = unsafe {
            gss::gss_inquire_sec_context_by_oid(&mut minor, self.0, &mut attribute, &mut set)
        };
        let mut seconds = None;
        if failed(major, minor).is_none() && !set.is_null() {
            // SAFETY: on success a set that is not null holds `count` buffers at `elements`.
            let first = unsafe {
                let set = &*set;
                (set.count > 0 && !set.elements.is_null()).then(|| bytes_of(&*set.elements))
            };
            // MIT writes the timestamp's 32 bits in the machine's order; read as unsigned they
            // last until 2106, as MIT itself reads them.
            seconds = first
                .and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())
                .map(u32::from_ne_bytes);
        }
        // SAFETY: null or the set of the call above, released once.
        unsafe { gss::gss_release_buffer_set(&mut minor, &mut set) };
        seconds
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the handle is ours alone; null is allowed.
        unsafe { gss::gss_delete_sec_context(&mut minor, &mut self.0, ptr::null_mut()) };
    }
}

/// The client's side of a context in which both sides prove who they are, begun in the name of an
/// account whose keytab we have.
///
/// The account's tickets are in a cache of their own in this process's memory, which goes with it.
#[cfg(feature = "ldap-gssapi")]
pub(super) struct Initiation {
    // In the order in which they must go: a credential holds its cache open.
    context: Context,
    service: Name,
    credential: Credential,
    _cache: MemoryCache,
}

// SAFETY: neither MIT's contexts and names nor its credentials and caches are bound to a thread; one
// that moves is used by one thread at a time, for every method takes `&mut self`.
#[cfg(feature = "ldap-gssapi")]
unsafe impl Send for Initiation {}

/// What a step of an [`Initiation`] gives.
#[cfg(feature = "ldap-gssapi")]
pub(super) struct InitiatorStep {
    /// For the service; empty where there is nothing to say.
    pub(super) token: Vec<u8>,
    /// Whether the context is complete, and the service has proved who it is.
    pub(super) is_proved: bool,
    /// How long the ticket lives, where GSSAPI knows.
    pub(super) lifetime: Option<Duration>,
}

#[cfg(feature = "ldap-gssapi")]
impl Initiation {
    /// Readies the account's principal, by this keytab, for this service's. The keytab, such as
    /// `FILE:/path`, is read and the KDC asked by the first [`step`](Self::step) at the latest.
    pub(super) fn new(account: &str, keytab: &str, service: &str) -> Result<Self, Refusal> {
        let unspecific = |text: String| Refusal::new(0, 0, text);
        let account = Name::import(account).map_err(unspecific)?;
        let service = Name::import(service).map_err(unspecific)?;
        let cache = MemoryCache::new().map_err(unspecific)?;
        let name = cache.name.to_string_lossy();
        let store = [(c"client_keytab", keytab), (c"ccache", &name)];
        let acquired = acquire(&account, gss::GSS_C_INITIATE, &[KRB5], &store)?;
        Ok(Self {
            context: Context::new(),
            service,
            credential: acquired.credential,
            _cache: cache,
        })
    }

    /// Takes the service's token, empty at first, and makes ours, bound to this application data.
    pub(super) fn step(
        &mut self,
        token: &[u8],
        channel_binding: Option<&[u8]>,
    ) -> Result<InitiatorStep, Refusal> {
        let mut input = buffer_of(token);
        let mut bindings = channel_binding.map(channel_bindings);
        let bindings = bindings.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        let mut krb5 = oid(KRB5);
        let mut output = Buffer::empty();
        let (mut minor, mut flags, mut lifetime) = (0, 0, 0);
        // SAFETY: context, credential and service are live or null; bindings, mechanism and input
        // live through the call, which only reads them; the output is an owned buffer.
        let major = unsafe {
            gss::gss_init_sec_context(
                &mut minor,
                self.credential.0,
                &mut self.context.0,
                self.service.0,
                &mut krb5,
                gss::GSS_C_MUTUAL_FLAG,
                0,
                bindings,
                &mut input,
                ptr::null_mut(),
                &mut output.0,
                &mut flags,
                &mut lifetime,
            )
        };
        if let Some(text) = failed(major, minor) {
            return Err(Refusal::new(major, minor, text));
        }
        let is_known = lifetime != gss::_GSS_C_INDEFINITE;
        Ok(InitiatorStep {
            token: output.bytes().to_vec(),
            is_proved: major == gss::GSS_S_COMPLETE && flags & gss::GSS_C_MUTUAL_FLAG != 0,
            lifetime: is_known.then(|| Duration::from_secs(lifetime.into())),
        })
    }

    /// What the service has wrapped (RFC 2743 section 2.3.4), its integrity checked.
    pub(super) fn unwrap(&mut self, wrapped: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut input = buffer_of(wrapped);
        let mut output = Buffer::empty();
        let mut minor = 0;
        // SAFETY: the context is live or null, which GSSAPI refuses; the input is only read, and
        // lives through the call; the output is an owned buffer; nothing else is asked for.
        let major = unsafe {
            gss::gss_unwrap(
                &mut minor,
                self.context.0,
                &mut input,
                &mut output.0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        match failed(major, minor) {
            Some(text) => Err(Refusal::new(major, minor, text)),
            // Old, duplicate or out-of-sequence.
            None if major != gss::GSS_S_COMPLETE => {
                Err(Refusal::new(major, minor, "the message is a repetition"))
            }
            None => Ok(output.bytes().to_vec()),
        }
    }

    /// Wraps a message for the service, not encrypted.
    pub(super) fn wrap(&mut self, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut input = buffer_of(message);
        let mut output = Buffer::empty();
        let mut minor = 0;
        // SAFETY: the context is live or null, which GSSAPI refuses; the input is only read, and
        // lives through the call; the output is an owned buffer.
        let major = unsafe {
            gss::gss_wrap(
                &mut minor,
                self.context.0,
                0,
                gss::GSS_C_QOP_DEFAULT,
                &mut input,
                ptr::null_mut(),
                &mut output.0,
            )
        };
        match failed(major, minor) {
            Some(text) => Err(Refusal::new(major, minor, text)),
            None => Ok(output.bytes().to_vec()),
        }
    }
}

/// A ticket cache in this process's memory, which goes with it.
#[cfg(feature = "ldap-gssapi")]
struct MemoryCache {
    krb5: Krb5,
    name: CString,
}

#[cfg(feature = "ldap-gssapi")]
impl MemoryCache {
    /// The error is libkrb5's text.
    fn new() -> Result<Self, String> {
        let mut krb5 = Krb5::new()?;
        let name = krb5.new_memory_ccache()?;
        Ok(Self { krb5, name })
    }
}

#[cfg(feature = "ldap-gssapi")]
impl Drop for MemoryCache {
    fn drop(&mut self) {
        if let Err(text) = self.krb5.destroy_ccache(&self.name) {
            tracing::debug!("a ticket cache in memory was gone already: {text}");
        }
    }
}

fn refused(major: u32, minor: u32, text: impl Into<String>) -> Outcome {
    Outcome::Refused(Refusal::new(major, minor, text))
}

/// What `auth_to_local` of krb5.conf makes of a principal; none where no rule fits.
pub(super) fn local_name(principal: &str) -> Option<String> {
    Name::import(principal).ok()?.local()
}

struct Name(gss::gss_name_t);

impl Name {
    fn import(principal: &str) -> Result<Self, String> {
        let mut input = buffer_of(principal.as_bytes());
        let mut kind = oid(KRB5_PRINCIPAL);
        let mut name = Self(ptr::null_mut());
        let mut minor = 0;
        // SAFETY: input and kind live through the call, which copies them.
        let major = unsafe { gss::gss_import_name(&mut minor, &mut input, &mut kind, &mut name.0) };
        failed(major, minor).map_or(Ok(name), Err)
    }

    fn display(&self) -> Result<String, String> {
        if self.0.is_null() {
            return Err("GSSAPI names no client".to_owned());
        }
        let mut text = Buffer::empty();
        let mut kind: gss::gss_OID = ptr::null_mut();
        let mut minor = 0;
        // SAFETY: the name is live; text is an owned buffer; kind becomes a static of GSSAPI's.
        let major = unsafe { gss::gss_display_name(&mut minor, self.0, &mut text.0, &mut kind) };
        if let Some(reason) = failed(major, minor) {
            return Err(reason);
        }
        if oid_bytes(kind) != KRB5_PRINCIPAL {
            return Err("the client's name is no Kerberos principal".to_owned());
        }
        String::from_utf8(text.bytes().to_vec())
            .map_err(|_| "the client's name is not UTF-8".to_owned())
    }

    /// The value of an attribute (RFC 6680 section 7.4) that is marked authenticated; none where
    /// there is no such attribute, or no such value.
    ///
    /// The attribute ends at a zero byte, which MIT's parser of numbers needs.
    fn attribute(&self, attribute: &CStr) -> Result<Option<Vec<u8>>, String> {
        let mut attribute = buffer_of(attribute.to_bytes());
        let mut value = Buffer::empty();
        let (mut minor, mut authenticated, mut complete) = (0, 0, 0);
        // From the first value on; then whether there are others.
        let mut more = -1;
        // SAFETY: the name is live or null, which GSSAPI refuses; the attribute lives through the
        // call; value is an owned buffer, and no text for people is asked for.
        let major = unsafe {
            gss::gss_get_name_attribute(
                &mut minor,
                self.0,
                &mut attribute,
                &mut authenticated,
                &mut complete,
                &mut value.0,
                ptr::null_mut(),
                &mut more,
            )
        };
        if major & ROUTINE_ERROR == gss::_GSS_S_UNAVAILABLE {
            return Ok(None);
        }
        if let Some(reason) = failed(major, minor) {
            return Err(reason);
        }
        if authenticated == 0 {
            return Ok(None);
        }
        if more != 0 || complete == 0 {
            return Err("the attribute has other values, too".to_owned());
        }
        match value.bytes() {
            bytes if bytes.len() > token::MAX_LEN => {
                Err("the attribute is longer than any token".to_owned())
            }
            bytes => Ok(Some(bytes.to_vec())),
        }
    }

    fn pac(&self) -> Result<Option<PacBuffers>, String> {
        let Some(logon_info) = self.attribute(pac::LOGON_INFO)? else {
            return Ok(None);
        };
        Ok(Some(PacBuffers {
            logon_info,
            upn_dns_info: self.attribute(pac::UPN_DNS_INFO)?,
            requestor: self.attribute(pac::REQUESTOR)?,
        }))
    }

    /// The name of the local account, by `auth_to_local` of krb5.conf; none where no rule fits.
    fn local(&self) -> Option<String> {
        let mut text = Buffer::empty();
        let krb5 = oid(KRB5);
        let mut minor = 0;
        // SAFETY: name and mechanism are live; text is an owned buffer.
        let major = unsafe { gss::gss_localname(&mut minor, self.0, &krb5, &mut text.0) };
        match failed(major, minor) {
            Some(_) => None,
            None => String::from_utf8(text.bytes().to_vec()).ok(),
        }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if !self.0.is_null() {
            let mut minor = 0;
            // SAFETY: the handle is ours alone, and released once.
            unsafe { gss::gss_release_name(&mut minor, &mut self.0) };
        }
    }
}

/// A buffer that GSSAPI allocates.
struct Buffer(gss::gss_buffer_desc);

impl Buffer {
    fn empty() -> Self {
        Self(gss::gss_buffer_desc {
            length: 0,
            value: ptr::null_mut(),
        })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: empty, or filled by GSSAPI.
        unsafe { bytes_of(&self.0) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: empty, or filled by GSSAPI and released once.
        unsafe { gss::gss_release_buffer(&mut minor, &mut self.0) };
    }
}

/// The set of mechanisms that a credential is for.
struct Mechanisms(gss::gss_OID_set);

impl Mechanisms {
    fn contains(&self, mechanism: &'static [u8]) -> bool {
        if self.0.is_null() {
            return false;
        }
        let mut mechanism = oid(mechanism);
        let (mut minor, mut present) = (0, 0);
        // SAFETY: the set is live, and the mechanism lives through the call.
        let major = unsafe {
            gss::gss_test_oid_set_member(&mut minor, &mut mechanism, self.0, &mut present)
        };
        major == gss::GSS_S_COMPLETE && present != 0
    }
}

impl Drop for Mechanisms {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: null, or a set that GSSAPI allocated, released once.
        unsafe { gss::gss_release_oid_set(&mut minor, &mut self.0) };
    }
}

/// # Safety
/// The buffer is empty, or points to `length` bytes that outlive `'a`.
unsafe fn bytes_of<'a>(buffer: &gss::gss_buffer_desc) -> &'a [u8] {
    if buffer.value.is_null() || buffer.length == 0 {
        return &[];
    }
    // SAFETY: by the caller's word.
    unsafe { std::slice::from_raw_parts(buffer.value.cast(), buffer.length) }
}

/// A buffer that GSSAPI only reads, while the bytes live.
fn buffer_of(bytes: &[u8]) -> gss::gss_buffer_desc {
    gss::gss_buffer_desc {
        length: bytes.len(),
        value: bytes.as_ptr().cast_mut().cast(),
    }
}

/// Bindings to application data alone, with no addresses.
fn channel_bindings(application_data: &[u8]) -> gss::gss_channel_bindings_struct {
    gss::gss_channel_bindings_struct {
        initiator_addrtype: gss::GSS_C_AF_UNSPEC,
        initiator_address: buffer_of(&[]),
        acceptor_addrtype: gss::GSS_C_AF_UNSPEC,
        acceptor_address: buffer_of(&[]),
        application_data: buffer_of(application_data),
    }
}

fn oid(bytes: &'static [u8]) -> gss::gss_OID_desc {
    gss::gss_OID_desc {
        length: bytes.len() as u32,
        elements: bytes.as_ptr().cast_mut().cast(),
    }
}

fn oid_set(oids: &mut [gss::gss_OID_desc]) -> gss::gss_OID_set_desc {
    gss::gss_OID_set_desc {
        count: oids.len(),
        elements: oids.as_mut_ptr(),
    }
}

/// The bytes of an OID that GSSAPI named: one of its statics.
fn oid_bytes(oid: gss::gss_OID) -> &'static [u8] {
    if oid.is_null() {
        return &[];
    }
    // SAFETY: not null, so it points to a static OID of GSSAPI's (RFC 2744 section 5.1).
    unsafe {
        let oid = &*oid;
        if oid.elements.is_null() {
            return &[];
        }
        std::slice::from_raw_parts(oid.elements.cast(), oid.length as usize)
    }
}

/// GSSAPI's text for a failed call, rendered on the thread that made it: elsewhere the details are
/// gone.
fn failed(major: u32, minor: u32) -> Option<String> {
    if major & (CALLING_ERROR | ROUTINE_ERROR) == 0 {
        return None;
    }
    let general = status_text(major, gss::GSS_C_GSS_CODE);
    let specific = if minor == 0 {
        String::new()
    } else {
        status_text(minor, gss::GSS_C_MECH_CODE)
    };
    Some(if specific.is_empty() {
        general
    } else {
        format!("{general}: {specific}")
    })
}

fn status_text(code: u32, kind: u32) -> String {
    let mut lines = Vec::new();
    let mut more = 0;
    // A status has a line or two; the bound keeps a faulty plug-in from holding us.
    for _ in 0..8 {
        let mut line = Buffer::empty();
        let mut minor = 0;
        // SAFETY: line is an owned buffer, `more` the position that GSSAPI keeps.
        let major = unsafe {
            gss::gss_display_status(
                &mut minor,
                code,
                kind as c_int,
                ptr::null_mut(),
                &mut more,
                &mut line.0,
            )
        };
        if major != gss::GSS_S_COMPLETE {
            break;
        }
        // Some of SPNEGO's texts have C's NUL in their length.
        let text = String::from_utf8_lossy(line.bytes());
        lines.push(text.trim_end_matches('\0').to_owned());
        if more == 0 {
            break;
        }
    }
    lines.join("; ")
}

type ProfileError = c_long;

#[link(name = "krb5")]
unsafe extern "C" {
    fn krb5_init_context(context: *mut *mut c_void) -> i32;
    fn krb5_free_context(context: *mut c_void);
    fn krb5_get_error_message(context: *mut c_void, code: i32) -> *const c_char;
    fn krb5_free_error_message(context: *mut c_void, message: *const c_char);
    fn krb5_kt_default_name(context: *mut c_void, name: *mut c_char, size: c_int) -> i32;
    fn krb5_get_profile(context: *mut c_void, profile: *mut *mut c_void) -> i32;
    fn profile_get_integer(
        profile: *mut c_void,
        section: *const c_char,
        name: *const c_char,
        sub_name: *const c_char,
        default: c_int,
        value: *mut c_int,
    ) -> ProfileError;
    fn profile_release(profile: *mut c_void);
    fn krb5_cc_new_unique(
        context: *mut c_void,
        kind: *const c_char,
        hint: *const c_char,
        ccache: *mut *mut c_void,
    ) -> i32;
    fn krb5_cc_resolve(context: *mut c_void, name: *const c_char, ccache: *mut *mut c_void) -> i32;
    fn krb5_cc_get_full_name(
        context: *mut c_void,
        ccache: *mut c_void,
        name: *mut *mut c_char,
    ) -> i32;
    fn krb5_free_string(context: *mut c_void, text: *mut c_char);
    fn krb5_cc_close(context: *mut c_void, ccache: *mut c_void) -> i32;
    fn krb5_cc_destroy(context: *mut c_void, ccache: *mut c_void) -> i32;
}

/// A libkrb5 context. While one is alive in the process, GSSAPI does not read krb5.conf anew for
/// every accept, which is a fifth of its time.
pub(super) struct Krb5(*mut c_void);

// SAFETY: a libkrb5 context may move between threads as long as no two use it at once.
unsafe impl Send for Krb5 {}
// SAFETY: every method takes `&mut self`; a shared one can do nothing.
unsafe impl Sync for Krb5 {}

impl Krb5 {
    /// Reads krb5.conf. The error is libkrb5's text.
    pub(super) fn new() -> Result<Self, String> {
        let mut context = Self(ptr::null_mut());
        // SAFETY: the output is an owned handle that starts out null.
        let code = unsafe { krb5_init_context(&mut context.0) };
        context.check(code)?;
        Ok(context)
    }

    /// The name of the system's default keytab, such as `FILE:/etc/krb5.keytab`.
    pub(super) fn default_keytab(&mut self) -> Result<String, String> {
        let mut name = [0u8; 4096];
        // SAFETY: the context is live, and libkrb5 writes at most the given size, NUL included.
        let code =
            unsafe { krb5_kt_default_name(self.0, name.as_mut_ptr().cast(), name.len() as c_int) };
        self.check(code)?;
        CStr::from_bytes_until_nul(&name)
            .map(|name| name.to_string_lossy().into_owned())
            .map_err(|_| "the default keytab's name is too long".to_owned())
    }

    /// The default realm; the error is libkrb5's text.
    #[cfg(feature = "doctor")]
    pub(super) fn default_realm(&mut self) -> Result<String, String> {
        let mut realm = ptr::null_mut();
        // SAFETY: the context is live; the realm is ours on success, and copied before it is freed.
        let code = unsafe { krb5_get_default_realm(self.0, &mut realm) };
        self.check(code)?;
        // SAFETY: on success it is a text that ends with NUL, freed once.
        unsafe {
            let copy = CStr::from_ptr(realm).to_string_lossy().into_owned();
            krb5_free_default_realm(self.0, realm);
            Ok(copy)
        }
    }

    /// By how much clocks may differ: `clockskew` of krb5.conf, else 5 minutes.
    pub(super) fn clock_skew(&mut self) -> Duration {
        const DEFAULT: c_int = 300;
        let mut profile = ptr::null_mut();
        // SAFETY: the context is live; the profile is ours on success.
        if unsafe { krb5_get_profile(self.0, &mut profile) } != 0 {
            return Duration::from_secs(DEFAULT as u64);
        }
        let mut seconds = DEFAULT;
        // SAFETY: the profile is live until the release; the names are NUL-terminated statics.
        let code = unsafe {
            let code = profile_get_integer(
                profile,
                c"libdefaults".as_ptr(),
                c"clockskew".as_ptr(),
                ptr::null(),
                DEFAULT,
                &mut seconds,
            );
            profile_release(profile);
            code
        };
        let seconds = if code == 0 { seconds } else { DEFAULT };
        Duration::from_secs(seconds.try_into().unwrap_or(0))
    }

    /// Makes an empty ticket cache in this process's memory, and gives its name.
    pub(super) fn new_memory_ccache(&mut self) -> Result<CString, String> {
        let mut ccache = ptr::null_mut();
        // SAFETY: the context is live, the type a NUL-terminated static; the cache is ours on success.
        let code =
            unsafe { krb5_cc_new_unique(self.0, c"MEMORY".as_ptr(), ptr::null(), &mut ccache) };
        self.check(code)?;
        let mut name = ptr::null_mut();
        // SAFETY: context and cache are live; the name is copied before it is freed. To close the
        // cache frees the handle alone.
        let (code, copy) = unsafe {
            let code = krb5_cc_get_full_name(self.0, ccache, &mut name);
            let copy = (!name.is_null()).then(|| CStr::from_ptr(name).to_owned());
            krb5_free_string(self.0, name);
            krb5_cc_close(self.0, ccache);
            (code, copy)
        };
        self.check(code)?;
        copy.ok_or_else(|| "the ticket cache has no name".to_owned())
    }

    /// Removes a ticket cache; one in a file is overwritten first.
    pub(super) fn destroy_ccache(&mut self, name: &CStr) -> Result<(), String> {
        let mut ccache = ptr::null_mut();
        // SAFETY: the context is live, the name NUL-terminated; the cache is ours on success.
        let code = unsafe { krb5_cc_resolve(self.0, name.as_ptr(), &mut ccache) };
        self.check(code)?;
        // SAFETY: context and cache are live; this frees the handle whatever it returns.
        let code = unsafe { krb5_cc_destroy(self.0, ccache) };
        self.check(code)
    }

    fn check(&self, code: i32) -> Result<(), String> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the context is live or null, which libkrb5 allows here; the message is copied
        // before it is freed.
        unsafe {
            let message = krb5_get_error_message(self.0, code);
            let text = if message.is_null() {
                format!("error {code}")
            } else {
                CStr::from_ptr(message).to_string_lossy().into_owned()
            };
            krb5_free_error_message(self.0, message);
            Err(text)
        }
    }
}

impl Drop for Krb5 {
    fn drop(&mut self) {
        // SAFETY: null, which libkrb5 allows, or a context that is ours alone.
        unsafe { krb5_free_context(self.0) };
    }
}

/// What a KDC said to whoever asked for a first ticket.
#[cfg(feature = "doctor")]
pub(super) struct LogIn {
    /// Its messages as they came, each with the time at which it did.
    pub(super) replies: Vec<(SystemTime, Vec<u8>)>,
    /// When the KDC made the ticket, in seconds since 1970; or libkrb5's code and text.
    pub(super) authtime: Result<u32, (i32, String)>,
}

#[cfg(feature = "doctor")]
impl LogIn {
    /// Asks the KDC for a ticket of this principal by this keytab, such as `FILE:/path`, and keeps
    /// the ticket nowhere.
    pub(super) fn of(principal: &str, keytab: &str) -> Self {
        let mut replies = Vec::new();
        let authtime = Asking::of(principal, keytab, &mut replies).and_then(|asking| asking.run());
        Self { replies, authtime }
    }
}

/// What asking takes, freed together.
#[cfg(feature = "doctor")]
struct Asking<'a> {
    krb5: Krb5,
    client: *mut c_void,
    keytab: *mut c_void,
    state: *mut c_void,
    /// The context has a pointer to them.
    _replies: std::marker::PhantomData<&'a mut Vec<(SystemTime, Vec<u8>)>>,
}

#[cfg(feature = "doctor")]
impl<'a> Asking<'a> {
    fn of(
        principal: &str,
        keytab: &str,
        replies: &'a mut Vec<(SystemTime, Vec<u8>)>,
    ) -> Result<Self, (i32, String)> {
        let text = |text: String| (0, text);
        let name = |name: &str| CString::new(name).map_err(|_| (0, "a NUL byte".to_owned()));
        let (principal, keytab) = (name(principal)?, name(keytab)?);
        let mut asking = Self {
            krb5: Krb5::new().map_err(text)?,
            client: ptr::null_mut(),
            keytab: ptr::null_mut(),
            state: ptr::null_mut(),
            _replies: std::marker::PhantomData,
        };
        let context = asking.krb5.0;
        // SAFETY: the context is live, and the replies outlive it; nobody else uses them meanwhile.
        unsafe {
            krb5_set_kdc_recv_hook(context, Some(keep_reply), ptr::from_mut(replies).cast());
        }
        // SAFETY: the context is live, the name ends with NUL; the output is ours on success.
        let code = unsafe { krb5_parse_name(context, principal.as_ptr(), &mut asking.client) };
        asking.check(code)?;
        // SAFETY: likewise.
        let code = unsafe { krb5_kt_resolve(context, keytab.as_ptr(), &mut asking.keytab) };
        asking.check(code)?;
        // SAFETY: context and client are live; nothing is prompted for, and the options are the
        // default ones; the state is ours on success.
        let code = unsafe {
            krb5_init_creds_init(
                context,
                asking.client,
                ptr::null(),
                ptr::null_mut(),
                0,
                ptr::null_mut(),
                &mut asking.state,
            )
        };
        asking.check(code)?;
        // SAFETY: context, state and keytab are live, and stay so until the state is freed.
        let code = unsafe { krb5_init_creds_set_keytab(context, asking.state, asking.keytab) };
        asking.check(code)?;
        Ok(asking)
    }

    fn run(&self) -> Result<u32, (i32, String)> {
        let mut times = TicketTimes::default();
        // SAFETY: context and state are live; the times are written on success.
        let code = unsafe {
            match krb5_init_creds_get(self.krb5.0, self.state) {
                0 => krb5_init_creds_get_times(self.krb5.0, self.state, &mut times),
                code => code,
            }
        };
        self.check(code)?;
        Ok(times.authtime.cast_unsigned())
    }

    fn check(&self, code: i32) -> Result<(), (i32, String)> {
        self.krb5.check(code).map_err(|text| (code, text))
    }
}

#[cfg(feature = "doctor")]
impl Drop for Asking<'_> {
    fn drop(&mut self) {
        // SAFETY: the context is live, and the others are ours alone; libkrb5 allows null for all but
        // the keytab.
        unsafe {
            krb5_init_creds_free(self.krb5.0, self.state);
            krb5_free_principal(self.krb5.0, self.client);
            if !self.keytab.is_null() {
                krb5_kt_close(self.krb5.0, self.keytab);
            }
        }
    }
}

/// `krb5_post_recv_fn` of krb5.h: hears what a KDC sent, or that none sent anything.
#[cfg(feature = "doctor")]
unsafe extern "C" fn keep_reply(
    _context: *mut c_void,
    replies: *mut c_void,
    code: i32,
    _realm: *const Data,
    _message: *const Data,
    reply: *const Data,
    _new_reply: *mut *mut Data,
) -> i32 {
    let replies = replies.cast::<Vec<(SystemTime, Vec<u8>)>>();
    // SAFETY: libkrb5 hands back the pointer that it was given, to a vector that lives as long as the
    // context and that nobody else uses while libkrb5 runs. The reply is null or lives through the call.
    unsafe {
        if let (0, Some(replies), Some(reply)) = (code, replies.as_mut(), reply.as_ref())
            && !reply.data.is_null()
        {
            let bytes = std::slice::from_raw_parts(reply.data.cast(), reply.length as usize);
            replies.push((SystemTime::now(), bytes.to_vec()));
        }
    }
    // Another would have to bring a reply, or abort the process.
    code
}

/// As far as it is read; krb5.h has the same.
#[cfg(feature = "doctor")]
#[repr(C)]
#[derive(Default)]
struct TicketTimes {
    authtime: i32,
    starttime: i32,
    endtime: i32,
    renew_till: i32,
}

#[cfg(feature = "doctor")]
type KeepReply = unsafe extern "C" fn(
    *mut c_void,
    *mut c_void,
    i32,
    *const Data,
    *const Data,
    *const Data,
    *mut *mut Data,
) -> i32;

#[cfg(feature = "doctor")]
#[link(name = "krb5")]
unsafe extern "C" {
    fn krb5_get_default_realm(context: *mut c_void, realm: *mut *mut c_char) -> i32;
    fn krb5_free_default_realm(context: *mut c_void, realm: *mut c_char);
    fn krb5_set_kdc_recv_hook(context: *mut c_void, hook: Option<KeepReply>, data: *mut c_void);
    fn krb5_parse_name(context: *mut c_void, name: *const c_char, out: *mut *mut c_void) -> i32;
    fn krb5_free_principal(context: *mut c_void, principal: *mut c_void);
    fn krb5_init_creds_init(
        context: *mut c_void,
        client: *mut c_void,
        prompter: *const c_void,
        prompter_data: *mut c_void,
        start_time: i32,
        options: *mut c_void,
        state: *mut *mut c_void,
    ) -> i32;
    fn krb5_init_creds_set_keytab(
        context: *mut c_void,
        state: *mut c_void,
        keytab: *mut c_void,
    ) -> i32;
    fn krb5_init_creds_get(context: *mut c_void, state: *mut c_void) -> i32;
    fn krb5_init_creds_get_times(
        context: *mut c_void,
        state: *mut c_void,
        times: *mut TicketTimes,
    ) -> i32;
    fn krb5_init_creds_free(context: *mut c_void, state: *mut c_void);
}

/// Looks at a forwarded ticket before GSSAPI does. MIT Kerberos before the summer of 2026
/// (`krb5_rd_cred`) reads it whether or not it is wanted, and follows null pointers where it names
/// nobody or is missing: anyone with a ticket could end the process.
///
/// It opens the AP-REQ of every token, since no length says that nothing is forwarded: a KRB-CRED that
/// ends the process takes 40 bytes, so that the whole authenticator, some 170, is shorter than a
/// browser's without any.
///
/// Not `Send`, as a [`Credential`].
pub(super) struct ForwardingGuard {
    krb5: Krb5,
    keytab: *mut c_void,
}

impl ForwardingGuard {
    /// For services whose keys are in this keytab. The error is libkrb5's text.
    pub(super) fn new(keytab: &str) -> Result<Self, String> {
        let name = CString::new(keytab).map_err(|_| "a path has a NUL byte".to_owned())?;
        let mut guard = Self {
            krb5: Krb5::new()?,
            keytab: ptr::null_mut(),
        };
        // SAFETY: the context is live, the name NUL-terminated; the keytab is ours on success.
        let code = unsafe { krb5_kt_resolve(guard.krb5.0, name.as_ptr(), &mut guard.keytab) };
        guard.krb5.check(code)?;
        Ok(guard)
    }

    /// What the client's clock had when it made this AP-REQ, in seconds since 1970. Only the holder
    /// of a ticket for us can say so.
    pub(super) fn client_time(&self, ap_req: &[u8]) -> Option<u32> {
        let (code, auth) = self.read(ap_req)?;
        let time = || auth.authenticator(|authenticator| authenticator.ctime.cast_unsigned());
        (code == 0 || is_of_time(code)).then(time).flatten()
    }

    /// Judges an AP-REQ. What can't be opened here can't be there either, and is left to GSSAPI.
    pub(super) fn check(&mut self, ap_req: &[u8]) -> Result<(), Objection> {
        let (code, auth) = self.read(ap_req).ok_or(Objection::Unsound)?;
        if code != 0 && !is_of_time(code) {
            return Ok(());
        }
        let checksum = auth.checksum();
        let Some(message) = checksum.as_deref().and_then(krb_cred::forwarded) else {
            return Ok(());
        };
        if code != 0 {
            return Err(Objection::Time(code));
        }
        let forwarded = KrbCred::read(message).ok_or(Objection::Unsound)?;
        // What no key opens, MIT takes for clear text.
        let is_sound = match auth.open(&forwarded) {
            Some(opened) => forwarded.is_described_by(&opened),
            None => forwarded.is_described_by(forwarded.sealed),
        };
        is_sound.then_some(()).ok_or(Objection::Unsound)
    }

    /// libkrb5's code for an AP-REQ, and what it knows of it then.
    fn read(&self, ap_req: &[u8]) -> Option<(i32, AuthContext<'_>)> {
        let request = data_of(ap_req).ok()?;
        let mut auth = AuthContext {
            krb5: &self.krb5,
            handle: ptr::null_mut(),
        };
        // SAFETY: context and keytab are live; the handle is ours; the request is only read. With
        // no flags, which always can be set, it touches no replay cache; what it could tell besides is
        // not asked for.
        let code = unsafe {
            let code = krb5_auth_con_init(self.krb5.0, &mut auth.handle);
            if code != 0 {
                return None;
            }
            krb5_auth_con_setflags(self.krb5.0, auth.handle, 0);
            krb5_rd_req(
                self.krb5.0,
                &mut auth.handle,
                &request,
                ptr::null(),
                self.keytab,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        Some((code, auth))
    }
}

/// Why a token with a forwarded ticket may not get to GSSAPI.
#[derive(Debug)]
pub(super) enum Objection {
    /// The ticket names nobody, or can't be read.
    Unsound,
    /// By the clock the token can't count yet or any more, says libkrb5 with this code. A moment
    /// later, when GSSAPI looks, it might, and what it forwards has not been read.
    Time(i32),
}

/// KRB_AP_ERR_TKT_EXPIRED, KRB_AP_ERR_TKT_NYV and KRB_AP_ERR_SKEW (RFC 4120 section 7.5.9), for which
/// libkrb5 looks once it has opened the authenticator.
fn is_of_time(code: i32) -> bool {
    matches!(code.wrapping_sub(KRB5_ERRORS), 32 | 33 | 37)
}

impl Drop for ForwardingGuard {
    fn drop(&mut self) {
        if !self.keytab.is_null() {
            // SAFETY: the context is live, and the keytab ours alone.
            unsafe { krb5_kt_close(self.krb5.0, self.keytab) };
        }
    }
}

/// What libkrb5 knows of an AP-REQ that it has read.
struct AuthContext<'a> {
    krb5: &'a Krb5,
    handle: *mut c_void,
}

impl AuthContext<'_> {
    /// The authenticator's checksum, if it is GSSAPI's.
    fn checksum(&self) -> Option<Vec<u8>> {
        const GSSAPI: i32 = 0x8003;
        let checksum = |authenticator: &Authenticator| {
            // SAFETY: null, or it lives with the authenticator.
            let checksum = unsafe { authenticator.checksum.as_ref() }?;
            let is_ours = checksum.kind == GSSAPI && !checksum.contents.is_null();
            is_ours.then(|| {
                // SAFETY: it holds `length` bytes, which are copied.
                let bytes = unsafe {
                    std::slice::from_raw_parts(checksum.contents, checksum.length as usize)
                };
                bytes.to_vec()
            })
        };
        self.authenticator(checksum).flatten()
    }

    /// What is to be known of the authenticator, where libkrb5 has opened one.
    fn authenticator<V>(&self, look: impl FnOnce(&Authenticator) -> V) -> Option<V> {
        let mut authenticator = ptr::null_mut();
        // SAFETY: both contexts are live; the authenticator, a copy, is ours on success, not null then,
        // and lives until it is freed.
        unsafe {
            if krb5_auth_con_getauthenticator(self.krb5.0, self.handle, &mut authenticator) != 0 {
                return None;
            }
            let seen = authenticator.as_ref().map(look);
            krb5_free_authenticator(self.krb5.0, authenticator);
            seen
        }
    }

    /// By the keys that MIT tries, in its order.
    fn open(&self, forwarded: &KrbCred<'_>) -> Option<Zeroizing<Vec<u8>>> {
        [krb5_auth_con_getrecvsubkey as GetKey, krb5_auth_con_getkey]
            .into_iter()
            .find_map(|get| self.open_with(get, forwarded))
    }

    fn open_with(&self, get: GetKey, forwarded: &KrbCred<'_>) -> Option<Zeroizing<Vec<u8>>> {
        const KRB_CRED_PART: i32 = 14;
        let input = EncData {
            magic: 0,
            enctype: forwarded.enctype,
            kvno: 0,
            ciphertext: data_of(forwarded.sealed).ok()?,
        };
        let mut opened = Zeroizing::new(vec![0_u8; forwarded.sealed.len()]);
        let mut output = data_of(&opened).ok()?;
        output.data = opened.as_mut_ptr().cast();
        let mut key = ptr::null_mut();
        // SAFETY: both contexts are live; the key, a copy, is ours on success; the input is only
        // read, and the output has room for what is opened, which is no longer than what is sealed.
        let code = unsafe {
            if get(self.krb5.0, self.handle, &mut key) != 0 || key.is_null() {
                return None;
            }
            let no_state = ptr::null();
            let code = krb5_c_decrypt(
                self.krb5.0,
                key,
                KRB_CRED_PART,
                no_state,
                &input,
                &mut output,
            );
            krb5_free_keyblock(self.krb5.0, key);
            code
        };
        opened.truncate(usize::try_from(output.length).ok()?);
        (code == 0).then_some(opened)
    }
}

impl Drop for AuthContext<'_> {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: both are live, and the handle ours alone.
            unsafe { krb5_auth_con_free(self.krb5.0, self.handle) };
        }
    }
}

/// Bytes that libkrb5 only reads, while they live.
fn data_of(bytes: &[u8]) -> Result<Data, std::num::TryFromIntError> {
    Ok(Data {
        magic: 0,
        length: bytes.len().try_into()?,
        data: bytes.as_ptr().cast_mut().cast(),
    })
}

type GetKey = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut *mut c_void) -> i32;
#[link(name = "krb5")]
unsafe extern "C" {
    fn krb5_kt_resolve(context: *mut c_void, name: *const c_char, keytab: *mut *mut c_void) -> i32;
    fn krb5_kt_close(context: *mut c_void, keytab: *mut c_void) -> i32;
    fn krb5_auth_con_init(context: *mut c_void, auth: *mut *mut c_void) -> i32;
    fn krb5_auth_con_setflags(context: *mut c_void, auth: *mut c_void, flags: i32) -> i32;
    fn krb5_auth_con_free(context: *mut c_void, auth: *mut c_void) -> i32;
    fn krb5_rd_req(
        context: *mut c_void,
        auth: *mut *mut c_void,
        request: *const Data,
        server: *const c_void,
        keytab: *mut c_void,
        options: *mut i32,
        ticket: *mut *mut c_void,
    ) -> i32;
    fn krb5_auth_con_getauthenticator(
        context: *mut c_void,
        auth: *mut c_void,
        authenticator: *mut *mut Authenticator,
    ) -> i32;
    fn krb5_free_authenticator(context: *mut c_void, authenticator: *mut Authenticator);
    fn krb5_auth_con_getkey(context: *mut c_void, auth: *mut c_void, key: *mut *mut c_void) -> i32;
    fn krb5_auth_con_getrecvsubkey(
        context: *mut c_void,
        auth: *mut c_void,
        key: *mut *mut c_void,
    ) -> i32;
    fn krb5_free_keyblock(context: *mut c_void, key: *mut c_void);
}

#[link(name = "k5crypto")]
unsafe extern "C" {
    fn krb5_c_decrypt(
        context: *mut c_void,
        key: *const c_void,
        usage: i32,
        state: *const c_void,
        input: *const EncData,
        output: *mut Data,
    ) -> i32;
}

// As far as they are read; krb5.h has them all.
#[repr(C)]
struct Data {
    magic: i32,
    length: u32,
    data: *mut c_char,
}

#[repr(C)]
struct EncData {
    magic: i32,
    enctype: i32,
    kvno: u32,
    ciphertext: Data,
}

#[repr(C)]
struct Checksum {
    magic: i32,
    kind: i32,
    length: u32,
    contents: *const u8,
}

#[repr(C)]
struct Authenticator {
    magic: i32,
    client: *const c_void,
    checksum: *const Checksum,
    cusec: i32,
    /// Seconds since 1970; past 2038 they go on as unsigned, as MIT reads them.
    ctime: i32,
}
