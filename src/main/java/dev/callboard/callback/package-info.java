/**
 * What a callback is: reading its URL and its body, checking it against the provider's schema, listing its files, and
 * describing what is wrong with it to the caller and in the quarantine. The beans that the user's routes name are here;
 * their names and methods are a contract and do not change. Uses {@code settings} and {@code text}.
 */
package dev.callboard.callback;
