//! The result of comparing a rule's match with a request: as spelled, and in folded form.

/// Both answers of one comparison.
///
/// A router or service may fold some parts of a request and not others. Its reading lies between
/// these two, so if both answers agree, its answer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// True if the request matches as spelled.
    pub(crate) exact: bool,
    /// True if the request matches in its folded form.
    pub(crate) folded: bool,
}

impl Fit {
    /// Matches in every reading.
    pub(crate) const YES: Self = Self::certain(true);
    /// Matches in no reading.
    pub(crate) const NO: Self = Self::certain(false);

    /// The same answer in both forms.
    pub(crate) const fn certain(fits: bool) -> Self {
        Self {
            exact: fits,
            folded: fits,
        }
    }

    pub(crate) const fn is_possible(self) -> bool {
        self.exact || self.folded
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            exact: self.exact && other.exact,
            folded: self.folded && other.folded,
        }
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self {
            exact: self.exact || other.exact,
            folded: self.folded || other.folded,
        }
    }
}
