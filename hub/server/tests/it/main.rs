//! The hub through its public doors.

mod calls;
mod city;
mod command;
mod crash;
mod documents;
mod empty;
mod layers;
mod operators;
mod outage;
mod own;
mod pages;
mod support;
