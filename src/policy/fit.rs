//! The result of comparing a rule's match with a request: as spelled, and in folded form.

/// Both answers of one comparison.
///
/// A router or service may fold some parts of a request and not others. Its reading lies between
/// these two, so if both answers agree, its answer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// True if the request matches as spelled.
    pub exact: bool,
    /// True if the request matches in its folded form.
    pub folded: bool,
}

impl Fit {
    /// Matches in every reading.
    pub const YES: Self = Self::certain(true);
    /// Matches in no reading.
    pub const NO: Self = Self::certain(false);

    /// The same answer in both forms.
    #[must_use]
    pub const fn certain(fits: bool) -> Self {
        Self {
            exact: fits,
            folded: fits,
        }
    }

    /// Returns true if it matches in some reading.
    #[must_use]
    pub const fn is_possible(self) -> bool {
        self.exact || self.folded
    }

    /// Matches where both match.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            exact: self.exact && other.exact,
            folded: self.folded && other.folded,
        }
    }

    /// Matches where at least one of them matches.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            exact: self.exact || other.exact,
            folded: self.folded || other.folded,
        }
    }

    /// The answer for the request as spelled, whatever its folded form.
    #[must_use]
    pub const fn exactly(self) -> Self {
        Self::certain(self.exact)
    }
}
