//! The catalog over the specs of the reference city, as far as they are there.

#[cfg(test)]
mod city;
#[cfg(test)]
mod search;
