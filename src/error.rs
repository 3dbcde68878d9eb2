//! Why a request was refused ([`Error`]), and why a layer can't start ([`ConfigError`]).

use std::fmt;
use std::sync::Arc;

use crate::explain::Explanation;
use crate::principal::printable;

mod config;
mod kind;

pub use self::config::ConfigError;
pub use self::kind::{ErrorKind, Fault};

/// How much of a detail is kept, in characters.
const MAX_DETAIL: usize = 1_000;

/// Why a request was refused or could not be served.
///
/// It is in the extensions of the response that the client got, so that layers further out can
/// count or log it; the body never says more than the status does.
///
/// `Display` is one line for the log, with the cause and, where the set-up is at fault, the mend:
/// the text of the [`explanation`](Self::explanation), where there is one. What it quotes of a
/// stranger's token has its control characters escaped; it never holds a token or a password.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    explanation: Option<Explanation>,
    detail: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                explanation: None,
                detail: None,
                source: None,
            }),
        }
    }

    pub(crate) fn with_detail(mut self, detail: impl AsRef<str>) -> Self {
        // GSSAPI's texts quote the names of a stranger's token, as long as they are.
        let detail = detail.as_ref();
        let end = detail.char_indices().nth(MAX_DETAIL);
        let end = end.map_or(detail.len(), |(end, _)| end);
        let mut shown = printable(detail.get(..end).unwrap_or(detail));
        if end < detail.len() {
            shown.push('…');
        }
        Arc::make_mut(&mut self.inner).detail = Some(shown);
        self
    }

    pub(crate) fn explained(mut self, explanation: impl Into<Option<Explanation>>) -> Self {
        Arc::make_mut(&mut self.inner).explanation = explanation.into();
        self
    }

    /// Has more said by the explanation that it has.
    pub(crate) fn map_explanation(self, more: impl FnOnce(Explanation) -> Explanation) -> Self {
        let explanation = self.inner.explanation.clone();
        match explanation {
            Some(explanation) => self.explained(more(explanation)),
            None => self,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.inner).source = Some(Arc::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Who can mend it.
    pub fn fault(&self) -> Fault {
        self.inner.kind.fault()
    }

    /// What was seen, what it means, and the commands that mend it: of a token that was refused, and
    /// of a ticket that lets nobody in for its realm or for want of a PAC.
    ///
    /// ```
    /// use tower_spnego::{Error, explain::Cause};
    ///
    /// fn is_keytab_outdated(error: &Error) -> bool {
    ///     error.explanation().is_some_and(|why| why.kind() == Cause::KvnoTooNew)
    /// }
    /// ```
    pub fn explanation(&self) -> Option<&Explanation> {
        self.inner.explanation.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.explanation {
            Some(explanation) => write!(f, "{explanation}")?,
            None => f.write_str(self.inner.kind.message())?,
        }
        match &self.inner.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("explanation", &self.inner.explanation)
            .field("detail", &self.inner.detail)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}
