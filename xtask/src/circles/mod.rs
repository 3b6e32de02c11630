//! Checks that no files of a package depend on each other in a circle. A module, its ancestors and its descendants are one
//! thing here: a dependency between them does not count.

mod conditions;
mod edges;
mod imports;
mod modules;
mod names;
mod shortest;
mod source;
mod tokens;

use crate::Outcome;
use crate::members::Package;
use std::fs;
use std::path::Path;

pub(crate) fn run(packages: &[Package]) -> Outcome {
    let mut found = Vec::new();
    for package in packages {
        for root in &package.roots {
            let circles = circles(&package.folder.join("src"), root, &|path| fs::read_to_string(path).ok())?;
            found.extend(circles.into_iter().map(|circle| format!("{}: {circle}", package.label())));
        }
    }
    if !found.is_empty() {
        return Err(format!("files depend on each other in a circle:\n  {}", found.join("\n  ")));
    }
    eprintln!("circles: none between the files of {} packages", packages.len());
    Ok(())
}

/// The circles of the crate whose root is the file `root`, in words. Files are named relative to `folder`.
fn circles(folder: &Path, root: &Path, load: modules::Load<'_>) -> Result<Vec<String>, String> {
    let modules = modules::read(root, load)?;
    let name = |at: &Vec<String>| {
        let file = &modules[at].file;
        file.strip_prefix(folder).unwrap_or(file).display().to_string()
    };
    let in_words = |circle: Vec<Vec<String>>| {
        let files: Vec<String> = circle.iter().chain(circle.first()).map(name).collect();
        files.join(" -> ")
    };
    Ok(shortest::circles(&edges::between(&modules)).into_iter().map(in_words).collect())
}

#[cfg(test)]
mod tests {
    use super::circles;
    use std::path::Path;

    /// The circles of a crate with these files.
    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let load = |path: &Path| {
            let file = files.iter().find(|(file, _)| Path::new("src").join(file) == path);
            file.map(|(_, text)| (*text).to_owned())
        };
        circles(Path::new("src"), Path::new("src/lib.rs"), &load).unwrap()
    }

    #[test]
    fn a_circle_is_named_from_its_first_file_on() {
        let files = [
            ("lib.rs", "mod contract; mod state;"),
            ("contract.rs", "use crate::state::view::View; pub struct Schema(View);"),
            ("state/mod.rs", "pub mod layout; pub mod view;"),
            ("state/view.rs", "use super::layout::Layout; pub struct View(Layout);"),
            ("state/layout.rs", "pub struct Layout; fn of(schema: &crate::contract::Schema) {}"),
        ];
        assert_eq!(of(&files), ["contract.rs -> state/view.rs -> state/layout.rs -> contract.rs"]);
    }

    #[test]
    fn a_line_of_files_is_no_circle() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; use crate::c::C;"),
            ("b.rs", "use crate::c::C; pub struct B;"),
            ("c.rs", "pub struct C;"),
        ];
        assert!(of(&files).is_empty());
    }

    #[test]
    fn a_module_and_its_descendants_are_no_circle() {
        let files = [
            ("lib.rs", "mod room; pub struct Root; fn f(x: room::Room) {}"),
            ("room/mod.rs", "mod inner; use inner::Inner; pub struct Room(Inner, crate::Root);"),
            ("room/inner.rs", "use super::Room; pub struct Inner; fn f(room: Room, root: crate::Root) {}"),
        ];
        assert!(of(&files).is_empty());
    }

    #[test]
    fn what_is_exported_again_belongs_to_the_file_that_defines_it() {
        let circle = [
            ("lib.rs", "mod a; mod room; pub use a::A; pub use room::deep as renamed;"),
            ("a.rs", "use crate::renamed; pub struct A;"),
            ("room/mod.rs", "mod inner; pub use inner::*;"),
            ("room/inner.rs", "use crate::A; pub fn deep(a: A) {}"),
        ];
        assert_eq!(of(&circle), ["a.rs -> room/inner.rs -> a.rs"]);
        // `b.rs` passes a name on and uses nothing of `a.rs`.
        let passed_on = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub use crate::a::A; pub struct B;"),
        ];
        assert!(of(&passed_on).is_empty());
        let used_too = [passed_on[0], passed_on[1], ("b.rs", "pub use crate::a::A; pub struct B(A);")];
        assert_eq!(of(&used_too), ["a.rs -> b.rs -> a.rs"]);
    }

    #[test]
    fn the_name_of_a_room_leads_to_the_file_behind_it() {
        let files = [
            ("lib.rs", "mod a; mod room;"),
            ("a.rs", "use crate::room; pub fn f() { room::inner::g() }"),
            ("room/mod.rs", "pub mod inner;"),
            ("room/inner.rs", "pub fn g() { crate::a::f() }"),
        ];
        assert_eq!(of(&files), ["a.rs -> room/inner.rs -> a.rs"]);
    }

    #[test]
    fn what_only_tests_and_comments_use_does_not_count() {
        let with = |b| of(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", b)]);
        assert_eq!(with("use crate::a; fn f() { a::f() }"), ["a.rs -> b.rs -> a.rs"]);
        for ignored in [
            "#[cfg(test)] mod tests { use crate::a::f; }",
            "#[cfg(all(test, unix))] mod tests { use crate::a::f; }",
            "#[cfg(test)] use crate::a::f;",
            "struct B; impl B { #[cfg(test)] fn f() { crate::a::f() } }",
            "/// As [`crate::a::f`].\nfn f() {}",
        ] {
            assert!(with(ignored).is_empty(), "{ignored}");
        }
        for counted in ["#[cfg(unix)] use crate::a::f;", "#[cfg(not(test))] use crate::a::f;"] {
            assert_eq!(with(counted).len(), 1, "{counted}");
        }
    }

    #[test]
    fn macros_and_inline_modules_are_read() {
        for b in [
            "macro_rules! m { ($x:expr) => { $crate::a::f($x) } }",
            "fn f() { println!(\"{}\", crate::a::f()) }",
            "use crate::a; fn f() { assert!(a::f()) }",
            "mod sealed { use super::super::a::f; }",
            "mod sealed { fn f() { super::super::a::f() } }",
            "use super::*; fn f() { a::f() }",
            "use crate::a::*; fn g() { f() }",
        ] {
            let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B; pub fn f() {}"), ("b.rs", b)];
            assert_eq!(of(&files), ["a.rs -> b.rs -> a.rs"], "{b}");
        }
    }

    #[test]
    fn a_macro_belongs_to_the_file_that_defines_it() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::m; pub fn f() { m!() }"),
            ("b.rs", "macro_rules! m { () => { $crate::a::f() } } pub(crate) use m;"),
        ];
        assert_eq!(of(&files), ["a.rs -> b.rs -> a.rs"]);
    }

    #[test]
    fn a_module_without_a_file_is_an_error() {
        let load = |path: &Path| (path == Path::new("src/lib.rs")).then(|| "mod lost;".to_owned());
        let error = circles(Path::new("src"), Path::new("src/lib.rs"), &load).unwrap_err();
        assert!(error.contains("lost"), "{error}");
    }
}
