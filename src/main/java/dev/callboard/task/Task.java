package dev.callboard.task;

import java.time.Instant;
import java.util.UUID;

/**
 * The state of a task, and the order rules: which callback replaces it. All methods are pure; times come from the
 * callbacks.
 *
 * @param occurredAt the provider's latest time in a callback that was applied; never goes back; null if none had a time
 * @param lastCallbackAt when the latest callback arrived, duplicates and stale ones included; never goes back
 * @param changedAt when a callback was applied last; never goes back
 * @param outcomeSince since when the task has had this outcome
 * @param appliedCallbackId the callback that was applied last
 * @param appliedOccurredAt the provider's time in that callback; null if it had none
 * @param appliedReceivedAt when that callback arrived, which may be long before it was applied if it was replayed
 * @param revision counts the changes of status, from 1
 */
record Task(
        TaskKey key,
        String taskType,
        String family,
        String businessId,
        String sourceTaskId,
        String regenType,
        String status,
        Outcome outcome,
        String failureReason,
        Instant occurredAt,
        Instant firstReceivedAt,
        Instant lastCallbackAt,
        Instant changedAt,
        Instant outcomeSince,
        UUID appliedCallbackId,
        Instant appliedOccurredAt,
        Instant appliedReceivedAt,
        int revision) {

    /** The state after a task's first callback. */
    static Task of(Callback first) {
        return new Task(
                first.key(),
                first.taskType(),
                first.family(),
                first.businessId(),
                first.sourceTaskId(),
                first.regenType(),
                first.status(),
                first.outcome(),
                first.failureReason(),
                first.occurredAt(),
                first.receivedAt(),
                first.receivedAt(),
                first.recordedAt(),
                first.recordedAt(),
                first.id(),
                first.occurredAt(),
                first.receivedAt(),
                1);
    }

    /**
     * Whether a callback, which is no duplicate, is applied to the task or stale. It is compared with the callback that was
     * applied last. The first rule that applies decides:
     *
     * <ol>
     *   <li>A known outcome replaces an unknown one, never the other way round.
     *   <li>Both have the provider's time: the later one wins; at equal times a finished outcome wins over "in progress",
     *       otherwise the one received last.
     *   <li>One of them has no time: "in progress" does not replace a finished outcome; otherwise the one received last wins.
     * </ol>
     *
     * The one received last is the callback, unless it is replayed.
     */
    boolean isReplacedBy(Callback callback) {
        if ((callback.outcome() == Outcome.UNKNOWN) != (outcome == Outcome.UNKNOWN)) {
            return outcome == Outcome.UNKNOWN;
        }
        if (callback.occurredAt() != null && appliedOccurredAt != null) {
            int order = callback.occurredAt().compareTo(appliedOccurredAt);
            if (order != 0) {
                return order > 0;
            }
        }
        if (callback.outcome().isFinished() != outcome.isFinished()) {
            return callback.outcome().isFinished();
        }
        return callback.origin() != Origin.REPLAY || callback.receivedAt().isAfter(appliedReceivedAt);
    }

    /**
     * Whether a callback whose body was received before is a new event all the same. Without a time, a provider that says
     * "failed", "completed" and "failed" again sends the first body twice.
     */
    boolean isRevertedBy(Callback callback) {
        return callback.occurredAt() == null
                && callback.outcome().isFinished()
                && callback.outcome() != outcome
                && isReplacedBy(callback);
    }

    /** The state after a callback that replaces this one. What the callback omits stays. */
    Task apply(Callback callback) {
        Instant change = later(callback.recordedAt(), changedAt);
        return new Task(
                key,
                orElse(callback.taskType(), taskType),
                orElse(callback.family(), family),
                orElse(callback.businessId(), businessId),
                orElse(callback.sourceTaskId(), sourceTaskId),
                orElse(callback.regenType(), regenType),
                callback.status(),
                callback.outcome(),
                callback.failureReason(),
                later(callback.occurredAt(), occurredAt),
                firstReceivedAt,
                later(callback.receivedAt(), lastCallbackAt),
                change,
                callback.outcome() == outcome ? outcomeSince : change,
                callback.id(),
                callback.occurredAt(),
                callback.receivedAt(),
                callback.status().equals(status) ? revision : revision + 1);
    }

    private static String orElse(String value, String before) {
        return value == null ? before : value;
    }

    private static Instant later(Instant one, Instant other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.isAfter(other) ? one : other;
    }
}
