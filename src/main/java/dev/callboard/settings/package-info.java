/**
 * What a user can set: every {@code callboard.*} key, read and checked once at startup into typed records, and the
 * exception that stops the start. Uses package {@code text} only.
 */
package dev.callboard.settings;
