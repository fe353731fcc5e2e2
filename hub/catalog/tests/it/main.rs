//! The catalog over the specs of the reference city, as far as they are there.

mod city;
