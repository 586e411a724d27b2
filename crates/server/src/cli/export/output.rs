//! Where an export goes. A file has its name only once it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 256 * 1024;

/// An output that is being written.
pub(super) enum Output {
    Stdout(io::Stdout),
    /// A pipe or a device: it has no end that could be kept back.
    Direct(BufWriter<File>),
    File(PartialFile),
}

/// A file that is written beside its name. Dropped before its end it goes away.
pub(super) struct PartialFile {
    writer: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
    is_whole: bool,
}

/// What it is called in messages.
pub(super) fn name(path: &Path) -> String {
    if is_standard_output(path) { "standard output".to_owned() } else { path.display().to_string() }
}

fn is_standard_output(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Output {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if is_standard_output(path) {
            return Ok(Self::Stdout(io::stdout()));
        }
        let writer = |file| BufWriter::with_capacity(BUFFER_BYTES, file);
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return File::options().write(true).open(path).map(writer).map(Self::Direct);
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let writer = writer(File::create(&part)?);
        Ok(Self::File(PartialFile { writer, part, path: path.to_owned(), is_whole: false }))
    }

    pub(super) const fn is_standard_output(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// Whether it is nothing until it is whole.
    pub(super) const fn is_kept_back(&self) -> bool {
        matches!(self, Self::File(_))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes),
            Self::Direct(writer) => writer.write_all(bytes),
            Self::File(file) => file.writer.write_all(bytes),
        }
    }

    /// Says that everything is written. Only now does a file get its name, in place of one that has it.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::Direct(mut writer) => writer.flush(),
            Self::File(mut file) => {
                file.writer.flush()?;
                // Else a crash of the system could leave a whole name on half a file.
                file.writer.get_ref().sync_all()?;
                fs::rename(&file.part, &file.path)?;
                file.is_whole = true;
                Ok(())
            }
        }
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // If it can't be removed, its name still says what it is.
            let _ = fs::remove_file(&self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let (path, part) = (directory.path().join("e.csv"), directory.path().join("e.csv.part"));
        fs::write(&path, "before").unwrap();
        let mut output = Output::create(&path).unwrap();
        output.write(b"half").unwrap();
        assert!(part.exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        drop(output);
        assert!(!part.exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");

        let mut output = Output::create(&path).unwrap();
        output.write(b"wh").unwrap();
        output.write(b"ole").unwrap();
        output.finish().unwrap();
        assert!(!part.exists());
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    }

    #[test]
    fn what_is_no_file_is_not_replaced_by_one() {
        let mut output = Output::create(Path::new("/dev/null")).unwrap();
        assert!(matches!(output, Output::Direct(_)));
        output.write(b"x").unwrap();
        output.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let directory = tempfile::tempdir().unwrap();
        assert!(Output::create(directory.path()).is_err());
        assert!(Output::create(&directory.path().join("no/such/e.csv")).is_err());
    }
}
