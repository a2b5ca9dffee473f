/**
 * The database: opening it with its migrations, what differs between H2 and PostgreSQL, the meaning of SQL errors, SQL
 * files, and the retention. Knows the tables by their SQL only. May use {@code settings} and {@code text}.
 */
package dev.callboard.db;
