//! Whether an item is compiled for tests only.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Whether one of the attributes is `#[cfg(test)]`, or a combination that only tests meet.
pub(super) fn only_in_tests(attributes: &[Attribute]) -> bool {
    let mut conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.any(|attribute| parts(&attribute.meta).any(|condition| needs_test(&condition)))
}

fn needs_test(condition: &Meta) -> bool {
    let path = condition.path();
    if path.is_ident("all") {
        return parts(condition).any(|part| needs_test(&part));
    }
    if path.is_ident("any") {
        return parts(condition).all(|part| needs_test(&part));
    }
    path.is_ident("test")
}

/// The parts of `name(part, …)`.
fn parts(meta: &Meta) -> impl Iterator<Item = Meta> {
    let list = meta.require_list().ok();
    let parts = list.and_then(|list| list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok());
    parts.into_iter().flatten()
}
