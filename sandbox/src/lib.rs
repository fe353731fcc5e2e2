//! The sandbox: every service answers, always, like the real one, and nobody in it is real.
//!
//! The mock engine makes answers from contracts alone: from their examples, from the dictionary's meaning of fields, from
//! their schemas; a world remembers what was submitted, booked, paid and withdrawn. The same engine, behind the
//! connectors run backwards, is the simulated city.
//!
//! Invariants: whatever leaves was checked against its contract, and where no fitting answer is found the caller gets a
//! problem that names the place, never a wrong answer; the same seed and the same history give the same bytes; a matter
//! is shown only to the person or company it belongs to; people, companies and numbers are invented and lie where no
//! authority issues any. It must never know the name of an agency or a service, a socket, a file of its own but its
//! data, or what time it is (a [`hub_core::ports::Clock`] says so).

mod answer;
mod calendar;
mod city;
mod clock;
mod compose;
mod contracts;
mod data;
mod deeds;
mod engine;
mod gather;
mod host;
mod invent;
mod lifecycle;
mod links;
mod magic;
pub mod mock;
mod paging;
mod parts;
mod party;
mod pattern;
mod personas;
mod primitive;
mod rules;
mod scenario;
mod scene;
#[cfg(test)]
mod scene_tests;
mod seed;
mod state;
mod statement;
mod template;
#[cfg(test)]
mod testing;
mod timeline;
mod vocabulary;
mod word;
mod world;
mod worlds;

pub use calendar::{KnownYear, holiday, is_working_day, known_years};
pub use city::{CITY_WORLD, City, ConnectorSource, SecretSource};
pub use clock::{Distance, Turn, WorldClock};
pub use contracts::{ContractSource, Contracts};
pub use data::DataError;
pub use engine::{DEFAULT_WORLD, MockEngine, Told};
pub use host::{Decision, Entered, Moved, Standing, happenings};
pub use magic::Magic;
pub use parts::Change;
pub use personas::{Company, Person, PersonaMandate, Personas};
pub use state::Limits;
pub use timeline::{EVENTS, Happening, Kind};
pub use word::Word;
