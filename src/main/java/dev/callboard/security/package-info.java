/**
 * Who is calling: the client address behind trusted proxies, the providers' allow lists and tokens, and what is logged,
 * counted and collected of rejected callers. Uses {@code settings} and {@code text}.
 */
package dev.callboard.security;
