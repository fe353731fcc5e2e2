//! A back end held against its description: sends what `hub_sandbox::mock::verify` makes and gathers what is wrong with the
//! answers. The command line and the door for developers both stand on it; neither decides what is wrong.

mod caller;
mod run;

pub use caller::Caller;
pub use run::{Again, Group, Run, Wanted, again, run};
