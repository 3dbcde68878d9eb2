//! What is wrong with a replay cache, and what to do about it.

use std::path::{Path, PathBuf};

use super::mend::{Mend, here};
use super::names::path_for_commands;

/// Why the replay cache can't be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplayCacheProblem {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
    pub(crate) is_anothers: bool,
    /// The folder is the layer's own, and not one that others use as well.
    pub(crate) is_own: bool,
}

impl ReplayCacheProblem {
    /// What to do about it, where `user` is who the layer runs as.
    pub(crate) fn mends(&self, user: &str) -> Vec<Mend> {
        let name = |path: Option<&Path>, otherwise: &str| {
            let path = path.and_then(Path::to_str).and_then(path_for_commands);
            path.unwrap_or(otherwise).to_owned()
        };
        let folder = name(self.path.parent(), "FOLDER");
        match (self.is_anothers, self.is_own) {
            (true, _) => vec![here(format!("rm {}", name(Some(&self.path), "FILE")))],
            (false, true) => vec![here(format!(
                "install -d -m 700 -o {user} {folder} && df {folder}"
            ))],
            // Others have their files there: neither its owner nor its mode is ours to change.
            (false, false) => vec![
                here(format!("df {folder}")),
                here(format!("install -d -m 700 -o {user} /var/lib/SERVICE")),
            ],
        }
    }

    pub(crate) fn advice(&self) -> &'static str {
        match self.is_own {
            true => "Mend that, or give the layer another folder of its own with .replay_cache(..)",
            false => {
                "Others use that folder, too: give the layer one of its own, with \
                 .replay_cache(\"/var/lib/SERVICE\")"
            }
        }
    }
}
