/**
 * Alerts and how they are mailed: the kinds of alerts, who receives them, the outbox that gathers them into mails and
 * retries until a mail server accepts these, their text, and the senders. Alerts of tasks are stored by the package
 * {@code task}. May use {@code db}, {@code settings} and {@code text}.
 */
package dev.callboard.alert;
