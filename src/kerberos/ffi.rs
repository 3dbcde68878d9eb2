//! The only unsafe code of the crate.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;

use libgssapi::credential::Cred;
use libgssapi::error::{Error, MajorFlags};
use libgssapi_sys as sys;

/// The credential of the client whose tickets lie in `ccache` (such as `FILE:/tmp/x`), for raw
/// Kerberos and for SPNEGO. No environment variable and no process-wide default is read for it.
#[cfg(feature = "testing")]
pub(crate) fn initiator_credential(ccache: &str) -> Result<Cred, String> {
    let ccache = CString::new(ccache).map_err(|_| "a ccache name with a NUL".to_owned())?;
    let mut store_element = sys::gss_key_value_element_desc {
        key: c"ccache".as_ptr(),
        value: ccache.as_ptr(),
    };
    let store = sys::gss_key_value_set_desc {
        count: 1,
        elements: &raw mut store_element,
    };
    let mut krb5_oid = oid(KRB5);
    let mut both_oids = [oid(KRB5), oid(SPNEGO)];
    let mut krb5 = oid_set(std::slice::from_mut(&mut krb5_oid));
    let mut both = oid_set(&mut both_oids);
    let mut minor = 0;
    let mut handle: sys::gss_cred_id_t = ptr::null_mut();
    // SAFETY: every pointer is to a live local or null where RFC 2744 and MIT allow null; GSSAPI
    // copies the OIDs and the store before it returns.
    let major = unsafe {
        sys::gss_acquire_cred_from(
            &raw mut minor,
            ptr::null_mut(),
            sys::_GSS_C_INDEFINITE,
            &raw mut both,
            sys::GSS_C_INITIATE as sys::gss_cred_usage_t,
            &raw const store,
            &raw mut handle,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    if major != sys::GSS_S_COMPLETE || handle.is_null() {
        return Err(text(major, minor));
    }
    // SAFETY: `handle` was just acquired, is not null, and nobody else owns it.
    let credential = unsafe { Cred::from_c(handle) };
    // SAFETY: `handle` is alive, for `credential` is; GSSAPI copies the set.
    let major = unsafe { sys::gss_set_neg_mechs(&raw mut minor, handle, &raw mut krb5) };
    if major != sys::GSS_S_COMPLETE {
        return Err(text(major, minor));
    }
    Ok(credential)
}

const KRB5: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";

fn oid(ber: &'static [u8]) -> sys::gss_OID_desc {
    sys::gss_OID_desc {
        length: ber.len() as sys::OM_uint32,
        elements: ber.as_ptr().cast_mut().cast(),
    }
}

fn oid_set(oids: &mut [sys::gss_OID_desc]) -> sys::gss_OID_set_desc {
    sys::gss_OID_set_desc {
        count: oids.len(),
        elements: oids.as_mut_ptr(),
    }
}

/// GSSAPI keeps its texts per thread, so this must run where the call failed.
fn text(major: u32, minor: u32) -> String {
    Error {
        major: MajorFlags::from_bits_retain(major),
        minor,
    }
    .to_string()
}
