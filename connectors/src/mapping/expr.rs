//! Expressions (CEL) for what rows cannot say, with bounds: short sources, small inputs, no macros when uploaded.

use crate::settings::Origin;
use cel::{Context, Program};
use serde_json::{Map, Number, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Characters an expression may have.
const MAX_SOURCE: usize = 2_000;
/// Values all variables of one evaluation may hold together.
const MAX_VALUES: usize = 20_000;

/// A compiled expression.
pub struct Expression {
    source: String,
    program: Program,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "= {}", self.source)
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn compile(source: &str, origin: Origin) -> Result<Self, String> {
        if source.len() > MAX_SOURCE {
            return Err(format!("longer than {MAX_SOURCE} characters"));
        }
        let program = Program::compile(source).map_err(|e| e.to_string().lines().next().unwrap_or("").to_owned())?;
        if origin == Origin::Uploaded && has_macro(source) {
            return Err("macros are not for uploaded manifests".to_owned());
        }
        Ok(Self {
            source: source.to_owned(),
            program,
        })
    }

    /// Names of the variables it uses.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let references = self.program.references();
        references.variables().into_iter().map(str::to_owned).collect()
    }

    /// Its value.
    ///
    /// # Errors
    /// Why it has none, without the values it was given.
    pub fn evaluate(&self, variables: &[(&str, &Value)]) -> Result<Value, String> {
        let mut budget = MAX_VALUES;
        let mut context = Context::default();
        for (name, value) in variables {
            let value = to_cel(value, &mut budget).ok_or("the values are too large for an expression")?;
            context.add_variable_from_value(*name, value);
        }
        let value = self
            .program
            .execute(&context)
            .map_err(|_| format!("`{}` has no value here", self.source))?;
        from_cel(&value).ok_or_else(|| format!("`{}` gives no plain value", self.source))
    }
}

fn has_macro(source: &str) -> bool {
    [".all(", ".exists(", ".exists_one(", ".map(", ".filter("]
        .iter()
        .any(|m| source.replace(' ', "").contains(m))
}

fn to_cel(value: &Value, budget: &mut usize) -> Option<cel::Value> {
    *budget = budget.checked_sub(1)?;
    Some(match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => number_to_cel(number),
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => {
            let items = items.iter().map(|v| to_cel(v, budget)).collect::<Option<Vec<_>>>()?;
            cel::Value::List(Arc::new(items))
        }
        Value::Object(map) => {
            let map = map
                .iter()
                .map(|(k, v)| Some((k.clone(), to_cel(v, budget)?)))
                .collect::<Option<HashMap<String, cel::Value>>>()?;
            cel::Value::Map(map.into())
        }
    })
}

fn number_to_cel(number: &Number) -> cel::Value {
    if let Some(int) = number.as_i64() {
        cel::Value::Int(int)
    } else if let Some(int) = number.as_u64() {
        cel::Value::UInt(int)
    } else {
        cel::Value::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}

fn from_cel(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(flag) => Value::Bool(*flag),
        cel::Value::Int(int) => Value::from(*int),
        cel::Value::UInt(int) => Value::from(*int),
        // A whole float is written as the whole number it is: contracts ask for integers.
        cel::Value::Float(float) if float.fract() == 0.0 && float.abs() < 9e15 => {
            format!("{float:.0}").parse::<i64>().ok().map(Value::from)?
        }
        cel::Value::Float(float) => Value::Number(Number::from_f64(*float)?),
        cel::Value::String(text) => Value::String(text.to_string()),
        cel::Value::List(items) => Value::Array(items.iter().map(from_cel).collect::<Option<_>>()?),
        cel::Value::Map(map) => {
            let mut members: Vec<_> = map
                .map
                .iter()
                .map(|(k, v)| Some((k.to_string(), from_cel(v)?)))
                .collect::<Option<_>>()?;
            members.sort_by(|a: &(String, Value), b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect::<Map<_, _>>())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(source: &str, data: &Value) -> Result<Value, String> {
        Expression::compile(source, Origin::Operator)?.evaluate(&[("data", data)])
    }

    #[test]
    fn counts_joins_and_chooses() {
        let data = json!({"rows": [{"a": "x"}, {"a": "y"}], "n": 3});
        assert_eq!(value("data.rows.size()", &data), Ok(json!(2)));
        assert_eq!(value("data.rows.map(r, r.a)", &data), Ok(json!(["x", "y"])));
        assert_eq!(value("data.n > 2 ? 'many' : 'few'", &data), Ok(json!("many")));
        assert_eq!(value("data.n * 100", &data), Ok(json!(300)));
    }

    #[test]
    fn errors_do_not_carry_values() {
        let error = value("data.missing.size()", &json!({"id": "430105199003071230"})).unwrap_err();
        assert!(!error.contains("430105"));
        assert!(Expression::compile("1 +", Origin::Operator).is_err());
    }

    #[test]
    fn an_uploaded_manifest_has_no_macros() {
        assert!(Expression::compile("data.rows.map(r, r.a)", Origin::Uploaded).is_err());
        assert!(Expression::compile("data.n == 3", Origin::Uploaded).is_ok());
    }
}
