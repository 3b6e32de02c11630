//! Every kind of file, read and written, against bytes written by hand or by other programs.

mod bytes;
mod changed;
mod hostile;
mod numpy;
mod round_trip;
mod samples;
mod text;
