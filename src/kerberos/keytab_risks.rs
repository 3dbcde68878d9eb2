//! What of a keytab works, and is not as it should be.

use crate::explain::{HeldKeys, Key};

/// What others than its owner, and the readers of its group, may do with a file of this mode; none
/// where that is nothing.
pub(crate) fn exposure(mode: u32) -> Option<&'static str> {
    const OTHERS_READ: u32 = 0o004;
    const OTHERS_WRITE: u32 = 0o002;
    const GROUP_WRITES: u32 = 0o020;
    Some(match mode {
        _ if mode & OTHERS_WRITE != 0 => "every user of this machine may write to",
        _ if mode & OTHERS_READ != 0 => "every user of this machine may read",
        _ if mode & GROUP_WRITES != 0 => "every user of its group may write to",
        _ => return None,
    })
}

/// Whether the newest keys of this principal are of weak types alone.
pub(crate) fn are_weak(held: &HeldKeys, principal: &str) -> bool {
    let is_own = |key: &&Key| key.principal().to_string() == principal;
    let own: Vec<_> = held.keys().iter().filter(is_own).collect();
    let newest = own.iter().map(|key| key.kvno()).max();
    let mut keys = own.iter().filter(|key| Some(key.kvno()) == newest);
    newest.is_some() && keys.all(|key| key.enctype().is_weak())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_and_a_group_that_reads_are_no_exposure() {
        for mode in [0o400, 0o600, 0o640, 0o440, 0o700] {
            assert_eq!(exposure(mode), None, "{mode:o}");
        }
        for (mode, words) in [
            (0o644, "every user of this machine may read"),
            (0o604, "every user of this machine may read"),
            (0o666, "every user of this machine may write to"),
            (0o602, "every user of this machine may write to"),
            (0o660, "every user of its group may write to"),
        ] {
            assert_eq!(exposure(mode), Some(words), "{mode:o}");
        }
    }

    #[test]
    fn newer_keys_of_aes_make_up_for_old_ones_of_rc4() {
        const WEB: &str = "HTTP/web@A";
        let held = |keys: &[(&str, u32, i32)]| HeldKeys {
            keys: keys
                .iter()
                .map(|(name, kvno, enctype)| Key::new(name.parse().unwrap(), *kvno, *enctype))
                .collect(),
            ..HeldKeys::default()
        };
        assert!(are_weak(&held(&[(WEB, 1, 23)]), WEB));
        assert!(are_weak(&held(&[(WEB, 1, 18), (WEB, 2, 23)]), WEB));
        assert!(are_weak(&held(&[(WEB, 1, 23), ("x@A", 1, 18)]), WEB));
        for keys in [
            &[][..],
            &[("x@A", 1, 23)],
            &[(WEB, 1, 23), (WEB, 2, 18)],
            &[(WEB, 1, 23), (WEB, 1, 17)],
        ] {
            assert!(!are_weak(&held(keys), WEB), "{keys:?}");
        }
    }
}
