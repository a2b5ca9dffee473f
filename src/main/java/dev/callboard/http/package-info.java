/**
 * The HTTP servers: the public one with its admission control (connections, timeouts, bodies in memory, requests in
 * flight), the management server with its guard, how Camel's routes are served by both, and the checks of the route files
 * that users edit. Uses {@code settings}, {@code security} and {@code text}; what a callback means is decided elsewhere.
 */
package dev.callboard.http;
