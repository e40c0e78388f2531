//! Opening what lies below the served directory, and nothing else.
//!
//! A path is resolved once ([`std::fs::canonicalize`]) and has to lie below the directory then: links within it
//! work, links out of it are not found. The resolved path is opened name by name from the directory's own handle,
//! following no link, so whoever exchanges a part of the path for a link in between gains nothing. (Where there
//! is no `openat`, the resolved path is opened as it is, and that race remains.)

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The served directory.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    #[cfg(unix)]
    handle: File,
}

/// Something that was found, open for reading.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    #[cfg(not(unix))]
    path: PathBuf,
}

/// One line of a directory listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: Kind,
}

/// What an entry is. Links are not followed: what they lead to may lie outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Directory,
    File,
    Link,
}

impl Root {
    /// The directory at this path.
    pub(super) fn open(path: &Path) -> io::Result<Root> {
        let path = std::fs::canonicalize(path)?;
        if !path.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        #[cfg(unix)]
        let handle = File::open(&path)?;
        Ok(Root {
            path,
            #[cfg(unix)]
            handle,
        })
    }

    /// Opens what these names lead to. Blocks.
    ///
    /// # Errors
    /// As the system says; not found for whatever lies outside.
    pub(super) fn find(&self, names: &[OsString]) -> io::Result<Found> {
        let mut wanted = self.path.clone();
        wanted.extend(names);
        let resolved = std::fs::canonicalize(&wanted).map_err(loops_are_absent)?;
        let below = resolved.strip_prefix(&self.path).map_err(|_| io::ErrorKind::NotFound)?;
        let file = self.open_below(below).map_err(loops_are_absent)?;
        let metadata = file.metadata()?;
        Ok(Found {
            file,
            metadata,
            #[cfg(not(unix))]
            path: resolved,
        })
    }

    /// The entries of a directory, at most `limit`, directories first; true when there are more. Blocks.
    pub(super) fn list(&self, directory: &Found, limit: usize) -> io::Result<(Vec<Entry>, bool)> {
        let mut entries = Vec::new();
        let mut more = false;
        for entry in self.entries(directory)? {
            let entry = entry?;
            if entries.len() == limit {
                more = true;
                break;
            }
            entries.push(entry);
        }
        entries.sort_by(|a: &Entry, b| {
            (a.kind != Kind::Directory, &a.name).cmp(&(b.kind != Kind::Directory, &b.name))
        });
        Ok((entries, more))
    }
}

/// A circle of links, or a link where none is followed: `ErrorKind` has no stable name for it.
fn loops_are_absent(error: io::Error) -> io::Error {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return io::ErrorKind::NotFound.into();
    }
    error
}

#[cfg(unix)]
mod system {
    use super::{Entry, File, Found, Kind, Path, Root, io};
    use rustix::fs::{Dir, FileType, Mode, OFlags, openat};
    use std::os::unix::ffi::OsStringExt;

    impl Root {
        pub(super) fn open_below(&self, below: &Path) -> io::Result<File> {
            // Not to block on a pipe, which is then found to be no file.
            let flags =
                OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            let mut found = openat(&self.handle, ".", flags | OFlags::DIRECTORY, Mode::empty())?;
            for name in below.components() {
                found = openat(&found, name.as_os_str(), flags, Mode::empty())?;
            }
            Ok(File::from(found))
        }

        pub(super) fn entries(
            &self,
            directory: &Found,
        ) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
            let entries = Dir::read_from(&directory.file)?;
            Ok(entries.filter_map(|entry| {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => return Some(Err(error.into())),
                };
                let name = entry.file_name().to_bytes();
                let kind = match entry.file_type() {
                    FileType::Directory => Kind::Directory,
                    FileType::Symlink => Kind::Link,
                    _ => Kind::File,
                };
                let name = std::ffi::OsString::from_vec(name.to_vec());
                (name != "." && name != "..").then_some(Ok(Entry { name, kind }))
            }))
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{Entry, File, Found, Kind, Path, Root, io};

