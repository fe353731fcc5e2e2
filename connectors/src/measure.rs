//! What a connector costs: the number the whole design serves.

use crate::connector::Connector;
use crate::mapping::bind::Bind;
use std::collections::BTreeSet;

impl Connector {
    /// Distinct places of fields in the upstream's messages, over all operations and both directions; members of lists
    /// below their list.
    #[must_use]
    pub fn upstream_fields(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for plan in self.plans.values() {
            collect("", &plan.request, &mut found);
            collect("", &plan.response, &mut found);
        }
        found
    }
}

fn collect(above: &str, binds: &[Bind], found: &mut BTreeSet<String>) {
    for bind in binds {
        let path = if above.is_empty() {
            bind.path.to_string()
        } else {
            format!("{above}/{}", bind.path)
        };
        collect(&path, bind.rows.as_deref().unwrap_or_default(), found);
        found.insert(path);
    }
}
