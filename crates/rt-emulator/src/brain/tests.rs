//! Whole sessions in simulated time.
