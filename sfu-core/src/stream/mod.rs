//! One stream in or out, and what it learns about its path.
