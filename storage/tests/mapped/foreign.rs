//! What others put into a database's folder stays there.

use std::fs;

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Durability, IdKind, Storage};

use crate::image::scratch;
use crate::kit::{Model, contents, schema};

fn checkpoint(db: &Mapped) {
    let write = |out: &mut dyn std::io::Write| out.write_all(b"edges");
    db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }]).unwrap();
}

#[test]
fn files_of_others_stay_and_leftovers_of_ours_go() {
    let dir = scratch();
    let [path, another] = ["db", "another"].map(|name| dir.path().join(name));
    let mut models = [Model::new(16), Model::new(16)];
    for (path, model) in [&path, &another].into_iter().zip(&mut models) {
        let db = Mapped::create(path, &schema(16, IdKind::U64), Durability::Sync).unwrap();
        model.commit(&db, 9, &[]).unwrap();
        checkpoint(&db);
        model.commit(&db, 9, &[4]).unwrap();
    }
    // Text, what looks like ours and is not, and what another database's are.
    let foreign = ["app.20261129", "backup.000001", "rows.000777", "graph.000778", "ids.000779", "commits.000780"];
    let empty = ["empty.000001", "graph.000999", &format!("last.{}", 1u64 << 62)];
    for name in foreign {
        fs::write(path.join(name), format!("{name}, not of a database")).unwrap();
    }
    for name in empty {
        fs::write(path.join(name), "").unwrap();
    }
    let names = |path: &std::path::Path| -> Vec<String> {
        let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "LOCK" && !name.starts_with("MANIFEST")).collect()
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for name in names(&another) {
        let kind = name.split_once('.').unwrap().0;
        fs::copy(another.join(&name), path.join(format!("{kind}.000888"))).unwrap();
        theirs.push(format!("{kind}.000888"));
    }
    for kind in ["rows", "commits", "ids", "graph"] {
        let own = names(&path).into_iter().find(|name| name.starts_with(&format!("{kind}.00000"))).unwrap();
        fs::copy(path.join(own), path.join(format!("{kind}.000889"))).unwrap();
        ours.push(format!("{kind}.000889"));
    }

    for _ in 0..2 {
        let db = Mapped::open(&path, Durability::Sync).unwrap();
        let model = &mut models[0];
        model.commit(&db, 3, &[]).unwrap();
        checkpoint(&db);
        drop(db.compact(&db.view(), &model.living(), &[]).unwrap());
        model.reorder(&model.living());
        checkpoint(&db);
        assert_eq!(db.verify(), []);
    }
    for name in foreign {
        assert_eq!(fs::read_to_string(path.join(name)).unwrap(), format!("{name}, not of a database"));
    }
    for name in empty.into_iter().chain(theirs.iter().map(String::as_str)) {
        assert!(path.join(name).exists(), "{name} went");
    }
    for name in ours {
        assert!(!path.join(&name).exists(), "{name} is left");
    }
    let db = Mapped::open(&path, Durability::Sync).unwrap();
    assert_eq!(contents(&db.view()), models[0].slots);
}

/// A segment's number cannot be chosen: a file that has its name is an error, and stays.
#[test]
fn a_file_where_a_segment_is_to_be_made_is_an_error_and_stays() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(16, IdKind::U64), Durability::Sync).unwrap();
    fs::write(path.join("rows.000000"), "letters").unwrap();
    let mut model = Model::new(16);
    let refused = model.clone().commit(&db, 1, &[]).unwrap_err();
    assert!(refused.to_string().contains("rows.000000"), "{refused}");
    assert_eq!(fs::read_to_string(path.join("rows.000000")).unwrap(), "letters");
    // What an unfinished attempt left makes room: no header arrived.
    fs::write(path.join("rows.000000"), [0; 5000]).unwrap();
    model.commit(&db, 1, &[]).unwrap();
    assert_eq!(db.verify(), []);
}
