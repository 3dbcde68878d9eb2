//! What is known of a question.

/// Kleene's three values. What nobody knows may not let anybody in, neither as it stands nor negated.
///
/// In this order *and* is the least, *or* the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    No,
    Maybe,
    Yes,
}

impl Truth {
    /// Whether all of them are so; of none that is sure.
    pub(crate) fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut least = Self::Yes;
        for answer in answers {
            least = least.min(answer);
            if least == Self::No {
                break;
            }
        }
        least
    }

    /// Whether one of them is so; of none that is surely not so.
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut greatest = Self::No;
        for answer in answers {
            greatest = greatest.max(answer);
            if greatest == Self::Yes {
                break;
            }
        }
        greatest
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, Maybe, No, Yes};

    #[test]
    fn and_or_and_not_are_kleenes() {
        for (a, b, and, or) in [
            (No, No, No, No),
            (No, Maybe, No, Maybe),
            (No, Yes, No, Yes),
            (Maybe, Maybe, Maybe, Maybe),
            (Maybe, Yes, Maybe, Yes),
            (Yes, Yes, Yes, Yes),
        ] {
            for pair in [[a, b], [b, a]] {
                assert_eq!(Truth::all(pair), and, "{pair:?}");
                assert_eq!(Truth::any(pair), or, "{pair:?}");
            }
        }
        assert_eq!([!No, !Maybe, !Yes], [Yes, Maybe, No]);
        assert_eq!((Truth::all([]), Truth::any([])), (Yes, No));
    }
}
