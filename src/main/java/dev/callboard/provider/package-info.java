/**
 * Asks the providers about tasks that are not over: the schedule, the requests and their limits, and what comes of them.
 * Uses the packages task, db and settings.
 */
package dev.callboard.provider;
