//! Check characters of Chinese identity numbers.

/// Check character of a resident id number (GB 11643-1999, ISO 7064 MOD 11-2) over its first 17 digits.
/// `None` where those are not 17 ASCII digits.
#[must_use]
pub fn id_card(first_17: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    if first_17.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (c, w) in first_17.chars().zip(WEIGHTS) {
        sum += c.to_digit(10)? * w;
    }
    "10X98765432".chars().nth((sum % 11) as usize)
}

/// Whether an 18-character resident id number has the right check character.
#[must_use]
pub fn id_card_is_valid(number: &str) -> bool {
    number.is_ascii()
        && number.len() == 18
        && number
            .split_at_checked(17)
            .is_some_and(|(head, tail)| id_card(head).is_some_and(|c| tail.starts_with(c)))
}

const USCC_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Check character of a unified social credit code (GB 32100-2015, MOD 31-3) over its first 17 characters.
/// `None` where those are not 17 characters of the code's alphabet.
#[must_use]
pub fn uscc(first_17: &str) -> Option<char> {
    if first_17.len() != 17 {
        return None;
    }
    let mut weight = 1;
    let mut sum = 0;
    for c in first_17.chars() {
        sum += USCC_ALPHABET.find(c)? * weight;
        weight = weight * 3 % 31;
    }
    USCC_ALPHABET.chars().nth((31 - sum % 31) % 31)
}

/// Whether an 18-character unified social credit code has the right check character.
#[must_use]
pub fn uscc_is_valid(code: &str) -> bool {
    code.is_ascii()
        && code.len() == 18
        && code
            .split_at_checked(17)
            .is_some_and(|(head, tail)| uscc(head).is_some_and(|c| tail.starts_with(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_card_check_character() {
        // The worked example printed in GB 11643-1999.
        assert_eq!(id_card("34052419800101001"), Some('X'));
        assert!(id_card_is_valid("34052419800101001X"));
        assert!(!id_card_is_valid("340524198001010019"));
        assert!(!id_card_is_valid("34052419800101001x"));
        assert!(!id_card_is_valid("三四"));
    }

    #[test]
    fn uscc_check_character() {
        // The worked example printed in GB 32100-2015.
        assert!(uscc_is_valid("91350100M000100Y43"));
        assert!(!uscc_is_valid("91350100M000100Y44"));
        assert!(!uscc_is_valid("91350100I000100Y43"));
    }
}
