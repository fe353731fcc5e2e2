//! Parameters of a request, from a query or a form.

use super::error::OauthError;

/// Most parameters of a request.
const MOST: usize = 64;
/// Most bytes of one value.
const LONGEST: usize = 4096;

/// Parameters, each at most once (RFC 6749, 3.1); what has no value counts as not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// From decoded pairs.
    ///
    /// # Errors
    /// `invalid_request` if one comes twice, or there is too much.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, OauthError> {
        if pairs.len() > MOST || pairs.iter().any(|(n, v)| n.len() > LONGEST || v.len() > LONGEST) {
            return Err(OauthError::request(
                "请求参数过多或过长",
                "too many or too long parameters",
            ));
        }
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if kept.iter().any(|(n, _)| *n == name) {
                return Err(OauthError::request("同一参数出现了两次", "a parameter is given twice"));
            }
            kept.push((name, value));
        }
        kept.retain(|(_, value)| !value.is_empty());
        Ok(Self(kept))
    }

    /// A value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn need(&self, name: &'static str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| {
            OauthError::request(&format!("缺少参数 {name}"), &format!("the parameter {name} is missing"))
        })
    }

    /// All of them, without those of client authentication.
    #[must_use]
    pub fn without_proof(self) -> Vec<(String, String)> {
        let proof = ["client_secret", "client_assertion", "client_assertion_type"];
        self.0
            .into_iter()
            .filter(|(n, _)| !proof.contains(&n.as_str()))
            .collect()
    }
}

/// Appends parameters to an address, which stays as it is to the letter.
#[must_use]
pub(crate) fn appended(address: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let joint = match address.rsplit_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{address}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn once_each_and_empty_is_not_sent() {
        let params = Params::new(pairs(&[("a", "1"), ("b", "")])).unwrap();
        assert_eq!((params.get("a"), params.get("b")), (Some("1"), None));
        assert!(params.need("b").is_err());
        assert!(Params::new(pairs(&[("a", "1"), ("a", "1")])).is_err());
        assert!(Params::new(pairs(&[("b", ""), ("b", "1")])).is_err(), "twice is twice");
        assert!(Params::new(pairs(&[("a", &"x".repeat(4097))])).is_err());
    }

    #[test]
    fn addresses_stay_to_the_letter() {
        let put = |address| appended(address, &[("state", "a b&c"), ("iss", "http://h/sso")]);
        let tail = "state=a+b%26c&iss=http%3A%2F%2Fh%2Fsso";
        assert_eq!(
            put("https://A.example/cb/../x"),
            format!("https://A.example/cb/../x?{tail}")
        );
        assert_eq!(
            put("https://a.example/cb?x=%20"),
            format!("https://a.example/cb?x=%20&{tail}")
        );
        assert_eq!(put("app.example:/cb?"), format!("app.example:/cb?{tail}"));
    }
}
