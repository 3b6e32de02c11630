//! How RocksDB is set up: large values that do not compress, written once, read in order.

use rocksdb::{BlockBasedOptions, DBCompressionType, Options};

/// Options of the whole.
pub(super) fn database(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_paranoid_checks(true);
    options.enable_statistics();
    options.set_keep_log_file_num(1);
    options.set_max_open_files(256);
    options.set_max_background_jobs(2);
    // The log is cut when its families are flushed: not more than two write buffers of it.
    options.set_max_total_wal_size(128 << 20);
    options
}

/// Options of a column family. Rows and blobs are vectors and graphs: they do not compress, and in
/// blob files they are written once and not again by every compaction. Ids compress.
pub(super) fn family(name: &str) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_size(16 << 10);
    options.set_block_based_table_factory(&table);
    match name {
        super::store::ROWS | super::store::BLOBS => {
            options.set_write_buffer_size(64 << 20);
            options.set_compression_type(DBCompressionType::None);
            options.set_enable_blob_files(true);
            options.set_min_blob_size(4 << 10);
            options.set_enable_blob_gc(true);
        }
        _ => {
            options.set_write_buffer_size(16 << 20);
            options.set_compression_type(DBCompressionType::Lz4);
        }
    }
    options
}
