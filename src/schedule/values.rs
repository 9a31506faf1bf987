/// The values of one field at which something runs: a set of numbers below 63.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Values {
    bits: u64,
    /// Whether a star or question mark was among the items.
    pub(super) has_star: bool,
}

impl Values {
    /// Every `step`th number from `first` to `last`.
    pub(super) fn range(first: u8, last: u8, step: usize) -> Self {
        let mut values = Self::default();
        for value in (first..=last).step_by(step) {
            values.bits |= 1 << value;
        }
        values
    }

    /// Notes whether a star stood for them.
    pub(super) fn with_star(self, has_star: bool) -> Self {
        Self { has_star, ..self }
    }

    /// Adds what `other` has.
    pub(super) fn extend(&mut self, other: Self) {
        self.bits |= other.bits;
        self.has_star |= other.has_star;
    }

    pub(super) fn contains(self, value: u8) -> bool {
        self.bits & (1 << value) != 0
    }

    /// Returns the first value that is not less than `value`.
    pub(super) fn first_from(self, value: u8) -> Option<u8> {
        let bits = self.bits & (u64::MAX << value);
        highest(bits & bits.wrapping_neg())
    }

    /// Returns the last value that is not greater than `value`.
    pub(super) fn last_to(self, value: u8) -> Option<u8> {
        highest(self.bits & !(u64::MAX << value << 1))
    }

    /// Returns how many values there are.
    pub(super) fn count(self) -> u64 {
        self.bits.count_ones().into()
    }

    /// Returns how many values are less than `value`.
    pub(super) fn count_below(self, value: u8) -> u64 {
        (self.bits & !(u64::MAX << value)).count_ones().into()
    }
}

fn highest(bits: u64) -> Option<u8> {
    let bit = bits.checked_ilog2()?;
    Some(u8::try_from(bit).expect("there are 64 bits"))
}
