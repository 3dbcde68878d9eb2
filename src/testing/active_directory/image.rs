//! Files and folders, kept in memory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A domain's database, some 30 MB. In memory, since no file of a test may outlive it and a static
/// value is never dropped.
#[derive(Default)]
pub(super) struct Image(Vec<(PathBuf, Content)>);

enum Content {
    Folder,
    File(Vec<u8>),
}

impl Image {
    /// Reads these entries of `folder`, and what is below them; sockets are left out.
    pub(super) fn read(folder: &Path, names: &[&str]) -> io::Result<Self> {
        let mut image = Self::default();
        for name in names {
            image.add(folder, Path::new(name))?;
        }
        Ok(image)
    }

    fn add(&mut self, root: &Path, path: &Path) -> io::Result<()> {
        let from = root.join(path);
        let kind = fs::symlink_metadata(&from)?.file_type();
        if kind.is_file() {
            let content = Content::File(fs::read(from)?);
            self.0.push((path.to_owned(), content));
        } else if kind.is_dir() {
            self.0.push((path.to_owned(), Content::Folder));
            for entry in fs::read_dir(from)? {
                self.add(root, &path.join(entry?.file_name()))?;
            }
        }
        Ok(())
    }

    /// Writes all of it into `folder`, where nobody else may read a file: there are keys among them.
    pub(super) fn write_to(&self, folder: &Path) -> io::Result<()> {
        for (path, content) in &self.0 {
            let path = folder.join(path);
            match content {
                Content::Folder => fs::create_dir(path)?,
                Content::File(bytes) => {
                    let mut file = File::options()
                        .write(true)
                        .create_new(true)
                        .mode(0o600)
                        .open(path)?;
                    file.write_all(bytes)?;
                }
            }
        }
        Ok(())
    }
}
