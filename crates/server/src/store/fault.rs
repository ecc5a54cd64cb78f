//! What SQLite reports, as the causes that the decision knows. The words of SQLite go to the log and nowhere else.

use crate::log;
use rusqlite::{Error, ErrorCode, ffi};
use verdict_core::cause::Failure;

/// The cause that an error is. Rows that cannot be read as what was written into them are damage.
pub(super) fn failure(error: &Error) -> Failure {
    match code(error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::StoreBusy,
        Some(ErrorCode::DiskFull) => Failure::DiskFull,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) | None => {
            Failure::Corrupt
        }
        Some(_) => Failure::Disk,
    }
}

/// The same, for somebody who cannot be told more than that: the operator is.
pub(super) fn told(what: &str, error: &Error) -> Failure {
    let failure = failure(error);
    // Busy is said by the count of answers, as often as it happens.
    if failure != Failure::StoreBusy {
        log::operation(format_args!("store: {what}: {error}"));
    }
    failure
}

/// Whether what is on the disk is unknown after it: the kernel may take pages for written that a failed fsync has lost.
pub(super) fn leaves_doubt(error: &Error) -> bool {
    matches!(code(error), Some(ErrorCode::SystemIoFailure))
}

/// Whether it was an fsync that failed.
pub(super) fn is_failed_fsync(error: &Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(extended, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

fn code(error: &Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_cause() {
        for (error, expected) in [
            (ffi::SQLITE_BUSY, Failure::StoreBusy),
            (ffi::SQLITE_BUSY_SNAPSHOT, Failure::StoreBusy),
            (ffi::SQLITE_LOCKED, Failure::StoreBusy),
            (ffi::SQLITE_FULL, Failure::DiskFull),
            (ffi::SQLITE_IOERR_FSYNC, Failure::Disk),
            (ffi::SQLITE_IOERR_WRITE, Failure::Disk),
            (ffi::SQLITE_READONLY, Failure::Disk),
            (ffi::SQLITE_CORRUPT, Failure::Corrupt),
            (ffi::SQLITE_CORRUPT_INDEX, Failure::Corrupt),
            (ffi::SQLITE_NOTADB, Failure::Corrupt),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Failure::Corrupt),
        ] {
            assert_eq!(failure(&Error::SqliteFailure(ffi::Error::new(error), None)), expected, "{error}");
        }
        assert_eq!(failure(&Error::QueryReturnedNoRows), Failure::Corrupt);
    }

    #[test]
    fn only_what_the_system_failed_to_do_leaves_doubt() {
        for (error, doubt) in
            [(ffi::SQLITE_IOERR_FSYNC, true), (ffi::SQLITE_IOERR_WRITE, true), (ffi::SQLITE_FULL, false)]
        {
            let fsync = error == ffi::SQLITE_IOERR_FSYNC;
            let error = Error::SqliteFailure(ffi::Error::new(error), None);
            assert_eq!((leaves_doubt(&error), is_failed_fsync(&error)), (doubt, fsync), "{error}");
        }
    }
}
