//! The catalog over the specs of the reference city, as far as they are there.

#[cfg(test)]
mod city;
#[cfg(test)]
mod description;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod search;