    impl Root {
        pub(super) fn open_below(&self, below: &Path) -> io::Result<File> {
            let mut options = File::options();
            options.read(true);
            #[cfg(windows)]
            // FILE_FLAG_BACKUP_SEMANTICS: opens directories too.
            std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0200_0000);
            options.open(self.path.join(below))
        }

        pub(super) fn entries(
            &self,
            directory: &Found,
        ) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
            Ok(std::fs::read_dir(&directory.path)?.map(|entry| {
                let entry = entry?;
                let kind = match entry.file_type()? {
                    kind if kind.is_dir() => Kind::Directory,
                    kind if kind.is_symlink() => Kind::Link,
                    _ => Kind::File,
                };
                Ok(Entry { name: entry.file_name(), kind })
            }))
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("wirelace-root-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(path.join("served/sub")).unwrap();
            std::fs::write(path.join("secret"), "secret").unwrap();
            std::fs::write(path.join("served/sub/file"), "inside").unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn names(path: &str) -> Vec<OsString> {
        path.split('/').map(OsString::from).collect()
    }

    fn read(root: &Root, path: &str) -> io::Result<String> {
        io::read_to_string(root.find(&names(path))?.file)
    }

    #[test]
    fn links_within_work_and_links_out_are_not_found() {
        let scratch = Scratch::new("links");
        let served = scratch.0.join("served");
        symlink("sub/file", served.join("relative")).unwrap();
        symlink(served.join("sub"), served.join("absolute")).unwrap();
        symlink("../secret", served.join("out")).unwrap();
        symlink("/", served.join("sub/top")).unwrap();
        symlink("..", served.join("parent")).unwrap();
        symlink("loop", served.join("loop")).unwrap();
        symlink("nowhere", served.join("dangling")).unwrap();
        let root = Root::open(&served).unwrap();
        assert_eq!(read(&root, "sub/file").unwrap(), "inside");
        assert_eq!(read(&root, "relative").unwrap(), "inside");
        assert_eq!(read(&root, "absolute/file").unwrap(), "inside");
        for path in ["out", "sub/top", "sub/top/etc/passwd", "parent", "parent/secret", "dangling", "loop"] {
            let error = root.find(&names(path)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{path}");
        }
        // A sibling whose name begins with that of the directory is outside too.
        std::fs::create_dir(scratch.0.join("served-not")).unwrap();
        std::fs::write(scratch.0.join("served-not/file"), "x").unwrap();
        symlink("../served-not/file", served.join("sibling")).unwrap();
        assert_eq!(root.find(&names("sibling")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_link_put_in_after_the_check_is_not_followed() {
        let scratch = Scratch::new("race");
        let served = scratch.0.join("served");
        let root = Root::open(&served).unwrap();
        // What `find` does after resolving, with the tree changed in between.
        std::fs::rename(served.join("sub"), served.join("was")).unwrap();
        symlink("/etc", served.join("sub")).unwrap();
        assert!(root.open_below(Path::new("sub/passwd")).is_err());
        symlink("../../secret", served.join("was/link")).unwrap();
        assert!(root.open_below(Path::new("was/link")).is_err());
        assert!(root.open_below(Path::new("was/file")).is_ok());
    }

    #[test]
    fn listing() {
        let scratch = Scratch::new("list");
        let served = scratch.0.join("served");
        std::fs::write(served.join("b"), "").unwrap();
        std::fs::write(served.join("a"), "").unwrap();
        symlink("../secret", served.join("c")).unwrap();
        let root = Root::open(&served).unwrap();
        let directory = root.find(&[]).unwrap();
        let (entries, more) = root.list(&directory, 10).unwrap();
        let shown: Vec<_> = entries.iter().map(|entry| (entry.name.to_str().unwrap(), entry.kind)).collect();
        assert_eq!(
            shown,
            [("sub", Kind::Directory), ("a", Kind::File), ("b", Kind::File), ("c", Kind::Link)]
        );
        assert!(!more);
        assert!(root.list(&directory, 2).unwrap().1);
    }
}
