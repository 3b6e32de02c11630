//! Paths in the tokens of a macro, which have no syntax of their own.

use proc_macro2::{TokenStream, TokenTree};

/// Calls `take` with each path, those of one name included.
pub(super) fn paths(tokens: TokenStream, take: &mut dyn FnMut(Vec<String>)) {
    let (mut path, mut colons, mut before) = (Vec::new(), 0, ' ');
    for token in tokens {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ':' => {
                colons += 1;
                continue;
            }
            TokenTree::Ident(name) if colons == 2 => {
                // Nothing is before the colons if they follow a type in `<…>`, or what a macro is given.
                if !path.is_empty() {
                    path.push(name.to_string());
                }
            }
            TokenTree::Ident(name) => {
                end(&mut path, take);
                // No field, no method, and nothing that a macro is given.
                if before != '.' && (before != '$' || name == "crate") {
                    path.push(name.to_string());
                }
                before = ' ';
            }
            other => {
                end(&mut path, take);
                before = if let TokenTree::Punct(mark) = &other { mark.as_char() } else { ' ' };
                if let TokenTree::Group(group) = other {
                    paths(group.stream(), take);
                }
            }
        }
        colons = 0;
    }
    end(&mut path, take);
}

fn end(path: &mut Vec<String>, take: &mut dyn FnMut(Vec<String>)) {
    if !path.is_empty() {
        take(std::mem::take(path));
    }
}
