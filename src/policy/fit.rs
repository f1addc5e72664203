//! How well a rule's match fits a request: as the request is spelled, and in its folded form.

/// The two answers of one comparison.
///
/// A router or service may fold some parts of a request and not others. Its reading lies between
/// these two, so where both answers agree, its answer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Whether it fits as the request is spelled.
    pub exact: bool,
    /// Whether it fits in the folded form.
    pub folded: bool,
}

impl Fit {
    /// It fits, however it is read.
    pub const YES: Self = Self::certain(true);
    /// It does not fit, however it is read.
    pub const NO: Self = Self::certain(false);

    /// The same answer in both forms.
    #[must_use]
    pub const fn certain(fits: bool) -> Self {
        Self {
            exact: fits,
            folded: fits,
        }
    }

    /// Whether some reading fits.
    #[must_use]
    pub const fn is_possible(self) -> bool {
        self.exact || self.folded
    }

    /// Fits where both do.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            exact: self.exact && other.exact,
            folded: self.folded && other.folded,
        }
    }

    /// Fits where one of them does.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            exact: self.exact || other.exact,
            folded: self.folded || other.folded,
        }
    }

    /// The answer for the request as it is spelled, whatever its folded form.
    #[must_use]
    pub const fn exactly(self) -> Self {
        Self::certain(self.exact)
    }
}
