/**
 * Look-ups of the management port: the parameters of a request, checked; lists in pages, each with a cursor to the next;
 * and the queries behind them. Nothing here changes a row. May use {@code db} and {@code text}.
 */
package dev.callboard.lookup;
