//! Tests of the whole mirror.
