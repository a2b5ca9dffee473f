/**
 * The application: {@link dev.callboard.Callboard} starts it and wires the beans that the routes name. May use every
 * other package; no other package uses it.
 */
package dev.callboard;
