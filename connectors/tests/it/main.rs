//! Connectors through both halves, and against literal bytes.

mod city;
mod documents;
mod json_dialects;
mod manual;
mod old_dialects;
mod reference_city;
