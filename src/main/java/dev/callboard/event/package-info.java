/**
 * Events: what the user's own systems are told of changes of tasks. The package {@code task} hands each change to {@link
 * dev.callboard.event.EventLog}, in the transaction that makes it; {@link dev.callboard.event.EventDelivery} delivers what is
 * stored, at least once and in the order of each task, by the route {@code on-task-change}. May use {@code alert}, {@code
 * db}, {@code http}, {@code settings} and {@code text}.
 */
package dev.callboard.event;
