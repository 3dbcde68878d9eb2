//! A folder that nobody else can write into, or put another in the place of.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

const OTHERS_MAY_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Makes the folder where it is missing, with mode 0700, and gives the path by which nobody else
/// can put another in its place. MIT checks neither links nor owners of a file that it is told by
/// name.
pub(super) fn private_folder(folder: &Path) -> Result<PathBuf, String> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(text)?;
    check(folder)
}

/// The path of a folder that is there, likewise.
pub(super) fn check(folder: &Path) -> Result<PathBuf, String> {
    let is_ours = |metadata: &Metadata| [0, geteuid().as_raw()].contains(&metadata.uid());
    for path in folder.ancestors() {
        // Not every kernel has fs.protected_symlinks on.
        if let Ok(metadata) = path.symlink_metadata()
            && metadata.is_symlink()
            && !is_ours(&metadata)
        {
            let path = path.display();
            return Err(format!("{path} is a link that another user has made"));
        }
    }
    let folder = folder.canonicalize().map_err(text)?;
    let metadata = folder.metadata().map_err(text)?;
    if metadata.uid() != geteuid().as_raw() {
        return Err("the folder belongs to another user".to_owned());
    }
    if metadata.mode() & OTHERS_MAY_WRITE != 0 {
        return Err("others may write into the folder (chmod 700 it)".to_owned());
    }
    for above in folder.ancestors().skip(1) {
        let metadata = above.metadata().map_err(text)?;
        let may_swap = metadata.mode() & OTHERS_MAY_WRITE != 0 && metadata.mode() & STICKY == 0;
        if !is_ours(&metadata) || may_swap {
            return Err(format!(
                "another user can put a folder of theirs in its place, for {} is theirs to write",
                above.display()
            ));
        }
    }
    Ok(folder)
}

fn text(error: io::Error) -> String {
    error.to_string()
}
