/**
 * Callbacks as HTTP requests: reading their URL and body, checking it against the provider's schema, listing its files, and
 * describing errors for the caller and the quarantine. The beans that the user's routes name are here;
 * their names and methods are a contract and do not change. Uses {@code db}, {@code settings} and {@code text}.
 */
package dev.callboard.callback;
