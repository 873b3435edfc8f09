//! A source file of the crate, read for the rules of the house.

/// Without its tests.
pub(crate) struct Source {
    /// Relative to `src`.
    pub(crate) path: String,
    pub(crate) lines: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let starts_tests =
            |pair: &[String]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
        if let Some(tests) = lines.windows(2).position(starts_tests) {
            lines.truncate(tests);
        }
        Self { path: path.to_owned(), lines }
    }

    pub(crate) fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    pub(crate) fn is_root(&self) -> bool {
        self.path == "lib.rs"
    }

    /// Where it is, and what is wrong there.
    pub(crate) fn fault(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("src/{}:{line}: {what}", self.path)
    }

    /// The lines that are no comments, with their numbers.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.lines.iter().enumerate();
        let numbered = numbered.map(|(index, line)| (index + 1, line.as_str()));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The rooms that the code names, with the lines on which it does.
    pub(crate) fn imports(&self) -> Vec<(usize, String)> {
        let mut rooms = Vec::new();
        for (line, rest) in self.paths_from_the_root() {
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(names_in_group(group).map(|name| (line, name))),
                None => rooms.push((line, first_name(&rest))),
            }
        }
        rooms
    }

    /// What follows each `crate::`, to the end of the file. In the first file of a room
    /// `super::` means the same.
    fn paths_from_the_root(&self) -> Vec<(usize, String)> {
        let first = self.path == format!("{}.rs", self.room())
            || self.path == format!("{}/mod.rs", self.room());
        let starts: &[&str] = if first { &["crate::", "super::"] } else { &["crate::"] };
        let code: Vec<_> = self.code().collect();
        let mut paths = Vec::new();
        for (index, (line, text)) in code.iter().enumerate() {
            for start in starts {
                for (at, _) in text.match_indices(start) {
                    let below = code[index + 1..].iter().flat_map(|(_, text)| ["\n", text]);
                    let rest: String =
                        [&text[at + start.len()..]].into_iter().chain(below).collect();
                    paths.push((*line, rest));
                }
            }
        }
        paths
    }
}

/// The first name of each path of a group, of which the opening brace is gone.
fn names_in_group(group: &str) -> impl Iterator<Item = String> + use<> {
    let (mut depth, mut paths) = (1, vec![String::new()]);
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => paths.push(String::new()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if let Some(path) = paths.last_mut().filter(|_| letter != ',') {
            path.push(letter);
        }
    }
    paths.into_iter().map(|path| first_name(path.trim_start())).filter(|name| !name.is_empty())
}

fn first_name(path: &str) -> String {
    path.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}
