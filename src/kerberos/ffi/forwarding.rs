//! A look at a forwarded ticket before GSSAPI reads it.

use std::ffi::{CString, c_char, c_void};
use std::ptr;

use secrecy::zeroize::Zeroizing;

use super::{KRB5_ERRORS, Krb5};
use crate::kerberos::krb_cred::{self, KrbCred};

/// Looks at a forwarded ticket before GSSAPI does. MIT Kerberos before the summer of 2026
/// (`krb5_rd_cred`) reads it whether or not it is wanted, and follows null pointers where it names
/// nobody or is missing: anyone with a ticket could end the process.
///
/// It opens the AP-REQ of every token, since no length says that nothing is forwarded: a KRB-CRED that
/// ends the process takes 40 bytes, so that the whole authenticator, some 170, is shorter than a
/// browser's without any.
///
/// Not `Send`, as a [`Credential`](super::Credential).
pub(in crate::kerberos) struct ForwardingGuard {
    krb5: Krb5,
    keytab: *mut c_void,
}

impl ForwardingGuard {
    /// For services whose keys are in this keytab. The error is libkrb5's text.
    pub(in crate::kerberos) fn new(keytab: &str) -> Result<Self, String> {
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

    /// Judges an AP-REQ. What can't be opened here can't be there either, and is left to GSSAPI.
    pub(in crate::kerberos) fn check(&mut self, ap_req: &[u8]) -> Result<(), Objection> {
        let request = data_of(ap_req).map_err(|_| Objection::Unsound)?;
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
                return Err(Objection::Unsound);
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
}

/// Why a token with a forwarded ticket may not get to GSSAPI.
#[derive(Debug)]
pub(in crate::kerberos) enum Objection {
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
        let mut authenticator = ptr::null_mut();
        // SAFETY: both contexts are live; the authenticator, a copy, is ours on success. Its
        // checksum is null or holds `length` bytes, copied before all is freed.
        unsafe {
            if krb5_auth_con_getauthenticator(self.krb5.0, self.handle, &mut authenticator) != 0 {
                return None;
            }
            let checksum = (*authenticator).checksum.as_ref();
            let checksum = checksum
                .filter(|checksum| checksum.kind == GSSAPI && !checksum.contents.is_null())
                .map(|checksum| {
                    std::slice::from_raw_parts(checksum.contents, checksum.length as usize).to_vec()
                });
            krb5_free_authenticator(self.krb5.0, authenticator);
            checksum
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
}
