package dev.callboard.task;

import java.time.Instant;
import java.util.UUID;

/**
 * Where a task stands, and the rules by which a callback moves it: nothing older overwrites anything newer.
 *
 * @param occurredAt the provider's latest time in what moved it; never goes back; null if nothing had one
 * @param orderTime the provider's time that the next callback is compared with: {@code occurredAt}, but that a known
 *     outcome which replaces an unknown one starts anew, so that the order of arrival makes no difference
 * @param heardAt when any callback of it came last, repeats too
 * @param changedAt when it was moved last
 * @param outcomeSince since when it has had this outcome
 * @param callbackId the callback that moved it last
 * @param turn how often its status has changed, from 1
 */
public record Task(
        TaskKey key,
        String taskType,
        String businessId,
        String sourceTaskId,
        String regenType,
        String status,
        Outcome outcome,
        String failureReason,
        Instant occurredAt,
        Instant orderTime,
        Instant firstReceivedAt,
        Instant heardAt,
        Instant changedAt,
        Instant outcomeSince,
        UUID callbackId,
        int turn) {

    /** The task as its first callback makes it. */
    static Task startedBy(Callback callback) {
        return new Task(
                callback.key(),
                callback.taskType(),
                callback.businessId(),
                callback.sourceTaskId(),
                callback.regenType(),
                callback.status(),
                callback.outcome(),
                callback.failureReason(),
                callback.occurredAt(),
                callback.occurredAt(),
                callback.receivedAt(),
                callback.receivedAt(),
                callback.receivedAt(),
                callback.receivedAt(),
                callback.id(),
                1);
    }

    /** Whether a callback that is no repeat is newer than where the task stands; the first rule that applies decides. */
    boolean isMovedBy(Callback callback) {
        if ((callback.outcome() == Outcome.UNKNOWN) != (outcome == Outcome.UNKNOWN)) {
            return outcome == Outcome.UNKNOWN;
        }
        if (callback.occurredAt() != null && orderTime != null) {
            int order = callback.occurredAt().compareTo(orderTime);
            if (order != 0) {
                return order > 0;
            }
        }
        if (callback.outcome().isFinished() != outcome.isFinished()) {
            return callback.outcome().isFinished();
        }
        // The one received last; only what was sent again from the quarantine may have been received before.
        return !callback.origin().equals(Callback.REPLAY)
                || callback.receivedAt().isAfter(changedAt);
    }

    /** The task after a callback that moves it. What the callback does not tell stays as it was. */
    Task movedBy(Callback callback) {
        boolean becomesKnown = outcome == Outcome.UNKNOWN && callback.outcome() != Outcome.UNKNOWN;
        return new Task(
                key,
                orElse(callback.taskType(), taskType),
                orElse(callback.businessId(), businessId),
                orElse(callback.sourceTaskId(), sourceTaskId),
                orElse(callback.regenType(), regenType),
                callback.status(),
                callback.outcome(),
                callback.failureReason(),
                later(callback.occurredAt(), occurredAt),
                becomesKnown ? callback.occurredAt() : later(callback.occurredAt(), orderTime),
                firstReceivedAt,
                later(callback.receivedAt(), heardAt),
                callback.receivedAt(),
                callback.outcome() == outcome ? outcomeSince : callback.receivedAt(),
                callback.id(),
                callback.status().equals(status) ? turn : turn + 1);
    }

    private static String orElse(String told, String before) {
        return told == null ? before : told;
    }

    private static Instant later(Instant one, Instant other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.isAfter(other) ? one : other;
    }
}
