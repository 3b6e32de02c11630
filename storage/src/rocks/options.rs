//! RocksDB's options, for large values that do not compress, are written once and read in order.

use rocksdb::{BlockBasedOptions, DBCompressionType, LogLevel, Options};

use super::families::{BLOBS, ROWS};

/// The options of the database.
pub(super) fn database(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_paranoid_checks(true);
    options.enable_statistics();
    // What it tells of itself: a compaction would take 18 KiB.
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(1 << 20);
    options.set_keep_log_file_num(1);
    // The list of its files begins anew at this length, and not at 1 GiB: whoever opens it reads all of it.
    options.set_max_manifest_file_size(1 << 20);
    options.set_max_open_files(256);
    options.set_max_background_jobs(2);
    // The log is truncated when its families are flushed: at most two write buffers.
    options.set_max_total_wal_size(128 << 20);
    options
}

/// The options of a column family. Rows and blobs do not compress. Blob files keep compactions from rewriting them. Ids
/// compress.
pub(super) fn family(name: &str) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_size(16 << 10);
    options.set_block_based_table_factory(&table);
    match name {
        ROWS | BLOBS => {
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
