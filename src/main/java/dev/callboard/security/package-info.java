/**
 * The check of callers: the client address behind trusted proxies, the providers' allow lists and tokens, and the logging,
 * counting and reporting of rejected callers. Uses {@code settings} and {@code text}.
 */
package dev.callboard.security;
