//! Check characters of Chinese identity numbers and of bank cards.

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

/// Check digit of a bank card number over the digits before it (ISO/IEC 7812-1, annex B). `None` where those are no ASCII
/// digits, or none at all.
#[must_use]
pub fn bank_card(head: &str) -> Option<char> {
    let mut sum = 0;
    for (at, c) in head.chars().rev().enumerate() {
        let digit = c.to_digit(10)?;
        let twice = digit * 2;
        sum += if at % 2 == 1 { digit } else { twice / 10 + twice % 10 };
    }
    char::from_digit((10 - sum % 10) % 10, 10).filter(|_| !head.is_empty())
}

/// Whether the last digit of a bank card number is the right one.
#[must_use]
pub fn bank_card_is_valid(number: &str) -> bool {
    let mut head = number.chars();
    let last = head.next_back();
    last.is_some() && bank_card(head.as_str()) == last
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
    fn bank_card_check_digit() {
        // The example of ISO/IEC 7812-1 annex B: 4992 73 9871 has check digit 6.
        assert_eq!(bank_card("4992739871"), Some('6'));
        assert!(bank_card_is_valid("49927398716"));
        assert!(!bank_card_is_valid("49927398717"));
        for none in ["", "6", "4992739871六", "x992739871"] {
            assert!(!bank_card_is_valid(none), "{none}");
        }
    }

    #[test]
    fn uscc_check_character() {
        // The worked example printed in GB 32100-2015.
        assert!(uscc_is_valid("91350100M000100Y43"));
        assert!(!uscc_is_valid("91350100M000100Y44"));
        assert!(!uscc_is_valid("91350100I000100Y43"));
    }
}
