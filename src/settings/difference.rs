//! What of new settings is not felt before a new start.

use std::collections::BTreeMap;

use super::{Settings, name::below, tree::Tree};

impl Settings {
    /// The paths of what differs in `next` and is not changed by
    /// [`Admission::reload`](crate::Admission::reload).
    #[must_use]
    pub fn takes_restart(&self, next: &Self) -> Vec<String> {
        let (before, after) = (self.fixed(), next.fixed());
        let differs = |path: &&String| before.get(*path) != after.get(*path);
        let mut paths: Vec<_> =
            before.keys().chain(after.keys()).filter(differs).cloned().collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// What is in effect and stays as it was at the start, by its paths.
    fn fixed(&self) -> BTreeMap<String, Tree> {
        let mut settings = self.effective();
        settings.limit.clear();
        settings.databases.values_mut().for_each(|of| of.limit.clear());
        settings.rate.keep_fixed();
        let mut flat = BTreeMap::new();
        flatten("", settings.to_tree(), &mut flat);
        flat
    }
}

fn flatten(path: &str, tree: Tree, flat: &mut BTreeMap<String, Tree>) {
    match tree {
        Tree::Table(table) => {
            table.into_iter().for_each(|(key, tree)| flatten(&below(path, &key), tree, flat));
        }
        tree => _ = flat.insert(path.to_owned(), tree),
    }
}
