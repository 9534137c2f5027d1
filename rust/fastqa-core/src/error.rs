//! What can be wrong with an input: one variant for each builtin exception that it becomes in
//! Python.
//!
//! The text is all there is: it says what was expected, what came and where (example, feature,
//! column), and what to do about it. Errors are made where the place is known, so nothing is added
//! later.
use std::fmt;

/// Every way in which a call can fail. The binding maps each to one Python exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An argument or input array is not usable; the text says what was expected, what came and where.
    Value(String),
    /// A name that must be known is not (for instance an `example_id`).
    Key(String),
    /// Memory for a result could not be had.
    Memory(String),
    /// A file could not be written.
    Io(String),
}

impl Error {
    /// A [`Error::Value`] from anything that can be shown.
    pub fn value(message: impl Into<String>) -> Self {
        Self::Value(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(text) | Self::Key(text) | Self::Memory(text) | Self::Io(text) => {
                formatter.write_str(text)
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}
