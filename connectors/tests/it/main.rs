//! Connectors through both halves, and against literal bytes.

mod city;
mod json_dialects;
mod old_dialects;
